"""How networks learn, run by run: state without widgets, fed from the threads of the runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, List, Optional, Set, Tuple

from qgis.PyQt.QtCore import QObject, Qt, QTimer, pyqtSignal

from ...core.epochs import EpochNews
from ...processing import watching
from ...processing.watching import Sign

SETTLE_MS = 150
"""Small networks do a hundred epochs a second; what is shown follows at this pace."""
MOST_RUNS = 12
"""Older ones are forgotten."""

Key = Tuple[str, int]
"""Test and number of a model."""


@dataclass
class Curve:
    """Losses of one model, epoch by epoch, in squared units of the indicator; NaN where there is none."""

    models: int
    epochs: List[int] = field(default_factory=list)
    training: List[float] = field(default_factory=list)
    validation: List[float] = field(default_factory=list)
    best_epoch: int = 0

    def add(self, news: EpochNews) -> None:
        """One epoch more; one that came before begins the curve anew."""
        facts = news.facts
        if self.epochs and facts.epoch <= self.epochs[-1]:
            for values in (self.epochs, self.training, self.validation):
                values.clear()
        self.epochs.append(facts.epoch)
        self.training.append(facts.training)
        self.validation.append(float("nan") if facts.validation is None else facts.validation)
        self.best_epoch = facts.best_epoch

    @property
    def validated(self) -> bool:
        """True where places choose the epoch."""
        return any(value == value for value in self.validation)

    @property
    def best(self) -> Optional[float]:
        """Validation loss of the epoch whose weights are kept; None without validation places."""
        at = self.epochs.index(self.best_epoch) if self.best_epoch in self.epochs else -1
        return self.validation[at] if at >= 0 and self.validated else None


@dataclass
class Lesson:
    """One run of an algorithm that teaches networks."""

    number: int
    begun: datetime
    last: EpochNews
    curves: Dict[Key, Curve] = field(default_factory=dict)
    remaining_s: Optional[float] = None
    ended: str = ""
    seconds: float = 0.0
    """From the first epoch to the end."""

    @property
    def now(self) -> Key:
        """The model that learnt last."""
        return (self.last.test, self.last.model)

    def add(self, news: EpochNews) -> None:
        """One epoch more."""
        self.last = news
        self.curves.setdefault(self.now, Curve(news.models)).add(news)


class Lessons(QObject):
    """All runs of this session that taught networks, the last at the end."""

    begun = pyqtSignal(int)
    """Number of a run that has done its first epoch."""
    changed = pyqtSignal()
    """Something is new; sent at the pace of the eye, however fast epochs come."""
    _arrived = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lessons: Dict[int, Lesson] = {}
        self._over: Set[int] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.changed)
        # Never at once: a run in the main thread must not open windows in the middle of its work.
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        watching.join(self._hear)

    def over(self, number: int) -> bool:
        """True once a run has ended, also while that is still on its way to the screen."""
        return number in self._over or bool(self.lessons[number].ended)

    def close(self) -> None:
        """Hear no more."""
        watching.leave(self._hear)
        self._timer.stop()

    def _hear(self, sign: Sign) -> None:
        """In the thread of the run."""
        if sign.ended:
            self._over.add(sign.run)
        self._arrived.emit(sign)

    def _on_arrived(self, sign: Sign) -> None:
        lesson = self.lessons.get(sign.run)
        if lesson is None:
            if sign.epoch is None:
                return
            lesson = self.lessons[sign.run] = Lesson(sign.run, datetime.now(), sign.epoch)
            for old in sorted(self.lessons)[:-MOST_RUNS]:
                del self.lessons[old]
        fresh = not lesson.curves
        if sign.epoch is not None:
            lesson.add(sign.epoch)
        lesson.remaining_s = sign.remaining_s
        if fresh:
            self.begun.emit(sign.run)
        if sign.ended:
            lesson.ended = sign.ended
            lesson.seconds = (datetime.now() - lesson.begun).total_seconds()
            self._over.discard(sign.run)
        if not self._timer.isActive():
            self._timer.start()
