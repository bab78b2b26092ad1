"""Predicted shares turned back into true ones through the confusion matrix."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ..errors import BadInput
from .evidence import Estimate, Evidence, check

Float = NDArray[np.float64]
DRAWS = 1000
ILL = 100.0
"""Condition number above which small errors of the matrix become large errors of the shares."""
SUM_WEIGHT = 1e3
"""Weight of the equation that the shares sum to 1, far above that of all others."""
PULL_WEIGHT = 1e-5
"""Weight of staying at the predicted shares: decides nothing but among the many equal fits of a singular matrix, which
redrawn labels can give."""


def correct(confusion: Float, predicted: Float) -> Float:
    """True shares p from q = C^T p, not negative and summing to 1, by least squares.

    Args:
        confusion: (K, K) P(predicted l | true k), rows sum to 1.
        predicted: (K,) observed shares of the prediction.
    """
    K = len(predicted)
    system = np.vstack([confusion.T, np.full((1, K), SUM_WEIGHT), PULL_WEIGHT * np.eye(K)])
    solved, _ = nnls(system, np.concatenate([predicted, [SUM_WEIGHT], PULL_WEIGHT * predicted]))
    total = solved.sum()
    return np.asarray(solved / total if total > 0 else np.full(K, 1.0 / K))


def estimate(evidence: Evidence, level: float = 0.95) -> Estimate:
    """Shares of classes from the predicted shares of all units and the confusion of the labelled ones.

    The interval comes from drawing units again, 1,000 times.

    Raises:
        BadInput: no prediction, several strata, values, or a class of the prediction that no label has.
    """
    check(evidence)
    if evidence.F is None or evidence.mapped is None or not evidence.binary:
        raise BadInput("The correction by the confusion matrix needs classes and a prediction of all places.")
    if len(evidence.weights) > 1:
        raise BadInput("The correction by the confusion matrix is for simple random samples. Choose estimator auto.")
    if evidence.measure is not None:
        raise BadInput("The correction by the confusion matrix counts units alike. Choose estimator auto.")
    if (evidence.F.sum(axis=1) < 1).any():
        raise BadInput(
            "The prediction leaves labelled places open, unsure or outside, so the confusion matrix is not whole. "
            "Choose estimator auto."
        )
    truth, said = evidence.Y.argmax(axis=1), evidence.F.argmax(axis=1)
    K = evidence.Y.shape[1]
    seen = np.bincount(truth, minlength=K) > 0
    if not seen.all():
        missing = ", ".join(name for name, there in zip(evidence.names, seen, strict=True) if not there)
        raise BadInput(
            f"No labelled place is {missing}, so its row of the confusion matrix is unknown. Choose estimator auto."
        )
    confusion = _confusion(truth, said, K)
    value = correct(confusion, evidence.mapped[0])
    rng = np.random.default_rng(evidence.seed)
    draws = []
    for _ in range(DRAWS):
        chosen = rng.integers(0, len(truth), len(truth))
        again = _confusion(truth[chosen], said[chosen], K)
        empty = again.sum(axis=1) == 0
        again[empty] = confusion[empty]
        draws.append(correct(again, evidence.mapped[0]))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    condition = float(np.linalg.cond(confusion))
    notes = [f"Condition number of the confusion matrix: {condition:.3g}."]
    if condition > ILL:
        notes.append("The matrix is close to singular: the shares are unstable. Prefer estimator auto.")
    se = np.std(draws, axis=0, ddof=1)
    return Estimate(value, se, np.minimum(low, value), np.maximum(high, value), ("bootstrap",) * K, None, tuple(notes))


def _confusion(truth: NDArray[np.int64], said: NDArray[np.int64], K: int) -> Float:
    """(K, K) row-normalised; a row without labels is zero."""
    counts = np.zeros((K, K))
    np.add.at(counts, (truth, said), 1.0)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))
