"""Jobs on the engine itself: what it takes to set it up, and how fast it is."""

from typing import ClassVar

from ...models.registry import BACKBONES
from . import running
from .declare import Job, JobFacts, Kind, param

EACH = "each"
"""In place of a backbone: all that can run."""


class SetUpEngine(Job):
    """Install, repair or update the engine; runs where it is asked (QGIS or shell), never in the worker."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="setupengine",
        verb="setup",
        title="Set up the engine",
        group="Engine",
        summary="Installs the Python environment that does the work, outside QGIS and outside the plugin.",
        help=(
            "Quadrat works in a process of its own, so that nothing is ever installed into QGIS's Python. "
            "'light' does everything that needs no neural network; 'full' adds PyTorch and timm. "
            "An engine that is already there and whole is left alone; a broken one is made anew beside the old."
        ),
        tags=("install", "python", "torch", "dependencies"),
    )

    size: str = param(
        Kind.CHOICE,
        "Engine",
        default="light",
        choices=("light", "full"),
        help="light: about 0.8 GB on disk. full: adds PyTorch, from 1.9 GB (CPU) to 6.5 GB (CUDA).",
    )
    torch: str = param(
        Kind.CHOICE,
        "PyTorch build",
        default="auto",
        choices=("auto", "cpu", "cuda"),
        advanced=True,
        help="auto takes the CUDA build where an NVIDIA driver is found. Only for the full engine.",
    )
    python: str = param(
        Kind.FILE,
        "Python to use",
        optional=True,
        advanced=True,
        help="A Python 3.11 or later that is not QGIS's own. Empty: looked for, else downloaded by uv.",
    )
    wheels: str = param(
        Kind.FOLDER,
        "Folder of wheels (offline)",
        optional=True,
        advanced=True,
        help="Install from these files alone, without network.",
    )
    again: bool = param(
        Kind.FLAG, "Make it anew even if it is whole", default=False, advanced=True, help="Use it to repair."
    )


class SpeedTest(Job):
    """Speed of backbones on this machine: numbers out, and a page."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="speedtest",
        verb="bench",
        title="Speed test",
        group="Engine",
        summary="Says how fast each backbone is on this computer, and how long your raster would take.",
        help=(
            "Each backbone that can run here does the first seconds of the real work, from file to file: on your "
            "raster, or on one that is made with structure at several scales and noise. What was measured is "
            "remembered, so that the form of 'Embed raster' can tell the time before it runs. No embedding is kept."
        ),
        tags=("benchmark", "time", "estimate", "performance", "bench"),
    )

    backbone: str = param(
        Kind.BACKBONE,
        "Backbone",
        parent="input",
        default=EACH,
        choices=(EACH, *BACKBONES),
        help="each: all that can run here, with the reason where one cannot. timm and onnx need a model below.",
    )
    input: str = param(
        Kind.RASTER, "Your raster", optional=True, help="Empty: one is made; columns, rows and bands below count."
    )
    model: str = param(
        Kind.TEXT,
        "Model",
        optional=True,
        help="Backbone timm: a timm name such as vit_small_patch14_dinov2.lvd142m. Backbone onnx: path of the file.",
    )
    columns: int = param(
        Kind.INTEGER,
        "Columns of your raster",
        default=10_000,
        minimum=1,
        maximum=10_000_000,
        unit="px",
        help="The time is estimated for a raster of this size.",
    )
    rows: int = param(Kind.INTEGER, "Rows of your raster", default=10_000, minimum=1, maximum=10_000_000, unit="px")
    bands: int = param(Kind.INTEGER, "Bands of your raster", default=4, minimum=1, maximum=512)
    patch_size_px: int = param(
        Kind.INTEGER,
        "Pixels to a cell (0: automatic)",
        default=0,
        minimum=0,
        maximum=512,
        help="As in 'Embed raster'. 0: what that would take for a raster of your size.",
    )
    seconds: int = param(
        Kind.INTEGER,
        "Time for all measurements",
        default=60,
        minimum=1,
        maximum=86_400,
        unit="s",
        help="Shared among the backbones; building each of them comes on top. Longer is more exact.",
    )
    side_px: int = param(
        Kind.INTEGER,
        "Side of the raster that is made",
        default=2048,
        minimum=64,
        maximum=8192,
        unit="px",
        advanced=True,
        help="Larger is more exact and takes longer.",
    )
    weights: str = param(
        Kind.FILE,
        "Weights file",
        optional=True,
        advanced=True,
        extension="safetensors pth pt bin",
        help="Weights that you have on disk. Empty: those in Quadrat's own store.",
    )
    device: str = running.device()
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(
        Kind.FILE_OUT,
        "Page",
        optional=True,
        extension="html",
        result="report",
        help="Empty: the numbers are told in the log only.",
    )

    def problem(self) -> str:
        """A backbone that needs a model was given none, or several were given one."""
        if self.backbone == EACH:
            return "Choose the backbone that the model or the weights are for." if self.model or self.weights else ""
        if BACKBONES[self.backbone].needs_model and not self.model:
            return f"Backbone {self.backbone} needs a model: give its name or file in 'Model'."
        return ""
