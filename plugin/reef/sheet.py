"""The points of one photo: what was said of them and by whom, what is suggested, and which comes next. No Qt."""

from typing import Dict, List, NamedTuple, Optional, Sequence

from ...core.reef.schema import MACHINE
from ...core.reef.survey import Annotation, Photo, Point, Suggestion, Survey

IN_ORDER, UNSURE = "in order", "least sure first"
ORDERS = (IN_ORDER, UNSURE)
"""How the next point is chosen."""
TRUSTED, BEST, MACHINE_SAID = "trusted", "best", "machine"
"""Why a label is proposed: trusted at the wished accuracy; the most probable; written by a machine before."""


class Proposal(NamedTuple):
    """What Enter would take for a point."""

    label: str
    confidence: Optional[float]
    why: str
    """`TRUSTED`, `BEST` or `MACHINE_SAID`."""


class Sheet:
    """What the survey holds of one photo, as one annotator sees it."""

    def __init__(
        self,
        photo: Photo,
        points: Sequence[Point],
        annotations: Sequence[Annotation] = (),
        suggestions: Optional[Dict[int, List[Suggestion]]] = None,
        trusted: Optional[Dict[int, Suggestion]] = None,
        annotator: str = "",
        apart: bool = False,
    ) -> None:
        self.photo, self.points = photo, list(points)
        self.annotator, self.apart = annotator, apart
        self.suggestions = suggestions or {}
        self.trusted = trusted or {}
        self.place: Dict[int, int] = {point.point: place for place, point in enumerate(self.points)}
        self.mine: Dict[int, Annotation] = {}
        self.others: Dict[int, List[Annotation]] = {}
        for one in annotations:
            if one.annotator == annotator:
                self.mine[one.point] = one
            else:
                self.others.setdefault(one.point, []).append(one)

    @classmethod
    def read(cls, survey: Survey, number: int, annotator: str, apart: bool) -> "Sheet":
        """Of a photo of a survey."""
        return cls(
            survey.photo(number), survey.points(number), survey.annotations(number), survey.suggestions(number),
            survey.trusted(number), annotator, apart,
        )  # fmt: skip

    def point(self, number: int) -> Optional[Point]:
        """By its identity; None where it is of another photo."""
        place = self.place.get(number)
        return None if place is None else self.points[place]

    def said(self, point: int) -> Optional[Annotation]:
        """What counts of a point: what the annotator said, else another person, else a machine; None: nobody did.

        Who annotates apart from others sees nothing of theirs; what a machine wrote is nobody's and seen by all.
        """
        every = [*([self.mine[point]] if point in self.mine else []), *self.others.get(point, [])]
        people = [one for one in every if one.state != MACHINE and (one.annotator == self.annotator or not self.apart)]
        machines = [one for one in every if one.state == MACHINE]
        return (people or machines or [None])[0]

    def done(self, point: int) -> bool:
        """True when a person said what it is: the annotator, or anybody where they do not annotate apart."""
        said = self.said(point)
        return said is not None and said.state != MACHINE

    def left(self) -> List[Point]:
        """Points that are not done, by number."""
        return [point for point in self.points if not self.done(point.point)]

    def proposal(self, point: int) -> Optional[Proposal]:
        """What would be accepted: what is trusted, else what a machine wrote, else the most probable label."""
        trusted = self.trusted.get(point)
        if trusted is not None:
            return Proposal(trusted.label, trusted.confidence, TRUSTED)
        said = self.said(point)
        if said is not None and said.state == MACHINE:
            return Proposal(said.label, None, MACHINE_SAID)
        best = (self.suggestions.get(point) or [None])[0]
        return None if best is None else Proposal(best.label, best.confidence, BEST)

    def next_left(self, point: Optional[int], order: str = IN_ORDER) -> Optional[Point]:
        """The next that is not done: after this point and round, or the least sure of all."""
        left = self.left()
        others = [one for one in left if one.point != point] or left
        if not others:
            return None
        if order == UNSURE:
            return min(others, key=lambda one: (self._sureness(one.point), one.number))
        here = self.place.get(point, -1) if point is not None else -1
        return next((one for one in others if self.place[one.point] > here), others[0])

    def _sureness(self, point: int) -> float:
        """Confidence in the most probable label; nothing suggested is least sure."""
        suggested = self.suggestions.get(point)
        return (suggested[0].confidence or 0.0) if suggested else -1.0
