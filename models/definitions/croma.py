"""CROMA base and large: Sentinel-2, Sentinel-1 or both to a map of vectors, or to one vector.

Bands are brought to 0..1 by mean and standard deviation over the layer, so that a cell does not depend on which
tiles stand in its batch; the published form, over each batch and cut to 8 bits, is an option for comparisons.

Source: Fuller, Millard & Green 2023, arXiv:2311.00566; https://github.com/antofuller/CROMA (MIT).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..cards.croma import CARDS
from ..contract import Bool, BuildRequest, Float
from ..errors import UnusableModel
from ..identity import identity_of
from ..loading import find_weights, read_groups, sha256_of
from ..scaling import Hold, library_of, sampled_pixels
from ..spectrum import OPTICAL, RADAR
from ..torch_tools import need

if TYPE_CHECKING:
    import torch

    from ..networks.croma import Croma

PATCH_PX, TILE_PX = 8, 120
ROLES = {"joint": (*OPTICAL, *RADAR), "optical": OPTICAL, "radar": RADAR}
MEAN = 0.5
"""Where the mean of a band comes to lie; gaps are filled with it."""


@dataclass(frozen=True)
class Size:
    """What tells base from large."""

    dim: int
    depth: int
    heads: int


SIZES = {"base": Size(768, 12, 16), "large": Size(1024, 24, 16)}
SOURCES = {card.model: card.weights for card in CARDS if card.weights}


@dataclass(frozen=True)
class BandRange:
    """(value - low) / (high - low) for each band, cut to 0..1; low and high are mean -+ two standard deviations."""

    low: Float
    """(C,) float32; (0,): of each batch anew."""
    high: Float
    """(C,) float32, above `low`, or (0,)."""
    eight_bit: bool = False
    """Cut down to 256 steps, as in the published example."""

    @property
    def per_batch(self) -> bool:
        """True in the published form."""
        return not len(self.low)

    def __call__(self, values: Any, valid: Any) -> Any:
        """Bands in 0..1, one half (the mean) at invalid pixels and in constant bands.

        Args:
            values: (B, C, H, W) float32, of numpy, or of torch after `on`; of each batch anew of torch alone.
            valid: (B, H, W) bool; None: all.

        Returns:
            (B, C, H, W) float32.
        """
        low, high = _range_of_batch(values, valid) if self.per_batch else (self.low, self.high)
        low, width = low[:, None, None], (high - low)[:, None, None]
        library, scaled = library_of(values), (values - low) / width
        if self.eight_bit:
            scaled = library.floor(library.clip(scaled * 255, 0, 255)) / 255
        scaled = library.clip(scaled, 0, 1)
        return scaled if valid is None else library.where(valid[:, None], scaled, MEAN)

    def on(self, hold: Hold) -> "BandRange":
        """The same for tensors; `hold` makes a tensor of an array."""
        return replace(self, low=hold(self.low), high=hold(self.high))


def _range_of_batch(pixels: "torch.Tensor", inside: "torch.Tensor | None") -> "tuple[torch.Tensor, torch.Tensor]":
    """(C,) low and high over the valid pixels of one batch, in torch's own arithmetic."""
    import torch

    ranges = []
    for band in range(pixels.shape[1]):
        found = pixels[:, band] if inside is None else pixels[:, band][inside]
        mean = found.mean() if found.numel() else torch.zeros(())
        spread = found.std() if found.numel() > 1 else torch.zeros(())
        ranges.append((mean - 2 * spread, mean + 2 * spread) if _varies(mean, spread) else (mean - MEAN, mean + MEAN))
    low, high = (torch.stack([each[side] for each in ranges]) for side in (0, 1))
    return low, high


def _varies(mean: Any, spread: Any) -> bool:
    """False where the spread is nothing but rounding."""
    return bool(spread > 1e-6 * max(abs(float(mean)), 1e-30))


