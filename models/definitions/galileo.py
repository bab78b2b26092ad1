"""Galileo nano, tiny and base: a series of Sentinel-2, Sentinel-1 or both to a map of vectors, or to one vector.

Bands are scaled with the numbers of pretraining and nothing is drawn from the layer. Months and the size of a pixel are
inputs like the pixels themselves: rasters of other months share a space if their bands and dates are as many.

Each patch is a window of its own, as the authors treat time series of single pixels. Where patches of a window look at
one another, as in pretraining, most of a vector tells where in the window its patch lies; see README.

Source: Tseng et al. 2025, arXiv:2502.09356; https://github.com/nasaharvest/galileo (MIT).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..card import Card
from ..cards.galileo import BANDS, CARDS
from ..contract import Bool, BuildRequest, Float
from ..errors import UnusableModel
from ..identity import identity_of
from ..loading import find_weights, read_tensors, sha256_of
from ..spectrum import RADAR
from ..torch_tools import need

if TYPE_CHECKING:
    import torch

    from ..networks.galileo import Galileo
    from ..networks.galileo_series import Part, Series

LARGEST_PATCH_PX = 8
SIZES = {"nano": (128, 4, 8), "tiny": (192, 12, 3), "base": (768, 12, 12)}
"""Width, depth and heads."""
ASSUMED_M = 10.0
"""Side of a pixel where it is not known, as in pretraining."""
READ_CELLS = 32
"""Side of what is read at once, where each patch is a window of its own."""
TITLES = {
    "S1": "radar", "S2_RGB": "colours", "S2_Red_Edge": "red edges", "S2_NIR_10m": "near infrared",
    "S2_NIR_20m": "narrow near infrared", "S2_SWIR": "shortwave infrared", "NDVI": "NDVI",
}  # fmt: skip


class GalileoNetwork:
    """Galileo behind the contract."""

    halo_px = 0
    ordered = False

    def __init__(self, request: BuildRequest, size: str, encoder: "Series", weights_sha256: str) -> None:
        from ..running import Runtime

        self.in_chans = request.in_chans
        self.patch_size_px = encoder.patch_px
        self.exact = encoder.alone
        window = request.tile_size_px // self.patch_size_px * self.patch_size_px
        self.tile_size_px = window or READ_CELLS * self.patch_size_px
        self.embed_dim = encoder.network.dim
        self.band_names = tuple(f"feature {number}" for number in range(1, self.embed_dim + 1))
        self._run = Runtime(request)
        self.device = self._run.device
        self._encoder = self._run.settle(encoder)
        self._bands = _bands_of(request)
        facts = {
            "backbone": "galileo", "size": size, "weights": weights_sha256, "patch_px": self.patch_size_px,
            "window_px": window,
        }  # fmt: skip
        self.identity = identity_of(facts, self._bands)

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Mean of the tokens of each patch over all dates and groups; shapes as in the contract."""
        return self._computed(self._encoder, values, valid)

    def pooled(self, values: Float, valid: Bool) -> Float:
        """Mean of all tokens of a window of any size: (B, D) float32."""
        return self._computed(self._encoder.pooled, values, valid)

    def module(self) -> Any:
        """Pixels (B, C, H, W), NaN where there are none, to the map, as a torch module; see `twin.py`.

        Months and the size of a pixel are those of this series.
        """
        return self._encoder

    def raw_fill(self) -> Float:
        """(C,) what stands at pixels without a value: NaN."""
        return np.full(self.in_chans, np.nan, np.float32)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Which band is what, of which date in the series; nothing is drawn from the raster."""
        return self._bands

    def _computed(self, compute: "Callable[[torch.Tensor], torch.Tensor]", values: Float, valid: Bool) -> Float:
        """What `compute` gives of pixels that are NaN where they are not valid."""

        def whole(pixels: "torch.Tensor", shown: "torch.Tensor | None") -> "torch.Tensor":
            return compute(pixels if shown is None else pixels.masked_fill(~shown[:, None], np.nan))

        return self._run(whole, values, valid)


def build(request: BuildRequest) -> GalileoNetwork:
    """Galileo with its weights, for the bands and dates of the request.

    Raises:
        MissingLibrary: no torch.
        UnusableModel: bands, dates, months or sizes that it cannot take, or weights of something else.
        WeightsNotFound: the weights are not on this computer.
    """
    need("torch")
    card = _card_of(request)
    _check_bands(request, card)
    months = _months(request, card)
    patch = _patch(request, card)
    from ..networks.galileo_series import Series, parts_of

    bands = _bands_of(request)
    parts = parts_of(request.roles, [int(date) for date in bands["dates"]])
    if not parts:
        raise UnusableModel(f"{card.title} needs {_groups_wanted()}, and none of these is there as a whole.")
    source = card.weights or next(one.weights for one in CARDS if one.name == card.name and one.weights)
    path = find_weights(source, request.weights, download=request.download, log=request.log, look=request.look)
    request.log(f"Weights of {card.title}: {path} (licence: {source.licence}). {_told(parts, len(months))}")
    if not request.pixel_m:
        request.log(f"The size of a pixel is not known; {ASSUMED_M:g} m is assumed, as in its training.")
    network = _load(card, path)
    encoder = Series(
        network, parts, request.roles, months, patch_px=patch, pixel_m=request.pixel_m or ASSUMED_M,
        alone=not request.tile_size_px,
    )  # fmt: skip
    return GalileoNetwork(request, card.model, encoder, sha256_of(path))


def _card_of(request: BuildRequest) -> Card:
    """The card that was asked for, or that of the model's name.

    Raises:
        UnusableModel: there is none.
    """
    size = request.card.model if request.card else request.model
    if size not in SIZES:
        raise UnusableModel(f"There is no Galileo '{size}'. Choose {', '.join(SIZES)}.")
    return request.card or next(card for card in CARDS if card.model == size)


def _bands_of(request: BuildRequest) -> dict[str, NDArray[Any]]:
    """Role and place in the series of each band."""
    order = list(dict.fromkeys(request.dates))
    places = [order.index(date) for date in request.dates] or [0] * request.in_chans
    return {"roles": np.array(request.roles, "U16"), "dates": np.array(places, np.int64)}


def _check_bands(request: BuildRequest, card: Card) -> None:
    """Refuses bands that the network has no weights for, and those of another space.

    Raises:
        UnusableModel: with what is possible.
    """
    if request.state is not None and len(request.state["roles"]) != request.in_chans:
        raise UnusableModel(
            f"This embedding space was made from {len(request.state['roles'])} bands of all dates together, but "
            f"{request.in_chans} are given. Choose as many dates with the same bands."
        )
    given = [len(request.roles), len(request.dates) or request.in_chans, len(request.months) or request.in_chans]
    if given != [request.in_chans] * 3:
        raise UnusableModel(f"{card.title} must know role, date and month of each of the {request.in_chans} bands.")
    odd = next((role for role in request.roles if role not in (*BANDS, *RADAR)), None)
    if odd is not None:
        raise UnusableModel(f"{card.title} has no weights for '{odd}'. Give bands among {', '.join((*BANDS, *RADAR))}.")
    if len(set(zip(request.roles, request.dates or request.roles, strict=True))) < request.in_chans:
        raise UnusableModel(f"A band is given twice for one date; {card.title} takes each once a date.")
    bands, state = _bands_of(request), request.state
    if state is not None and any(not np.array_equal(bands[name], state[name]) for name in bands):
        raise UnusableModel("This embedding space was made from other bands, or other numbers of dates of them.")


def _months(request: BuildRequest, card: Card) -> tuple[int, ...]:
    """Of each place in the series.

    Raises:
        UnusableModel: one is not known, or there are too many.
    """
    found = dict(zip(request.dates or [""] * request.in_chans, request.months, strict=False))
    if not found or not all(1 <= month <= 12 for month in found.values()):
        raise UnusableModel(
            f"{card.title} must know the month of each date, 1 to 12. Give them as 'Months', one a date, as in '4 5 6'."
        )
    if len(found) > card.most_dates:
        raise UnusableModel(
            f"{card.title} takes {card.most_dates} dates at most, but {len(found)} are given. Choose some of them."
        )
    return tuple(found.values())


def _patch(request: BuildRequest, card: Card) -> int:
    """Pixels to a cell.

    Raises:
        UnusableModel: the kernels cannot be brought to that.
    """
    patch = request.patch_size_px or card.patch_px
    if not 1 <= patch <= LARGEST_PATCH_PX:
        raise UnusableModel(
            f"{card.title} gives cells of 1 to {LARGEST_PATCH_PX} px, not {patch}. Choose one of these, or 0 for "
            f"{card.patch_px}."
        )
    if request.tile_size_px and request.tile_size_px < patch:
        raise UnusableModel(f"A tile of {request.tile_size_px} px is smaller than a cell of {patch} px. Set 0.")
    if request.scaling not in ("auto", "published"):
        raise UnusableModel(
            f"{card.title} scales bands by the numbers of its training, so the scaling '{request.scaling}' does not "
            "fit it. Set the scaling of the bands to 'auto'."
        )
    return patch


def _groups_wanted() -> str:
    from ..networks.galileo import NDVI, SPACE_TIME

    groups = [f"{TITLES[name]} ({', '.join(roles)})" for name, roles in SPACE_TIME.items() if name != NDVI]
    return f"{', '.join(groups[:-1])} or {groups[-1]}"


def _told(parts: "tuple[Part, ...]", dates: int) -> str:
    """Which groups of bands take part at how many dates, and which do not."""
    whole = [
        TITLES[part.group] + (f" at {len(part.dates)} of {dates} dates" if len(part.dates) < dates else "")
        for part in parts
    ]
    lacking = [title for name, title in TITLES.items() if name not in {part.group for part in parts}]
    text = f"Groups of bands that are whole: {', '.join(whole)}."
    return f"{text} Left out, as bands are missing: {', '.join(lacking)}." if lacking else text


def _load(card: Card, path: Path) -> "Galileo":
    """The network with weights; the file must be the whole of this size, name for name.

    Raises:
        UnusableModel: it is damaged, or of something else.
    """
    import torch

    from ..networks.galileo import Galileo, Size

    # Files of some runs carry one more level in their names.
    tensors = {name.replace(".backbone", ""): value for name, value in read_tensors(path).items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    problem = _difference(found, official_shapes(card.model))
    other = next((size for size in SIZES if problem and size != card.model and found == official_shapes(size)), "")
    if other:
        raise UnusableModel(
            f"The weights file {path} holds Galileo {other}, but {card.title} is asked for. Choose the backbone "
            f"galileo-{other}, or the file models/{card.model}/encoder.pt."
        )
    odd = next((name for name, value in tensors.items() if not value.is_floating_point()), "")
    if not problem and odd:
        problem = f"its '{odd}' holds whole numbers"
    if problem:
        raise UnusableModel(
            f"The weights file {path} is not that of {card.title}: {problem}. Choose the file "
            f"models/{card.model}/encoder.pt; decoders do not fit."
        )
    with torch.device("meta"):
        network = Galileo(Size(*SIZES[card.model]))
    network.load_state_dict({name: value.float() for name, value in tensors.items()}, strict=True, assign=True)
    return network


def official_shapes(size: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the official file."""
    import torch

    from ..networks.galileo import Galileo, Size

    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in Galileo(Size(*SIZES[size])).state_dict().items()}


def _difference(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> str:
    """The first difference of two layouts in words; empty when there is none."""
    for text, here, there in (("it lacks", expected, found), ("it holds a foreign", found, expected)):
        names = [name for name in here if name not in there]
        if names:
            return f"{text} '{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    name = next((name for name in expected if found[name] != expected[name]), "")
    return f"its '{name}' is {found[name]}, not {expected[name]}" if name else ""
