"""What the engine runs on: libraries, devices, memory. Nothing heavy is imported before it is asked for."""

import importlib.metadata
import importlib.util
import platform
import sys
from typing import Any

from ...models.quota import cores
from .memory import memory

LIBRARIES = (
    "numpy", "rasterio", "scikit-learn", "geopandas", "onnxruntime", "skops", "zstandard", "torch", "timm",
)  # fmt: skip
WARM = {"PyTorch": "torch", "timm": "timm", "ONNX Runtime": "onnxruntime", "scikit-learn": "sklearn"}
"""What takes long to load, and stays loaded between jobs: title and module."""


def has_torch() -> bool:
    """True in the full engine; torch is not imported to find out."""
    return importlib.util.find_spec("torch") is not None


def describe() -> dict[str, Any]:
    """Versions and devices, as plain JSON values."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "system": platform.platform(),
        "cores": cores(),
        "libraries": versions,
        "devices": _devices(),
        "memory": memory(),
        "warm": [name for name, module in WARM.items() if module in sys.modules],
    }


def _devices() -> list[str]:
    if not has_torch():
        return [f"CPU ({cores()} cores)"]
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = [f"CUDA: {torch.cuda.get_device_name(number)}" for number in range(count)]
    if torch.backends.mps.is_available():
        devices.append("Apple GPU (mps)")
    return [*devices, f"CPU ({cores()} cores)"]
