"""Where the blocks of a GeoTIFF lie and how long they are: a compressed file hardly changes without changing that."""

from collections.abc import Iterator

import numpy as np
import rasterio
from rasterio.enums import Interleaving


def block_table(dataset: rasterio.DatasetReader, most: int) -> Iterator[str]:
    """Offset and length of each block, of `most` that are spread evenly where there are more; of no TIFF nothing."""
    if dataset.driver != "GTiff":
        return
    apart = dataset.interleaving == Interleaving.band
    rows, cols = dataset.block_shapes[0]
    down, across = -(-dataset.height // rows), -(-dataset.width // cols)
    total = down * across * (dataset.count if apart else 1)
    for at in np.unique(np.linspace(0, total - 1, min(total, most)).astype(np.int64)).tolist():
        band, place = divmod(at, down * across)
        row, col = divmod(place, across)
        found = (
            dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band + 1) for what in ("OFFSET", "SIZE")
        )
        yield " ".join(map(str, found))
