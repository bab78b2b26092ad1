"""The strategy for people who do not want to choose one."""

from itertools import chain, zip_longest

from ..progress import Progress
from . import margin, typical
from .pool import Pick, Pool
from .spread import Spread

FEW_PER_CLASS = 5.0
"""Labels for each class below which half of the places are typical ones."""


def suggest(pool: Pool, spread: Spread, count: int, progress: Progress) -> list[Pick]:
    """Typical places without a head, margins with many labels, and both in turn between."""
    if pool.shares is None:
        return typical.suggest(pool, spread, count, progress)
    if pool.taught is not None and pool.taught.per_class >= FEW_PER_CLASS:
        return margin.suggest(pool, spread, count, progress)
    half = -(-count // 2)
    first = typical.suggest(pool, spread, half, progress.part(0.0, 0.6))
    second = margin.suggest(pool, spread, count - half, progress.part(0.6, 1.0)) if count > half else []
    both = chain.from_iterable(zip_longest(first, second))
    return [pick for pick in both if pick is not None]
