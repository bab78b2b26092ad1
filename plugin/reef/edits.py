"""What can be undone in a survey: annotations, and whatever else the dock changes, one step for one press."""

from typing import TYPE_CHECKING, Any, Callable, List, Sequence, Tuple

from ...core.errors import BadJob
from ...core.reef.schema import CONFIRMED
from ...core.reef.survey import Annotation
from ...processing.i18n import plural, tr
from ..steps import Command

if TYPE_CHECKING:
    from .state import ReefState


class Annotate(Command):
    """Points of one photo get a label each, and `how` for its state; an empty label takes away what was said."""

    def __init__(self, state: "ReefState", photo: int, labels: Sequence[Tuple[int, str]], how: str = CONFIRMED) -> None:
        super().__init__(plural("Label a point", "Label %n points", len(labels)))
        self._state, self._photo, self._labels = state, photo, list(labels)
        self._annotator, self._how = state.annotator, how
        self._before: List[Annotation] = []
        self._after: List[Annotation] = []

    def _do(self) -> None:
        if not self._after:
            self._begin()
        else:
            self._put(self._after, instead_of=self._before)

    def _begin(self) -> None:
        points = {point for point, _ in self._labels}
        with self._state.writing() as survey, survey.edit():  # what cannot be read again is not written either
            self._before = survey.annotate(self._labels, self._annotator, self._how)
            now = {one.point: one for one in survey.annotations(self._photo, self._annotator) if one.point in points}
        gone = [Annotation(point, self._annotator, "", "", "") for point in points if point not in now]
        self._after = [*now.values(), *gone]
        self._state.wrote_annotations(self._photo, self._after)

    def _undo(self) -> None:
        self._put(self._before, instead_of=self._after)

    def _put(self, wanted: List[Annotation], instead_of: List[Annotation]) -> None:
        """Set them, if nobody changed them meanwhile.

        Raises:
            BadJob: another window or program did.
        """
        with self._state.writing() as survey, survey.edit():  # nobody comes between the look and the change
            there = {one.point: one for one in survey.annotations(self._photo, self._annotator)}
            for one in instead_of:
                held = there.get(one.point)
                if (held.label if held is not None else "") != one.label:
                    raise BadJob(tr("This was changed elsewhere meanwhile, so it stays as it is now."))
            survey.put_back(wanted)
        self._state.wrote_annotations(self._photo, wanted)
        self._state.go_to(self._photo, min(one.point for one in wanted))


class Change(Command):
    """Anything else: a function that does it, and one that takes it back; both may raise."""

    def __init__(self, text: str, do: Callable[[], Any], undo: Callable[[], Any]) -> None:
        super().__init__(text)
        self._does, self._undoes = do, undo

    def _do(self) -> None:
        self._does()

    def _undo(self) -> None:
        self._undoes()
