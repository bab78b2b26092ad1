"""How many labels are enough, for a report: curves under the honest and the random scheme, within a bounded work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crossval import HeadPlan, Scheme
from .folds import Folds
from .heads.recipe import Recipe
from .learningcurve import SIZES, Curve, curve
from .progress import Progress
from .samples import Samples

ENOUGH = 0.95
"""Of the full-label score."""
WORK = 8000.0
"""Most work of a curve, in fits of a plain head on few samples, some 20 ms each: three minutes on one core."""
FEWEST_DRAWS = 3
DRAWS_BESIDE = 3
"""Of curves beside the one that counts, of which only the mean is shown."""
HEAVY = {"auto": 100.0, "linear": 6.0, "forest": 25.0, "trees": 15.0, "mlp": 15.0, "forest-small": 4.0}
"""Work of heads that take longer than a plain one, as measured on a thousand samples."""
SAMPLES = 2000.0
"""Samples that double the work of a fit."""


@dataclass(frozen=True)
class Bounds:
    """What a curve may cost."""

    draws: int
    sizes: tuple[int, ...]
    sentence: str
    """What was left out to stay within it; empty when nothing was."""


def bounds(recipe: Recipe, samples: int, folds: int, draws: int) -> Bounds:
    """As many draws and sizes as the work allows: fewer draws first, then fewer sizes.

    Args:
        recipe: how the head is fitted.
        samples: of a training part.
        folds: of a draw.
        draws: that were asked for.
    """
    heavy = max(HEAVY.get(name, 1.0) for name in recipe.head.split("+"))
    if recipe.ensemble != "none":
        heavy *= recipe.members
    sizes = tuple(size for size in SIZES if size < samples)

    def work(chosen: Sequence[int]) -> float:
        return folds * heavy * sum(1 + size / SAMPLES for size in (*chosen, samples))

    most = int(WORK / work(sizes))
    if most >= draws:
        return Bounds(draws, sizes, "")
    fewer = min(draws, max(most, FEWEST_DRAWS))
    kept = sizes
    while len(kept) > 3 and fewer * work(kept) > WORK:
        kept = kept[::2]
    text = f"The curve was drawn {fewer} times instead of {draws}, as this head takes long to fit."
    if kept != sizes:
        text = text[:-1] + ", and at every other size only."
    return Bounds(fewer, kept, text)


def count_labels(
    schemes: Sequence[Scheme], samples: Samples, plan: HeadPlan, metric: str, wish: int, draws: int, progress: Progress
) -> dict[str, Any] | None:
    """Curves of the first scheme and, beside it, of the others given; plain JSON values.

    Args:
        schemes: the one to trust first.
        samples: all of them.
        plan: how to fit.
        metric: the score to look at.
        wish: most folds.
        draws: how often labels are drawn.
        progress: of all curves.

    Returns:
        The numbers, or None when no curve can be drawn.
    """
    limits = bounds(plan.recipe, len(samples.y) * (wish - 1) // wish, wish, draws)
    found: list[tuple[Scheme, Curve]] = []
    for number, scheme in enumerate(schemes):
        part = progress.part(number / len(schemes), (number + 1) / len(schemes))
        part.checkpoint(0.0, f"Learning curve: {scheme.title}")
        draws_here = min(limits.draws, DRAWS_BESIDE) if number else limits.draws
        made = curve(
            samples.X, samples.y, samples.groups, partial(_split, scheme, samples, plan, wish), plan.recipe,
            draws_here, limits.sizes, plan.threads, part,
        )  # fmt: skip
        if made is not None:
            found.append((scheme, made))
    if not found or found[0][0] is not schemes[0]:
        return None
    first = found[0][1]
    needed, low, high = first.needed_for_share(metric, ENOUGH, plan.seed)
    return {
        "metric": metric,
        "draws": limits.draws,
        "bounded": limits.sentence,
        "share": ENOUGH,
        "needed": _whole(needed),
        "needed_low": _whole(low),
        "needed_high": _whole(high),
        "still_rising": first.still_rising(metric),
        "classes_first": len(samples.classes),
        "curves": [_rows(scheme, made, metric) for scheme, made in found],
    }


def _split(
    scheme: Scheme, samples: Samples, plan: HeadPlan, wish: int, draw: int
) -> tuple[NDArray[np.int64], Folds] | None:
    return scheme.split(samples, wish, plan.seed, draw)


def _rows(scheme: Scheme, made: Curve, metric: str) -> dict[str, Any]:
    mean, (low, high) = made.mean(metric), made.band(metric)
    return {
        "scheme": scheme.name,
        "title": scheme.title,
        "labels": made.sizes.tolist(),
        "mean": [_plain(value) for value in mean],
        "low": [_plain(value) for value in low],
        "high": [_plain(value) for value in high],
        "draws": [[_plain(value) for value in row] for row in made.scores[metric]],
    }


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _whole(labels: float) -> int | None:
    """Labels, rounded to what such a figure can tell: two digits."""
    if not math.isfinite(labels):
        return None
    digits = max(int(np.floor(np.log10(max(labels, 1)))) - 1, 0)
    return int(round(labels / 10**digits) * 10**digits)
