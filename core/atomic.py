"""Small files written under a temporary name and renamed, so that nothing half-written bears the final name."""

import contextlib
import errno
import glob
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import BadJob, Unwritable

STALE_S = 86_400.0
"""Older temporary files belong to no run."""


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path in the same folder; it becomes `path` when the block ends well, and goes away otherwise.

    The extension stays, because some drivers look at it. The name is of this process, so that two runs that write the
    same result do not spoil each other's: the later one stands. What a killed run left behind goes after a day.

    Raises:
        Unwritable: the folder is missing or read-only, the disk is full, or the file is in use.
    """
    target = Path(path)
    temporary = target.with_name(f"{target.stem}.part{os.getpid()}{target.suffix}")
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


def check_folder(path: str | Path) -> None:
    """Raise before long work rather than after it when `path` could not be written.

    Raises:
        Unwritable: the folder is missing or read-only.
    """
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise Unwritable(f"{path} cannot be written: there is no folder {folder}.")
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
    """Remove what killed runs left of this result."""
    with contextlib.suppress(OSError):
        for path in target.parent.glob(f"{glob.escape(target.stem)}.part[0-9]*{glob.escape(target.suffix)}"):
            if time.time() - path.stat().st_mtime > STALE_S:
                _remove(path)


def _remove(path: Path) -> None:
    # Also when the folder itself is missing or no folder: the error that matters is raised by who writes.
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
