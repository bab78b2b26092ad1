"""How a survey looks on the map: circles in which clusters lie somewhere, the wider the paler; never a point."""

import html
from typing import Any, Dict, List

from qgis.core import (
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsGeometryGeneratorSymbolLayer,
    QgsProperty,
    QgsRuleBasedRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from .i18n import tr
from .settlementstyles import NO_CLASS, RAMP

FIELDS = {"cluster": "string", "region": "string", "urban": "string", "year": "int", "value": "double",
          "households": "int", "radius_m": "double", "likely_m": "double", "published_x": "double",
          "published_y": "double"}  # fmt: skip
"""Fields that the style speaks of, with their types."""
ERRORS = {"estimated": "double", "off": "double"}
"""The same of a map of errors."""
DENSE, PALE, DENSE_M = 75, 35, 2000
"""Opacity in per cent of circles of so many metres, and of the widest."""
FAINT = 12
"""Opacity in per cent of where only the few lie that were moved farther."""
INK = "#33475b"
OFF = ("#2166ac", "#67a9cf", "#c6dbe8", "#e6e6e6", "#f6cdb4", "#ef8a62", "#b2182b")
"""From too low to too high: ColorBrewer's RdBu (https://colorbrewer2.org), turned round."""
DEGREE_M = 111_195
"""Of latitude, on average."""
LIKELY = (
    'coalesce(intersection($geometry, make_ellipse(make_point("published_x", "published_y"), '
    f'"likely_m" / {DEGREE_M} / cos(radians("published_y")), "likely_m" / {DEGREE_M}, 90, 72)), $geometry)'
)
"""The part of the area within the usual displacement; layers of a survey are in degrees."""

Facts = Dict[str, Any]


def survey_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """Classes of equal count of the indicator; the legend says what a circle means, the map tip what is known."""
    bounds = [float(bound) for bound in facts.get("breaks") or []]
    name = str(facts.get("indicator") or "value")
    root = QgsRuleBasedRenderer.Rule(None)
    # Side by side, not nested: QGIS shows rules within rules folded.
    for rule in (_words(name), *_classes(bounds), *(_words(text) for text in _explained(facts))):
        root.appendChild(rule)
    renderer = QgsRuleBasedRenderer(root)
    # Small circles over large ones, which would hide them.
    largest_first = QgsFeatureRequest.OrderByClause('"radius_m"', False)
    renderer.setOrderBy(QgsFeatureRequest.OrderBy([largest_first]))
    renderer.setOrderByEnabled(True)
    layer.setRenderer(renderer)
    layer.setMapTipTemplate(_tip(name))
    layer.setDisplayExpression('"cluster"')


def errors_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """Places by how far they are estimated too high or too low, in shares of the spread of the indicator."""
    spread = float(facts.get("spread") or 1.0)
    steps = (-1.0, -0.5, -0.15, 0.15, 0.5, 1.0)
    bounds = [-1e30, *(step * spread for step in steps), 1e30]
    titles = (
        "far too low",
        "too low",
        "rather too low",
        "near the truth",
        "rather too high",
        "too high",
        "far too high",
    )
    root = QgsRuleBasedRenderer.Rule(None)
    for low, high, colour, title in zip(bounds, bounds[1:], OFF, titles):
        symbol = QgsSymbol.defaultSymbol(layer.geometryType())
        symbol.setColor(QColor(colour))
        symbol.setOpacity(0.85)
        range_ = f" ({low:.2g} to {high:.2g})"
        range_ = f" ({low:.2g} and more)" if high > 1e29 else f" (below {high:.2g})" if low < -1e29 else range_
        filter_ = f'"off" >= {low!r} AND "off" < {high!r}'
        root.appendChild(QgsRuleBasedRenderer.Rule(symbol, 0, 0, filter_, tr(title) + range_))
    layer.setRenderer(QgsRuleBasedRenderer(root))
    layer.setMapTipTemplate('[% round("estimated", 2) %] ([% round("off", 2) %])')


def _words(text: str) -> QgsRuleBasedRenderer.Rule:
    """A line of the legend that draws nothing."""
    return QgsRuleBasedRenderer.Rule(None, 0, 0, "", text)


def _classes(bounds: List[float]) -> "List[QgsRuleBasedRenderer.Rule]":
    rules = []
    for number, (low, high) in enumerate(zip(bounds, bounds[1:])):
        colour = RAMP[round(number * (len(RAMP) - 1) / max(len(bounds) - 2, 1))]
        last = number == len(bounds) - 2
        filter_ = f'"value" >= {low!r} AND "value" {"<=" if last else "<"} {high!r}'
        rules.append(
            QgsRuleBasedRenderer.Rule(
                _circle(colour), 0, 0, filter_, tr("{low:g} to {high:g}").format(low=low, high=high)
            )
        )
    return rules or [QgsRuleBasedRenderer.Rule(_circle(NO_CLASS), 0, 0, "", "")]


def _circle(colour: str) -> QgsFillSymbol:
    """All of the area faintly with a broken line around it, and within it where the cluster usually is."""
    symbol = QgsFillSymbol.createSimple(
        {"color": f"{_rgb(colour)},{_alpha(FAINT)}", "outline_color": f"{_rgb(INK)},110", "outline_style": "dot",
         "outline_width": "0.2"}
    )  # fmt: skip
    inner = QgsGeometryGeneratorSymbolLayer.create({"SymbolType": "Fill", "geometryModifier": LIKELY})
    likely = QgsFillSymbol.createSimple(
        {"color": f"{_rgb(colour)},{_alpha(DENSE)}", "outline_color": f"{_rgb(INK)},150", "outline_width": "0.2"}
    )
    # Of the layer: QGIS does not heed what data say of the opacity of a symbol within a symbol.
    alpha = f'clamp({PALE}, {DENSE} * sqrt({DENSE_M} / max("likely_m", 1)), {DENSE}) * 2.55'
    fill = QgsProperty.fromExpression(f"set_color_part('{colour}', 'alpha', {alpha})")
    likely.symbolLayer(0).setDataDefinedProperty(QgsSymbolLayer.Property.PropertyFillColor, fill)
    inner.setSubSymbol(likely)
    symbol.appendSymbolLayer(inner)
    return symbol


def _alpha(percent: int) -> int:
    return round(2.55 * percent)


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))


def _explained(facts: Facts) -> List[str]:
    """What the circles mean, for the legend."""
    moved = facts.get("displacement") or {}
    lines = [tr("The true place lies"), tr("somewhere in the circle")]
    share = float(moved.get("far_share") or 0)
    if share and float(moved.get("far_m") or 0) > float(moved.get("rural_m") or 0):
        lines.append(tr("({share:g} % of rural: the dotted one)").format(share=100 * share))
    return lines


def _tip(name: str) -> str:
    shown = html.escape(name).replace("[%", "").replace("%]", "")
    asked = tr("households").replace("'", "''")
    within = tr("The true place lies within {km} km of the middle of the circle.")
    return (
        f'<b>{shown}: [% round("value", 3) %]</b> ([% "year" %])<br>'
        f"[% \"cluster\" || if(length(coalesce(\"region\", '')) > 0, ', ' || \"region\", '') || "
        f"if(length(\"urban\") > 0, ', ' || \"urban\", '') || "
        f"if(\"households\" IS NULL, '', ', ' || \"households\" || ' {asked}') %]<br>"
        + within.format(km='[% round("radius_m" / 1000, 1) %]')
    )


DRESSERS = {"survey": survey_map, "indicatorerrors": errors_map}
