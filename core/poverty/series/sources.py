"""The rasters that a series is made of: which files, which bands they hold, and of which date each band is."""

import fnmatch
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning

from ...bands.known import KnownBand, Recognised
from ...bands.names import QUALITY, names_nothing
from ...bands.recognise import recognise
from ...bands.series import dates_of, split_date
from ...errors import BadInput
from ...grid import Grid
from ...jobs.poverty.series import PrepareSeries
from ...raster import open_dataset, open_raster
from ...sidecar import read_sidecar
from .dates import Day, dates_in_names, parse
from .remarks import Remarks
from .sensors import sensor_of
from .table import Row, read_table, rows_of

ENDINGS = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".asc", ".bil")
"""Files of a folder that are taken for rasters; others only where their names are given with the ending, as *.dat."""
MOST_FILES = 20_000


@dataclass(frozen=True)
class Band:
    """One band of one file, with the date that it is of."""

    path: str
    number: int
    """In the file, counted from 1."""
    base: str
    """Name without the date; empty where the file gives none."""
    date: Day
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    masked: bool
    """The file tells by alpha or a mask which pixels count."""
    known: KnownBand
    """What the band is, as recognised in its file."""
    sensor: str = ""


@dataclass(frozen=True)
class File:
    """One raster file."""

    path: str
    grid: Grid
    bands: tuple[Band, ...]
    known: Recognised
    block: tuple[int, int]
    """Columns and rows of its blocks."""
    notes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def find_files(job: PrepareSeries, remarks: Remarks) -> list[str]:
    """Paths of the rasters of a job: of its folder by name, then those that were chosen; each once.

    Raises:
        BadInput: the folder holds none that fits.
    """
    found = _in_folder(job, remarks) if job.folder else []
    chosen = [path for path in job.rasters if path not in found]
    return [*found, *chosen]


