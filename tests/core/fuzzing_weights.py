"""Readers that need PyTorch or onnxruntime: weights of networks, networks of series, networks in ONNX files."""

import functools
import io
import json
from pathlib import Path

import numpy as np
from quadrat.models import loading
from quadrat.tests.core.fuzzing import Reader
from quadrat.tests.core.fuzzing_files import EVIL, Evil, made, safetensors


@functools.cache
def state_dicts():
    """Tensors as PyTorch keeps them, old and new, plain and wrapped, and with code among them."""
    import torch

    tensors = {"module.a.weight": torch.ones(2, 3), "b": torch.zeros(4)}

    def saved(content, zipped=True):
        packed = io.BytesIO()
        torch.save(content, packed, _use_new_zipfile_serialization=zipped)
        return packed.getvalue()

    evil = [saved({"a": Evil()}), saved({"a": torch.ones(1), "b": Evil()}, False), EVIL]
    return [saved(tensors), saved(tensors, False), saved({"state_dict": tensors, "epoch": 3}), *evil]


def _tensors(path):
    for read in (loading.read_tensors, loading.read_groups):
        read(Path(path))


def _coralnet(path):
    from quadrat.models.definitions.coralnet import _tensors as own

    return own(Path(path))


def _series(path):
    from quadrat.core.poverty.indicator.ensemble import load_ensemble

    return load_ensemble(path)


@functools.cache
def series():
    """A network of an indicator: facts and tensors of the right layout, as far as the reader looks."""
    import torch
    from quadrat.core.poverty.indicator.tensorzip import pack

    facts = {
        "format": 1, "method": "st", "predicted": "proxy", "dates": ["2019", "2020"], "bands": ["red"], "cell_px": 8,
        "members": [{"size": {}, "method": "st", "scale": {}, "dates": [], "bands": [], "predicted": ""}],
    }  # fmt: skip
    return made(
        lambda path: pack(str(path), facts, {"0.a": torch.ones(2), "held.blocks.truth": torch.ones(2)}), "a.qseries"
    )


@functools.cache
def networks():
    """ONNX files with notes, and one whose numbers are to come from a file elsewhere."""
    from onnx import TensorProto, helper
    from quadrat.tests.models.conftest import save_onnx

    notes = {"quadrat_mean": "[0.1, 0.2, 0.3]", "quadrat_std": "[0.5, 1, 2]", "quadrat_tile_size": "16"}
    whole = made(lambda path: save_onnx(path, metadata=notes), "a.onnx")
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[6, 3, 8, 8], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="../../../../etc/passwd")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[8, 8], strides=[8, 8])], "outside",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 6, "a", "b"])], [weights],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return [whole, model.SerializeToString()]


def _network(path):
    from quadrat.models.contract import BuildRequest
    from quadrat.models.definitions import onnx_file

    request = BuildRequest(3, lambda: iter(()), model=path, scaling="none", threads=1, patch_size_px=0)
    return onnx_file.build(request)(np.zeros((1, 3, 16, 16), np.float32), np.ones((1, 16, 16), bool))


def _noted(path):
    """The notes of a network that is whole."""
    from onnx import helper, load_from_string

    text = Path(path).read_bytes().decode("utf-8", "replace")
    model = load_from_string(networks()[0])
    try:
        notes = json.loads(text)
        helper.set_model_props(model, {str(key): str(value) for key, value in notes.items()})
    except (ValueError, RecursionError, AttributeError, TypeError):
        helper.set_model_props(model, {"quadrat_mean": text, "quadrat_tile_size": text})
    Path(path).write_bytes(model.SerializeToString())
    return _network(path)


NOTES = b'{"quadrat_mean": "[0.1, 0.2, 0.3]", "quadrat_std": "[0.5, 1, 2]", "quadrat_tile_size": "16"}'
RAW = b'{"quadrat_input": "raw", "quadrat_fill": "[0, 0, 0]", "quadrat_tile_size": "16"}'


def of_weights():
    """All of them."""
    return [
        Reader("state dict", _tensors, state_dicts, "zip", ".pt"),
        Reader("safetensors", _tensors, lambda: [safetensors()], "safetensors", ".safetensors"),
        Reader("CoralNet's weights", _coralnet, state_dicts, "zip", ".pt"),
        Reader("network of series", _series, lambda: [series()], "zip", ".qseries"),
        Reader("ONNX network", _network, networks, "bytes", ".onnx"),
        Reader("notes of a network", _noted, lambda: [NOTES, RAW], "json", ".onnx"),
    ]
