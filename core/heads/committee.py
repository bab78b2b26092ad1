"""Several heads that decide together: what `auto` and balanced ensembles leave behind after fitting."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

MEAN, VOTE = "mean", "vote"
TIE = 1e-6
"""Weight of the mean beside votes: it decides between classes with as many votes, and shows in no digit."""


class Committee(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Mean of the probabilities of several classifiers, or the share of them that name each class.

    Args:
        heads: list of estimators with `predict_proba`; None: two logistic regressions.
        combine: str. `mean` or `vote`.

    Attributes:
        members_: list of fitted estimators.
        classes_: ndarray of shape (n_classes,)
    """

    def __init__(self, heads: Sequence[Any] | None = None, combine: str = MEAN) -> None:
        self.heads = heads
        self.combine = combine

    @classmethod
    def of(cls, members: Sequence[Any], combine: str = MEAN) -> Self:
        """A committee of classifiers that are fitted already."""
        made = cls(combine=combine)
        made.members_ = list(members)
        made.classes_ = np.unique(np.concatenate([member.classes_ for member in members]))
        made.n_features_in_ = int(members[0].n_features_in_)
        return made

    def fit(self, X: Any, y: Any) -> Self:
        """Fit a copy of each head to X of shape (n_samples, n_features)."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        heads = [LogisticRegression(), LogisticRegression(C=0.01)] if self.heads is None else self.heads
        self.members_ = [clone(head).fit(X, y) for head in heads]
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Class of each row of X."""
        found = self.predict_proba(X)
        return np.asarray(self.classes_[found.argmax(axis=1)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class, or share of votes: (n_samples, n_classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float32, np.float64])
        return self.together([member.predict_proba(X) for member in self.members_])

    def together(self, shares: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
        """(n_samples, n_classes) of what each member says, (n_samples, its classes)."""
        mean = np.zeros((len(shares[0]), len(self.classes_)))
        votes = np.zeros_like(mean)
        for member, found in zip(self.members_, shares, strict=True):
            place = np.searchsorted(self.classes_, member.classes_)
            mean[:, place] += found
            votes[np.arange(len(found)), place[found.argmax(axis=1)]] += 1
        said = mean if self.combine == MEAN else (votes + TIE * mean) / (1 + TIE)
        return said / len(self.members_)


class ValueCommittee(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Median of what several regressors say: one that extrapolates wildly does no harm among three.

    Args:
        heads: list of estimators; None: one ridge regression.

    Attributes:
        members_: list of fitted estimators.
    """

    def __init__(self, heads: Sequence[Any] | None = None) -> None:
        self.heads = heads

    @classmethod
    def of(cls, members: Sequence[Any]) -> Self:
        """A committee of regressors that are fitted already."""
        made = cls()
        made.members_ = list(members)
        made.n_features_in_ = int(members[0].n_features_in_)
        return made

    def fit(self, X: Any, y: Any) -> Self:
        """Fit a copy of each head to X of shape (n_samples, n_features)."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64], y_numeric=True)
        self.members_ = [clone(head).fit(X, y) for head in self.heads or [Ridge()]]
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Value for each row of X."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float32, np.float64])
        return np.asarray(np.median([member.predict(X) for member in self.members_], axis=0))
