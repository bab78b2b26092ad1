"""Finished blocks of a raster in the making: one append-only file, one journal, one owner at a time.

`<output>.part` holds compressed blocks one behind the other, from `BODY_START` on; `<output>.part.journal` holds a
header line and then one line for each block. A process may be killed, and a machine lose power, between any two bytes:
at the next start the blocks are checked against their checksums, in order, and whatever lies behind the first gap is
cut off. What is then appended gives the same bytes as a run that was never stopped.

Blocks may be written by other machines: room is reserved in order, bytes come in any order, and a line is journaled
only when all bytes before it are there. On shared folders such a writer opens the file, writes, syncs and closes; the
owner opens it again before it reads what others wrote. The lock lies on the journal, which nobody else opens: a locked
file is held in the cache of a network file system by whole pages, and bytes of others in them would be written over.
"""

import contextlib
import errno
import hashlib
import json
import os
import sys
import zlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from . import rawfiles
from .errors import Unwritable

FORMAT = 1
BODY_START = 16
"""Bytes kept free at the start of the file for a TIFF or BigTIFF header."""
_GAP = -1
"""Stands for the index in the journal line of room that was claimed in vain."""
_MAGIC = b"QUADRAT SPOOL 1\n"


class Stored(NamedTuple):
    """Where a block lies: its segments follow one another from `offset`."""

    offset: int
    lengths: Sequence[int]


@dataclass
class _Claim:
    """Room for a block whose journal line is still to be written."""

    offset: int
    checksum: int
    lengths: "array[int]"
    """Of unsigned 32-bit numbers: a large raster has millions of segments."""
    there: bool = False


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


def forget(output: str | Path, signature: Mapping[str, Any]) -> None:
    """Remove what is left of a run of this signature that was killed when its result had just got its name."""
    part, journal = part_path(Path(output)), journal_path(Path(output))
    with contextlib.suppress(OSError):
        emptied = journal.stat().st_size == 0 and not part.exists()
        if emptied or kept(output, signature) is not None:
            part.unlink(missing_ok=True)
            journal.unlink()


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
    if error.errno == errno.EFBIG:
        return Unwritable(
            f"{path} grows larger than its disk allows (FAT32: 4 GB). Choose a disk with another file system, fewer "
            "dimensions or more pixels to a cell."
        )
    return Unwritable(f"{path} cannot be written: {error.strerror or error}.")


