"""The worker that a map is taught with: a process of its own, asked from a thread of its own.

What it holds (the embedding, the labels, the head) is lost when it dies; so all that it was told is kept on the desk,
and another worker is told the same. Knows no qgis. Standard library only, Python 3.9 and later.
"""

import atexit
import collections
import math
import threading
import time
import traceback
import weakref
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Type

from ..core.errors import Cancelled, QuadratError, Stale, WorkerDied
from ..core.live.messages import (
    Ask,
    At,
    Close,
    Cloud,
    Known,
    Label,
    Message,
    Next,
    Open,
    Opened,
    Painted,
    Places,
    Scatter,
    Score,
    Scored,
    Taught,
    Teach,
    View,
)
from .client import Worker
from .desk import Desk, Errand
from .environment import Engine, find_engine
from .workers import keep_beside

Tell = Callable[[int, str, Any], None]
"""Takes the epoch, the name of an event and what comes with it; called in the thread of the worker."""

ANSWERS: Dict[Type[Ask], Type[Message]] = {
    Open: Opened, Teach: Taught, View: Painted, At: Known, Next: Places, Score: Scored, Scatter: Cloud,
}  # fmt: skip
EVENTS: Dict[Type[Message], str] = {
    Opened: "opened", Taught: "taught", Painted: "painted", Known: "known", Places: "placed", Scored: "scored",
    Cloud: "scattered",
}  # fmt: skip
RESTARTS, WITHIN_S = 3, 60.0
"""A worker that dies more often than this has a reason that another start does not mend."""
WATCH_S = 1.0
"""How soon the death of a worker that has nothing to do is noticed."""
STOP_S = 5.0
PATIENCE_S = math.inf
"""A request that is out of date and does not stop is waited for: a kill would cost the embedding in memory."""
UNREAD = 2
"""The worker writes answers into as many files in turn: the next but one is not asked for before the first was read."""
READ_S = 0.05
LETTERS_AT_ONCE = 16 * 2**20
"""Of geometries in one message; a line of the wire holds four times as many."""

_living: "weakref.WeakSet[LiveWorker]" = weakref.WeakSet()


