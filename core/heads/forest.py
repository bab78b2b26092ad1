"""Random forests: the small one that was published for few labels, and an unrestricted one."""

from typing import Any

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from .build import HeadRequest


def build(request: HeadRequest) -> Any:
    """Unfitted forest of 400 trees without limit of depth."""
    return _forest(request, n_estimators=400)


def build_small(request: HeadRequest) -> Any:
    """Unfitted forest of 50 trees of depth 7."""
    return _forest(request, n_estimators=50, max_depth=7)


def _forest(request: HeadRequest, **size: int) -> Any:
    common = {"random_state": request.seed, "n_jobs": request.threads, **size}
    if request.target == "class":
        return RandomForestClassifier(class_weight="balanced" if request.balance else None, **common)
    # A third of the features at each split, as Breiman advised for regression; scikit-learn's default takes all.
    return RandomForestRegressor(max_features=1 / 3, **common)
