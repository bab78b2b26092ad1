"""From vectors of points to what is written of them: the most probable labels, and the deepest one that is trusted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...jobs.reef.suggesting import COVERAGE
from .descent import suggestions
from .numbered import ROOT, Float, Int
from .stored import ReefModel
from .trust import NEVER


@dataclass(frozen=True)
class Told:
    """What a model says of N points."""

    labels: Int
    """(N, k) numbers of labels, the most probable first."""
    confidence: Float
    """(N, k)"""
    trusted: Int
    """(N,) the deepest label that is trusted; `ROOT` where none is."""
    trusted_confidence: Float
    """(N,) probability that it, or anything below it, is true; 0 where none is trusted."""
    to_the_end: NDArray[np.bool_]
    """(N,) whether the whole way down to a label is trusted."""


class Teller:
    """A model with the least confidence that each level of its tree asks for."""

    def __init__(self, model: ReefModel, rule: str, wish: float) -> None:
        """Choose the thresholds on what the model said of photos that it did not know.

        Args:
            model: learnt.
            rule: `accuracy` or `coverage`, see `core/jobs/reef/suggesting.py`.
            wish: 0..1.
        """
        self.model = model
        depth = int(model.tree.levels.max())
        self.note = ""
        """Why nothing is trusted; empty when something may be."""
        if rule == COVERAGE:
            sets = model.sets(wish)
            self.thresholds: tuple[float, ...] = ((NEVER if sets is None else sets.least),) * depth
            self.facts: dict[str, Any] | None = None if sets is None else sets.to_dict()
        else:
            found = model.thresholds(wish)
            self.thresholds, self.facts = found.thresholds, found.to_dict()
        if all(least > 1 for least in self.thresholds):
            self.note = (
                f"No label can be trusted at {100 * wish:g} % {rule}: the photos that the model was tested on are too "
                "few, or it is wrong too often. Annotate more photos and train again, or wish for less."
            )

    def tell(self, X: NDArray[np.float32]) -> Told:
        """What is said of points by their (N, D) vectors."""
        shares = self.model.shares(X)
        labels, confidence = suggestions(shares, self.model.classes)
        if not len(X):
            return Told(labels, confidence, np.empty(0, np.int64), np.empty(0), np.empty(0, bool))
        way = self.model.descent(shares)
        depth = way.trusted(self.thresholds).sum(axis=1)
        trusted = way.until(self.thresholds)
        sure = way.confidence[np.arange(len(X)), np.maximum(depth - 1, 0)]
        return Told(labels, confidence, trusted, np.where(trusted == ROOT, 0.0, sure), trusted == way.labels)
