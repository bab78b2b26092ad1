"""Training again in the background as annotation grows: the job `trainreef`, then `suggestreef` on the same survey.

The rule of CoralNet: a first model after so many finished photos, the next when there are a tenth more than the last
one learnt from. Source: coralnet/coralnet, settings of training (20 photos, 1.1).
"""

import json
import math
import os
from typing import Any, Dict, NamedTuple, Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import QuadratError
from ...core.jobs.reef.suggesting import SuggestReef
from ...core.jobs.reef.training import TrainReef
from ...core.reef.schema import DONE, JUDGED
from ...core.reef.survey import Survey
from ...processing.background import in_background
from ...processing.calls import form_values
from ...processing.i18n import plural, tr
from ..settings import Setting
from .errand import Errand, Made, Step, facts_of

AUTOMATIC = Setting("reef_retrain", False, "A model of a survey is trained again by itself as annotation grows.")
FIRST = Setting("reef_first_photos", 20, "Finished photos that the first model of a survey waits for.")
WISH = Setting("reef_wish", SuggestReef.defaults()["wish"], "Accuracy in per cent at which a label is trusted.")
GROWTH = 1.1
SETTLE_MS = 1000


class Progress(NamedTuple):
    """Where a survey stands."""

    finished: int
    """Photos that people have finished point by point: those that can be learnt from."""
    learnt: int
    """Photos that the last model learnt from; 0 where there is none."""
    suggested: bool
    """Whether there are suggestions at all."""
    left: int
    """Photos with points that people have not finished: those that suggestions are for."""


class Score(NamedTuple):
    """Agreement in the label tree on photos that the model had never seen, in per cent."""

    f: float
    low: Optional[float]
    high: Optional[float]


def score_of(facts: Dict[str, Any]) -> Optional[Score]:
    """What the job noted of a model; None where it noted none."""
    try:
        apart = facts["splits"]["photo"]
        low, high = apart.get("hf_low"), apart.get("hf_high")
        return Score(100.0 * apart["hf"], None if low is None else 100.0 * low, None if high is None else 100.0 * high)
    except (KeyError, TypeError, AttributeError):
        return None


def next_at(learnt: int, first: int) -> int:
    """Finished photos at which a model is trained next."""
    return first if not learnt else max(first, math.ceil(round(learnt * GROWTH, 6)), learnt + 1)


def look(path: str) -> Progress:
    """Count in a survey.

    Raises:
        QuadratError: it cannot be read.
    """
    with Survey(path) as survey:
        ask = survey.connection.execute
        asked = "SELECT COALESCE(SUM(state = ?), 0), COUNT(*) FROM photos WHERE points > 0"
        done, every = ask(asked, (DONE,)).fetchone()
        finished = len(ask(JUDGED).fetchall())
        # Suggestions that were written last are of the last model.
        asked = "SELECT model, MAX(suggestion) FROM suggestions GROUP BY model ORDER BY 2 DESC"
        models = [row[0] for row in ask(asked)]
        learnt = next((len(survey.learnt(model)) for model in models if survey.learnt(model)), 0)
        return Progress(finished, learnt, bool(models), int(every - done))


