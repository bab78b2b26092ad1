"""Survey, photo and point at hand, and the way from one to the next. The lower half of `ReefState`."""

from contextlib import contextmanager
from typing import Any, Iterator, List, Optional

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.errors import BadInput, QuadratError
from ...core.reef.survey import Photo, Point, Survey
from ...processing.i18n import tr
from ..steps import Steps
from .palette import Palette
from .photolist import PhotoList, Wish
from .session import REPLACED, Session
from .sheet import Sheet
from .wishes import Wishes


class Turning(Wishes):
    """What is open, and where in it one is."""

    opened = pyqtSignal()
    """Another survey is open, or none: everything differs."""
    changed = pyqtSignal()
    """Settings, filter, annotator, undo."""
    listed = pyqtSignal()
    """Other photos are listed, or all of them were read again."""
    photo_chosen = pyqtSignal(int)
    """Another photo is at hand; 0 for none."""
    point_chosen = pyqtSignal(int)
    """Another point is at hand; 0 for none."""
    annotated = pyqtSignal(int)
    """Annotations of this photo were changed: here, by undo, or elsewhere. 0: perhaps of any."""
    photo_finished = pyqtSignal(int)
    """People have labelled every point of this photo, just now."""
    labels_changed = pyqtSignal()
    """Labels, tree, colours or keys."""
    suggested = pyqtSignal()
    """Suggestions are shown or hidden."""
    photo_wanted = pyqtSignal()
    """The photo window is to be seen, with the keyboard."""
    keyboard_wanted = pyqtSignal()
    """The keyboard goes back to where keys label points, as a search or a click in the dock is over."""
    map_wanted = pyqtSignal()
    """The photos are to be seen on the map, the one at hand in the middle."""
    search_wanted = pyqtSignal(str)
    """A label is to be searched for; begins with this text."""
    dock_wanted = pyqtSignal()
    """The keyboard leaves the photo for the dock."""
    said = pyqtSignal(str, str)
    """Level (`info`, `warning`, `error`) and a sentence."""

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.session: Optional[Session] = None
        self.photos = PhotoList()
        self.palette = Palette()
        self.sheet: Optional[Sheet] = None
        self.point: Optional[Point] = None
        self.stack = Steps(self)
        self.stack.indexChanged.connect(self._on_changed)
        self.stack.failed.connect(self._on_step_failed)

    # The survey -----------------------------------------------------------------------------------------------------

    @property
    def survey(self) -> Optional[Survey]:
        """The open one, to read from in the main thread; other threads open it for themselves by `path`."""
        return None if self.session is None else self.session.survey

    @property
    def path(self) -> str:
        """Of the open survey; empty for none."""
        return "" if self.session is None else self.session.path

    def open(self, path: str) -> None:
        """Annotate this survey, from the first photo with points left.

        Raises:
            BadInput: no such file, or no survey in it; what was open stays open.
        """
        session = Session(path, self)
        self.let_go()
        self.session = session
        session.altered.connect(self._on_altered)
        session.lost.connect(self._on_lost)
        self._remember(session.path)
        try:
            self._read()
        except QuadratError:  # another program writes: the file is not half open then
            self.let_go()
            raise
        self.opened.emit()
        self._begin()

    def let_go(self) -> None:
        """Have no survey open."""
        if self.session is None:
            return
        session, self.session = self.session, None
        session.close()
        session.deleteLater()
        self.stack.clear()
        self.photos, self.palette, self.sheet, self.point = PhotoList(), Palette(), None, None
        self.opened.emit()
        self.photo_chosen.emit(0)
        self.point_chosen.emit(0)

    def reload(self, every: bool = True) -> None:
        """Read the survey again; photo and point at hand stay. Else than `every`, only what differs is told anew."""
        if self.session is None:
            return
        photo, point, before = self.photo, self.point, (self.photos, self.palette)
        self._read(photo.photo if photo is not None else 0, every)
        if self.palette is not before[1]:
            self.labels_changed.emit()
        if photo is None or self.photos.of(photo.photo) is None:
            self.listed.emit()
            self._begin()
            return
        with self.session.asked():
            self.sheet = Sheet.read(self.session.survey, photo.photo, self.annotator, self.apart)
        if point is None or self.sheet.point(point.point) != point:
            self._take_first(point.point if point is not None else None)
        if self.photos is not before[0]:
            self.listed.emit()
        self.annotated.emit(0)

    def writable(self) -> Survey:
        """The open survey, when it is certain that what is written is found again.

        Raises:
            BadInput: none is open, or its file is gone or replaced.
        """
        if self.session is None:
            raise BadInput(tr("Open a survey first."))
        self.session.check()
        self.session.begin()
        return self.session.survey

    @contextmanager
    def writing(self) -> Iterator[Survey]:
        """The same, around reading and writing; a file that another program holds is told as such. Raises as above."""
        survey = self.writable()
        if self.session is not None:
            with self.session.asked():
                yield survey

    # Photos ---------------------------------------------------------------------------------------------------------

    @property
    def photo(self) -> Optional[Photo]:
        """The one at hand."""
        return None if self.sheet is None else self.sheet.photo

    def choose_photo(self, number: int, point: Optional[int] = None) -> None:
        """Turn to this photo, and to this point of it or the first that is left."""
        if self.session is None or (self.photo is not None and self.photo.photo == number and point is None):
            return
        self._turn_to(number, point)

    def step_photo(self, by: int) -> None:
        """The next listed photo (1), the one before (-1), or farther."""
        if self.photo is None:
            self._begin()
            return
        photo = self.photos.beside(self.photo.photo, by)
        if photo is not None:
            self._turn_to(photo.photo)
        else:
            self.said.emit("info", tr("This is the last photo of the list.") if by > 0 else
                           tr("This is the first photo of the list."))  # fmt: skip

    def next_photo(self) -> None:
        """The next listed photo with points left."""
        photo = self.photos.next_left(self.photo.photo) if self.photo is not None else None
        if photo is not None:
            self._turn_to(photo.photo)
        elif self.session is not None:
            self.said.emit("info", tr("All other photos of the list are done."))

    def list_photos(self, wish: Wish) -> None:
        """List these photos only; the one at hand stays."""
        self.photos.ask(wish)
        self.listed.emit()

    def upcoming(self) -> Optional[Photo]:
        """The photo that will be wanted next, so that it can be read ahead."""
        return None if self.photo is None else (
            self.photos.next_left(self.photo.photo) if self.flows else self.photos.beside(self.photo.photo, 1)
        )  # fmt: skip

    # Points ---------------------------------------------------------------------------------------------------------

    @property
    def points(self) -> List[Point]:
        """Of the photo at hand, by number."""
        return [] if self.sheet is None else self.sheet.points

    def choose_point(self, number: int) -> None:
        """Turn to this point of the photo at hand."""
        point = None if self.sheet is None else self.sheet.point(number)
        if point is not None and point != self.point:
            self.point = point
            self.point_chosen.emit(point.point)

    def step_point(self, by: int) -> None:
        """The next point (1), the one before (-1), done or not; round at the ends."""
        points = self.points
        if points:
            here = self.sheet.place[self.point.point] if self.sheet is not None and self.point is not None else -by
            self.choose_point(points[(here + by) % len(points)].point)

    def end_point(self, place: int) -> None:
        """The first point (0) or the last (-1)."""
        if self.points:
            self.choose_point(self.points[place].point)

    def next_point(self) -> None:
        """The next point that is not done, in the order that was chosen; the next photo where there is none."""
        point = self._left()
        if point is not None:
            self.choose_point(point.point)
        else:
            self.next_photo()

    def go_to(self, photo: int, point: int) -> None:
        """Turn to a point of any photo."""
        if self.photo is not None and self.photo.photo == photo:
            self.choose_point(point)
        else:
            self._turn_to(photo, point)

    # Within ---------------------------------------------------------------------------------------------------------

    def _left(self) -> Optional[Point]:
        if self.sheet is None:
            return None
        point = self.sheet.next_left(self.point.point if self.point is not None else None, self.order)
        return None if point is None or self.sheet.done(point.point) else point

    def _read(self, keep: int = 0, every: bool = True) -> None:
        if self.session is None:
            return
        with self.session.asked():
            photos = PhotoList.read(self.session.survey, self.annotator, self.apart, self.mixed)
            labels = self.session.survey.labels()
        if every or not photos.equals(self.photos):
            photos.ask(self.photos.wish, keep)
            self.photos = photos
        if every or labels != self.palette.labels:
            self.palette = Palette(labels, self.palette.recent)

    def _begin(self) -> None:
        """Turn to the first listed photo with points left, or the first at all."""
        photo = self.photos.next_left(0) or next(iter(self.photos.listed), None)
        if photo is not None:
            self._turn_to(photo.photo)
        else:
            self.sheet = self.point = None
            self.photo_chosen.emit(0)
            self.point_chosen.emit(0)

    def _turn_to(self, number: int, point: Optional[int] = None) -> None:
        survey = self.survey
        if survey is None or self.session is None:
            return
        try:
            with self.session.asked():
                self.sheet = Sheet.read(survey, number, self.annotator, self.apart)
        except QuadratError as error:  # the photo was taken out of the survey elsewhere, or the file is locked
            self.said.emit("warning", str(error))
            return
        self.point = None
        self.photo_chosen.emit(number)
        self._take_first(point)

    def _take_first(self, point: Optional[int]) -> None:
        """Turn to this point of the photo, or to the first that is left."""
        if self.sheet is None:
            return
        first = self.sheet.next_left(None, self.order) or next(iter(self.sheet.points), None)
        self.point = (self.sheet.point(point) if point is not None else None) or first
        self.point_chosen.emit(self.point.point if self.point is not None else 0)

    def _on_altered(self) -> None:
        """A job or another window wrote into the file."""
        try:
            self.reload(every=False)
        except QuadratError:  # it still writes
            if self.session is not None:
                self.session.look_again()

    def _on_lost(self, how: str) -> None:
        path, name = self.path, self.photo.name if self.photo is not None else ""
        if how != REPLACED:
            self.let_go()
            sentence = tr("The survey {path} was moved or deleted. What you annotated is in it: open it where it is.")
            self.said.emit("warning", sentence.format(path=path))
            return
        try:
            self.open(path)
        except QuadratError as error:
            self.let_go()
            self.said.emit("warning", str(error))
            return
        number = next((photo.photo for photo in self.photos.photos if photo.name == name), None)
        if number is not None:
            self.choose_photo(number)
        self.said.emit("info", tr("Another program wrote the survey anew; it was read again."))

    def _on_changed(self, *what: Any) -> None:
        self.changed.emit()

    def _on_step_failed(self, sentence: str) -> None:
        self.said.emit("warning", sentence)
