"""Small scenes and requests, and tiny networks on disk, for backbones."""

import functools
import importlib
import importlib.util

import numpy as np
import pytest
from quadrat.models import registry
from quadrat.models.contract import BuildRequest

TINY = "test_vit"


def scene(in_chans=4, height=72, width=60, seed=0):
    """(C, H, W) float32: waves with noise, each band in another unit."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:height, :width]
    bands = []
    for band in range(in_chans):
        wave = np.sin(rows / (4 + band % 5)) * np.cos(cols / (6 + band % 3)) + rng.normal(0, 0.3, (height, width))
        bands.append(wave * 10 ** (band % 3) + 50 * band)
    return np.stack(bands).astype(np.float32)


def request_for(values, valid=None, **options):
    """A request whose sample is the whole scene, zeroed where it is not valid."""
    valid = np.ones(values.shape[1:], bool) if valid is None else valid
    options.setdefault("patch_size_px", 1)

    def sample():
        yield np.where(valid, values, 0).astype(np.float32), valid

    return BuildRequest(in_chans=len(values), sample=sample, **options)


def build(name, request):
    module, _, function = registry.get(name).builder.partition(":")
    return getattr(importlib.import_module(f"quadrat.models.definitions.{module}"), function)(request)


def embed(backbone, values, valid=None):
    """The whole scene in one call, surrounded by invalid pixels: (D, h, w)."""
    valid = np.ones(values.shape[1:], bool) if valid is None else valid
    patch, halo = backbone.patch_size_px, backbone.halo_px
    widths = [(halo, halo + -side % patch) for side in valid.shape]
    padded = np.pad(np.where(valid, values, 0), ((0, 0), *widths)).astype(np.float32)
    return backbone(padded[None], np.pad(valid, widths)[None])[0]


@pytest.fixture
def tiny_vit(tmp_path):
    """Path of seeded random weights of timm's smallest transformer."""
    pytest.importorskip("torch")
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    return str(save_weights(TINY, tmp_path / "tiny.pth"))


@pytest.fixture
def tiny_onnx(tmp_path):
    """Path of a network that averages 8 x 8 squares of 4 bands and mixes them into 6 features."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return str(save_onnx(tmp_path / "tiny.onnx", in_chans=4))


def save_weights(name, path, **options):
    import torch

    torch.save(_tensors(name, **options), path)
    return path


@functools.cache
def _tensors(name, **options):
    """Seeded random weights of a timm model."""
    import torch
    from quadrat.models.torch_tools import import_timm

    torch.manual_seed(3)
    return import_timm().create_model(name, pretrained=False, num_classes=0, **options).state_dict()


def save_onnx(path, in_chans=3, kind="map", size=(None, None), batch=None, metadata=None):
    """A small network. kind: `map` gives [N, 6, h/8, w/8], `vector` [N, 6], `tokens` [N, T, 6]."""
    from onnx import TensorProto, helper, numpy_helper, save

    weights = np.random.default_rng(5).standard_normal((6, in_chans, 8, 8)).astype(np.float32) / 8
    nodes = [helper.make_node("Conv", ["x", "w"], ["map"], kernel_shape=[8, 8], strides=[8, 8])]
    out = "map"
    shape = [batch or "n", 6, *(side // 8 if side else "s" for side in size)]
    if kind == "vector":
        nodes += [
            helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["y"]),
        ]
        out, shape = "y", shape[:2]
    elif kind == "tokens":
        nodes += [
            helper.make_node("Reshape", ["map", "flat"], ["long"]),
            helper.make_node("Transpose", ["long"], ["y"], perm=[0, 2, 1]),
        ]
        out, shape = "y", [shape[0], "t", 6]
    entry = [batch or "n", in_chans, *(side or name for side, name in zip(size, "hw"))]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, entry)],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([0, 6, -1]), "flat")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    save(model, str(path))
    return path


@pytest.fixture
def tools():
    """The functions above, for tests that call them with their own arguments."""
    import types

    return types.SimpleNamespace(
        scene=scene, request_for=request_for, build=build, embed=embed, save_weights=save_weights, save_onnx=save_onnx,
        tiny=TINY,
    )  # fmt: skip
