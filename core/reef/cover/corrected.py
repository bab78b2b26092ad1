"""Cover as the machine says, corrected by how it confuses classes on photos that people labelled.

Source: Solow, Davis and Hu 2001, Marine Ecology Progress Series 216:309, 10.3354/meps216309 (taxa counted with error);
the system q = C^T p is solved by `core/estimation/matrix.py`. It holds where the machine confuses classes in the group
as it does on the labelled photos, so that those of one site can serve another.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...estimation.evidence import Estimate
from ...estimation.matrix import ILL, correct

Float = NDArray[np.float64]
DRAWS = 300
LEAST, ENOUGH = 5, 30
"""Labelled photos from which a cover is given, and from which an interval is: with twenty it held the truth in 0.89 to
0.93 of surveys (README.md), since classes that are in few photos are missing from many tables."""


@dataclass(frozen=True)
class Confusions:
    """How the machine confuses K classes, and as it might have come out with other photos."""

    names: tuple[str, ...]
    seen: NDArray[np.int64]
    """(S,) classes that people met; of the others nothing is known."""
    matrix: Float
    """(S, S) P(said | there) among them; rows may sum to less than 1, where the machine says what nobody met."""
    drawn: Float
    """(DRAWS, S, S) of photos drawn again."""
    photos: int
    """Labelled photos behind it."""
    seed: int

    @property
    def condition(self) -> float:
        """Condition number; large: small errors of the matrix become large errors of the cover."""
        return float(np.linalg.cond(self.matrix))


def confusions(joint: Any, names: tuple[str, ...], seed: int = 0) -> Confusions:
    """The matrix of all labelled photos, drawn again photo by photo.

    Args:
        joint: (P, K * K) sparse, `Shares.joint` of photos that the machine did not learn from; others empty.
        names: K classes.
        seed: of the draws.

    Raises:
        BadInput: too few photos that both labelled.
    """
    K = len(names)
    rows = joint[np.flatnonzero(np.asarray(joint.sum(axis=1)).ravel() > 0)]
    n = rows.shape[0]
    if n < LEAST:
        raise BadInput(
            f"People and machine both labelled {n} photos that the machine did not learn from; a table of what it "
            f"confuses needs at least {LEAST}, better 20."
        )
    rng = np.random.default_rng(seed)
    times = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(np.float64)
    counts = np.asarray(rows.sum(axis=0)).reshape(K, K)
    seen = np.flatnonzero(counts.sum(axis=1) > 0)
    whole = _normalised(counts)
    drawn = np.empty((DRAWS, len(seen), len(seen)))
    for at, one in enumerate(times):
        again = (rows.T @ one).reshape(K, K)
        met = again.sum(axis=1, keepdims=True) > 0
        drawn[at] = np.where(met, _normalised(again), whole)[np.ix_(seen, seen)]
    return Confusions(names, seen, whole[np.ix_(seen, seen)], drawn, n, seed)


def by_confusion(
    machine: Float, points: Float, found: Confusions, level: float = 0.95, *, beyond: bool = True
) -> Estimate:
    """Mean cover of a group.

    Args:
        machine: (N, K) cover of its photos as the machine says, without NaN.
        points: (N,) that each was counted from.
        found: of the same classes.
        level: of the interval, percentiles over redrawn photos of both kinds.
        beyond: the photos of the group are a sample too, and are drawn again; else their points are.

    Returns:
        NaN for classes that nobody met on the labelled photos; limits are NaN for a table of few photos.

    Raises:
        BadInput: no photo.
    """
    N, K, S = len(machine), machine.shape[1], len(found.seen)
    if not N:
        raise BadInput("The machine labelled no photo here.")
    said = machine[:, found.seen]
    value = correct(found.matrix, said.mean(axis=0))
    rng = np.random.default_rng(found.seed + 1)
    means = _redrawn(machine, points, rng, beyond=beyond)[:, found.seen]
    draws = np.array([correct(matrix, mean) for matrix, mean in zip(found.drawn, means, strict=True)])
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    notes = (
        ("The table of confusions is close to singular: corrected cover is unstable.",)
        if S > 1 and found.condition > ILL
        else ()
    )
    parts = [value, draws.std(axis=0, ddof=1), np.minimum(low, value), np.maximum(high, value)]
    if found.photos < ENOUGH:
        parts[1:] = [np.full(S, np.nan)] * 3
    full = [np.full(K, np.nan) for _ in parts]
    for whole, part in zip(full, parts, strict=True):
        whole[found.seen] = part
    return Estimate(full[0], full[1], full[2], full[3], ("bootstrap",) * K, None, notes)


def _redrawn(machine: Float, points: Float, rng: np.random.Generator, *, beyond: bool) -> Float:
    """(DRAWS, K) means of photos drawn again, which holds what points add; or of the same photos with other points."""
    N = len(machine)
    if beyond:
        return np.asarray(rng.multinomial(N, np.full(N, 1 / N), size=DRAWS) @ machine / N)
    mean = machine.mean(axis=0)
    deviation = np.sqrt((machine * (1 - machine) / np.maximum(points - 1, 1)[:, None]).sum(axis=0)) / N
    return np.asarray(np.maximum(mean + deviation * rng.standard_normal((DRAWS, len(mean))), 0.0))


def _normalised(counts: Float) -> Float:
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.zeros_like(counts), where=total > 0))
