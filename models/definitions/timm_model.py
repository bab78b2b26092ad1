"""Any image model of timm by its name: features as (D, h, w) maps whatever the architecture.

Weights are always the model's own or the user's, never random.

Source: https://github.com/huggingface/pytorch-image-models (Apache-2.0).
"""

import copy
import difflib
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..card import Source
from ..contract import Bool, BuildRequest, Float
from ..errors import UnusableModel
from ..identity import identity_of
from ..loading import find_weights, read_tensors, sha256_of
from ..scaling import NetworkInput, network_input
from ..torch_tools import import_timm

if TYPE_CHECKING:
    import torch

LARGEST_OWN_TILE_PX = 256
FREE = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0")
"""Licences, as timm names them, that restrict no use."""
TILE_PX = 224
"""Tile of models that were trained on larger ones: attention grows with the square of the number of patches."""


class TimmNetwork:
    """A timm model behind the contract."""

    halo_px = 0
    exact = False
    ordered = False

    def __init__(
        self, request: BuildRequest, model: Any, prepare: NetworkInput, tile_size_px: int, weights_sha256: str
    ) -> None:
        import torch

        from ..running import Runtime

        self.in_chans = request.in_chans
        self.tile_size_px = tile_size_px
        self._run = Runtime(request)
        self.device = self._run.device
        self._prepare, self._prepared = prepare, prepare.on(self._run.hold)
        self._size_refused = False
        # ResNets and EfficientNets gain a third from pixels whose bands lie together; some others give wrong numbers.
        together = hasattr(model, "layer1") or hasattr(model, "conv_stem")
        self._layout = torch.channels_last if together else torch.contiguous_format
        self._model = self._run.settle(model, self._layout)
        self._stage = _stage_of(model, request)
        shape = self(*self._nothing()).shape
        if tile_size_px % shape[2] or shape[2] != shape[3]:
            raise UnusableModel(
                f"{request.model} turns a tile of {tile_size_px} px into {shape[2]} x {shape[3]} cells, which does not "
                "divide it evenly. Set another tile size."
            )
        self.patch_size_px = tile_size_px // shape[2]
        self.embed_dim = shape[1]
        self.band_names = tuple(f"feature {number}" for number in range(1, self.embed_dim + 1))
        facts = {
            "backbone": "timm",
            "model": request.model,
            "weights": weights_sha256,
            "in_chans": self.in_chans,
            "patch_size_px": self.patch_size_px,
        }
        numbers = {"mean": prepare.mean, "std": prepare.std, **prepare.state()}
        self.identity = identity_of(facts, numbers)

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Vectors of a batch; shapes as in the contract."""
        return self._computed(self._features, values, valid)

    def pooled(self, values: Float, valid: Bool) -> Float:
        """What timm gives with `num_classes=0`: (B, P) float32; P is `pooled_dim`.

        Windows of a size that the network does not take are resampled to the nearest that it does.
        """
        size = self._size_for(*values.shape[2:])
        if size != (self.tile_size_px, self.tile_size_px) and not self._size_refused:
            try:
                return self._computed(lambda pixels: self._model(_resampled(pixels, size)), values, valid)
            except (RuntimeError, AssertionError, ValueError):
                # Networks say in no common way that their size is fixed; from now on they get it.
                self._size_refused = True
        own = self.tile_size_px, self.tile_size_px
        return self._computed(lambda pixels: self._model(_resampled(pixels, own)), values, valid)

    @functools.cached_property
    def pooled_dim(self) -> int:
        """P; networks with a layer between map and classifier, such as MobileNetV3, give another width than D."""
        return int(self._computed(self._model, *self._nothing()).shape[1])

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Range and mean of the bands."""
        return self._prepare.state()

    def module(self) -> Any:
        """Raw pixels (B, C, H, W) to the map, as a torch module; see `twin.py`."""
        from ..twin import as_module, constant

        prepare, model = self._prepare.on(constant), _of_one_size(self._model, self.tile_size_px)
        return as_module(model, lambda pixels: self._features(prepare(pixels, None), model))

    def raw_fill(self) -> Float:
        """(C,) what stands at pixels without a value, before scaling."""
        return self._prepare.raw_fill()

    def _size_for(self, height: int, width: int) -> tuple[int, int]:
        patch = self.patch_size_px
        return max(patch, round(height / patch) * patch), max(patch, round(width / patch) * patch)

    def _nothing(self) -> tuple[Float, Bool]:
        """One tile, to see what becomes of it."""
        side = self.tile_size_px
        return np.zeros((1, self.in_chans, side, side), np.float32), np.ones((1, side, side), np.bool_)

    def _computed(self, compute: Callable[["torch.Tensor"], "torch.Tensor"], values: Float, valid: Bool) -> Float:
        """What `compute` gives of normalised pixels on the device."""

        def whole(pixels: Any, shown: Any) -> "torch.Tensor":
            return compute(self._prepared(pixels, shown).contiguous(memory_format=self._layout))

        return self._run(whole, values, valid)

    def _features(self, pixels: "torch.Tensor", model: Any = None) -> "torch.Tensor":
        model = model or self._model
        if self._stage is not None:
            return _intermediate(model, pixels, self._stage, norm=False)
        if not hasattr(model, "blocks") or not hasattr(model, "num_prefix_tokens"):
            found = model.forward_features(pixels)
            if found.ndim == 4:
                return _channels_first(found, model)
        return _last_tokens(model, pixels)


