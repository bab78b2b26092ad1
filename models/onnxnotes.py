"""What an ONNX file says of itself, read without loading the network. Standard library only.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers), https://protobuf.dev (encoding)
"""

from pathlib import Path
from typing import BinaryIO, Dict, Iterator, Tuple

PIXELS, FILL, TILE, CARD = "quadrat_input", "quadrat_fill", "quadrat_tile_size", "quadrat_card"
"""Keys of what Quadrat writes: `raw` where pixels are wanted as they are stored; what stands for no value, a number a
band; side of a tile; facts of the card as JSON."""
RAW = "raw"
METADATA = 14
"""Field of a model that holds an entry of its metadata; in an entry 1 is the key and 2 the value."""
MOST_BYTES = 1_000_000
"""An entry is a few words; a longer one is none of ours."""
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_DAMAGED = (ValueError, IndexError, OSError)


def notes_of_file(path: Path) -> Dict[str, str]:
    """Metadata by key; empty for what is no ONNX file, or cannot be read: whoever loads it will say so."""
    found: Dict[str, str] = {}
    try:
        with open(path, "rb") as file:
            size = path.stat().st_size
            for field, length in _fields(file, size):
                if field == METADATA and length <= MOST_BYTES:
                    key, value = _entry(file.read(length))
                    found[key] = value
                else:
                    file.seek(length, 1)
    except _DAMAGED:
        return {}
    return found


def _fields(file: BinaryIO, end: int) -> Iterator[Tuple[int, int]]:
    """Number and length of each field that has a length; the file stands at its first byte."""
    while file.tell() < end:
        key = _varint(file)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            _varint(file)
        elif kind in (_EIGHT, _FOUR):
            file.seek(8 if kind == _EIGHT else 4, 1)
        elif kind == _LENGTH:
            length = _varint(file)
            if file.tell() + length > end:
                raise ValueError("cut short")
            yield field, length
        else:
            raise ValueError("no ONNX file")


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = file.read(1)[0]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value
        if shift > 63:
            raise ValueError("no number")


def _entry(content: bytes) -> Tuple[str, str]:
    import io

    parts = {1: "", 2: ""}
    file = io.BytesIO(content)
    for field, length in _fields(file, len(content)):
        parts[field] = file.read(length).decode("utf-8")
    return parts[1], parts[2]
