"""The job that teaches an indicator from a series of images."""

from typing import ClassVar

from ...poverty.methodlist import DEFAULT_METHOD, NETWORKS, SERIES_METHODS
from .. import running
from ..declare import Job, JobFacts, Kind, param, shared
from .embedding import DatedEmbedding
from .series import GROUP

MEAN, OFF, DRAWS, INSTANCES = "mean", "off", "draws", "instances"
BLOCKS, RANDOM = "blocks", "random"
AUTO, YES, NO = "auto", "yes", "no"


class TrainSeries(Job):
    """A series and a survey or a proxy in, a model out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="trainseries",
        verb="train-series",
        title="Train indicator",
        group=GROUP,
        summary="Teaches an indicator for each place and year from a series of images, and tests it elsewhere.",
        help=(
            "Learns from a survey (the layer of 'Prepare survey points') or from a proxy that is known everywhere, "
            "such as night lights. A model learnt from a proxy tells that proxy, and everything made with it says so. "
            "Several models are taught, each without another part of the places, so that every place is told once by "
            "a model that had not seen it: from these answers come the scores in the log and, later, the error of "
            "every map. Methods: transformers over all dates (st, tsvit) or one image at a time (s), which need the "
            "full engine; and ridge, forest, boosting or a blend on summary statistics of each image, which are quick "
            "and often hard to beat, or on the vectors that a backbone gives of each image. A run that was stopped "
            "goes on where it was."
        ),
        tags=("poverty", "wealth", "night lights", "transformer", "time series", "survey", "DHS", "regression"),
        goes_on=True,
    )

    series: str = param(Kind.RASTER, "Series", help="From 'Prepare series', or any raster with bands such as red_2019.")
    survey: str = param(
        Kind.VECTOR,
        "Survey",
        optional=True,
        recorded=True,
        geometry="polygon",
        help="The layer of 'Prepare survey points'. Either this or a proxy.",
    )
    proxy: str = param(
        Kind.RASTER,
        "Proxy",
        optional=True,
        help="A series of one band, such as night lights of the same years, on any grid: its mean in each cell is "
        "learnt.",
    )
    bands: str = param(
        Kind.TEXT,
        "Bands to learn from",
        optional=True,
        help="Names without the date, as in: blue green red nir. Empty: all.",
    )
    method: str = param(
        Kind.CHOICE,
        "Method",
        default=DEFAULT_METHOD,
        choices=tuple(SERIES_METHODS),
        help="auto, ridge, ridge-log, forest, boosting, blend: on numbers that tell each image, see below; auto "
        "compares them. st: all dates as one sequence; s: one image at a time; tsvit: dates first, then places.",
    )
    backbone: str = shared(DatedEmbedding, "backbone")
    model: str = shared(DatedEmbedding, "model")
    dimensions: int = shared(DatedEmbedding, "dimensions")
    band_roles: str = shared(DatedEmbedding, "band_roles")
    values: str = shared(DatedEmbedding, "values")
    context: str = shared(DatedEmbedding, "context")
    weights: str = shared(DatedEmbedding, "weights")
    download: bool = shared(DatedEmbedding, "download")
    displacement: str = param(
        Kind.CHOICE,
        "Displaced places of a survey",
        default=MEAN,
        choices=(MEAN, DRAWS, INSTANCES, OFF),
        help="mean: over the cells where a cluster may be, by their chance. draws: each model gets another possible "
        "place, so that their spread shows what displacement does. instances: the network chooses the cell that fits. "
        "off: the published place.",
    )
    cell_px: int = param(
        Kind.INTEGER,
        "Cell",
        default=32,
        minimum=1,
        maximum=512,
        unit="px",
        help="Side of the square that is looked at; 32 px of Landsat are 960 m, as published.",
    )
    patch_px: int = param(
        Kind.INTEGER,
        "Patch (0: a quarter of the cell)",
        default=0,
        minimum=0,
        maximum=512,
        unit="px",
        advanced=True,
        help="Side of what a transformer takes as one token; published: 8 px.",
    )
    extent: str = param(Kind.EXTENT, "Extent", parent="series", optional=True, help="Of cells that learn from a proxy.")
    most_cells: int = param(
        Kind.INTEGER,
        "Most cells of a proxy",
        default=10_000,
        minimum=20,
        maximum=1_000_000,
        help="Of more a random draw is taken.",
    )
    models: int = param(
        Kind.INTEGER,
        "Models",
        default=5,
        minimum=1,
        maximum=5,
        help="5, as published: each is tested on another sixth of the places. Fewer are quicker and leave places "
        "untested.",
    )
    apart: str = param(
        Kind.CHOICE,
        "What is kept apart",
        default=BLOCKS,
        choices=(BLOCKS, RANDOM),
        help="blocks: whole squares. random: cells drawn at random, as published; neighbours of the test are in "
        "training then, which flatters.",
    )
    block_size_m: float = param(
        Kind.NUMBER,
        "Side of the squares",
        default=20_000.0,
        minimum=1.0,
        maximum=1e7,
        unit="m",
        advanced=True,
        help="20 km and more for surveys, whose places are displaced by up to 10 km.",
    )
    held_extent: str = param(
        Kind.EXTENT,
        "Held-out region: extent",
        parent="series",
        optional=True,
        help="No model learns from places inside, and every model is tested there, beside the other tests. Others that "
        "lie nearer to these than the side of the squares (20 km at most; of surveys twice their displacement at "
        "least) are left out.",
    )
    held_area: str = param(
        Kind.VECTOR,
        "Held-out region: polygons",
        geometry="polygon",
        optional=True,
        help="Instead of an extent.",
    )
    beside_random: str = param(
        Kind.CHOICE,
        "Also test at random places",
        default=AUTO,
        choices=(AUTO, YES, NO),
        advanced=True,
        help="As many studies do, for comparison: neighbours of the test are in training then, which flatters. Takes "
        "as many models again, which are thrown away. auto: not for transformers, which take long.",
    )
    epochs: int = param(
        Kind.INTEGER, "Epochs", default=200, minimum=1, maximum=100_000, help="Transformers only; 200 as published."
    )
    patience: int = param(
        Kind.INTEGER,
        "Stop after epochs without gain (0: never)",
        default=0,
        minimum=0,
        maximum=100_000,
        help="The weights of the best epoch are kept in any case.",
    )
    learning_rate: float = param(
        Kind.NUMBER, "Learning rate", default=5e-4, minimum=1e-8, maximum=10.0, advanced=True, help="Of Adam."
    )
    batch_size: int = param(Kind.INTEGER, "Places in a batch", default=64, minimum=1, maximum=100_000, advanced=True)
    pooling: str = param(
        Kind.CHOICE,
        "Pooling",
        default="token-mean-over-dim",
        choices=("token-mean-over-dim", "mean-over-tokens", "class-token"),
        advanced=True,
        help="token-mean-over-dim: as in the published code. mean-over-tokens told changes better on made-up series; "
        "class-token: as in other transformers.",
    )
    end: str = param(
        Kind.CHOICE,
        "Last layer",
        default="auto",
        choices=("auto", "relu", "softplus", "linear"),
        advanced=True,
        help="relu as published, for what is never negative; linear for a wealth index. auto: by the values.",
    )
    pixels: str = param(
        Kind.CHOICE,
        "Pixels",
        default="auto",
        choices=("auto", "raw", "standard"),
        advanced=True,
        help="raw: as stored, as published for 8-bit composites. standard: each band by its mean and spread. auto: raw "
        "for bytes, else standard.",
    )
    dark_cells: int = param(
        Kind.INTEGER,
        "Dark cells in training (-1: all)",
        default=500,
        minimum=-1,
        maximum=10_000_000,
        advanced=True,
        help="Of a proxy: cells that are 0 in all years teach little; so many of them are kept. Tests keep all.",
    )
    start_from: str = param(
        Kind.FILE,
        "Start from model",
        optional=True,
        extension="qseries",
        help="Transfer: a transformer that learnt a proxy learns the few values of a survey. Same method and sizes.",
    )
    transfer: str = param(
        Kind.CHOICE,
        "What learns then",
        default="all",
        choices=("head", "head-then-all", "all"),
        advanced=True,
        help="head: its last layer only. head-then-all: that first, then everything.",
    )
    device: str = running.device()
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.FILE_OUT, "Model", extension="qseries", result="model")
    report: str = param(
        Kind.FILE_OUT,
        "Report",
        extension="html",
        result="report",
        optional=True,
        help="A page on how well levels and changes are told, which opens offline; the numbers as JSON and CSV beside "
        "it. 'Report on indicator models' puts several models on one.",
    )

    def problem(self) -> str:
        """Not one thing to learn, or a start that no statistics can take."""
        if bool(self.survey) == bool(self.proxy):
            return "Train indicator learns either from a survey or from a proxy: give one of them, and not both."
        embedding = DatedEmbedding.of(self)
        if embedding.embeds and self.method in NETWORKS:
            return f"Method {self.method} sees the pixels: leave '{self.params()['backbone'].label}' at statistics."
        if embedding.problem():
            return embedding.problem()
        if self.start_from and self.method not in NETWORKS:
            return f"Method {self.method} starts from nothing: leave 'Start from model' empty, or choose a transformer."
        if self.displacement == INSTANCES and self.survey and self.method not in NETWORKS:
            return f"Method {self.method} cannot choose among cells: take mean, draws or off, or a transformer."
        if self.held_extent and self.held_area:
            return "Give one held-out region: an extent or polygons, not both."
        if self.beside_random == YES and self.apart == RANDOM:
            return "The test is at random places already: keep blocks apart, or leave 'Also test at random places'."
        if self.patch_px and self.cell_px % self.patch_px:
            return f"A cell of {self.cell_px} px is not a whole number of patches of {self.patch_px} px."
        return ""

    @classmethod
    def example(cls) -> "TrainSeries":
        """From night lights."""
        given = {"series": "/example/series", "proxy": "/example/proxy", "output": "/example/output"}
        return cls.from_dict(given)
