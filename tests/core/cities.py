"""Small made cities for tests: cells in a grid, favela in patches, numbers that tell it with noise."""

import geopandas as gpd
import numpy as np
from quadrat.core.settlement.names import SIX
from scipy.ndimage import gaussian_filter
from shapely import box

SIDE_M = 150.0


def made_city(rows: int = 16, columns: int = 20, seed: int = 0, features: int = 8, zones: int = 2) -> gpd.GeoDataFrame:
    """Cells with `label`, `status`, six variables and `features` dimensions of an embedding.

    Made numbers, not measured ones: a fifth of the cells is favela, in patches; neighbours are alike. The first cell is
    discarded as vegetation, the second has no label.
    """
    rng = np.random.default_rng(seed)
    row, col = (part.ravel() for part in np.mgrid[:rows, :columns])
    field = gaussian_filter(rng.normal(size=(rows, columns)), 1.5).ravel()
    favela = field > np.quantile(field, 0.8)
    names = [*SIX, *(f"emb_{number}" for number in range(1, features + 1))]
    strength = np.concatenate([np.full(len(SIX), 0.8), np.linspace(1.5, 0.0, features)])
    numbers = rng.normal(size=(rows * columns, len(names))) + favela[:, None] * strength
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
