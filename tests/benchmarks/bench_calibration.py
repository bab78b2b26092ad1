"""Do written probabilities keep their word on groups kept apart, before and after calibration?

    QUADRAT_DATA=… python tests/benchmarks/bench_calibration.py [--sets village/bands …] [--heads linear …]

Each head is fitted to folds of whole groups (polygons, blocks), calibration and conformal threshold included, and
tested on the fold left out. Errors and accuracies are weighted as the head weighs classes (balanced, except for knn).

error      expected calibration error, before and after; the aim is 0.05
plain      the same after calibration without weights, as frequent as the labels
even, tied what such an error would be if every probability were right: with samples independent of one another, and
           with all samples of a group right or wrong together. The truth lies between; below it nothing can be told.
cover      share of test samples whose class is in its conformal set (asked: 0.9), each group weighing the same
"""

import argparse
import importlib
import pathlib
import sys
from functools import partial

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from curve_sets import DESIGN, REPORTED, LabelledSet  # noqa: E402
from quadrat.core.conformal import calibrate, members_of  # noqa: E402
from quadrat.core.folds import class_folds  # noqa: E402
from quadrat.core.heads.build import fit_head, is_balanced  # noqa: E402
from quadrat.core.heads.calibration import expected_error  # noqa: E402
from quadrat.core.heads.fitting import run_all  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from sklearn.utils.class_weight import compute_sample_weight  # noqa: E402

SETS = [
    *(name for name in REPORTED), "freiburg/bands", "luebeck/bands", "rondonia/bands",
]  # fmt: skip
HEADS = ("linear", "prototype", "knn", "forest-small", "forest", "mlp")
DRAWS = 50


class Found:
    """Test samples of all folds and repetitions."""

    def __init__(self) -> None:
        self.before, self.after, self.codes, self.groups, self.held, self.methods = [], [], [], [], [], []
        self.balanced = True

    def fold(
        self, data: LabelledSet, groups: np.ndarray, recipe: Recipe, training: np.ndarray, test: np.ndarray
    ) -> None:
        """Fit to one part, test on the other."""
        fitted = fit_head(recipe, data.X[training], data.y[training], groups[training])
        estimator = fitted.estimator
        classes = np.unique(data.y[training])
        test = test[np.isin(data.y[test], classes)]
        codes = np.searchsorted(classes, data.y[test])
        after = estimator.predict_proba(data.X[test])
        raw = getattr(estimator, "uncalibrated_proba", estimator.predict_proba)(data.X[test])
        held = np.full(len(test), np.nan)
        if fitted.held_out is not None:
            at = fitted.held_out.at
            known = np.searchsorted(classes, data.y[training])
            limit = calibrate(fitted.out_of_fold[at], known[at], groups[training][at], 0.9)
            if limit is not None:
                held = members_of(after, limit.threshold)[np.arange(len(test)), codes].astype(float)
        self.balanced = is_balanced(recipe, fitted)
        self.methods.append(fitted.calibration["method"])
        for row, value in zip(
            (self.before, self.after, self.codes, self.groups, self.held),
            (_wide(raw, classes), _wide(after, classes), classes[codes], groups[test], held),
            strict=True,
        ):
            row.append(value)

    def line(self) -> str:
        """Figures of one head on one set."""
        before, after, codes, groups, held = (
            np.concatenate(rows) for rows in (self.before, self.after, self.codes, self.groups, self.held)
        )
        weight = compute_sample_weight("balanced", codes) if self.balanced else np.ones(len(codes))
        errors = [expected_error(shares, codes, weight) for shares in (before, after)]
        right = [np.average(shares.argmax(1) == codes, weights=weight) for shares in (before, after)]
        plain = expected_error(after, codes, np.ones(len(codes)))
        even, tied = floors(after, groups, weight)
        share = np.nan
        known = np.isfinite(held)
        if known.any():
            sizes = np.unique(groups[known], return_inverse=True, return_counts=True)
            share = np.average(held[known], weights=1 / sizes[2][sizes[1]])
        names, counts = np.unique(self.methods, return_counts=True)
        chosen = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        return (
            f"error {errors[0]:.3f} -> {errors[1]:.3f}  plain {plain:.3f}  even {even:.3f} tied {tied:.3f}  "
            f"right {100 * right[0]:.1f} -> {100 * right[1]:.1f} %  cover {share:.2f}  {chosen}"
        )


def _wide(shares: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Columns by class value, so that folds without a class can be pooled with the others."""
    wide = np.zeros((len(shares), 64))
    wide[:, classes] = shares
    return wide


def floors(shares: np.ndarray, groups: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Mean error that right probabilities would show, samples alone and groups together."""
    rng = np.random.default_rng(0)
    members = np.unique(groups, return_inverse=True)[1]
    confidence = shares.max(axis=1)
    found = []
    for _ in range(DRAWS):
        for luck in (rng.random(len(shares)), rng.random(members.max() + 1)[members]):
            codes = np.where(luck < confidence, shares.argmax(axis=1), -1)
            found.append(expected_error(shares, codes, weight))
    return float(np.mean(found[::2])), float(np.mean(found[1::2]))


def measure(name: str, heads: list[str], repeats: int) -> None:
    """Print a line for each head on one set."""
    data = {**REPORTED, **DESIGN}[name]()
    for head in heads:
        found = Found()
        recipe = Recipe(head, "class", own_units=data.own_units, calibration="auto")
        for repeat in range(repeats):
            groups = data.groups(repeat)
            folds = class_folds(data.y, groups, 5, repeat, every_class=False)
            if folds is None:
                continue
            run_all([partial(found.fold, data, groups, recipe, *part) for part in folds.parts()], 1, Progress())
        print(f"{name:18} {head:13} {found.line()}" if found.codes else f"{name:18} too few groups", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--heads", nargs="*", default=HEADS)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    for name in given.sets:
        measure(name, given.heads, given.repeats)


if __name__ == "__main__":
    main()
