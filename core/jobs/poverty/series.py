"""The job that joins composites of several dates into one series."""

from typing import ClassVar, Tuple

from ...bands import values
from ..declare import Job, JobFacts, Kind, param

GROUP = "Poverty"
REFUSE, WARN, CONVERT, FIRST = "refuse", "warn", "convert", "first"
AUTO, YEARLY, MONTHLY, DAILY = "auto", "yearly", "monthly", "daily"


class PrepareSeries(Job):
    """Composites in, one virtual raster with a band for each band and date out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="prepareseries",
        verb="prepare-series",
        title="Prepare series",
        group=GROUP,
        summary="Joins composites of several years or months into one series, and checks it.",
        help=(
            "The series is one virtual raster (.vrt) with bands such as red_2019; nothing is copied, so keep the files "
            "where they are. Tiles of one date are joined, and so are files with different bands of one date. Checked "
            "are grids, missing dates and bands, what the numbers mean, jumps from one sensor to another, empty dates, "
            "files that were copied under two dates, and clouds. A missing date stays missing: it is masked later, "
            "never invented. The same job prepares a proxy such as night lights, on a grid of its own."
        ),
        tags=("time series", "virtual raster", "VRT", "composites", "stack", "night lights", "Landsat", "proxy"),
    )

    folder: str = param(Kind.FOLDER, "Folder of composites", optional=True, help="All rasters in it, or some by name.")
    pattern: str = param(
        Kind.TEXT,
        "File names in the folder",
        default="*",
        help="Which of its files to take, as in s2_*.tif; several separated by semicolons.",
    )
    subfolders: bool = param(Kind.FLAG, "With subfolders", default=False)
    rasters: Tuple[str, ...] = param(
        Kind.RASTERS,
        "Raster layers",
        optional=True,
        help="One for each date or tile, in any order; or one stack whose bands are named by date; or a virtual "
        "raster. Instead of a folder, or beside it.",
    )
    date_table: str = param(
        Kind.FILE,
        "Table of dates",
        optional=True,
        extension="csv txt",
        help="Where names of files and bands tell no date, or a wrong one: a text file with the columns file and date "
        "(2019, 2019-07 or 2019-07-14), and if need be band (its number in the file), name (of the band) and sensor. "
        "Files that it does not list are left out.",
    )
    bands: str = param(
        Kind.TEXT,
        "Bands to take",
        optional=True,
        help="Their names without the date, as in: blue green red nir. Empty: all except masks and flags.",
    )
    band_names: str = param(
        Kind.TEXT,
        "Names of the bands",
        optional=True,
        help="For files whose bands have no names, or others at each date: blue green red nir swir1 swir2, in the "
        "order of the bands.",
    )
    frequency: str = param(
        Kind.CHOICE,
        "Dates are",
        default=AUTO,
        choices=(AUTO, YEARLY, MONTHLY, DAILY),
        help="yearly and monthly: one date in each year or month at most. auto: as the dates are.",
    )
    align: str = param(
        Kind.CHOICE,
        "Rasters on another grid",
        default=REFUSE,
        choices=(REFUSE, FIRST),
        help="first: brought onto the grid of the earliest date, by small virtual rasters beside the result. Different "
        "extents on one grid are no matter: what is not covered is nodata.",
    )
    resampling: str = param(
        Kind.CHOICE,
        "Resampling",
        default="bilinear",
        choices=("bilinear", "nearest", "cubic", "average"),
        advanced=True,
        help="Of rasters on another grid. average: where their pixels are much smaller.",
    )
    scale_change: str = param(
        Kind.CHOICE,
        "Where the numbers change their meaning",
        default=REFUSE,
        choices=(REFUSE, CONVERT, WARN),
        help="As when reflectance is 0 to 1 at one date and 0 to 10000 at another, or 1000 is added, as in Sentinel-2 "
        "since 2022. convert: all dates read as reflectance or decibels, by scale and offset in the virtual raster.",
    )
    values: str = param(
        Kind.CHOICE,
        values.PARAMETER,
        default=values.AUTO,
        choices=values.CHOICES,
        advanced=True,
        help="What the numbers are at all dates, where files and pixels do not tell. auto: told date by date.",
    )
    sensor_change: str = param(
        Kind.CHOICE,
        "DMSP and VIIRS in one series",
        default=REFUSE,
        choices=(REFUSE, WARN),
        help="Their night lights are in other units and of another sharpness: a difference across 2012-13 is one of "
        "sensors. warn: for series that were harmonised.",
    )
    nodata: str = param(
        Kind.TEXT,
        "Nodata where files declare none",
        optional=True,
        advanced=True,
        help="A number, as in 0. Empty: every number counts, except in pixels that a file does not cover.",
    )
    output: str = param(Kind.RASTER_OUT, "Series", extension="vrt", result="series")
    report: str = param(
        Kind.FILE_OUT,
        "Check page",
        extension="html",
        result="report",
        optional=True,
        help="A page that opens offline: dates by bands with shares of valid pixels, the course of each band, and "
        "all warnings; the numbers as JSON and CSV beside it.",
    )

    def problem(self) -> str:
        """Nothing to join, or a nodata that is no number."""
        if not (self.folder or self.rasters or self.date_table):
            return "Prepare series needs a folder, raster layers, or a table that names files."
        try:
            float(self.nodata or 0)
        except ValueError:
            return f"Nodata must be a number, not '{self.nodata}'."
        return ""

    @classmethod
    def example(cls) -> "PrepareSeries":
        """Of a folder."""
        return cls.from_dict({"folder": "/example/folder", "output": "/example/output.vrt"})
