"""How many photos are enough: heads taught on some photos, then more, and tested on photos that were kept apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...heads.fitting import run_all
from ...metrics.hierarchical import agreement
from ...progress import Progress
from .fitting import fit_rows
from .local import Fit, Float32
from .numbered import Float, Int, NumberedTree
from .scores import at_level, cover_errors
from .stopping import photos_for, power_law

FEWEST, LEAST_PHOTOS = 5, 10
"""Photos at the start of a curve, and those that a survey needs for one."""
HELD = 0.2
"""Share of the photos that a draw keeps apart."""
STEP = 2.0
POINT_MORE = 0.01
"""Gain of hF whose price in photos is told."""
NEGLIGIBLE = 0.005
"""Gain of hF from twice the photos below which a curve is called flat."""


@dataclass(frozen=True)
class PhotoCurve:
    """Scores at each number of photos."""

    sizes: Int
    """(S,) photos, rising."""
    scores: dict[str, Float]
    """(draws, S) `hf`, `accuracy` and `cover` (mean cover error of the groups of level 1); NaN: nothing was learnt."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = {name: [[_plain(v) for v in row] for row in table] for name, table in self.scores.items()}
        return {"photos": self.sizes.tolist(), "scores": rows, **outlook(self)}


def photo_curve(
    tree: NumberedTree, fit: Fit, X: Float32, y: Int, photo: Int, progress: Progress, *, kind: str = "tree",
    draws: int = 3, seed: int = 0, threads: int = 1,
) -> PhotoCurve | None:  # fmt: skip
    """Draw photos to be kept apart, teach on prefixes of the others in random order, and score what is said.

    Probabilities are not calibrated here, which hardly changes the label said.

    Args:
        tree: of the labels.
        fit: of a local head.
        X: (N, D) float32.
        y: (N,) numbers of labels.
        photo: (N,) int64, 0..P-1.
        progress: told of each fit.
        kind: `tree` or `flat`.
        draws: how often.
        seed: decides them.
        threads: fits side by side.

    Returns:
        The curve, or None for fewer than ten photos.

    Raises:
        Cancelled: by the user.
    """
    count = int(photo.max()) + 1
    if count < LEAST_PHOTOS or draws < 1:
        return None
    parents = list(tree.parents) if kind == "tree" else [-1] * len(tree)
    held = max(1, round(HELD * count))
    sizes = _sizes(count - held)
    tasks = []
    for draw in range(draws):
        order = np.random.default_rng([seed, 17, draw]).permutation(count)
        turn = np.empty(count, np.int64)
        turn[order] = np.arange(count) - held  # below 0: kept apart
        tasks += [partial(_score, tree, parents, fit, X, y, photo, turn[photo], size) for size in sizes]
    found = run_all(tasks, threads, progress)
    table = np.array(found, np.float64).reshape(draws, len(sizes), 3)
    names = ("hf", "accuracy", "cover")
    return PhotoCurve(np.array(sizes, np.int64), {name: table[:, :, at] for at, name in enumerate(names)})


def _sizes(most: int) -> list[int]:
    """5, 10, 20, ... and all; none that is nearly all."""
    steps = [round(FEWEST * STEP**power) for power in range(40)]
    return [size for size in steps if size < 0.8 * most] + [most]


def _score(
    tree: NumberedTree, parents: Sequence[int], fit: Fit, X: Float32, y: Int, photo: Int, turn: Int, size: int
) -> tuple[float, float, float]:
    training, test = np.flatnonzero((turn >= 0) & (turn < size)), np.flatnonzero(turn < 0)
    if len(np.unique(y[training])) < 2:
        return math.nan, math.nan, math.nan
    head = fit_rows(parents, fit, X, y, photo, training)
    said = head.classes_[head.predict_proba(X[test]).argmax(axis=1)]
    errors = cover_errors(tree, photo[test], at_level(tree, y[test], 1), at_level(tree, said, 1))
    cover = float(np.mean([row["error"] for row in errors]))
    return agreement(y[test], said, tree.above).f, float((said == y[test]).mean()), cover


def outlook(curve: PhotoCurve) -> dict[str, Any]:
    """What more photos would bring, by a power law through the errors: plain JSON values, null where it does not tell.

    `photos_all` and `hf_all`: at the end of the curve. `hf_twice`: with twice as many photos. `more`: photos that one
    point of hF more takes. `sentence`: the same for people.

    Source: Hestness et al. 2017, arXiv:1712.00409
    """
    table = curve.scores["hf"]
    known = np.isfinite(table).any(axis=0)
    sizes, errors = curve.sizes[known].astype(np.float64), 1 - np.nanmean(table[:, known], axis=0)
    if not len(sizes):
        return {"photos_all": None, "hf_all": None, "hf_twice": None, "more": None, "sentence": ""}
    last, now = int(sizes[-1]), 1 - float(errors[-1])
    law = power_law(sizes, errors)
    start = {"photos_all": last, "hf_all": now}
    head = f"With {last:,} photos hF on photos kept apart is {100 * now:.1f} %"
    if law is None:
        few = "too few sizes to say what more would bring."
        return {**start, "hf_twice": None, "more": None, "sentence": f"{head}; {few}"}
    scale, power, floor = law
    gain = scale * (last**-power - (2.0 * last) ** -power)
    wanted = photos_for(sizes, errors, scale * last**-power + floor - POINT_MORE)
    more = None if wanted is None else max(1, math.ceil(wanted - last))
    if gain < NEGLIGIBLE:
        tail = "the curve is flat: more photos like these would hardly help, better features or labels might."
    else:
        tail = f"twice as many would bring about {100 * gain:.1f} points more"
        tail += "." if more is None else f", and one point more takes about {_round(more):,} more photos."
    return {**start, "hf_twice": now + gain, "more": more, "sentence": f"{head}; {tail}"}


def _round(number: int) -> int:
    """To two digits, as such a figure can tell no more."""
    digits = max(len(str(number)) - 2, 0)
    return int(round(number, -digits))


def _plain(value: np.floating | float) -> float | None:
    return float(value) if math.isfinite(value) else None
