"""What a form opened from the menu starts with: the layers of the project that fit its parameters."""

from typing import Any, Dict, List, Tuple

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ..core.jobs.declare import Kind
from ..core.jobs.registry import JOBS
from ..core.settlement.names import CELL, CLASS, FAVELA
from ..processing.parameters import key
from ..processing.styles import kind_of, read_facts

SAMPLE, MAP, UNITS = "sample", "map", "units"
RASTERS = {"embedding": "embedding", MAP: "classmap"}
"""Fields of jobs that want a raster of one kind."""
FOR_LOOKING = ("links", "cloud")
"""Vector results that nothing is learnt from."""
FAVELA_MAPS = ("settlement", "disagreement")
"""Results of 'Map favelas'; their cells are units to draw."""
PLACES = "places"

Told = Dict[str, Tuple[str, Dict[str, Any]]]
"""Kind and facts of each layer, by its id."""


def start_values(job_id: str, active: Any) -> Dict[str, Any]:
    """Values for the raster and label parameters of a job, by Processing name.

    An embedding in the project goes where an embedding is asked for, a map where a map is, another raster where a
    raster is; the active layer comes first, then the layers from top to bottom. The cells of a map of favelas are units
    to draw, unless a class map is there and they are not active; a sample of them brings the map along. Forms of models
    start empty: which layer is what in a chain is not to be guessed.
    """
    if job_id not in JOBS:
        return {}
    layers = _layers(active)
    rasters = [layer for layer in layers if isinstance(layer, QgsRasterLayer) and layer.providerType() == "gdal"]
    vectors = [layer for layer in layers if isinstance(layer, QgsVectorLayer)]
    facts = {layer.id(): _told(layer) for layer in [*rasters, *vectors]}
    kinds = {id: kind for id, (kind, _) in facts.items()}
    samples = [layer for layer in vectors if _is_sample(*facts[layer.id()])]
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
            found = [*samples]
        elif p.kind is Kind.VECTOR and p.required:
            # A drawn sample is for testing: learning from it would spoil what is estimated from it.
            found = [layer for layer in vectors if layer not in samples and kinds[layer.id()] not in FOR_LOOKING]
        if found:
            values[key(name)] = found[0].id()
    if UNITS in params and SAMPLE in params:
        values.update(_of_sample(samples, vectors, facts))
    elif UNITS in params:
        cells = [layer for layer in vectors if kinds[layer.id()] in FAVELA_MAPS]
        if cells and (cells[0] is active or key(MAP) not in values):
            values.pop(key(MAP), None)
            values.update({key(UNITS): cells[0].id(), **_fields(cells[0], unit_field=CELL, stratum_field=CLASS)})
    return values


def _of_sample(samples: List[QgsVectorLayer], vectors: List[QgsVectorLayer], facts: Told) -> Dict[str, Any]:
    """What goes with a sample of cells: the map that it was drawn from, and the class that is asked for."""
    design = facts[samples[0].id()][1].get("design") if samples else None
    if not isinstance(design, dict) or design.get("unit") != "unit" or design.get("stratum_field") != CLASS:
        return {}
    values: Dict[str, Any] = {}
    if any(stratum.get("name") == FAVELA for stratum in design.get("strata") or []):
        values[key("of_class")] = FAVELA
    drawn_from = str(design.get("source")).partition("|")[0]
    for layer in vectors:
        if layer.source().partition("|")[0] == drawn_from:
            return {**values, key(UNITS): layer.id(), **_fields(layer, prediction_field=CLASS)}
    return values


def _fields(layer: QgsVectorLayer, **wanted: str) -> Dict[str, str]:
    """Parameters with the fields that the layer has."""
    there = layer.fields().names()
    return {key(name): field for name, field in wanted.items() if field in there}


def _is_sample(kind: str, facts: Dict[str, Any]) -> bool:
    """Whether a layer was drawn to be labelled; cells have a field of labels too, but are there to learn from."""
    return kind == PLACES and bool(facts.get("label_field"))


def _layers(active: Any) -> List[QgsMapLayer]:
    ordered = QgsProject.instance().layerTreeRoot().layerOrder()
    return ([active] if isinstance(active, QgsMapLayer) else []) + [layer for layer in ordered if layer is not active]


def _told(layer: QgsMapLayer) -> Tuple[str, Dict[str, Any]]:
    """Kind of result that a layer is, empty for none, and the facts of it."""
    path = layer.source().partition("|")[0]
    facts, job = read_facts(path)
    return kind_of(path, facts, job), facts
