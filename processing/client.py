"""The plugin's side of the wire: workers started when needed, kept warm, ended with QGIS.

Knows processes and messages; knows neither qgis nor what a job does. The same code serves QGIS, tests and tools.
Standard library only, Python 3.9 and later.
"""

import atexit
import collections
import itertools
import os
import queue
import signal
import subprocess  # nosec B404 - starting the worker is what this file is for
import threading
import time
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, List, Optional

from ..core import protocol
from ..core.epochs import EpochNews
from ..core.errors import BadFrame, Cancelled, EngineMissing, QuadratError, VersionMismatch, WorkerDied
from ..core.jobs.registry import when_stopped
from ..core.version import VERSION
from .environment import Engine, borrowed, clean_environment, find_engine, home

OnProgress = Callable[[float, Optional[float], str], None]
OnLog = Callable[[str, str], None]
OnEpoch = Callable[[EpochNews], None]
IsCancelled = Callable[[], bool]

BOOT = Path(__file__).resolve().parents[1] / "core" / "worker" / "boot.py"
POLL_S = 0.05
CANCEL_GRACE_S = 0.7
HANDSHAKE_S = 60.0
"""Generous: the first start after an installation compiles bytecode, and virus scanners look at each file."""


class Worker:
    """One worker process. Use from one thread at a time."""

    def __init__(self, engine: Engine, is_cancelled: Optional[IsCancelled] = None) -> None:
        self.engine = engine
        self.borrowed = borrowed()
        self._ids = itertools.count(1)
        self._inbox: queue.Queue[Optional[protocol.Message]] = queue.Queue()
        self._last_words: Deque[str] = collections.deque(maxlen=50)
        self._process = self._start()
        self._threads = [
            threading.Thread(target=self._read_wire, name="quadrat-wire", daemon=True),
            threading.Thread(target=self._drain_stderr, name="quadrat-stderr", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        try:
            self.facts = self._handshake(is_cancelled)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def call(
        self,
        method: str,
        params: Optional[protocol.Message] = None,
        on_progress: Optional[OnProgress] = None,
        on_log: Optional[OnLog] = None,
        is_cancelled: Optional[IsCancelled] = None,
        timeout_s: Optional[float] = None,
        on_epoch: Optional[OnEpoch] = None,
        grace_s: float = CANCEL_GRACE_S,
        if_stopped: str = "",
    ) -> Any:
        """Send a request and wait for its answer; `if_stopped` says what becomes of the work that is not done.

        Raises:
            Cancelled: `is_cancelled` said so; a worker that does not stop by itself within `grace_s` is killed.
            WorkerDied: the process ended meanwhile, or was silent for `timeout_s`.
            QuadratError: what the worker raised.
        """
        request_id = next(self._ids)
        self._send(protocol.request(request_id, method, params))
        started, cancelled_at = time.monotonic(), 0.0
        while True:
            now = time.monotonic()
            if is_cancelled and not cancelled_at and is_cancelled():
                cancelled_at = now
                self._send(protocol.notification(protocol.CANCEL, {"id": request_id}))
            if cancelled_at and now - cancelled_at >= grace_s:
                self.kill()
                raise Cancelled(f"Stopped. {if_stopped}".strip())
            if timeout_s and now - started > timeout_s:
                self.kill()
                raise WorkerDied(f"The engine did not answer within {timeout_s:.0f} s.{self._epitaph()}")
            try:
                message = self._inbox.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if message is None:
                raise WorkerDied(self._cause_of_death(if_stopped))
            if message.get("id") == request_id and "method" not in message:
                if "error" in message:
                    raise protocol.error_of(message)
                return message.get("result")
            if (message.get("params") or {}).get("id") == request_id:
                _relay(message, on_progress, on_log, on_epoch)

    def wake(self) -> None:
        """Have a waiting `call` look at `is_cancelled` now; from any thread."""
        self._inbox.put({})

    def close(self) -> None:
        """End politely: close stdin, wait two seconds, else kill. No zombie is left."""
        try:
            if self._process.stdin:
                self._process.stdin.close()
            self._process.wait(2)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
        self._reap()

    def kill(self) -> None:
        """End at once."""
        self._process.kill()
        self._reap()

    def _start(self) -> "subprocess.Popen[bytes]":
        python = str(self.engine.python)
        extra: Dict[str, Any] = {"start_new_session": True}  # Ctrl-C in a terminal is for the client to handle
        if os.name == "nt":
            extra = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
        environment = {**clean_environment(), "QUADRAT_HOME": str(home())}
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(  # nosec B603 - the engine's own Python and our own file, no shell
                [python, "-I", "-u", str(BOOT)], stdin=pipe, stdout=pipe, stderr=pipe, env=environment, **extra
            )
        except OSError as error:
            raise EngineMissing(
                f"The engine's Python does not start ({python}: {error.strerror}). Run 'Set up the engine'."
            ) from error

    def _handshake(self, is_cancelled: Optional[IsCancelled]) -> Dict[str, Any]:
        params = {"protocol": protocol.PROTOCOL_VERSION, "version": VERSION}
        try:
            facts = self.call(
                protocol.INITIALIZE, params, is_cancelled=is_cancelled, timeout_s=HANDSHAKE_S, grace_s=0.0
            )
        except WorkerDied as error:
            raise EngineMissing(f"The engine does not start. {error} Run 'Set up the engine' to repair it.") from error
        if not isinstance(facts, dict) or facts.get("protocol") != protocol.PROTOCOL_VERSION:
            raise VersionMismatch("The engine is of another version than the plugin. Run 'Set up the engine'.")
        return facts

    def _send(self, message: protocol.Message) -> None:
        try:
            self._process.stdin.write(protocol.encode(message))  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except (OSError, ValueError):
            return  # the reader notices the death and tells it with the last words

    def _read_wire(self) -> None:
        try:
            for message in protocol.read_messages(self._process.stdout):  # type: ignore[arg-type]
                self._inbox.put(message)
        except (BadFrame, OSError, ValueError) as error:
            self._last_words.append(str(error))
            self._process.kill()
        self._inbox.put(None)

    def _drain_stderr(self) -> None:
        try:
            for line in self._process.stderr:  # type: ignore[union-attr]
                self._last_words.append(line.decode("utf-8", "replace").rstrip())
        except (OSError, ValueError):
            return

    def _cause_of_death(self, if_stopped: str) -> str:
        try:
            code = self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._threads[1].join(1)
        if code == -signal.SIGTERM or (os.name != "nt" and code == -signal.SIGKILL):
            why = "it was killed, by the system when memory runs out, or by hand"
        elif code == -signal.SIGABRT:
            why = "signal 6: a library gave up, most often because memory ran out"
        elif code < 0:
            why = f"signal {-code}"
        else:
            why = f"exit code {code}"
        told = f" {if_stopped}" if if_stopped else ""
        return f"The engine's process ended in the middle of the work ({why}).{told}{self._epitaph()}"

    def _epitaph(self) -> str:
        words = list(_without_frames(line for line in self._last_words if line.strip()))
        return " Its last words:\n" + "\n".join(words[-10:]) if words else ""

    def _reap(self) -> None:
        self._process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(2)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                if stream:
                    stream.close()
            except OSError:  # a pipe to a dead process may refuse to flush
                continue


def _without_frames(lines: Iterable[str]) -> Iterator[str]:
    """Of tracebacks only how they end, which is what a person can use."""
    inside = False
    for line in lines:
        inside = line.startswith("Traceback ") or (inside and line.startswith(" "))
        if not inside:
            yield line


def _relay(
    message: protocol.Message, on_progress: Optional[OnProgress], on_log: Optional[OnLog], on_epoch: Optional[OnEpoch]
) -> None:
    method, params = message.get("method"), message["params"]
    if method == protocol.PROGRESS and on_progress:
        fraction, left = params.get("fraction"), params.get("remaining_s")
        if not isinstance(fraction, (int, float)) or not isinstance(left, (int, float, type(None))):
            raise BadFrame("The engine told of its progress in another form than expected.")
        on_progress(float(fraction), left, str(params.get("text", "")))
    elif method == protocol.LOG and on_log:
        on_log(str(params.get("level", "info")), str(params.get("text", "")))
    elif method == protocol.EPOCH and on_epoch:
        on_epoch(EpochNews.from_dict(params.get("news", {})))


class WorkerPool:
    """Workers for jobs that may come from several threads: one is kept warm, more are started while it is busy."""

    def __init__(self, find: Callable[[], Engine] = find_engine) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._idle: List[Worker] = []
        self._busy: List[Worker] = []
        self._closed = False
        atexit.register(self.close)

    def run(
        self,
        job: Dict[str, Any],
        on_progress: Optional[OnProgress] = None,
        on_log: Optional[OnLog] = None,
        is_cancelled: Optional[IsCancelled] = None,
        on_epoch: Optional[OnEpoch] = None,
    ) -> Dict[str, Any]:
        """Run a job (as `Job.to_dict` gives it) and return its `Result` as a dict.

        Raises:
            QuadratError: see `Worker.call`; `EngineMissing` when no worker can be started.
        """
        relays = {
            "on_progress": on_progress, "on_log": on_log, "is_cancelled": is_cancelled, "on_epoch": on_epoch,
            "if_stopped": when_stopped(job),
        }  # fmt: skip
        result: Dict[str, Any] = self._call(protocol.RUN, {"job": job}, **relays)
        return result

    def foretell(
        self, job: Dict[str, Any], measure: bool = False, is_cancelled: Optional[IsCancelled] = None, **relays: Any
    ) -> Dict[str, Any]:
        """How long a job would take, see `core/pipelines/foretell.py`; measured first where that is wished.

        Raises:
            QuadratError: as `run`.
        """
        params = {"job": job, "measure": measure}
        facts: Dict[str, Any] = self._call(protocol.FORETELL, params, is_cancelled=is_cancelled, **relays)
        return facts

    def describe(self) -> Dict[str, Any]:
        """Libraries and devices of the engine."""
        facts: Dict[str, Any] = self._call(protocol.DESCRIBE, {}, timeout_s=120.0)
        return facts

    def close(self) -> None:
        """End all workers; jobs that still run get `WorkerDied`."""
        with self._lock:
            self._closed = True
            idle, busy = self._idle, list(self._busy)
            self._idle = []
        for worker in busy:
            worker.kill()
        for worker in idle:
            worker.close()
        atexit.unregister(self.close)

    def reset(self) -> None:
        """End the idle workers, so that the next job starts a new one: after the engine was changed."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _call(self, method: str, params: Dict[str, Any], **options: Any) -> Any:
        worker = self._lease(options.get("is_cancelled"))
        try:
            return worker.call(method, params, **options)
        except WorkerDied as error:
            if self._closed:
                raise Cancelled("Stopped, because QGIS or the plugin is closing.") from error
            raise
        finally:
            self._give_back(worker)

    def _lease(self, is_cancelled: Optional[IsCancelled]) -> Worker:
        engine, lent = self._find(), borrowed()
        with self._lock:
            if self._closed:
                raise QuadratError("The plugin is closing.")
            stale = [w for w in self._idle if w.engine != engine or w.borrowed != lent or not w.alive]
            fresh = [worker for worker in self._idle if worker not in stale]
            worker = fresh.pop() if fresh else None
            self._idle = fresh
            if worker:
                self._busy.append(worker)
        for old in stale:
            old.close()
        if worker is None:
            worker = Worker(engine, is_cancelled)
            with self._lock:
                self._busy.append(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._busy.remove(worker)
            keep = worker.alive and not self._closed and not self._idle
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.close()