class Retraining(QObject):
    """Trains, suggests, and says how it went; annotating goes on meanwhile."""

    changed = pyqtSignal()
    progressed = pyqtSignal(float, str)
    """0 to 100, and what is being done."""

    def __init__(self, state: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent or state)
        self._state = state
        self.errand = Errand(self)
        self.errand.changed.connect(self.changed)
        self.errand.progressed.connect(self.progressed)
        self.errand.ended.connect(self._on_ended)
        self.errand.failed.connect(self._on_failed)
        self.standing: Optional[Progress] = None
        """None until the survey was counted."""
        self.result = ""
        """How the last training went, in a sentence."""
        self._automatic, self._first, self._wish = bool(AUTOMATIC.get()), int(FIRST.get()), float(WISH.get())
        self._asking, self._trained = False, False
        self._begun_at = self._learnt_at = self._failed_at = 0
        self._before: Optional[Score] = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.refresh)
        state.opened.connect(self._on_opened)
        state.photo_finished.connect(self._note)
        state.annotated.connect(self._on_annotated)
        self._on_opened()

    # Settings --------------------------------------------------------------------------------------------------------

    @property
    def automatic(self) -> bool:
        """True: it trains by itself."""
        return self._automatic

    @automatic.setter
    def automatic(self, automatic: bool) -> None:
        self._automatic = automatic
        AUTOMATIC.set(automatic)
        self.changed.emit()
        self._perhaps()

    @property
    def first(self) -> int:
        """Finished photos before the first training."""
        return self._first

    @first.setter
    def first(self, photos: int) -> None:
        self._first = photos
        FIRST.set(photos)
        self.changed.emit()
        self._perhaps()

    @property
    def wish(self) -> float:
        """Accuracy, in per cent, at which labels are trusted."""
        return self._wish

    @wish.setter
    def wish(self, percent: float) -> None:
        self._wish = percent
        WISH.set(percent)
        self.changed.emit()

    # What is there ---------------------------------------------------------------------------------------------------

    @property
    def model(self) -> str:
        """Where the model of the open survey lies; empty without a survey."""
        path = self._state.path
        return f"{os.path.splitext(path)[0]}.qreef" if path else ""

    @property
    def has_model(self) -> bool:
        """True when it was trained before."""
        return bool(self.model) and os.path.isfile(self.model)

    def sentence(self) -> str:
        """Where the survey stands, and what comes next."""
        if self.standing is None:
            return ""
        done = plural("%n photo is finished", "%n photos are finished", self.standing.finished)
        if self.standing.learnt:
            learnt = tr("{done}; the model learnt from {learnt}.").format(done=done, learnt=self.standing.learnt)
        elif self.standing.suggested:
            learnt = tr("{done}; suggestions came with the survey.").format(done=done)
        else:
            learnt = tr("{done}; there is no model yet.").format(done=done)
        if not self.automatic:
            return learnt
        base = max(self.standing.learnt, self._learnt_at)
        left = next_at(base, self.first) - self.standing.finished
        if left <= 0:
            return learnt
        return " ".join([learnt, plural("Trains after %n more.", "Trains after %n more.", left)])

    # Work ------------------------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Train on what is finished, then suggest for the rest.

        Raises:
            QuadratError: no survey is open, nothing is finished, or it is at work already.
        """
        path = self._state.path
        if not path:
            raise QuadratError(tr("Open a survey first."))
        model = self.model
        self.result, self._trained, self._before = "", True, score_of(facts_of(model))
        self._begun_at = self.standing.finished if self.standing is not None else 0
        self.errand.start([
            Step(tr("Training"), "quadrat:trainreef", lambda _: form_values(self._lesson(path, model))),
            Step(tr("Suggesting labels"), "quadrat:suggestreef", lambda _: form_values(self._asked(path, model))),
        ])  # fmt: skip

    def suggest(self) -> None:
        """Suggest anew by the model there is, at the accuracy that is wished now.

        Raises:
            QuadratError: there is no model, or it is at work already.
        """
        path, model = self._state.path, self.model
        if not self.has_model:
            raise QuadratError(tr("There is no model of this survey yet. Train one first."))
        self.result, self._trained = "", False
        title = tr("Suggesting labels")
        self.errand.start([Step(title, "quadrat:suggestreef", lambda _: form_values(self._asked(path, model)))])

    def cancel(self) -> None:
        """Stop; vectors that were computed are kept."""
        self.errand.cancel()

    def form(self) -> Dict[str, Any]:
        """Values for the form of training: what is chosen there is kept for the next times."""
        return form_values(self._lesson(self._state.path, self.model, quick=False))

    def refresh(self) -> None:
        """Count the survey again."""
        path = self._state.path
        if path and not self._asking:
            self._asking = True
            in_background(
                tr("Count photos"), lambda: look(path), lambda found, error: self._told(path, found, error), self
            )

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _lesson(self, path: str, model: str, quick: bool = True) -> TrainReef:
        """As the model was trained last, where it was; else with the defaults.

        While somebody waits for suggestions, tests that take as long as the training itself are left to the form.
        """
        spare: Dict[str, Any] = {"tests": (), "curve": 0, "report": ""} if quick else {}
        try:
            with open(f"{model}.quadrat.json", encoding="utf-8") as file:
                kept = dict(json.load(file)["job"])
            if not quick:  # the quick way is not what the form begins with
                kept = {name: value for name, value in kept.items() if name not in ("tests", "curve")}
            return TrainReef.from_dict({**kept, **spare, "survey": path, "output": model})
        except (OSError, ValueError, KeyError, TypeError, RecursionError, QuadratError):  # another version, or none
            return TrainReef(survey=path, output=model, **spare)

    def _asked(self, path: str, model: str) -> SuggestReef:
        return SuggestReef(survey=path, model=model, wish=self.wish)

    def _on_opened(self) -> None:
        self.errand.forget()
        self.standing, self.result = None, ""
        self._begun_at = self._learnt_at = self._failed_at = 0
        self.changed.emit()
        self.refresh()

    def _note(self, *_: Any) -> None:
        self._timer.start()

    def _on_annotated(self, photo: int) -> None:
        """Of a single photo `photo_finished` tells what matters here."""
        if photo == 0:
            self._timer.start()

    def _told(self, path: str, found: Any, error: Optional[BaseException]) -> None:
        self._asking = False
        if path != self._state.path:
            self.refresh()
            return
        self.standing = found if error is None else None
        self.changed.emit()
        self._perhaps()

    def _perhaps(self) -> None:
        """Train, where that is wished and due; what failed is tried again only with more photos."""
        there = self.standing
        if there is None or not there.left or not self.automatic or self.errand.busy:
            return
        if there.finished >= max(next_at(max(there.learnt, self._learnt_at), self.first), self._failed_at + 1):
            try:
                self.train()
            except QuadratError as error:  # it began just now, by hand
                self._state.said.emit("warning", str(error))

    def _on_ended(self, made: Made) -> None:
        if self._trained:
            self._learnt_at = self._begun_at  # also where no photo was left to write suggestions for
        self.result = self._summary()
        self._state.said.emit("info", self.result)
        self.refresh()
        self.changed.emit()

    def _on_failed(self, why: str) -> None:
        if self._trained:
            self._failed_at = self._begun_at
        self.result = why or tr("Stopped. Vectors that were computed are kept.")
        if why:
            self._state.said.emit("warning", why)
        self.changed.emit()

    def _summary(self) -> str:
        """How good the model is on photos kept apart, and how good the one before it was."""
        told = [tr("New suggestions are there.")]
        score = score_of(facts_of(self.model))
        if score is not None and self._trained:
            text = tr("Agreement (hF) on photos kept apart: {now:.1f} %.")
            if score.low is not None and score.high is not None:
                text = tr("Agreement (hF) on photos kept apart: {now:.1f} % ({low:.0f} to {high:.0f} %).")
            told.append(text.format(now=score.f, low=score.low, high=score.high))
            if self._before is not None:
                told.append(tr("Before: {before:.1f} %.").format(before=self._before.f))
        return " ".join(told)
