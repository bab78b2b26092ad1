"""What a form opened from the menu starts with: the layers of the project that fit its parameters."""

from typing import Any, Dict, List, Tuple

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ..core.jobs.declare import Kind
from ..core.jobs.registry import JOBS
from ..processing.parameters import key
from ..processing.styles import kind_of, read_facts

SAMPLE, MAP = "sample", "map"
RASTERS = {"embedding": "embedding", MAP: "classmap"}
"""Fields of jobs that want a raster of one kind."""
FOR_LOOKING = ("links", "cloud")
"""Vector results that nothing is learnt from."""


def start_values(job_id: str, active: Any) -> Dict[str, Any]:
    """Values for the raster and label parameters of a job, by Processing name.

    An embedding in the project goes where an embedding is asked for, a map where a map is, another raster where a
    raster is; the active layer comes first, then the layers from top to bottom.
    """
    layers = _layers(active)
    rasters = [layer for layer in layers if isinstance(layer, QgsRasterLayer) and layer.providerType() == "gdal"]
    vectors = [layer for layer in layers if isinstance(layer, QgsVectorLayer)]
    facts = {layer.id(): _told(layer) for layer in [*rasters, *vectors]}
    kinds = {id: kind for id, (kind, _) in facts.items()}
    values: Dict[str, Any] = {}
    params = JOBS[job_id].params()
    for name, p in params.items():
        if name == MAP and SAMPLE in params:
            continue  # the sample knows its map
        found: List[QgsMapLayer] = []
        if p.kind is Kind.RASTER and name in RASTERS:
            found = [layer for layer in rasters if kinds[layer.id()] == RASTERS[name]]
        elif p.kind is Kind.RASTER and p.required:
            found = [layer for layer in rasters if not kinds[layer.id()]]
        elif p.kind is Kind.VECTOR and p.required and name == SAMPLE:
            found = [layer for layer in vectors if facts[layer.id()][1].get("label_field")]
        elif p.kind is Kind.VECTOR and p.required:
            # A drawn sample is for testing: learning from it would spoil what is estimated from it.
            left = [layer for layer in vectors if not facts[layer.id()][1].get("label_field")]
            found = [layer for layer in left if kinds[layer.id()] not in FOR_LOOKING]
        if found:
            values[key(name)] = found[0].id()
    return values


def _layers(active: Any) -> List[QgsMapLayer]:
    ordered = QgsProject.instance().layerTreeRoot().layerOrder()
    return ([active] if isinstance(active, QgsMapLayer) else []) + [layer for layer in ordered if layer is not active]


def _told(layer: QgsMapLayer) -> Tuple[str, Dict[str, Any]]:
    """Kind of result that a layer is, empty for none, and the facts of it."""
    path = layer.source().partition("|")[0]
    facts, job = read_facts(path)
    return kind_of(path, facts, job), facts
