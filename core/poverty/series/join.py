"""Bands of many files put into the order of a series: which lies where, what is missing, what contradicts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...bands.known import listed
from ...errors import BadInput
from ...grid import Grid
from ...jobs.poverty.series import DAILY, FIRST, PrepareSeries
from .align import aligned
from .dates import cut, frequency_of, gaps_of, runs_of, text_of
from .grid import misfit_of, offset_of, overlap_share, union_of
from .names import OVERLAP, order_of
from .remarks import Remarks
from .sources import Band, File
from .stack import Series
from .vrt import Source, VirtualBand, roomy

Key = tuple[str, str]
"""Date and band."""
MOST_NAMED = 3
"""Files that a sentence names one by one."""


@dataclass(frozen=True)
class Plan:
    """A series before it is written."""

    grid: Grid
    dates: tuple[str, ...]
    """Earliest first."""
    bands: tuple[str, ...]
    frequency: str
    pieces: Mapping[Key, tuple[Band, ...]]
    """Tiles of each band of each date, in the order in which they lie over one another."""
    files: Mapping[str, File]
    """By path."""
    gaps: tuple[str, ...]

    @property
    def keys(self) -> list[Key]:
        """Date and band of each band of the result, in order."""
        return [(date, band) for date in self.dates for band in self.bands if (date, band) in self.pieces]

    def series(self, path: str) -> Series:
        """How it is read from the virtual raster at a path."""
        numbers = {key: number for number, key in enumerate(self.keys, 1)}
        index = tuple(tuple(numbers.get((date, band)) for band in self.bands) for date in self.dates)
        return Series(path, self.dates, self.bands, index)

    def lacking(self, date: str) -> tuple[str, ...]:
        """Bands that a date has not."""
        return tuple(band for band in self.bands if (date, band) not in self.pieces)


def plan_series(files: Sequence[File], job: PrepareSeries, remarks: Remarks) -> Plan:
    """Put the bands of files in order.

    Raises:
        BadInput: two files claim one place, rasters do not lie on one grid, or nothing is left.
    """
    files = [file for file in files if file.bands]
    days = sorted({band.date for file in files for band in file.bands})
    if not days:
        raise BadInput("No band is left for a series: all are masks or flags. Name some under 'Bands to take'.")
    frequency = frequency_of(days, job.frequency)
    dates = tuple(dict.fromkeys(text_of(cut(day, frequency)) for day in days))
    order = order_of(files, job)
    first = min(files, key=lambda file: (min(band.date for band in file.bands), file.path))
    files = _on_one_grid(files, first, job, remarks)
    pieces = _pieces(files, frequency, remarks)
    grid = union_of([first.grid, *(file.grid for file in files if file.path != first.path)])
    plan = Plan(grid, dates, order, frequency, pieces, {file.path: file for file in files}, gaps_of(dates, frequency))
    _say_what_is_missing(plan, remarks)
    return plan


def _on_one_grid(files: Sequence[File], first: File, job: PrepareSeries, remarks: Remarks) -> list[File]:
    """Files on the lattice of the first, others brought onto it where that is asked for."""
    misfits = [found for file in files if (found := misfit_of(file.path, file.grid, first.grid))]
    if not misfits:
        return list(files)
    reasons: dict[str, list[str]] = defaultdict(list)
    for misfit in misfits:
        reasons[misfit.why].append(Path(misfit.path).name)
    texts = [f"{_some(names)}: {why}" for why, names in reasons.items()]
    told = f"Not all of the {len(files)} rasters lie on the grid of {Path(first.path).name}. {'; '.join(texts)}"
    if job.align != FIRST:
        raise BadInput(
            f"{told}. Bring them onto one grid (Raster > Projections > Warp), or choose 'first' under 'Rasters on "
            "another grid'."
        )
    if not first.grid.crs or any(not file.grid.crs for file in files):
        raise BadInput(f"{told}. Without coordinate systems nothing can be aligned: assign them first.")
    remarks.warning(f"{told}. They are brought onto it, {job.resampling} resampling.")
    odd = {misfit.path for misfit in misfits}
    fitting = [first, *(file for file in files if file.path not in odd and file.path != first.path)]
    grid = union_of([file.grid for file in fitting])
    return [aligned(file, grid, job, remarks) if file.path in odd else file for file in files]


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return listed([*names[:MOST_NAMED], f"{more} others"] if more > 0 else names)


def _pieces(files: Sequence[File], frequency: str, remarks: Remarks) -> dict[Key, tuple[Band, ...]]:
    """Bands of each date and name; tiles side by side."""
    grids = {file.path: file.grid for file in files}
    found: dict[Key, list[Band]] = defaultdict(list)
    for file in sorted(files, key=lambda file: file.path):
        for band in file.bands:
            found[text_of(cut(band.date, frequency)), band.base].append(band)
    shares: dict[tuple[str, str], float] = {}
    overlapping: set[str] = set()
    for (date, name), bands in found.items():
        for place, band in enumerate(bands):
            for other in bands[:place]:
                pair = (other.path, band.path)
                if pair not in shares:
                    shares[pair] = overlap_share(grids[band.path], grids[other.path])
                share = shares[pair]
                if share > OVERLAP:
                    raise BadInput(_twice(other, band, name, date, frequency))
                overlapping |= {date} if share else set()
        _check_tiles(bands, name, date)
    if overlapping:
        remarks.info(f"Tiles overlap at {_some(sorted(overlapping))}: the later in the order of names lies above.")
    return {key: tuple(bands) for key, bands in found.items()}


def _twice(one: Band, other: Band, name: str, date: str, frequency: str) -> str:
    where = f"{one.path} and {other.path}" if one.path != other.path else f"two bands of {one.path}"
    advice = "Leave one of them out, name the bands differently, or give a table of dates."
    if one.date != other.date:
        advice = (
            f"They are of {text_of(one.date)} and {text_of(other.date)}: make a composite of them first, or choose "
            f"'{DAILY}' under 'Dates are'."
        )
    return f"Band {name} of {date} is there twice, in {where}. {advice}"


def _check_tiles(bands: Sequence[Band], name: str, date: str) -> None:
    """Refuse tiles whose numbers are stored in different ways."""
    for band in bands[1:]:
        if (band.scale, band.offset) != (bands[0].scale, bands[0].offset):
            raise BadInput(
                f"The tiles {bands[0].path} and {band.path} of {date} declare different scales for {name}, so one band "
                "cannot hold both. Write them with one scale."
            )


def _say_what_is_missing(plan: Plan, remarks: Remarks) -> None:
    if plan.gaps:
        every = sorted({*plan.dates, *plan.gaps})
        word = "year" if len(plan.dates[0]) == 4 else "month"
        many = f"{len(plan.gaps)} {word}s are" if len(plan.gaps) > 1 else f"One {word} is"
        remarks.warning(
            f"{many} missing between {plan.dates[0]} and {plan.dates[-1]}: {runs_of(plan.gaps, every)}. What is "
            "missing stays missing: nothing is invented for it."
        )
    lacking: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for date in plan.dates:
        if missing := plan.lacking(date):
            lacking[missing].append(date)
    for missing, dates in lacking.items():
        remarks.warning(f"There is no {listed(missing, 'or')} at {runs_of(dates, plan.dates)}.")


def virtual_bands(plan: Plan, job: PrepareSeries) -> list[VirtualBand]:
    """The bands of the virtual raster, date by date."""
    own = float(job.nodata) if job.nodata else None
    made = [_virtual(plan, key, own) for key in plan.keys]
    # Libraries read several bands at once only where all are of one type.
    return [replace(band, dtype=_common([one.dtype for one in made])) for band in made]


def _virtual(plan: Plan, key: Key, own: float | None) -> VirtualBand:
    """One band: its tiles, and a nodata where the files or the gaps between them need one."""
    date, name = key
    tiles = plan.pieces[key]
    sources = tuple(_source(plan, band, own) for band in tiles)
    dtype = _common([band.dtype for band in tiles])
    declared = {source.nodata for source in sources}
    covered = len(sources) == 1 and (sources[0].width, sources[0].height) == (plan.grid.width, plan.grid.height)
    if len(declared) == 1 and None not in declared:
        nodata = declared.pop()
    elif declared == {None} and covered and not sources[0].masked:
        nodata = None
    else:
        dtype, nodata = roomy(dtype)
    tags = (("BAND", name), ("DATE", date), *((("SENSOR", tiles[0].sensor),) if tiles[0].sensor else ()))
    return VirtualBand(f"{name}_{date}", sources, dtype, nodata, tiles[0].scale, tiles[0].offset, tags)


def _common(dtypes: Sequence[str]) -> str:
    """The narrowest type that holds the numbers of several."""
    return str(np.result_type(*dict.fromkeys(dtypes)))


def _source(plan: Plan, band: Band, own: float | None) -> Source:
    file = plan.files[band.path]
    place = offset_of(file.grid, plan.grid)
    if place is None:
        raise BadInput(f"{band.path} does not lie on the grid of the series.")
    nodata = band.nodata if band.nodata is not None or band.masked else own
    col, row = place
    return Source(
        band.path, band.number, col, row, file.grid.width, file.grid.height, band.dtype, nodata, band.masked, file.block
    )


def with_scales(bands: Sequence[VirtualBand], scales: Mapping[str, tuple[float, float]]) -> list[VirtualBand]:
    """Bands that read in another unit.

    Args:
        bands: of the virtual raster.
        scales: by name of the band: what its values, as they read now, are multiplied by, and what is added.
    """
    made = []
    for band in bands:
        times, plus = scales.get(band.name, (1.0, 0.0))
        made.append(replace(band, scale=band.scale * times, offset=band.offset * times + plus))
    return made
