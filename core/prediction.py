"""From a fitted head to the numbers of a map: class, confidence, probability or value of every cell.

`kernel.py` stands before this for rasters; table rows come here at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..models.crew import Crew, pieces_of
from .applicability import Applicability
from .classes import ClassEntry
from .conformal import members_of
from .prevalence import correct

CODES = 254
"""Steps of a probability stored as a byte: 1..255, with 0 for nodata."""
CODE_SCALE = 1.0 / CODES
CODE_OFFSET = -1.0 / CODES
MOST_ROWS = 65_536
"""Vectors that are predicted in one go, so that a head with many trees or neighbours needs bounded memory."""
PIECE_ROWS = 4096
"""Vectors of one piece; short ones are filled up. Linear algebra adds in another order when shapes differ, and a cell
shall get the same bytes whatever is predicted along with it."""


@dataclass(frozen=True)
class Predicted:
    """What a head says of n vectors."""

    values: NDArray[Any]
    """(n,) class values, or float32."""
    probabilities: NDArray[np.float32] | None
    """(n, K) float32 in the order of the head's classes; None for values."""
    sets: NDArray[np.bool_] | None = None
    """(n, K) classes that each may be of; None when not asked for."""
    unlike: NDArray[np.float32] | None = None
    """(n,) dissimilarity to the training samples, 1 at the threshold; None when not asked for."""

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(n,) probability of the class shown."""
        if self.probabilities is None:
            raise ValueError("A value has no confidence.")
        return best_of(self.probabilities)[1]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after another; of what `predict` gives."""
        if len(parts) == 1:
            return parts[0]
        shares = [part.probabilities for part in parts if part.probabilities is not None]
        values = np.concatenate([part.values for part in parts])
        # Probabilities may lie class by class in memory; put together so, they stay that way.
        return cls(values, np.concatenate([one.T for one in shares], axis=1).T if shares else None)

    @property
    def dissimilarity(self) -> NDArray[np.float32]:
        """`unlike`, which must have been asked for."""
        if self.unlike is None:
            raise ValueError("Dissimilarity was not asked for.")
        return self.unlike

    def shown(self, unsure: int) -> NDArray[Any]:
        """(n,) what stands in the map: `unsure` where the set holds several classes, else the value."""
        if self.sets is None:
            return self.values
        return np.where(self.sets.sum(axis=1) > 1, unsure, self.values)


@dataclass(frozen=True)
class Reading:
    """How the answer of a head is read."""

    classes: tuple[ClassEntry, ...]
    prevalence: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    """(K,) shares to which the probabilities of the head refer, and those that are asked for."""
    threshold: float | None = None
    """Of conformal sets; None: not asked for."""
    applicability: Applicability | None = None
    """None: not asked for."""

    def __call__(self, said: Predicted, X: NDArray[np.float32]) -> Predicted:
        """What `predict` gave for X, read."""
        values, probabilities, sets = said.values, said.probabilities, None
        if probabilities is not None and self.prevalence is not None:
            probabilities = correct(probabilities, *self.prevalence).astype(np.float32)
            numbers = np.array([entry.value for entry in self.classes])
            values = numbers[best_of(probabilities)[0]]
        if probabilities is not None and self.threshold is not None:
            sets = members_of(probabilities, self.threshold)
        unlike = None if self.applicability is None else self.applicability.dissimilarity(X)
        return Predicted(values, probabilities, sets, unlike)


def predict(
    estimator: Any, X: NDArray[np.float32], classes: tuple[ClassEntry, ...], crew: Crew | None = None
) -> Predicted:
    """Class and probabilities, or value, of each row; the same for a row whatever the others are.

    The class is the one of highest probability, so that class and confidence never disagree; of equal ones the first.

    Args:
        estimator: fitted.
        X: (n, D) float32, finite.
        classes: of the head; empty for values.
        crew: works on pieces side by side; the result does not depend on it.
    """
    pieces = pieces_of(len(X), PIECE_ROWS)
    found: dict[int, NDArray[np.float32]] = {}
    ask = estimator.predict_proba if classes else estimator.predict

    def work(rows: slice) -> None:
        count = rows.stop - rows.start
        piece = X[rows]
        if count < PIECE_ROWS:
            piece = np.concatenate([piece, np.zeros((PIECE_ROWS - count, X.shape[1]), np.float32)])
        found[rows.start] = np.asarray(ask(np.ascontiguousarray(piece))[:count], np.float32)

    (crew or Crew(1)).each(work, pieces)
    numbers = [found[rows.start] for rows in pieces]
    if not classes:
        return Predicted(np.concatenate(numbers) if numbers else np.empty(0, np.float32), None)
    return chosen(estimator, np.concatenate(numbers) if numbers else np.empty((0, len(estimator.classes_)), np.float32))


def chosen(estimator: Any, probabilities: NDArray[np.float32]) -> Predicted:
    """(n, K) probabilities with the class that they speak for."""
    return Predicted(np.asarray(estimator.classes_)[best_of(probabilities)[0]], probabilities)


def best_of(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(n,) the first column of highest probability, and (n,) that probability.

    Column by column, since few classes and many cells are the rule.
    """
    place = np.zeros(len(probabilities), np.int64)
    best = probabilities[:, 0].copy()
    for number in range(1, probabilities.shape[1]):
        column = probabilities[:, number]
        np.putmask(place, column > best, number)
        np.maximum(best, column, out=best)
    return place, best


def codes(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bytes 1..255 that stand for 0..1."""
    return (np.clip(probabilities, 0, 1) * CODES + 1.5).astype(np.uint8)
