"""Finished pieces on their way home: room in the file of blocks, or objects at an address that all machines reach.

Objects go through fsspec: a folder (`file://`, or a plain path) needs nothing more, `s3://` needs s3fs, and so on.
"""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BadInput, Unwritable
from ..spool import unwritable


def write_blocks(part: Path, bodies: Sequence[bytes], offsets: Sequence[int]) -> None:
    """Put blocks into the room that was reserved for them, and bring them to the disk.

    Raises:
        Unwritable: the disk is full, or the folder is read-only or went away.
    """
    try:
        with open(part, "r+b") as file:
            for body, offset in zip(bodies, offsets, strict=True):
                file.seek(offset)
                file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(error, part) from error


class Objects:
    """One object for each piece of a run.

    Args of the constructor:
        address: of a folder or bucket.
        run: name of the run; its objects lie in a folder of that name.
    """

    def __init__(self, address: str, run: str) -> None:
        """Raises `BadInput` where the address cannot be used."""
        import fsspec

        try:
            self._files, root = fsspec.core.url_to_fs(address)
        except ImportError as error:
            raise BadInput(
                f"The store {address} needs a library that the engine does not hold ({error}). Install it for the "
                "engine and for the workers, or choose a folder."
            ) from error
        except ValueError as error:
            raise BadInput(f"The store {address} cannot be used: {error}.") from error
        self._address, self._root = address, f"{root.rstrip('/')}/quadrat-{run}"

    def put(self, name: str, bodies: Sequence[bytes]) -> None:
        """Keep blocks under a name.

        Raises:
            Unwritable: the store refuses.
        """
        try:
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(f"{self._root}/{name}", b"".join(bodies))
        except Exception as error:
            raise self._refused("be written", error) from error

    def take(self, name: str, sizes: Sequence[int], checksums: Sequence[int]) -> list[bytes]:
        """Fetch the blocks of a name, and delete it.

        Raises:
            Unwritable: they are not there, or not whole.
        """
        try:
            body = self._files.cat_file(f"{self._root}/{name}")
            self._files.rm_file(f"{self._root}/{name}")
        except Exception as error:
            raise self._refused("be read", error) from error
        bodies, at = [], 0
        for size in sizes:
            bodies.append(body[at : at + size])
            at += size
        if at != len(body) or [zlib.crc32(one) for one in bodies] != list(checksums):
            raise Unwritable(f"What a worker put into the store {self._address} came back changed. Run the job again.")
        return bodies

    def check(self) -> None:
        """Write an object and read it again.

        Raises:
            Unwritable: the store refuses.
        """
        name = f"look-{os.getpid()}-{id(self)}"
        self.put(name, [b"quadrat"])
        self.take(name, [7], [zlib.crc32(b"quadrat")])

    def clear(self) -> None:
        """Delete what is left of the run."""
        try:
            if self._files.exists(self._root):
                self._files.rm(self._root, recursive=True)
        except Exception as error:
            raise self._refused("be cleared", error) from error

    def _refused(self, what: str, error: Exception) -> Unwritable:
        return Unwritable(
            f"The store {self._address} cannot {what} ({type(error).__name__}: {_short(error)}). What is written is "
            "kept: correct the address or the rights, and run the same job again."
        )


def _short(error: Any) -> str:
    return str(error).strip().rstrip(".")[:200]
