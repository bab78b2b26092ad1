"""Order in Quadrat's folder: one set-up at a time, which engine is in use, and getting rid of old ones.

Nothing outside `home()` is ever deleted, and no engine that a process runs from. Standard library only, Python 3.9
and later.
"""

import contextlib
import itertools
import json
import os
import shutil
import subprocess  # nosec B404 - macOS tells of running programs only through `ps`
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

from ..core.errors import SetupFailed
from .environment import FACTS, engines_folder, home, pointed_folder, pointer_file, qgis_packages, read_json

if os.name == "nt":
    import msvcrt
else:
    import fcntl

LEAVING = ".leaving-"
"""Begins the name of a folder that is being deleted."""
OURS = ("engines", "uv", "python", "cache", "logs", "scratch", "qgis-packages")
"""Folders that set-up makes; `remove` takes these and no others, since models and the user's files lie beside them."""


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the one right to change engines; the system takes it back when the process dies.

    Raises:
        SetupFailed: another process holds it.
    """
    with (home() / "setup.lock").open("a+") as file:
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError) as error:
            raise SetupFailed(
                "Another set-up is running, in another QGIS window or shell. Wait until it ends, or stop it there."
            ) from error
        except OSError:  # a file system without locks, such as some network drives: better unguarded than not at all
            yield
            return
        yield


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def point_to(folder: Path) -> None:
    """Make this engine the one in use, in one step: whoever reads the pointer sees the old one or the new one."""
    write_json(pointer_file(), {"format": 1, "engine": folder.name})


def write_json(path: Path, values: Dict[str, Any]) -> None:
    """Write under a temporary name, then rename."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def fresh_folder(requirement: str) -> Path:
    """A name for a new engine that nothing has; half-made ones were swept away by `tidy` unless they are in use."""
    names = itertools.chain([requirement], (f"{requirement}-{number}" for number in itertools.count(2)))
    return next(engines_folder() / name for name in names if not (engines_folder() / name).exists())


def tidy() -> List[str]:
    """Delete engines that are half made or no longer pointed to, unless a process uses them; returns their names."""
    folder = engines_folder()
    if not folder.is_dir():
        return []
    kept, gone = pointed_folder(), []
    running = _running_commands()
    for engine in sorted(folder.iterdir()):
        if engine != kept and not in_use(engine, running) and discard(engine):
            gone.append(engine.name)
    return gone


def sweep() -> List[str]:
    """`tidy` at any time, also beside other windows: does nothing while a set-up runs. Returns names."""
    if not home().is_dir():
        return []
    try:
        with only_one():
            return tidy()
    except SetupFailed:
        return []


def in_use(engine: Path, running: str = "") -> bool:
    """True if a process was started from this engine, or an installer works on it.

    Windows keeps files of running programs from being moved, so there `discard` finds out by trying.
    """
    if os.name == "nt":
        return False
    return str(engine) + os.sep in (running or _running_commands())


def _running_commands() -> str:
    """Command lines of all processes, each argument closed by a separator so that folder names match whole."""
    if sys.platform.startswith("linux"):
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # the process ended meanwhile
                lines.append(path.read_bytes().decode("utf-8", "surrogateescape").replace("\0", os.sep + "\n"))
        return "\n".join(lines)
    if os.name == "nt":
        return ""
    command = ["/bin/ps", "-A", "-ww", "-o", "args="]
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape")  # nosec B603 - fixed list
    return done.stdout


def discard(folder: Path) -> bool:
    """Delete a folder, or nothing of it: a folder with files in use (Windows) stays whole. True when it is gone."""
    leaving = folder
    if not folder.name.startswith(LEAVING):
        leaving = folder.with_name(f"{LEAVING}{folder.name}-{os.getpid()}-{time.time_ns()}")
        try:
            os.rename(folder, leaving)
        except OSError:
            return not folder.exists()
    shutil.rmtree(leaving, ignore_errors=True)
    return not leaving.exists()


def disk_use(folder: Path) -> int:
    """Bytes on disk below a folder; a file with several names counts once."""
    total, seen = 0, set()
    for where, _, names in os.walk(str(folder)):
        for name in names:
            with contextlib.suppress(OSError):  # deleted meanwhile
                facts = os.lstat(os.path.join(where, name))
                if facts.st_nlink > 1 and (facts.st_dev, facts.st_ino) in seen:
                    continue
                seen.add((facts.st_dev, facts.st_ino))
                total += getattr(facts, "st_blocks", 0) * 512 or facts.st_size
    return total


def disk_uses() -> Dict[str, int]:
    """Bytes on disk of each part of Quadrat's folder that set-up made; shared files count for the first that has them.

    Files of the cache are hard links into the engine where the file system allows; so `total` is less than the sum.
    """
    uses = {name: disk_use(home() / name) for name in OURS if (home() / name).is_dir()}
    uses["total"] = disk_use(home())
    return uses


def remove() -> int:
    """Delete engines, installer, cache and logs; returns the bytes freed. Models and results stay.

    Raises:
        SetupFailed: an engine is in use.
    """
    if not home().is_dir():
        return 0
    with only_one():
        busy = [engine for engine in _engines() if in_use(engine)]
        if busy:
            raise SetupFailed(
                f"The engine in {busy[0]} is at work. Wait until the job ends, or stop it and close other QGIS windows."
            )
        before = disk_use(home())
        left = [name for name in OURS if (home() / name).exists() and not discard(home() / name)]
        if "engines" in left:
            raise SetupFailed(f"Files in {engines_folder()} are in use. Close other QGIS windows and try again.")
        pointer_file().unlink(missing_ok=True)
        freed = before - disk_use(home())
    (home() / "setup.lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # models or results lie in it: it stays
        home().rmdir()
    return freed


def _engines() -> List[Path]:
    return [path for path in engines_folder().iterdir() if path.is_dir()] if engines_folder().is_dir() else []


def whole(engine: Path) -> bool:
    """True for an engine whose set-up went to its end."""
    return read_json(engine / FACTS) is not None


def plots_ready() -> bool:
    """True when QGIS's side has its library for plots."""
    return (qgis_packages() / "pyqtgraph").is_dir()
