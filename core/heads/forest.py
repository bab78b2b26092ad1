"""Random forests: the small one that was published for few labels, an unrestricted one, and one of random cuts."""

from typing import Any

from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from .build import HeadRequest

FEW_LEAVES = 3
"""With fewer leaves than these of two samples each, trees keep single samples."""


def build(request: HeadRequest) -> Any:
    """Unfitted forest of 400 trees without limit of depth."""
    return _forest(request, n_estimators=400)


def build_small(request: HeadRequest) -> Any:
    """Unfitted forest of 50 trees of depth 7."""
    return _forest(request, n_estimators=50, max_depth=7)


def build_extra(request: HeadRequest) -> Any:
    """Unfitted extremely randomised trees: 200, each grown on all samples and half of the features at each split.

    A leaf keeps two samples where there are enough: the leaves of fully grown trees are pure, and class weights would
    change nothing in them.
    """
    few = request.n_samples < 2 * max(request.n_classes, FEW_LEAVES)
    common = {
        "n_estimators": 200, "max_features": 0.5, "min_samples_leaf": 1 if few else 2, "random_state": request.seed,
        "n_jobs": request.threads,
    }  # fmt: skip
    if request.target == "class":
        return ExtraTreesClassifier(class_weight="balanced" if request.balance else None, **common)
    return ExtraTreesRegressor(**common)


def _forest(request: HeadRequest, **size: int) -> Any:
    common = {"random_state": request.seed, "n_jobs": request.threads, **size}
    if request.target == "class":
        return RandomForestClassifier(class_weight="balanced" if request.balance else None, **common)
    # A third of the features at each split, as Breiman advised for regression; scikit-learn's default takes all.
    return RandomForestRegressor(max_features=1 / 3, **common)
