"""The loop: patches of many photos in batches through a backbone, and back to their photos, in order."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ....models.contract import Backbone, Float, State, pooled_width
from ....models.identity import identity_of
from ...embedding import Runner
from ...errors import BadInput, Stale
from ...progress import Progress
from ..survey import Photo, Survey
from .building import build_backbone
from .patches import Bool, Bytes, Int
from .reading import Patches, Wanted, as_numbers, read_ahead, read_patches
from .request import VectorRequest

FORMAT = 1
"""Of vectors; raised when the same request gives other numbers."""
BATCH_CPU, BATCH_GPU = 16, 128
SAMPLE_PHOTOS = 32
"""Photos that are looked at by backbones that draw from what they see, and patches of each."""
SAMPLE_POINTS = 2


class Piece(NamedTuple):
    """Vectors of the points of one photo."""

    photo: Photo
    point: Int
    """(n,), by number within the photo."""
    X: Float
    """(n, D)"""


@dataclass
class _Under:
    """A photo on its way."""

    wanted: Wanted
    X: Float
    left: int
    why: str = ""


@dataclass
class _Batch:
    """Patches that wait for the backbone, and where their vectors go."""

    values: list[Bytes] = field(default_factory=list)
    known: list[Bool | None] = field(default_factory=list)
    places: list[tuple[_Under, slice]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(part.stop - part.start for _, part in self.places)


class VectorSource:
    """Vectors of a survey's points, photo after photo, in bounded memory. A context; `pieces` runs it.

    Attributes:
        identity: equal where vectors mean the same.
        state: arrays that build the backbone again.
        dimensions: D.
        device: what it runs on, in words.
        lacking: name of a photo without vectors -> why; filled on the way.
    """

    def __init__(
        self, survey: Survey, photos: Sequence[Photo], request: VectorRequest, progress: Progress, *,
        state: State | None = None, identity: str = "", points: Collection[int] | None = None,
    ) -> None:  # fmt: skip
        request.check()
        self._request, self._progress = request, progress
        self._wanted = wanted_points(survey, photos, points)
        self._backbone = build_backbone(request, self._sample, progress, state=state)
        self.identity = identity_of_vectors(self._backbone, request)
        refuse_other(self.identity, identity, request)
        self.state: dict[str, NDArray[Any]] = dict(self._backbone.state())
        self.dimensions = pooled_width(self._backbone)
        self.device = self._backbone.device
        self.lacking: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def pieces(self) -> Iterator[Piece]:
        """Vectors of each photo that has points and can be read, in the order asked for.

        Raises:
            BadInput: none can be read.
            Cancelled: the user stopped the job.
        """
        runner = Runner(self._backbone, self._progress.info)
        size = self._request.batch or (BATCH_CPU if self.device.startswith("CPU") else BATCH_GPU)
        total, done = max(sum(len(one.point) for one in self._wanted), 1), 0
        waiting: deque[_Under] = deque()
        batch = _Batch()
        feed = read_ahead(self._wanted, self._request.patch_px, self._request.padding)
        try:
            for patches in feed:
                waiting.append(under := self._begin(patches))
                start = 0
                while start < len(under.X):
                    stop = min(start + size - batch.size, len(under.X))
                    _add(batch, patches, under, slice(start, stop))
                    start = stop
                    if batch.size == size:
                        self._progress.checkpoint(done / total)
                        done += _flush(batch, runner)
                yield from self._finished(waiting)
            _flush(batch, runner)
            yield from self._finished(waiting)
        finally:
            feed.close()
        self._refuse_nothing()

    def _begin(self, patches: Patches) -> _Under:
        count = 0 if patches.why else len(patches.wanted.point)
        return _Under(patches.wanted, np.zeros((count, self.dimensions), np.float32), count, patches.why)

    def _finished(self, waiting: deque[_Under]) -> Iterator[Piece]:
        """Photos at the front of the queue whose vectors are all made."""
        while waiting and not waiting[0].left:
            under = waiting.popleft()
            if under.why:
                self.lacking[under.wanted.photo.name] = under.why
            else:
                yield Piece(under.wanted.photo, under.wanted.point, under.X)

    def _refuse_nothing(self) -> None:
        if self._wanted and len(self.lacking) == len(self._wanted):
            name, why = next(iter(self.lacking.items()))
            count = len(self._wanted)
            raise BadInput(f"None of the {count} photos with points can be used: {name} {why}.")

    def _sample(self) -> Iterator[tuple[Float, Bool]]:
        """Patches of photos that lie evenly spread over the survey."""
        step = max(1, len(self._wanted) // SAMPLE_PHOTOS)
        for one in self._wanted[::step][:SAMPLE_PHOTOS]:
            patches = read_patches(one, self._request.patch_px, self._request.padding)
            if not patches.why:
                yield from zip(*as_numbers(*patches.take(slice(0, SAMPLE_POINTS))), strict=True)


def wanted_points(survey: Survey, photos: Sequence[Photo], points: Collection[int] | None) -> list[Wanted]:
    """Photos with points that need vectors, with these points."""
    chosen = None if points is None else frozenset(points)
    found = []
    for photo in photos:
        some = [one for one in survey.points(photo.photo) if chosen is None or one.point in chosen]
        if some:
            numbers = np.array([(one.point, one.row, one.col) for one in some], np.int64)
            found.append(Wanted(photo, survey.photo_path(photo), numbers[:, 0], numbers[:, 1], numbers[:, 2]))
    return found


def identity_of_vectors(backbone: Backbone, request: VectorRequest) -> str:
    """Hash of all that decides the vectors, backbone, patch and padding."""
    facts = {
        "format": FORMAT, "backbone": backbone.identity, "patch_px": request.patch_px, "padding": request.padding,
    }  # fmt: skip
    return identity_of(facts, {})


def refuse_other(identity: str, wished: str, request: VectorRequest) -> None:
    """Raises Stale where vectors would not mean what those mean that a model learnt from."""
    if wished and identity != wished:
        raise Stale(
            f"The backbone {request.backbone} {request.model} on this computer does not give the vectors that the "
            "model learnt from (other weights, or another version). Train the model again, or choose those weights."
        )


def _add(batch: _Batch, patches: Patches, under: _Under, part: slice) -> None:
    values, known = patches.take(part)
    batch.values.append(values)
    batch.known.append(known)
    batch.places.append((under, part))


def _flush(batch: _Batch, runner: Runner) -> int:
    """Vectors of a batch to their photos; how many. Empties it."""
    count = batch.size
    if not count:
        return 0
    values = np.concatenate(batch.values)
    gaps = [np.ones((len(some), *some.shape[2:]), np.bool_) if known is None else known
            for some, known in zip(batch.values, batch.known, strict=True)]  # fmt: skip
    pixels, valid = as_numbers(values, np.concatenate(gaps))
    made = runner.run(lambda part: runner.backbone.pooled(pixels[part], valid[part]), count)
    at = 0
    for under, part in batch.places:
        length = part.stop - part.start
        under.X[part] = made[at : at + length]
        under.left -= length
        at += length
    batch.values, batch.known, batch.places = [], [], []
    return count
