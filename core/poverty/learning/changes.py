"""Changes of places that were asked in two years: pairs of rows as samples of their own."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...samples import FeatureSpace, Samples
from .rows import Rows
from .sphere import on_sphere

Float = NDArray[np.float64]
Int = NDArray[np.int64]
MOST_APART_M = 20_000.0
"""Of two published positions of one place: each is displaced by up to 10 km."""


@dataclass(frozen=True)
class Pairs:
    """M pairs of an earlier and a later row of one place.

    Attributes:
        first: (M,) index of the earlier row.
        second: (M,) of the later.
        years: (M,) between them.
    """

    first: Int
    second: Int
    years: Float

    def __len__(self) -> int:
        """Pairs."""
        return len(self.first)


def pairs_of(rows: Rows) -> Pairs:
    """Every pair of rows of one place in two years.

    Rows that one name calls the same place although they lie farther apart than places are displaced are none: many
    surveys number their clusters from 1 again.
    """
    none = np.empty(0, np.int64)
    if rows.year is None:
        return Pairs(none, none, none.astype(np.float64))
    first: list[int] = []
    second: list[int] = []
    order = np.lexsort((rows.year, rows.samples.groups))
    borders = np.flatnonzero(np.diff(rows.samples.groups[order])) + 1
    for members in np.split(order, borders):
        for at, one in enumerate(members):
            later = [other for other in members[at + 1 :] if rows.year[other] > rows.year[one]]
            first += [int(one)] * len(later)
            second += map(int, later)
    a, b = np.array(first, np.int64), np.array(second, np.int64)
    if rows.samples.xy is not None and rows.samples.crs and len(a):
        places = on_sphere(rows.samples.xy, rows.samples.crs)
        near = np.linalg.norm(places[a] - places[b], axis=1) <= MOST_APART_M
        a, b = a[near], b[near]
    return Pairs(a, b, rows.year[b] - rows.year[a])


def as_samples(rows: Rows, pairs: Pairs, use_region: bool) -> Samples:
    """Pairs as samples: what changed in each feature, its mean over both years, years between, and the regions.

    Means are there because a change of light means another thing in a town than in a village.
    """
    samples, year = rows.samples, rows.year
    before, after = samples.X[pairs.first], samples.X[pairs.second]
    columns = [after - before, (after + before) / 2, pairs.years[:, None].astype(np.float32)]
    if year is not None:
        columns.append(year[pairs.first][:, None].astype(np.float32))
    regions = None if rows.regions is None else rows.regions.take(pairs.first)
    if use_region and regions is not None:
        columns.append((regions.of[:, None] == np.arange(len(regions.names))).astype(np.float32))
    groups = np.unique(samples.groups[pairs.first], return_inverse=True)[1].astype(np.int64)
    X = np.concatenate(columns, axis=1)
    names = tuple(f"change_{number}" for number in range(X.shape[1]))
    return replace(
        samples,
        X=X,
        y=samples.y[pairs.second] - samples.y[pairs.first],
        groups=groups,
        xy=None if samples.xy is None else samples.xy[pairs.first],
        space=FeatureSpace(samples.space.identity, names, source="table"),
        regions=regions,
    )
