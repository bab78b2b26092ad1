"""Small made-up cells for the tests of transformers for series."""

import numpy as np
from quadrat.core.poverty.teaching.chipstore import ChipStore

T, C, CELL = 3, 2, 4


def cells(count=48, seed=0, gaps=0.0):
    """A store and targets: a tenth of the mean of the first band, with noise in the pixels."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(50, 200, (count, 1)) + rng.uniform(-20, 20, (count, T))
    values = level[:, :, None, None, None] + rng.normal(0, 15, (count, T, C, CELL, CELL))
    seen = rng.random((count, T)) >= gaps
    stored = (np.clip(np.rint(values), 0, 255) * seen[:, :, None, None, None]).astype(np.uint8)
    return ChipStore(stored, seen), level / 10
