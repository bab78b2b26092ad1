"""A series as training and maps read it: dates, bands, and the number of each band at each date.

Any raster with dated bands will do: the virtual raster of `prepareseries`, or a stack of others, as Earth Engine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from ...bands.known import listed
from ...bands.names import QUALITY, names_nothing, read_name
from ...bands.series import dates_of, in_order, split_date
from ...errors import BadInput
from ...grid import Window
from ...progress import Progress
from ...raster import Bool, Float, RasterReader, open_raster
from ...settlement.zonal import Numbers, zonal_means
from ...sidecar import read_sidecar
from .dates import parse, runs_of, text_of

DATES_AT_ONCE = 6
"""Whose means are taken in one pass: 13 layers of running sums of a block, 105 MiB."""
LEAST_SHARE = 1e-9
"""A smaller share of a cell is rounding, and no pixel."""


@dataclass(frozen=True)
class Series:
    """A raster with T dates of C bands."""

    path: str
    dates: tuple[str, ...]
    """Earliest first: 2019, 2019-07, 2019-07-14; a counter where the names have only that."""
    bands: tuple[str, ...]
    """Names without dates, in the order of the first date."""
    index: tuple[tuple[int | None, ...], ...]
    """[T][C] band numbers counted from 1; None where a date lacks a band."""
    empty: tuple[str, ...] = ()
    """Dates whose pixels are known to be all nodata or one number: masked like missing ones."""
    scale: tuple[str, ...] = ()
    """[C] what the numbers are (`bands/values.py`), as the sidecar says; empty where it does not."""

    @property
    def seen(self) -> tuple[bool, ...]:
        """[T] whether a date holds anything at all."""
        return tuple(
            date not in self.empty and any(number is not None for number in row)
            for date, row in zip(self.dates, self.index, strict=True)
        )

    @property
    def whole(self) -> bool:
        """Whether each date has all bands."""
        return all(number is not None for row in self.index for number in row)

    @property
    def table(self) -> NDArray[np.int64]:
        """(T, C) band numbers; 0 where a date lacks a band, or holds nothing, so that it is masked."""
        numbers = np.array([[number or 0 for number in row] for row in self.index], np.int64)
        return np.where(np.array(self.seen)[:, None], numbers, 0)

    def numbers(self, date: str) -> tuple[int, ...]:
        """Band numbers of a date, in the order of `bands`, those that are there."""
        return tuple(number for number in self.index[self.dates.index(date)] if number is not None)

    def picked(self, dates: Sequence[str] = (), bands: Sequence[str] = ()) -> "Series":
        """The same with some dates, in order of time, and some bands, in the order given; none means all.

        Raises:
            BadInput: a date or band is not there.
        """
        for kind, wanted, there in (("date", dates, self.dates), ("band", bands, self.bands)):
            missing = [one for one in wanted if one not in there]
            if missing:
                raise BadInput(f"{self.path} has no {kind} {listed(missing, 'or')}. It has: {', '.join(there)}.")
        rows = [at for at, date in enumerate(self.dates) if not dates or date in dates]
        cols = [self.bands.index(band) for band in bands] if bands else list(range(len(self.bands)))
        return Series(
            self.path,
            tuple(self.dates[at] for at in rows),
            tuple(self.bands[at] for at in cols),
            tuple(tuple(self.index[row][col] for col in cols) for row in rows),
            tuple(date for date in self.empty if date in {self.dates[at] for at in rows}),
            tuple(self.scale[at] for at in cols) if self.scale else (),
        )


def read_series(path: str) -> Series:
    """The series in a raster; masks, flags and bands without a date are left out.

    Raises:
        BadInput: it cannot be read, its bands bear no dates, or one band is there twice at one date.
    """
    with open_raster(path) as reader:
        return series_of(reader)


def series_of(reader: RasterReader) -> Series:
    """The same of an open raster, of the bands that are chosen in it."""
    names, dates = _dated(reader)
    sidecar = read_sidecar(reader.path)
    facts = sidecar["facts"] if sidecar and sidecar["facts"].get("result") == "series" else {}
    found: dict[tuple[str, str], int] = {}
    for number, name, date in zip(reader.bands, names, dates, strict=True):
        if not date or (read_name(name).kind == QUALITY and name not in facts.get("bands", ())):
            continue
        if (date, name) in found:
            raise BadInput(f"{reader.path} holds {name} of {date} twice: bands {found[date, name]} and {number}.")
        found[date, name] = number
    if not found:
        raise BadInput(
            f"The bands of {reader.path} bear no dates. A series has bands such as red_2019 or red_2019-07: make one "
            "of the files with 'Prepare series'."
        )
    every = tuple(in_order([date for date, _ in found]))
    bands = tuple(dict.fromkeys(name for _, name in found))
    index = tuple(tuple(found.get((date, band)) for band in bands) for date in every)
    scale = facts.get("scale") or {}
    return Series(
        reader.path, every, bands, index, tuple(date for date in facts.get("empty", ()) if date in every),
        tuple(str(scale.get(band, "")) for band in bands) if scale else (),
    )  # fmt: skip


def _dated(reader: RasterReader) -> tuple[list[str], list[str]]:
    """Names and dates of all bands; names that mean nothing to us are split too, as `value_2019`."""
    texts = ["" if names_nothing(name, n) else name for name, n in zip(reader.band_names, reader.bands, strict=True)]
    names, dates = dates_of(texts)
    if not any(dates):
        split = [split_date(text) for text in texts]
        if not all(date for _, date in split):
            return names, dates
        names, dates = [name for name, _ in split], [date for _, date in split]
    told = [text_of(day) if (day := parse(date)) else date for date in dates]
    return names, told


# A proxy that is learnt from ---------------------------------------------------------------------------------------


def check_proxy(proxy: Series, dates: Sequence[str], band: str = "") -> Series:
    """The one band of a proxy, such as night lights, at the dates that are wanted.

    Months of a proxy are no years: both series must be of one frequency. Its grid and coordinate system may differ from
    those of the imagery.

    Args:
        proxy: as read.
        dates: of the imagery.
        band: to be taken; empty where there is but one.

    Returns:
        a series of one band with those of the dates that it has, in order of time.

    Raises:
        BadInput: it has several bands, or none of the dates.
    """
    if not band and len(proxy.bands) > 1:
        raise BadInput(
            f"{proxy.path} has several bands ({', '.join(proxy.bands)}), and one is to be learnt. Make a series of it "
            "alone: 'Prepare series' has 'Bands to take'."
        )
    chosen = proxy.picked(bands=[band or proxy.bands[0]])
    there = [date for date, seen in zip(chosen.dates, chosen.seen, strict=True) if seen and date in dates]
    if not there:
        lengths = [{len(date) for date in some} for some in (proxy.dates, dates)]
        why = " One tells months, the other years." if not lengths[0] & lengths[1] else ""
        raise BadInput(
            f"{proxy.path} has none of the dates of the images: it is of {runs_of(proxy.dates, proxy.dates)}, they are "
            f"of {runs_of(dates, list(dates))}.{why}"
        )
    return chosen.picked(dates=there)


def proxy_means(
    proxy: Series, cells: gpd.GeoDataFrame, dates: Sequence[str], progress: Progress | None = None
) -> tuple[Numbers, Numbers]:
    """Means of a proxy in cells at each date, by exact overlap; the grid and system of the proxy may be others.

    Args:
        proxy: of one band, see `check_proxy`.
        cells: N polygons in any coordinate system.
        dates: T that are wanted, earliest first.
        progress: of this step.

    Returns:
        (N, T) float64 in the unit of the proxy, NaN where a cell covers no valid pixel or the proxy lacks the date;
        (N, T) share of each cell that lies on valid pixels.

    Raises:
        BadInput: the file cannot be read, or only one of both has a coordinate system.
    """
    progress = progress or Progress()
    means, covered = np.full((len(cells), len(dates)), np.nan), np.zeros((len(cells), len(dates)))
    there = [date for date, seen in zip(proxy.dates, proxy.seen, strict=True) if seen and date in dates]
    for start in range(0, len(there), DATES_AT_ONCE):
        some = there[start : start + DATES_AT_ONCE]
        part = progress.part(start / len(there), (start + len(some)) / len(there))
        with open_raster(proxy.path, [number for date in some for number in proxy.numbers(date)]) as reader:
            found = zonal_means(_WithShares(reader), cells, part)
        sums, shares = found.means[:, : len(some)], found.means[:, len(some) :]
        known = shares > LEAST_SHARE
        places = [list(dates).index(date) for date in some]
        means[:, places] = np.divide(sums, shares, out=np.full(sums.shape, np.nan), where=known)
        covered[:, places] = np.where(known, shares * found.covered[:, None], 0)
    return means, covered


class _WithShares:
    """A reader whose bands are followed by their validity as numbers: a pixel that lacks one date counts at the others.

    The mean of a band is then that of its numbers, 0 where not valid, divided by that of its validity.
    """

    def __init__(self, reader: RasterReader) -> None:
        self._reader = reader
        self.path, self.grid, self.notes = reader.path, reader.grid, reader.notes
        self.bands = tuple(range(2 * len(reader.bands)))

    def read(self, window: Window) -> tuple[Float, Bool]:
        """(2 C, h, w) float32 of a window within the raster, where every pixel counts."""
        values, valid = self._reader.read_each(window)
        return np.concatenate([values, valid.astype(np.float32)]), np.ones(valid.shape[1:], np.bool_)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
