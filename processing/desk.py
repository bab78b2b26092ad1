"""What the live worker is to be asked: what waits, what goes first, what gives way, and all that must be told again.

No process and no qgis: the main thread puts requests down, one thread takes them up. Standard library only, Python 3.9
and later.
"""

import math
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple, Type

from ..core.live.messages import Ask, At, Close, Label, Next, Open, Scatter, Score, Teach, View

ORDER = ("open", "teach", "view", "next", "at", "settle", "score", "scatter")
"""Kinds of errands, first what is done first. From `settle` on they are work for idle time."""
IDLE = ("settle", "score", "scatter")
KIND_OF: Dict[Type[Ask], str] = {Open: "open", Close: "open", Teach: "teach", View: "view", Next: "next", At: "at",
                                 Score: "score", Scatter: "scatter"}  # fmt: skip
DROPPED: Dict[str, Tuple[str, ...]] = {
    "open": ORDER, "teach": ("settle",), "view": ("view", "settle"), "next": ("next",), "at": ("at",),
    "settle": ("settle",), "score": (), "scatter": ("scatter",),
}  # fmt: skip
"""Errands that mean nothing any more when another kind arrives: those that run are stopped, those that wait go."""
DELAYED: Dict[str, Tuple[str, ...]] = {
    "open": (), "teach": ("view", "next", "score", "scatter"), "view": ("next", "score", "scatter"), "next": IDLE,
    "at": IDLE, "settle": (), "score": (), "scatter": (),
}  # fmt: skip
"""Errands that are stopped when another kind arrives, and done again after it."""
MOST_DEATHS = 2
"""An errand during which the worker died so often is not tried again."""


@dataclass
class Errand:
    """One request on its way."""

    kind: str
    ask: Ask
    epoch: int
    """Counts what was opened; answers of an earlier one are of no use."""
    stopped: bool = False
    again: bool = False
    """To be done again, when it was stopped."""
    deaths: int = 0


class Desk:
    """Requests that wait, by kind, the latest of each; and what a new worker has to be told."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Dict[str, Errand] = {}
        self._running: Optional[Errand] = None
        self._ended = False
        self._rests_until = 0.0
        self._open: Optional[Open] = None
        self._labels: Dict[int, Label] = {}
        self._classes: Tuple[str, ...] = ()
        self._view: Optional[View] = None
        self._untold: Set[int] = set()
        self._clear = False
        self.epoch = 0

    # The main thread ------------------------------------------------------------------------------------------------

    def put(self, ask: Ask) -> None:
        """Lay a request down; an older one of its kind goes. Before something is opened all else is ignored."""
        kind = "settle" if isinstance(ask, View) and ask.settle else KIND_OF[type(ask)]
        with self._changed:
            if kind == "open":
                self._begin(ask if isinstance(ask, Open) else None)
            elif self._open is None:
                return
            if isinstance(ask, View):
                self._view = ask
            self._lay_down(kind, ask)

    def teach(self, changed: Sequence[Label], removed: Sequence[int], classes: Sequence[str], clear: bool) -> None:
        """Keep labels and classes for ever, and lay down that they are to be told."""
        with self._changed:
            if self._open is None:
                return
            if clear:
                self._labels.clear()
                self._untold.clear()
                self._clear = True
            for number in removed:
                self._labels.pop(number, None)
            self._labels.update((label.id, label) for label in changed)
            self._untold.update(removed, (label.id for label in changed))
            self._classes = tuple(classes)
            self._lay_down("teach", Teach())

    def clear(self) -> None:
        """Nothing waits any more; what was told is kept."""
        with self._changed:
            self._waiting.clear()
            self._stop_running(again=False)

    def end(self) -> None:
        """Nothing more is done; what runs is stopped."""
        with self._changed:
            self._ended = True
            self._stop_running(again=False)
            self._changed.notify_all()

    def rest(self, seconds: float = math.inf) -> None:
        """Do nothing for a while, or until `retry` or the next `Open`; what was told is kept."""
        with self._changed:
            self._rests_until = time.monotonic() + seconds
            self.clear()

    def retry(self) -> None:
        """Go on after a rest: everything is told again, the last view is asked for again."""
        with self._changed:
            self._rests_until = 0.0
            if self._open is not None:
                self._lay_down("teach", Teach())
                if self._view is not None:
                    self._lay_down(_kind_of_view(self._view), self._view)

    # The thread of the worker ---------------------------------------------------------------------------------------

    def take(self, timeout_s: float) -> Optional[Errand]:
        """The errand that goes first; None when there is none for so long, or ever more."""
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._ended or bool(self._waiting), timeout_s)
            if self._ended or not self._waiting:
                return None
            errand = self._waiting.pop(min(self._waiting, key=ORDER.index))
            if errand.kind == "teach":
                errand.ask = self._news()
            self._running = errand
            return errand

    def put_back(self, errand: Errand) -> None:
        """To be done again, unless something of its kind has come meanwhile."""
        with self._changed:
            if errand.epoch == self.epoch and not self._rests and not self._ended:
                errand.stopped = errand.again = False
                self._waiting.setdefault(errand.kind, errand)

    def after_death(self, errand: Optional[Errand]) -> None:
        """The last view is asked for again, and so is what the worker died of, if not too often."""
        with self._changed:
            if errand is not None and errand.kind not in ("teach", "view"):
                errand.deaths += 1
                if errand.deaths < MOST_DEATHS:
                    self.put_back(errand)
            if self._open is not None and not self._rests and "open" not in self._waiting:
                self._waiting.setdefault("teach", Errand("teach", Teach(), self.epoch))
                if self._view is not None:
                    kind = _kind_of_view(self._view)
                    self._waiting.setdefault(kind, Errand(kind, self._view, self.epoch))

    def everything(self) -> Tuple[Optional[Open], Teach]:
        """What a new worker is told first; all labels count as told from now on."""
        with self._changed:
            self._clear = True
            return self._open, self._news()

    @property
    def has_opened(self) -> bool:
        """True while something is open."""
        return self._open is not None

    @property
    def ended(self) -> bool:
        """True when nothing is to be done any more."""
        return self._ended

    # Inside, with the lock held -------------------------------------------------------------------------------------

    @property
    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _begin(self, ask: Optional[Open]) -> None:
        self.epoch += 1
        self._open, self._view, self._rests_until = ask, None, 0.0
        self._labels.clear()
        self._untold.clear()
        self._classes, self._clear = (), False

    def _lay_down(self, kind: str, ask: Ask) -> None:
        if self._rests or self._ended:
            return
        for other in DROPPED[kind]:
            self._waiting.pop(other, None)
        running = self._running
        if running is not None and running.kind in DROPPED[kind]:
            self._stop_running(again=False)
        elif running is not None and running.kind in DELAYED[kind]:
            self._stop_running(again=True)
        self._waiting[kind] = Errand(kind, ask, self.epoch)
        self._changed.notify_all()

    def _stop_running(self, again: bool) -> None:
        if self._running is not None:
            self._running.again = again and (self._running.again or not self._running.stopped)
            self._running.stopped = True

    def _news(self) -> Teach:
        """Labels that the worker does not know yet."""
        clear, self._clear = self._clear, False
        numbers: List[int] = sorted(self._labels if clear else self._untold)
        self._untold = set()
        changed: Tuple[Dict[str, Any], ...] = tuple(self._labels[n].to_dict() for n in numbers if n in self._labels)
        removed = tuple(n for n in numbers if n not in self._labels)
        return Teach(changed, removed, clear, self._classes)


def _kind_of_view(view: View) -> str:
    return "settle" if view.settle else "view"
