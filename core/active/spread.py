"""Keeps chosen places apart in space."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

SMALLEST_SHARE = 1 / 64
"""Of the spacing wished for; below it places need only be distinct."""


class Spread:
    """Which candidates are still open, given what was taken and the spacing between any two.

    Attributes:
        open: (n,) bool.
        taken: candidates in the order in which they were taken.
        spacing: that holds now; halved when nothing is open any more.
    """

    def __init__(
        self, xy: NDArray[np.float64] | None, count: int, spacing: float, known_xy: NDArray[np.float64] | None = None
    ) -> None:
        """Close what is too near to a known place.

        Args:
            xy: (n, 2) of the candidates, or None: they need only be distinct.
            count: n.
            spacing: least distance, in units of `xy`.
            known_xy: (m, 2) places to keep away from as well.
        """
        self.wished = self.spacing = spacing if xy is not None else 0.0
        self._tree = None if xy is None or not count else cKDTree(xy)
        self._xy = xy
        none = np.empty((0, 2))
        self._known = none if known_xy is None else known_xy
        self.taken: list[int] = []
        self.open = np.ones(count, dtype=np.bool_)
        self._close_all()

    def take(self, index: int) -> None:
        """Choose a candidate; those too near to it are closed."""
        self.taken.append(int(index))
        self.open[index] = False
        if self._tree is not None and self._xy is not None and self.spacing > 0:
            self._close(self._xy[[index]])

    def ready(self) -> bool:
        """True while there is an open candidate; halves the spacing where there is none left."""
        while not self.open.any():
            if self.spacing <= 0:
                return False
            halved = self.spacing / 2
            self.spacing = halved if halved >= self.wished * SMALLEST_SHARE else 0.0
            self._close_all()
        return True

    def notes(self, count: int) -> list[str]:
        """What the user should know of the spacing, as sentences."""
        if self.spacing >= self.wished:
            return []
        now = f"{self.spacing:.4g}" if self.spacing else "nothing"
        return [
            f"{count} places do not fit with a spacing of {self.wished:.4g}; it was lowered to {now} for the last ones."
        ]

    def _close(self, xy: NDArray[np.float64]) -> None:
        if self._tree is None or not len(xy):
            return
        for near in self._tree.query_ball_point(xy, self.spacing * (1 - 1e-9)):
            self.open[near] = False

    def _close_all(self) -> None:
        self.open[:] = True
        self.open[self.taken] = False
        # With a spacing of 0 still nothing is suggested where a label lies already.
        self._close(self._known)
        if self._xy is not None and self.spacing > 0 and self.taken:
            self._close(self._xy[self.taken])
