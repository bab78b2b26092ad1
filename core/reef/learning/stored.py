"""A learnt model of photo points as one file: the head, its labels, what its vectors are, and what was held out.

Shares of photos that heads did not know stay with the model, so that thresholds for any wished accuracy, and branches
for any coverage, are chosen when it is used.  The file is a zip without pickle, see `core/heads/storage.py`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput, Stale
from ...heads.storage import load_arrays, load_head, save_head
from ..tree import Label, LabelTree
from .descent import Descent, descend
from .hierarchy import LocalPerParent
from .numbered import Float, Int, NumberedTree
from .trust import TreeSets, TrustedLevels, choose_thresholds, tree_sets

RESULT = "reefmodel"
"""What facts and sidecar call such a file."""
EXTENSION = "qreef"
STATE = "state."
"""Before the names of the backbone's arrays in the file."""
MOST_KEPT = 50_000
"""Held-out points that stay with a model, of whole photos: more would move no threshold, and make the file large."""
AT_ONCE = 20_000
"""Points whose probabilities are computed together."""


@dataclass
class ReefModel:
    """What `trainreef` learnt.

    Labels are numbered in the order of `labels`; `classes` are the numbers of those that points of training carry.
    """

    name: str
    """Short text, the same for equal fits only: written into `suggestions.model`."""
    head: LocalPerParent
    labels: tuple[Label, ...]
    """The whole tree, parents before children."""
    features: dict[str, Any]
    """What the vectors are: `request` (facts of the `VectorRequest`), `identity`, `dimensions`. Plain JSON values."""
    state: dict[str, NDArray[Any]]
    """Arrays that the backbone needs to be built again; may be empty."""
    photos: tuple[str, ...]
    """Names of all photos that the head was fitted to."""
    out_of_fold: Float
    """(N, C) probability of each of `classes`, by heads that do not know the photo."""
    truth: Int
    """(N,) numbers of labels of the same points."""
    photo: Int
    """(N,) place in `photos`."""
    facts: dict[str, Any] = field(default_factory=dict)
    """How it was trained and tested: plain JSON values."""

    @property
    def classes(self) -> Int:
        """(C,) numbers of the labels that it can give, rising."""
        return np.asarray(self.head.classes_)

    @cached_property
    def label_tree(self) -> LabelTree:
        """The labels with names and colours."""
        return LabelTree(self.labels)

    @cached_property
    def tree(self) -> NumberedTree:
        """The labels as numbers."""
        return NumberedTree.of(self.label_tree)

    def shares(self, X: NDArray[np.float32]) -> Float:
        """(N, C) calibrated probability that a point is labelled exactly so.

        Args:
            X: (N, D) float32 vectors of `features`; N may be 0.

        Raises:
            BadInput: vectors of another length.
        """
        wide = int(self.head.n_features_in_)
        if X.ndim != 2 or X.shape[1] != wide:
            raise BadInput(
                f"The model {self.name} learnt from vectors of {wide} numbers, and these have {X.shape[-1]}. Make them "
                "by the backbone that the model was trained with."
            )
        parts = [self.head.predict_proba(X[start : start + AT_ONCE]) for start in range(0, len(X), AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.classes)))

    def descent(self, shares: Float) -> Descent:
        """The most probable way down the tree of each point, from what `shares` gave."""
        return descend(self.tree, shares, self.classes)

    @cached_property
    def _held_out(self) -> Descent:
        return self.descent(self.out_of_fold)

    def thresholds(self, wish: float) -> TrustedLevels:
        """Least confidence at each level at which the wished accuracy, 0..1, holds: for `Descent.until`."""
        return choose_thresholds(self.tree, self._held_out, self.truth, self.photo, wish)

    def sets(self, coverage: float) -> TreeSets | None:
        """The threshold for branches that hold the true label with this coverage, 0..1; None with too few photos."""
        return tree_sets(self.tree, self._held_out, self.truth, self.photo, coverage)

    def save(self, path: str) -> None:
        """Write the model under a temporary name and rename it; equal models are equal bytes.

        Raises:
            Unwritable: the folder cannot be written.
        """
        labels = [[one.code, one.name, one.parent, one.colour] for one in self.labels]
        facts = {
            "result": RESULT, "name": self.name, "labels": labels, "features": self.features,
            "photos": list(self.photos), "facts": self.facts,
        }  # fmt: skip
        arrays: dict[str, NDArray[Any]] = {
            "out_of_fold": self.out_of_fold.astype(np.float32), "truth": self.truth, "photo": self.photo,
            **{STATE + name: array for name, array in self.state.items()},
        }  # fmt: skip
        save_head(path, facts, self.head, arrays)

    @classmethod
    def load(cls, path: str) -> Self:
        """What `save` wrote.

        Raises:
            BadInput: no such file, damaged, or no model of photo points.
            VersionMismatch: written by a newer Quadrat.
            Stale: of another minor version of scikit-learn.
        """
        try:
            facts, head = load_head(path)
        except Stale as error:
            raise Stale(str(error).replace("'Train head' again", "'Train on annotated photos' again")) from error
        except BadInput as error:
            if " is not a head of Quadrat" in str(error):
                text = str(error).replace(" is not a head of Quadrat", " is no model of photo points")
                raise BadInput(f"{text} Make one with 'Train on annotated photos'.") from error
            raise
        if facts.get("result") != RESULT or not isinstance(head, LocalPerParent):
            raise BadInput(f"{path} is no model of photo points. Make one with 'Train on annotated photos'.")
        arrays = load_arrays(path)
        try:
            kept = arrays["out_of_fold"].astype(np.float64)
            kept /= kept.sum(axis=1, keepdims=True)
            state = {name[len(STATE) :]: array for name, array in arrays.items() if name.startswith(STATE)}
            labels = tuple(Label(*one) for one in facts["labels"])
            model = cls(
                str(facts["name"]), head, labels, dict(facts["features"]), state, tuple(facts["photos"]), kept,
                arrays["truth"], arrays["photo"], dict(facts["facts"]),
            )  # fmt: skip
            model._check()
        except Exception as error:
            # A file that was put together by hand may hold anything; what is asked of it later must not find that out.
            raise BadInput(f"The model {path} is damaged ({error}). Train it again.") from error
        return model

    def _check(self) -> None:
        """Raise unless all parts are of the same labels, points and photos."""
        points, given = len(self.truth), self.shares(np.zeros((1, int(self.head.n_features_in_)), np.float32))
        whole = len(self.tree) == len(self.labels) == len(self.head.parents)
        whole &= self.out_of_fold.shape == (points, len(self.classes)) and given.shape == (1, len(self.classes))
        whole &= bool(np.isfinite(self.out_of_fold).all()) and self.photo.shape == self.truth.shape == (points,)
        for numbers, count in ((self.truth, len(self.labels)), (self.photo, len(self.photos))):
            whole &= numbers.dtype.kind == "i" and points > 0 and 0 <= int(numbers.min()) <= int(numbers.max()) < count
        if not whole or not all(isinstance(name, str) for name in self.photos):
            raise ValueError("its parts do not belong together")


