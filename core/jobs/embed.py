"""Jobs that turn rasters into embeddings, or open embeddings that others made."""

import math
from dataclasses import dataclass
from typing import ClassVar, Tuple

from ...models.registry import BACKBONES, DEFAULT_BACKBONE
from ..bands import values, wish
from ..published.registry import AUTO, OTHER, PRODUCTS
from .declare import Job, JobFacts, Kind, param

LARGEST_FACTOR = 1e6


@dataclass(frozen=True)
class EmbedRaster(Job):
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
    )

    input: str = param(Kind.RASTER, "Raster")
    backbone: str = param(
        Kind.BACKBONE,
        "Backbone",
        parent="input second",
        default=DEFAULT_BACKBONE,
        choices=tuple(BACKBONES),
        help="What makes the vectors. spectral-textural and mosaiks need nothing; timm and onnx need a model below; "
        "the others need weights, and the bands that they were made for: 'Which backbone fits?' tells.",
    )
    model: str = param(
        Kind.TEXT,
        "Model",
        optional=True,
        help="Backbone timm: a timm name such as vit_small_patch14_dinov2.lvd142m. Backbone onnx: path of the file.",
    )
    bands: Tuple[int, ...] = param(
        Kind.BANDS, "Bands", parent="input", optional=True, help="Empty: all bands except alpha."
    )
    band_roles: str = param(
        Kind.ROLES,
        "Which band is what",
        parent="input",
        optional=True,
        help="For backbones made for certain bands, where names and product do not tell: blue=2 green=3 red=4. Empty: "
        "as recognised.",
    )
    second: str = param(
        Kind.RASTER,
        "Second raster of the same place",
        optional=True,
        help="Its bands are brought onto the grid of the first and follow its bands: radar beside optical bands.",
    )
    second_bands: Tuple[int, ...] = param(
        Kind.BANDS,
        "Bands of the second raster",
        parent="second",
        optional=True,
        advanced=True,
        help="Empty: all bands except alpha.",
    )
    second_band_roles: str = param(
        Kind.ROLES,
        "Which band of the second raster is what",
        parent="second",
        optional=True,
        advanced=True,
        help="As in: vv=1 vh=2. Empty: as recognised.",
    )
    values: str = param(
        Kind.CHOICE,
        values.PARAMETER,
        default=values.AUTO,
        choices=values.CHOICES,
        advanced=True,
        help="What the stored numbers are, for backbones that want reflectance and decibels. auto: by what the file "
        "says, the product, and the numbers themselves.",
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
    dimensions: int = param(
        Kind.INTEGER,
        "Dimensions (0: automatic)",
        default=0,
        minimum=0,
        maximum=4096,
        help="Principal components to keep. 0: 64 for spectral-textural, all of them for other backbones.",
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
    scaling: str = param(
        Kind.CHOICE,
        "Scaling of the bands",
        default="auto",
        choices=("auto", "percentiles", "dtype", "none", "batch", "published"),
        advanced=True,
        help="How bands are brought to 0..1 before a network made for photographs. percentiles: 1 % to 99 % of the "
        "layer; dtype: by the range of the integer type; none: taken as they are. auto: dtype for bytes, else "
        "percentiles; for other networks as they were trained, by the layer's own statistics. batch: CROMA as "
        "published, by each batch. published: SMARTIES by the statistics of its training.",
    )
    tile_size_px: int = param(
        Kind.INTEGER,
        "Tile size",
        default=0,
        minimum=0,
        maximum=4096,
        unit="px",
        advanced=True,
        help="Side of the window that a network sees at once. 0: the size it was trained with.",
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
    weights: str = param(
        Kind.FILE,
        "Weights file",
        optional=True,
        advanced=True,
        extension="safetensors pth pt bin",
        help="Weights that you have on disk. Empty: those in Quadrat's own store.",
    )
    download: bool = param(
        Kind.FLAG,
        "Download weights that are missing",
        default=False,
        advanced=True,
        help="The licence of the model applies to what you make with it.",
    )
    device: str = param(Kind.CHOICE, "Device", default="auto", choices=("auto", "cpu", "cuda", "mps"), advanced=True)
    batch_size: int = param(
        Kind.INTEGER,
        "Tiles in a batch",
        default=0,
        minimum=0,
        maximum=4096,
        advanced=True,
        help="0: chosen for the model and the device, halved when memory runs out.",
    )
    threads: int = param(
        Kind.INTEGER, "Threads", default=0, minimum=0, maximum=256, advanced=True, help="0: all cores."
    )
    seed: int = param(Kind.INTEGER, "Seed", default=0, minimum=0, maximum=2**31 - 1, advanced=True)
    output: str = param(Kind.RASTER_OUT, "Embedding", extension="tif", result="embedding")

    def problem(self) -> str:
        """A backbone that needs a model was given none."""
        if BACKBONES[self.backbone].needs_model and not self.model and not self.like:
            return f"Backbone {self.backbone} needs a model: give its name or file in 'Model'."
        if BACKBONES[self.backbone].model and self.model:
            return f"Backbone {self.backbone} is one model already: leave 'Model' empty, or choose the backbone timm."
        if (self.second_bands or self.second_band_roles) and not self.second:
            return "Bands of a second raster are given, but no second raster."
        return self._problem_of_roles()

    def _problem_of_roles(self) -> str:
        for text in (self.band_roles, self.second_band_roles):
            if text and not BACKBONES[self.backbone].inputs and self.backbone != "onnx" and not self.like:
                return f"Backbone {self.backbone} takes any bands: leave 'Which band is what' empty."
            if wish.problem(text):
                return wish.problem(text)
        if self.bands and self.band_roles:
            return "Give either 'Bands' or 'Which band is what', not both."
        if self.second_bands and self.second_band_roles:
            return "Give bands of the second raster either by number or by what they are, not both."
        return ""


@dataclass(frozen=True)
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
