"""How labels look: a colour for each class, or for each value, readable on any imagery.

A style that the user has made is left alone: only a layer that looks as it was made to look here follows the classes.
"""

import hashlib
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, cast

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFeatureRenderer,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMarkerSymbol,
    QgsProperty,
    QgsReadWriteContext,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtXml import QDomDocument

from ...processing.i18n import tr
from .classes import ClassList
from .labelfile import OURS, VALUE

if TYPE_CHECKING:
    from .labelbook import LabelBook

STYLED = "quadrat/style"
"""Property of a layer: the mark of the style that was made here last."""
EARLIER = "before Quadrat"
"""Name under which the style of a layer that was adopted is kept."""
INK, PAPER, OTHER = "#1f2d3a", "#ffffff", "#9aa5b1"
"""Of rims, halos, and labels whose class is not in the list."""
POINT_MM, RIM_MM, HALO_MM, LINE_MM = 2.6, 0.5, 1.3, 0.6
VIRIDIS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""Five of the colours of viridis, by Nathaniel Smith and Stéfan van der Walt."""
Classes = List[Tuple[str, str]]


class LabelStyle(QObject):
    """Keeps the renderers of the label layers in step with the classes."""

    def __init__(self, book: "LabelBook") -> None:
        super().__init__(book)
        self._weak = weakref.ref(book)
        self._classes: Optional[ClassList] = None
        self._range: Tuple[float, float] = (0.0, 0.0)

    @property
    def _book(self) -> "LabelBook":
        # Not held: in a circle of references its layers would outlive QGIS, which ends in a crash.
        return cast("LabelBook", self._weak())

    def follow(self, classes: ClassList) -> None:
        """Draw labels in these colours from now on."""
        self.stop()
        self._classes = classes
        classes.changed.connect(self._dress)
        if self._book.target == VALUE:
            self._book.changed.connect(self._on_changed)
        self._range = self._values()
        self._dress()

    def stop(self) -> None:
        """Follow nothing."""
        if self._classes is not None:
            self._classes.changed.disconnect(self._dress)
            if self._book.target == VALUE:
                self._book.changed.disconnect(self._on_changed)
        self._classes = None

    def _on_changed(self, ids: List[int]) -> None:
        wanted = self._values()
        if wanted != self._range:
            self._range = wanted
            self._dress()

    def _values(self) -> Tuple[float, float]:
        values = list(self._book.counts()) if self._book.target == VALUE else []
        return (min(values), max(values)) if values else (0.0, 0.0)

    def _dress(self) -> None:
        if self._classes is None:
            return
        classes = [(one.name, one.colour) for one in self._classes]
        for layer in self._book.layers():
            if self._book.target == VALUE:
                wanted: QgsFeatureRenderer = by_value(layer, self._book.field, *self._range)
            else:
                wanted = by_class(layer, self._book.field, classes)
                _offer(layer, self._book.field, classes)
            dress(layer, self._book.field, wanted, classes)


def dress(layer: QgsVectorLayer, field: str, wanted: QgsFeatureRenderer, classes: Classes) -> None:
    """Give a layer a renderer, unless the user has made one; then only categories that it lacks are added."""
    now, mark = layer.renderer(), str(layer.customProperty(STYLED, ""))
    plain = isinstance(now, QgsSingleSymbolRenderer)
    if now is None or (mark and mark == mark_of(now)) or (not mark and plain):
        if not mark and not layer.customProperty(OURS):
            layer.styleManager().addStyleFromLayer(EARLIER)
        if now is not None and mark_of(now) == mark_of(wanted):
            return
        layer.setRenderer(wanted)
        layer.setCustomProperty(STYLED, mark_of(layer.renderer()))
    elif isinstance(now, QgsCategorizedSymbolRenderer) and now.classAttribute().strip('"') == field and classes:
        there = {str(category.value()) for category in now.categories()}
        new = [(name, colour) for name, colour in classes if name not in there]
        if not new:
            return
        changed = now.clone()
        for name, colour in new:
            changed.addCategory(QgsRendererCategory(name, symbol_of(layer, colour), name))
        layer.setRenderer(changed)
    else:
        return
    layer.triggerRepaint()
    layer.emitStyleChanged()


def mark_of(renderer: QgsFeatureRenderer) -> str:
    """A short text that is the same for renderers that draw alike, also after a project was saved and read."""
    if isinstance(renderer, QgsCategorizedSymbolRenderer):
        parts = [("", renderer.classAttribute(), "", "")]
        for one in renderer.categories():
            parts.append((str(one.value()), one.label(), _looks(one.symbol()), str(one.renderState())))
    elif isinstance(renderer, QgsSingleSymbolRenderer):
        parts = [("", "", _looks(renderer.symbol()), "")]
    else:
        document = QDomDocument()
        document.appendChild(renderer.save(document, QgsReadWriteContext()))
        parts = [("", "", document.toString(), "")]
    return hashlib.blake2b(repr(parts).encode("utf-8"), digest_size=8).hexdigest()


def _looks(symbol: Optional[QgsSymbol]) -> str:
    """What a symbol is made of, in the words of QGIS's style files, which survive being saved."""
    if symbol is None:
        return ""
    layers = [symbol.symbolLayer(at) for at in range(symbol.symbolLayerCount())]
    texts = [f"{round(symbol.opacity(), 3)}"]
    for layer in layers:
        fill = layer.dataDefinedProperties().property(QgsSymbolLayer.Property.PropertyFillColor)
        said = fill.expressionString() if fill.isActive() else ""
        texts.append(f"{layer.layerType()} {layer.enabled()} {sorted(layer.properties().items())} {said}")
    return "; ".join(texts)


