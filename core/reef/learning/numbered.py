"""A label tree as numbers: what heads and their trust compute with."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...metrics.hierarchical import lineage
from ..tree import LabelTree, key_of

Int = NDArray[np.int64]
Float = NDArray[np.float64]
ROOT = -1
"""Above all roots: what is known of a point of which nothing is known."""


@dataclass(frozen=True)
class NumberedTree:
    """Labels 0..K-1 in order of display, parents before children."""

    codes: tuple[str, ...]
    parents: tuple[int, ...]
    """Number of the parent of each label, `ROOT` at roots."""

    @classmethod
    def of(cls, tree: LabelTree) -> "NumberedTree":
        """The numbers of a tree."""
        place = {code: number for number, code in enumerate(tree)}
        return cls(tree.codes, tuple(place[tree.parent(code)] if tree.parent(code) else ROOT for code in tree))

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Of each label, numbers from its root down to itself."""
        found: list[tuple[int, ...]] = []
        for number, parent in enumerate(self.parents):
            found.append((*(found[parent] if parent != ROOT else ()), number))
        return tuple(found)

    @cached_property
    def levels(self) -> Int:
        """(K,) 1 for roots."""
        return np.array([len(path) for path in self.paths], dtype=np.int64)

    @cached_property
    def above(self) -> NDArray[np.bool_]:
        """(K, K) bool: row i marks label i and all its ancestors."""
        return lineage(self.paths)

    def numbers(self, codes: Iterable[str]) -> Int:
        """(N,) numbers of codes, in any case of letters.

        Raises:
            BadInput: codes that are no labels of the tree; the sentence names them.
        """
        codes = list(codes)
        place = {key_of(code): number for number, code in enumerate(self.codes)}
        strangers = list(dict.fromkeys(code for code in codes if key_of(code) not in place))
        if strangers:
            shown = ", ".join(f"'{code}'" for code in strangers[:5]) + (" and more" if len(strangers) > 5 else "")
            raise BadInput(
                f"Points carry labels that the label tree lacks: {shown}. Add them to the tree, or leave these points "
                "out of training."
            )
        return np.array([place[key_of(code)] for code in codes], dtype=np.int64)

    def shares(self, label_shares: Float, classes: Int) -> Float:
        """(N, K) probability of each label or anything below it.

        Args:
            label_shares: (N, C) probability that a point is labelled as each class, exactly.
            classes: (C,) numbers of labels.
        """
        return np.asarray(label_shares @ self.above[classes].astype(np.float64))
