"""Jobs on the engine itself: what it takes to set it up."""

from dataclasses import dataclass
from typing import ClassVar

from .declare import Job, JobFacts, Kind, param


@dataclass(frozen=True)
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