def band_range(request: BuildRequest) -> BandRange:
    """From the state, or drawn from the sample.

    Raises:
        UnusableModel: another scaling is asked for, or the state is of another number of bands.
    """
    if request.state is not None:
        low, high = (np.asarray(request.state[name], np.float32) for name in ("low", "high"))
        if len(low) not in (0, request.in_chans):
            raise UnusableModel(
                f"This embedding space was made from {len(low)} bands, but the raster has {request.in_chans}. "
                "Choose as many bands, in the same order."
            )
        return BandRange(low, high, eight_bit=not low.size)
    if request.scaling == "batch":
        nothing = np.zeros(0, np.float32)
        return BandRange(nothing, nothing, eight_bit=True)
    if request.scaling != "auto":
        raise UnusableModel(
            f"CROMA was trained on bands from mean - 2 to mean + 2 standard deviations, so the scaling "
            f"'{request.scaling}' does not fit it. Set the scaling of the bands to 'auto'."
        )
    pixels = sampled_pixels(request.sample, request.in_chans).astype(np.float64)
    if pixels.shape[1] < 2:
        pixels = np.zeros((request.in_chans, 2)) + (pixels if pixels.size else 0)
    mean, spread = pixels.mean(axis=1), pixels.std(axis=1, ddof=1)
    half = np.array([2 * s if _varies(m, s) else MEAN for m, s in zip(mean, spread, strict=True)])
    low = (mean - half).astype(np.float32)
    return BandRange(low, np.maximum((mean + half).astype(np.float32), np.nextafter(low, np.float32(np.inf))))


class CromaNetwork:
    """CROMA behind the contract."""

    patch_size_px = PATCH_PX
    halo_px = 0
    exact = False
    ordered = False

    def __init__(
        self, request: BuildRequest, size: str, network: "Croma", scale: BandRange, weights_sha256: str
    ) -> None:
        from ..running import Runtime

        self.in_chans = request.in_chans
        self.tile_size_px = request.tile_size_px or TILE_PX
        self.embed_dim = SIZES[size].dim
        self.band_names = tuple(f"feature {number}" for number in range(1, self.embed_dim + 1))
        self._run = Runtime(request)
        self.device = self._run.device
        self._scale, self._scaled = scale, scale.on(self._run.hold)
        self._network = self._run.settle(network)
        facts = {
            "backbone": "croma",
            "size": size,
            "modality": network.modality,
            "weights": weights_sha256,
            "statistics": "batch" if scale.per_batch else "layer",
            "eight_bit": scale.eight_bit,
        }
        self.identity = identity_of(facts, self.state())

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Tokens of the modality as maps; shapes as in the contract, sides multiples of 8."""
        return self._computed(0, values, valid)

    def pooled(self, values: Float, valid: Bool) -> Float:
        """The modality's vector of the whole window: (B, D) float32.

        For both sensors jointly the mean of the map; for one alone its head. Windows whose sides are no multiples of
        8 are resampled to the nearest.
        """
        return self._computed(1, values, valid)

    def module(self) -> Any:
        """Raw pixels (B, C, H, W) to the map, as a torch module; see `twin.py`.

        Raises:
            UnusableModel: bands are scaled by each batch, which no file can do for other batches.
        """
        from ..twin import as_module, constant

        if self._scale.per_batch:
            raise UnusableModel("Bands scaled by each batch cannot be written as ONNX. Use the scaling 'auto'.")
        scale = self._scale.on(constant)
        return as_module(self._network, lambda pixels: self._network(scale(pixels, None))[0])

    def raw_fill(self) -> Float:
        """(C,) what stands at pixels without a value, before scaling."""
        return (self._scale.low + self._scale.high) * np.float32(MEAN)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Range of the bands; empty arrays where each batch has its own."""
        return {"low": self._scale.low, "high": self._scale.high}

    def _computed(self, which: int, values: Float, valid: Bool) -> Float:
        """One result of the network."""

        def whole(pixels: Any, shown: Any) -> "torch.Tensor":
            found: torch.Tensor = self._network(_resampled(self._scaled(pixels, shown)))[which]
            return found

        return self._run(whole, values, valid)


def _resampled(pixels: "torch.Tensor") -> "torch.Tensor":
    from torch.nn.functional import interpolate

    size = tuple(max(PATCH_PX, round(side / PATCH_PX) * PATCH_PX) for side in pixels.shape[2:])
    return pixels if size == tuple(pixels.shape[2:]) else interpolate(pixels, size, mode="bilinear", antialias=True)


def build(request: BuildRequest) -> CromaNetwork:
    """CROMA with its weights, for the modality that the number of bands tells: 14, 12 or 2.

    Raises:
        MissingLibrary: no torch.
        UnusableModel: other bands, a tile that is no multiple of 8, or weights of something else.
        WeightsNotFound: the weights are not on this computer.
    """
    need("torch")
    size = request.model or (request.card.model if request.card else "")
    if size not in SIZES:
        raise UnusableModel(f"There is no CROMA '{size}'. Choose {' or '.join(SIZES)}.")
    modality = _modality(request)
    _check_sizes(request)
    source = (request.card and request.card.weights) or SOURCES[size]
    path = find_weights(source, request.weights, download=request.download, log=request.log, look=request.look)
    request.log(f"Weights of {source.name}: {path} (licence: {source.licence}).")
    scale = band_range(request)
    return CromaNetwork(request, size, _load(size, modality, path), scale, sha256_of(path))


