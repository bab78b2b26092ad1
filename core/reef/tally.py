"""Cover of a survey counted while it is annotated; standard library, Python 3.9.

What people said of the photos that they finished, and nothing else: estimates with intervals are the work of the job
`reefcover`. The photo is the unit, each counting alike, and a point that several people labelled counts once.
"""

from typing import Dict, NamedTuple, Tuple

from .agreement import counted_as
from .schema import JUDGED
from .survey import Survey
from .tree import LabelTree, key_of


class Bar(NamedTuple):
    """Cover by one label."""

    code: str
    cover: float
    """Mean over photos of the share of their points, 0 to 1."""


class Tally(NamedTuple):
    """Cover at a level, as it stands."""

    level: int
    photos: int
    """Of which people judged every point; cover is the mean of these."""
    every: int
    """Photos with points."""
    bars: Tuple[Bar, ...]
    """The most common first."""


def tally(survey: Survey, tree: LabelTree, level: int) -> Tally:
    """Count the photos of which people have judged every point."""
    every = survey.connection.execute("SELECT COUNT(*) FROM photos WHERE points > 0").fetchone()[0]
    photos = len(survey.connection.execute(JUDGED).fetchall())
    names = counted_as(tree, level)
    cover: Dict[str, float] = {}
    for label, share in survey.connection.execute(_SHARES):
        name = names.get(key_of(label), label)
        cover[name] = cover.get(name, 0.0) + share
    bars = sorted((Bar(code, total / photos) for code, total in cover.items()), key=lambda bar: (-bar.cover, bar.code))
    return Tally(level, photos, int(every), tuple(bars))


_SHARES = f"""
SELECT label, SUM(1.0 / voices / every) FROM (
    SELECT a.label, f.points AS every, COUNT(*) OVER (PARTITION BY a.point) AS voices
    FROM photos f JOIN points p ON p.photo = f.photo JOIN annotations a ON a.point = p.point
    WHERE f.photo IN ({JUDGED}) AND a.state NOT IN ('accepted', 'machine'))
GROUP BY label"""  # noqa: S608 # nosec B608 - of our own words
"""Sum over photos of the share of their points; several people share a point."""
