"""Files without a buffer: written whole or with an error, held by one process, brought to the disk.

A raw file may take less than it is given, above all on a full disk: `write_all` asks until it is told so.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

from .errors import Unwritable

LOCK_AT = 2**62
"""Far behind any data: Windows locks byte ranges, and those that hold data could not be read then."""


def write_all(file: BinaryIO, data: bytes) -> None:
    """Unbuffered files may write less than asked for."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def sync_folder(path: Path) -> None:
    """Bring the name of a file to the disk, where the system can: without, a power failure may take it back."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # some network file systems cannot
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def open_raw(path: Path, flags: int = 0) -> BinaryIO:
    """Open or create, unbuffered, for reading and writing."""
    flags |= os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def open_locked(path: Path) -> BinaryIO:
    """A journal, held by this process alone; what is written goes to its end.

    Raises:
        Unwritable: another process holds it.
    """
    while True:
        file = open_raw(path, os.O_APPEND)
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            file.close()
            raise Unwritable(
                f"Another run of Quadrat is writing {str(path).removesuffix('.part.journal')}. Wait until it has "
                "ended, or choose another file."
            ) from error
        # The other process may have finished and removed the file between our opening and our locking.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
        file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(LOCK_AT)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