def build(request: BuildRequest) -> TimmNetwork:
    """A timm model with its weights.

    Raises:
        MissingLibrary: no torch or timm.
        UnusableModel: no such model, weights of another one, or an architecture without feature maps.
        WeightsNotFound: the weights are not on this computer.
    """
    timm = import_timm()
    config = _configuration(timm, request.model)
    paper = _on_paper(timm, request.model)
    source = (request.card and request.card.weights) or _source_of(config, request.model, paper)
    path = find_weights(source, request.weights, download=request.download, log=request.log, look=request.look)
    request.log(f"Weights of {request.model}: {path} (licence: {source.licence or 'not stated'}).")
    model, tile = _load(timm, config, request, path, paper)
    prepare = network_input(request, config.mean, config.std)
    try:
        return TimmNetwork(request, model, prepare, tile, sha256_of(path))
    except (AttributeError, TypeError, AssertionError, ValueError) as error:
        raise UnusableModel(
            f"{request.model} gives no map of features for a tile of {tile} px ({error}). Set another tile size, or "
            "choose a model for classification such as vit_small_patch14_dinov2.lvd142m or convnext_tiny.in12k."
        ) from error


def source_of(name: str) -> Source:
    """Where the weights of a timm model can be had.

    Raises:
        MissingLibrary: no torch or timm.
        UnusableModel: no such model.
    """
    timm = import_timm()
    return _source_of(_configuration(timm, name), name, _on_paper(timm, name))


