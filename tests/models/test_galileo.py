"""Galileo: the contract for series with gaps, what is refused, and numbers of the authors' code on the same weights."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
TINY = {"nano": (16, 2, 2), "tiny": (24, 3, 3), "base": (32, 1, 4)}
"""Width, depth and heads of the transformers of these tests."""


def official(size="nano"):
    """Seeded tensors named and shaped as in the official file, but narrower."""
    dim, depth, _ = TINY[size]
    quarter = dim // 4
    shapes = {
        "pos_embed": (24, quarter),
        "month_embed.weight": (12, quarter),
        "norm.weight": (dim,),
        "norm.bias": (dim,),
    }
    shapes |= {"s_t_channel_embed": (7, quarter), "sp_channel_embed": (3, quarter)}
    shapes |= {"t_channel_embed": (3, quarter), "st_channel_embed": (4, quarter)}
    for index in range(depth):
        shapes |= block(f"blocks.{index}", dim)
    maps = {"S1": 2, "S2_RGB": 3, "S2_Red_Edge": 3, "S2_NIR_10m": 1, "S2_NIR_20m": 1, "S2_SWIR": 2, "NDVI": 1}
    kernels = {f"space_time_embed.{name}": count for name, count in maps.items()}
    kernels |= {f"space_embed.{name}": count for name, count in {"SRTM": 2, "DW": 9, "WC": 5}.items()}
    for name, count in kernels.items():
        shapes |= {f"{name}.proj.weight": (dim, count, 8, 8), f"{name}.proj.bias": (dim,)}
    lines = {f"time_embed.{name}": count for name, count in {"ERA5": 2, "TC": 3, "VIIRS": 1}.items()}
    static = {"LS": 1, "location": 3, "DW_static": 9, "WC_static": 5}
    lines |= {f"static_embed.{name}": count for name, count in static.items()}
    for name, count in lines.items():
        shapes |= {f"{name}.weight": (dim, count), f"{name}.bias": (dim,)}
    rng = np.random.default_rng(7)
    made = {name: rng.standard_normal(shapes[name]) * 0.3 for name in sorted(shapes)}
    made |= {
        name: 1 + array
        for name, array in made.items()
        if name.endswith(("norm.weight", "norm1.weight", "norm2.weight"))
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in made.items()}


def block(name, dim):
    shapes = {f"{name}.{norm}.{kind}": (dim,) for norm in ("norm1", "norm2") for kind in ("weight", "bias")}
    for layer, rows, cols in (("mlp.fc1", 4 * dim, dim), ("mlp.fc2", dim, 4 * dim)):
        shapes |= {f"{name}.{layer}.weight": (rows, cols), f"{name}.{layer}.bias": (rows,)}
    for layer in ("q", "k", "v", "proj"):
        shapes |= {f"{name}.attn.{layer}.weight": (dim, dim), f"{name}.attn.{layer}.bias": (dim,)}
    return shapes
