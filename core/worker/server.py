"""The worker's side of the wire: one method table, one job at a time, cancel and ping answered meanwhile.

A thread reads messages; jobs run in the main thread, since some libraries want that. When stdin closes, QGIS
is gone and so is the worker, at once: results are written so that a kill never leaves half a file.
"""

import functools
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from .. import protocol
from ..epochs import EpochNews
from ..errors import BadFrame, BadJob, QuadratError, VersionMismatch
from ..jobs.declare import Job
from ..jobs.registry import job_from_dict
from ..live.messages import ASKS, Ask
from ..pipelines.registry import foretell_job, run_job
from ..progress import Progress
from ..version import VERSION
from .machine import describe, has_torch

METHOD_UNKNOWN = -32601


class Server:
    """Serves one client over a pair of streams."""

    def __init__(self, wire_in: BinaryIO, wire_out: BinaryIO, leave: Callable[[int], Any] = os._exit) -> None:
        self._in = wire_in
        self._out = wire_out
        self._leave = leave
        self._write_lock = threading.Lock()
        self._requests: queue.Queue[protocol.Message | None] = queue.Queue()
        self._cancels: dict[Any, threading.Event] = {}
        self._at_once: dict[str, Callable[[protocol.Message], Any]] = {
            protocol.INITIALIZE: self._initialize,
            protocol.PING: lambda params: {"time": time.time()},
        }
        self._in_turn: dict[str, Callable[[Any, protocol.Message], Any]] = {
            protocol.DESCRIBE: lambda request_id, params: describe(),
            protocol.RUN: self._run,
            protocol.FORETELL: self._foretell,
            **{ask.METHOD: functools.partial(self._live, ask) for ask in ASKS},
        }
        self._desk: Any = None

    def serve(self) -> None:
        """Work until the client closes its end."""
        threading.Thread(target=self._read, name="wire", daemon=True).start()
        while True:
            message = self._requests.get()
            if message is None:
                return
            handler = self._in_turn[message["method"]]
            self._answer(message, functools.partial(handler, message["id"], message["params"]))

    def _read(self) -> None:
        try:
            for message in protocol.read_messages(self._in):
                self._take(message)
        except BadFrame as error:
            self._send(protocol.failure(None, error.code, error.message))
        self._requests.put(None)
        self._leave(0)

    def _take(self, message: protocol.Message) -> None:
        method, request_id = message.get("method"), message.get("id")
        params = message.get("params")
        message["params"] = params = params if isinstance(params, dict) else {}
        if method == protocol.CANCEL:
            if event := self._cancels.get(params.get("id")):
                event.set()
        elif method in self._at_once:
            self._answer(message, lambda: self._at_once[str(method)](params))
        elif method in self._in_turn:
            self._cancels[request_id] = threading.Event()
            self._requests.put(message)
        elif request_id is not None:
            self._send(protocol.failure(request_id, METHOD_UNKNOWN, f"The engine has no method '{method}'."))

    def _answer(self, message: protocol.Message, work: Callable[[], Any]) -> None:
        request_id = message.get("id")
        try:
            self._send(protocol.response(request_id, work()))
        except QuadratError as error:
            self._send(protocol.failure(request_id, error.code, error.message, traceback.format_exc()))
        except Exception as error:  # noqa: BLE001 - the worker outlives a faulty job; the user gets the sentence
            text = f"Quadrat failed in a way it did not foresee ({type(error).__name__}: {error}). The log has details."
            self._send(protocol.failure(request_id, QuadratError.code, text, traceback.format_exc()))
        finally:
            self._cancels.pop(request_id, None)

    def _send(self, message: protocol.Message) -> None:
        data = protocol.encode(message)
        with self._write_lock:
            try:
                self._out.write(data)
                self._out.flush()
            except (BrokenPipeError, ValueError):
                self._leave(0)

    def _initialize(self, params: protocol.Message) -> protocol.Message:
        theirs = params.get("protocol")
        if theirs != protocol.PROTOCOL_VERSION:
            raise VersionMismatch(
                f"The plugin speaks version {theirs} of the protocol and the engine {protocol.PROTOCOL_VERSION}. "
                "Restart QGIS; if that does not help, run 'Set up the engine'."
            )
        return {
            "protocol": protocol.PROTOCOL_VERSION,
            "version": VERSION,
            "python": sys.version.split()[0],
            "pid": os.getpid(),
            "has_torch": has_torch(),
        }

    def _run(self, request_id: Any, params: protocol.Message) -> Any:
        progress = self._progress(request_id)
        progress.checkpoint()
        return run_job(_job_of(params), progress).to_dict()

    def _foretell(self, request_id: Any, params: protocol.Message) -> Any:
        progress = self._progress(request_id)
        progress.checkpoint()
        return foretell_job(_job_of(params), progress, bool(params.get("measure")))

    def _live(self, ask: type[Ask], request_id: Any, params: protocol.Message) -> Any:
        """A request of the live loop, whose state is kept from one to the next."""
        if self._desk is None:
            # Not before it is needed: the first answer of a worker must not wait for the libraries of heads.
            from ..live.session import Desk

            self._desk = Desk()
        progress = self._progress(request_id)
        progress.checkpoint()
        return self._desk.answer(ask.from_dict(params), progress)

    def _progress(self, request_id: Any) -> Progress:
        """Tells the client how far a request is, and hears whether it was cancelled."""

        def report(fraction: float, remaining_s: float | None, text: str) -> None:
            facts = {"id": request_id, "fraction": fraction, "remaining_s": remaining_s, "text": text}
            self._send(protocol.notification(protocol.PROGRESS, facts))

        def log(level: str, text: str) -> None:
            self._send(protocol.notification(protocol.LOG, {"id": request_id, "level": level, "text": text}))

        def tell(news: EpochNews) -> None:
            self._send(protocol.notification(protocol.EPOCH, {"id": request_id, "news": news.to_dict()}))

        return Progress(report, log, self._cancels[request_id], tell=tell)


def _job_of(params: protocol.Message) -> Job:
    job = params.get("job")
    if not isinstance(job, dict):
        raise BadJob("A run needs a job.")
    return job_from_dict(job)
