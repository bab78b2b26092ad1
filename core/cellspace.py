"""What is asked of a backbone that sees cells, where nobody says it: how many features, and how fine a map."""

import numpy as np

from .chips import Places
from .space import Space

FEATURES = 1024
"""Random features drawn where nobody asks for a number: each is a column."""
MOST_SERIES_PATCH = 8
FEW = 0.05
"""Share of cells that may be smaller than such a part, as those that a boundary cuts off are."""
MOST_PATCH = 64
"""Backbones that see whole cells look as many pixels beyond as they measure, or more."""


def drawn(space: Space) -> int:
    """Features to draw, for backbones that draw as many as are asked for; 0 for networks."""
    return FEATURES if space.card.free_patch and not space.card.series else 0


def patch_of_cells(space: Space, places: Places, side: int, whole: int) -> int:
    """Pixels to a cell of the backbone, where it can choose: whole cells where they are alike, or parts of them.

    Series of dates get the largest part of a cell that they take, as all their pixels at all dates are tokens; nearly
    all cells must hold one.

    Args:
        space: wished for.
        places: cells.
        side: of most of them, in pixels.
        whole: of all of them, where they are squares of one size that may be seen as one; 0: they are not.
    """
    if space.patch_size_px or not (space.card.free_patch or space.card.series):
        return space.patch_size_px
    if space.card.series:
        most = np.clip(np.quantile(places.inside[:, 2:].min(axis=1), FEW), 1, MOST_SERIES_PATCH)
        return next(patch for patch in range(int(most), 0, -1) if side % patch == 0)
    return next(patch for patch in range(min(whole or 1, MOST_PATCH), 0, -1) if (whole or 1) % patch == 0)
