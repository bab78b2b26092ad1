"""Waiting for what may hang - a server that is silent - without being deaf to the user, who may cancel.

GDAL cannot be interrupted. So the main thread lets another one ask, and looks now and then whether the job was
stopped; then the other thread is left to itself, and ends when GDAL gives up.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
LOOK_S = 0.1
"""Between two looks."""
LEAVE_S = 0.3
"""What a thread gets to end by itself before it is left."""
_stopped: ContextVar[Callable[[], None] | None] = ContextVar("stopped", default=None)


@contextmanager
def heard_by(stopped: Callable[[], None]) -> Iterator[None]:
    """While this lasts, whoever waits in this thread calls `stopped`, which raises when the user cancels."""
    token = _stopped.set(stopped)
    try:
        yield
    finally:
        _stopped.reset(token)


def next_of(made: "queue.SimpleQueue[T]") -> T:
    """The next item of a queue, whenever it comes.

    Raises:
        Cancelled: the user stopped the job meanwhile.
    """
    stopped = _stopped.get()
    if stopped is None:
        return made.get()
    while True:
        try:
            return made.get(timeout=LOOK_S)
        except queue.Empty:
            stopped()


def patiently(work: Callable[[], T]) -> T:
    """What `work` gives, or its error; done in a thread of its own where this is the main one.

    Raises:
        Cancelled: the user stopped the job meanwhile; `work` goes on unheard, and must not need what is closed now.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    made: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()

    def do() -> None:
        try:
            made.put((work(),))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            made.put(error)

    threading.Thread(target=do, name="patient", daemon=True).start()
    found = next_of(made)
    if isinstance(found, BaseException):
        raise found
    return found[0]
