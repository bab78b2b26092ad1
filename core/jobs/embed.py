"""Jobs that turn rasters into embeddings, or open embeddings that others made."""

import math
from typing import ClassVar, Tuple

from ..published.registry import AUTO, OTHER, PRODUCTS
from . import running
from .declare import Job, JobFacts, Kind, param
from .source import EmbedJob

LARGEST_FACTOR = 1e6


class EmbedRaster(EmbedJob):
    """Raster in, embedding raster out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="embedraster",
        verb="embed",
        title="Embed raster",
        group="Embed",
        summary="Turns a raster into an embedding: for each cell a vector that says what the place looks like.",
        help=(
            "The embedding is an ordinary raster with one band for each dimension. Make it once, then train as many "
            "heads on it as you like. The default backbone, spectral-textural, needs no download and takes any bands "
            "of any sensor. A run that was stopped goes on where it was when it is asked again."
        ),
        tags=("features", "foundation model", "deep learning", "MOSAIKS", "DINO", "timm", "ONNX"),
        goes_on=True,
    )

    extent: str = param(Kind.EXTENT, "Extent", parent="input", optional=True, help="Empty: the whole raster.")
    mask: str = param(
        Kind.VECTOR,
        "Only inside these polygons",
        optional=True,
        geometry="polygon",
        help="Cells outside become nodata.",
    )
    like: str = param(
        Kind.RASTER,
        "Same space as this embedding",
        optional=True,
        instead_of="backbone",
        help="Takes over backbone, statistics, filters and components of an embedding made earlier, so that a head "
        "trained there can be applied here.",
    )
    patch_size_px: int = param(
        Kind.INTEGER,
        "Pixels to a cell (0: automatic)",
        default=0,
        minimum=0,
        maximum=512,
        help="Side of the square of pixels that gets one vector. 0: the network's own patch; where a backbone can "
        "choose, 1 up to four million pixels and 4 above.",
    )
    storage: str = param(
        Kind.CHOICE,
        "Storage",
        default="bytes",
        choices=("bytes", "float32"),
        advanced=True,
        help="bytes: one byte a value with scale and offset for each band, a quarter of the size.",
    )
    overlap_px: int = param(
        Kind.INTEGER,
        "Overlap of tiles",
        default=32,
        minimum=0,
        maximum=2048,
        unit="px",
        advanced=True,
        help="Neighbouring tiles are blended over this width. Backbones without tile borders ignore it.",
    )
    scheduler: str = running.scheduler()
    store: str = running.store()
    output: str = param(Kind.RASTER_OUT, "Embedding", extension="tif", result="embedding")

    def problem(self) -> str:
        """As for all embeddings, and a scheduler that cannot be one."""
        return super().problem() or running.scheduler_problem(self.scheduler, self.store)


class OpenEmbedding(Job):
    """Embedding raster of somebody else in, embedding raster of ours out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="openembedding",
        verb="open",
        title="Open published embedding",
        group="Embed",
        summary="Makes an embedding for Quadrat of a published one: AlphaEarth, TESSERA, or any raster of vectors.",
        help=(
            "Published embeddings are stored as codes that must be turned into values by the right formula, lie upside "
            "down at times, and must be averaged as values, not as codes. This does it, keeps the credit that the "
            "licence asks for, and notes which product it is, so that a head is used on the same product only. Years "
            "of one product share a space: train on one, map another."
        ),
        tags=("AlphaEarth", "AEF", "satellite embedding", "TESSERA", "GeoTessera", "Earth Engine", "dequantise"),
        goes_on=True,
    )

    input: str = param(
        Kind.RASTER,
        "Raster or tile",
        extension="npy",
        help="AlphaEarth: .vrt, GeoTIFF, or an export of Earth Engine. TESSERA: a GeoTIFF, or a tile grid_LON_LAT.npy "
        "with its _scales.npy beside it. Several files: make a virtual raster of them first.",
    )
    product: str = param(
        Kind.CHOICE,
        "Product",
        default=AUTO,
        choices=(AUTO, *PRODUCTS),
        help="auto: by the names, tags and types of the bands. other: any raster of vectors.",
    )
    space: str = param(
        Kind.TEXT,
        "Name of the space",
        optional=True,
        help="Heads can be carried over between embeddings of the same product and the same name. Product other needs "
        "one, such as 'clay 1.5'; TESSERA needs the variant, such as 2B-L, where its files do not say it.",
    )
    bands: Tuple[int, ...] = param(
        Kind.BANDS, "Bands", parent="input", optional=True, help="Empty: all bands except alpha."
    )
    extent: str = param(Kind.EXTENT, "Extent", parent="input", optional=True, help="Empty: the whole raster.")
    mask: str = param(
        Kind.VECTOR,
        "Only inside these polygons",
        optional=True,
        geometry="polygon",
        help="Cells outside become nodata.",
    )
    cell_size_px: int = param(
        Kind.INTEGER,
        "Pixels to a cell",
        default=1,
        minimum=1,
        maximum=256,
        help="Side of the square of pixels that is averaged to one vector: 10 makes cells of 100 m of pixels of 10 m.",
    )
    place: str = param(
        Kind.RASTER,
        "Raster that says where a .npy tile lies",
        optional=True,
        advanced=True,
        help="The land mask grid_LON_LAT.tiff that comes with the tile. Empty: looked for near the tile.",
    )
    scale: float = param(
        Kind.NUMBER,
        "Scale",
        default=1.0,
        minimum=-LARGEST_FACTOR,
        maximum=LARGEST_FACTOR,
        advanced=True,
        help="Product other: value = number * scale + offset.",
    )
    offset: float = param(
        Kind.NUMBER,
        "Offset",
        default=0.0,
        minimum=-LARGEST_FACTOR,
        maximum=LARGEST_FACTOR,
        advanced=True,
        help="Product other: see scale.",
    )
    nodata: str = param(
        Kind.TEXT,
        "Number that stands for nothing",
        optional=True,
        advanced=True,
        help="Product other: besides what the file itself declares.",
    )
    unit_length: bool = param(
        Kind.FLAG,
        "Bring vectors to length 1",
        default=False,
        advanced=True,
        help="Product other: for vectors whose direction alone counts. AlphaEarth is always treated so.",
    )
    storage: str = param(
        Kind.CHOICE,
        "Storage",
        default="bytes",
        choices=("bytes", "float32"),
        advanced=True,
        help="bytes: one byte a value with scale and offset for each band, a quarter of the size.",
    )
    output: str = param(Kind.RASTER_OUT, "Embedding", extension="tif", result="embedding")

    def problem(self) -> str:
        """Parameters for another product than the one chosen, or a space without a name."""
        if self.product == OTHER and not self.space.strip():
            return "Product other needs a name of the space, so that heads know which embeddings belong together."
        if self.nodata and not _is_number(self.nodata):
            return f"The number that stands for nothing is '{self.nodata}', which is no number."
        defaults, params = self.defaults(), self.params()
        for name in ("scale", "offset", "nodata", "unit_length"):
            if self.product != OTHER and getattr(self, name) != defaults[name]:
                return f"'{params[name].label}' is for the product 'other' only; {self.product} is chosen."
        return "" if self.scale else "Scale 0 makes all values alike."


def _is_number(text: str) -> bool:
    try:
        return not math.isinf(float(text))
    except ValueError:
        return False
