"""Jobs on the engine itself: what it takes to set it up, and how fast it is."""

from typing import ClassVar

from ...models.registry import BACKBONES, DEFAULT_BACKBONE
from . import running
from .declare import Job, JobFacts, Kind, param


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
    """Embed a raster that is made on the spot; numbers out, no file."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="speedtest",
        verb="speed",
        title="Speed test",
        group="Engine",
        summary="Embeds a made raster, and says how fast this machine is and how long yours would take.",
        help=(
            "The raster that is made has structure at several scales and noise, and goes the whole way from file to "
            "file, so that the figure is that of real work. Nothing is kept."
        ),
        tags=("benchmark", "time", "estimate", "performance"),
    )

    backbone: str = param(
        Kind.BACKBONE,
        "Backbone",
        default=DEFAULT_BACKBONE,
        choices=tuple(BACKBONES),
        help="What makes the vectors. timm and onnx need a model below.",
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
    side_px: int = param(
        Kind.INTEGER,
        "Side of the raster that is made",
        default=1024,
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

    def problem(self) -> str:
        """A backbone that needs a model was given none."""
        if BACKBONES[self.backbone].needs_model and not self.model:
            return f"Backbone {self.backbone} needs a model: give its name or file in 'Model'."
        return ""
