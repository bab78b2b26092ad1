"""How vector results look and how they are labelled by hand, by kind of result.

To add a kind: a function that dresses a layer and a line in `DRESSERS`; its name is the `result` of the output in the
job. The same function dresses layers that Processing loads and makes the style file beside a result.
"""

from typing import Any, Callable, Dict, List, Tuple

from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFeatureRenderer,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMarkerLineSymbolLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRendererCategory,
    QgsSimpleFillSymbolLayer,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsValueMapFieldFormatter,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from . import reefstyles, settlementstyles, surveystyles
from .i18n import tr

PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99")
"""Paul Tol's, for classes whose facts name no colour (https://personal.sron.nl/~pault/)."""
INK, PAPER, WAITING = "#1f2d3a", "#ffffff", "#fffdf5"
"""Of outlines and numbers, of halos, and of places that wait for a class."""
NUMBERED_MM, CLOUD_MM, LINE_MM, HALO_MM = 4.4, 1.4, 0.3, 0.7
NUMBER_PT = 7.5
MOST_CHOICES = 300
"""A longer list of classes is no help; the class is typed then."""
RANK_FIELD, ORDER_FIELD = "rank", "order"
"""Fields that number the places; the first that a layer has is shown."""
FOR_READING = ("place", "suggested", "confidence", "reason", "similarity", "like", "share", "label")
"""Fields that say why a place is there; not to be changed by hand."""
COLOUR_FIELD = "colour"
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What becomes of facts that were changed by hand, in whatever believes them: the result keeps the looks it has."""

Facts = Dict[str, Any]
Classes = List[Tuple[str, str]]
"""Name and colour of each class."""


def classes_of(facts: Facts) -> Classes:
    """The classes that facts list, whether as names or as whole entries."""
    found = []
    for number, entry in enumerate(facts.get("classes") or []):
        named = entry if isinstance(entry, dict) else {"name": entry}
        if named.get("name") not in (None, ""):
            found.append((str(named["name"]), str(named.get("colour") or PALETTE[number % len(PALETTE)])))
    return found


def class_field_of(facts: Facts, names: List[str]) -> str:
    """The field that holds the class, or is to hold it; empty when the layer has none."""
    return next((name for name in (_wanted_field(facts), "class") if name in names), "")


def _wanted_field(facts: Facts) -> str:
    return str(facts.get("class_field") or facts.get("label_field") or "class")


def stand_in(kind: str, facts: Facts) -> QgsVectorLayer:
    """An empty layer with the fields that a style of this kind speaks of; the file itself need not be opened."""
    numbers = ORDER_FIELD if facts.get("label_field") else RANK_FIELD
    fields = dict.fromkeys((numbers, *FOR_READING, COLOUR_FIELD, _wanted_field(facts)), "string")
    polygons = ("embeddedcells", *settlementstyles.DRESSERS, *surveystyles.DRESSERS)
    fields |= {**settlementstyles.FIELDS, **surveystyles.FIELDS, **surveystyles.ERRORS} if kind in polygons else {}
    shape = "LineString" if kind == "links" else "Polygon" if kind in polygons else "Point"
    shape = str(facts.get("shape") or shape)  # where a result has the geometry of what was given
    shape = str(facts.get("shape") or shape)  # where a result has the geometry of what was given
    described = "&".join(f"field={name}:{what}" for name, what in fields.items())
    return QgsVectorLayer(f"{shape}?{described}", kind, "memory")


def dress(layer: QgsVectorLayer, kind: str, facts: Facts) -> bool:
    """Give a layer the looks of a kind of result; False when it has none."""
    dresser = DRESSERS.get(kind)
    if dresser is None or layer.geometryType() not in SYMBOLS:
        return False
    try:
        dresser(layer, facts)
    except ODD:
        return False
    return True


def _places(layer: QgsVectorLayer, facts: Facts) -> None:
    """Numbered places, coloured once they have a class, which is picked from a list."""
    names = layer.fields().names()
    field, classes = class_field_of(facts, names), classes_of(facts)
    symbol = SYMBOLS[layer.geometryType()]
    layer.setRenderer(_by_class(field, classes, symbol) if field else QgsSingleSymbolRenderer(symbol(PALETTE[0])))
    number = next((name for name in (RANK_FIELD, ORDER_FIELD) if name in names), "")
    if number:
        _number(layer, number)
        layer.setDisplayExpression(f'"{number}"')
    if "reason" in names:
        layer.setMapTipTemplate(f'<b>[% "{number}" %]</b> [% "reason" %]' if number else '[% "reason" %]')
    if field:
        layer.setEditorWidgetSetup(names.index(field), _picker(classes))
    form = layer.editFormConfig()
    for at, name in enumerate(names):
        form.setReadOnly(at, name in (number, *FOR_READING) and name != field)
    layer.setEditFormConfig(form)


def _links(layer: QgsVectorLayer, facts: Facts) -> None:
    """Thin lines in the colour of the example's class, with a dot at the example."""
    classes = classes_of(facts)
    field = class_field_of({}, layer.fields().names())
    if classes and field:
        categories = [QgsRendererCategory(name, _line(colour), name) for name, colour in classes]
        layer.setRenderer(QgsCategorizedSymbolRenderer(field, categories))
    else:
        layer.setRenderer(QgsSingleSymbolRenderer(_line(INK)))


