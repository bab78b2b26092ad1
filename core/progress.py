"""Progress, log, news of what learns, and cancel of a running job, for pipelines and everything below them.

A pipeline gets a `Progress` and calls `checkpoint` at least every half second; that is where a cancel
arrives. Nothing here prints.
"""

import threading
import time
from collections.abc import Callable

from .epochs import EpochNews
from .errors import Cancelled

Report = Callable[[float, float | None, str], None]
"""(fraction 0..1, remaining seconds or None, text)"""
Log = Callable[[str, str], None]
"""(level `info` or `warning`, text)"""
Tell = Callable[[EpochNews], None]


class Progress:
    """How far a job is. `part` gives a stretch of the whole to one step of it."""

    def __init__(
        self,
        report: Report | None = None,
        log: Log | None = None,
        cancelled: threading.Event | None = None,
        *,
        tell: Tell | None = None,
        _span: tuple[float, float] = (0.0, 1.0),
        _clock: list[float] | None = None,
    ) -> None:
        self._report = report or (lambda fraction, remaining_s, text: None)
        self._log = log or (lambda level, text: None)
        self._cancelled = cancelled or threading.Event()
        self._tell = tell or (lambda news: None)
        self._span = _span
        self._clock = _clock if _clock is not None else [time.monotonic(), -1.0]

    def checkpoint(self, fraction: float | None = None, text: str = "") -> None:
        """Report how far this part is (0..1), and stop here if the user asked to.

        Raises:
            Cancelled: the user stopped the job.
        """
        if self._cancelled.is_set():
            raise Cancelled("Stopped.")
        if fraction is None:
            return
        low, high = self._span
        overall = low + (high - low) * min(max(fraction, 0.0), 1.0)
        started, last = self._clock
        now = time.monotonic()
        if now - last < 0.1 and not text and overall < 1.0:
            return
        self._clock[1] = now
        elapsed = now - started
        remaining = elapsed * (1 - overall) / overall if overall > 0.02 and elapsed > 1.0 else None
        self._report(overall, remaining, text)

    def part(self, low: float, high: float) -> "Progress":
        """The stretch from `low` to `high` of this one, as a progress of its own."""
        a, b = self._span
        span = (a + (b - a) * low, a + (b - a) * high)
        return Progress(self._report, self._log, self._cancelled, tell=self._tell, _span=span, _clock=self._clock)

    def quiet(self) -> "Progress":
        """The same cancel without reports, for whoever waits for `side_by_side`."""
        return Progress(cancelled=self._cancelled)

    def side_by_side(self, count: int) -> "list[Progress]":
        """One for each step that runs in a thread of its own; this one is as far as they are on average."""
        done, lock = [0.0] * count, threading.Lock()

        def reporter(number: int) -> Report:
            def report(fraction: float, remaining_s: float | None, text: str) -> None:
                with lock:
                    done[number] = fraction
                    self.checkpoint(sum(done) / count, text)

            return report

        return [Progress(reporter(number), self._log, self._cancelled, tell=self._tell) for number in range(count)]

    def info(self, text: str) -> None:
        """A line for the log."""
        self._log("info", text)

    def warning(self, text: str) -> None:
        """A line for the log that the user should read."""
        self._log("warning", text)

    def learnt(self, news: EpochNews) -> None:
        """An epoch is done; after each, also those that an earlier run did."""
        self._tell(news)