def model_name(head: str, kind: str, classes: Int, out_of_fold: Float, features: Mapping[str, Any]) -> str:
    """A short text that equal fits share and others do not, as `tree linear 3f2a91c0`.

    Args:
        head: name of the local heads.
        kind: `tree` or `flat`.
        classes: (C,).
        out_of_fold: (N, C); any change of data, seed or settings shows in it.
        features: as of the model.
    """
    mark = hashlib.sha256(f"{head} {kind} {features.get('identity', '')} {classes.tolist()}".encode())
    mark.update(np.ascontiguousarray(out_of_fold.astype(np.float32)).tobytes())
    return f"{kind} {head} {mark.hexdigest()[:8]}"


def kept_points(photo: Int, seed: int, most: int = MOST_KEPT) -> Int:
    """Points of so many photos, drawn whole, as stay within a number: (n,) rising; always those of one photo at least.

    Args:
        photo: (N,) int64.
        seed: decides the draw.
        most: points.
    """
    if len(photo) <= most:
        return np.arange(len(photo))
    _, members = np.unique(photo, return_inverse=True)
    order = np.random.default_rng([seed, 13]).permutation(int(members.max()) + 1)
    sizes = np.bincount(members)[order].cumsum()
    taken = np.zeros(len(order), bool)
    taken[order[: max(1, int((sizes <= most).sum()))]] = True
    return np.flatnonzero(taken[members])
