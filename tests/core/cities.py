"""Small made cities for tests: cells in a grid, favela in patches, numbers that tell it with noise."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import quadrat.core.heads.storage  # noqa: F401 - skops looks for PyTorch once, when it is imported
from numpy.typing import NDArray
from quadrat.core.settlement.names import SIX
from scipy.ndimage import gaussian_filter
from shapely import box

SIDE_M = 150.0


def made_city(
    rows: int = 16, columns: int = 20, seed: int = 0, features: int = 8, zones: int = 2, strength: float = 1.0
) -> gpd.GeoDataFrame:
    """Cells with `label`, `status`, six variables and `features` dimensions of an embedding.

    Made numbers, not measured ones: a fifth of the cells is favela, in patches; neighbours are alike. The first cell is
    discarded as vegetation, the second has no label. `strength` is how far favela stands out.
    """
    rng = np.random.default_rng(seed)
    row, col = (part.ravel() for part in np.mgrid[:rows, :columns])
    favela = _patches(rows, columns, rng)
    names = [*SIX, *(f"emb_{number}" for number in range(1, features + 1))]
    numbers = rng.normal(size=(rows * columns, len(names))) + favela[:, None] * _strength(features) * strength
    label = np.where(favela, "favela", "residential").astype(object)
    status = label.copy()
    label[0], status[0] = None, "vegetation"
    label[1], status[1] = None, "mixed"
    left, top = 600_000 + col * SIDE_M, 7_460_000 - row * SIDE_M
    zone = 1 + col * zones // columns
    return gpd.GeoDataFrame(
        {"cell": np.arange(rows * columns), "zone": zone, "row": row, "col": col, "label": label, "status": status}
        | {name: numbers[:, k] for k, name in enumerate(names)},
        geometry=box(left, top - SIDE_M, left + SIDE_M, top),
        crs="EPSG:32723",
    )


def _patches(rows: int, columns: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    field = gaussian_filter(rng.normal(size=(rows, columns)), 1.5).ravel()
    return np.asarray(field > np.quantile(field, 0.8))


def _strength(features: int) -> NDArray[np.float64]:
    """How far each column of a favela cell stands out, in standard deviations."""
    return np.concatenate([np.full(len(SIX), 0.8), np.linspace(1.5, 0.0, features)])


@dataclass(frozen=True)
class Drifted:
    """One made city on several dates.

    Attributes:
        layers: of each date.
        became: (N,) cells that were not favela on the first date and are on the last.
        ceased: (N,) the other way round.
    """

    layers: tuple[gpd.GeoDataFrame, ...]
    became: NDArray[np.bool_]
    ceased: NDArray[np.bool_]

    @property
    def unchanged(self) -> NDArray[np.bool_]:
        """(N,) all others."""
        return ~(self.became | self.ceased)


def drifted_city(
    rows: int = 24, columns: int = 24, seed: int = 0, features: int = 8, dates: int = 2, changed: float = 0.05,
    noise: float = 0.4, drift: bool = True,
) -> Drifted:  # fmt: skip
    """`made_city` seen on several dates: each column with another gain and offset, each number with noise.

    Of the cells that are no favela, a share `changed` becomes such at the last date; of the others a quarter of it
    ceases to be.
    """
    rng = np.random.default_rng([seed, 1])
    city = made_city(rows, columns, seed, features, strength=0.0)
    names = [*SIX, *(f"emb_{number}" for number in range(1, features + 1))]
    itself, favela = city[names].to_numpy(), _patches(rows, columns, np.random.default_rng(seed))
    drawn = rng.random(len(city))
    became, ceased = (drawn < changed) & ~favela, (drawn < changed / 4) & favela
    layers = []
    for date in range(dates):
        there = (favela | became) & ~ceased if date == dates - 1 else favela
        seen = itself + there[:, None] * _strength(features) * 2 + noise * rng.normal(size=itself.shape)
        if drift and date:
            seen = seen * rng.uniform(0.6, 1.6, len(names)) + rng.normal(size=len(names))
        layers.append(city.assign(**{name: seen[:, k] for k, name in enumerate(names)}))
    return Drifted(tuple(layers), became, ceased)
