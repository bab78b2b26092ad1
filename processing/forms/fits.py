"""Which backbones suit the rasters of a form: asked of the engine in the background, one question at a time."""

import os
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, FrozenSet, List, Optional, Tuple

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import EngineMissing, QuadratError
from ...core.jobs.backbones import ChooseBackbone
from ...models.errors import ModelError
from ...models.registry import BACKBONES
from ...models.weights.store import path_in_store
from ..background import in_background
from ..environment import find_engine, home
from ..i18n import tr
from ..workers import shared_pool

PAUSE_MS = 300
"""A text that is being typed is asked about when the typing pauses."""
PATIENCE_S = 3.0
"""A raster that takes longer, on a slow network say, does not keep the next question waiting."""
MOST_KEPT = 32

_kept: "OrderedDict[Any, Dict[str, Any]]" = OrderedDict()
"""Answers of the engine by question, files as they were, and weights on disk; dicts are safe in several threads."""


@dataclass(frozen=True)
class Question:
    """Rasters of a form, and what the user says of their bands and dates."""

    input: str = ""
    """Empty: only what needs no raster is asked."""
    second: str = ""
    band_roles: str = ""
    second_band_roles: str = ""
    months: str = ""

    @property
    def rasters(self) -> Tuple[str, str]:
        """Their paths."""
        return self.input, self.second


@dataclass(frozen=True)
class Answer:
    """What is known of the backbones for these rasters."""

    at_hand: FrozenSet[str] = frozenset()
    """Names of backbones whose weights are on this computer."""
    cards: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    """Facts by name of backbone, those that fit first; empty where nobody could tell."""
    default: str = ""
    bands: Tuple[Dict[str, Any], ...] = ()
    """What was recognised of each raster."""
    engine: str = ""
    """light or full; empty where it was not asked."""
    trouble: str = ""
    """Why nobody could tell, as a sentence."""


def answer_to(question: Question) -> Answer:
    """Look at the store and ask the engine; takes a tenth of a second, and some seconds where the engine must start."""
    at_hand = frozenset(name for name in BACKBONES if _on_disk(name))
    if not question.input:
        return Answer(at_hand)
    try:
        engine = find_engine().size
        facts = _facts(question, at_hand)
    except EngineMissing:
        return Answer(at_hand, trouble=tr("Set up the engine (Quadrat > Engine) to see what fits."))
    except QuadratError as error:
        return Answer(at_hand, trouble=str(error))
    bands: List[Dict[str, Any]] = [facts[name] for name in ("recognised", "second_recognised") if name in facts]
    cards = {card["name"]: card for card in facts["cards"]}
    return Answer(at_hand, cards, facts["default"], tuple(bands), engine)


def _facts(question: Question, at_hand: FrozenSet[str]) -> Dict[str, Any]:
    stamps = tuple(_stamp(path) for path in question.rasters)
    key = (question, stamps, at_hand)
    if None not in stamps and key in _kept:
        return _kept[key]
    job = ChooseBackbone.from_dict(asdict(question))
    facts: Dict[str, Any] = shared_pool().run(job.to_dict())["facts"]
    if None not in stamps:
        _kept[key] = facts
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return facts


def _stamp(path: str) -> Optional[Tuple[int, ...]]:
    """Time and size of a file; None of what is no file, and may change unseen."""
    if not path:
        return ()
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _on_disk(name: str) -> bool:
    weights = BACKBONES[name].weights
    try:
        return weights is not None and path_in_store(weights.name, home()) is not None
    except ModelError:  # what is wrong with the store is said where weights are asked for
        return False


class Fits(QObject):
    """The question of one form and the answer to it; answers that are out of date are dropped."""

    changed = pyqtSignal()
    """Another answer, or none yet."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.question: Optional[Question] = None
        self.answer = Answer()
        self.asking = False
        """True while the answer to the question is not there."""
        self._asked: Optional[Question] = None
        """What the engine is busy with."""
        self._since = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._ask)

    def put(self, question: Question) -> None:
        """Ask this from now on; what was known of other rasters is forgotten at once."""
        if question == self.question:
            return
        if self.question is None or question.rasters != self.question.rasters:
            self.answer = Answer(self.answer.at_hand)
        self.question, self.asking = question, True
        self._timer.start()
        self.changed.emit()

    def renew(self) -> None:
        """Ask the same once more: a file may have been written, or weights been fetched."""
        if self._asked is None and not self._timer.isActive():
            self._ask()

    def _ask(self) -> None:
        question = self.question
        if question is None:
            return
        if self._asked is not None and time.monotonic() - self._since < PATIENCE_S:
            self._timer.start()
            return
        self._asked, self._since = question, time.monotonic()
        in_background(
            tr("See which backbones fit"),
            lambda: answer_to(question),
            lambda answer, error: self._on_answered(question, answer, error),
        )

    def _on_answered(self, asked: Question, answer: Any, error: Optional[BaseException]) -> None:
        if sip.isdeleted(self):  # the form was closed meanwhile
            return
        if asked == self._asked:
            self._asked = None
        if asked != self.question:
            return  # the next question is on its way
        before, self.answer = self.answer, answer if error is None else Answer(trouble=str(error))
        if self.asking or self.answer != before:
            self.asking = False
            self.changed.emit()
