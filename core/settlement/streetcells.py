"""Streets in cells: metres, nodes, and how many streets meet in them."""

import numpy as np
import shapely
from numpy.typing import NDArray

from ..progress import Progress
from .streets import Indexes, Numbers, Shapes, Streets

NUDGE_M = (1.3e-6, 0.7e-6)
"""Streets are moved by this much, so that one drawn along the border of two cells lies in one of them: the one to the
east or north. Lengths then add up."""
LINES_AT_ONCE = 100_000


def length_in(streets: Streets, cells: Shapes, progress: "Progress | None" = None) -> Numbers:
    """(N,) metres of streets in each of N polygons."""
    progress = progress or Progress()
    lines = shapely.linestrings(streets.segments + np.array(NUDGE_M))
    tree = shapely.STRtree(cells)
    shapely.prepare(cells)
    found = np.zeros(len(cells))
    for start in range(0, len(lines), LINES_AT_ONCE):
        progress.checkpoint(start / len(lines))
        some = lines[start : start + LINES_AT_ONCE]
        line, cell = tree.query(some, predicate="intersects")
        metres = shapely.length(some)[line]
        cut = np.flatnonzero(~shapely.contains(cells[cell], some[line]))
        metres[cut] = shapely.length(shapely.intersection(some[line[cut]], cells[cell[cut]]))
        found += np.bincount(cell, metres, minlength=len(cells))
    return found


def nodes_in(streets: Streets, cells: Shapes, dead_ends: bool = True) -> tuple[Indexes, Indexes, Numbers, Indexes]:
    """Number of nodes in each of N polygons, and the least, the mean and the most streets that meet in one.

    Args:
        streets: graph.
        cells: (N,) polygons in the same metres.
        dead_ends: whether the end of a street counts as a node where one street meets.

    Returns:
        (N,) int64, int64, float64, int64; all 0 in a cell without nodes.
    """
    counts = streets.degree > (0 if dead_ends else 2)
    degree = streets.degree[counts]
    node, cell = shapely.STRtree(cells).query(
        shapely.points(streets.nodes[counts] + np.array(NUDGE_M)), predicate="intersects"
    )
    number = np.bincount(cell, minlength=len(cells))
    least = np.full(len(cells), np.iinfo(np.int64).max)
    most = np.zeros(len(cells), np.int64)
    np.minimum.at(least, cell, degree[node])
    np.maximum.at(most, cell, degree[node])
    total = np.bincount(cell, degree[node], minlength=len(cells))
    mean: NDArray[np.float64] = np.divide(total, number, out=np.zeros(len(cells)), where=number > 0)
    return number, np.where(number > 0, least, 0), mean, most
