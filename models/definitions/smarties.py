"""SMARTIES: one transformer for any bands, told by their role or wavelength.

Bands are cut to 1 % .. 99 %, brought to 0..1, then standardised, with numbers of the layer (`auto`) or those that the
authors measured (`published`).

Source: Sumbul et al. 2025, arXiv:2506.19585; https://github.com/gsumbul/SMARTIES (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..card import Card, Source
from ..cards.smarties import CARDS
from ..contract import BuildRequest, Float, State
from ..errors import ModelError, UnusableModel
from ..loading import find_weights, read_tensors, sha256_of
from ..networks.smarties_spectrum import RANGES, Range, is_coloured, ranges_of
from ..scaling import NetworkInput, UnitRange, sampled_pixels, unit_range_of
from ..torch_tools import import_timm
from .timm_model import TimmNetwork

if TYPE_CHECKING:
    import torch

    from ..networks.smarties import Size

SIZES = {"smarties-base": (768, 12, 12), "smarties-large": (1024, 24, 16)}
"""Width, depth and heads."""
PUBLISHED = {
    # 1 % and 99 % of the values, then mean and standard deviation of what lies between them as 0..1.
    "red_1": (2.254235, 254.82548, 0.39974889, 0.27239242),
    "green_1": (0.840876, 254.81358, 0.40887943, 0.26291385),
    "blue_3": (0.26046002, 254.85721, 0.38511294, 0.27125737),
    "aerosol": (1.0, 2811.4529, 0.11504940, 0.14282256),
    "blue_1": (27.018928, 2604.7705, 0.14820598, 0.14939885),
    "green_2": (45.058626, 2580.3601, 0.21661478, 0.16681823),
    "red_2": (12.495476, 2829.4861, 0.19834635, 0.19246325),
    "red_edge_1": (5.9906193, 3138.5127, 0.29584539, 0.19392383),
    "red_edge_2": (1.0, 4338.8925, 0.41010851, 0.23844217),
    "near_infrared_2": (1.079397, 5182.9926, 0.39859083, 0.23693138),
    "near_infrared_1": (1.0, 5529.2628, 0.39942175, 0.24099796),
    "near_infrared_3": (1.0, 5433.8925, 0.41560057, 0.24249801),
    "short_wave_infrared_1": (1.0, 5170.2330, 0.43314508, 0.24532427),
    "short_wave_infrared_3": (2.3175879, 4418.1529, 0.35970271, 0.24024676),
    "short_wave_infrared_4": (4.2778894, 3387.4430, 0.29588255, 0.23555098),
    "microwave_1": (-29.519697, -3.4569002, 0.64934552, 0.19030459),
    "microwave_2": (-33.421481, -9.9053990, 0.60353202, 0.22883052),
}
"""Of pictures in bytes, of Sentinel-2 L2A (reflectance times 10,000, without offset) and of Sentinel-1 in decibels."""
PUBLISHED_UNITS = (
    "bytes or 0..1 for pictures, reflectance x 10000 without offset for Sentinel-2 L2A, decibels for Sentinel-1"
)
BRIGHTEST_PICTURE = 255.0
"""Red, green and blue without larger values are a picture, not reflectance."""
POSITION_TOLERANCE = 0.01
"""Files in half precision differ by less."""


@dataclass(frozen=True)
class LayerInput(NetworkInput):
    """What the network is given, with mean and standard deviation that belong to the layer."""

    ranges: tuple[Range, ...]
    """As which each band is read."""

    def state(self) -> State:
        """Four numbers of each band, and its place in the table of ranges."""
        places = np.array([list(RANGES).index(band.name) for band in self.ranges], np.int64)
        return {"low": self.unit.low, "high": self.unit.high, "mean": self.mean, "std": self.std, "ranges": places}


def build(request: BuildRequest) -> TimmNetwork:
    """SMARTIES for the bands of the request.

    Raises:
        MissingLibrary: no torch or timm.
        UnusableModel: a band that it cannot read, values that published numbers do not fit, or other weights.
        WeightsNotFound: the weights are not on this computer.
    """
    prepare = _prepare(request)
    import_timm()
    from ..networks.smarties import PATCH_PX, TILE_PX, Size, network_of

    card = _card_of(request)
    size, source = Size(*SIZES[card.name]), card.weights or Source(card.name)
    path = find_weights(source, request.weights, download=request.download, log=request.log, look=request.look)
    names = ", ".join(band.name for band in prepare.ranges)
    request.log(f"Weights of {card.title}: {path} (licence: {source.licence}). Bands are read as {names}.")
    network = network_of(_checked(read_tensors(path), size, path, card), size, prepare.ranges)
    tile = max(PATCH_PX, round((request.tile_size_px or TILE_PX) / PATCH_PX) * PATCH_PX)
    return TimmNetwork(replace(request, model=f"{card.name} of {names}"), network, prepare, tile, sha256_of(path))


def _card_of(request: BuildRequest) -> Card:
    """The card that was asked for, or that of the model's name.

    Raises:
        UnusableModel: there is none.
    """
    known = {card.name: card for card in CARDS}
    name = request.card.name if request.card else request.model
    if name not in known:
        raise UnusableModel(f"There is no SMARTIES '{name}'. Choose {' or '.join(known)}.")
    return request.card or known[name]


def _prepare(request: BuildRequest) -> LayerInput:
    """Ranges and scaling from the state, or ranges by roles and scaling by the published table or the sample.

    Raises:
        UnusableModel: the state is of another number of bands, or a band cannot be read.
        ModelError: the scaling does not fit the bands.
    """
    if request.state is not None:
        low, high, mean, std, places = (request.state[name] for name in ("low", "high", "mean", "std", "ranges"))
        if len(mean) != request.in_chans:
            raise UnusableModel(
                f"This embedding space was made from {len(mean)} bands, but the raster has {request.in_chans}. "
                "Choose as many bands, in the same order."
            )
        stored = tuple(RANGES.values())
        return _layer_input(UnitRange(low, high), mean, std, [stored[place] for place in places])
    pixels = sampled_pixels(request.sample, request.in_chans)
    picture = is_coloured(request.roles) and (request.dtype == "uint8" or not (pixels > BRIGHTEST_PICTURE).any())
    ranges = ranges_of(request.in_chans, request.roles, request.wavelengths_nm, request.band_names, picture=picture)
    if request.scaling == "published":
        return _published(pixels, ranges)
    scaling = "percentiles" if request.scaling == "auto" else request.scaling
    unit = unit_range_of(scaling, request.dtype, request.sample, request.in_chans)
    scaled = unit(pixels[None, :, :, None])[0, :, :, 0].astype(np.float64)
    mean, std = np.zeros(request.in_chans), np.ones(request.in_chans)
    if scaled.shape[1] and scaling != "none":
        mean, spread = scaled.mean(axis=1), scaled.std(axis=1)
        std = np.where(spread > 1e-6, spread, 1.0)
    return _layer_input(unit, mean, std, ranges)


def _layer_input(unit: UnitRange, mean: NDArray[Any], std: NDArray[Any], ranges: Sequence[Range]) -> LayerInput:
    """Gaps are filled with the mean, so that they become 0 like the authors' pixels without data."""
    means = mean.astype(np.float32)
    return LayerInput(unit, means, means, std.astype(np.float32), tuple(ranges))


