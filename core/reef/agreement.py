"""How far two annotators of a survey agree, at each level of the label tree; standard library, Python 3.9.

Cohen's kappa: agreement beyond what two people reach who give labels as often as these do, but at random. Photos are
the unit of its interval, since the points of a photo are alike.
"""

import math
from collections import Counter
from statistics import NormalDist
from typing import Counter as Counts
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .schema import OF_MACHINE
from .survey import Survey
from .tree import LabelTree, key_of

LEVEL = 0.95
FEWEST_PHOTOS = 10
"""Fewer photos tell too little of the spread between photos for an interval."""


class Annotator(NamedTuple):
    """Somebody who annotated; what a machine said in the same name does not count."""

    name: str
    points: int
    photos: int


class Twice(NamedTuple):
    """A point that two people labelled."""

    point: int
    photo: int
    number: int
    one: str
    other: str


class Kappa(NamedTuple):
    """Agreement of two people at a level."""

    level: int
    points: int
    photos: int
    agreed: int
    """Points with one label by both."""
    kappa: Optional[float]
    """None where both gave one and the same label to all points: then chance agrees as well."""
    low: Optional[float]
    high: Optional[float]
    """Limits over photos like these; None for fewer than ten photos."""

    @property
    def share(self) -> float:
        """Share of points with one label by both, 0 to 1."""
        return self.agreed / self.points if self.points else math.nan


def annotators(survey: Survey) -> List[Annotator]:
    """All people who annotated, those who did most first."""
    asked = (
        "SELECT annotator, COUNT(*), COUNT(DISTINCT photo) FROM annotations a JOIN points p ON p.point = a.point "
        "WHERE a.state NOT IN (?, ?) GROUP BY annotator ORDER BY 2 DESC, 1"
    )
    return [Annotator(*row) for row in survey.connection.execute(asked, OF_MACHINE)]


def overlaps(survey: Survey) -> Dict[Tuple[str, str], int]:
    """Points that two people labelled, by their names in order; pairs without such points are left out."""
    asked = (
        "SELECT a.annotator, b.annotator, COUNT(*) FROM annotations a JOIN annotations b "
        "ON b.point = a.point AND b.annotator > a.annotator "
        "WHERE a.state NOT IN (?, ?) AND b.state NOT IN (?, ?) GROUP BY 1, 2"
    )
    return {(one, other): count for one, other, count in survey.connection.execute(asked, OF_MACHINE * 2)}


def labelled_twice(survey: Survey, one: str, other: str) -> List[Twice]:
    """Points that both labelled, in the order of photos and points."""
    asked = (
        "SELECT p.point, p.photo, p.number, a.label, b.label FROM annotations a "
        "JOIN annotations b ON b.point = a.point JOIN points p ON p.point = a.point "
        "WHERE a.annotator = ? AND b.annotator = ? AND a.state NOT IN (?, ?) AND b.state NOT IN (?, ?) "
        "ORDER BY p.photo, p.number"
    )
    return [Twice(*row) for row in survey.connection.execute(asked, (one, other, *OF_MACHINE, *OF_MACHINE))]


def counted_as(tree: LabelTree, level: int) -> Dict[str, str]:
    """What labels count as at a level, by code in small letters; a label above it stands for itself."""
    return {key_of(code): what for code, what in tree.rolled_up(level).items()}


def kappa(points: Sequence[Twice], tree: LabelTree, level: int) -> Kappa:
    """Agreement at one level; labels that are not in the tree stand for themselves.

    Source: Cohen 1960, doi:10.1177/001316446002000104; interval: jackknife over photos, Student's t.
    """
    names = counted_as(tree, level)
    by_photo: Dict[int, Counts[Tuple[str, str]]] = {}
    for point in points:
        pair = (_named(names, point.one), _named(names, point.other))
        by_photo.setdefault(point.photo, Counter())[pair] += 1
    whole = _Sums(pair for counts in by_photo.values() for pair in counts.elements())
    value = whole.kappa({})
    low = high = None
    if value is not None and len(by_photo) >= FEWEST_PHOTOS:
        low, high = _limits(value, [whole.kappa(counts) for counts in by_photo.values()])
    return Kappa(level, len(points), len(by_photo), whole.agreed, value, low, high)


def kappas(points: Sequence[Twice], tree: LabelTree) -> List[Kappa]:
    """Agreement at every level, the coarsest first."""
    return [kappa(points, tree, level) for level in range(1, max(tree.depth, 1) + 1)]


def differing(points: Sequence[Twice], tree: LabelTree, level: int) -> List[Twice]:
    """Points in which the two differ at a level."""
    names = counted_as(tree, level)
    return [point for point in points if _named(names, point.one) != _named(names, point.other)]


def _named(names: Mapping[str, str], code: str) -> str:
    return names.get(key_of(code), key_of(code))


class _Sums:
    """What kappa is made of, so that a photo can be left out without counting all others again."""

    def __init__(self, pairs: Iterable[Tuple[str, str]]) -> None:
        table = Counter(pairs)
        self.points = sum(table.values())
        self.agreed = sum(count for (one, other), count in table.items() if one == other)
        self.one: Counts[str] = Counter()
        self.other: Counts[str] = Counter()
        for (one, other), count in table.items():
            self.one[one] += count
            self.other[other] += count
        self.chance = sum(count * self.other[label] for label, count in self.one.items())

    def kappa(self, without: Mapping[Tuple[str, str], int]) -> Optional[float]:
        """Without these points; None where it is not defined."""
        gone = sum(without.values())
        one: Counts[str] = Counter()
        other: Counts[str] = Counter()
        for (a, b), count in without.items():
            one[a] += count
            other[b] += count
        n = self.points - gone
        if n <= 0:
            return None
        agreed = self.agreed - sum(count for (a, b), count in without.items() if a == b)
        chance = self.chance
        for label in {*one, *other}:
            left, right = self.one[label], self.other[label]
            chance += (left - one[label]) * (right - other[label]) - left * right
        if chance >= n * n:
            return None
        return (agreed / n - chance / n**2) / (1 - chance / n**2)


def _limits(value: float, without: Sequence[Optional[float]]) -> Tuple[Optional[float], Optional[float]]:
    """Limits by the jackknife; none where a photo alone makes kappa what it is."""
    known = [one for one in without if one is not None]
    n = len(known)
    if n < len(without):
        return None, None
    mean = sum(known) / n
    error = math.sqrt((n - 1) / n * sum((one - mean) ** 2 for one in known))
    half = student(LEVEL, n - 1) * error
    return max(value - half, -1.0), min(value + half, 1.0)


def student(level: float, freedom: int) -> float:
    """Quantile of Student's t for a two-sided interval, to 0.01 from four degrees of freedom on.

    Source: Abramowitz & Stegun 1964, 26.7.5
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
