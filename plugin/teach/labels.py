"""Labels of a map that is taught: places with a class or a value, in an ordinary layer of QGIS.

Each change is on disk before anything else happens. What QGIS's own tools do to the layers (also in the edit buffer:
undo, rollback, saving) ends in the same signals as what is done here. Nothing here knows cells or the worker.
"""

import os
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from qgis.core import QgsCoordinateReferenceSystem, QgsFeature, QgsGeometry, QgsProject, QgsVectorLayer

from ...core.errors import BadInput, QuadratError, Unwritable
from ...processing.i18n import tr
from .classes import ClassList
from .labelbook import Known, LabelBook
from .labelfields import field_for
from .labelfile import CLASS, VALUE, create_file, open_views, partner_views
from .labelstyle import LabelStyle
from .lockprobe import LockProbe
from .member import Member, kind_name
from .shapes import brought

Item = Tuple[QgsGeometry, Any, str]
"""Geometry in the CRS of the layer, class name or value, how it was made: click, drag, polygon, layer or suggested."""


@dataclass(frozen=True)
class Kept:
    """A label with all that its feature holds, to be put back."""

    id: int
    member: int
    feature: QgsFeature


class LabelLayer(LabelBook):
    """Labels in one layer, or in the layers of points and areas of one file."""

    def __init__(self, layers: Sequence[QgsVectorLayer], field: str, target: str) -> None:
        super().__init__(layers, field, target)
        self._style = LabelStyle(self)
        self._told_of_buffer = False
        self._probe = LockProbe(self.path)

    @classmethod
    def create(cls, path: str, crs: QgsCoordinateReferenceSystem, target: str = CLASS) -> "LabelLayer":
        """A new file for labels.

        Raises:
            BadInput: there is a file of this name.
            Unwritable: the file cannot be written.
        """
        if os.path.exists(path):
            raise BadInput(tr("There is a file {path} already. Choose another name.").format(path=path))
        create_file(path, crs, target)
        return cls(open_views(path), VALUE if target == VALUE else CLASS, target)

    @classmethod
    def open_or_create(cls, path: str, crs: QgsCoordinateReferenceSystem, target: str = CLASS) -> "LabelLayer":
        """The labels of a file, or a new file where there is none.

        Raises:
            BadInput: the file holds something else.
            Unwritable: the file cannot be written.
        """
        if not os.path.exists(path):
            return cls.create(path, crs, target)
        return cls.of(open_views(path)[0], target, VALUE if target == VALUE else CLASS)

    @classmethod
    def of(cls, layer: QgsVectorLayer, target: str = CLASS, field: str = "") -> "LabelLayer":
        """Labels of an existing layer, in the field named or the one that fits best.

        Raises:
            BadInput: the layer has no geometry, or no field that can hold the class or value.
        """
        return cls(partner_views(layer), field_for(layer, target, field), target)

    def follow(self, classes: ClassList) -> None:
        """Draw labels in the colours of these classes, as long as nobody has styled the layer otherwise."""
        self._style.follow(classes)

    def show(self) -> None:
        """Put the layers on top of the project, where they are not in it yet."""
        project = QgsProject.instance()
        new = [layer for layer in self.layers() if project.mapLayer(layer.id()) is None]
        for layer in reversed(new):
            project.addMapLayer(layer, False)
            project.layerTreeRoot().insertLayer(0, layer).setExpanded(False)

    def close(self) -> None:
        """Hear nothing of the layers any more; they stay as they are."""
        self._style.stop()
        self._probe.close()
        super().close()

    def brought(self, geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> QgsGeometry:
        """A geometry in the CRS of the layer, repaired where it was invalid.

        Raises:
            BadInput: it is empty, cannot be repaired or reprojected, or is of a kind that the layer does not hold.
        """
        shape = brought(geometry, crs, self.crs)
        self._member_for(shape)
        return shape

    # Changes --------------------------------------------------------------------------------------------------------

    def add(self, items: Sequence[Item]) -> List[int]:
        """Write labels; several for a geometry of several parts where the layer takes single ones.

        Returns:
            Ids, points before areas, else in the order of the items.

        Raises:
            BadInput: a geometry or class cannot be held by the layer.
            Unwritable: the file cannot be written; nothing was.
        """
        self._ready()
        groups: Dict[int, List[QgsFeature]] = {}
        for geometry, y, made in items:
            at = self._member_for(geometry)
            groups.setdefault(at, []).extend(self._members[at].made(geometry, y, made))
        return self._written(groups)

    def restore(self, kept: Sequence[Kept]) -> List[int]:
        """Put labels back as they were, under their old ids where those are free.

        Raises:
            Unwritable: the file cannot be written; nothing was.
        """
        self._ready()
        groups: Dict[int, List[Kept]] = {}
        for one in kept:
            groups.setdefault(one.member, []).append(one)
        ids = self._written({at: [one.feature for one in group] for at, group in sorted(groups.items())})
        before = [one.id for _, group in sorted(groups.items()) for one in group]
        for new in ids:  # in use again: it leads nowhere else, or a chain would bite its own tail
            self._moved.pop(new, None)
        self._moved.update({old: new for old, new in zip(before, ids) if old != new})
        return ids

    def keep(self, ids: Iterable[int]) -> List[Kept]:
        """Labels with all that they hold, for `restore`."""
        self._usable()
        kept = []
        for at, fids in self._by_member(ids).items():
            found = self._members[at].whole(fids)
            kept += [Kept(self._id(at, fid), at, found[fid]) for fid in fids if fid in found]
        return kept

    def change(self, pairs: Iterable[Tuple[int, Any]]) -> None:
        """Give labels other classes or values; ids that are not there are passed over.

        Raises:
            BadInput: the field cannot hold one of them.
            Unwritable: the file cannot be written; nothing was.
        """
        self._ready()
        wanted = {number: y for number, y in pairs if number in self._known}
        before = {number: self._known[number].y for number in wanted}
        done: List[int] = []
        with self.held():
            for at, fids in self._by_member(wanted).items():
                ids = [self._id(at, fid) for fid in fids]
                try:
                    self._writable(at).change({fid: wanted[number] for fid, number in zip(fids, ids)})
                except QuadratError:
                    if done:
                        self.change([(number, before[number]) for number in done])
                    raise
                done += ids
                shown = {number: self._members[at].shown(wanted[number]) for number in ids}
                self._wrote(at, {
                    fid: None if shown[number] is None else replace(self._known[number], y=shown[number])
                    for fid, number in zip(fids, ids)
                })  # fmt: skip

    def erase(self, ids: Iterable[int]) -> None:
        """Delete labels; ids that are not there are passed over.

        Raises:
            Unwritable: the file cannot be written; nothing was.
        """
        self._ready()
        groups = self._by_member(ids)
        kept = self.keep([self._id(at, fid) for at, fids in groups.items() for fid in fids]) if len(groups) > 1 else []
        gone: List[int] = []
        with self.held():
            for at, fids in groups.items():
                try:
                    self._writable(at).erase(fids)
                except QuadratError:
                    self.restore([one for one in kept if one.member in gone])
                    raise
                gone.append(at)
                self._wrote(at, dict.fromkeys(fids))

    def _written(self, groups: Dict[int, List[QgsFeature]]) -> List[int]:
        ids: List[int] = []
        with self.held():
            for at in sorted(groups):
                try:
                    fids = self._writable(at).add(groups[at])
                except QuadratError:
                    self.erase(ids)
                    raise
                ids += [self._id(at, fid) for fid in fids]
                member = self._members[at]
                place = member.layer.fields().indexOf(self.field)
                self._wrote(at, {
                    fid: Known(at, feature.geometry(), member.shown(feature.attribute(place)))
                    for fid, feature in zip(fids, groups[at])
                })  # fmt: skip
        return ids

    def _writable(self, at: int) -> Member:
        """The member, unless QGIS holds the file with a transaction that another member is edited in.

        Raises:
            Unwritable: SQLite would wait for seconds, in vain.
        """
        for other in self._members:
            if other is not self._members[at] and other.layer.dataProvider().transaction() is not None:
                text = tr("QGIS edits '{layer}' in a transaction, which locks the file. Save or drop the edits first.")
                raise Unwritable(text.format(layer=other.layer.name()))
        if not self._members[at].layer.isEditable() and not self._probe.free():
            raise Unwritable(
                tr("Another program is writing to {path}. Try again when it is done. Nothing was changed.").format(
                    path=self.path
                )
            )
        return self._members[at]

    def _member_for(self, geometry: QgsGeometry) -> int:
        for at, member in enumerate(self._members):
            if member.holds(geometry):
                return at
        text = tr("'{layer}' does not take {kind}. Choose another gesture, or let Quadrat make a file of labels.")
        raise BadInput(text.format(layer=self.layer.name(), kind=kind_name(geometry)))

    def _ready(self) -> None:
        """Before each write.

        Raises:
            BadInput: the labels cannot be reached any more.
            Unwritable: the file was deleted or replaced; what is written now would be lost.
        """
        self._usable()
        if self._file.state() != "there":
            # Systems other than Windows let an open file be deleted, and go on writing to nowhere.
            self._on_file_gone()
            raise Unwritable(self._sentence)
        editing = any(member.layer.isEditable() for member in self._members)
        if editing and not self._told_of_buffer:
            self.said.emit(tr("The labels are being edited in QGIS: QGIS saves them, when you save the edits there."))
        self._told_of_buffer = editing