def _published(pixels: Float, ranges: Sequence[Range]) -> LayerInput:
    """The authors' numbers.

    Raises:
        ModelError: there are none for a band, or the values are in another unit.
    """
    missing = [band.title for band in ranges if band.name not in PUBLISHED]
    if missing:
        raise ModelError(
            f"The authors of SMARTIES published no statistics of the {missing[0]}. Set the scaling to 'auto'."
        )
    low, high, mean, std = np.array([PUBLISHED[band.name] for band in ranges], np.float32).T
    kinds = _kinds(ranges)
    if "colour" in kinds and pixels.size and pixels[kinds["colour"]].max() <= 1:
        low, high = low / 255, high / 255
    for kind, members in kinds.items():
        inside = (pixels[members] > low[members, None]) & (pixels[members] < high[members, None])
        if inside.size and inside.mean() < 0.01:
            raise ModelError(
                f"The values of the {kind} bands lie outside of what the authors' statistics cover "
                f"({PUBLISHED_UNITS}). Convert them, or set the scaling to 'auto'."
            )
    return _layer_input(UnitRange(low, high), mean, std, ranges)


def _kinds(ranges: Sequence[Range]) -> dict[str, list[int]]:
    """Numbers of the bands of each sensor."""
    kinds: dict[str, list[int]] = {}
    for index, band in enumerate(ranges):
        kind = "radar" if band.name.startswith("microwave") else "colour" if band.broad else "optical"
        kinds.setdefault(kind, []).append(index)
    return kinds


def _checked(tensors: Mapping[str, "torch.Tensor"], size: "Size", path: Path, card: Card) -> dict[str, "torch.Tensor"]:
    """The encoder's tensors without a common prefix, if they are exactly those of the official file.

    Raises:
        UnusableModel: one is missing, too much, or of another shape, or the positions were trained.
    """
    from ..networks.smarties import PATCH_PX, TILE_PX, official_shapes, sine_positions

    prefix = next((name.removesuffix("cls_token") for name in tensors if name.endswith("cls_token")), "")
    found = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    found = {name: tensor for name, tensor in found.items() if not name.startswith(("decoder_", "mask_token"))}
    expected = official_shapes(size)
    wrong = next((name for name in expected if name in found and tuple(found[name].shape) != expected[name]), "")
    detail = ""
    if missing := [name for name in expected if name not in found]:
        detail = f"it lacks '{missing[0]}'"
    elif extra := [name for name in found if name not in expected]:
        detail = f"it holds '{extra[0]}' besides"
    elif wrong:
        detail = f"'{wrong}' is {tuple(found[wrong].shape)}, not {expected[wrong]}"
    else:
        side = TILE_PX // PATCH_PX
        distance = np.abs(found["pos_embed"].float().numpy() - sine_positions(size.dim, side, side)).max()
        if not distance < POSITION_TOLERANCE:
            detail = "its positions are not the fixed ones"
    if detail:
        wanted = card.weights.file_name if card.weights else card.name
        raise UnusableModel(
            f"The weights file {path} is not that of {card.title}: {detail}. Choose the file {wanted}; weights that "
            "were fine-tuned with a classifier do not fit."
        )
    return found
