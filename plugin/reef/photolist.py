"""The photos of a survey: how far each is, which are listed, and which comes next. No Qt, no widgets."""

import hashlib
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ...core.reef.survey import Photo, Survey

ALL, LEFT, BEGUN, DONE = "all", "left", "begun", "done"
SHOWN = (ALL, LEFT, BEGUN, DONE)
"""Which photos are listed: all; with points left; some done; all points done."""
MINE = (
    "SELECT p.photo, COUNT(*) FROM annotations a JOIN points p ON p.point = a.point "
    "WHERE a.annotator = ? AND a.state <> 'machine' GROUP BY p.photo"
)


class Wish(NamedTuple):
    """What photos are to be listed."""

    shown: str = ALL
    site: str = ""
    """Empty: of all sites."""
    text: str = ""
    """What name, site, transect or date hold."""


class PhotoList:
    """All photos, and those that fit what is asked for: by number, or `mixed`."""

    def __init__(
        self, photos: Sequence[Photo] = (), mine: Optional[Dict[int, int]] = None, mixed: bool = False
    ) -> None:
        self.photos = list(photos)
        self._order = [photo.photo for photo in (sorted(self.photos, key=_lot) if mixed else self.photos)]
        self._ranks = {number: rank for rank, number in enumerate(self._order)}
        self.mine = mine
        """Points that the annotator did, by photo; None where everybody's count."""
        self._places = {photo.photo: place for place, photo in enumerate(self.photos)}
        self._totals = self._count(self.photos)
        self.wish = Wish()
        self.listed: List[Photo] = self._ordered()

    @classmethod
    def read(cls, survey: Survey, annotator: str, apart: bool, mixed: bool = False) -> "PhotoList":
        """Of a survey; what counts as done is the annotator's own work where they annotate apart."""
        mine = dict(survey.connection.execute(MINE, (annotator,)).fetchall()) if apart else None
        return cls(survey.photos(), mine, mixed)

    def equals(self, other: "PhotoList") -> bool:
        """Whether both hold the same photos, as far done."""
        return self.photos == other.photos and self.mine == other.mine

    def of(self, number: int) -> Optional[Photo]:
        """By its number; None where there is none."""
        place = self._places.get(number)
        return None if place is None else self.photos[place]

    def put(self, photo: Photo, mine: int) -> None:
        """A photo as it is now, and how many points of it the annotator did."""
        place = self._places.get(photo.photo)
        if place is None:
            return
        before = self._count([self.photos[place]])
        self.photos[place] = photo
        if self.mine is not None:
            self.mine[photo.photo] = mine
        now = self._count([photo])
        self._totals = tuple(old - gone + new for old, gone, new in zip(self._totals, before, now))
        # It stays listed whatever it has become: a photo must not vanish under the hand that works on it.
        row = self.row(photo.photo)
        if row >= 0:
            self.listed[row] = photo

    def done(self, photo: Photo) -> int:
        """Points of it that are done."""
        return photo.annotated if self.mine is None else self.mine.get(photo.photo, 0)

    def kind(self, photo: Photo) -> str:
        """`DONE`, `BEGUN`, or `LEFT` where nothing is done yet; photos without points are `LEFT`."""
        done = self.done(photo)
        if photo.points and done >= photo.points:
            return DONE
        return BEGUN if done else LEFT

    def sites(self) -> List[str]:
        """In order of their names."""
        return sorted({photo.site for photo in self.photos if photo.site})

    def ask(self, wish: Wish, keep: int = 0) -> None:
        """List other photos; one of them is kept in any case."""
        self.wish = wish
        self.listed = [photo for photo in self._ordered() if photo.photo == keep or self._fits(photo)]

    def row(self, number: int) -> int:
        """Place in the list; -1 where it is not listed."""
        low = self._before(number)
        return low if low < len(self.listed) and self.listed[low].photo == number else -1

    def beside(self, number: int, by: int) -> Optional[Photo]:
        """The listed photo so many places on; None beyond the ends."""
        row = self._before(number)
        if self.row(number) < 0 and by > 0:
            row -= 1
        return self.listed[row + by] if 0 <= row + by < len(self.listed) else None

    def next_left(self, number: int) -> Optional[Photo]:
        """The next listed photo with points that are not done, after this one and round; None when all are done."""
        start = self._before(number)
        after = (photo for photo in self.listed[start:] + self.listed[:start] if photo.photo != number)
        return next((photo for photo in after if photo.points and self.done(photo) < photo.points), None)

    def totals(self) -> Tuple[int, int, int, int]:
        """Points done, points, photos done, photos with points."""
        done, points, whole, photos = self._totals
        return done, points, whole, photos

    def _ordered(self) -> List[Photo]:
        return [self.photos[self._places[number]] for number in self._order]

    def _before(self, number: int) -> int:
        """How many of the listed photos come before this one."""
        rank, low, high = self._ranks.get(number, -1), 0, len(self.listed)
        while low < high:
            middle = (low + high) // 2
            if self._ranks[self.listed[middle].photo] < rank:
                low = middle + 1
            else:
                high = middle
        return low

    def _count(self, photos: Sequence[Photo]) -> Tuple[int, ...]:
        pointed = [photo for photo in photos if photo.points]
        done = [min(self.done(photo), photo.points) for photo in pointed]
        whole = sum(1 for count, photo in zip(done, pointed) if count == photo.points)
        return sum(done), sum(photo.points for photo in pointed), whole, len(pointed)

    def _fits(self, photo: Photo) -> bool:
        wish = self.wish
        kind = self.kind(photo)
        if (wish.shown == LEFT and (kind == DONE or not photo.points)) or (
            wish.shown in (BEGUN, DONE) and kind != wish.shown
        ):
            return False
        if wish.site and photo.site != wish.site:
            return False
        wanted = wish.text.strip().lower()
        said = f"{photo.name} {photo.site} {photo.transect} {photo.quadrat} {photo.date}".lower()
        return all(part in said for part in wanted.split())


def _lot(photo: Photo) -> bytes:
    """Orders photos as if drawn, alike for everybody who has them, and whatever photos are added later."""
    return hashlib.sha256(photo.name.encode("utf-8", "surrogatepass")).digest()
