"""Photos as red, green and blue of 8 bits, from whatever camera or orthomosaic; turned never.

Each photo is read once and whole: a JPEG is packed in rows that follow from one another.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from .patches import Picture

LARGEST_PX = 400_000_000
"""Pixels of a photo that are read at once."""
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
GDAL_ADVICE = " (this error can be turned as a warning"
"""How it goes on to speak of settings that nobody here can reach."""
BYTE, WORD = "uint8", "uint16"


class UnreadablePhoto(Exception):
    """Why a photo cannot be used, in words that follow its name."""


def read_picture(path: str, window: Sequence[int] = (), around_px: int = 0) -> Picture:
    """Pixels of a photo, or of a quadrat of an orthomosaic with what the orthomosaic shows around it.

    Args:
        path: of the file.
        window: row, column, height and width in it; empty: all of it.
        around_px: how far around the window.

    Raises:
        UnreadablePhoto: missing, damaged, or no photograph.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as file:
                return _read(file, window, around_px)
    except (RasterioError, OSError, MemoryError) as error:
        raise UnreadablePhoto(f"cannot be read ({reason_of(error)})") from error


def _read(file: Any, window: Sequence[int], around_px: int) -> Picture:
    top, left, height, width = window or (0, 0, file.height, file.width)
    around = around_px if window else 0
    first = max(top - around, 0), max(left - around, 0)
    last = min(top + height + around, file.height), min(left + width + around, file.width)
    if first[0] >= last[0] or first[1] >= last[1]:
        raise UnreadablePhoto("lies outside of its orthomosaic")
    if (last[0] - first[0]) * (last[1] - first[1]) > LARGEST_PX:
        raise UnreadablePhoto(f"has more than {LARGEST_PX // 10**6} million pixels")
    where = Window(first[1], first[0], last[1] - first[1], last[0] - first[0])
    values = _colours(file, where)
    return Picture(values, _valid(file, where), first[0] - top, first[1] - left)


def _colours(file: Any, where: Window) -> NDArray[np.uint8]:
    """(3, h, w), whatever the bands are.

    Raises:
        UnreadablePhoto: they are no colours of 8 or 16 bits.
    """
    kinds = list(file.colorinterp)
    if kinds[:1] == [ColorInterp.palette]:
        table = np.zeros((256, 3), np.uint8)
        for index, colour in file.colormap(1).items():
            table[index % 256] = colour[:3]
        return np.ascontiguousarray(np.moveaxis(table[file.read(1, window=where)], 2, 0))
    bands = _bands(kinds)
    types = {file.dtypes[band - 1] for band in bands}
    if not types <= {BYTE, WORD}:
        raise UnreadablePhoto(f"holds numbers of type {', '.join(sorted(types))}, not colours of 8 or 16 bits")
    values: NDArray[Any] = file.read(bands if len(bands) == 3 else bands[0], window=where)
    if values.dtype != np.uint8:
        values = _in_bytes(values, _bits(file, bands[0]))
    return np.repeat(values[None], 3, axis=0) if values.ndim == 2 else values


def _bands(kinds: Sequence[ColorInterp]) -> list[int]:
    """Numbers of red, green and blue; of one band where the photo is grey."""
    if all(kind in kinds for kind in RGB):
        return [kinds.index(kind) + 1 for kind in RGB]
    plain = [number for number, kind in enumerate(kinds, 1) if kind != ColorInterp.alpha]
    return plain[:3] if len(plain) >= 3 else plain[:1]


def _bits(file: Any, band: int) -> int:
    """Bits that are used; cameras store 12 of them in 16."""
    noted = file.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", "16")
    return int(noted) if noted.isdecimal() and len(noted) < 4 and 8 <= int(noted) <= 16 else 16


def _in_bytes(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Brightest to 255, rounded to the nearest."""
    most = 2**bits - 1
    wide = np.minimum(values, most).astype(np.uint32)
    return np.asarray((wide * 255 + most // 2) // most, dtype=np.uint8)


def _valid(file: Any, where: Window) -> NDArray[np.bool_] | None:
    """(h, w); None where nothing is masked."""
    if all(MaskFlags.all_valid in flags for flags in file.mask_flag_enums):
        return None
    valid = np.asarray(file.dataset_mask(window=where) > 0)
    return None if valid.all() else valid


def reason_of(error: BaseException) -> str:
    """What the innermost library said."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).partition(GDAL_ADVICE)[0].strip().rstrip(".") or type(error).__name__
