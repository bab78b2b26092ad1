"""Workers without the wait: one process imports the libraries once, and each worker is a fork of it.

A worker of the tests is killed hundreds of times, and importing costs a hundred times what the job does. What a fork
then runs is `boot.py` itself, in a process and with pipes of its own. The client starts `stub`, a Python that hands
its pipes over, waits, and ends as the worker ended. `QUADRAT_HURT` in the environment, JSON, says how the worker is
hurt from inside; see `pains.py`. Linux only.

`python -I -u nursery.py SOCKET`: forks workers until stdin closes.
"""

import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = ("embedraster", "embedcells", "applyhead", "openembedding", "trainhead")
"""Pipelines whose libraries every worker has from birth."""
STUB = """#!{python} -IS
import json, os, socket
sock = socket.socket(socket.AF_UNIX)
sock.connect({path!r})
socket.send_fds(sock, [json.dumps(dict(os.environ)).encode()], [0, 1, 2])
nothing = os.open(os.devnull, os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(nothing, number)
status = json.loads(sock.recv(100) or b"9")
if os.WIFSIGNALED(status):
    os.kill(os.getpid(), os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
"""


def write_stub(python: Path, path: str) -> None:
    """The file that stands for the engine's Python."""
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(STUB.format(python=sys.executable, path=path), encoding="utf-8")
    python.chmod(0o755)


class Nursery:
    """Forks a worker for each stub that calls."""

    def __init__(self, path: str) -> None:
        self.boot, self.pains = (
            _load("boot", ROOT / "core/worker/boot.py"),
            _load("pains", ROOT / "tests/faults/pains.py"),
        )
        self.boot.register_package()
        for name in LOADED:
            importlib.import_module(f"quadrat.core.pipelines.{name}")
        importlib.import_module("quadrat.core.worker.server")
        importlib.import_module("onnxruntime")
        importlib.import_module("pyogrio")
        self.boot.register_package = lambda: None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self.bear)
        self.selector.register(0, selectors.EVENT_READ, self.end)
        self.children = {}

    def serve(self) -> None:
        """Until stdin closes."""
        os.write(1, b"ready\n")
        while True:
            for key, _ in self.selector.select():
                key.data()

    def bear(self) -> None:
        """Fork a worker with the pipes that a stub sends."""
        stub, _ = self.listener.accept()
        data, pipes, _, _ = socket.recv_fds(stub, 2**18, 3)
        pid = os.fork()
        if not pid:
            self.live(json.loads(data), pipes, stub)
        for pipe in pipes:
            os.close(pipe)
        watch = os.pidfd_open(pid)
        self.children[pid] = stub, watch
        self.selector.register(watch, selectors.EVENT_READ, lambda: self.bury(pid))
        self.selector.register(stub, selectors.EVENT_READ, lambda: self.orphan(pid))

    def live(self, environment, pipes, stub) -> None:
        """Be the worker."""
        status = 1
        try:
            self.selector.close()
            self.listener.close()
            stub.close()
            for number, pipe in enumerate(pipes):
                os.dup2(pipe, number)
                os.close(pipe)
            os.environ.clear()
            os.environ.update(environment)
            self.pains.suffer(json.loads(environment.get("QUADRAT_HURT", "{}")))
            self.boot.main()
            status = 0
        except BaseException:  # noqa: BLE001 - told on stderr, as Python does; a fork must never return to the loop
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def bury(self, pid) -> None:
        """Tell the stub how its worker ended."""
        _, status = os.waitpid(pid, 0)
        stub, watch = self.children.pop(pid)
        self.selector.unregister(watch)
        if stub.fileno() in self.selector.get_map():
            self.selector.unregister(stub)
        os.close(watch)
        with stub:
            try:
                stub.send(json.dumps(status).encode())
            except OSError:
                return  # the stub was killed first

    def orphan(self, pid) -> None:
        """The stub is gone, so its worker goes, unless both went together."""
        if pid not in self.children:
            return
        self.selector.unregister(self.children[pid][0])
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Nobody wants workers any more."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    Nursery(sys.argv[1]).serve()
