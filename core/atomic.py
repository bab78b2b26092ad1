"""Small files written under a temporary name and renamed, so that nothing half-written bears the final name."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import Unwritable


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path in the same folder; it becomes `path` when the block ends well, and goes away otherwise.

    The extension stays, because some drivers look at it.

    Raises:
        Unwritable: the folder is missing or read-only, the disk is full, or the file is in use.
    """
    target = Path(path)
    temporary = target.with_name(f"{target.stem}.part{target.suffix}")
    try:
        _remove(temporary)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        _remove(temporary)
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


def _remove(path: Path) -> None:
    # Also when the folder itself is missing or no folder: the error that matters is raised by who writes.
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
