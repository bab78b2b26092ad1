"""What a form opened from the menu starts with: the layers of the project that fit its parameters."""

from typing import Any, Dict, List

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ..core.jobs.declare import Kind
from ..core.jobs.registry import JOBS
from ..processing.parameters import key
from ..processing.styles import kind_of, read_facts


def start_values(job_id: str, active: Any) -> Dict[str, Any]:
    """Values for the raster and label parameters of a job, by Processing name.

    An embedding in the project goes where an embedding is asked for, another raster where a raster is; the active
    layer comes first, then the layers from top to bottom.
    """
    layers = _layers(active)
    rasters = [layer for layer in layers if isinstance(layer, QgsRasterLayer) and layer.providerType() == "gdal"]
    kinds = {layer.id(): _kind(layer) for layer in rasters}
    embeddings = [layer for layer in rasters if kinds[layer.id()] == "embedding"]
    plain = [layer for layer in rasters if not kinds[layer.id()]]
    vectors = [layer for layer in layers if isinstance(layer, QgsVectorLayer)]
    values: Dict[str, Any] = {}
    for name, p in JOBS[job_id].params().items():
        if p.kind is Kind.RASTER and name == "embedding":
            found: List[QgsMapLayer] = [*embeddings]
        elif p.kind is Kind.RASTER and p.required:
            found = [*plain]
        elif p.kind is Kind.VECTOR and p.required:
            found = [*vectors]
        else:
            continue
        if found:
            values[key(name)] = found[0].id()
    return values


def _layers(active: Any) -> List[QgsMapLayer]:
    ordered = QgsProject.instance().layerTreeRoot().layerOrder()
    return ([active] if isinstance(active, QgsMapLayer) else []) + [layer for layer in ordered if layer is not active]


def _kind(layer: QgsRasterLayer) -> str:
    path = layer.source().partition("|")[0]
    return kind_of(path, *read_facts(path))
