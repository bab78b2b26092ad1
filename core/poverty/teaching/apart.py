"""Which places a training job sets apart: those of a held-out region, and those too near to it to learn from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...jobs.poverty.train import TrainSeries
from ..heldout import GUARD_M, inside_region, too_near

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
FEWEST = 12
"""Places below which nothing can be taught, chosen and tested."""


@dataclass(frozen=True)
class Apart:
    """Of N places.

    Attributes:
        inside: (N,) in the region: told by every model, learnt from by none.
        near: (N,) outside it, but too near: not used at all.
        guard_m: nearer than this.
        what: `places` of a survey, or `cells`.
    """

    inside: Bool
    near: Bool
    guard_m: float
    what: str

    @property
    def outside(self) -> Bool:
        """(N,) to learn from."""
        return ~self.near & ~self.inside

    def check(self, notes: tuple[str, ...]) -> None:
        """See to it that enough are left to learn from, and one to test.

        Raises:
            BadInput: too few.
        """
        left = int(self.outside.sum())
        if left < FEWEST:
            raise BadInput(
                f"{left} {self.what} are left to learn from outside the held-out region; {FEWEST} are needed. Hold out "
                f"a smaller one, or choose smaller squares. {' '.join(notes)}"
            )
        if self.guard_m and not self.inside.any():
            raise BadInput(f"None of the {self.what} in the held-out region has a value. Hold out another one.")

    def of(self, at: Int) -> "Apart":
        """Of some of the places."""
        return replace(self, inside=self.inside[at], near=self.near[at])

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the log; none without a region."""
        if not self.inside.any():
            return ()
        return (
            f"{int(self.inside.sum()):,} {self.what} lie in the held-out region: no model learns from them. "
            f"{int(self.near.sum()):,} others lie nearer than {self.guard_m / 1000:.3g} km to these and are left out.",
        )


def apart_of(job: TrainSeries, xy: Float, crs: str, what: str, displaced_m: float = 0.0) -> Apart:
    """What the job holds out; nothing where it names no region.

    The guard is as wide as the squares that are kept apart, 20 km at most, and never less than twice as far as places
    may be displaced: one on each side of the border.

    Args:
        job: with a region, or none.
        xy: (N, 2) places.
        crs: of these.
        what: `places` or `cells`.
        displaced_m: how far published places may lie from the true ones.

    Raises:
        BadInput: no place lies inside the region, or all do.
    """
    if not job.held_extent and not job.held_area:
        nothing = np.zeros(len(xy), np.bool_)
        return Apart(nothing, nothing, 0.0, what)
    guard_m = max(min(job.block_size_m, GUARD_M), 2 * displaced_m)
    inside = inside_region(job.held_extent, job.held_area, xy, crs)
    return Apart(inside, too_near(xy, crs, inside, guard_m), guard_m, what)
