"""What a result looks like on the map: kind of result -> renderer, read off the sidecar.

`save_style` writes `<output>.qml` when a result is made, in whatever thread, so that it opens styled wherever it is
added from later; `Styler` finishes a layer when QGIS loads it, in the main thread.
"""

import json
import os
import threading
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import (
    Qgis,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRasterRenderer,
    QgsVectorLayer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtXml import QDomDocument

from ..core.jobs.declare import OUTPUTS
from ..core.jobs.registry import JOBS
from .i18n import tr
from .renderers import RENDERERS
from .vectorstyles import DRESSERS, ODD, dress, stand_in

SUFFIX = ".quadrat.json"
STYLED_VECTORS = ".gpkg"
"""Tables in text files have no geometry that QGIS would find; that of a table of units is not known beforehand."""
LONGEST_CHAIN = 5
MADE_OF = (
    "input", "embedding", "table", "series", "map", "sample", "units", "cells", "boundary", "raster", "folder",
    "rasters", "survey", "orthomosaic", "annotations",
)  # fmt: skip
"""Fields of jobs that name what the result is of; the first that is given counts."""
ANY_MAP = "map"
"""Declared result of outputs that hold classes or values; the facts say which."""

Facts = Dict[str, Any]


def read_facts(path: str) -> Tuple[Facts, Facts]:
    """Facts and job of a result from its sidecar; both empty when there is none that can be read."""
    try:
        with open(path + SUFFIX, encoding="utf-8") as file:
            content = json.load(file)
        facts, job = content["facts"], content["job"]
    except (OSError, *ODD):
        return {}, {}
    return (facts, job) if isinstance(facts, dict) and isinstance(job, dict) else ({}, {})


def kind_of(path: str, facts: Facts, job: Facts) -> str:
    """What lies in the file: what its job declares, made exact by the facts (a map is of classes or of values)."""
    declared = JOBS.get(str(job.get("job", "")))
    for name, p in declared.params().items() if declared else ():
        same = os.path.basename(str(job.get(name))) == os.path.basename(path)
        if p.kind in OUTPUTS and same and p.result not in ("", ANY_MAP):
            return p.result
    return str(facts.get("result", ""))


def renderer_of(path: str) -> Optional[QgsRasterRenderer]:
    """The renderer for a result; None when its sidecar does not say what it is."""
    facts, job = read_facts(path)
    maker = RENDERERS.get(kind_of(path, facts, job))
    try:
        return maker(facts) if maker else None
    except ODD:
        return None


def save_style(path: str, shown_as: str = "") -> bool:
    """Write the style of a result beside it, as QGIS looks for it; False when that cannot be done.

    `shown_as` names another kind of result that the file can be shown as, see `looks_of`. Written without opening the
    result: QGIS would compute statistics of a raster and leave them in a file beside it.
    """
    document = _style_of(path, shown_as)
    if document is None:
        return False
    temporary = style_path(path) + ".part"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(document.toString(1))
        os.replace(temporary, style_path(path))
    except OSError:
        return False
    return True


def _style_of(path: str, shown_as: str = "") -> Optional[QDomDocument]:
    """The style file of a result; None when its sidecar does not say what it is."""
    facts, job = read_facts(path)
    kind, told = looks_of(path, facts, job, shown_as)
    document = QDomDocument("qgis")
    if kind in DRESSERS and path.lower().endswith(STYLED_VECTORS) and not job.get("units"):
        layer = stand_in(kind, told)
        dress(layer, kind, told)
        layer.exportNamedStyle(document)
        return document
    renderer = renderer_of(path)
    if renderer is None:
        return None
    root = document.createElement("qgis")
    root.setAttribute("version", Qgis.QGIS_VERSION)
    root.setAttribute("styleCategories", "AllStyleCategories")
    document.appendChild(root)
    pipe = document.createElement("pipe")
    root.appendChild(pipe)
    renderer.writeXml(document, pipe)
    return document


def style_path(path: str) -> str:
    """Where QGIS looks for the default style of a file."""
    return os.path.splitext(path)[0] + ".qml"


def looks_of(path: str, facts: Facts, job: Facts, shown_as: str = "") -> Tuple[str, Facts]:
    """Kind and facts that a vector result is dressed by.

    Steps hand the fields of their cells on, so that cells with vectors can be shown as the labelled cells that they
    also are; what there is to know of these stands in the sidecar of the step that made them.
    """
    if not shown_as:
        return kind_of(path, facts, job), with_classes(facts, job)
    for _ in range(LONGEST_CHAIN):
        if kind_of(path, facts, job) == shown_as:
            return shown_as, facts
        path = str(job.get("cells") or "").partition("|")[0]
        facts, job = read_facts(path)
    return shown_as, {}


# Layers that QGIS loads ----------------------------------------------------------------------------------------


def layer_name(label: str, job: Facts, facts: Optional[Facts] = None) -> str:
    """`Map of olinda`: what it is, and of which raster or table in the end; an indicator says what it is, too."""
    indicator = str((facts or {}).get("indicator") or "")
    if indicator and "predicted" in (facts or {}):
        proxy = tr(", a proxy") if (facts or {}).get("predicted") == "proxy" else ""
        label = f"{label} ({indicator}{proxy})"
    source = _origin(job)
    stem = os.path.splitext(os.path.basename(source))[0]
    return tr("{what} of {source}").format(what=label, source=stem) if stem else label


def _origin(job: Facts) -> str:
    """What the user began with: a map is of the raster that was embedded, whatever the embedding's file is called."""
    source = ""
    for _ in range(LONGEST_CHAIN):
        given = next((job[name] for name in MADE_OF if job.get(name)), "")
        asked = str(given[-1] if isinstance(given, list) else given).partition("|")[0]
        if not asked:
            break
        source = asked
        _, job = read_facts(source)
    return source


def with_classes(facts: Facts, job: Facts) -> Facts:
    """Facts with the classes of the head or map that the places are for, where they list none themselves."""
    classes = facts.get("classes")
    for name in ("head", "map"):
        told = read_facts(str(job[name]))[0] if job.get(name) and not classes else {}
        try:
            classes = classes or _named(told)
        except ODD:
            return facts
    return {**facts, "classes": classes} if classes else facts


def _named(facts: Facts) -> List[Facts]:
    """Classes without the last one where it stands for several: nothing on the ground, never what a place is."""
    classes = list(facts.get("classes") or [])
    doubt = classes and "unsure" in facts and str(classes[-1].get("name")).rstrip("?") == "unsure"
    return classes[:-1] if doubt else classes


def credits_of(facts: Facts) -> List[str]:
    """What must be named where the result is shown: credits of published embeddings behind it, with their licences."""
    credits = facts.get("credits")
    return [str(text) for text in credits] if isinstance(credits, list) else []


def abstract(facts: Facts, job: Facts) -> str:
    """How the layer was made, in words, for its properties."""
    declared = JOBS.get(str(job.get("job", "")))
    if declared is None:
        return ""
    defaults, lines = declared.defaults(), [tr("Made by Quadrat: {title}.").format(title=tr(declared.facts.title))]
    for name, p in declared.params().items():
        value = job.get(name)
        if value and (p.required or value != defaults[name]) and p.kind not in OUTPUTS:
            lines.append(f"{tr(p.label)}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    lines += credits_of(facts)
    text = tr("The whole job lies beside the file; Quadrat's command line runs it again: quadrat run {name}")
    lines.append(text.format(name="FILE.quadrat.json"))
    return "\n".join(lines)


UNDERMOST = ("probabilities", "disagreement", "error")
"""Results that are looked up after the map, which they would hide."""
Shelf = Dict[str, int]
"""Layers of one run that are loaded already, by id, each with its place in the pile: the greater the higher."""


def pile(names: List[str]) -> Dict[str, int]:
    """Place of each output of a job in the pile of layers: in the order of declaration, what lies over the map last."""
    found = {name: place + 1 for place, name in enumerate(names)}
    return {name: -place if name in UNDERMOST else place for name, place in found.items()}


def put_in_place(layer: QgsMapLayer, place: int, shelf: Shelf, context: QgsProcessingContext) -> None:
    """Move a layer that was just loaded under those of its run that belong above it.

    Processing loads the results of a run in the order of their paths, each above the one before. QGIS 3.32 and later
    sort them by a key of ours, after this.
    """
    root = context.project().layerTreeRoot() if context.project() else None
    node = root.findLayer(layer.id()) if root is not None else None
    if root is None or node is None:
        return
    above = [other for id, its in shelf.items() if its > place and (other := root.findLayer(id)) is not None]
    shelf[layer.id()] = place
    parent = node.parent()
    rows = [parent.children().index(other) for other in above if other.parent() is parent]
    if rows and parent.children().index(node) < max(rows):
        parent.insertChildNode(max(rows) + 1, node.clone())
        parent.removeChildNode(node)


def _unfold(layer: QgsMapLayer, context: QgsProcessingContext) -> None:
    """Show the legend of a layer: the names of the classes are half of the map."""
    node = context.project().layerTreeRoot().findLayer(layer.id()) if context.project() else None
    if node is not None:
        node.setExpanded(False)  # a node that was moved is shown folded, though it says otherwise
        node.setExpanded(True)


class Styler(QgsProcessingLayerPostProcessorInterface):
    """Finishes a result when QGIS loads it."""

    def __init__(self, place: int = 0, shelf: Optional[Shelf] = None, shown_as: str = "") -> None:
        super().__init__()
        self.place, self.shelf, self.shown_as = place, shelf if shelf is not None else {}, shown_as

    def postProcessLayer(  # noqa: N802 - Qt's name
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Style the layer (Processing loads results without the style file beside them) and note how it was made."""
        path = layer.source().partition("|")[0]
        facts, job = read_facts(path)
        put_in_place(layer, self.place, self.shelf, context)
        if isinstance(layer, QgsVectorLayer) and dress(layer, *looks_of(path, facts, job, self.shown_as)):
            _unfold(layer, context)
        if isinstance(layer, QgsRasterLayer):
            renderer = renderer_of(path)
            if renderer is not None:
                layer.setRenderer(renderer)
                layer.triggerRepaint()
            _unfold(layer, context)
        text = abstract(facts, job)
        if text:
            metadata = layer.metadata()
            metadata.setAbstract(text)
            metadata.setRights(credits_of(facts))
            layer.setMetadata(metadata)


_lock = threading.Lock()
_alive: List[Styler] = []


def new_styler(place: int = 0, shelf: Optional[Shelf] = None, shown_as: str = "") -> Styler:
    """A post-processor for one layer, for `LayerDetails.setPostProcessor`; layers of one run share the shelf.

    The context deletes the C++ side with itself, but does not keep the Python side alive until then: that is done here.
    """
    global _alive
    styler = Styler(place, shelf, shown_as)
    with _lock:
        _alive = [*(other for other in _alive if not sip.isdeleted(other)), styler]
    return styler
