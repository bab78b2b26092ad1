"""Principal components on top of a backbone, and which bands make a picture of an embedding."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.contract import Backbone, Bool, Float, State
from ..models.crew import one_by_one
from ..models.identity import identity_of

PREFIX = "components."
PICTURE_PERCENT = (2.0, 98.0)
MOST_JUDGED = 512
"""Bands that are compared for the picture; more would take long for nothing."""
PICTURE_CELLS = 2500


@dataclass(frozen=True)
class Components:
    """Mean (D,) and axes (K, D), float32, in falling order of variance."""

    mean: Float
    axes: Float

    def project(self, vectors: Float) -> Float:
        """(B, D, h, w) to (B, K, h, w)."""
        flat = vectors.reshape(*vectors.shape[:2], -1) - self.mean[:, None]
        projected: Float = np.matmul(self.axes, flat)
        return projected.reshape(len(vectors), len(self.axes), *vectors.shape[2:])


def fit(sample: Float, count: int) -> Components:
    """Components of sampled vectors.

    Args:
        sample: (N, D) float32.
        count: K, at most D.

    The covariance is summed in float64; the sign of an axis is such that its largest entry is positive, so that the
    same sample gives the same axes on every machine.
    """
    exact = sample.astype(np.float64)
    mean = exact.mean(axis=0)
    centred = exact - mean
    covariance = centred.T @ centred / max(len(sample) - 1, 1)
    with one_by_one():
        values, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, np.argsort(values)[::-1][:count]].T
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    axes = axes * np.where(largest < 0, -1.0, 1.0)
    return Components(mean.astype(np.float32), axes.astype(np.float32))


class ReducedBackbone:
    """A backbone that gives the components of another one."""

    ordered = True

    def __init__(self, inner: Backbone, components: Components) -> None:
        self.inner, self.components = inner, components
        self.in_chans, self.embed_dim = inner.in_chans, len(components.axes)
        self.patch_size_px, self.tile_size_px = inner.patch_size_px, inner.tile_size_px
        self.halo_px, self.exact, self.device = inner.halo_px, inner.exact, inner.device
        self.band_names = tuple(f"component {number + 1}" for number in range(self.embed_dim))
        arrays = {PREFIX + "mean": components.mean, PREFIX + "axes": components.axes}
        self.identity = identity_of({"inner": inner.identity, "reduced": "principal components"}, arrays)
        self._arrays = arrays

    def __call__(self, values: Float, valid: Bool) -> Float:
        """As in the contract, D = number of components."""
        return self.components.project(self.inner(values, valid))

    def pooled(self, values: Float, valid: Bool) -> Float:
        """As in the contract, D = number of components."""
        return self.components.project(self.inner.pooled(values, valid)[..., None, None])[..., 0, 0]

    def state(self) -> State:
        """State of the inner backbone and the components."""
        return {**self.inner.state(), **self._arrays}


def split_state(state: State) -> tuple[State, Components | None]:
    """The inner backbone's part of a stored state, and the components if there are any."""
    inner = {name: array for name, array in state.items() if not name.startswith(PREFIX)}
    if PREFIX + "mean" not in state:
        return inner, None
    return inner, Components(state[PREFIX + "mean"], state[PREFIX + "axes"])


def picture(sample: Float, ordered: bool) -> dict[str, list[object]]:
    """Three bands that make a picture, and the values between which they are shown.

    Args:
        sample: (N, D) float32.
        ordered: the bands are components already; else the bands that correlate best with the first three
            components of the standardised sample are taken.

    Returns:
        `bands`, counted from 1 (one repeated when there are fewer than three), and `ranges`, low and high of each.
    """
    count = sample.shape[1]
    bands = list(range(min(3, count))) if ordered or count <= 3 else _most_telling(sample)
    bands += [bands[-1]] * (3 - len(bands))
    ranges: list[object] = []
    for band in bands:
        low, high = (float(value) for value in np.percentile(sample[:, band].astype(np.float64), PICTURE_PERCENT))
        ranges.append([low, high if high > low else low + 1.0])
    return {"bands": [band + 1 for band in bands], "ranges": ranges}


def _most_telling(sample: Float) -> list[int]:
    if sample.shape[1] > MOST_JUDGED:
        judged = np.linspace(0, sample.shape[1] - 1, MOST_JUDGED).astype(np.intp)
        return [int(judged[band]) for band in _most_telling(sample[:, judged])]
    sample = sample[:: -(-len(sample) // PICTURE_CELLS)]
    spread = sample.std(axis=0, dtype=np.float64)
    usable: NDArray[np.bool_] = spread > 0
    if len(sample) <= 3 or not usable.any():
        return [0, 1, 2]
    standard = ((sample - sample.mean(axis=0, dtype=np.float64)) / np.where(usable, spread, 1.0)).astype(np.float32)
    scores = Components.project(fit(standard, 3), standard.T[None, :, :, None])[0, :, :, 0]
    chosen: list[int] = []
    for score in scores:
        size = float(np.linalg.norm(score))
        match = np.abs(score @ standard) / size if size else np.zeros(len(spread))
        match[chosen] = -1.0
        chosen.append(int(np.argmax(match)))
    return chosen