def _modality(request: BuildRequest) -> str:
    """What the bands are.

    Raises:
        UnusableModel: no modality has so many, or one of them is not the one that belongs there.
    """
    modality = next((name for name, roles in ROLES.items() if len(roles) == request.in_chans), "")
    if not modality:
        raise UnusableModel(
            f"CROMA takes the 12 bands of Sentinel-2 without cirrus ({', '.join(OPTICAL)}), the 2 of Sentinel-1 "
            f"({', '.join(RADAR)}), or these 14 in this order, but {request.in_chans} are given. Choose these bands."
        )
    for number, (given, wanted) in enumerate(zip(request.roles, ROLES[modality], strict=False), 1):
        if given not in ("", wanted):
            raise UnusableModel(
                f"Band {number} must be '{wanted}' for CROMA, but it is '{given}'. Give the bands in this order: "
                f"{', '.join(ROLES[modality])}."
            )
    return modality


def _check_sizes(request: BuildRequest) -> None:
    """Refuses tiles that are no whole number of patches, and other patches.

    Raises:
        UnusableModel: with what is possible.
    """
    tile = request.tile_size_px
    if tile % PATCH_PX:
        below = max(PATCH_PX, tile // PATCH_PX * PATCH_PX)
        raise UnusableModel(
            f"CROMA takes tiles that are a multiple of {PATCH_PX} px, not {tile}. Set {below}, or 0 for {TILE_PX}."
        )
    if request.patch_size_px not in (0, PATCH_PX):
        raise UnusableModel(f"CROMA gives cells of {PATCH_PX} px, not {request.patch_size_px}. Choose {PATCH_PX} or 0.")


def _load(size: str, modality: str, path: Path) -> "Croma":
    """The network of one modality with weights; the file must be the whole of this size, name for name.

    Raises:
        UnusableModel: it is damaged, or of something else.
    """
    import torch

    from ..networks.croma import Croma

    facts = SIZES[size]
    tensors = {f"{group}.{name}": value for group, named in read_groups(path).items() for name, value in named.items()}
    _check_layout(tensors, size, path)
    with torch.device("meta"):
        network = Croma(facts.dim, facts.depth, facts.heads, modality)
    needed = {name: tensors[name].float() for name in network.state_dict()}
    network.load_state_dict(needed, strict=True, assign=True)
    return network


def _shapes(size: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the official file."""
    import torch

    from ..networks.croma import Croma

    facts = SIZES[size]
    with torch.device("meta"):
        whole = Croma(facts.dim, facts.depth, facts.heads)
    return {name: tuple(value.shape) for name, value in whole.state_dict().items()}


def _check_layout(tensors: Mapping[str, "torch.Tensor"], size: str, path: Path) -> None:
    """Compares names and shapes with the official layout.

    Raises:
        UnusableModel: naming the first that differs, or the size that it is of.
    """
    found, expected = {name: tuple(value.shape) for name, value in tensors.items()}, _shapes(size)
    for other in SIZES:
        if other != size and found == _shapes(other):
            raise UnusableModel(
                f"The weights file {path} holds CROMA {other}, but CROMA {size} is asked for. Choose the backbone "
                f"croma-{other}, or the file CROMA_{size}.pt."
            )
    problem = _difference(found, expected)
    odd = [name for name, value in tensors.items() if not value.is_floating_point()]
    if not problem and odd:
        problem = f"its '{odd[0]}' holds whole numbers"
    if problem:
        raise UnusableModel(
            f"The weights file {path} is not that of CROMA {size}: {problem}. Choose the file CROMA_{size}.pt."
        )


def _difference(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> str:
    """The first difference of two layouts in words; empty when there is none."""
    parts, own = _parts(found), _parts(expected)
    for kind, here, there in (("part", parts, own), ("tensor", list(found), list(expected))):
        lacking, foreign = ([name for name in a if name not in b] for a, b in ((there, here), (here, there)))
        for text, names in (("it lacks the", lacking), ("it holds a foreign", foreign)):
            if names:
                return f"{text} {kind} '{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    for name, shape in expected.items():
        if found[name] != shape:
            given, wanted = (" x ".join(map(str, sides)) or "one number" for sides in (found[name], shape))
            return f"its '{name}' is {given} instead of {wanted}"
    return ""


def _parts(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in names))
