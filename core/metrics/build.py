"""All metrics of a target at once, through the registry."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .registry import METRICS, MetricCard


def function_of(card: MetricCard) -> Callable[..., float]:
    """The function that a card names."""
    module, function = card.function.split(":")
    return getattr(importlib.import_module(f"..{module}", __name__), function)  # type: ignore[no-any-return]


def evaluate(
    target: str,
    y_true: NDArray[Any],
    y_pred: NDArray[Any],
    probabilities: NDArray[np.floating] | None = None,
    classes: NDArray[Any] | None = None,
    weights: NDArray[np.floating] | None = None,
) -> dict[str, float]:
    """Each metric of the target by name; those that need probabilities only when these are given.

    Args:
        target: `class` or `value`.
        y_true: (N,) truth.
        y_pred: (N,) prediction.
        probabilities: (N, K).
        classes: (K,) class value of each column of `probabilities`, rising.
        weights: (N,) of the samples where probabilities are judged; None: all alike.
    """
    scores = {}
    for name, card in METRICS.items():
        if card.target != target:
            continue
        if card.needs == "probabilities":
            if probabilities is not None and classes is not None:
                column = np.searchsorted(classes, y_true)
                column = np.where(classes[np.minimum(column, len(classes) - 1)] == y_true, column, -1)
                scores[name] = function_of(card)(column, probabilities, weights=weights)
        else:
            scores[name] = function_of(card)(y_true, y_pred)
    return scores
