"""Spectral-textural features: bands, local means and spreads, and random convolutional features, condensed.

Nothing is downloaded or trained; statistics, filters and components are drawn from the raster and kept as state.

Source: filters after Rolf et al. 2021, doi:10.1038/s41467-021-24638-z; the union of groups on equal footing is ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract import Bool, BuildRequest, Float, State
from ..crew import Crew, one_by_one
from ..description import Description, band_count
from ..errors import UnusableModel
from ..filters import draw_filters
from ..identity import identity_of
from ..local import LocalBackbone
from ..pca import fit_components
from ..pooling import pad_to_cells
from ..scaling import SoftStandardiser, Standardise, soft_standardiser_of

FORMAT = 1
CELLS_FITTED = 20_000
"""Cells of the sample that the components are fitted to."""
CROP_PX = 64
"""Part of each window of a large sample that is described for the fit."""
NEGLIGIBLE = 1e-6
"""Spread of a group (of standardised bands) that is rounding noise."""


@dataclass(frozen=True)
class Recipe:
    """Choices that were made by trying; see tests/benchmarks/bench_features.py."""

    filters: int = 128
    mean_radii_px: tuple[int, ...] = (0, 2, 7)
    spread_radii_px: tuple[int, ...] = (2, 7)
    texture_radii_px: tuple[int, ...] = (2,)
    knee: float = 3.0


class SpectralTextural(LocalBackbone):
    """Principal components of the description of a cell."""

    def __init__(self, request: BuildRequest, state: State) -> None:
        self._arrays = dict(state)
        self._standardise = SoftStandardiser(state["centre"], state["scale"], float(state["knee"]))
        patch = int(state["patch_size_px"])
        self._description = _description_of(state)
        count = len(state["axes"])
        super().__init__(
            request.in_chans,
            tuple(f"component {number}" for number in range(1, count + 1)),
            patch_size_px=patch,
            tile_size_px=request.tile_size_px or (256 if patch == 1 else 512),
            halo_px=self._description.halo_px,
            ordered=True,
            identity=identity_of({"backbone": "spectral-textural", "format": FORMAT}, self._arrays),
            crew=Crew(request.threads),
        )

    def _vectors(self, values: Float, valid: Bool) -> Float:
        bands = self._standardised(values, valid)
        return self._description.project(bands, valid, self._arrays["axes"], self._arrays["mean"], self._crew)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Statistics of the bands, filters, radii and components."""
        return self._arrays


def build(request: BuildRequest, recipe: Recipe | None = None) -> SpectralTextural:
    """Draws everything from the sample, or takes it from the state.

    Raises:
        UnusableModel: the state was made for another number of bands.
    """
    if request.state is None:
        with one_by_one():
            return SpectralTextural(request, _draw(request, recipe or Recipe()))
    expected = band_count(request.state["filters"])
    if expected != request.in_chans:
        raise UnusableModel(
            f"These features were drawn from {expected} bands, but the raster has {request.in_chans}. "
            "Choose as many bands, in the same order."
        )
    return SpectralTextural(request, request.state)


def _description_of(state: State) -> Description:
    """The description that a state stands for."""
    means, spreads, textures = (
        tuple(int(radius) for radius in state[f"{kind}_radii"]) for kind in ("mean", "spread", "texture")
    )
    filters = state["filters"]
    return Description(band_count(filters), int(state["patch_size_px"]), filters, means, spreads, textures)


def _draw(request: BuildRequest, recipe: Recipe) -> State:
    """Statistics, filters and components of the sample."""
    standardise = replace(soft_standardiser_of(request.sample, request.in_chans), knee=recipe.knee)
    patch = request.patch_size_px
    state: dict[str, NDArray[Any]] = {
        "centre": standardise.centre,
        "scale": standardise.scale,
        "knee": np.array(standardise.knee, np.float32),
        "filters": draw_filters(request.sample, standardise, recipe.filters, request.seed),
        "patch_size_px": np.array(patch, np.int64),
        "mean_radii": _radii(recipe.mean_radii_px, patch),
        "spread_radii": _radii(recipe.spread_radii_px, patch),
        "texture_radii": _radii(recipe.texture_radii_px, patch),
    }
    description = _description_of(state)
    features = _sampled_features(request, standardise, description)
    components = fit_components(features, request.dimensions, _footing(features, description))
    return {**state, "axes": components.axes, "mean": components.mean}


def _radii(radii_px: tuple[int, ...], patch_size_px: int) -> NDArray[np.int64]:
    """Radii in cells, without repetitions."""
    return np.unique([-(-radius // patch_size_px) for radius in radii_px]).astype(np.int64)


def _footing(features: Float, description: Description) -> NDArray[np.float64]:
    """Factors that give each group of features the same total variance, 1; (F,). Groups without spread get 0."""
    weights = np.zeros(description.length)
    if len(features):
        variance = features.var(axis=0, dtype=np.float64)
        for group in description.groups():
            total = variance[group].sum()
            weights[group] = total**-0.5 if total > NEGLIGIBLE else 0.0
    return weights


def _sampled_features(request: BuildRequest, standardise: Standardise, description: Description) -> Float:
    """Long vectors of cells drawn evenly over the sample: (N, F) float32."""
    windows = sum(1 for _ in request.sample())
    rng = np.random.default_rng(request.seed + 1)
    share = -(-CELLS_FITTED // max(windows, 1))
    crew, patch = Crew(request.threads), description.patch_size_px
    drawn = [np.zeros((0, description.length), np.float32)]
    for values, valid in _crops(request, description.halo_px, small=windows > 8):
        padded, known = pad_to_cells(standardise(values, valid), valid, patch, description.halo_px)
        long = description.long(padded, known, crew)
        counts = description.cell_counts(known)
        edge = description.reach
        inside = counts[edge : counts.shape[0] - edge, edge : counts.shape[1] - edge] > 0
        places = np.flatnonzero(inside)
        if len(places) > share:
            places = np.sort(rng.choice(places, share, replace=False))
        drawn.append(long.reshape(len(long), -1)[:, places].T)
    return np.concatenate(drawn)


def _crops(request: BuildRequest, halo_px: int, *, small: bool) -> Iterator[tuple[Float, Bool]]:
    """The windows of the sample, or their middles when there are many."""
    for values, valid in request.sample():
        if small:
            top, left = (max(0, (side - CROP_PX - 2 * halo_px) // 2) for side in valid.shape)
            side = CROP_PX + 2 * halo_px
            values, valid = values[:, top : top + side, left : left + side], valid[top : top + side, left : left + side]
        yield values, valid
