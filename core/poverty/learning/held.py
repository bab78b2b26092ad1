"""A region that is held out: places inside are tested by methods that learnt from places outside, at a distance."""

import numpy as np
from numpy.typing import NDArray

from ...crossval import LeftOut, Scheme, inner_groups
from ...errors import BadInput
from ...folds import TRAINING_ONLY, Folds
from ...jobs.poverty.assess import AssessSeries
from ...samples import Samples
from ...separation import testable
from ..heldout import GUARD_M, inside_region, too_near
from .dealt import Dealt

Bool = NDArray[np.bool_]
HELD, TITLE = "held", "Held-out region"


def held_scheme(job: AssessSeries, samples: Samples) -> Scheme | LeftOut | None:
    """The test of the region that the job holds out; None where it holds out none.

    Raises:
        BadInput: it is not known where rows lie, or all or none lie inside.
    """
    if not job.held_extent and not job.held_area:
        return None
    if samples.xy is None:
        raise BadInput(
            f"It is not known where the rows of {job.samples} lie, so no region can be held out. Give a layer with "
            "geometry, or columns longitude and latitude."
        )
    inside = inside_region(job.held_extent, job.held_area, samples.xy, samples.crs)
    return _scheme(inside, samples, job.seed)


def _scheme(inside: Bool, samples: Samples, seed: int) -> Scheme | LeftOut:
    """Training keeps `GUARD_M` away from each tested place, and holds no other row of such a place."""
    outside = np.flatnonzero(~inside)
    near = np.isin(samples.groups[outside], samples.groups[inside])
    if samples.crs and samples.xy is not None:
        near |= too_near(samples.xy, samples.crs, inside, GUARD_M)[outside]
    folds = Folds(np.where(inside, 0, TRAINING_ONLY), 1, left_out=(outside[near],), names=("inside",))
    kept = testable(folds, samples.y, classes=False)
    rows = "1 row lies" if inside.sum() == 1 else f"{inside.sum():,} rows lie"
    if kept is None:
        reason = (
            f"{rows} inside, and within {GUARD_M / 1000:.0f} km of these all others, so nothing is left to learn from."
        )
        return LeftOut(HELD, TITLE, reason)
    guard = (
        f"{near.sum():,} of these are left out as nearer than {GUARD_M / 1000:.0f} km to a tested one"
        if samples.crs
        else "how far apart in metres is not known, so none is left out as too near"
    )
    sentence = f"{rows} inside and are tested by methods that learnt from the {len(outside):,} rows outside; {guard}."
    groups = inner_groups(samples, seed)
    return Dealt(HELD, TITLE, sentence, lambda repeat: groups, dealt=((groups, kept),))
