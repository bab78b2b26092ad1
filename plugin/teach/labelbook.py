"""What is known of the labels of one or two layers of QGIS, kept in step with them. The lower half of `LabelLayer`.

Ids are unique over both layers: the number of the row in the file, or a number below zero while QGIS has not saved it.
"""

import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsProject, QgsVectorLayer, QgsWkbTypes
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import BadInput
from ...processing.i18n import tr
from .filewatch import FileWatch
from .labelfile import parts_of, path_of
from .member import Member

MOST_MEMBERS = 2
_open: "weakref.WeakSet[LabelBook]" = weakref.WeakSet()
"""All that are open, so that two on one file hear of one another."""


@dataclass(frozen=True)
class Known:
    """What was told of a label last."""

    member: int
    geometry: QgsGeometry
    y: Any


class LabelBook(QObject):
    """Labels that are there, and the signals that tell of every change of them, whoever made it."""

    changed = pyqtSignal(list)
    """Ids of labels that are new or changed."""
    removed = pyqtSignal(list)
    """Ids of labels that are gone."""
    reset = pyqtSignal()
    """Everything may differ."""
    lost = pyqtSignal(str)
    """The labels cannot be reached any more; a sentence says why and where they are."""
    said = pyqtSignal(str)
    """A sentence worth knowing."""

    def __init__(self, layers: Sequence[QgsVectorLayer], field: str, target: str) -> None:
        super().__init__()
        self.field, self.target = field, target
        self.path = path_of(layers[0])
        """Of the file; empty for a layer without one."""
        self._members = [Member(layer, field, target, self) for layer in layers]
        self._moved: Dict[int, int] = {}
        self._sentence = ""
        """Why the labels cannot be used any more; empty while they can."""
        self._held: Optional[Tuple[Set[int], Set[int]]] = None
        self._file = FileWatch(self.path, self)
        self._file.gone.connect(self._on_file_gone)
        self._file.altered.connect(self.reopen)
        for member in self._members:
            member.touched.connect(self._on_touched)
            member.renumbered.connect(self._on_renumbered)
            member.unsettled.connect(self.look_again)
            member.ended.connect(self._on_ended)
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.setInterval(0)
        self._telling.timeout.connect(self._on_telling)
        QgsProject.instance().cleared.connect(self.close)
        self._crs = self.layer.crs()
        self._known = self._read_all()
        _open.add(self)

    def close(self) -> None:
        """Hear nothing of the layers any more; they stay as they are."""
        self._telling.stop()
        self._file.stop()
        for member in self._members:
            member.let_go()
        _open.discard(self)
        self._sentence = self._sentence or tr("These labels were closed. Choose the raster or layer again.")

    # What is there --------------------------------------------------------------------------------------------------

    @property
    def layer(self) -> QgsVectorLayer:
        """The layer of QGIS; that of the points where there are two."""
        return self._members[0].layer

    def layers(self) -> List[QgsVectorLayer]:
        """The layers of QGIS that the labels lie in."""
        return [member.layer for member in self._members if member.alive]

    @property
    def crs(self) -> QgsCoordinateReferenceSystem:
        """Of all geometries here."""
        return self.layer.crs()

    @property
    def source(self) -> str:
        """`path|layername=…` of the table with all labels, or the id of a single layer: input of a job."""
        if len(self._members) == 1:
            return self.layer.id()
        return f"{self.path}|layername={parts_of(self.layer).get('layerName')}"

    def __len__(self) -> int:
        return len(self._known)

    def labels(self, ids: Optional[Iterable[int]] = None) -> List[Tuple[int, QgsGeometry, Any]]:
        """Labels as (id, geometry in the CRS of the layer, class name or value); of all or of these ids."""
        if ids is None:
            return [(number, one.geometry, one.y) for number, one in self._known.items()]
        found = ((number, self._known.get(number)) for number in ids)
        return [(number, one.geometry, one.y) for number, one in found if one is not None]

    def counts(self) -> Dict[Any, int]:
        """Labels by class name or value."""
        counts: Dict[Any, int] = {}
        for one in self._known.values():
            counts[one.y] = counts.get(one.y, 0) + 1
        return counts

    def of_class(self, names: Collection[Any]) -> List[int]:
        """Ids of the labels of these classes."""
        return [number for number, one in self._known.items() if one.y in names]

    def at(self, geometry: QgsGeometry, points_only: bool = False) -> List[int]:
        """Ids of labels that touch a geometry in the CRS of the layer."""
        self._usable()
        found = []
        for at, member in enumerate(self._members):
            if points_only and member.layer.geometryType() != QgsWkbTypes.GeometryType.PointGeometry:
                continue
            found += [self._id(at, fid) for fid in member.touching(geometry)]
        return [number for number in found if number in self._known]

    def kinds(self) -> Set[Any]:
        """Kinds of geometry that the layers take."""
        return {member.layer.geometryType() for member in self._members}

    def current(self, number: int) -> int:
        """The id that a label has now: QGIS numbers labels anew when it saves or puts them back."""
        while number in self._moved:
            number = self._moved[number]
        return number

    @contextmanager
    def held(self) -> Iterator[None]:
        """Changes made within are told at the end, each label once."""
        if self._held is not None:
            yield
            return
        self._held = (set(), set())
        try:
            yield
        finally:
            (new, gone), self._held = self._held, None
            self._tell(new - gone, gone)

    def look_again(self) -> None:
        """Read everything anew, and tell what differs: somebody else may have written."""
        if self._sentence:
            return
        if not all(member.layer.isValid() for member in self._members):
            self._lose(tr("The labels in '{layer}' cannot be read any more. Choose them again.").format(
                layer=self.layer.name()
            ))  # fmt: skip
            return
        if self.layer.crs() != self._crs:
            self._crs = self.layer.crs()
            self._known = self._read_all()
            self.reset.emit()
            return
        before, self._known = self._known, self._read_all()
        new = {number for number, one in self._known.items() if not _same(before.get(number), one)}
        self._tell(new, set(before) - set(self._known))

    def reopen(self) -> None:
        """Open the file anew: somebody else has written to it."""
        for member in self._members:
            if member.alive:
                member.reload()
        self.look_again()

    # Ids ------------------------------------------------------------------------------------------------------------

    @staticmethod
    def _id(at: int, fid: int) -> int:
        """Unique over the layers: rows of one table are, numbers of QGIS's edit buffers are not."""
        return fid if fid >= 0 else MOST_MEMBERS * fid - at

    def _by_member(self, ids: Iterable[int]) -> Dict[int, List[int]]:
        """Numbers of the layers, for ids that are known."""
        groups: Dict[int, List[int]] = {}
        for number in ids:
            one = self._known.get(number)
            if one is not None:
                fid = number if number >= 0 else -(-number // MOST_MEMBERS)
                groups.setdefault(one.member, []).append(fid)
        return groups

    # In step with the layers ----------------------------------------------------------------------------------------

    def _read_all(self) -> Dict[int, Known]:
        return {
            self._id(at, fid): Known(at, geometry, y)
            for at, member in enumerate(self._members)
            for fid, geometry, y in member.read()
        }

    def _refresh(self, at: int, fids: Iterable[int]) -> None:
        """Read some numbers of a layer anew and tell what differs; others on the same file do so too."""
        looked = list(fids)
        self._take(at, looked)
        self._pass_on(looked)

    def _wrote(self, at: int, written: Dict[int, Optional[Known]]) -> None:
        """What was written by our own hand needs not be read again; None for what was erased."""
        self._file.wrote()
        new, gone = set(), set()
        for fid, one in written.items():
            number = self._id(at, fid)
            if one is None:
                self._known.pop(number, None)
                gone.add(number)
            else:
                self._known[number] = one
                new.add(number)
        self._tell(new, gone)
        self._pass_on(list(written))

    def _pass_on(self, fids: List[int]) -> None:
        rows = [fid for fid in fids if fid >= 0]
        for other in list(_open):
            if rows and other is not self and self.path and other.path == self.path:
                for place, member in enumerate(other._members):
                    other._take(place, rows)
                    member.layer.triggerRepaint()

    def _take(self, at: int, fids: List[int]) -> None:
        if self._sentence:
            return
        now = {self._id(at, fid): Known(at, geometry, y) for fid, geometry, y in self._members[at].read(fids)}
        new = {number for number, one in now.items() if not _same(self._known.get(number), one)}
        gone = {self._id(at, fid) for fid in fids} - set(now)
        # A row that the other layer shows is not gone.
        gone = {number for number in gone if number in self._known and self._known[number].member == at}
        for number in gone:
            del self._known[number]
        self._known.update({number: now[number] for number in new})
        self._tell(new, gone)

    def _tell(self, new: Set[int], gone: Set[int]) -> None:
        if self._held is not None:
            self._held = ((self._held[0] | new) - gone, (self._held[1] | gone) - new)
            return
        if gone:
            self.removed.emit(sorted(gone))
        if new:
            self.changed.emit(sorted(new))

    def _usable(self) -> None:
        if self._sentence:
            raise BadInput(self._sentence)
        for member in self._members:
            member.settle()

    def _lose(self, sentence: str) -> None:
        if not self._sentence:
            self._sentence = sentence
            self._on_telling()

    def _on_telling(self) -> None:
        self.close()
        self.lost.emit(self._sentence)

    def _on_touched(self, member: Member, fids: Set[int]) -> None:
        self._refresh(self._members.index(member), fids)

    def _on_renumbered(self, member: Member, fids: Dict[int, int]) -> None:
        at = self._members.index(member)
        self._moved.update({self._id(at, old): self._id(at, new) for old, new in fids.items()})

    def _on_ended(self, sentence: str) -> None:
        """A layer goes. When the whole project does, `cleared` comes before this is told, and nothing is."""
        if not self._sentence:
            where = tr("Its labels are kept in {path}.").format(path=self.path) if self.path else ""
            self._sentence = f"{sentence} {where}".strip()
            self._telling.start()

    def _on_file_gone(self) -> None:
        text = tr(
            "The file of labels {path} was deleted or moved. Put it back, or save the labels of the layer with "
            "Export > Save Features As… before QGIS is closed."
        )
        if self._file.state() == "replaced":
            text = tr("Another program put a new file in the place of {path}. Choose the raster or layer again.")
        self._lose(text.format(path=self.path))


def _same(one: Optional[Known], other: Known) -> bool:
    return one is not None and one.y == other.y and one.geometry.equals(other.geometry)
