"""What a result looks like on the map: kind of result -> renderer, read off the sidecar.

`save_style` writes `<output>.qml` when a result is made, in whatever thread, so that it opens styled wherever it is
added from later; `Styler` finishes a layer when QGIS loads it, in the main thread.
"""

import json
import os
import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

from qgis.core import (
    Qgis,
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsContrastEnhancement,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsPalettedRasterRenderer,
    QgsPercentageNumericFormat,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRasterRenderer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

from ..core.jobs.declare import OUTPUTS
from ..core.jobs.registry import JOBS
from .i18n import tr

SUFFIX = ".quadrat.json"
VIRIDIS = ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725")
"""Matplotlib's viridis at every eighth, CC0. QGIS's own copy may be missing from a profile's style database."""
RAMP_STEPS = 9
LONGEST_CHAIN = 5
VEIL = (84, 90, 98)
"""Colour that lies over places of low confidence; a grey that shows on a white canvas and in a dark legend."""

Facts = Dict[str, Any]


def read_facts(path: str) -> Tuple[Facts, Facts]:
    """Facts and job of a result from its sidecar; both empty when there is none that can be read."""
    try:
        with open(path + SUFFIX, encoding="utf-8") as file:
            content = json.load(file)
        facts, job = content["facts"], content["job"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}, {}
    return (facts, job) if isinstance(facts, dict) and isinstance(job, dict) else ({}, {})


def kind_of(path: str, facts: Facts, job: Facts) -> str:
    """What lies in the file: what its job declares, made exact by the facts (a map is of classes or of values)."""
    declared = JOBS.get(job.get("job", ""))
    for name, p in declared.params().items() if declared else ():
        same = os.path.basename(str(job.get(name))) == os.path.basename(path)
        if p.kind in OUTPUTS and same and p.result in ("confidence", "probabilities"):
            return p.result
    return str(facts.get("result", ""))


def renderer_of(path: str) -> Optional[QgsRasterRenderer]:
    """The renderer for a result; None when its sidecar does not say what it is."""
    facts, job = read_facts(path)
    maker = _RENDERERS.get(kind_of(path, facts, job))
    return maker(facts) if maker else None


def save_style(path: str) -> bool:
    """Write the style of a raster result beside it, as QGIS looks for it; False when that cannot be done.

    Written without opening the raster: QGIS would compute statistics and leave them in a file beside it.
    """
    renderer = renderer_of(path)
    if renderer is None:
        return False
    document = QDomDocument("qgis")
    root = document.createElement("qgis")
    root.setAttribute("version", Qgis.QGIS_VERSION)
    root.setAttribute("styleCategories", "AllStyleCategories")
    document.appendChild(root)
    pipe = document.createElement("pipe")
    root.appendChild(pipe)
    renderer.writeXml(document, pipe)
    temporary = style_path(path) + ".part"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(document.toString(1))
        os.replace(temporary, style_path(path))
    except OSError:
        return False
    return True


def style_path(path: str) -> str:
    """Where QGIS looks for the default style of a file."""
    return os.path.splitext(path)[0] + ".qml"


# Renderers -----------------------------------------------------------------------------------------------------


def _embedding(facts: Facts) -> Optional[QgsRasterRenderer]:
    picture = facts.get("picture") or {}
    bands, ranges = picture.get("bands") or [], picture.get("ranges") or []
    if not bands or len(bands) != len(ranges):
        return None
    three = [bands[min(i, len(bands) - 1)] for i in range(3)]
    limits = [ranges[min(i, len(ranges) - 1)] for i in range(3)]
    renderer = QgsMultiBandColorRenderer(None, *three)
    setters = (
        renderer.setRedContrastEnhancement,
        renderer.setGreenContrastEnhancement,
        renderer.setBlueContrastEnhancement,
    )
    for (low, high), setter in zip(limits, setters):
        stretch = QgsContrastEnhancement(Qgis.DataType.Float32)
        stretch.setMinimumValue(float(low))
        stretch.setMaximumValue(float(high))
        algorithm = QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
        stretch.setContrastEnhancementAlgorithm(algorithm)
        setter(stretch)
    return renderer


def _class_map(facts: Facts) -> Optional[QgsRasterRenderer]:
    classes = [
        QgsPalettedRasterRenderer.Class(float(c["value"]), QColor(c["colour"]), str(c["name"]))
        for c in facts.get("classes") or []
    ]
    return QgsPalettedRasterRenderer(None, 1, classes) if classes else None


def _value_map(facts: Facts) -> Optional[QgsRasterRenderer]:
    low, high = (float(v) for v in facts.get("range") or (0.0, 1.0))
    return _pseudocolour(low, high, [QColor(c) for c in VIRIDIS])


def _confidence(facts: Facts) -> Optional[QgsRasterRenderer]:
    return _pseudocolour(0.0, 1.0, [QColor(*VEIL, alpha) for alpha in (235, 0)], in_percent=True)


def _probabilities(facts: Facts) -> Optional[QgsRasterRenderer]:
    return _pseudocolour(0.0, 1.0, [QColor(c) for c in VIRIDIS], in_percent=True)


def _pseudocolour(low: float, high: float, colours: List[QColor], *, in_percent: bool = False) -> QgsRasterRenderer:
    if not high > low:
        low, high = low - 0.5, low + 0.5
    steps = len(colours) - 1
    stops = [QgsGradientStop(i / steps, colour) for i, colour in enumerate(colours)][1:-1]
    ramp = QgsGradientColorRamp(colours[0], colours[-1], False, stops)
    function = QgsColorRampShader(low, high, ramp, QgsColorRampShader.Type.Interpolated)
    items = []
    for step in range(RAMP_STEPS):
        share = step / (RAMP_STEPS - 1)
        value = low + share * (high - low)
        label = f"{100 * value:.0f} %" if in_percent else f"{value:.4g}"
        items.append(QgsColorRampShader.ColorRampItem(value, ramp.color(share), label))
    function.setColorRampItemList(items)
    if in_percent:
        percent = QgsPercentageNumericFormat()
        percent.setInputValues(QgsPercentageNumericFormat.InputValues.ValuesAreFractions)
        legend = QgsColorRampLegendNodeSettings()
        legend.setNumericFormat(percent)
        function.setLegendSettings(legend)
    shader = QgsRasterShader(low, high)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(None, 1, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    return renderer


_RENDERERS: Dict[str, Callable[[Facts], Optional[QgsRasterRenderer]]] = {
    "embedding": _embedding,
    "classmap": _class_map,
    "valuemap": _value_map,
    "confidence": _confidence,
    "probabilities": _probabilities,
}


# Layers that QGIS loads ----------------------------------------------------------------------------------------


def layer_name(label: str, job: Facts) -> str:
    """`Map of olinda`: what it is, and of which raster or table in the end."""
    source = _origin(job)
    stem = os.path.splitext(os.path.basename(source))[0]
    return tr("{what} of {source}").format(what=label, source=stem) if stem else label


def _origin(job: Facts) -> str:
    """What the user began with: a map is of the raster that was embedded, whatever the embedding's file is called."""
    source = ""
    for _ in range(LONGEST_CHAIN):
        asked = str(job.get("input") or job.get("embedding") or job.get("table") or "").partition("|")[0]
        if not asked:
            break
        source = asked
        _, job = read_facts(source)
    return source


def abstract(facts: Facts, job: Facts) -> str:
    """How the layer was made, in words, for its properties."""
    declared = JOBS.get(job.get("job", ""))
    if declared is None:
        return ""
    defaults, lines = declared.defaults(), [tr("Made by Quadrat: {title}.").format(title=tr(declared.facts.title))]
    for name, p in declared.params().items():
        value = job.get(name)
        if value and (p.required or value != defaults[name]) and p.kind not in OUTPUTS:
            lines.append(f"{tr(p.label)}: {value}")
    lines.append(tr("The whole job lies beside the file and can be run again: python -m quadrat run FILE.quadrat.json"))
    return "\n".join(lines)


class Styler(QgsProcessingLayerPostProcessorInterface):
    """Finishes a result when QGIS loads it."""

    def postProcessLayer(  # noqa: N802 - Qt's name
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Style the layer (Processing loads results without the style file beside them) and note how it was made."""
        path = layer.source().partition("|")[0]
        facts, job = read_facts(path)
        if isinstance(layer, QgsRasterLayer):
            renderer = renderer_of(path)
            if renderer is not None:
                layer.setRenderer(renderer)
                layer.triggerRepaint()
            node = context.project().layerTreeRoot().findLayer(layer.id()) if context.project() else None
            if node is not None:
                node.setExpanded(True)  # the names of the classes are half of the map
        text = abstract(facts, job)
        if text:
            metadata = layer.metadata()
            metadata.setAbstract(text)
            layer.setMetadata(metadata)


_lock = threading.Lock()
_alive: List[Styler] = []


def new_styler() -> Styler:
    """A post-processor for one layer, for `LayerDetails.setPostProcessor`.

    The context deletes the C++ side with itself, but does not keep the Python side alive until then: that is done here.
    """
    global _alive
    styler = Styler()
    with _lock:
        _alive = [*(other for other in _alive if not sip.isdeleted(other)), styler]
    return styler
