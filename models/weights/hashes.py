"""SHA-256 of files: reckoned, remembered as long as a file stays as it is, and known in advance."""

import hashlib
import os
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

from ..card import Source
from ..errors import UnusableModel
from .place import Tick, silent

CHUNK = 1 << 20
TICK_S = 0.3
SUMS = Path(__file__).resolve().parents[2] / "resources" / "SHA256SUMS"

Stamp = Tuple[int, ...]
_seen: Dict[str, Tuple[Stamp, str]] = {}


class KnownHash(NamedTuple):
    """A line of SHA256SUMS."""

    digits: str
    """64 hexadecimal digits, or the first few of them."""
    name: str


def stamp_of(path: Union[str, Path]) -> Stamp:
    """Size, times of change and number of a file: equal as long as nobody wrote to it."""
    facts = os.stat(path)
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def sha256_of(path: Union[str, Path], tick: Tick = silent, text: str = "") -> str:
    """Sha256 of a file, 64 hexadecimal digits; one that was read before and is unchanged is not read again.

    Args:
        path: of the file.
        tick: told how far it is.
        text: what to say; empty: that the file is checked.
    """
    key, before = os.path.abspath(path), stamp_of(path)
    known = _seen.get(key)
    if known and known[0] == before:
        return known[1]
    text = text or f"Checking {os.path.basename(path)}"
    found, done, said = hashlib.sha256(), 0, time.monotonic()
    tick(0, before[0], text)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            done += len(chunk)
            if time.monotonic() - said > TICK_S:
                said = time.monotonic()
                tick(done, before[0], "")
    digest = found.hexdigest()
    if stamp_of(path) == before:
        remember(path, before, digest)
    return digest


def remember(path: Union[str, Path], stamp: Stamp, digest: str) -> None:
    """Take the hash of a file for granted as long as it keeps that stamp."""
    _seen[os.path.abspath(path)] = (stamp, digest)


def forget(path: Union[str, Path]) -> None:
    """Have the file read again when next asked for."""
    _seen.pop(os.path.abspath(path), None)


def known_hashes(sums: Optional[Path] = None) -> List[KnownHash]:
    """What SHA256SUMS says: lines `HEX  NAME`, or `HEX*  NAME` where only the first digits are known."""
    path = sums or SUMS
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        digits, _, name = line.partition("#")[0].strip().partition("  ")
        if name.strip():
            found.append(KnownHash(digits.rstrip("*").lower(), name.strip()))
    return found


def known_hash(source: Source, file_name: str = "") -> str:
    """Digits known in advance, by the name of the weights or of their file; empty if none are.

    Args:
        source: of the weights.
        file_name: of the file at hand, where it may be named otherwise than the official one.
    """
    urls = (source.file_name, source.url.split("?")[0], file_name)
    names = {source.name, *(url.replace("\\", "/").rpartition("/")[2] for url in urls)} - {""}
    return next((each.digits for each in known_hashes() if each.name in names), "")


def refuse_other(source: Source, digest: str, path: Union[str, Path], file_name: str = "") -> None:
    """Compare with what is known in advance.

    Raises:
        UnusableModel: it is another file.
    """
    known = known_hash(source, file_name)
    if known and not digest.startswith(known):
        raise UnusableModel(
            f"{path} is not the official file of {source.name}: its SHA-256 is {digest[:16]}…, that of the official "
            f"file begins with {known[:16]}. Get the file again from {source.repo_id or source.url or 'its publisher'}."
        )
