"""CoralNet's EfficientNet-B0: timm's `tf_efficientnet_b0` with the weights that CoralNet uses.

Pixels are 0..1 and nothing else, as CoralNet feeds them; the map is that before pooling, the pooled vector its mean.

Source: Tan & Le 2019, arXiv:1905.11946; layout of the file and treatment of pixels as in
https://github.com/coralnet/pyspacer (MIT), which names tensors as lukemelas/EfficientNet-PyTorch does.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.coralnet import CARDS, WEIGHTS
from ..contract import BuildRequest
from ..errors import UnusableModel
from ..loading import find_weights, read_pickled, read_tensors, sha256_of
from ..scaling import network_input
from ..torch_tools import import_timm
from .timm_model import TimmNetwork

if TYPE_CHECKING:
    import torch

CARD = CARDS[0]
ARCHITECTURE = "tf_efficientnet_b0"
STRIDE_PX, TILE_PX = 32, 224
CLASSES = 1275
"""Of the classifier in the file, which is not used."""
WHOLE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
SQUEEZE = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2", **SQUEEZE}
"""Parts of the first block, which has no expansion."""
LATER = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl",
    "_bn2": "bn3", **SQUEEZE,
}  # fmt: skip
"""Parts of all other blocks: expansion, convolution in depth, projection, each with its normalisation."""
NUMPY_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")


class Ignored:
    """Stands for numbers of numpy beside the tensors (epoch, accuracy), so that nothing of numpy is called."""

    def __init__(self, *what: object) -> None:
        """Takes anything and keeps nothing."""

    def __setstate__(self, state: object) -> None:
        """Takes anything and keeps nothing."""


def build(request: BuildRequest) -> TimmNetwork:
    """CoralNet's network.

    Raises:
        MissingLibrary: no torch or timm.
        UnusableModel: other bands than red, green, blue, or another file.
        WeightsNotFound: the weights are not on this computer.
    """
    _check_bands(request)
    timm = import_timm()
    path = find_weights(WEIGHTS, request.weights, download=request.download, log=request.log, look=request.look)
    request.log(f"Weights of {CARD.title}: {path} (licence {WEIGHTS.licence}).")
    network = _network(timm, path)
    tile = max(STRIDE_PX, round((request.tile_size_px or TILE_PX) / STRIDE_PX) * STRIDE_PX)
    prepare = network_input(request, [0.0], [1.0])
    return TimmNetwork(replace(request, model=CARD.name, patch_size_px=0), network, prepare, tile, sha256_of(path))


def _check_bands(request: BuildRequest) -> None:
    """Refuses what is not a colour picture.

    Raises:
        UnusableModel: other bands, or another order.
    """
    order = CARD.inputs[0].roles
    if request.in_chans != len(order) or (any(request.roles) and tuple(request.roles) != order):
        given = ", ".join(role or "unknown" for role in request.roles) or f"{request.in_chans} bands"
        raise UnusableModel(
            f"{CARD.title} reads red, green and blue, in this order, but it is given {given}. Choose these three bands."
        )


def _network(timm: Any, path: Path) -> Any:
    """The network with the numbers of the file.

    Raises:
        UnusableModel: the file is another one.
    """
    import torch

    with torch.device("meta"):
        network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
    names, found, empty = official_names(network), _tensors(path), network.state_dict()
    counters = {name for name in names if name.endswith("num_batches_tracked")}
    classifier = {"_fc.weight": (CLASSES, network.num_features), "_fc.bias": (CLASSES,)}
    shapes = {name: tuple(empty[own].shape) for name, own in names.items()} | classifier
    detail = ""
    if missing := [name for name in shapes if name not in found and name not in counters | set(classifier)]:
        detail = f"it lacks '{missing[0]}'"
    elif extra := [name for name in found if name not in shapes]:
        detail = f"it holds '{extra[0]}' besides"
    elif wrong := [name for name in found if tuple(found[name].shape) != shapes[name]]:
        detail = f"'{wrong[0]}' is {tuple(found[wrong[0]].shape)}, not {shapes[wrong[0]]}"
    if detail:
        raise UnusableModel(
            f"The weights file {path} is not that of {CARD.title}: {detail}. Choose the file efficientnet_b0_ver1.pt."
        )
    # Counters of batches matter in training only; files of old versions of torch lack them.
    tensors = {own: found[name].float() for name, own in names.items() if name not in counters}
    zero = torch.zeros((), dtype=torch.long)
    network.load_state_dict({**tensors, **{names[name]: zero for name in counters}}, assign=True)
    return network


def official_names(network: Any) -> dict[str, str]:
    """Names of the file's tensors, without the classifier's, and timm's names of the same."""
    blocks = [f"blocks.{stage}.{index}" for stage, group in enumerate(network.blocks) for index in range(len(group))]
    parts = {own: name for name, own in WHOLE.items()}
    for number, block in enumerate(blocks):
        kinds = LATER if number else FIRST
        parts |= {f"{block}.{own}": f"_blocks.{number}.{name}" for name, own in kinds.items()}
    split = (name.rpartition(".") for name in network.state_dict())
    return {f"{parts[part]}.{kind}": f"{part}.{kind}" for part, _, kind in split}


def _tensors(path: Path) -> "dict[str, torch.Tensor]":
    """Tensors of the file: those under `net` of the official one, or all of a file with nothing but tensors.

    Raises:
        UnusableModel: it is damaged, or holds other objects than tensors and plain numbers.
    """
    import torch

    if path.suffix == ".safetensors":
        return read_tensors(path)
    try:
        with torch.serialization.safe_globals([(Ignored, name) for name in NUMPY_SCALARS]):
            content = read_pickled(path)
    except UnusableModel:
        # Damaged, or with code in it: the sentence is that of any weights file.
        return read_tensors(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("net"), Mapping):
        return read_tensors(path)
    found = {re.sub("^module[.]", "", str(name)): tensor for name, tensor in content["net"].items()}
    odd = next((name for name, tensor in found.items() if not isinstance(tensor, torch.Tensor)), "")
    if odd:
        raise UnusableModel(f"The file {path} holds '{odd}', which is not a tensor; a file of weights is needed.")
    return found