def _configuration(timm: Any, name: str) -> Any:
    """The pretrained configuration of a model, the default one where the name has no tag.

    Raises:
        UnusableModel: there is no such model; the message names the nearest.
    """
    if not name:
        raise UnusableModel("The backbone timm needs the name of a model, such as vit_small_patch14_dinov2.lvd142m.")
    if name not in _names():
        near = difflib.get_close_matches(name, _names(), n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnusableModel(f"timm {timm.__version__} has no model '{name}'.{hint}")
    return timm.get_pretrained_cfg(name)


@functools.cache
def _names() -> tuple[str, ...]:
    """Of all models, without a tag and with each; timm sorts some thousands at each call."""
    timm = import_timm()
    return (*timm.list_models(), *timm.list_pretrained())


def _on_paper(timm: Any, name: str) -> Any:
    """The model for three bands without any numbers in it: shapes and names only."""
    import torch

    with torch.device("meta"):
        return timm.create_model(name, pretrained=False, num_classes=0)


def _source_of(config: Any, name: str, paper: Any) -> Source:
    full = f"{config.architecture}.{config.tag}" if config.tag and config.architecture else name
    url = config.url[0] if isinstance(config.url, (tuple, list)) else config.url
    return Source(
        name=full,
        repo_id=(config.hf_hub_id or "") and (full if config.hf_hub_id == "timm/" else config.hf_hub_id),
        file_name=config.hf_hub_filename or "",
        url=url or "",
        licence=config.license or "",
        must_accept=(config.license or FREE[0]).lower() not in FREE,
        parameters=sum(each.numel() for each in paper.parameters()),
    )


def _own_tile(config: Any) -> int:
    side = max(config.input_size[1:])
    return int(side) if side <= LARGEST_OWN_TILE_PX else TILE_PX


def _load(timm: Any, config: Any, request: BuildRequest, path: Path, paper: Any) -> tuple[Any, int]:
    """The model with weights, and the tile rounded to its stride.

    timm's own loading is used, so that its filters of old checkpoints, its adaptation of the first convolution to
    other numbers of bands and its resampling of positions apply. Without a classifier timm tolerates missing tensors
    and leaves them random; so it is made strict unless every tensor is there by name.

    Raises:
        UnusableModel: the weights do not fit.
    """
    tensors = read_tensors(path)
    _check_bands(config, tensors, request, path, paper)
    overlay: dict[str, Any] = {"custom_load": False}
    if not set(paper.state_dict()) <= set(tensors):
        names = config.classifier if isinstance(config.classifier, (tuple, list)) else [config.classifier]
        for name in names:
            tensors.pop(f"{name}.weight", None)
            tensors.pop(f"{name}.bias", None)
        # Equal numbers of classes in configuration and model are what makes timm strict.
        overlay |= {"num_classes": 0, "label_offset": 0}
    failure: Exception | None = None
    for options, side in _size_options(config, paper, request.tile_size_px or _own_tile(config)):
        try:
            model = timm.create_model(
                request.model,
                pretrained=True,
                pretrained_cfg_overlay={**overlay, "state_dict": dict(tensors)},
                in_chans=request.in_chans,
                num_classes=0,
                **options,
            )
        except (TypeError, RuntimeError, KeyError, ValueError, AssertionError) as error:
            failure = failure if isinstance(failure, RuntimeError) else error
        else:
            return model, side
    raise UnusableModel(_misfit(request.model, path, failure)) from failure


def _check_bands(
    config: Any, tensors: Mapping[str, "torch.Tensor"], request: BuildRequest, path: Path, paper: Any
) -> None:
    """Refuses weights for another number of bands, unless timm can adapt them from three.

    Raises:
        UnusableModel: they were trained on other bands, or the first layer cannot be adapted.
    """
    first = config.first_conv[0] if isinstance(config.first_conv, (tuple, list)) else config.first_conv
    weight, expected = tensors.get(f"{first}.weight"), paper.state_dict().get(f"{first}.weight")
    if weight is None or expected is None:
        return
    if weight.ndim != 4 and request.in_chans != 3:
        raise UnusableModel(
            f"The first layer of {request.model} cannot be adapted to {request.in_chans} bands. Choose 3 bands."
        )
    trained = 3 * weight.shape[1] // expected.shape[1]
    if weight.ndim == 4 and trained not in (3, request.in_chans):
        raise UnusableModel(
            f"The weights in {path} were trained on {trained} bands, but {request.in_chans} are given. "
            f"Choose {trained} bands."
        )


def _size_options(config: Any, paper: Any, tile: int) -> list[tuple[dict[str, Any], int]]:
    """Arguments to try and the tile that they stand for, best first: any size, this size, the model's own."""
    own, stride = int(max(config.input_size[1:])), _stride(paper)
    side = own if tile == own else max(stride, round(tile / stride) * stride)
    if not config.fixed_input_size:
        return [({}, max(stride, round(tile / stride) * stride))]
    fixed: list[tuple[dict[str, Any], int]] = [({"img_size": side}, side)] if side != own else []
    return [({"dynamic_img_size": True}, side), *fixed, ({}, own)]


def _stride(paper: Any) -> int:
    """Pixels that a tile must be a multiple of."""
    info = getattr(paper, "feature_info", None)
    if info is not None and len(info):
        last = info[-1]
        return int(last["reduction"] if isinstance(last, Mapping) else info.reduction()[-1])
    patch = getattr(getattr(paper, "patch_embed", None), "patch_size", 32)
    return int(max(patch)) if isinstance(patch, (tuple, list)) else int(patch)


def _misfit(name: str, path: Path, error: Exception | None) -> str:
    """One sentence out of torch's list of keys."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    detail = lines[1] if len(lines) > 1 else lines[0] if lines else type(error).__name__
    detail = detail if len(detail) < 160 else f"{detail[:157]}..."
    return (
        f"The weights file {path} does not fit the model {name} ({detail}). Choose the weights of this model, or the "
        "name of the model that the weights belong to."
    )


def _stage_of(model: Any, request: BuildRequest) -> int | list[int] | None:
    """Which intermediate map gives the patch that was wished for; None: the last features.

    Raises:
        UnusableModel: the network has no such stage; the message names those that it has.
    """
    wish = request.patch_size_px
    info = getattr(model, "feature_info", None) or []
    reductions = [int(each["reduction"]) for each in info if isinstance(each, Mapping)]
    if not wish or not reductions or wish == reductions[-1]:
        return None
    if wish not in reductions or not hasattr(model, "forward_intermediates"):
        possible = ", ".join(map(str, sorted(set(reductions))))
        raise UnusableModel(f"{request.model} gives cells of {possible} px, not {wish}. Choose one of these, or 0.")
    return [len(reductions) - 1 - reductions[::-1].index(wish)]


def _intermediate(model: Any, pixels: "torch.Tensor", stage: int | list[int], *, norm: bool) -> "torch.Tensor":
    """One map without prefix tokens; `norm` applies the network's last normalisation."""
    maps: list[torch.Tensor] = model.forward_intermediates(
        pixels, indices=stage, norm=norm, output_fmt="NCHW", intermediates_only=True
    )
    return maps[-1]


def _last_tokens(model: Any, pixels: "torch.Tensor") -> "torch.Tensor":
    """The last map of a transformer, through its last normalisation where it allows that."""
    try:
        return _intermediate(model, pixels, 1, norm=True)
    except AssertionError:
        return _intermediate(model, pixels, 1, norm=False)


def _of_one_size(model: Any, side: int) -> Any:
    """A copy whose positions are resampled for this size once, and not anew for each tile."""
    fixed = copy.deepcopy(model)
    if getattr(fixed, "dynamic_img_size", False) and hasattr(fixed, "set_input_size"):
        fixed.set_input_size(img_size=(side, side))
    return fixed


def _resampled(pixels: "torch.Tensor", size: tuple[int, int]) -> "torch.Tensor":
    from torch.nn.functional import interpolate

    if size == tuple(pixels.shape[2:]):
        return pixels
    return interpolate(pixels, size, mode="bilinear", antialias=True)


def _channels_first(found: "torch.Tensor", model: Any) -> "torch.Tensor":
    """(B, D, h, w), of networks that keep bands last too.

    Raises:
        ValueError: neither axis has the network's width.
    """
    if str(getattr(model, "output_fmt", "NCHW")).endswith("NHWC"):
        return found.permute(0, 3, 1, 2)
    if found.shape[1] == model.num_features:
        return found
    if found.shape[3] == model.num_features:
        return found.permute(0, 3, 1, 2)
    raise ValueError(f"features of shape {tuple(found.shape)} hold no axis of {model.num_features}")
