"""What the numbers in a raster mean: reflectance or not, times what, plus what; radar in decibels or as power.

Told by tags and names first, then by the numbers themselves. What cannot be told is asked for, never assumed.

Sources: Sentinel-2 Products Specification Document (RADIO_ADD_OFFSET and BOA_ADD_OFFSET since processing baseline
04.00, 2022-01-25); USGS Landsat Collection 2 Level-2 Science Product Guide (0.0000275, -0.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...models.scaling import sampled_pixels
from ...models.spectrum import RADAR as RADAR_ROLES
from ..errors import BadInput
from ..raster import RasterReader, open_raster
from ..sampling import WindowSample
from .known import CONVENTION, GUESSED, STATED, UNKNOWN, KnownBand, Recognised, listed
from .names import LIGHT, RADAR
from .offset import Hints, by_values, darkest, has_offset, hints_of
from .values import AMPLITUDE, AMPLITUDE_DB, AUTO, CODINGS, COUNTS, PARAMETER, POWER, Coding

Float = NDArray[np.float32]
Pixels = NDArray[np.float64]

LOW_PERCENT, HIGH_PERCENT = 0.5, 99.0
MOST_BANDS = 16
"""Read to tell what values mean."""
LARGEST_REFLECTANCE = 2.0
LARGEST_X10000 = 20_000.0
LEAST_DB = 1e-6
"""Power below it counts as it: -60 dB, under the noise of every satellite."""
LANDSAT_C2_ZERO = 0.2 / 2.75e-5
"""The number that stands for no reflectance: 7273."""


@dataclass(frozen=True)
class Radiometry:
    """What the numbers of some bands mean: number * scale + offset is in `unit`."""

    scale: float
    offset: float
    unit: str
    """reflectance, picture, counts, dB, power, amplitude; unknown where it must be asked for."""
    how: str
    """stated, by convention, guessed, unknown; as for bands."""
    sentences: tuple[str, ...] = ()
    name: str = ""
    """Of the coding, see `values.CODINGS`; empty where it is unknown."""

    @property
    def decided(self) -> bool:
        """False where the user must say what the numbers are, if the backbone wants to know."""
        return bool(self.name)

    @property
    def title(self) -> str:
        """For people."""
        return CODINGS[self.name].title if self.name else "numbers of unknown meaning"

    def apply(self, values: Float) -> Float:
        """Reflectance, or decibels of radar; numbers of unknown meaning stay as they are.

        Args:
            values: of any shape, float32.
        """
        if self.unit == POWER:
            return (10 * np.log10(np.maximum(values, LEAST_DB))).astype(np.float32)
        if self.unit == AMPLITUDE:
            return (20 * np.log10(np.maximum(values, 1)) + AMPLITUDE_DB).astype(np.float32)
        return (values * np.float32(self.scale) + np.float32(self.offset)).astype(np.float32)


PLAIN = Radiometry(1.0, 0.0, UNKNOWN, UNKNOWN)
"""Of bands that are neither reflected light nor radar: taken as they are, and nothing is asked."""


@dataclass(frozen=True)
class Values:
    """What the numbers of the chosen bands mean, one radiometry a band."""

    path: str
    bands: tuple[int, ...]
    parts: tuple[Radiometry, ...]
    """Of each band; light shares one, radar another."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the user, each once."""
        return tuple(dict.fromkeys(text for part in self.parts for text in part.sentences))

    @property
    def undecided(self) -> bool:
        """Whether there is light or radar whose numbers may mean several things."""
        return any(not part.decided and part is not PLAIN for part in self.parts)

    def apply(self, values: Float) -> Float:
        """Reflectance and decibels.

        Args:
            values: (C, H, W) float32 as `RasterReader.read` gives them, in the order of `bands`.

        Returns:
            (C, H, W) float32.
        """
        return np.stack([part.apply(band) for part, band in zip(self.parts, values, strict=True)])


def radiometry(
    recognised: Recognised, bands: Sequence[int] = (), values: str = AUTO, roles: Sequence[str] = ()
) -> Values:
    """What the numbers of a raster mean; reads a sample of it.

    Args:
        recognised: of the raster with all its bands.
        bands: numbers of those in use; none means all of the first date.
        values: what the user says they are, see `values.CHOICES`; for light or for radar, the other is told here.
        roles: of `bands` where the user gave them (`Fit.roles`).

    Raises:
        BadInput: the file cannot be read.
    """
    chosen = _chosen(recognised, bands, roles)
    made: dict[str, Radiometry] = {}
    for kind, tell in ((LIGHT, _light), (RADAR, _radar)):
        group = [band for band in chosen if _kind(band) == kind]
        if not group:
            continue
        given = CODINGS.get(values)
        if given and given.radar == (kind == RADAR):
            made[kind] = _as_coded(given, STATED, *_doubts(recognised, group, given))
            continue
        made[kind] = _empty(recognised, kind)
        # All bands of the kind tell most; but where one of them is empty, those in use must do.
        for numbers in (_telling(recognised, group), [band.number for band in group]):
            with open_raster(recognised.path, numbers) as reader:
                pixels = _pixels(reader)
                if pixels.size:
                    made[kind] = tell(recognised, reader, pixels)
                    break
    parts = tuple(made.get(_kind(band), PLAIN) for band in chosen)
    return Values(recognised.path, tuple(band.number for band in chosen), parts)


