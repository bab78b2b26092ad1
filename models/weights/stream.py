"""Reading a response in a thread of its own, so that a cancel is heard while the network is silent."""

import contextlib
import queue
import threading
from typing import Any, Callable, Dict, Iterator, Optional

from .web import Address, Answer, open_address

CHUNK = 1 << 18
QUEUED = 16
POLL_S = 0.2


class Stream(threading.Thread):
    """One request and what comes of it."""

    def __init__(self, address: Address, headers: Dict[str, str]) -> None:
        super().__init__(name="quadrat-download", daemon=True)
        self._address, self._headers = address, headers
        self._queue: queue.Queue[Any] = queue.Queue(QUEUED)
        self._stopped = threading.Event()
        self._answer: Optional[Answer] = None
        self.start()

    def run(self) -> None:
        """Open, then read to the end; errors go the same way as data."""
        try:
            self._answer = open_address(self._address, self._headers)
            self._put(self._answer)
            while not self._stopped.is_set():
                chunk = self._answer.read(CHUNK)
                self._put(chunk)
                if not chunk:
                    return
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            self._put(error)
        finally:
            if self._answer is not None:
                self._answer.close()

    def answer(self, look: Callable[[], None]) -> Answer:
        """The head of the response; `look` is called while it is waited for."""
        found: Answer = self._get(look)
        return found

    def chunks(self, look: Callable[[], None]) -> Iterator[bytes]:
        """The body, piece by piece."""
        while chunk := self._get(look):
            look()
            yield chunk

    def stop(self) -> None:
        """Let go of the connection."""
        self._stopped.set()
        if self._answer is not None and self.is_alive():
            self._answer.hang_up()

    def _put(self, item: Any) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=POLL_S)
                return

    def _get(self, look: Callable[[], None]) -> Any:
        while True:
            try:
                item = self._queue.get(timeout=POLL_S)
            except queue.Empty:
                look()
                continue
            if isinstance(item, Exception):
                raise item
            return item