# Renderers ---------------------------------------------------------------------------------------------------------


def by_class(layer: QgsVectorLayer, field: str, classes: Classes) -> QgsCategorizedSymbolRenderer:
    """A colour for each class, grey for what is in none of them."""
    made = [QgsRendererCategory(name, symbol_of(layer, colour), name) for name, colour in classes]
    # An empty value stands for all that have none of the classes.
    other = QgsRendererCategory("", symbol_of(layer, OTHER), tr("other classes"))
    return QgsCategorizedSymbolRenderer(field, [*made, other])


def by_value(layer: QgsVectorLayer, field: str, low: float, high: float) -> QgsSingleSymbolRenderer:
    """Viridis from the lowest to the highest value."""
    stops = ", ".join(f"{place / (len(VIRIDIS) - 1)}, '{colour}'" for place, colour in enumerate(VIRIDIS))
    name = '"{}"'.format(field.replace('"', '""'))
    share = f"scale_linear({name}, {low!r}, {high!r}, 0, 1)" if high > low else "0.5"
    colour = QgsProperty.fromExpression(f"ramp_color(create_ramp(map({stops})), {share})")
    symbol = symbol_of(layer, VIRIDIS[2])
    top = symbol.symbolLayer(symbol.symbolLayerCount() - 1)
    which = QgsSymbolLayer.Property
    top.setDataDefinedProperty(which.PropertyFillColor, colour)
    if layer.geometryType() != QgsWkbTypes.GeometryType.PointGeometry:
        top.setDataDefinedProperty(which.PropertyStrokeColor, colour)
    return QgsSingleSymbolRenderer(symbol)


def symbol_of(layer: QgsVectorLayer, colour: str) -> QgsSymbol:
    """A symbol for labels of this colour."""
    return SYMBOLS[layer.geometryType()](colour)


def _marker(colour: str) -> QgsSymbol:
    """A dot with a white halo and a dark rim."""
    rim = {"name": "circle", "color": INK, "size": str(POINT_MM + 2 * RIM_MM), "outline_style": "no"}
    dot = {"name": "circle", "color": colour, "size": str(POINT_MM), "outline_color": PAPER}
    dot["outline_width"] = str(RIM_MM)
    return _stacked(QgsMarkerSymbol.createSimple(rim), QgsMarkerSymbol.createSimple(dot))


def _line(colour: str) -> QgsSymbol:
    """A line with a white halo."""
    halo = {"line_color": PAPER, "line_width": str(HALO_MM)}
    line = {"line_color": colour, "line_width": str(LINE_MM)}
    return _stacked(QgsLineSymbol.createSimple(halo), QgsLineSymbol.createSimple(line))


def _fill(colour: str) -> QgsSymbol:
    """An outline with a white halo; what lies in it stays visible."""
    halo = {"style": "no", "outline_color": PAPER, "outline_width": str(HALO_MM), "joinstyle": "round"}
    line = {"style": "no", "outline_color": colour, "outline_width": str(LINE_MM), "joinstyle": "round"}
    return _stacked(QgsFillSymbol.createSimple(halo), QgsFillSymbol.createSimple({**line, "color": colour}))


def _stacked(lower: QgsSymbol, upper: QgsSymbol) -> QgsSymbol:
    # The upper symbol must live until its layer is copied: the layer belongs to it.
    lower.appendSymbolLayer(upper.symbolLayer(0).clone())
    return lower


SYMBOLS: Dict[Any, Callable[[str], QgsSymbol]] = {
    QgsWkbTypes.GeometryType.PointGeometry: _marker,
    QgsWkbTypes.GeometryType.LineGeometry: _line,
    QgsWkbTypes.GeometryType.PolygonGeometry: _fill,
}


def _offer(layer: QgsVectorLayer, field: str, classes: Classes) -> None:
    """A list to choose the class from, in QGIS's forms; not where the user has chosen another control."""
    place = layer.fields().indexOf(field)
    if place < 0 or layer.editorWidgetSetup(place).type() not in ("", "TextEdit", "ValueMap"):
        return
    if classes and layer.customProperty(OURS):
        layer.setEditorWidgetSetup(
            place, QgsEditorWidgetSetup("ValueMap", {"map": [{name: name} for name, _ in classes]})
        )
