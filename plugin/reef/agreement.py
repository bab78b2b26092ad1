"""How far two annotators agree, counted in the background while the survey is annotated. No widgets."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.reef import agreement as counting
from ...core.reef.agreement import Annotator, Kappa, Twice
from ...core.reef.asking import tree_of
from ...core.reef.survey import Survey
from ...core.reef.tree import LabelTree
from ...processing.background import in_background
from ...processing.i18n import tr

SETTLE_MS = 1500
"""Counting waits until the hand has rested so long."""
Pair = Tuple[str, str]


class Counted(NamedTuple):
    """One look at the survey."""

    people: List[Annotator]
    overlaps: Dict[Pair, int]
    """Points that two labelled, by names in order."""
    pair: Optional[Pair]
    points: List[Twice]
    kappas: List[Kappa]
    tree: LabelTree


def count(path: str, pair: Optional[Pair]) -> Counted:
    """Look at the survey; the pair with most points in common where none is chosen, or the chosen one has none.

    Raises:
        QuadratError: the survey cannot be read, or its labels make no tree.
    """
    with Survey(path) as survey:
        overlaps = counting.overlaps(survey)
        known = pair is not None and tuple(sorted(pair)) in overlaps
        if not known:
            pair = max(overlaps, key=lambda names: overlaps[names]) if overlaps else None
        tree = tree_of(survey)
        points = counting.labelled_twice(survey, *pair) if pair else []
        kappas = counting.kappas(points, tree) if pair else []
        return Counted(counting.annotators(survey), overlaps, pair, points, kappas, tree)


class AgreementState(QObject):
    """Who annotated, who together with whom, and where they differ."""

    changed = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent or state)
        self._state = state
        self.counted: Optional[Counted] = None
        """None until the survey was looked at."""
        self.trouble = ""
        """Why it could not be."""
        self.level = 1
        self.differing: List[Twice] = []
        """Points in which the two differ at the level."""
        self._wanted: Optional[Pair] = None
        self._path, self._asking, self._again, self._watched = "", False, False, False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.refresh)

    def watch(self, seen: bool) -> None:
        """Count while somebody looks, and not otherwise."""
        self._watched = seen
        if seen:
            self.refresh()

    def note(self) -> None:
        """Something was annotated, or the labels were changed."""
        if self._watched:
            self._timer.start()

    def refresh(self) -> None:
        """Count now."""
        path = self._state.path
        if path != self._path:
            self._path, self._wanted, self.level = path, None, 1
            self._take(None, "")
        if not path:
            return
        if self._asking:
            self._again = True
            return
        self._asking = True
        wanted = self._wanted
        in_background(
            tr("Compare annotators"),
            lambda: count(path, wanted),
            lambda found, error: self._told(path, found, error),
            self,
        )

    def choose(self, one: str, other: str) -> None:
        """Compare these two."""
        self._wanted = (one, other)
        self.refresh()

    def set_level(self, level: int) -> None:
        """Look at this level of the label tree."""
        if level != self.level:
            self.level = level
            self._sort_out()
            self.changed.emit()

    def partners(self) -> List[Tuple[Pair, int]]:
        """Pairs with points in common, most first."""
        found = self.counted.overlaps if self.counted is not None else {}
        return sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))

    def _told(self, path: str, found: Any, error: Optional[BaseException]) -> None:
        self._asking = False
        again, self._again = self._again, False
        if path == self._state.path:
            self._take(found, "" if error is None else str(error))
        if again or path != self._state.path:
            self.refresh()

    def _take(self, found: Optional[Counted], trouble: str) -> None:
        self.counted, self.trouble = found, trouble
        if found is not None:
            self.level = min(self.level, max(len(found.kappas), 1))
        self._sort_out()
        self.changed.emit()

    def _sort_out(self) -> None:
        found = self.counted
        self.differing = counting.differing(found.points, found.tree, self.level) if found is not None else []


def name_of(annotator: str) -> str:
    """As it is shown; files need not name anybody."""
    return annotator or tr("(nobody named)")
