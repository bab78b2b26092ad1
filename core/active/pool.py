"""What strategies choose from, what they give back, and the one way to ask a strategy."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import BadJob
from ..progress import Progress
from .registry import STRATEGIES
from .spread import Spread

Float = NDArray[np.float32]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """Places that are labelled already, or were suggested before."""

    Z: Float
    """(m, D) float32 on the footing of the pool."""
    of: Int
    """(m,) which label each is of: a polygon of many cells is one label."""
    xy: NDArray[np.float64] | None = None
    """(m, 2) metres."""

    @property
    def count(self) -> int:
        """Labels, not cells."""
        return len(np.unique(self.of))


@dataclass(frozen=True)
class Taught:
    """Labels that heads can be fitted on."""

    X: Float
    """(m, D) float32, as in the embedding."""
    y: Int
    groups: Int
    own_units: bool

    @property
    def per_class(self) -> float:
        """Labels (groups) for each class, on average."""
        pairs = np.unique(np.stack([self.y, self.groups]), axis=1)
        return float(pairs.shape[1] / len(np.unique(self.y)))


@dataclass(frozen=True)
class Pool:
    """n candidates, in the order of their coordinates."""

    X: Float
    """(n, D) float32, as in the embedding."""
    Z: Float
    """(n, K) float32, scaled as heads scale."""
    xy: NDArray[np.float64] | None
    """(n, 2) metres; None where places are unknown, and then nothing keeps them apart."""
    known: Known
    seed: int = 0
    shares: Float | None = None
    """(n, C) probabilities of a head, columns in the order of its classes."""
    taught: Taught | None = None

    @property
    def predicted(self) -> Int | None:
        """(n,) column of the most probable class."""
        return None if self.shares is None else self.shares.argmax(axis=1).astype(np.int64)

    def rng(self, purpose: int) -> np.random.Generator:
        """Random numbers of the seed for one purpose."""
        return np.random.default_rng([self.seed, purpose])


@dataclass(frozen=True)
class Pick:
    """One place to label."""

    index: int
    """In the pool."""
    why: str
    """In words for the user."""


@dataclass
class Suggestion:
    """What a strategy gave."""

    picks: list[Pick]
    notes: list[str] = field(default_factory=list)
    """Sentences worth telling."""


Strategy = Callable[[Pool, Spread, int, Progress], list[Pick]]


def strategy(name: str) -> Strategy:
    """The function of a strategy."""
    module, function = STRATEGIES[name].builder.split(":")
    found: Strategy = getattr(importlib.import_module(f".{module}", __package__), function)
    return found


def suggest(name: str, pool: Pool, count: int, spacing: float, progress: Progress) -> Suggestion:
    """The next places to label; the order of the candidates does not matter.

    Args:
        name: of the strategy.
        pool: candidates.
        count: wanted; fewer come where there are fewer candidates.
        spacing: metres between any two, and between each and what is known.
        progress: told while choosing.

    Raises:
        BadJob: the strategy needs a head or labels that are not there.
    """
    card = STRATEGIES[name]
    if card.needs_head and pool.shares is None:
        raise BadJob(f"The strategy '{name}' needs a head, or labels of at least two classes.")
    if card.needs_labels and pool.taught is None:
        raise BadJob(f"The strategy '{name}' needs labels of at least two classes.")
    keys = pool.Z.T if pool.xy is None else pool.xy.T
    order = np.lexsort(keys[::-1])
    ordered = replace(
        pool, X=pool.X[order], Z=pool.Z[order], xy=None if pool.xy is None else pool.xy[order],
        shares=None if pool.shares is None else pool.shares[order],
    )  # fmt: skip
    spread = Spread(ordered.xy, len(order), spacing, ordered.known.xy)
    wanted = min(count, len(order))
    picks = strategy(name)(ordered, spread, wanted, progress)[:wanted]
    notes = spread.notes(len(picks))
    if len(picks) < count:
        notes.append(f"There are only {len(picks)} places to suggest, not {count}.")
    return Suggestion([Pick(int(order[pick.index]), pick.why) for pick in picks], notes)
