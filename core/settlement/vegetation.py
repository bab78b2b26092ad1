"""Pixels that are vegetation: NDVI above a threshold, from red and near infrared or from a band of NDVI.

Source: Rouse et al. 1974, NDVI = (near infrared - red) / (near infrared + red), of reflectance. The share of a cell is
the mean of the pixels, `zonal.zonal_means`.
"""

from collections.abc import Sequence

import numpy as np

from ..bands.known import GUESSED, UNKNOWN, KnownBand, Recognised
from ..bands.radiometry import Values, radiometry
from ..bands.recognise import recognise
from ..bands.values import AUTO, COUNTS, PICTURE
from ..bands.wish import parse_wish
from ..errors import BadInput
from ..grid import Window
from ..raster import Bool, Float, RasterReader, open_raster
from .names import P_VEGETA
from .zonal import Derived, Make

NDVI = "ndvi"
TIMES = 10_000.0
"""What products of NDVI in whole numbers are multiplied by."""
LARGEST_NDVI = 1.001


def open_vegetation(
    path: str, above: float, *, roles: str = "", values: str = AUTO, notes: "list[str] | None" = None
) -> Derived:
    """A reader of one band: 1 where NDVI is above the threshold, 0 elsewhere; its mean in a cell is `p_vegeta`.

    Args:
        path: raster with red and near infrared, or with one band of NDVI.
        above: threshold.
        roles: which band is what, where the user says it: `red=3 nir=4`.
        values: what the numbers are, see `bands.values.CHOICES`.
        notes: what is worth telling is appended.

    Raises:
        BadInput: the bands are not known, or what their numbers mean.
    """
    reader = open_ndvi(path, roles=roles, values=values, notes=notes)

    def make(ndvi: Float, valid: Bool, window: Window) -> tuple[Float, Bool]:
        return (ndvi > above).astype(np.float32), valid

    return Derived(reader, make, (P_VEGETA,))


def open_ndvi(path: str, *, roles: str = "", values: str = AUTO, notes: "list[str] | None" = None) -> Derived:
    """A reader of one band of NDVI from -1 to 1; arguments and errors as of `open_vegetation`."""
    notes = notes if notes is not None else []
    with open_raster(path) as reader:
        known, count, masked = recognise(reader), len(reader.bands), reader.masked
    if count == 1 and not roles:
        return _from_ndvi(path, notes)
    red, nir = _bands(known, roles, count, notes)
    means = radiometry(known, (red, nir), values, ("red", "nir"))
    notes += means.sentences
    if means.undecided:
        raise BadInput(" ".join(means.sentences))
    if {part.unit for part in means.parts} & {COUNTS, PICTURE}:
        notes.append(
            f"NDVI of {path} is computed from {means.parts[0].title}, not from reflectance: mind the threshold."
        )
    return Derived(open_raster(path, (red, nir)), _of(means, masked), (NDVI,))


def _of(means: Values, masked: bool) -> Make:
    def make(stored: Float, valid: Bool, window: Window) -> tuple[Float, Bool]:
        red, nir = np.maximum(means.apply(stored), 0)
        total = red + nir
        ndvi = np.divide(nir - red, total, out=np.zeros_like(total), where=total > 0)
        return ndvi[None], valid if masked else valid & (stored != 0).any(axis=0)

    return make


def _from_ndvi(path: str, notes: list[str]) -> Derived:
    """A band that is NDVI already, as fractions or times 10,000."""
    with open_raster(path) as reader:
        low, high = value_range(reader, reader.grid.whole)
    scale = 1.0 if max(-low, high) <= LARGEST_NDVI else TIMES
    if max(-low, high) > scale * LARGEST_NDVI or (scale > 1 and high < 100):
        raise BadInput(
            f"{path} has one band with values from {low:.6g} to {high:.6g}, which is no NDVI (-1 to 1, or times "
            "10,000). Give a raster with red and near infrared, or NDVI."
        )
    if scale > 1:
        notes.append(f"{path} holds values from {low:.6g} to {high:.6g}, taken as NDVI x 10,000.")

    def make(stored: Float, valid: Bool, window: Window) -> tuple[Float, Bool]:
        return stored / np.float32(scale), valid

    return Derived(open_raster(path), make, (NDVI,))


def value_range(reader: RasterReader, window: Window) -> tuple[float, float]:
    """Least and largest valid value of a window, read block by block.

    Raises:
        BadInput: nothing in it is valid.
    """
    low, high = np.inf, -np.inf
    for block in reader.grid.crop(window).blocks(2048):
        moved = Window(window.row + block.row, window.col + block.col, block.height, block.width)
        values, valid = reader.read(moved)
        if valid.any():
            inside = values[:, valid]
            low, high = min(low, float(inside.min())), max(high, float(inside.max()))
    if low > high:
        raise BadInput(f"{reader.path} holds no valid pixel there.")
    return low, high


def _bands(known: Recognised, roles: str, count: int, notes: list[str]) -> tuple[int, int]:
    """Numbers of red and near infrared."""
    wish = parse_wish(roles, count)
    if wish.numbers:
        if len(wish.numbers) != 2:
            raise BadInput("Of the bands give red and near infrared alone, as in 'red=3 nir=4'.")
        return wish.numbers[0], wish.numbers[1]
    if len(wish.dates) > 1:
        raise BadInput(f"NDVI is of one date, but {len(wish.dates)} are given: {', '.join(wish.dates)}. Choose one.")
    date = wish.dates[0] if wish.dates else ""
    if date and date not in known.dates:
        raise BadInput(f"{known.path} has no bands of {date}. It has: {', '.join(known.dates) or 'one date'}.")
    found = [
        _found(known, wish.roles.get("red"), ("red",), date),
        _found(known, wish.roles.get("nir", wish.roles.get("nir_narrow")), ("nir", "nir_narrow"), date),
    ]
    missing = [name for name, band in zip(("red", "near infrared"), found, strict=True) if band is None]
    red, nir = found
    if red is None or nir is None:
        raise BadInput(
            f"Which band of {known.path} is {' and which is '.join(missing)} is not known, so there is no NDVI. Say "
            "it under 'Which band is what', as in 'red=3 nir=4'."
        )
    if not wish and GUESSED in (red.sure, nir.sure):
        notes.append(f"Red was guessed to be {red.label}, near infrared {nir.label}. If not, say it: 'red=3 nir=4'.")
    if known.dates and not date:
        notes.append(f"{known.path} is a series; the date {known.dates[0]} is used. For another say 'date=...'.")
    notes.append(f"NDVI of {red.label} and {nir.label} of {known.path}.")
    return red.number, nir.number


def _found(known: Recognised, number: "int | None", roles: Sequence[str], date: str) -> "KnownBand | None":
    if number is not None:
        return known.band(number)
    bands = [band for role in roles if (band := known.best(role, date)) and band.sure != UNKNOWN]
    return bands[0] if bands else None