def _in_folder(job: PrepareSeries, remarks: Remarks) -> list[str]:
    if not os.path.isdir(job.folder):
        raise BadInput(f"There is no folder {job.folder}.")
    patterns = [part.strip().lower() for part in job.pattern.split(";") if part.strip()] or ["*"]
    found: list[str] = []
    own: list[str] = []
    for folder, folders, names in os.walk(job.folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if job.subfolders else []
        for name in sorted(names):
            path = os.path.join(folder, name)
            fitting = [one for one in patterns if fnmatch.fnmatchcase(name.lower(), one)]
            if not fitting or not (name.lower().endswith(ENDINGS) or any(not one.endswith("*") for one in fitting)):
                continue
            (own if _made_here(path, job.output) else found).append(path)
        remarks.checkpoint()
    folders_beside = {str(folder_of(path)) for path in (*own, job.output)}
    found = [path for path in found if os.path.dirname(path) not in folders_beside]
    if own:
        remarks.info(f"Left out, as series made by Quadrat: {', '.join(map(os.path.basename, own))}.")
    if not found:
        raise BadInput(
            f"The folder {job.folder} holds no raster ({', '.join(ENDINGS)}) named {job.pattern}. Choose another "
            "folder, other names, or 'With subfolders'."
        )
    if len(found) > MOST_FILES:
        raise BadInput(f"The folder {job.folder} holds {len(found):,} rasters. Choose some by their names.")
    return found


def folder_of(output: str) -> Path:
    """Where the virtual rasters of files that were brought onto the grid lie."""
    path = Path(output)
    return path.with_name(f"{path.stem}_aligned")


def _made_here(path: str, output: str) -> bool:
    """Whether a file of the folder is a series that this job wrote, now or earlier."""
    if os.path.abspath(path) == os.path.abspath(output):
        return True
    sidecar = read_sidecar(path) if path.lower().endswith(".vrt") else None
    return bool(sidecar and sidecar.get("job", {}).get("job") == PrepareSeries.facts.id)


def read_files(job: PrepareSeries, remarks: Remarks) -> list[File]:
    """All rasters of a job with the dates of their bands, masks and flags left out.

    Raises:
        BadInput: a file cannot be read, or its date is not known.
    """
    paths = find_files(job, remarks)
    rows: dict[str, list[Row]] | None = None
    if job.date_table:
        rows = rows_of(read_table(job.date_table), paths, job.date_table)
        left = [path for path in paths if path not in rows]
        if left:
            more = f" and {len(left) - 3} others" if len(left) > 3 else ""
            some = ", ".join(map(os.path.basename, left[:3]))
            remarks.info(f"Rasters that are not in the table of dates and left out: {some}{more}.")
        paths = list(rows) if not paths else [path for path in paths if path in rows]
    files = []
    for number, path in enumerate(paths):
        remarks.checkpoint(number / len(paths), "Looking at the rasters")
        files.append(_looked_at(path))
    return _dated(files, rows, remarks)


def _looked_at(path: str) -> File:
    """A file with its bands; dates as their names tell them."""
    with open_raster(path) as reader:
        known, names, grid = recognise(reader), reader.band_names, reader.grid
        numbers, tags, notes = reader.bands, dict(reader.file_tags), reader.notes
    if not grid.crs:
        notes = ()
    bases, dates = _split([name if not names_nothing(name, n) else "" for name, n in zip(names, numbers, strict=True)])
    bands = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with open_dataset(path) as dataset:
            rows, cols = dataset.block_shapes[0]
            # Each of these asks all bands; a series has hundreds.
            masks, dtypes, nodata = dataset.mask_flag_enums, dataset.dtypes, dataset.nodatavals
            scales, offsets = dataset.scales, dataset.offsets
            for number, base, date in zip(numbers, bases, dates, strict=True):
                flags, at = masks[number - 1], number - 1
                masked = MaskFlags.all_valid not in flags and MaskFlags.nodata not in flags
                meant = known.band(number) or KnownBand(number, "")
                bands.append(
                    Band(
                        path,
                        number,
                        base,
                        date,
                        dtypes[at],
                        nodata[at],
                        scales[at],
                        offsets[at],
                        masked,
                        meant,
                        sensor_of(path, base, tags),
                    )
                )
    return File(path, grid, tuple(bands), known, (cols, rows), notes, tags)


def _split(names: Sequence[str]) -> tuple[list[str], list[Day]]:
    """Base names and dates of the bands of a file; names that mean nothing to us are split as well."""
    bases, texts = dates_of(names)
    if not any(texts):
        parts = [split_date(name) for name in names]
        if not all(date for _, date in parts):
            return [_clean(base) for base in bases], [() for _ in names]
        bases, texts = [base for base, _ in parts], [date for _, date in parts]
    return [_clean(base) for base in bases], [parse(text) for text in texts]


def _clean(base: str) -> str:
    """A name without blanks, which separate names where the user writes them."""
    return re.sub(r"[\s,;]+", "_", base.strip())


def _dated(files: Sequence[File], rows: Mapping[str, list[Row]] | None, remarks: Remarks) -> list[File]:
    """Files whose bands all have a date: the table's, their own, or that of the file."""
    if rows is not None:
        return [_by_table(file, rows[file.path]) for file in files]
    alone = [file for file in files if not any(band.date for band in file.bands)]
    told = dates_in_names([file.path for file in alone], {file.path: file.tags for file in alone})
    unknown = [path for path, day in told.items() if not day]
    if unknown:
        some = f" and {len(unknown) - 1} others" if len(unknown) > 1 else ""
        raise BadInput(
            f"It is not known of which date {unknown[0]}{some} is: the name tells none, or several. If it does not "
            "belong to the series, leave it out; else put the date into its name, as in landsat_2019.tif or "
            "s2_2019-07.tif, or into the names of its bands (red_2019), or give a table of dates."
        )
    made = []
    for file in files:
        if file.path in told:
            bands = tuple(replace(band, date=told[file.path]) for band in file.bands)
        else:
            bands = tuple(band for band in file.bands if band.date)
            left = [band.known.label for band in file.bands if not band.date]
            if left:
                remarks.info(f"{file.path}: left out, as they have no date: {', '.join(left)}.")
        made.append(replace(file, bands=bands))
    return made


def _by_table(file: File, rows: Sequence[Row]) -> File:
    """The bands of a file that the table names, with its dates."""
    bands = []
    for row in rows:
        chosen = [band for band in file.bands if row.band in (0, band.number)]
        if not chosen:
            raise BadInput(
                f"The table of dates names band {row.band} of {file.path}, which has {len(file.bands)} bands."
            )
        if row.name and len(chosen) > 1:
            raise BadInput(
                f"The table of dates gives the one name '{row.name}' to all bands of {file.path}: number them."
            )
        bands += [
            replace(band, date=row.date, base=_clean(row.name) or band.base, sensor=row.sensor or band.sensor)
            for band in chosen
        ]
    return replace(file, bands=tuple(bands))


def without_flags(files: Sequence[File], remarks: Remarks) -> list[File]:
    """Files without bands that are masks, flags or alpha."""
    left = list(dict.fromkeys(b.base for f in files for b in f.bands if b.known.kind == QUALITY))
    if left:
        remarks.info(f"Left out, as masks and flags are no measurements: {', '.join(left)}.")
    return [replace(f, bands=tuple(b for b in f.bands if b.known.kind != QUALITY)) for f in files]
