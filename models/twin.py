"""A torch network with its own scaling of the bands as one ONNX file: raw pixels in, a map of vectors out.

Such a file says in its metadata what it is, so that the backbone `onnx` treats pixels as the network did, in an engine
without torch; other programs find the same numbers.

Source: https://onnx.ai; exporter: torch.onnx (TorchScript), which needs nothing but the library onnx.
"""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .contract import Float
from .errors import UnusableModel
from .onnxnotes import CARD, FILL, PIXELS, RAW, TILE
from .torch_tools import need

OPSET = 17
MOST_BYTES = 1_900_000_000
"""A file of the format that ONNX is written in holds 2 GB."""
INPUT, OUTPUT = "pixels", "vectors"


@dataclass(frozen=True)
class Linear:
    """Numbers of a linear head on vectors of D dimensions."""

    weight: Float
    """(K, D); of two classes only those of the second, (1, D)."""
    bias: Float
    """(K,)"""
    classes: int
    """How many; 0 for a value."""
    map: Mapping[str, Float] = field(default_factory=dict)
    """Of calibration: `power` and `floor`, or `slope` and `intercept`, or nothing."""
    inside: float = 0.0
    """How near to 0 and 1 a probability may come before its logit is taken."""


class _Module(nn.Module):
    """A function of a network as a module."""

    def __init__(self, network: nn.Module, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self._compute = network, compute

    def forward(self, pixels: Tensor) -> Tensor:
        return self._compute(pixels)


def as_module(network: nn.Module, compute: Callable[[Tensor], Tensor]) -> nn.Module:
    """A module whose `forward` is `compute`, and whose weights are those of `network`."""
    return _Module(network, compute)


def constant(numbers: Float) -> Tensor:
    """Numbers that become part of the file."""
    return torch.from_numpy(np.array(numbers))


class Projected(nn.Module):
    """Principal components of what a network gives."""

    mean: Tensor
    axes: Tensor

    def __init__(self, network: nn.Module, mean: Float, axes: Float) -> None:
        """(D,) and (K, D)."""
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.from_numpy(mean)[:, None, None])
        self.register_buffer("axes", torch.from_numpy(axes)[:, :, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K, h, w)."""
        found: Tensor = self.network(pixels)
        return nn.functional.conv2d(found - self.mean, self.axes)


class Headed(nn.Module):
    """A linear head on the map of a network: probabilities of classes, or a value."""

    weight: Tensor
    bias: Tensor
    power: Tensor
    floor: Tensor
    slope: Tensor
    intercept: Tensor

    def __init__(self, network: nn.Module, linear: Linear) -> None:
        super().__init__()
        self.network, self._linear = network, linear
        self.register_buffer("weight", torch.from_numpy(np.array(linear.weight, np.float32))[:, :, None, None])
        self.register_buffer("bias", torch.from_numpy(np.array(linear.bias, np.float32)))
        for name, values in linear.map.items():
            self.register_buffer(name, torch.from_numpy(np.array(values, np.float32).reshape(-1))[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K, h, w)."""
        found: Tensor = nn.functional.conv2d(self.network(pixels), self.weight, self.bias)
        if not self._linear.classes:
            return found
        if self._linear.classes == 2:
            found = torch.cat([torch.zeros_like(found), found], dim=1)
        return self._calibrated(torch.softmax(found, dim=1))

    def _calibrated(self, shares: Tensor) -> Tensor:
        """As `core/heads/maps.py` does it."""
        if "power" in self._linear.map:
            return torch.softmax(torch.log(shares + self.floor) * self.power, dim=1)
        if "slope" in self._linear.map:
            inside = shares.clamp(self._linear.inside, 1 - self._linear.inside)
            shares = torch.sigmoid(torch.logit(inside) * self.slope + self.intercept)
            return shares / shares.sum(dim=1, keepdim=True)
        return shares


def export(module: nn.Module, path: Path, shape: tuple[int, int, int], notes: Mapping[str, str]) -> None:
    """Write the file; the number of tiles in a batch is free, their size is not.

    Args:
        module: raw pixels to a map.
        path: of the file.
        shape: (C, H, W) of a tile.
        notes: for the metadata.

    Raises:
        MissingLibrary: no onnx.
        UnusableModel: the network does something that ONNX has no word for.
    """
    need("onnx")
    import onnx

    size = sum(each.numel() * each.element_size() for each in (*module.parameters(), *module.buffers()))
    if size > MOST_BYTES:
        raise UnusableModel(
            f"This network has {size / 1e9:.1f} GB of weights; an ONNX file holds 2 at most. Choose a smaller one."
        )

    axes = {INPUT: {0: "tiles"}, OUTPUT: {0: "tiles"}}
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # of sizes that are fixed, as they are meant to be
            torch.onnx.export(
                module.cpu().eval(), (torch.zeros(2, *shape),), str(path), dynamo=False, opset_version=OPSET,
                input_names=[INPUT], output_names=[OUTPUT], dynamic_axes=axes,
            )  # fmt: skip
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise UnusableModel(f"This network cannot be written as ONNX ({reason}).") from error
    written = onnx.load(str(path))
    onnx.helper.set_model_props(written, dict(notes))
    onnx.save(written, str(path))


def notes_of(fill: Float, tile_size_px: int, facts: Mapping[str, Any]) -> dict[str, str]:
    """Metadata of a file that takes raw pixels.

    Args:
        fill: (C,) what stands at pixels without a value.
        tile_size_px: side of a tile.
        facts: of the card; anything that JSON can hold.
    """
    return {
        PIXELS: RAW, FILL: json.dumps([float(value) for value in fill]), TILE: str(tile_size_px),
        CARD: json.dumps(dict(facts), ensure_ascii=False),
    }  # fmt: skip
