"""Photos read ahead in threads, in order; what is kept of each is its patches, so that memory stays flat."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....models.quota import cores
from ..survey import Photo
from .patches import Bool, Bytes, Int, Picture, cut
from .pictures import UnreadablePhoto, read_picture, reason_of
from .store import content_of

MOST_READERS = 4
AHEAD = 2
"""Photos that wait at most, besides those being read."""


@dataclass(frozen=True)
class Wanted:
    """Points of a photo that need vectors.

    Attributes:
        photo: of the survey.
        path: of its file; empty where none is known.
        point: (n,) numbers of the points.
        rows: (n,) of the points.
        cols: (n,) of the points.
    """

    photo: Photo
    path: str
    point: Int
    rows: Int
    cols: Int

    def some(self, which: Int) -> "Wanted":
        """The same photo with some of the points."""
        return Wanted(self.photo, self.path, self.point[which], self.rows[which], self.cols[which])


@dataclass(frozen=True)
class Patches:
    """The patches of a photo, cut already, or cut when they are needed where the photo itself is smaller."""

    wanted: Wanted
    side_px: int
    padding: str
    made: tuple[Bytes, Bool | None]
    picture: Picture | None = None
    why: str = ""
    """Why there are none."""
    content: str = ""
    """Of the file, see `store.content_of`."""

    def take(self, part: slice) -> tuple[Bytes, Bool | None]:
        """(m, 3, side, side) uint8 and (m, side, side) bool or None of some of the points."""
        if self.picture is not None:
            return cut(self.picture, self.wanted.rows[part], self.wanted.cols[part], self.side_px, self.padding)
        values, known = self.made
        return values[part], None if known is None else known[part]


def read_patches(wanted: Wanted, side_px: int, padding: str, content: str = "") -> Patches:
    """The patches of one photo.

    Args:
        wanted: photo and points.
        side_px: of a patch.
        padding: `mirror` or `white`.
        content: of its file, where that is known already.
    """
    nothing = np.zeros((0, 3, side_px, side_px), np.uint8), None
    if not wanted.path:
        return Patches(wanted, side_px, padding, nothing, why="has no file")
    try:
        content = content or content_of(wanted.path)
        picture = read_picture(wanted.path, wanted.photo.window, side_px)
    except UnreadablePhoto as error:
        return Patches(wanted, side_px, padding, nothing, why=str(error))
    except OSError as error:
        return Patches(wanted, side_px, padding, nothing, why=f"cannot be read ({wanted.path}: {reason_of(error)})")
    if why := _outside(wanted, picture):
        return Patches(wanted, side_px, padding, nothing, why=why)
    if len(wanted.rows) * side_px * side_px > picture.values[0].size:
        return Patches(wanted, side_px, padding, nothing, picture, content=content)
    made = cut(picture, wanted.rows, wanted.cols, side_px, padding)
    return Patches(wanted, side_px, padding, made, content=content)


def _outside(wanted: Wanted, picture: Picture) -> str:
    """What to say of points that do not lie on the photo; empty where all do."""
    height, width = (
        first + length for first, length in zip((picture.top, picture.left), picture.values.shape[1:], strict=True)
    )
    noted = wanted.photo.width, wanted.photo.height
    if wanted.photo.window:  # which may reach beyond its orthomosaic
        height, width = min(height, wanted.photo.window[2]), min(width, wanted.photo.window[3])
    elif all(noted) and noted != (width, height):
        return (
            f"is {width} x {height} px now and was {noted[0]} x {noted[1]} px when it was imported, so its points "
            "would lie elsewhere; put the photo back as it was"
        )
    beyond = (wanted.rows < 0) | (wanted.cols < 0) | (wanted.rows >= height) | (wanted.cols >= width)
    if not beyond.any():
        return ""
    first = int(np.argmax(beyond))
    return (
        f"is {width} x {height} px, and {int(beyond.sum())} of its points lie outside, the first at row "
        f"{int(wanted.rows[first])}, column {int(wanted.cols[first])}; is it another photo of the same name?"
    )


class Readers:
    """Photos being read, first in first out."""

    def __init__(self, side_px: int, padding: str) -> None:
        count = max(1, min(MOST_READERS, cores() // 2))
        self.most = count + AHEAD
        self._side_px, self._padding = side_px, padding
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="quadrat-photos")
        self._waiting: deque[Future[Patches]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, wanted: Wanted, content: str) -> None:
        """Have a photo read."""
        self._waiting.append(self._pool.submit(read_patches, wanted, self._side_px, self._padding, content))

    def next(self) -> Patches:
        """The patches of the photo that was begun first; waits for them."""
        return self._waiting.popleft().result()

    def close(self) -> None:
        """Read nothing more."""
        self._pool.shutdown(cancel_futures=True)


def as_numbers(patches: Bytes, known: Bool | None) -> tuple[NDArray[np.float32], Bool]:
    """(B, 3, H, W) float32, 0 where not valid, and (B, H, W) bool, as backbones take them."""
    values = patches.astype(np.float32)
    if known is None:
        return values, np.ones((len(patches), *patches.shape[2:]), np.bool_)
    values *= known[:, None]
    return values, known