def _chosen(known: Recognised, bands: Sequence[int], roles: Sequence[str]) -> list[KnownBand]:
    if not bands:
        return list(known.of_date())
    made = []
    for number, role in zip(bands, roles or [""] * len(bands), strict=True):
        band = known.band(number)
        if band is not None:
            made.append(replace(band, role=role, kind=RADAR if role in RADAR_ROLES else LIGHT) if role else band)
    return made


def _telling(known: Recognised, group: Sequence[KnownBand]) -> list[int]:
    """Numbers of all bands of the kind and date of a group, since dark pixels are not dark in every band."""
    date = next((band.date for band in group if band.date), "")
    found = [band for role in known.roles(date) if (band := known.best(role, date))]
    alike = [band.number for band in found if _kind(band) == _kind(group[0])]
    return list(dict.fromkeys([*(band.number for band in group), *alike]))[:MOST_BANDS]


def _kind(band: "KnownBand | None") -> str:
    """`light` of reflected light, `radar`, or empty. Thermal bands reflect nothing."""
    if band is None or band.role == "thermal":
        return ""
    return band.kind if band.kind in (LIGHT, RADAR) else ""


def _pixels(reader: RasterReader) -> Pixels:
    """(C, N) float64 of a sample; places where all bands are 0 are taken as empty, whatever the file says."""
    try:
        pixels = sampled_pixels(WindowSample(reader, reader.grid.whole, 0), len(reader.bands))
    except BadInput:
        return np.zeros((len(reader.bands), 0))
    return np.asarray(pixels[:, (pixels != 0).any(axis=0)], dtype=np.float64)


def _as_coded(coding: Coding, how: str, *sentences: str) -> Radiometry:
    return Radiometry(coding.scale, coding.offset, coding.unit, how, sentences, coding.name)


def _unknown(sentence: str, options: Sequence[str]) -> Radiometry:
    names = listed([f"{name} ({CODINGS[name].title})" for name in options], "or")
    text = f"{sentence} Say it under '{PARAMETER}': {names}."
    return Radiometry(1.0, 0.0, UNKNOWN, UNKNOWN, (text,))


def _empty(recognised: Recognised, kind: str) -> Radiometry:
    options = ("db", "power", "amplitude") if kind == RADAR else ("x10000", "x10000+1000")
    return _unknown(f"{recognised.path} holds no valid pixel, so its values tell nothing.", options)


def _doubts(recognised: Recognised, group: Sequence[KnownBand], given: Coding) -> tuple[str, ...]:
    """A sentence where numbers cannot be what the user says."""
    if given.unit not in (POWER, AMPLITUDE):
        return ()
    with open_raster(recognised.path, [band.number for band in group]) as reader:
        pixels = _pixels(reader)
    if not pixels.size or _range(pixels)[0] >= 0:
        return ()
    return (
        f"The radar in {recognised.path} holds negative numbers, as decibels are, but '{given.name}' was chosen under "
        f"'{PARAMETER}', which is never negative. Choose db if that was a slip.",
    )


def _range(pixels: Pixels) -> tuple[float, float]:
    """Low of the darkest band and high of the brightest, without extremes."""
    low = min(float(np.percentile(band, LOW_PERCENT)) for band in pixels)
    return low, float(np.percentile(pixels, HIGH_PERCENT, axis=1).max())


def _light(known: Recognised, reader: RasterReader, pixels: Pixels) -> Radiometry:
    low, high = _range(pixels)
    path = known.path
    if reader.coding is not None and not reader.scaled:
        if known.product.startswith("landsat"):
            return _as_coded(CODINGS[COUNTS], STATED, f"{path} holds bytes: counts of the sensor, no reflectance.")
        return _as_coded(CODINGS["bytes"], STATED)
    if high <= LARGEST_REFLECTANCE:
        return _fractions(known, hints_of(reader), pixels, STATED if reader.scaled else CONVENTION)
    if known.product.startswith("landsat"):
        return _landsat(known, hints_of(reader), low, high)
    if known.product.startswith("hls") and high <= LARGEST_X10000:
        return _as_coded(CODINGS["x10000"], STATED)
    if 300 <= high <= LARGEST_X10000:
        return _times_10000(known, hints_of(reader), pixels)
    choices = ("percent", "x10000") if high <= 150 else ("x10000", "landsat-c2", "counts")
    return _unknown(f"The values of {path} reach {high:.4g}: it is not known what they mean.", choices)


