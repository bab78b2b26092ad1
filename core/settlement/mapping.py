"""From what methods say of cells to the columns of a map."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..prevalence import correct, estimate
from .methods.combine import EDGE, Bool, Float
from .methods.heldout import Reading

LEARNT, LIKELY, PUBLISHED = "learnt", "likely", "published"


@dataclass(frozen=True)
class Verdict:
    """What one method, or the majority of several, says of N cells.

    Attributes:
        probability: (N,) P(favela), NaN where nothing is said.
        favela: (N,) whether it is; False where nothing is said.
    """

    probability: Float
    favela: Bool

    @property
    def there(self) -> Bool:
        """(N,) where something is said."""
        return np.asarray(np.isfinite(self.probability))


def verdict(
    ranked: Float, favela: Bool, reading: Reading | None, decision: str, trained: float, share: float | None
) -> Verdict:
    """What a method says, read as it was learnt from cells held out.

    Args:
        ranked: (N,) its own numbers.
        favela: (N,) its own decision.
        reading: how they become probabilities; None: they stand for a city half of which is favela.
        decision: `learnt`, `likely` or `published`; for `share` see `surest`.
        trained: share of favela that the probabilities refer to.
        share: what it is here; None: the same.
    """
    probability = ranked if reading is None else reading.probability(ranked)
    cut = reading.cut if reading is not None and decision == LEARNT else EDGE
    if share is not None:
        probability, cut = moved(probability, trained, share), float(moved(np.array([cut]), trained, share)[0])
    if decision == PUBLISHED or (reading is None and share is None):
        return Verdict(probability, favela)
    return Verdict(probability, np.nan_to_num(probability, nan=-1.0) >= (EDGE if decision == LIKELY else cut))


def surest(said: Verdict, share: float) -> Verdict:
    """The same, with as many favela cells as a share of all says, those of the highest probability."""
    known = np.flatnonzero(said.there)
    count = round(min(max(share, 0.0), 1.0) * len(known))
    favela = np.zeros(len(said.probability), np.bool_)
    favela[known[np.argsort(-said.probability[known], kind="stable")[:count]]] = True
    return Verdict(said.probability, favela)


def moved(probability: Float, old: float, new: float) -> Float:
    """(n,) P(favela) where favela is as common as `new` instead of `old`; NaN stays."""
    shares = np.stack([1 - probability, probability], axis=1)
    found = correct(shares, np.array([1 - old, old]), np.array([1 - new, new]))[:, 1]
    return np.where(np.isnan(probability), np.nan, found)


def estimated_share(probability: Float, old: float) -> float:
    """How common favela is among these cells; see `core/prevalence.py`."""
    known = probability[np.isfinite(probability)]
    return float(estimate(np.stack([1 - known, known], axis=1), np.array([1 - old, old]))[1])


@dataclass(frozen=True)
class Together:
    """What all methods say.

    Attributes:
        votes: (N,) methods that say favela.
        methods: (N,) methods that say anything.
        probability: (N,) mean of theirs, NaN where none says anything.
        disagreement: (N,) 0 where all agree, 1 where they are split in halves; NaN where none says anything.
    """

    votes: NDArray[np.int64]
    methods: NDArray[np.int64]
    probability: Float
    disagreement: Float

    @property
    def favela(self) -> Bool:
        """(N,) the majority; the mean probability decides a tie."""
        tie = (2 * self.votes == self.methods) & (np.nan_to_num(self.probability) >= EDGE)
        return np.asarray((self.methods > 0) & ((2 * self.votes > self.methods) | tie))


def together(verdicts: Mapping[str, Verdict]) -> Together:
    """Votes and disagreement of all methods."""
    there = np.stack([one.there for one in verdicts.values()])
    votes = np.stack([one.favela & one.there for one in verdicts.values()]).sum(axis=0)
    methods = there.sum(axis=0)
    known = np.where(there, np.stack([one.probability for one in verdicts.values()]), 0.0)
    nothing = np.full(len(methods), np.nan)
    probability = np.divide(known.sum(axis=0), methods, out=nothing.copy(), where=methods > 0)
    share = np.divide(votes, methods, out=nothing.copy(), where=methods > 0)
    return Together(votes, methods, probability, 1 - np.abs(2 * share - 1))
