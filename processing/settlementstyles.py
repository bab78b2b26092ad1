"""How maps of favela cells look: what each is and how sure that is, where methods disagree, and where they err."""

from typing import Any, Dict, List, Tuple

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsRendererCategory,
    QgsRendererRange,
    QgsVectorLayer,
)

from ..core.settlement.names import (
    BECAME,
    FAVELA,
    FAVELA_STAYS,
    NINE,
    NO_LONGER,
    OTHER_STAYS,
    STATUS,
    UNDETECTED,
    UNITS,
)
from ..core.settlement.statuses import STATUSES
from .i18n import tr

SURE = 0.8
"""From this probability on a cell is shown in the full colour."""
PAPER = "#ffffff"
NO_CLASS = "#e4e4e4"
GAP, MOST_GAP_MM = 0.03, 0.5
"""Width of the line between cells, as a share of their side, so that a city of them is not all lines."""
RAMP = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
"""From little to much: ColorBrewer's YlGnBu (https://colorbrewer2.org)."""
WORDS = {"len_roads": "m of streets", "p_vegeta": "% vegetated", "slope": "° of slope"}
"""Behind the numbers of a legend; names of other variables are as good."""
SHARES = ("p_vegeta",)
"""Variables from 0 to 1, shown in per cent and in classes of equal width: most cells are all green or not at all."""
FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FIELDS = {STATUS: "string", "class": "string", "probability": "double", "votes": "int", "methods": "int",
          "disagree": "double", "favela": "int", "right_mean": "double", "right_worst": "double",
          "change": "string", "confidence": "double", **dict.fromkeys(NINE, "double")}  # fmt: skip
"""Fields that the styles speak of, with their types."""

Facts = Dict[str, Any]
Looks = List[Tuple[str, str, str]]
"""Value, colour and legend of each category."""


def cells_by_status(layer: QgsVectorLayer, facts: Facts) -> None:
    """Squares coloured by why they are labelled or not; those that are discarded stay, paler."""
    width = {"outline_width": "0.1"}
    if facts.get("side_m"):
        size, most = str(GAP * float(facts["side_m"])), f"3x:0,0,0,0,1,{MOST_GAP_MM}"
        width = {
            "outline_width": size,
            "outline_width_unit": "RenderMetersInMapUnits",
            "outline_width_map_unit_scale": most,
        }
    found = facts.get("statuses") or STATUSES
    categories = []
    for status in STATUSES.values():
        if status.name in found:
            look = {"color": status.colour, "outline_color": PAPER, **width}
            categories.append(QgsRendererCategory(status.name, QgsFillSymbol.createSimple(look), tr(status.title)))
    layer.setRenderer(QgsCategorizedSymbolRenderer(STATUS, categories))
    layer.setMapTipTemplate(f'[% "{STATUS}" %]')


def favela_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """Two shades for favela and two for all else, by how probable it is; discarded cells by their status, pale."""
    expression = (
        f"CASE WHEN \"class\" = '{FAVELA}' THEN if(\"probability\" >= {SURE}, 'favela', 'perhaps') "
        f"WHEN \"class\" <> '' THEN if(\"probability\" <= {1 - SURE:g}, 'other', 'perhaps not') "
        f"ELSE coalesce(\"{STATUS}\", '') END"
    )
    looks: Looks = [
        ("favela", "#b2182b", tr("favela, {share:.0f} % sure or more").format(share=100 * SURE)),
        ("perhaps", "#ef8a62", tr("favela, less sure")),
        ("perhaps not", "#92c5de", tr("no favela, less sure")),
        ("other", "#2b6ca8", tr("no favela, {share:.0f} % sure or more").format(share=100 * SURE)),
    ]
    found = facts.get("discarded_statuses") or []
    looks += [(one.name, one.colour, tr(one.title)) for one in STATUSES.values() if one.name in found]
    _categories(layer, expression, [*looks, ("", NO_CLASS, tr("not classified"))])
    layer.setMapTipTemplate(
        "[% CASE WHEN \"class\" <> '' THEN \"class\" || ', ' || round(100 * \"probability\") || ' %, ' || "
        f'"votes" || \' / \' || "methods" ELSE "{STATUS}" END %]'
    )


def disagreement_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """From pale where all methods agree to dark where they are split in halves."""
    expression = (
        'CASE WHEN "disagree" IS NULL THEN -1 WHEN "disagree" = 0 THEN 0 WHEN "disagree" < 0.5 THEN 1 '
        'WHEN "disagree" < 0.9 THEN 2 ELSE 3 END'
    )
    looks: Looks = [
        ("0", "#fef0d9", tr("all methods agree")),
        ("1", "#fdbb84", tr("a few differ")),
        ("2", "#e34a33", tr("many differ")),
        ("3", "#7f0000", tr("split in halves")),
        ("-1", NO_CLASS, tr("not classified")),
    ]
    _categories(layer, expression, looks)
    layer.setMapTipTemplate("[% coalesce(\"votes\" || ' / ' || \"methods\", '') %]")


