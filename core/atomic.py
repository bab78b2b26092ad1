"""Small files written under a temporary name and renamed, so that nothing half-written bears the final name."""

import contextlib
import errno
import glob
import os
import platform
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import BadJob, Unwritable

STALE_S = 86_400.0
"""Older temporary files belong to no run."""
MACHINE = f"{zlib.crc32(platform.node().encode()) & 0xFFFF:04x}"
"""Tells runs on this machine from those on others that share the folder."""
LONGEST_ENDING = ".quadrat.part9999999-ffff.json"
"""Of all files that are written beside a result while it is made."""


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path in the same folder; it becomes `path` when the block ends well, and goes away otherwise.

    The extension stays, because some drivers look at it. The name is of this process, so that two runs that write the
    same result do not spoil each other's: the later one stands. What a run left behind that was killed on this machine
    goes at once, of another machine after a day.

    Raises:
        Unwritable: the folder is missing or read-only, the disk is full, or the file is in use.
    """
    target = Path(path)
    temporary = target.with_name(f"{target.stem}.part{os.getpid()}-{MACHINE}{target.suffix}")
    try:
        _remove(temporary)
        _sweep(target)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        _remove(temporary)
        if error.errno == errno.ENOSPC:
            raise Unwritable(
                f"{target} cannot be written: the disk is full. Make room and run the job again."
            ) from error
        raise Unwritable(f"{target} cannot be written: {error.strerror or error}.") from error
    except BaseException:
        _remove(temporary)
        raise


def check_name(path: str | Path) -> None:
    """Raise before long work rather than after it when nothing can have the name `path`.

    Raises:
        Unwritable: the folder is missing, the name is that of a folder, or too long.
    """
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise Unwritable(f"{path} cannot be written: there is no folder {folder}.")
    try:
        os.lstat(f"{path}{LONGEST_ENDING}")
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Unwritable(
                f"{path} cannot be written: the name is too long, as files beside it add {len(LONGEST_ENDING)} "
                "letters. Choose a shorter one."
            ) from error
    if Path(path).is_dir():
        raise Unwritable(f"{path} is a folder. Choose another name for the result.")


def check_folder(path: str | Path) -> None:
    """Raise before long work rather than after it when `path` could not be written.

    Raises:
        Unwritable: nothing can have this name, or the folder is read-only.
    """
    check_name(path)
    folder = Path(path).absolute().parent
    if not os.access(folder, os.W_OK):
        raise Unwritable(f"{path} cannot be written: the folder {folder} is read-only.")


def check_apart(outputs: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    """Refuse to write over what is read, also by way of a link, and to write two results into one file.

    Args:
        outputs: paths to write, by name; empty ones do not count.
        inputs: sources to read, by name; what follows a `|` names a layer.

    Raises:
        BadJob: names the two.
    """
    seen = {Path(path.split("|")[0]).resolve(): name for name, path in inputs.items() if path}
    for name, path in outputs.items():
        if not path:
            continue
        place = Path(path).resolve()
        if place in seen:
            raise BadJob(f"{path} is given as {seen[place]} and as {name}. Choose another file.")
        seen[place] = name


def _sweep(target: Path) -> None:
    """Remove what killed runs left of this result, with what SQLite lays beside its files."""
    with contextlib.suppress(OSError):
        for path in target.parent.glob(f"{glob.escape(target.stem)}.part[0-9]*{glob.escape(target.suffix)}*"):
            found = re.match(r"\.part(\d+)-([0-9a-f]{4})\.", path.name[len(target.stem) :])
            left = found is not None and found[2] == MACHINE and not _runs(int(found[1]))
            if left or time.time() - path.stat().st_mtime > STALE_S:
                path.unlink()


def _runs(pid: int) -> bool:
    """Whether there is such a process on this machine."""
    if os.name == "nt":  # which removes no file that a process has open
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove(path: Path) -> None:
    # Also when the folder itself is missing or no folder: the error that matters is raised by who writes.
    for ending in ("", "-journal", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            Path(f"{path}{ending}").unlink(missing_ok=True)