class LiveWorker:
    """Requests go in from the main thread and return at once; events come out in the thread of the worker."""

    def __init__(self, tell: Tell, find: Callable[[], Engine] = find_engine) -> None:
        self._tell, self._find = tell, find
        self._desk = Desk()
        self._worker: Optional[Worker] = None
        self._opened: Optional[Opened] = None
        self._deaths: Deque[float] = collections.deque(maxlen=RESTARTS + 1)
        self._told = False
        """True when the worker has opened what is open, and knows the labels."""
        self._let_go = False
        self._unread = threading.Semaphore(UNREAD)
        self._thread = threading.Thread(target=self._run, name="quadrat-live", daemon=True)
        self._thread.start()
        _living.add(self)

    @property
    def epoch(self) -> int:
        """Of what is open now; events of an earlier one are out of date."""
        return self._desk.epoch

    @property
    def pid(self) -> Optional[int]:
        """Process id of the worker; None while there is none."""
        worker = self._worker
        return None if worker is None else worker.pid

    def ask(self, ask: Ask) -> None:
        """Lay a request down."""
        self._desk.put(ask)
        self._wake()

    def teach(self, changed: Sequence[Label], removed: Sequence[int], classes: Sequence[str], clear: bool) -> None:
        """Keep labels and classes, and have them told."""
        self._desk.teach(changed, removed, classes, clear)
        self._wake()

    def read(self) -> None:
        """The file of an answer was read, and may be written again."""
        self._unread.release()

    def retry(self) -> None:
        """Begin again after a failure."""
        self._deaths.clear()
        self._desk.retry()

    def let_go(self) -> None:
        """End the process, so that its files can be replaced; the next request starts another one."""
        worker, self._let_go = self._worker, True
        self._desk.clear()
        if worker is not None:
            worker.kill()
        self._wake()

    def end(self) -> None:
        """End process and thread; nothing is told any more."""
        _living.discard(self)
        self._desk.end()
        worker = self._worker
        if worker is not None:
            worker.kill()
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_S)

    def _wake(self) -> None:
        worker = self._worker
        if worker is not None:
            worker.wake()

    # The thread of the worker ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._desk.ended:
            errand = self._desk.take(WATCH_S)
            try:
                self._see_to(errand)
            except Cancelled:
                if errand is not None and errand.again:
                    self._desk.put_back(errand)
            except WorkerDied as error:
                self._bury(errand, str(error))
            except Stale as error:
                self._open_again(errand, error)
            except QuadratError as error:
                self._fail(errand, error)
            except Exception as error:  # noqa: BLE001 - the thread outlives a fault of ours; the user gets a sentence
                self._say(errand, "failed", (f"{type(error).__name__}: {error}", traceback.format_exc()))
        self._close()

    def _see_to(self, errand: Optional[Errand]) -> None:
        if self._let_go:
            self._let_go = False
            self._close()
        if errand is None:
            if self._worker is not None and not self._worker.alive:
                raise WorkerDied("The engine's process ended while nothing was asked of it.")
        elif isinstance(errand.ask, Close):
            self._opened, self._told = None, False
            if self._worker is not None:
                self._call(errand, errand.ask)
        else:
            self._make_ready(errand)
            self._answer(errand)

    def _make_ready(self, errand: Errand) -> None:
        """Have a worker that knows everything; what is to be opened now is opened by the errand itself."""
        if self._worker is None:
            self._told = False
            self._worker = Worker(self._find(), lambda: self._desk.ended or self._let_go)
        if errand.kind == "open":
            self._opened, self._told = None, False
            return
        open_, teach = (None, None) if self._told else self._desk.everything()
        if open_ is None or teach is None:
            return
        # An errand of its own: that the view is out of date is no reason to stop here.
        telling = Errand("open", open_, errand.epoch)
        opened = Opened.from_dict(self._call(telling, open_))
        if opened != self._opened:  # for the first time, or the file was replaced meanwhile
            self._opened = opened
            self._say(errand, "opened", opened)
        taught = self._teach(telling, teach)
        self._told = True
        if errand.kind == "teach":
            errand.ask = Teach(classes=teach.classes)
        else:
            self._say(errand, "taught", taught)
        self._say(errand, "restarted", None)

    def _answer(self, errand: Errand) -> None:
        if errand.stopped:
            raise Cancelled("Something newer is asked.")
        ask, answer = errand.ask, None
        if isinstance(ask, Teach):
            answer = self._teach(errand, ask)
        else:
            answer = self._view(errand, ask) if isinstance(ask, View) else self._asked(errand, ask)
        if isinstance(answer, Opened):
            self._opened, self._told = answer, True
        self._say(errand, EVENTS[type(answer)], answer)
        if errand.again and errand.kind == "view":  # labels have changed since, although it was not stopped in time
            self._desk.put_back(errand)

    def _teach(self, errand: Errand, teach: Teach) -> Taught:
        *others, last = pieces(teach)
        for piece in others:
            self._call(errand, piece)
        return Taught.from_dict(self._call(errand, last))

    def _view(self, errand: Errand, ask: View) -> Message:
        while not self._unread.acquire(timeout=READ_S):
            if errand.stopped or self._desk.ended:
                raise Cancelled("Something newer is asked.")
        try:
            return self._asked(errand, ask)
        except BaseException:
            self._unread.release()
            raise

    def _asked(self, errand: Errand, ask: Ask) -> Message:
        return ANSWERS[type(ask)].from_dict(self._call(errand, ask))

    def _call(self, errand: Errand, ask: Ask) -> Dict[str, Any]:
        if self._worker is None:
            raise WorkerDied("The engine's process has ended.")

        def stopped() -> bool:
            return errand.stopped or errand.epoch != self._desk.epoch

        def progress(fraction: float, remaining_s: Optional[float], text: str) -> None:
            self._say(errand, "progressed", (fraction, text))

        answer: Dict[str, Any] = self._worker.call(
            ask.METHOD, ask.to_dict(), progress, is_cancelled=stopped, grace_s=PATIENCE_S
        )
        return answer

    def _bury(self, errand: Optional[Errand], why: str) -> None:
        self._close()
        if self._desk.ended or self._let_go or not self._desk.has_opened:
            return
        now = time.monotonic()
        self._deaths.append(now)
        if len(self._deaths) > RESTARTS and now - self._deaths[0] < WITHIN_S:
            self._desk.rest(WITHIN_S)
            self._say(errand, "gave_up", why)
            return
        self._say(errand, "died", why)
        self._desk.after_death(errand)

    def _open_again(self, errand: Optional[Errand], error: Stale) -> None:
        """The file was replaced while it was open: whatever it is now, it is opened and told all labels."""
        self._told = False
        if errand is not None and errand.deaths == 0:
            errand.deaths = 1
            self._desk.put_back(errand)
        else:
            self._fail(errand, error)

    def _fail(self, errand: Optional[Errand], error: QuadratError) -> None:
        if not self._told:
            self._desk.rest()  # no engine, or nothing that can be opened: each further request would fail alike
        self._say(errand, "failed", (error.message, getattr(error, "detail", "")))

    def _say(self, errand: Optional[Errand], event: str, value: Any) -> None:
        if not self._desk.ended:
            self._tell(self._desk.epoch if errand is None else errand.epoch, event, value)

    def _close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()


def pieces(teach: Teach) -> Iterator[Teach]:
    """Messages that hold together what one holds, none too long for the wire."""
    some: List[Dict[str, Any]] = []
    letters, removed, clear = 0, teach.removed, teach.clear
    for label in teach.changed:
        if some and letters + len(label["wkb"]) > LETTERS_AT_ONCE:
            yield Teach(tuple(some), removed, clear, teach.classes)
            some, letters, removed, clear = [], 0, (), False
        some.append(label)
        letters += len(label["wkb"])
    yield Teach(tuple(some), removed, clear, teach.classes)


def end_live() -> None:
    """End every live worker: the plugin goes."""
    for live in list(_living):
        live.end()


def let_go_live() -> None:
    """End the process of every live worker, so that the files of the engine can be replaced."""
    for live in list(_living):
        live.let_go()


keep_beside(end_live, let_go_live)
atexit.register(end_live)
