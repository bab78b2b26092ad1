"""Finished blocks of a raster in the making: one append-only file, one journal, one writer at a time.

`<output>.part` holds compressed blocks one behind the other, from `BODY_START` on; `<output>.part.journal` holds a
header line and then one line for each block. A process may be killed between any two bytes: at the next start the
blocks are checked against their checksums, in order, and whatever lies behind the first gap is cut off. What is
then appended gives the same bytes as a run that was never stopped.
"""

import errno
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .errors import Unwritable

FORMAT = 1
BODY_START = 16
"""Bytes kept free at the start of the file for a TIFF or BigTIFF header."""
_MAGIC = b"QUADRAT SPOOL 1\n"
_LOCK_AT = 2**62
"""Far behind any data: Windows locks byte ranges, and those that hold data could not be read then."""


class Stored(NamedTuple):
    """Where a block lies: its segments follow one another from `offset`."""

    offset: int
    lengths: tuple[int, ...]


def digest(value: Mapping[str, Any]) -> str:
    """Hash of a mapping that JSON can hold; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def part_path(output: Path) -> Path:
    """Where the blocks of an unfinished output lie."""
    return Path(f"{output}.part")


def journal_path(output: Path) -> Path:
    """Where the journal of an unfinished output lies."""
    return Path(f"{output}.part.journal")


def kept(output: str | Path, signature: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an unfinished run of the same signature kept in its journal, or None if there is none to go on with."""
    try:
        with open(journal_path(Path(output)), "rb") as file:
            header = _header_of(file.readline())
    except OSError:
        return None
    keep = header.get("keep") if header.get("signature") == digest(signature) else None
    return keep if isinstance(keep, dict) else None


def _header_of(line: bytes) -> dict[str, Any]:
    """The journal's first line, empty if it is torn or damaged: what is kept in it must be right to the last digit."""
    try:
        header = json.loads(line)
        whole = line.endswith(b"\n") and header.pop("check") == digest(header) and header.get("format") == FORMAT
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}
    return header if whole else {}


def unwritable(error: OSError, path: Path) -> Unwritable:
    """The sentence for a failure to write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC):
        return Unwritable(f"The disk of {path} is full. Make room and run the same job again; what was done is kept.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Unwritable(
            f"{path} cannot be written: the folder is read-only, or another program has the file open. "
            "Close it there or choose another folder."
        )
    if error.errno == errno.ENOENT:
        return Unwritable(f"There is no folder {path.parent}. Make it, or choose another one.")
    return Unwritable(f"{path} cannot be written: {error.strerror or error}.")


class Spool:
    """The unfinished blocks of one output, locked for this process.

    Attributes:
        blocks: where each finished block lies, by its index.
        end: length of the file of blocks.
    """

    def __init__(self, output: Path, signature: Mapping[str, Any], layout: str, keep: Mapping[str, Any]) -> None:
        """Open or create; go on when signature and layout are those of the earlier run, else start anew.

        Raises:
            Unwritable: no such folder, read-only, or another process is writing the same output.
        """
        self.output = output
        self.blocks: dict[int, Stored] = {}
        self.end = BODY_START
        self._header = {"format": FORMAT, "signature": digest(signature), "layout": layout, "keep": dict(keep)}
        try:
            self._part = _open_locked(part_path(output))
            try:
                self._journal = open(journal_path(output), "a+b", buffering=0)  # noqa: SIM115 - lives as long as self
                self._recover()
            except BaseException:
                self._part.close()
                raise
        except OSError as error:
            raise unwritable(error, output) from error

    @property
    def file(self) -> BinaryIO:
        """The file of blocks, open for reading and writing."""
        return self._part

    def append(self, index: int, segments: Sequence[bytes]) -> None:
        """Add a finished block. Its journal line is written after its bytes.

        Raises:
            Unwritable: disk full, or the folder went away.
        """
        body = b"".join(segments)
        lengths = tuple(len(segment) for segment in segments)
        line = json.dumps([index, self.end, zlib.crc32(body), lengths], separators=(",", ":")).encode("ascii") + b"\n"
        try:
            self._part.seek(self.end)
            _write_all(self._part, body)
            _write_all(self._journal, line)
        except OSError as error:
            raise unwritable(error, self.output) from error
        self.blocks[index] = Stored(self.end, lengths)
        self.end += len(body)

    def close(self) -> None:
        """Let go of files and lock; what is finished stays on disk."""
        self._journal.close()
        self._part.close()

    def _recover(self) -> None:
        self._journal.seek(0)
        lines = self._journal.read().splitlines(keepends=True)
        if not lines or not self._same_header(lines[0]):
            self._start_anew()
            return
        good = len(lines[0])
        for line in lines[1:]:
            if not self._accept(line):
                break
            good += len(line)
        self._journal.truncate(good)
        self._part.truncate(self.end)
        self._stamp()

    def _same_header(self, line: bytes) -> bool:
        header = _header_of(line)
        return all(header.get(key) == self._header[key] for key in ("signature", "layout"))

    def _accept(self, line: bytes) -> bool:
        """Take over the block of a journal line if line and bytes are whole."""
        try:
            index, offset, checksum, lengths = json.loads(line)
            total = sum(lengths)
        except (ValueError, TypeError):
            return False
        if not line.endswith(b"\n") or offset != self.end or index in self.blocks:
            return False
        self._part.seek(offset)
        body = self._part.read(total)
        if len(body) != total or zlib.crc32(body) != checksum:
            return False
        self.blocks[index] = Stored(offset, tuple(lengths))
        self.end += total
        return True

    def _start_anew(self) -> None:
        self._journal.truncate(0)
        self._part.truncate(0)
        self._stamp()
        header = {**self._header, "check": digest(self._header)}
        _write_all(self._journal, json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n")

    def _stamp(self) -> None:
        """Mark the file as unfinished: without a header no program takes it for a TIFF."""
        self._part.seek(0)
        _write_all(self._part, _MAGIC)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Unbuffered files may write less than asked for."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _open_locked(path: Path) -> BinaryIO:
    """The file, unbuffered, held by this process alone.

    Raises:
        Unwritable: another process holds it.
    """
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", buffering=0)
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            file.close()
            raise Unwritable(
                f"Another run of Quadrat is writing {str(path).removesuffix('.part')}. Wait until it has ended, or "
                "choose another file."
            ) from error
        # The other process may have renamed the file to its final name between our opening and our locking.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
        file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(_LOCK_AT)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
