"""The jobs that map an indicator and its change with a model of 'Train indicator'."""

from typing import ClassVar

from .. import running
from ..declare import Job, JobFacts, Kind, param
from .series import GROUP


class IndicatorJob(Job):
    """A model and a series in, maps out."""

    model: str = param(Kind.FILE, "Model", extension="qseries", help="From 'Train indicator'.")
    series: str = param(
        Kind.RASTER,
        "Series",
        help="With the bands that the model learnt from, in the same units. Transformers over all dates need as many.",
    )
    extent: str = param(Kind.EXTENT, "Extent", parent="series", optional=True, help="Empty: the whole series.")
    level: float = param(
        Kind.NUMBER,
        "Confidence of intervals",
        default=0.9,
        minimum=0.5,
        maximum=0.99,
        help="Share of places whose true value shall lie within the error that is given, by places kept apart in "
        "training.",
    )
    weights: str = param(
        Kind.FILE,
        "Weights file of the backbone",
        optional=True,
        advanced=True,
        extension="safetensors pth pt bin",
        help="Where the model learnt from vectors of a backbone, and its weights lie elsewhere now.",
    )
    device: str = running.device()
    threads: int = running.threads()


class MapIndicator(IndicatorJob):
    """The indicator of each cell at each date."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="mapindicator",
        verb="map-indicator",
        title="Map indicator",
        group=GROUP,
        summary="The indicator of every cell at every date of a series, with its error.",
        help=(
            "A raster with a band for each date, whose pixels are the cells of the model; the mean of its models. The "
            "error is half the width of an interval that holds the true value of so many of the places that were kept "
            "apart in training. Dates that are missing or hidden stay empty. What was learnt from a proxy is that "
            "proxy, and its name says so. To say what changed use 'Map change': errors of two years add up."
        ),
        tags=("poverty", "wealth", "night lights", "map", "prediction", "interval"),
    )

    output: str = param(Kind.RASTER_OUT, "Indicator", extension="tif", result="indicator")
    error: str = param(
        Kind.RASTER_OUT,
        "Error",
        optional=True,
        extension="tif",
        result="indicatorerror",
        help="Half the width of the interval, a band for each date; empty where training could not tell.",
    )
    cells: str = param(
        Kind.VECTOR_OUT,
        "Cells",
        optional=True,
        by_default=False,
        extension="gpkg",
        result="indicatorcells",
        help="The same as polygons, with columns value_2019, error_2019, ...",
    )


class MapChange(IndicatorJob):
    """What changed between two dates beyond the error."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="mapchange",
        verb="map-change",
        title="Map change",
        group=GROUP,
        summary="How an indicator changed between two dates, and where that is more than the error.",
        help=(
            "The difference of two dates, its error, and a map of three classes: rise, fall, and no detectable change. "
            "The error comes from differences of places that were kept apart in training, of dates as far apart where "
            "there are such. Most of a map of change is 'no detectable change' as a rule; that does not mean that "
            "nothing changed there."
        ),
        tags=("poverty", "change", "difference", "trend", "significance"),
    )

    first: str = param(Kind.TEXT, "First date", optional=True, help="As in 2010 or 2010-07. Empty: the first there is.")
    last: str = param(Kind.TEXT, "Last date", optional=True, help="Empty: the last there is.")
    output: str = param(Kind.RASTER_OUT, "Change", extension="tif", result="indicatorchange")
    classes: str = param(
        Kind.RASTER_OUT,
        "Rise and fall beyond the error",
        optional=True,
        extension="tif",
        result="classmap",
        help="Three classes: rise, fall, and no detectable change.",
    )
    error: str = param(
        Kind.RASTER_OUT,
        "Error of the change",
        optional=True,
        by_default=False,
        extension="tif",
        result="indicatorerror",
        help="Half the width of the interval of the difference.",
    )
