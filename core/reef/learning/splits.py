"""What is kept apart in a test: photos, sites, dates, or single points, which lets photos leak into it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...wording import counted
from .headlist import DATE, PHOTO, POINT, SITE
from .lessons import Lessons
from .numbered import Int

TITLES = {
    PHOTO: "Photos that it had never seen",
    SITE: "Sites that it had never seen",
    DATE: "Dates that it had never seen",
    POINT: "Points of photos that it had seen",
}


@dataclass(frozen=True)
class Split:
    """A way of testing."""

    name: str
    rows: Int
    """(n,) points that take part."""
    groups: Int
    """(n,) what stays whole."""

    @property
    def title(self) -> str:
        """For people."""
        return TITLES[self.name]

    @property
    def count(self) -> int:
        """Groups."""
        return len(np.unique(self.groups))


def split_of(lessons: Lessons, name: str) -> tuple[Split | None, str]:
    """A way of testing these lessons, or None; and a sentence on what is missing, or empty.

    Args:
        lessons: all of them.
        name: one of `headlist.SPLITS`.
    """
    every = np.arange(len(lessons.y))
    if name in (PHOTO, POINT):
        groups = lessons.photo if name == PHOTO else every
        return Split(name, every, groups), ""
    facts = np.array(lessons.facts_of(name))[lessons.photo]
    rows = np.flatnonzero(facts != "")
    met = sorted(set(facts[rows]))
    if len(met) < 2:
        why = f"all photos are of one {name}" if met else f"no photo has a {name}"
        return None, f"The test on {name}s that it had never seen is left out: {why}."
    lacking = len({int(photo) for photo in lessons.photo[facts == ""]})
    note = f"Without a {name}, and so not in the test on {name}s: {counted(lacking, 'photo')}." if lacking else ""
    groups = np.searchsorted(met, facts[rows]).astype(np.int64)
    return Split(name, rows, groups), note


def lone_labels(y: Int, photo: Int) -> NDArray[np.int64]:
    """Labels that a single photo shows: without it nobody can know them, so a test counts them as errors."""
    pairs = np.unique(np.stack([y, photo], axis=1), axis=0)
    labels, photos = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(labels[photos == 1])
