"""Whether a survey needs more checking, asked of the job `checkreef` in the background after each finished photo."""

import json
import os
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, NamedTuple, Optional

from qgis.core import QgsProcessingUtils
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import BadInput
from ...core.jobs.reef.checking import FEWEST_PHOTOS, CheckReef
from ...processing.calls import form_values
from ...processing.i18n import plural, tr
from ..settings import Setting
from .errand import Errand, Made, Step, facts_of

ASKED = Setting("reef_sign", "{}", "What the stop sign of each survey is asked, as JSON by path.")
SETTLE_MS = 600
UNBROKEN_PERCENT = "\u00a0%"
_DEFAULTS = CheckReef.defaults()
STOP, GO_ON, UNKNOWN = "stop", "go on", "unknown"


@dataclass(frozen=True)
class Question:
    """What the sign is asked; as the job names it, and by its defaults."""

    targets: str = _DEFAULTS["targets"]
    tree_level: int = _DEFAULTS["tree_level"]
    tolerance: float = _DEFAULTS["tolerance"]
    batch: int = _DEFAULTS["batch"]


class Batch(NamedTuple):
    """One batch of checked photos; shares 0..1."""

    photos: int
    trained: int
    worst: str
    """Code of the group with the highest upper limit."""
    error: float
    low: float
    high: float
    """Cover error of that group."""
    f: Optional[float]
    passes: bool


class Verdict(NamedTuple):
    """What the job told."""

    stop: bool
    more: Optional[int]
    sentence: str
    pending: int
    """Checked photos that wait for their batch to fill."""
    needed: int
    batches: List[Batch]


def verdict_of(facts: Dict[str, Any]) -> Verdict:
    """The facts of the job as they are shown.

    Raises:
        BadInput: these are no facts of that job.
    """
    try:
        batches = []
        for one in facts["batches"]:
            group = next(group for group in one["groups"] if group["code"] == one["worst"])
            batches.append(
                Batch(one["photos"], one["trained"], one["worst"], group["error"], group["low"], group["high"],
                      one["f"], bool(one["passes"]))
            )  # fmt: skip
        return Verdict(
            bool(facts["stop"]), facts["more"], str(facts["sentence"]), int(facts["pending"]), int(facts["needed"]),
            batches,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise BadInput(tr("The answer of 'Check suggestions of photo survey' cannot be read.")) from error


class SignState(QObject):
    """The sign, and what it is asked."""

    changed = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent or state)
        self._state = state
        self.errand = Errand(self)
        self.errand.changed.connect(self.changed)
        self.errand.ended.connect(self._on_ended)
        self.errand.failed.connect(self._on_failed)
        self.question = Question()
        self.verdict: Optional[Verdict] = None
        """None until there is an answer."""
        self.trouble = ""
        """Why there is none."""
        self._again = False
        self._path, self._tree = "", ()  # type: str, Any
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._on_time)
        state.opened.connect(self._on_opened)
        state.photo_finished.connect(self.note)
        state.labels_changed.connect(self._on_labels)
        self._on_opened()

    @property
    def kind(self) -> str:
        """`STOP`, `GO_ON` or `UNKNOWN`."""
        if self.verdict is None or (self.verdict.more is None and not self.verdict.batches):
            return UNKNOWN
        return STOP if self.verdict.stop else GO_ON

    def headline(self) -> str:
        """The sign in a word or two."""
        if self.verdict is None or self.kind == UNKNOWN:
            return tr("Not known yet")
        if self.verdict.stop:
            return tr("You may stop")
        if self.verdict.more:
            return plural("Check about %n more photo", "Check about %n more photos", self.verdict.more)
        return tr("Go on")

    def explanation(self) -> str:
        """The sentence below it."""
        if self.trouble:
            return self.trouble
        if self.verdict is None:
            return tr("When photos with suggestions are checked, this tells whether more of them are needed.")
        told = self.verdict.sentence
        first, _, rest = told.partition(": ")
        if first == self.headline() and rest:  # it stands above already
            told = rest[0].upper() + rest[1:]
        return told.replace(" %", UNBROKEN_PERCENT)

    def name_of(self, code: str) -> str:
        """What people call a group."""
        return str(self._state.palette.name(code))

    def ask(self, **values: Any) -> None:
        """Ask something else, and at once; values as in `Question`."""
        wanted = replace(self.question, **values)
        if wanted != self.question:
            self.question = wanted
            self._keep()
            self.verdict, self.trouble = None, ""
            self.changed.emit()
            self.note()

    def note(self, *_: Any) -> None:
        """A photo was finished."""
        if self._state.path:
            self._timer.start()

    def _on_time(self) -> None:
        """Ask by itself only where there can be an answer: it would start the engine for nothing."""
        survey = self._state.survey
        if survey is not None and survey.connection.execute("SELECT 1 FROM suggestions LIMIT 1").fetchone():
            self.refresh()

    def refresh(self) -> None:
        """Ask now; while an answer is on its way, once more after it."""
        path = self._state.path
        if not path:
            return
        if self.errand.busy:
            self._again = True
            return
        table = os.path.join(QgsProcessingUtils.tempFolder(), "quadrat_check_of_survey.csv")
        asked = CheckReef(survey=path, output=table, **asdict(self.question))
        title = tr("Asking whether to stop")
        self.errand.start([Step(title, "quadrat:checkreef", lambda _: form_values(asked))])

    def form(self) -> Dict[str, Any]:
        """Values for the form of the same question, which also writes the report."""
        return form_values(CheckReef(survey=self._state.path, **asdict(self.question)))

    def _on_opened(self) -> None:
        self.errand.forget()
        self._path, self._again, self._tree = self._state.path, False, self._tree_now()
        self.verdict, self.trouble, self.question = None, "", self._kept()
        self.changed.emit()
        self.note()

    def _on_labels(self) -> None:
        """Names, colours and keys tell nothing new; the tree does."""
        tree = self._tree_now()
        if tree != self._tree:
            self._tree = tree
            self.note()

    def _tree_now(self) -> Any:
        return tuple((label.code, label.parent) for label in self._state.palette.labels)

    def _on_ended(self, made: Made) -> None:
        before = self.kind
        try:
            self.verdict, self.trouble = verdict_of(facts_of(made.get("output", ""))), ""
        except BadInput as error:
            self.verdict, self.trouble = None, str(error)
        if self.verdict is not None and self.verdict.stop and before != STOP:
            self._state.said.emit("info", self.verdict.sentence)  # the sign may be folded away
        self._after()

    def _on_failed(self, why: str) -> None:
        # Before there is anything to judge the job says what is lacking: worth a line here, no message.
        if why:
            self.verdict, self.trouble = None, why
        self._after()

    def _after(self) -> None:
        self.changed.emit()
        if self._again:
            self._again = False
            self.note()

    def _kept(self) -> Question:
        found = _entries().get(self._path, {})
        try:
            asked = Question(
                str(found.get("targets", "")), int(found.get("tree_level", 1)), float(found.get("tolerance", 5.0)),
                max(int(found.get("batch", 15)), FEWEST_PHOTOS),
            )  # fmt: skip
        except (AttributeError, TypeError, ValueError):  # written by hand
            return Question()
        return asked

    def _keep(self) -> None:
        entries = _entries()
        entries.pop(self._path, None)
        kept = list(entries.items())[-MOST_KEPT + 1 :]
        ASKED.set(json.dumps(dict([*kept, (self._path, asdict(self.question))])))


MOST_KEPT = 50
"""Surveys whose question is remembered."""


def _entries() -> Dict[str, Any]:
    try:
        found = json.loads(ASKED.get())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
