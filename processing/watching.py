"""What runs tell of the networks that they teach, for windows that show it: a list that listeners join.

Nobody has to listen: in qgis_process nobody does. Listeners are called in the thread of the run
and must return at once.
"""

import itertools
import threading
from dataclasses import dataclass
from typing import Callable, List, Optional

from ..core.epochs import EpochNews

DONE, STOPPED, FAILED = "done", "stopped", "failed"

_numbers = itertools.count(1)
_listeners: "List[Listener]" = []
_lock = threading.RLock()


@dataclass(frozen=True)
class Sign:
    """One thing that a run tells.

    Attributes:
        run: its number in this process.
        epoch: that is done, or None.
        remaining_s: of the whole run, or None while it is not known.
        ended: empty, or how the run ended.
    """

    run: int
    epoch: Optional[EpochNews] = None
    remaining_s: Optional[float] = None
    ended: str = ""


Listener = Callable[[Sign], None]


def join(listener: Listener) -> None:
    """Hear of all runs from now on."""
    with _lock:
        _listeners.append(listener)


def leave(listener: Listener) -> None:
    """Hear no more; when this returns, nobody is calling the listener and nobody will."""
    with _lock:
        _listeners.remove(listener)


class Telling:
    """One run; silent until its first epoch, so that whoever listens never hears of other work."""

    def __init__(self) -> None:
        self._run = 0
        self._remaining_s: Optional[float] = None

    def epoch(self, news: EpochNews) -> None:
        """A network has done an epoch."""
        self._run = self._run or next(_numbers)
        _publish(Sign(self._run, epoch=news, remaining_s=self._remaining_s))

    def progress(self, remaining_s: Optional[float]) -> None:
        """How long the run still takes."""
        self._remaining_s = remaining_s
        if self._run:
            _publish(Sign(self._run, remaining_s=remaining_s))

    def end(self, how: str) -> None:
        """It is over: `DONE`, `STOPPED` or `FAILED`."""
        if self._run:
            _publish(Sign(self._run, ended=how))


def _publish(sign: Sign) -> None:
    with _lock:
        for listener in _listeners:
            listener(sign)
