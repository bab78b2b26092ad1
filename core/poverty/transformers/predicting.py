"""What a transformer says of every place at every date, in pieces that fit the device."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.errors import ModelError
from ...errors import BadInput
from ...progress import Progress
from ..teaching.bags import MEAN, SELECT, Batch, Samples, shares
from ..teaching.chipstore import ChipStore
from .seriesmodel import SeriesModel, need_torch

Float = NDArray[np.float32]
Int = NDArray[np.int64]
TOKENS_AT_ONCE = {"cpu": 16 * 336, "cuda": 256 * 336, "mps": 64 * 336}
"""So many go through the network together."""
Forward = Callable[[Float, "NDArray[np.bool_]"], Float]


def device_of(device: str, threads: int) -> tuple[Any, str]:
    """The device, and its name in words.

    Raises:
        BadInput: there is no such device.
    """
    from ....models.torch_tools import choose_device

    try:
        return choose_device(device, threads)
    except ModelError as error:
        raise BadInput(str(error)) from error


def forward_on(model: SeriesModel, device: str = "auto", threads: int = 0) -> tuple[Forward, int, str]:
    """A function from pixels (E, T, C, h, w) and dates seen (E, T) to values (E, T) in units of the indicator.

    Args:
        model: its network is moved to the device.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: on the processor; 0: all cores.

    Returns:
        the function; how many places it should get at once; the device in words.

    Raises:
        EngineTooSmall: there is no PyTorch.
        BadInput: there is no such device.
    """
    need_torch()
    import torch

    from ....models.torch_tools import out_of_memory

    place, name = device_of(device, threads)
    network = model.network.to(place).eval()
    scaling = model.scaling

    def forward(pixels: Float, seen: NDArray[np.bool_]) -> Float:
        try:
            with torch.inference_mode():
                given = scaling.scaled(torch.from_numpy(pixels).to(place))
                said = network(given, None if seen.all() else torch.from_numpy(seen).to(place))
                found: Float = (said * scaling.value_gain + scaling.value_shift).cpu().numpy()
                return found
        except RuntimeError as error:
            raise out_of_memory(error) or error from error

    tokens = model.size.patches * model.size.dates
    return forward, max(1, TOKENS_AT_ONCE[place.type] // tokens), name


def predict(
    model: SeriesModel, store: ChipStore, progress: Progress, device: str = "auto", threads: int = 0
) -> NDArray[np.float64]:
    """The indicator at each place and date.

    Args:
        model: trained.
        store: of pixels with its bands; as many dates as it was trained with, or any for the spatial transformer.
        progress: told how far it is.
        device: see `forward_on`.
        threads: see `forward_on`.

    Returns:
        (N, T) float64; NaN at dates that are not seen: a value there would be invented.

    Raises:
        BadInput: other dates, bands or pixels than the model's.
        Cancelled: the user stopped it.
    """
    check_fits(model, store)
    forward, most, _ = forward_on(model, device, threads)
    found = np.full(store.seen.shape, np.nan)
    useful = np.flatnonzero(store.seen.any(axis=1))
    for start in range(0, len(useful), most):
        progress.checkpoint(start / len(useful))
        at = useful[start : start + most]
        found[at] = np.where(store.seen[at], forward(store.series(at), store.seen[at]), np.nan)
    progress.checkpoint(1.0)
    return found


def predict_samples(
    predicted: NDArray[np.float64], store: ChipStore, samples: Samples, how: str
) -> NDArray[np.float64]:
    """The indicator of places that consist of several squares.

    Args:
        predicted: (E', T) of every square of the store, from `predict`.
        store: of the squares.
        samples: which squares are whose; their targets are not looked at.
        how: `mean`, `highest`; for a model taught by `select`, whose choice needs the target, the mean stands in.

    Returns:
        (N, T) float64, NaN where no square of a place is seen.
    """
    seen = store.seen[samples.chip]
    said = np.where(seen, predicted[samples.chip], 0)
    nothing = np.zeros(samples.Y.shape, np.float32)
    batch = Batch(samples.chip, None, samples.place, samples.share.astype(np.float32), seen, nothing, nothing)
    share = shares(said, batch, MEAN if how == SELECT else how).astype(np.float64)
    found, reached = np.zeros(samples.Y.shape), np.zeros(samples.Y.shape)
    np.add.at(found, samples.place, share * said)
    np.add.at(reached, samples.place, share)
    return np.where(reached > 0, found, np.nan)


def check_fits(model: SeriesModel, store: ChipStore) -> None:
    """Refuse pixels that the model does not know.

    Raises:
        BadInput: says what differs.
    """
    model.check_dates(store.dates)
    if (store.bands, store.cell_px) != (model.size.bands, model.size.cell_px):
        raise BadInput(
            f"The model takes {model.size.bands} bands ({', '.join(model.bands)}) of cells of {model.size.cell_px} px; "
            f"these are {store.bands} bands of cells of {store.cell_px} px. Choose the bands that it was trained with."
        )
