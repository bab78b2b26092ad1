"""What a file of weights is by its first and last bytes, before anything reads it. Runs nothing that is in it."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Optional

from ..errors import UnusableModel

SAFETENSORS, ZIPPED, PICKLED = "safetensors", "torch", "old torch"
SUFFIXES_OF = {SAFETENSORS: (".safetensors",), ZIPPED: (".pth", ".pt", ".bin"), PICKLED: (".pth", ".pt", ".bin")}
"""The first stands where a file has none that is known."""
LONGEST_HEADER = 100_000_000
"""Bytes; the limit that the safetensors library sets."""


def suffix_of(path: Path, named: str = "") -> str:
    """The suffix that a file of weights should have by its content: `.safetensors`, or one of PyTorch's.

    Args:
        path: the file.
        named: suffix that it had where it came from; empty: its own.

    Raises:
        UnusableModel: it is no such file, is cut short, or bears the suffix of another kind.
    """
    kind = _kind(path)
    if kind is None:
        raise UnusableModel(_what_else(path))
    if kind == SAFETENSORS:
        _check_safetensors(path)
    elif kind == ZIPPED:
        _check_zip(path)
    suffix = (named or path.suffix).lower()
    if suffix not in SUFFIXES_OF[kind] and any(suffix in others for others in SUFFIXES_OF.values()):
        raise UnusableModel(
            f"{path} is called {suffix}, but inside it is a file of the kind {SUFFIXES_OF[kind][0]}. Give it its right "
            "name again."
        )
    return suffix if suffix in SUFFIXES_OF[kind] else SUFFIXES_OF[kind][0]


def damaged(path: Path) -> str:
    """The sentence for a file that is not whole."""
    return f"The weights file {path} is damaged or cut short. Copy or download it again."


def web_page(start: bytes) -> bool:
    """True for the beginning of an HTML page."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml"))


def _kind(path: Path) -> Optional[str]:
    """Told by the first bytes.

    Raises:
        UnusableModel: the file may not be read, or its disk fails.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(10)
    except OSError as error:
        raise UnusableModel(f"The weights file {path} cannot be read: {error.strerror or error}.") from error
    if start.startswith(b"PK\x03\x04"):
        return ZIPPED
    if start[8:9] == b"{" and 0 < struct.unpack("<Q", start[:8])[0] < LONGEST_HEADER:
        return SAFETENSORS
    if start.startswith(b"\x80") and len(start) > 1 and start[1] in range(2, 6):
        return PICKLED
    return None


def _check_zip(path: Path) -> None:
    """PyTorch's files are archives with one pickle of names and one file for each tensor.

    Raises:
        UnusableModel: the archive has no end, or is another one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnusableModel(damaged(path)) from error
    if not any(name.endswith("data.pkl") for name in names):
        raise UnusableModel(f"{path} is an archive, and not a file of weights itself. Unpack it and choose the file.")


def _check_safetensors(path: Path) -> None:
    """Compare the length with what the header says.

    Raises:
        UnusableModel: the file is shorter or longer.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        text = file.read(length)
    try:
        header = json.loads(text)
        tensors = (entry for name, entry in header.items() if name != "__metadata__")
        end = max([int(entry["data_offsets"][1]) for entry in tensors], default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise UnusableModel(damaged(path)) from error
    if size != 8 + length + end:
        raise UnusableModel(damaged(path))


def _what_else(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(256)
    if not start:
        return f"The weights file {path} is empty, so it is damaged or cut short. Copy or download it again."
    if web_page(start):
        return f"{path} is a web page and not a file of weights: what was downloaded was a login or an error page."
    if start.startswith(b"version https://git-lfs"):
        return (
            f"{path} is only a pointer of Git LFS, not the weights themselves. Run 'git lfs pull' there, or download "
            "the file from its page."
        )
    return f"{path} is no file of weights (neither safetensors nor PyTorch), or it is damaged. Choose another file."
