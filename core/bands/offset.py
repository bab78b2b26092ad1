"""Whether 1000 was added to the values of Sentinel-2, as ESA does since processing baseline 04.00."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..raster import RasterReader
from .known import CONVENTION, STATED, UNKNOWN

Pixels = NDArray[np.float64]

SINCE = "20220125"
ADDED = 1000.0
BELOW, NEAR, HAZE = 900.0, 1300.0, 1450.0
"""Dark pixels below the first: no offset. The darkest band between first and second, and half of the bands below the
third: an offset. With neither, as over deserts, clouds and snow, the values do not tell."""
DARK_PERCENT = 0.5
_BASELINE = re.compile(r"(?<![a-z0-9])n0?(\d{1,2})[._]?(\d{2})(?![0-9])")
_DATE = re.compile(r"(?<!\d)(20[1-4]\d)[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?:t\d{6})?(?!\d)")


@dataclass(frozen=True)
class Hints:
    """What file name, names and tags say."""

    text: str = ""
    """All of it in lower case."""
    offset: "bool | None" = None
    """Whether they say that there is an offset; None where they say nothing."""
    told_by: str = ""
    date: str = ""
    """Of acquisition, YYYYMMDD; day 00 where only the month is given."""


@dataclass(frozen=True)
class Offset:
    """Whether there is an offset; None where it cannot be told."""

    offset: "bool | None"
    how: str = UNKNOWN
    sentence: str = ""


def hints_of(reader: RasterReader) -> Hints:
    """What an open raster says of level, baseline and date."""
    tags = {key.lower(): value.lower() for key, value in reader.file_tags.items() if len(value) < 500}
    name = reader.path.replace("\\", "/").lower().split("/")
    folders = [part for part in name[:-1] if part.endswith(".safe")]
    text = " ".join([name[-1], *folders, *reader.band_names, *(f"{k}={v}" for k, v in tags.items())]).lower()
    stated, told_by = _stated(tags, " ".join([name[-1], *folders, *tags.values()]))
    found = _DATE.search(" ".join([name[-1], *folders])) or _DATE.search(" ".join(tags.values()))
    date = f"{found[1]}{found[2]}{found[3] or '00'}" if found else ""
    return Hints(text, stated, told_by, date)


def _stated(tags: "dict[str, str]", text: str) -> "tuple[bool | None, str]":
    for key, value in tags.items():
        if "add_offset" in key:
            added = re.search(r"-?\d+(?:\.\d+)?", value)
            if added:
                return abs(float(added[0])) == ADDED, f"its tag {key.upper()}"
    if "harmonized" in text or "harmonised" in text:
        return False, "the word 'harmonized' in it"
    for key, value in tags.items():
        plain = re.fullmatch(r"\s*0?(\d{1,2})\.(\d{2})\s*", value)
        if "baseline" in key and plain:
            return int(plain[1]) >= 4, f"its processing baseline {int(plain[1]):02d}.{plain[2]}"
    found = _BASELINE.search(text)
    if found:
        return int(found[1]) >= 4, f"its processing baseline {int(found[1]):02d}.{found[2]}"
    return None, ""


def has_offset(path: str, hints: Hints, pixels: Pixels) -> Offset:
    """What the file says, checked against its darkest pixels; the date where neither tells.

    Args:
        path: for sentences.
        hints: what the file says.
        pixels: (C, N) of reflective bands.
    """
    low = darkest(pixels)
    seen = by_values(low)
    floor = float(low.min()) if low.size else 0.0
    begins = f"{path}: the values of its darkest band begin at {floor:.0f}"
    if hints.offset is not None:
        if seen is not None and seen != hints.offset:
            if hints.offset:
                return Offset(
                    False, CONVENTION,
                    f"{begins}, although {hints.told_by} says that {ADDED:.0f} is added. It was taken off, it seems.",
                )  # fmt: skip
            return Offset(
                None, UNKNOWN, f"{begins}, as if {ADDED:.0f} were added, but {hints.told_by} says that it is not."
            )
        return Offset(hints.offset, STATED)
    if seen is not None:
        note = f"{begins}: {ADDED:.0f} is added to them, as in Sentinel-2 since January 2022." if seen else ""
        return Offset(seen, CONVENTION, note)
    if hints.date:
        late = hints.date >= SINCE
        word = "is" if late else "is not"
        return Offset(
            late, CONVENTION,
            f"{path} holds no dark pixels that would tell, but is of {hints.date[:4]}-{hints.date[4:6]}, so it is "
            f"assumed that {ADDED:.0f} {word} added to its values.",
        )  # fmt: skip
    return Offset(
        None,
        UNKNOWN,
        f"It cannot be told whether {ADDED:.0f} is added to the values of {path}: it holds no dark pixels.",
    )


def darkest(pixels: Pixels) -> NDArray[np.float64]:
    """(C,) low percentile of each band; zeros count as empty."""
    bands = (band[band > 0] for band in pixels)
    return np.array([np.percentile(band, DARK_PERCENT) for band in bands if band.size])


def by_values(low: NDArray[np.float64]) -> "bool | None":
    """Whether there is an offset, judged by the low percentile of each band; None where they do not tell."""
    if not low.size:
        return None
    if low.min() < BELOW:
        return False
    return True if low.min() <= NEAR and float(np.median(low)) <= HAZE else None
