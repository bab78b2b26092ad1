"""Places between two classes: where the head hardly knows which of its two most probable classes is right."""

import numpy as np

from ..progress import Progress
from .pool import Pick, Pool
from .spread import Spread
from .turns import in_turn


def suggest(pool: Pool, spread: Spread, count: int, progress: Progress) -> list[Pick]:
    """Smallest margin first, predicted classes in turn.

    Source: Scheffer et al. 2001, doi:10.1007/3-540-44816-0_31
    """
    if pool.shares is None:
        raise ValueError("Margins need probabilities.")
    two = np.sort(pool.shares.astype(np.float64), axis=1)[:, -2:]
    margin = two[:, -1] - two[:, 0] if two.shape[1] > 1 else two[:, 0]

    def why(index: int) -> str:
        return f"the two most probable classes are {100 * margin[index]:.0f} % apart"

    return in_turn(pool, spread, count, -margin, why, progress)
