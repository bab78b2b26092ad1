"""One download of a file at a time, also across processes; the lock of a killed process is free again."""

import contextlib
import os
from pathlib import Path
from typing import IO, Any, Iterator

from ..errors import WeightsNotFound


@contextlib.contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file while the block runs.

    Raises:
        WeightsNotFound: another process holds it.
    """
    with open(path, "a+b") as file:
        try:
            _lock(file)
        except OSError as error:
            raise WeightsNotFound(
                f"{what} are being downloaded by another Quadrat on this computer. Wait until it is done."
            ) from error
        try:
            yield
        finally:
            _unlock(file)


def _lock(file: IO[Any]) -> None:
    if os.name == "nt":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file: IO[Any]) -> None:
    if os.name == "nt":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)
