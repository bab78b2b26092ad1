"""The graph of a layer of streets: nodes where streets meet, how many meet there, and every stretch once.

Streets meet where they share a vertex, be it an end or not. Lines that cross without one are a bridge or a tunnel. What
lies between two nodes is one street, of however many pieces it is drawn. Everything here is in metres of one plane.

The count of streets at a node is `street_count` of OSMnx (Boeing 2017, doi:10.1016/j.compenvurbsys.2017.05.004), which
the study of Rio used: a street that ends where it begins counts twice.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..progress import Progress

Numbers = NDArray[np.float64]
Indexes = NDArray[np.int64]
Shapes = NDArray[np.object_]

TOLERANCE_M = 0.5
ROUNDING = 6
"""Decimals of a metre to which vertices are one and the same."""
COMPUTED_M = 1e-5
"""Where two streets cross is known this well; vertices nearer than it to a crossing are the crossing."""
PARALLEL = 1e-12
MOST_PAIRS = 2_000_000
"""Of segments whose crossing is computed at a time."""


@dataclass(frozen=True)
class Streets:
    """S straight stretches and N nodes.

    Attributes:
        segments: (S, 2, 2) float64 metres, both ends of every stretch, each once however often it is drawn.
        nodes: (N, 2) float64 metres, where streets meet or end.
        degree: (N,) how many streets meet there; 1 at a dead end, never 2.
        repeated: stretches that were drawn more than once, and left out.
    """

    segments: Numbers
    nodes: Numbers
    degree: Indexes
    repeated: int = 0

    @property
    def length_m(self) -> float:
        """Of all streets."""
        return float(np.linalg.norm(self.segments[:, 1] - self.segments[:, 0], axis=1).sum())


@dataclass(frozen=True)
class _Mesh:
    """V vertices, S segments between two of them, and pairs of vertices that are to be one."""

    xy: Numbers
    ends: Indexes
    """(S, 2) places in `xy`."""
    joined: Indexes
    """(J, 2)"""


def street_graph(
    lines: Shapes, tolerance_m: float = TOLERANCE_M, at_crossings: bool = False, progress: "Progress | None" = None
) -> Streets:
    """The graph of lines.

    Args:
        lines: LineStrings or MultiLineStrings in metres; missing and empty ones are passed over.
        tolerance_m: an end this near to another vertex or street meets it; 0 asks for equal coordinates.
        at_crossings: True makes a node wherever lines cross, for layers that are not drawn with shared vertices.
        progress: of this step.
    """
    progress = progress or Progress()
    mesh, ends = _mesh(lines)
    drawn = len(mesh.ends)
    mesh = _each_once(mesh, np.arange(len(mesh.xy)))
    repeated = drawn - len(mesh.ends)
    progress.checkpoint(0.2)
    if at_crossings:
        mesh = _cut_at_ends(mesh, np.arange(len(mesh.xy)), COMPUTED_M)
        mesh, crossings = _cut_at_crossings(mesh)
        ends, tolerance_m = np.concatenate([ends, crossings]), max(tolerance_m, COMPUTED_M)
    progress.checkpoint(0.4)
    if tolerance_m > 0:
        mesh = _cut_at_ends(mesh, ends, tolerance_m)
        progress.checkpoint(0.6)
        mesh = _Mesh(mesh.xy, mesh.ends, np.concatenate([mesh.joined, _near_pairs(mesh.xy, ends, tolerance_m)]))
    progress.checkpoint(0.8)
    merged = _merged(mesh)
    cut = len(mesh.ends)
    mesh = _each_once(mesh, merged)
    repeated += cut - len(mesh.ends)
    both = merged[mesh.ends]
    both = both[both[:, 0] != both[:, 1]]
    degree = np.bincount(both.ravel(), minlength=int(merged.max(initial=-1)) + 1)
    place = np.unique(merged, return_index=True)[1]
    are_nodes = np.flatnonzero((degree > 0) & (degree != 2))
    return Streets(mesh.xy[mesh.ends], mesh.xy[place[are_nodes]].reshape(-1, 2), degree[are_nodes], repeated)


def _mesh(lines: Shapes) -> tuple[_Mesh, Indexes]:
    """All segments of lines, and the vertices where a line ends."""
    parts = shapely.force_2d(shapely.get_parts(np.asarray(lines, dtype=object)))
    parts = parts[~shapely.is_empty(parts)]
    raw, line = shapely.get_coordinates(parts, return_index=True)
    raw = np.round(raw, ROUNDING) + 0.0  # one zero, not two
    packed, where, vertex = np.unique(raw[:, 0] + 1j * raw[:, 1], return_index=True, return_inverse=True)
    same = line[1:] == line[:-1]
    ends = np.stack([vertex[:-1][same], vertex[1:][same]], axis=1)
    ends = ends[ends[:, 0] != ends[:, 1]]
    outer = np.ones(len(line), np.bool_)
    outer[1:-1] = ~(same[:-1] & same[1:])
    none = np.zeros((0, 2), np.int64)
    return _Mesh(raw[where].reshape(len(packed), 2), ends, none), np.unique(vertex[outer])


def _each_once(mesh: _Mesh, merged: Indexes) -> _Mesh:
    """Without segments between the same two vertices as an earlier one, in whatever direction."""
    low, high = np.sort(merged[mesh.ends], axis=1).T
    # Shorter than the tolerance: its vertices are one, but it is some metres of street all the same.
    short = low == high
    key = low * (int(merged.max(initial=0)) + 1) + high
    key[short] = -1 - np.arange(short.sum())
    return _Mesh(mesh.xy, mesh.ends[np.sort(np.unique(key, return_index=True)[1])], mesh.joined)


def _near_pairs(xy: Numbers, ends: Indexes, tolerance_m: float) -> Indexes:
    """(P, 2) ends, and vertices within the tolerance of them."""
    if not len(ends):
        return np.zeros((0, 2), np.int64)
    near = cKDTree(xy).query_ball_point(xy[ends], tolerance_m)
    count = np.array([len(some) for some in near])
    return np.stack([np.repeat(ends, count), np.concatenate(near).astype(np.int64)], axis=1)


def _merged(mesh: _Mesh) -> Indexes:
    """(V,) number of the place that each vertex is merged into."""
    many = len(mesh.xy)
    ones = np.ones(len(mesh.joined), np.int8)
    graph = coo_array((ones, (mesh.joined[:, 0], mesh.joined[:, 1])), shape=(many, many))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _cut_at_ends(mesh: _Mesh, ends: Indexes, tolerance_m: float) -> _Mesh:
    """Segments cut where a line ends on them or very near, between their vertices; the end is joined to the cut."""
    if not len(mesh.ends):
        return mesh
    tree = shapely.STRtree(shapely.linestrings(mesh.xy[mesh.ends]))
    found = tree.query(shapely.points(mesh.xy[ends]), predicate="dwithin", distance=tolerance_m)
    end, segment = ends[found[0]], found[1]
    a, b = mesh.xy[mesh.ends[segment, 0]], mesh.xy[mesh.ends[segment, 1]]
    p, along = mesh.xy[end], b - a
    to_a, to_b = np.linalg.norm(p - a, axis=1), np.linalg.norm(p - b, axis=1)
    beside = (to_a > tolerance_m) & (to_b > tolerance_m)  # else it meets a vertex of the segment, or is one
    end, segment, a, along, p = end[beside], segment[beside], a[beside], along[beside], p[beside]
    t = ((p - a) * along).sum(axis=1) / (along**2).sum(axis=1)
    new = len(mesh.xy) + np.arange(len(end))
    joined = np.concatenate([mesh.joined, np.stack([end, new], axis=1)])
    return _cut(_Mesh(np.concatenate([mesh.xy, a + t[:, None] * along]), mesh.ends, joined), segment, t, new)


def _cut_at_crossings(mesh: _Mesh) -> tuple[_Mesh, Indexes]:
    """Segments cut wherever two of them meet, and the new vertices."""
    if not len(mesh.ends):
        return mesh, np.zeros(0, np.int64)
    shapes = shapely.linestrings(mesh.xy[mesh.ends])
    pairs = shapely.STRtree(shapes).query(shapes)
    first, second = pairs[:, pairs[0] < pairs[1]]
    cuts = [
        _crossings(mesh, first[k : k + MOST_PAIRS], second[k : k + MOST_PAIRS])
        for k in range(0, len(first), MOST_PAIRS)
    ] or [_crossings(mesh, first, second)]
    one, other, t, u, xy = (np.concatenate(parts) for parts in zip(*cuts, strict=True))
    new = len(mesh.xy) + np.arange(len(one))
    whole = _Mesh(np.concatenate([mesh.xy, xy]), mesh.ends, mesh.joined)
    segment, at, vertex = np.concatenate([one, other]), np.concatenate([t, u]), np.concatenate([new, new])
    return _cut(whole, segment, at, vertex), new


def _crossings(mesh: _Mesh, first: Indexes, second: Indexes) -> tuple[Indexes, Indexes, Numbers, Numbers, Numbers]:
    """Pairs of segments that meet at a point which is not a vertex of both, where along each, and the point."""
    a, b, c, d = mesh.ends[first, 0], mesh.ends[first, 1], mesh.ends[second, 0], mesh.ends[second, 1]
    shares = (a == c) | (a == d) | (b == c) | (b == d)
    r, s, gap = mesh.xy[b] - mesh.xy[a], mesh.xy[d] - mesh.xy[c], mesh.xy[c] - mesh.xy[a]
    turn = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    size = np.linalg.norm(r, axis=1) * np.linalg.norm(s, axis=1)
    askew = (np.abs(turn) > PARALLEL * size) & ~shares
    safe = np.where(askew, turn, 1.0)
    t = (gap[:, 0] * s[:, 1] - gap[:, 1] * s[:, 0]) / safe
    u = (gap[:, 0] * r[:, 1] - gap[:, 1] * r[:, 0]) / safe
    meets = askew & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    t, u = t[meets], u[meets]
    return first[meets], second[meets], t, u, mesh.xy[a[meets]] + t[:, None] * r[meets]


def _cut(mesh: _Mesh, segment: Indexes, t: Numbers, vertex: Indexes) -> _Mesh:
    """Segments replaced by the stretches between their vertices and cuts at `t` from 0 to 1."""
    many = len(mesh.ends)
    owner = np.concatenate([np.arange(many), np.arange(many), segment])
    at = np.concatenate([np.full(many, -1.0), np.full(many, 2.0), t])
    name = np.concatenate([mesh.ends[:, 0], mesh.ends[:, 1], vertex])
    order = np.lexsort((at, owner))
    owner, name = owner[order], name[order]
    same = owner[1:] == owner[:-1]
    return _Mesh(mesh.xy, np.stack([name[:-1][same], name[1:][same]], axis=1), mesh.joined)