class Spool:
    """The unfinished blocks of one output, locked for this process.

    Attributes:
        blocks: where each block in the journal lies, by its index.
        end: of the room that is claimed; once all claims are met, length of the file of blocks.
    """

    def __init__(
        self, output: Path, signature: Mapping[str, Any], layout: str, keep: Mapping[str, Any],
        check: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Open or create; go on when signature and layout are those of the earlier run, else start anew.

        Args:
            output: what the blocks are of.
            signature: all that decides them.
            layout: how their bytes are laid out.
            keep: JSON values for a later run.
            check: called before anything is journaled; raises when that cannot be relied on, as inputs have changed.

        Raises:
            Unwritable: no such folder, read-only, or another process is writing the same output.
        """
        self.output = output
        self.blocks: dict[int, Stored] = {}
        self.end = BODY_START
        self._claims: dict[int, _Claim] = {}
        self._gaps = _GAP
        self._check = check
        check()
        self._header = {"format": FORMAT, "signature": digest(signature), "layout": layout, "keep": dict(keep)}
        try:
            self._journal = rawfiles.open_locked(journal_path(output))
            try:
                self._part = rawfiles.open_raw(part_path(output))
                # Elsewhere an open file cannot be removed, and some file systems count no names.
                self._named = os.fstat(self._part.fileno()).st_nlink > 0
                self._recover()
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise unwritable(error, output) from error

    @property
    def file(self) -> BinaryIO:
        """The file of blocks, open for reading and writing."""
        return self._part

    def append(self, index: int, segments: Sequence[bytes], checksum: int | None = None) -> None:
        """Add a finished block. Its journal line is written after its bytes.

        Args:
            index: of the block, not below 0.
            segments: its bytes.
            checksum: CRC-32 of all of them, if it is known.

        Raises:
            Unwritable: disk full, or the folder went away; nothing that comes later is journaled.
        """
        body = b"".join(segments)
        checksum = zlib.crc32(body) if checksum is None else checksum
        offset = self.reserve(index, [len(segment) for segment in segments], checksum)
        try:
            self._part.seek(offset)
            rawfiles.write_all(self._part, body)
            removed = self._named and not os.fstat(self._part.fileno()).st_nlink
        except OSError as error:
            raise unwritable(error, self.output) from error
        if removed:
            raise Unwritable(
                f"{self.output} cannot be written any more: its folder, or {part_path(self.output).name} in it, was "
                "removed. Make the folder again, or choose another one, and run the job again."
            )
        self.written(index)

    def reserve(self, index: int, lengths: Sequence[int], checksum: int) -> int:
        """Claim room for a block that somebody else writes; returns its place in the file of blocks.

        A claim may be repeated when a writer was lost: equal bytes get the same room, others new room.

        Args:
            index: of the block, not below 0.
            lengths: bytes of its segments.
            checksum: CRC-32 of all of them.

        Raises:
            ValueError: the block is there already.
        """
        claim = self._claims.get(index)
        if index in self.blocks or (claim is not None and claim.there):
            raise ValueError(f"Block {index} of {self.output} is there already.")
        own = array("I", lengths)
        if claim is not None:
            if (claim.checksum, claim.lengths) == (checksum, own):
                return claim.offset
            self._abandon(index)
        self._claims[index] = _Claim(self.end, checksum, own)
        self.end += sum(own)
        return self._claims[index].offset

    def written(self, index: int) -> None:
        """Say that the bytes of a claim are in the file: its line is journaled as soon as all before it are there.

        Raises:
            KeyError: no room was claimed for the block.
            Unwritable: disk full, or the folder went away.
        """
        self._check()
        self._claims[index].there = True
        try:
            while self._claims:
                first = next(iter(self._claims))
                claim = self._claims[first]
                if not claim.there:
                    break
                line = [max(first, _GAP), claim.offset, claim.checksum, claim.lengths.tolist()]
                rawfiles.write_all(self._journal, json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n")
                del self._claims[first]
                if first >= 0:
                    self.blocks[first] = Stored(claim.offset, claim.lengths)
        except OSError as error:
            # A torn line may stand at the end: this claim stays the first one and is never met.
            claim.there = False
            raise unwritable(error, self.output) from error

    def place(self, index: int) -> Stored:
        """Where a block lies whose bytes are in the file, journaled or not.

        Raises:
            KeyError: there is no such block.
        """
        if index in self.blocks:
            return self.blocks[index]
        claim = self._claims[index]
        return Stored(claim.offset, claim.lengths)

    def close(self) -> None:
        """Let go of files and lock; what is finished stays on disk."""
        if hasattr(self, "_part"):
            self._part.close()
        self._journal.close()

    def deliver(self) -> None:
        """Bring the file of blocks to the disk and give it its final name; then nothing is left to go on with.

        Raises:
            Unwritable: disk full, or the final name is in use by another program; the blocks stay.
        """
        try:
            os.fsync(self._part.fileno())
            self._part.close()
            os.replace(part_path(self.output), self.output)
            rawfiles.sync_folder(self.output)
        except OSError as error:
            raise unwritable(error, self.output) from error
        with contextlib.suppress(OSError):
            self._journal.truncate(0)
            if sys.platform == "win32":  # removes no open file; elsewhere the lock is held to the last
                self._journal.close()
            journal_path(self.output).unlink(missing_ok=True)
        self._journal.close()

    def _abandon(self, index: int) -> None:
        """Turn a claim into a gap, in its place among the others."""
        self._gaps -= 1
        gap = self._gaps
        self._claims = {gap if key == index else key: claim for key, claim in self._claims.items()}
        self._claims[gap].there = True

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
            own = array("I", lengths)
            total = sum(own)
        except (ValueError, TypeError, OverflowError):
            return False
        if not line.endswith(b"\n") or offset != self.end or index in self.blocks:
            return False
        if index == _GAP:
            self.end += total
            return True
        self._part.seek(offset)
        body = self._part.read(total)
        if len(body) != total or zlib.crc32(body) != checksum:
            return False
        self.blocks[index] = Stored(offset, own)
        self.end += total
        return True

    def _start_anew(self) -> None:
        self._journal.truncate(0)
        self._part.truncate(0)
        self._stamp()
        header = {**self._header, "check": digest(self._header)}
        rawfiles.write_all(self._journal, json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n")

    def _stamp(self) -> None:
        """Mark the file as unfinished: without a header no program takes it for a TIFF."""
        self._part.seek(0)
        rawfiles.write_all(self._part, _MAGIC)