def _cloud(layer: QgsVectorLayer, facts: Facts) -> None:
    """Small dots in the colour that each place has in the picture."""
    symbol = QgsMarkerSymbol.createSimple({"name": "circle", "size": str(CLOUD_MM), "outline_style": "no"})
    if COLOUR_FIELD in layer.fields().names():
        fill = QgsProperty.fromField(COLOUR_FIELD)
        symbol.symbolLayer(0).setDataDefinedProperty(QgsSymbolLayer.Property.PropertyFillColor, fill)
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def _embedded_cells(layer: QgsVectorLayer, facts: Facts) -> None:
    """Each polygon in the colours of three dimensions, as a raster of vectors is shown."""
    symbol = QgsFillSymbol.createSimple({"color": WAITING, "outline_style": "no"})
    picture = facts.get("picture") or {}
    parts = [
        f'scale_linear("emb_{band}", {low!r}, {high!r}, 0, 255)'
        for band, (low, high) in zip(picture.get("bands") or (), picture.get("ranges") or ())
    ]
    if len(parts) == 3:
        fill = QgsProperty.fromExpression(f"color_rgb({', '.join(parts)})")
        symbol.symbolLayer(0).setDataDefinedProperty(QgsSymbolLayer.Property.PropertyFillColor, fill)
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def _by_class(field: str, classes: Classes, symbol: Callable[[str], QgsSymbol]) -> QgsFeatureRenderer:
    """A colour for each class, and one for places that wait; without known classes: waiting or done."""
    if classes:
        # An empty value stands for all that have none of the classes, NULL among them.
        made = [QgsRendererCategory(name, symbol(colour), name) for name, colour in classes]
        waiting = QgsRendererCategory("", symbol(WAITING), tr("to be labelled"))
        return QgsCategorizedSymbolRenderer(field, [waiting, *made])
    quoted = '"{}"'.format(field.replace('"', '""'))
    done = QgsRendererCategory(1, symbol(PALETTE[0]), tr("labelled"))
    waiting = QgsRendererCategory(0, symbol(WAITING), tr("to be labelled"))
    return QgsCategorizedSymbolRenderer(f"if(length(coalesce(to_string({quoted}), '')) > 0, 1, 0)", [waiting, done])


def _picker(classes: Classes) -> QgsEditorWidgetSetup:
    """A list to choose the class from; where none is known, one that grows with what is typed."""
    if not classes or len(classes) > MOST_CHOICES:
        return QgsEditorWidgetSetup("UniqueValues", {"Editable": True})
    choices: List[Dict[str, str]] = [{tr("(to be labelled)"): QgsValueMapFieldFormatter.NULL_VALUE}]
    choices += [{name: name} for name, _ in classes]
    return QgsEditorWidgetSetup("ValueMap", {"map": choices})


def _number(layer: QgsVectorLayer, field: str) -> None:
    """The number in the middle of each place."""
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(HALO_MM)
    halo.setColor(QColor(PAPER))
    text = QgsTextFormat()
    text.setSize(NUMBER_PT)
    text.setColor(QColor(INK))
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName = field
    settings.placement = QgsPalLayerSettings.Placement.OverPoint
    settings.quadOffset = QgsPalLayerSettings.QuadrantPosition.QuadrantOver
    settings.setFormat(text)
    if hasattr(settings, "placementSettings"):  # from QGIS 3.26
        placement = settings.placementSettings()
        handling = getattr(Qgis, "LabelOverlapHandling")  # noqa: B009 - not in the oldest QGIS
        placement.setOverlapHandling(handling.AllowOverlapIfRequired)
        settings.setPlacementSettings(placement)
    else:
        settings.displayAll = True
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


def _marker(colour: str) -> QgsSymbol:
    return QgsMarkerSymbol.createSimple(
        {
            "name": "circle", "color": colour, "size": str(NUMBERED_MM), "outline_color": INK,
            "outline_width": "0.35",
        }
    )  # fmt: skip


def _frame(colour: str) -> QgsSymbol:
    """A frame that shows on dark and on bright ground, and leaves what lies inside to be looked at."""
    symbol = QgsFillSymbol.createSimple({"style": "no", "outline_color": INK, "outline_width": str(3 * LINE_MM)})
    symbol.appendSymbolLayer(
        QgsSimpleFillSymbolLayer.create({"style": "no", "outline_color": colour, "outline_width": str(1.5 * LINE_MM)})
    )
    return symbol


def _line(colour: str) -> QgsSymbol:
    symbol = QgsLineSymbol.createSimple({"line_color": colour, "line_width": str(LINE_MM), "capstyle": "round"})
    end = QgsMarkerLineSymbolLayer(False)
    end.setPlacement(QgsMarkerLineSymbolLayer.Placement.LastVertex)
    dot = {"name": "circle", "color": colour, "size": str(6 * LINE_MM), "outline_color": INK}
    end.setSubSymbol(QgsMarkerSymbol.createSimple(dot))
    symbol.appendSymbolLayer(end)
    return symbol


SYMBOLS: Dict[Any, Callable[[str], QgsSymbol]] = {
    QgsWkbTypes.GeometryType.PointGeometry: _marker,
    QgsWkbTypes.GeometryType.LineGeometry: _line,
    QgsWkbTypes.GeometryType.PolygonGeometry: _frame,
}
DRESSERS: Dict[str, Callable[[QgsVectorLayer, Facts], None]] = {
    "places": _places,
    "links": _links,
    "cloud": _cloud,
    "embeddedcells": _embedded_cells,
    **settlementstyles.DRESSERS,
    **surveystyles.DRESSERS,
    **reefstyles.DRESSERS,
}
