"""One layer of QGIS that labels lie in: reads and writes it, and tells what QGIS's own tools do to it.

Outside QGIS's edit mode each change is written to the file at once; in edit mode it goes through QGIS's buffer, where
it can be undone by QGIS and is saved by QGIS. Numbers here are QGIS's own of this layer, below zero until it is saved.
"""

from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from qgis.core import (
    NULL,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsVectorDataProvider,
    QgsVectorLayer,
    QgsVectorLayerUtils,
    QgsWkbTypes,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QDateTime, QObject, QTimer, pyqtSignal

from ...core.errors import BadInput, Unwritable
from ...processing.i18n import tr
from .classes import class_text
from .labelfile import MADE, TIME, VALUE, without_waiting

Read = Tuple[int, QgsGeometry, Any]
"""Number, geometry, class name or value."""


class Member(QObject):
    """A vector layer with a field for the class or value."""

    touched = pyqtSignal(object, set)
    """The member, and numbers that QGIS's tools made, changed or deleted."""
    renumbered = pyqtSignal(object, dict)
    """The member, and numbers before and after QGIS has saved new labels."""
    unsettled = pyqtSignal()
    """Anything may differ."""
    ended = pyqtSignal(str)
    """The layer or its field is gone: a sentence."""

    def __init__(self, layer: QgsVectorLayer, field: str, target: str, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.layer, self.field, self.target = layer, field, target
        self._title = layer.name()
        self._own = 0
        self._waiting: Set[int] = set()
        self._saving = False
        self._before: List[int] = []
        self._after: List[int] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.settle)
        self._joined = self._join()

    def _join(self) -> List[Tuple[Any, Any]]:
        layer = self.layer
        pairs = [
            (layer.featureAdded, self._on_added), (layer.featureDeleted, self._on_deleted),
            (layer.geometryChanged, self._on_touched), (layer.attributeValueChanged, self._on_touched),
            (layer.beforeCommitChanges, self._on_saving), (layer.afterCommitChanges, self._on_saved),
            (layer.afterRollBack, self._on_unsettled), (layer.dataChanged, self._on_unsettled),
            (layer.dataSourceChanged, self._on_unsettled), (layer.crsChanged, self._on_unsettled),
            (layer.subsetStringChanged, self._on_unsettled), (layer.updatedFields, self._on_fields_changed),
            (layer.willBeDeleted, self._on_ending),
        ]  # fmt: skip
        for signal, slot in pairs:
            signal.connect(slot)
        return pairs

    def let_go(self) -> None:
        """Hear nothing of the layer any more."""
        self._timer.stop()
        if not sip.isdeleted(self.layer):
            for signal, slot in self._joined:
                signal.disconnect(slot)
        self._joined = []

    @property
    def alive(self) -> bool:
        """True while the layer is there."""
        return not sip.isdeleted(self.layer)

    def holds(self, geometry: QgsGeometry) -> bool:
        """True when the layer takes geometries of this kind."""
        return self.layer.geometryType() == geometry.type()

    # Reading --------------------------------------------------------------------------------------------------------

    def read(self, fids: Optional[Iterable[int]] = None) -> Iterator[Read]:
        """Labels of the layer, edits in QGIS's buffer included; those without a class or value are left out."""
        place = self.layer.fields().indexOf(self.field)
        request = QgsFeatureRequest()
        request.setSubsetOfAttributes([place])
        if fids is not None:
            request.setFilterFids(list(fids))
        for feature in self.layer.getFeatures(request):
            y = self.shown(feature.attribute(place))
            if y is not None and feature.hasGeometry():
                yield feature.id(), feature.geometry(), y

    def whole(self, fids: Iterable[int]) -> Dict[int, QgsFeature]:
        """Features with all that they hold, to put them back one day."""
        request = QgsFeatureRequest().setFilterFids(list(fids))
        return {feature.id(): QgsFeature(feature) for feature in self.layer.getFeatures(request)}

    def touching(self, geometry: QgsGeometry) -> List[int]:
        """Numbers of the features that touch a geometry in the CRS of the layer."""
        request = QgsFeatureRequest().setFilterRect(geometry.boundingBox())
        request.setNoAttributes()
        engine = QgsGeometry.createGeometryEngine(geometry.constGet())
        engine.prepareGeometry()
        return [f.id() for f in self.layer.getFeatures(request) if engine.intersects(f.geometry().constGet())]

    def shown(self, raw: Any) -> Any:
        """Class name or value of what a field holds; None where it holds none."""
        if self.target != VALUE:
            return class_text(raw) or None
        if raw is None or raw == NULL:
            return None
        try:
            value = float(raw)
        except (TypeError, ValueError):
            return None
        return value if value == value else None

    def reload(self) -> None:
        """Open the file anew; not while QGIS holds edits of it."""
        if self.layer.isEditable():
            return
        self._own += 1
        try:
            self.layer.dataProvider().reloadData()
        finally:
            self._own -= 1
        self.layer.updateExtents()
        self.layer.triggerRepaint()

    # Writing --------------------------------------------------------------------------------------------------------

    def made(self, geometry: QgsGeometry, y: Any, how: str) -> List[QgsFeature]:
        """New features for one geometry: one for each of its parts where the layer takes single ones.

        Raises:
            BadInput: the field cannot hold `y`.
        """
        fields = self.layer.fields()
        feature = QgsFeature(fields)
        feature.setGeometry(geometry)
        feature.setAttribute(fields.indexOf(self.field), self._stored(y))
        for name, value in ((MADE, how), (TIME, QDateTime.currentDateTimeUtc())):
            place = fields.indexOf(name)
            if place >= 0:
                feature.setAttribute(place, value)
        if geometry.wkbType() == self.layer.wkbType():
            return [feature]
        return QgsVectorLayerUtils.makeFeatureCompatible(feature, self.layer)

    def add(self, features: Sequence[QgsFeature]) -> List[int]:
        """Write features; their numbers, in the same order.

        Raises:
            Unwritable: the file cannot be written; nothing was.
        """
        if not features:
            return []
        self._check(QgsVectorDataProvider.Capability.AddFeatures)
        if self.layer.isEditable():
            return self._in_buffer(lambda: [self._added(feature) for feature in features])
        provider = self.layer.dataProvider()
        provider.clearErrors()
        with without_waiting():  # QGIS opens the file for writing at the first write only
            good, written = provider.addFeatures(list(features))
        if not good and any(self._numbered(feature) for feature in features):
            # Numbers that were free once may have been given away since.
            provider.clearErrors()
            good, written = provider.addFeatures([self._unnumbered(feature) for feature in features])
        self._after_write(good)
        return [feature.id() for feature in written]

    def change(self, values: Dict[int, Any]) -> None:
        """Give features other classes or values, by number.

        Raises:
            BadInput: the field cannot hold one of them.
            Unwritable: the file cannot be written; nothing was.
        """
        if not values:
            return
        self._check(QgsVectorDataProvider.Capability.ChangeAttributeValues)
        place = self.layer.fields().indexOf(self.field)
        stored = {fid: self._stored(y) for fid, y in values.items()}
        if self.layer.isEditable():
            self._in_buffer(lambda: [self.layer.changeAttributeValue(fid, place, y) for fid, y in stored.items()])
            return
        provider = self.layer.dataProvider()
        provider.clearErrors()
        with without_waiting():
            good = provider.changeAttributeValues({fid: {place: y} for fid, y in stored.items()})
        self._after_write(good)

    def erase(self, fids: Sequence[int]) -> None:
        """Delete features.

        Raises:
            Unwritable: the file cannot be written; nothing was.
        """
        if not fids:
            return
        self._check(QgsVectorDataProvider.Capability.DeleteFeatures)
        if self.layer.isEditable():
            self._in_buffer(lambda: [self.layer.deleteFeatures(list(fids))])
            return
        provider = self.layer.dataProvider()
        provider.clearErrors()
        with without_waiting():
            good = provider.deleteFeatures(list(fids))
        self._after_write(good)

    def _stored(self, y: Any) -> Any:
        """`y` as the field holds it."""
        field = self.layer.fields().field(self.field)
        if not field.isNumeric():
            return class_text(y)
        try:
            number = float(y)
        except (TypeError, ValueError) as error:
            text = tr("The field '{field}' of '{layer}' holds numbers; '{y}' is none. Take one with a text field.")
            raise BadInput(text.format(field=self.field, layer=self.layer.name(), y=y)) from error
        return int(number) if number.is_integer() and self.target != VALUE else number

    def _check(self, capability: Any) -> None:
        provider = self.layer.dataProvider()
        if self.layer.readOnly() or provider is None or not provider.capabilities() & capability:
            text = tr("'{layer}' is read-only: labels cannot be changed there. Copy it to a place where you may write.")
            raise Unwritable(text.format(layer=self.layer.name()))

    def _added(self, feature: QgsFeature) -> int:
        new = QgsFeature(self.layer.fields())
        new.setGeometry(feature.geometry())
        new.setAttributes(self._unnumbered(feature).attributes())
        return new.id() if self.layer.addFeature(new) else 0

    def _numbered(self, feature: QgsFeature) -> bool:
        return any(
            feature.attribute(place) not in (None, NULL) for place in self.layer.dataProvider().pkAttributeIndexes()
        )

    def _unnumbered(self, feature: QgsFeature) -> QgsFeature:
        new = QgsFeature(feature)
        for place in self.layer.dataProvider().pkAttributeIndexes():
            new.setAttribute(place, None)
        return new

    def _in_buffer(self, edit: Any) -> List[Any]:
        """Edit through QGIS's buffer, as one step of its undo."""
        self._own += 1
        self.layer.beginEditCommand(tr("Label"))
        try:
            done = edit()
            if not all(done):
                self.layer.destroyEditCommand()
                raise Unwritable(tr("QGIS did not take the labels into '{layer}'.").format(layer=self.layer.name()))
            self.layer.endEditCommand()
        finally:
            self._own -= 1
        self.layer.triggerRepaint()
        return done

    def _after_write(self, good: bool) -> None:
        layer = self.layer
        if not good:
            why = "; ".join(layer.dataProvider().errors()[-1:]) or tr("no reason was given")
            text = tr("Labels could not be written to '{layer}': {why}. Nothing was changed.")
            raise Unwritable(text.format(layer=layer.name(), why=why))
        layer.updateExtents()
        self._own += 1
        try:
            layer.dataChanged.emit()  # QGIS's tables and windows look again
        finally:
            self._own -= 1
        layer.triggerRepaint()

    # What QGIS's own tools do ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Tell now what was done since."""
        self._timer.stop()
        waiting, self._waiting = self._waiting, set()
        if waiting:
            self.touched.emit(self, waiting)

    def _on_touched(self, fid: int, *more: Any) -> None:
        if not self._own:
            self._waiting.add(fid)
            self._timer.start()

    def _on_added(self, fid: int) -> None:
        if self._saving:
            self._after.append(fid)
        self._on_touched(fid)

    def _on_deleted(self, fid: int) -> None:
        if self._saving:
            self._before.append(fid)
        self._on_touched(fid)

    def _on_saving(self, *stop: Any) -> None:
        self._saving, self._before, self._after = True, [], []

    def _on_saved(self) -> None:
        self._saving = False
        if len(self._before) == len(self._after) and self._before:
            self.renumbered.emit(self, dict(zip(self._before, self._after)))
        self.settle()

    def _on_unsettled(self, *what: Any) -> None:
        if not self._own and not self._saving:
            self._waiting = set()
            self._timer.stop()
            self.unsettled.emit()

    def _on_fields_changed(self) -> None:
        if self.layer.isValid() and self.layer.fields().indexOf(self.field) < 0:
            text = tr("The field '{field}' of '{layer}' is gone, and with it the labels. Choose another layer.")
            self.ended.emit(text.format(field=self.field, layer=self._title))

    def _on_ending(self) -> None:
        self.ended.emit(tr("The layer '{layer}' was taken out of the project.").format(layer=self._title))


def kind_name(geometry: QgsGeometry) -> str:
    """What a geometry is, in a word."""
    kinds = QgsWkbTypes.GeometryType
    words = {kinds.PointGeometry: tr("points"), kinds.LineGeometry: tr("lines"), kinds.PolygonGeometry: tr("areas")}
    return words.get(geometry.type(), tr("nothing"))
