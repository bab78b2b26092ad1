"""How a survey of photos looks on the map: by how far the annotation of each is; the photo itself in the map tip."""

from typing import Any, Dict

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsDiagramLayerSettings,
    QgsDiagramSettings,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsPieDiagram,
    QgsPropertyCollection,
    QgsRendererCategory,
    QgsSingleCategoryDiagramRenderer,
    QgsSingleSymbolRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtCore import QSizeF
from qgis.PyQt.QtGui import QColor

from ..core.reef.schema import BEGUN, BY_MACHINE, DONE, EMPTY, WAITING
from .i18n import tr

COLOURS = {DONE: "#228833", BY_MACHINE: "#66ccee", BEGUN: "#ccbb44", WAITING: "#ffffff", EMPTY: "#bbbbbb"}
"""Paul Tol's (https://personal.sron.nl/~pault/)."""
TITLES = {
    DONE: "annotated",
    BY_MACHINE: "annotated, some by the machine only",
    BEGUN: "begun",
    WAITING: "to be annotated",
    EMPTY: "without points",
}
KNOWN = '"site", "transect", "quadrat", "date"'
INK, SIZE_MM, TIP_PX, PIE_MM, NAME_PT = "#1f2d3a", 3.2, 320, 14.0, 9.0
BELOW = 7
"""Quadrant of a label: right below its point."""
FOLDER = "file_path(layer_property(@layer_id, 'path'))"
FILE = f'if(regexp_match("path", \'^(/|[A-Za-z]:)\'), "path", {FOLDER} || \'/\' || "path")'
"""Paths of photos beside or below the survey are relative to it."""

Facts = Dict[str, Any]


def photos_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """A dot for each photo; without a position it is in the table only."""
    categories = [QgsRendererCategory(state, _dot(colour), tr(TITLES[state])) for state, colour in COLOURS.items()]
    layer.setRenderer(QgsCategorizedSymbolRenderer("state", categories))
    picture = f"<img src=\"file:///[% regexp_replace({FILE}, '^/', '') %]\" width=\"{TIP_PX}\"><br>"
    facts_told = f"[% array_to_string(array_filter(array({KNOWN}), length(coalesce(@element, '')) > 0), ', ') %]"
    layer.setMapTipTemplate(f'{picture}<b>[% "name" %]</b><br>{facts_told}<br>[% "annotated" %] / [% "points" %]')
    layer.setDisplayExpression('"name"')


def _dot(colour: str) -> QgsMarkerSymbol:
    return QgsMarkerSymbol.createSimple(
        {"name": "circle", "color": colour, "size": str(SIZE_MM), "outline_color": INK, "outline_width": "0.3"}
    )


def sites_map(layer: QgsVectorLayer, facts: Facts) -> None:
    """A pie for each site: how much of it each label covers, at one level of the label tree."""
    classes = facts["classes"]
    settings = QgsDiagramSettings()
    settings.categoryAttributes = [f'"{one["field"]}"' for one in classes]
    settings.categoryLabels = [one["label"] for one in classes]
    settings.categoryColors = [QColor(one["colour"]) for one in classes]
    settings.size = QSizeF(PIE_MM, PIE_MM)
    settings.penColor, settings.penWidth = QColor(INK), 0.2
    renderer = QgsSingleCategoryDiagramRenderer()
    renderer.setDiagram(QgsPieDiagram())
    renderer.setDiagramSettings(settings)
    around = QgsDiagramLayerSettings()
    around.setPlacement(QgsDiagramLayerSettings.Placement.OverPoint)
    around.setShowAllDiagrams(True)
    layer.setDiagramRenderer(renderer)
    layer.setDiagramLayerSettings(around)
    layer.setRenderer(QgsSingleSymbolRenderer(_dot(INK)))
    _name_sites(layer)
    rows = [f'{one["label"]}: [% round(100 * "{one["field"]}", 1) %] %' for one in classes]
    layer.setMapTipTemplate('<b>[% "site" %] [% "date" %]</b><br>' + "<br>".join(rows))
    layer.setDisplayExpression('"site"')


def _name_sites(layer: QgsVectorLayer) -> None:
    """The name of each site below its pie, with the date where there are several."""
    style = QgsTextFormat()
    style.setSize(NAME_PT)
    style.setColor(QColor(INK))
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(0.8)
    style.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName, settings.isExpression = 'trim("site" || \' \' || "date")', True
    settings.placement = QgsPalLayerSettings.Placement.OverPoint
    settings.yOffset = PIE_MM / 2
    # As data-defined values: the members of that name are others in later versions, and Python would not complain.
    properties, names = QgsPropertyCollection(), QgsPalLayerSettings.Property
    properties.setProperty(names.OffsetQuad, BELOW)
    properties.setProperty(names.AlwaysShow, True)  # else the pie would be in the way
    settings.setDataDefinedProperties(properties)
    settings.setFormat(style)
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


DRESSERS = {"reefsurvey": photos_map, "reefcover": sites_map}
