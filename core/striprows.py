"""Rasters that are stored in whole rows: each tile that is read decodes its rows over the full width.

GDAL's cache is made large enough for one row of tiles, so that every row is decoded once; where that would take too
much memory the user is told.
"""

import numpy as np
import rasterio
from rasterio.enums import Interleaving

MOST_BYTES = 2**29
"""Of decoded rows that are kept: 512 rows of 40,000 columns, 12 bands of 16 bits."""
USUAL_ROWS = 512
"""Of a tile."""


def bytes_of_rows(dataset: rasterio.DatasetReader, bands: int, rows: int, cols: int) -> int:
    """What so many rows measure once they are decoded; 0 where blocks are not much wider than a tile.

    Args:
        dataset: open.
        bands: that are read; all are decoded where they are interleaved by pixel.
        rows: of a tile.
        cols: of a tile.
    """
    height, width = dataset.block_shapes[0]
    if width <= 2 * cols:
        return 0
    count = dataset.count if dataset.interleaving == Interleaving.pixel else bands
    rows = min(rows + height - 1, dataset.height)
    return int(rows * dataset.width * count * np.dtype(dataset.dtypes[0]).itemsize)


def note_of(dataset: rasterio.DatasetReader, path: str, bands: int) -> str:
    """What to tell of a raster whose rows are too long to be kept; empty where they are not."""
    times = dataset.width // USUAL_ROWS
    if bytes_of_rows(dataset, bands, USUAL_ROWS, USUAL_ROWS) <= MOST_BYTES:
        return ""
    return (
        f"{path} is stored in whole rows of {dataset.width:,} pixels, so that up to {times} tiles decode each; reading "
        "may take longer than all else. Make a tiled copy first (Translate with the creation option TILED=YES)."
    )
