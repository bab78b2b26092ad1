"""Cover of the survey while it is annotated: counted in the background, intervals by the job `reefcover`."""

import csv
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from qgis.core import QgsProcessingUtils
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.jobs.reef import cover as job
from ...core.jobs.reef.cover import CoverReef as CoverJob
from ...core.reef.asking import tree_of
from ...core.reef.survey import Survey
from ...core.reef.tally import Tally, tally
from ...processing.background import in_background
from ...processing.calls import form_values
from ...processing.i18n import plural, tr
from .errand import Errand, Made, Step

SETTLE_MS = 1500
METHODS = (job.POWERED, job.PEOPLE)
"""Estimates that are asked for; the first that has an interval is shown."""
ESTIMATED = ("method", "level", "label", "cover", "low", "high", "labelled", "photos")
"""Columns that are read."""


class Interval(NamedTuple):
    """Estimated cover by one label, shares 0..1."""

    cover: float
    low: float
    high: float
    method: str


class Estimated(NamedTuple):
    """What the job told."""

    labelled: int
    """Photos that people had finished."""
    photos: int
    by_level: Dict[int, Dict[str, Interval]]
    """By level and code."""


def count(path: str, level: int) -> Tuple[Tally, int]:
    """Cover as it stands at a level, or at the deepest above it; and how many levels there are.

    Raises:
        QuadratError: the survey cannot be read, or its labels make no tree.
    """
    with Survey(path) as survey:
        tree = tree_of(survey)
        depth = max(tree.depth, 1)
        return tally(survey, tree, min(level, depth)), depth


def read_estimate(path: str) -> Estimated:
    """The table of the job; of each label the first method that gave an interval.

    Raises:
        OSError, ValueError: it is not there, or not the table of that job.
    """
    found: Dict[int, Dict[str, Interval]] = {}
    labelled = photos = 0
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if any(None in row.values() or set(ESTIMATED) - set(row) for row in rows):
        raise ValueError(path)
    for method in METHODS:
        for row in rows:
            if row["method"] != method or not row["low"] or not row["high"]:
                continue
            labelled, photos = max(labelled, int(row["labelled"])), max(photos, int(row["photos"]))
            interval = Interval(float(row["cover"]), float(row["low"]), float(row["high"]), method)
            found.setdefault(int(row["level"]), {}).setdefault(row["label"], interval)
    return Estimated(labelled, photos, found)


class CoverState(QObject):
    """Cover of the finished photos at a level of the label tree."""

    changed = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent or state)
        self._state = state
        self.errand = Errand(self)
        self.errand.changed.connect(self.changed)
        self.errand.ended.connect(self._on_estimated)
        self.errand.failed.connect(self._on_failed)
        self.level, self.levels = 1, 1
        self.tally: Optional[Tally] = None
        """None until the survey was looked at."""
        self.estimated: Optional[Estimated] = None
        self.trouble = ""
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
        path, level = self._state.path, self.level
        if path != self._path:
            self._path, self.level, self.tally, self.estimated, self.trouble = path, 1, None, None, ""
            level = 1
            self.errand.forget()
            self.changed.emit()
        if not path:
            return
        if self._asking:
            self._again = True
            return
        self._asking = True
        in_background(
            tr("Count cover"), lambda: count(path, level), lambda found, error: self._told(path, found, error), self
        )

    def set_level(self, level: int) -> None:
        """Tell cover at this level."""
        if level != self.level:
            self.level = level
            self.refresh()

    def estimate(self) -> None:
        """Ask for intervals; they are there when the job has ended."""
        path = self._state.path
        if path and not self.errand.busy:
            self.errand.start(
                [Step(tr("Estimating cover"), "quadrat:reefcover", lambda made: self._values(path, made))]
            )

    def intervals(self) -> Dict[str, Interval]:
        """By code, at the level that is shown; empty where none were asked for."""
        return self.estimated.by_level.get(self.level, {}) if self.estimated is not None else {}

    def caption(self) -> str:
        """What the bars are, in a sentence or two."""
        if self.tally is None or not self.tally.photos:
            return ""
        counted = plural("Bars: mean of %n finished photo", "Bars: mean of %n finished photos", self.tally.photos)
        counted = tr("{counted} of {every}.").format(counted=counted, every=self.tally.every)
        known = self.intervals()
        if self.estimated is None:
            return counted
        if not known:
            return tr("{counted} No intervals yet: too few photos are finished.").format(counted=counted)
        powered = any(one.method == job.POWERED for one in known.values())
        how = (
            tr("Dots and lines: cover of all photos by people and machine, with 95 % intervals")
            if powered
            else tr("Dots and lines: cover by people, with 95 % intervals")
        )
        more = self.tally.photos - self.estimated.labelled
        if more > 0:
            since = plural("%n photo was finished since", "%n photos were finished since", more)
            return tr("{counted} {how}; {since}.").format(counted=counted, how=how, since=since)
        return tr("{counted} {how}.").format(counted=counted, how=how)

    def _values(self, path: str, _: Made) -> Dict[str, Any]:
        table = os.path.join(QgsProcessingUtils.tempFolder(), "quadrat_cover_of_survey.csv")
        asked = CoverJob(survey=path, groups=(job.SURVEY,), methods=METHODS, output=table)
        return form_values(asked)

    def _told(self, path: str, found: Any, error: Optional[BaseException]) -> None:
        self._asking = False
        again, self._again = self._again, False
        if path == self._state.path:
            self.trouble = "" if error is None else str(error)
            if error is None:
                self.tally, self.levels = found
                self.level = self.level if again else self.tally.level
            self.changed.emit()
        if again or path != self._state.path:
            self.refresh()

    def _on_estimated(self, made: Made) -> None:
        try:
            self.estimated = read_estimate(made["output"])
        except (OSError, ValueError, KeyError) as error:
            self._state.said.emit("error", tr("The table of cover cannot be read: {why}.").format(why=error))
        self.changed.emit()

    def _on_failed(self, why: str) -> None:
        if why:
            self._state.said.emit("warning", why)
        self.changed.emit()


def bars(state: CoverState, most: int) -> List[Tuple[str, float]]:
    """(code, share) of the labels that are shown, the most common first; what is left is the last, without a code."""
    if state.tally is None:
        return []
    every = [(bar.code, bar.cover) for bar in state.tally.bars]
    if len(every) <= most:
        return every
    return [*every[: most - 1], ("", sum(share for _, share in every[most - 1 :]))]