def _fractions(known: Recognised, hints: Hints, pixels: Pixels, how: str) -> Radiometry:
    """Reflectance from 0 to 1; of Sentinel-2 with 0.1 too much, where the offset stayed in when it was divided."""
    if known.product != "sentinel-2":
        return _as_coded(CODINGS["reflectance"], how)
    seen = by_values(darkest(pixels * 1e4))
    if seen:
        note = f"The values of {known.path} begin near 0.1: Sentinel-2's offset was left in, and is taken off."
        return _as_coded(CODINGS["reflectance+0.1"], CONVENTION, note)
    if seen is None and hints.offset:
        sentence = f"It cannot be told whether the offset of 0.1 is still in the values of {known.path}."
        return _unknown(sentence, ("reflectance", "reflectance+0.1"))
    return _as_coded(CODINGS["reflectance"], how)


def _times_10000(known: Recognised, hints: Hints, pixels: Pixels) -> Radiometry:
    """Reflectance x 10000, and of Sentinel-2 the offset."""
    if known.product == "sentinel-2" or (not known.product and hints.offset is not None):
        found = has_offset(known.path, hints, pixels)
        if found.offset is None:
            return _unknown(found.sentence, ("x10000", "x10000+1000"))
        texts = (found.sentence,) if found.sentence else ()
        return _as_coded(CODINGS["x10000+1000" if found.offset else "x10000"], found.how, *texts)
    if known.product == "modis":
        return _as_coded(CODINGS["x10000"], STATED)
    if known.product.startswith("planetscope") and "_sr" not in hints.text:
        return _unknown(f"{known.path} does not say whether it is surface reflectance.", ("x10000", "counts"))
    dark = has_offset(known.path, Hints(hints.text), pixels)
    if dark.offset:
        return _unknown(f"The values of {known.path} begin near 1000.", ("x10000", "x10000+1000", "counts"))
    high = _range(pixels)[1]
    return _as_coded(
        CODINGS["x10000"],
        CONVENTION if known.product.startswith("planetscope") else GUESSED,
        f"The values of {known.path} reach {high:.4g} and are taken as reflectance x 10000. If they are something "
        f"else, say it under '{PARAMETER}'.",
    )


def _landsat(known: Recognised, hints: Hints, low: float, high: float) -> Radiometry:
    """Collection 2, the older Collection 1 (x 10000), or Level 1."""
    surface = any(word in hints.text for word in ("sr_b", "l2sp", "l2sr", "surface_reflectance"))
    if any(word in hints.text for word in ("l1tp", "l1gt", "l1gs")) and not surface:
        oli = known.product == "landsat-oli"
        return _as_coded(
            CODINGS["landsat-l1" if oli else COUNTS], STATED,
            f"{known.path} is of Level 1: counts of the sensor, no surface reflectance.",
        )  # fmt: skip
    if surface and low >= 0.75 * LANDSAT_C2_ZERO:
        return _as_coded(CODINGS["landsat-c2"], STATED)
    if high <= LARGEST_X10000 and low < 0.5 * LANDSAT_C2_ZERO and high >= 300:
        note = f"The values of {known.path} are taken as reflectance x 10000, as in Landsat's Collection 1."
        return _as_coded(CODINGS["x10000"], STATED if surface else GUESSED, note)
    sentence = (
        f"{known.path} holds numbers from {low:.4g} to {high:.4g} of {known.title}: it does not say of which level."
    )
    return _unknown(sentence, ("landsat-c2", "landsat-l1", "x10000"))


def _radar(known: Recognised, reader: RasterReader, pixels: Pixels) -> Radiometry:
    low, high = _range(pixels)
    middle = np.median(pixels, axis=1)
    if low < 0:
        if (middle < 5).all() and low > -80:
            return _as_coded(CODINGS["db"], CONVENTION)
        return _unknown(f"{known.path} holds numbers from {low:.4g} to {high:.4g}.", ("db", "power", "amplitude"))
    if high <= 30 and (middle < 1.5).all():
        return _as_coded(
            CODINGS["power"], CONVENTION,
            f"{known.path} holds no negative numbers, so its radar is taken as power and not as decibels.",
        )  # fmt: skip
    decibels = 20 * np.log10(np.maximum(middle, 1)) + AMPLITUDE_DB
    if (decibels > -30).all() and (decibels < 3).all():
        return _as_coded(
            CODINGS["amplitude"], GUESSED,
            f"The radar in {known.path} is coded in numbers up to {high:.0f}; it is taken as amplitude, where "
            f"20 log10 - 83 is decibels. If it is something else, say it under '{PARAMETER}'.",
        )  # fmt: skip
    return _unknown(f"The radar in {known.path} is coded in numbers up to {high:.4g}.", ("db", "power", "amplitude"))
