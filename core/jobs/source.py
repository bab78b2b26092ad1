"""What every job has in common that makes vectors of pixels: rasters, bands, backbone, weights, device."""

from typing import Tuple

from ...models.registry import BACKBONES, DEFAULT_BACKBONE
from ..bands import values, wish
from . import running
from .declare import Job, Kind, param


class EmbedJob(Job):
    """Pixels in, vectors out."""

    input: str = param(Kind.RASTER, "Raster")
    backbone: str = param(
        Kind.BACKBONE,
        "Backbone",
        parent="input second",
        default=DEFAULT_BACKBONE,
        choices=tuple(BACKBONES),
        help="What makes the vectors. spectral-textural and mosaiks need nothing; colour-texture nothing but a colour "
        "picture; timm and onnx need a model below; the others need weights, and the bands that they were made for: "
        "'Which backbone fits?' tells.",
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
    months: str = param(
        Kind.TEXT,
        "Months",
        optional=True,
        advanced=True,
        help="For backbones that take several dates as one, where names of bands or file do not tell: one a date, as "
        "in 4 5 6, or from first to last, as in 1-12 or 11-2.",
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
    dimensions: int = param(
        Kind.INTEGER,
        "Dimensions (0: automatic)",
        default=0,
        minimum=0,
        maximum=4096,
        help="Principal components to keep. 0: 64 for spectral-textural, all of them for other backbones.",
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
        help="Side of the window that a network sees at once. 0: the size it was trained with; Galileo sees each cell "
        "by itself.",
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
    device: str = running.device()
    precision: str = running.precision()
    batch_size: int = param(
        Kind.INTEGER,
        "Tiles in a batch",
        default=0,
        minimum=0,
        maximum=4096,
        advanced=True,
        help="0: chosen for the model and the device, halved when memory runs out.",
    )
    threads: int = running.threads()
    seed: int = running.seed()

    def problem(self) -> str:
        """A backbone that needs a model was given none."""
        if BACKBONES[self.backbone].needs_model and not self.model and not self.like:
            return f"Backbone {self.backbone} needs a model: give its name or file in 'Model'."
        if BACKBONES[self.backbone].model and self.model:
            return f"Backbone {self.backbone} is one model already: leave 'Model' empty, or choose the backbone timm."
        if self.precision != "float32" and not BACKBONES[self.backbone].needs_torch and not self.like:
            return f"Backbone {self.backbone} knows no half precision: set 'Precision' to float32."
        if (self.second_bands or self.second_band_roles) and not self.second:
            return "Bands of a second raster are given, but no second raster."
        if self.months and not (BACKBONES[self.backbone].series or self.backbone == "onnx" or self.like):
            return f"Backbone {self.backbone} does not ask for months: leave 'Months' empty."
        return wish.months_problem(self.months) or self._problem_of_roles()

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

    @property
    def like(self) -> str:
        """Result whose space is wanted; empty: a space of its own."""
        return ""
