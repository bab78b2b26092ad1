"""From a fitted head to the numbers of a map: class, confidence, probability or value of every cell.

One kernel serves raster blocks and table rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        return np.asarray(self.probabilities.max(axis=1))

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
            values = numbers[probabilities.argmax(axis=1)]
        if probabilities is not None and self.threshold is not None:
            sets = members_of(probabilities, self.threshold)
        unlike = None if self.applicability is None else self.applicability.dissimilarity(X)
        return Predicted(values, probabilities, sets, unlike)


def predict(estimator: Any, X: NDArray[np.float32], classes: tuple[ClassEntry, ...]) -> Predicted:
    """Class and probabilities, or value, of each row.

    The class is the one of highest probability, so that class and confidence never disagree; of equal ones the first.

    Args:
        estimator: fitted.
        X: (n, D) float32, finite.
        classes: of the head; empty for values.
    """
    pieces = [X[start : start + MOST_ROWS] for start in range(0, max(len(X), 1), MOST_ROWS)]
    if not classes:
        values = [np.asarray(estimator.predict(piece), np.float32) for piece in pieces if len(piece)]
        return Predicted(np.concatenate(values) if values else np.empty(0, np.float32), None)
    shares = [np.asarray(estimator.predict_proba(piece), np.float32) for piece in pieces if len(piece)]
    probabilities = np.concatenate(shares) if shares else np.empty((0, len(estimator.classes_)), np.float32)
    return Predicted(np.asarray(estimator.classes_)[probabilities.argmax(axis=1)], probabilities)


def codes(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bytes 1..255 that stand for 0..1."""
    return (np.clip(probabilities, 0, 1) * CODES + 1.5).astype(np.uint8)
