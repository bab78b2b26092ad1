"""Runs an outside program for set-up: every line into the log, stopped within a second when the user says so.

Knows nothing of Python environments. Standard library only, Python 3.9 and later.
"""

import os
import queue
import re
import signal
import subprocess  # nosec B404 - running installers is what this file is for
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, TextIO

from ..core.errors import Cancelled

POLL_S = 0.05
KEPT_LOGS = 10
CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")


@dataclass
class Done:
    """What came of a program."""

    status: int
    lines: List[str] = field(default_factory=list)
    """Standard output and error together, in the order of arrival."""

    @property
    def ok(self) -> bool:
        """True when the program says that it succeeded."""
        return self.status == 0

    @property
    def text(self) -> str:
        """All output."""
        return "\n".join(self.lines)


class SetupLog:
    """A file that the user can send: each command, its output, and each sentence told to the user."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("setup-*.log"))[: -KEPT_LOGS + 1]:
            old.unlink(missing_ok=True)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = folder / f"setup-{stamp}-{os.getpid()}.log"
        self._file: TextIO = self.path.open("a", encoding="utf-8", errors="replace")
        self._tell = tell

    def tell(self, text: str) -> None:
        """A sentence for the user, and for the file."""
        self.note(text)
        self._tell(without_credentials(text))

    def note(self, text: str) -> None:
        """A line for the file only."""
        self._file.write(f"{time.strftime('%H:%M:%S')} {without_credentials(text)}\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def without_credentials(text: str) -> str:
    """The text with names and passwords in addresses replaced by stars."""
    return CREDENTIALS.sub("***@", text)


def run(
    command: Sequence[str],
    log: SetupLog,
    cancelled: Callable[[], bool],
    *,
    env: Dict[str, str],
    cwd: Optional[Path] = None,
    on_line: Optional[Callable[[str], None]] = None,
    on_idle: Optional[Callable[[], None]] = None,
    timeout_s: Optional[float] = None,
) -> Done:
    """Run a program to its end; one that cannot be started, or is silent for too long, counts as failed.

    Raises:
        Cancelled: the user said so; the program and what it started are dead.
    """
    log.note("$ " + subprocess.list2cmdline([word.strip().partition("\n")[0] for word in command]))
    done = Done(127)
    try:
        process = start(command, env=env, cwd=cwd)
    except OSError as error:
        log.note(f"cannot be started: {error}")
        done.lines.append(f"{command[0]}: {error}")
        return done
    try:
        for line in _lines(process, cancelled, on_idle or (lambda: None), timeout_s):
            done.lines.append(line)
            log.note("  " + line)
            if on_line is not None:
                on_line(line)
        done.status = process.wait()
    except _Silent:
        done.lines.append(f"timed out: silent for {timeout_s} s")
    finally:
        kill(process)
        log.note(f"= {done.status}")
    return done


class _Silent(Exception):
    """A program said nothing for too long."""


def _lines(
    process: Any, cancelled: Callable[[], bool], on_idle: Callable[[], None], timeout_s: Optional[float]
) -> Iterator[str]:
    """Lines as they come, with a look at `cancelled` between them and while there are none."""
    lines: queue.Queue[Optional[str]] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    heard = time.monotonic()
    while True:
        if cancelled():
            raise Cancelled("Stopped. What was downloaded is kept; run set-up again to go on.")
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            on_idle()
            if timeout_s is not None and time.monotonic() - heard > timeout_s:
                raise _Silent from None
            continue
        if line is None:
            return
        heard = time.monotonic()
        yield line


def start(command: Sequence[str], *, env: Dict[str, str], cwd: Optional[Path] = None, **pipes: Any) -> Any:
    """A process in a group of its own, without a console window; output as text in one stream."""
    if os.name == "nt":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined]
        pipes["creationflags"] = flags
    else:
        pipes["start_new_session"] = True
    pipes.setdefault("stdin", subprocess.DEVNULL)
    pipes.setdefault("stderr", subprocess.STDOUT)
    return subprocess.Popen(  # nosec B603 - a list of arguments, no shell; programs that Quadrat chose or the user named
        list(command), stdout=subprocess.PIPE, env=env, cwd=None if cwd is None else str(cwd),
        encoding="utf-8", errors="replace", **pipes,
    )  # fmt: skip


def kill(process: Any) -> None:
    """End a process of `start` and everything that it started; no error if it is gone already."""
    if process.poll() is None:
        if os.name == "nt":
            process.kill()
        else:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()
    process.wait()


def _read(process: Any, lines: "queue.Queue[Optional[str]]") -> None:
    try:
        for line in process.stdout:
            lines.put(line.rstrip())
    finally:
        process.stdout.close()
        lines.put(None)
