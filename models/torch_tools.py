"""Torch and timm, imported when a network needs them, and the device they run on."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .crew import thread_count
from .errors import MissingLibrary, OutOfMemory, UnusableModel, starved

if TYPE_CHECKING:
    import torch

_declared: list[Any] = []
"""Operator declarations; they vanish with the object that made them."""


def need(*libraries: str) -> None:
    """Says in one sentence that this engine is too small, before an import fails.

    Raises:
        MissingLibrary: one of them is not installed.
    """
    for name in libraries:
        if importlib.util.find_spec(name) is None:
            raise MissingLibrary(
                f"This backbone needs {name}, which the light engine does not hold. Set up the full engine, "
                "or choose spectral-textural, mosaiks or raw."
            )


def import_timm() -> Any:
    """The timm library.

    Raises:
        MissingLibrary: the engine holds no torch or no timm.
    """
    need("torch", "timm")
    _declare_vision_operators()
    import timm

    return timm


def _declare_vision_operators() -> None:
    """Lets torchvision be imported where its compiled part cannot load (built for CUDA, beside a torch for CPU).

    timm imports torchvision, which at once registers shapes for its operators `nms` and `qnms`; that fails where
    they do not exist. No network here calls them, so it is enough to say that they exist.
    """
    import torch

    place = importlib.util.find_spec("torchvision")
    if place is None or place.origin is None or hasattr(torch.ops.torchvision, "nms"):
        return
    for library in Path(place.origin).parent.glob("_C*"):
        if library.suffix in (".so", ".pyd", ".dylib"):
            try:
                torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
            except OSError:
                break
            return
    declarations: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        declarations.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(declarations)


def choose_device(wish: str, threads: int) -> tuple["torch.device", str]:
    """The device and its name in words.

    Args:
        wish: `auto`, `cpu`, `cuda` or `mps`.
        threads: on the CPU; 0: all cores.

    Raises:
        UnusableModel: the device wished for is not there; falling back in silence would hide hours.
    """
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wish == "auto":
        wish = "cuda" if cuda else "mps" if mps else "cpu"
    if (wish == "cuda" and not cuda) or (wish == "mps" and not mps):
        raise UnusableModel(
            f"The device '{wish}' is not available: torch {torch.__version__} finds no such processor. "
            "Choose the device 'auto' or 'cpu', or set up an engine with the matching torch."
        )
    if wish == "cuda":
        return torch.device("cuda"), f"CUDA: {torch.cuda.get_device_name()}"
    if wish == "mps":
        return torch.device("mps"), "MPS: Apple graphics processor"
    count = thread_count(threads)
    return torch.device("cpu"), f"CPU, {count} thread{'s' if count > 1 else ''}"


def free_bytes(device: str) -> int | None:
    """Memory that the graphics processor has left; None where nobody can tell.

    Args:
        device: as `choose_device` names it.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not device.startswith("CUDA"):
        return None
    return int(torch.cuda.mem_get_info()[0])


def out_of_memory(error: Exception) -> OutOfMemory | None:
    """What to raise in place of an error that says that memory ran out, else None."""
    if not starved(error):
        return None
    return OutOfMemory("The tiles of one batch do not fit into memory. Use fewer tiles in a batch, or smaller ones.")
