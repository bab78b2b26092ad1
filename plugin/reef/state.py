"""A survey that is being annotated: one truth for dock, photo window and map. QObjects only, no widgets.

The parts: `session` (the open file), `photolist`, `sheet` (points of the photo), `palette` (labels), `turning` (from
photo to photo), `edits` (undo). Everything is in the file at once; what another program changes in it is read again.
"""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.errors import BadJob, QuadratError
from ...core.reef.relabel import LabelRows, label_rows, set_rows, uses
from ...core.reef.schema import ACCEPTED, CONFIRMED, DONE, MACHINE
from ...core.reef.survey import Annotation, Label, Point, Survey
from ...core.reef.tree import key_of
from ...processing.i18n import plural, tr
from ..steps import Command
from .edits import Annotate, Change
from .palette import KEYS, Palette
from .sheet import BEST, MACHINE_SAID, Proposal
from .turning import Turning


class ReefState(Turning):
    """All that the Reef tab shows and does. Methods that change the file raise `QuadratError` with a sentence."""

    busy_changed = pyqtSignal(str)
    """What is being done in the background, empty when nothing is."""
    progressed = pyqtSignal(float)
    """Of what is being done, 0 to 100; below 0 where that is not known."""
    cancelled = pyqtSignal()
    """Whoever works in the background stops."""
    form_wanted = pyqtSignal(str, dict)
    """Algorithm whose form is to be opened, and values to begin with."""
    closing = pyqtSignal()
    """Everything ends now: leave canvas and window."""

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.busy = ""
        self._closed = False

    def close(self) -> None:
        """End with the plugin; once is enough, twice does no harm."""
        if self._closed:
            return
        self._closed = True
        self.cancelled.emit()
        self.closing.emit()
        self.let_go()

    # Labels of points -----------------------------------------------------------------------------------------------

    def proposal(self) -> Optional[Proposal]:
        """What Enter takes for the point at hand; None where nothing is proposed or suggestions are hidden."""
        if self.sheet is None or self.point is None:
            return None
        found = self.sheet.proposal(self.point.point)
        return None if found is not None and self.blind and found.why != MACHINE_SAID else found

    def label(self, code: str) -> None:
        """Give the point at hand this label, and go on to the next that is left."""
        self._annotate(self._at_hand(), code)

    def erase(self) -> None:
        """Take away what the annotator said of the point at hand; stay there."""
        point = self._at_hand()
        if self.sheet is None or point.point not in self.sheet.mine:
            raise BadJob(tr("You have not labelled this point."))
        self.stack.push(Annotate(self, point.photo, [(point.point, "")]))

    def accept(self) -> None:
        """Take what is proposed for the point at hand and go on; a point that is done is left as it is."""
        if self.sheet is None:
            raise BadJob(tr("Open a survey and choose a photo first."))
        if self.point is None or self.sheet.done(self.point.point):
            self.next_point()
            return
        found = self.proposal()
        if found is None:
            hidden = self.blind and self.sheet.proposal(self.point.point) is not None
            raise BadJob(
                tr("Suggestions are hidden: press the key of a label, or Space to search for one.") if hidden else
                tr("Nothing is suggested here: press the key of a label, or Space to search for one.")
            )  # fmt: skip
        self.label(found.label)

    def take(self, rank: int) -> None:
        """Take the suggestion of this rank, 1 to 5, for the point at hand, and go on."""
        point = self._at_hand()
        found = [] if self.sheet is None or self.blind else self.sheet.suggestions.get(point.point, [])
        if not 1 <= rank <= len(found):
            raise BadJob(tr("There is no suggestion {rank} here.").format(rank=rank))
        self.label(found[rank - 1].label)

    def accept_photo(self, every: bool = False) -> None:
        """Take what is trusted for all points that are left, in one step; with `every`, what is most probable too."""
        sheet = self.sheet
        if sheet is None:
            raise BadJob(tr("Open a survey and choose a photo first."))
        if self.blind:
            raise BadJob(tr("Suggestions are hidden. Show them before you accept those of a whole photo."))
        left = sheet.left()
        found = [(point.point, sheet.proposal(point.point)) for point in left]
        taken = [(point, one.label) for point, one in found if one is not None and (every or one.why != BEST)]
        if left and not taken:
            raise BadJob(
                tr("Nothing is suggested for the points that are left.") if every else
                tr("No suggestion of this photo is trusted. Look at each, or accept them all with Ctrl+Shift+Enter.")
            )  # fmt: skip
        if taken:
            self._push_labels(taken, ACCEPTED)
            self.said.emit("info", plural("%n point accepted.", "%n points accepted.", len(taken)))
        self._go_on()

    def undo(self) -> None:
        """Take back the last change."""
        self.stack.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self.stack.redo()

    def push(self, command: Command) -> None:
        """Do something that can be undone. Raises `QuadratError` where it cannot be done."""
        self.stack.push(command)

    def change(self, text: str, do: Callable[[], Any], undo: Callable[[], Any]) -> None:
        """The same, of two functions. Raises `QuadratError` where it cannot be done."""
        self.stack.push(Change(text, do, undo))

    def reread_labels(self) -> None:
        """Labels were changed in the file: read them again."""
        if self.survey is not None:
            self.palette = Palette(self.survey.labels(), self.palette.recent)
            self.labels_changed.emit()

    # Keys of labels -------------------------------------------------------------------------------------------------

    def set_key(self, code: str, key: str) -> None:
        """Give a label this key, which another loses; empty takes its key away."""
        if key and key not in KEYS:
            raise BadJob(tr("'{key}' can be no key: take a letter, or one of 6 to 9 and 0.").format(key=key))
        self._set_keys({code: key})

    def give_keys(self) -> None:
        """Keys for all labels that have none, as far as there are any."""
        with self.writing() as survey:
            given = self.palette.keys_for(uses(survey))
        if not given:
            raise BadJob(tr("All labels have keys, or all keys are taken."))
        self._set_keys(given)
        self.said.emit("info", plural("%n label has a key now.", "%n labels have keys now.", len(given)))

    def _set_keys(self, keys: Dict[str, str]) -> None:
        wanted = {key_of(code): key for code, key in keys.items()}
        taken = {key for key in keys.values() if key}

        def rows(survey: Survey) -> Dict[int, Optional[Label]]:
            found: Dict[int, Optional[Label]] = {}
            for fid, label in label_rows(survey).items():
                key = wanted.get(key_of(label.code), "" if label.key in taken else label.key)
                if key != label.key:
                    found[fid] = label._replace(key=key)
            return found

        before: List[LabelRows] = []

        def do() -> None:
            with self.writing() as survey:
                before.append(set_rows(survey, rows(survey)))
            self.reread_labels()

        def undo() -> None:
            with self.writing() as survey:
                set_rows(survey, before.pop())
            self.reread_labels()

        self.change(plural("Change a key", "Change %n keys", len(keys)), do, undo)

    # In the background ----------------------------------------------------------------------------------------------

    def set_busy(self, text: str) -> None:
        """What is being done in the background; empty when it is over."""
        if text != self.busy:
            self.busy = text
            self.busy_changed.emit(text)

    def cancel(self) -> None:
        """Stop what is being done in the background."""
        self.cancelled.emit()

    # Within ---------------------------------------------------------------------------------------------------------

    def wrote_annotations(self, photo: int, annotations: Sequence[Annotation]) -> None:
        """An edit changed these: what is shown follows."""
        if self.session is None:
            return
        here = self.sheet if self.sheet is not None and self.sheet.photo.photo == photo else None
        for one in annotations:
            self.palette.use(one.label)
            if here is not None and one.annotator == self.annotator:
                if one.label:
                    here.mine[one.point] = one
                else:
                    here.mine.pop(one.point, None)
        before, survey = self.photos.of(photo), self.session.survey
        try:
            with self.session.asked():
                now, mine = survey.photo(photo), survey.annotations(photo, self.annotator)
        except QuadratError:  # written it is: only its count has to wait until another program lets go of the file
            self.session.look_again()
            self.annotated.emit(photo)
            return
        if here is not None:
            here.photo = now
        self.photos.put(now, sum(one.state != MACHINE for one in mine))
        self.annotated.emit(photo)
        if now.state == DONE and (before is None or before.state != DONE):
            self.photo_finished.emit(photo)

    def _at_hand(self) -> Point:
        if self.point is None:
            raise BadJob(tr("Open a survey and choose a point first."))
        return self.point

    def _annotate(self, point: Point, code: str) -> None:
        label = self.palette.label(code)
        if label is None:
            raise BadJob(tr("The survey has no label '{code}'.").format(code=code))
        self._push_labels([(point.point, label.code)])
        self._go_on()

    def _push_labels(self, labels: List[Tuple[int, str]], how: str = CONFIRMED) -> None:
        if self.sheet is None or not self.annotator:
            raise BadJob(tr("Say who annotates first: type a name beside 'Annotator'."))
        self.stack.push(Annotate(self, self.sheet.photo.photo, labels, how))

    def _go_on(self) -> None:
        """After a label: the next point that is left; the photo stays when all are done, unless that is wished."""
        point = self._left()
        if point is not None:
            self.choose_point(point.point)
        elif self.flows:
            self.next_photo()
        else:
            self.said.emit("info", tr("All points of this photo are done. Enter goes to the next."))