def change_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """Changes in full colours, what stayed in muted ones, what cannot be told pale; probabilities in the map tip."""
    dates = facts.get("dates") or []
    span = tr(", {first} to {last}").format(first=dates[0], last=dates[-1]) if dates else ""
    looks: Looks = [
        (BECAME, "#b2182b", tr("became favela") + span),
        (NO_LONGER, "#2b6ca8", tr("no longer favela") + span),
        (UNDETECTED, "#f5ecc8", tr("no detectable change (noise)")),
        (FAVELA_STAYS, "#dba79e", tr("favela throughout")),
        (OTHER_STAYS, "#d3dee8", tr("no favela throughout")),
        ("", NO_CLASS, tr("not read on both dates")),
    ]
    _categories(layer, "coalesce(\"change\", '')", looks)
    columns = facts.get("p_columns") or {}
    odds = [f"{date}: [% coalesce(round(100 * \"{name}\") || ' %', '-') %]" for date, name in columns.items()]
    sure = tr("confidence that it changed").replace("'", "''")
    head = f"<b>[% \"change\" %]</b> [% '({sure}: ' || round(100 * \"confidence\", 1) || ' %)' %]"
    layer.setMapTipTemplate("<br>".join([head, *odds]))


def variables_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """Classes of equal count of one variable, or of equal width of a share; cells with none of it grey.

    The other variables are in the map tip.
    """
    shown = str(facts.get("shown") or NINE[1])
    words = tr(WORDS.get(shown, shown))
    share = shown in SHARES
    bounds = list(FIFTHS) if share else [float(bound) for bound in facts.get("shown_breaks") or []]
    ranges = [QgsRendererRange(0.0, 0.0, _fill(NO_CLASS), f"0 {words}")] if facts.get("shown_zeros") else []
    for number, (low, high) in enumerate(zip(bounds, bounds[1:])):
        colour = RAMP[round(number * (len(RAMP) - 1) / max(len(bounds) - 2, 1))]
        scale = 100 if share else 1
        ranges.append(QgsRendererRange(low, high, _fill(colour), f"{scale * low:g} - {scale * high:g} {words}"))
    layer.setRenderer(QgsGraduatedSymbolRenderer(shown, ranges))
    there = [name for name in facts.get("variables") or [] if name in layer.fields().names()]
    layer.setMapTipTemplate("<br>".join(f'{name}: [% round("{name}", 4) %] {UNITS.get(name, "")}' for name in there))


def _fill(colour: str) -> QgsFillSymbol:
    return QgsFillSymbol.createSimple({"color": colour, "outline_color": PAPER, "outline_width": "0.05"})


def error_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """What all methods together miss and what they wrongly call favela; cells that most have right stay cool."""
    expression = (
        'CASE WHEN "right_mean" IS NULL THEN -1 WHEN "favela" = 1 THEN '
        '(CASE WHEN "right_mean" >= 0.5 THEN 0 WHEN "right_mean" > 0 THEN 1 ELSE 2 END) '
        'ELSE (CASE WHEN "right_mean" >= 0.5 THEN 3 WHEN "right_mean" > 0 THEN 4 ELSE 5 END) END'
    )
    looks: Looks = [
        ("2", "#b2182b", tr("favela, missed by all")),
        ("1", "#ef8a62", tr("favela, mostly missed")),
        ("0", "#2b6ca8", tr("favela, mostly found")),
        ("5", "#7a3d8f", tr("false alarm of all")),
        ("4", "#c2a5cf", tr("mostly a false alarm")),
        ("3", "#d7e6f0", tr("no favela, mostly recognised")),
        ("-1", NO_CLASS, tr("never tested")),
    ]
    _categories(layer, expression, looks)
    layer.setMapTipTemplate(
        "[% coalesce(round(100 * \"right_mean\") || ' %, ' || round(100 * \"right_worst\") || ' %', '') %]"
    )


def _categories(layer: QgsVectorLayer, expression: str, looks: Looks) -> None:
    made = []
    for value, colour, title in looks:
        made.append(QgsRendererCategory(value, _fill(colour), title))
    layer.setRenderer(QgsCategorizedSymbolRenderer(expression, made))


DRESSERS = {
    "cells": cells_by_status,
    "settlement": favela_map,
    "disagreement": disagreement_map,
    "methoderrors": error_map,
    "variables": variables_map,
    "settlementchange": change_map,
}
