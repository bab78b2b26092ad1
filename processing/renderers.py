"""Raster renderers by kind of result, made of the facts in its sidecar.

To add a kind: a function here and a line in `RENDERERS`; its name is the `result` of the output in the job.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

from qgis.core import (
    Qgis,
    QgsBasicNumericFormat,
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsContrastEnhancement,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsMultiBandColorRenderer,
    QgsNumericFormat,
    QgsPalettedRasterRenderer,
    QgsPercentageNumericFormat,
    QgsRasterRenderer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

from .i18n import tr

VIRIDIS = ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725")
"""Matplotlib's viridis at every eighth, CC0. QGIS's own copy may be missing from a profile's style database."""
REDS = ("#fff5f0", "#fcbba1", "#fb6a4a", "#cb181d", "#67000d")
FALL_TO_RISE = ("#b2182b", "#ef8a62", "#f7f7f7", "#67a9cf", "#2166ac")
"""ColorBrewer's Reds and RdBu (https://colorbrewer2.org)."""
RAMP_STEPS = 9
VEIL = (84, 90, 98)
"""Colour that lies over places of low confidence; a grey that shows on a white canvas and in a dark legend."""
STRANGE = (122, 31, 92)
"""Colour that lies over places unlike all labels: a purple that no class has by default, and no grey of confidence."""
VEIL_FROM, VEIL_FULL = 1.0, 2.0
"""Dissimilarity in units of the threshold: nothing is drawn up to it, and no more is added beyond its double."""

Facts = Dict[str, Any]


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


def _picture(facts: Facts) -> Optional[QgsRasterRenderer]:
    """Red, green and blue as they are; what the file declares as nodata stays transparent."""
    return QgsMultiBandColorRenderer(None, 1, 2, 3)


def _series(facts: Facts) -> Optional[QgsRasterRenderer]:
    """The last date: three of its bands as a picture, or one on a scale of colours."""
    picture = facts.get("picture") or {}
    bands, ranges = picture.get("bands") or [], picture.get("ranges") or []
    if len(bands) != 1 or len(ranges) != 1:
        return _embedding(facts)
    colours = [QColor(c) for c in VIRIDIS]
    return _pseudocolour(float(ranges[0][0]), float(ranges[0][1]), colours, band=int(bands[0]))


def _indicator(facts: Facts) -> Optional[QgsRasterRenderer]:
    """The last date."""
    low, high = _range(facts, 0.0, 1.0)
    return _pseudocolour(low, high, [QColor(c) for c in VIRIDIS], band=len(facts.get("dates") or [1]))


def _error(facts: Facts) -> Optional[QgsRasterRenderer]:
    """From pale to dark; of several dates the last."""
    low, high = _range(facts, 0.0, 1.0)
    band = 1 if facts.get("first") else len(facts.get("dates") or [1])
    return _pseudocolour(low, high, [QColor(c) for c in REDS], band=band)


def _change(facts: Facts) -> Optional[QgsRasterRenderer]:
    """Fall in red, rise in blue, both alike about nothing."""
    low, high = _range(facts, -1.0, 1.0)
    return _pseudocolour(low, high, [QColor(c) for c in FALL_TO_RISE])


def _class_map(facts: Facts) -> Optional[QgsRasterRenderer]:
    classes = [
        QgsPalettedRasterRenderer.Class(float(c["value"]), QColor(c["colour"]), str(c["name"]))
        for c in facts.get("classes") or []
    ]
    return QgsPalettedRasterRenderer(None, 1, classes) if classes else None


def _value_map(facts: Facts) -> Optional[QgsRasterRenderer]:
    low, high = _range(facts, 0.0, 1.0)
    return _pseudocolour(low, high, [QColor(c) for c in VIRIDIS])


def _confidence(facts: Facts) -> Optional[QgsRasterRenderer]:
    return _pseudocolour(0.0, 1.0, [QColor(*VEIL, alpha) for alpha in (235, 0)], in_percent=True)


def _applicability(facts: Facts) -> Optional[QgsRasterRenderer]:
    """Nothing where the raster is like the labels, a veil that thickens where the head was never taught."""
    steps = (
        (VEIL_FROM, 0, tr("up to 1: like the labels")),
        (VEIL_FROM + 1e-3, 110, tr("above 1: unlike them")),
        (VEIL_FULL, 235, tr("from 2: nothing like them")),
    )
    ramp = QgsGradientColorRamp(QColor(*STRANGE, 0), QColor(*STRANGE, steps[-1][1]))
    function = QgsColorRampShader(0.0, VEIL_FULL, ramp, QgsColorRampShader.Type.Interpolated)
    Item = QgsColorRampShader.ColorRampItem  # noqa: N806 - a class
    function.setColorRampItemList([Item(value, QColor(*STRANGE, alpha), label) for value, alpha, label in steps])
    legend = QgsColorRampLegendNodeSettings()
    legend.setUseContinuousLegend(False)
    function.setLegendSettings(legend)
    return _single_band(function, 0.0, VEIL_FULL)


def _similarity(facts: Facts) -> Optional[QgsRasterRenderer]:
    low, high = _range(facts, -1.0, 1.0)
    two_digits = QgsBasicNumericFormat()
    two_digits.setNumberDecimalPlaces(2)
    return _pseudocolour(low, high, [QColor(c) for c in VIRIDIS], number_format=two_digits)


def _probabilities(facts: Facts) -> Optional[QgsRasterRenderer]:
    return _pseudocolour(0.0, 1.0, [QColor(c) for c in VIRIDIS], in_percent=True)


def _pseudocolour(
    low: float,
    high: float,
    colours: List[QColor],
    *,
    in_percent: bool = False,
    number_format: Optional[QgsNumericFormat] = None,
    band: int = 1,
) -> QgsRasterRenderer:
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
        number_format = QgsPercentageNumericFormat()
        number_format.setInputValues(QgsPercentageNumericFormat.InputValues.ValuesAreFractions)
    if number_format is not None:
        legend = QgsColorRampLegendNodeSettings()
        legend.setNumericFormat(number_format)
        function.setLegendSettings(legend)
    return _single_band(function, low, high, band)


def _single_band(function: QgsColorRampShader, low: float, high: float, band: int = 1) -> QgsRasterRenderer:
    shader = QgsRasterShader(low, high)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(None, band, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    return renderer


def _range(facts: Facts, low: float, high: float) -> Tuple[float, float]:
    """Lowest and highest value to show; the given ones where the facts do not say."""
    given = facts.get("range")
    if isinstance(given, (list, tuple)) and len(given) == 2:
        return float(given[0]), float(given[1])
    return low, high


RENDERERS: Dict[str, Callable[[Facts], Optional[QgsRasterRenderer]]] = {
    "embedding": _embedding,
    "classmap": _class_map,
    "valuemap": _value_map,
    "confidence": _confidence,
    "probabilities": _probabilities,
    "applicability": _applicability,
    "similarity": _similarity,
    "picture": _picture,
    "series": _series,
    "indicator": _indicator,
    "indicatorerror": _error,
    "indicatorchange": _change,
}
