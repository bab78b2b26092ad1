"""The loop: points that have no vectors yet, their patches in batches across photos through a backbone, and kept.

Photos come back in the order asked for, each as soon as it and those before it are done.
"""

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
from .keeping import Keeper
from .patches import Bool, Bytes, Int
from .reading import Patches, Readers, Wanted, as_numbers, read_patches
from .request import VectorRequest

FORMAT = 1
"""Of vectors; raised when the same request gives other numbers."""
BATCH_CPU, BATCH_GPU = 16, 128
BATCH_UNKNOWN = 4
BATCH_GFLOP = 15.0
"""On a CPU a batch takes about half a second, so that a cancel is heard."""
BATCH_PX = BATCH_GPU * 224**2
SAMPLE_PHOTOS, SAMPLE_POINTS = 32, 2
"""Photos that are looked at by backbones that draw from what they see, and patches of each."""
MOST_WAITING = 64
"""Photos whose vectors are known and that wait for one before them."""


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
    missing: Int
    """Places of points without vectors."""
    left: int
    """How many of them are still to be made."""
    content: str
    why: str = ""


@dataclass
class _Batch:
    """Patches that wait for the backbone, and where their vectors go."""

    values: list[Bytes] = field(default_factory=list)
    known: list[Bool | None] = field(default_factory=list)
    places: list[tuple[_Under, Int]] = field(default_factory=list)
    size: int = 0

    def add(self, patches: Patches, under: _Under, part: slice) -> None:
        """Patches of some of the missing points of a photo."""
        values, known = patches.take(part)
        self.values.append(values)
        self.known.append(known)
        self.places.append((under, under.missing[part]))
        self.size += len(values)


class VectorSource:
    """Vectors of a survey's points, photo after photo, in bounded memory. A context; `pieces` runs it.

    Attributes:
        identity: equal where vectors mean the same.
        state: arrays that build the backbone again.
        count: of points that are asked for.
        dimensions: D.
        device: what it runs on, in words.
        lacking: name of a photo without vectors -> why; filled on the way.
        made: vectors that were made; the others were known.
        seconds: spent in the backbone.
    """

    def __init__(
        self, survey: Survey, photos: Sequence[Photo], request: VectorRequest, progress: Progress, *,
        state: State | None = None, identity: str = "", points: Collection[int] | None = None,
    ) -> None:  # fmt: skip
        request.check()
        self._request, self._progress = request, progress
        self._wanted = wanted_points(survey, photos, points)
        self.count = sum(len(one.point) for one in self._wanted)
        self._keeper = Keeper(survey.path, progress)
        try:
            if state is None and request.card.drawn:
                state = self._keeper.state_of(request)
            backbone = build_backbone(request, self._sample, progress, state=state)
            self.identity = identity_of_vectors(backbone, request)
            refuse_other(self.identity, identity, request)
            self.state: dict[str, NDArray[Any]] = dict(backbone.state())
            self.dimensions = pooled_width(backbone)
            self._keeper.begin(self.identity, request, self.dimensions, self.state)
        except BaseException:
            self._keeper.close()
            raise
        self._runner = Runner(backbone, progress.info)
        self.device = backbone.device
        self._batch = request.batch or suitable_batch(request, self.device)
        self.lacking: dict[str, str] = {}
        self.made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._keeper.close()

    @property
    def seconds(self) -> float:
        """Spent in the backbone so far."""
        return self._runner.seconds

    def pieces(self) -> Iterator[Piece]:
        """Vectors of each photo that has points and can be read, in the order asked for.

        What is made is kept, also when a cancel or an error ends this.

        Raises:
            BadInput: none can be read.
            Cancelled: the user stopped the job.
        """
        waiting: deque[_Under] = deque()
        reading: deque[_Under] = deque()
        batch, readers = _Batch(), Readers(self._request.patch_px, self._request.padding)
        total, done = max(self.count, 1), 0
        try:
            for wanted in self._wanted:
                waiting.append(under := self._recall(wanted))
                if under.left:
                    reading.append(under)
                    readers.begin(wanted.some(under.missing), under.content)
                while reading and (len(readers) > readers.most or len(waiting) > MOST_WAITING):
                    self._take(readers.next(), reading.popleft(), batch)
                if len(waiting) > MOST_WAITING:
                    self._make(batch)
                for piece in self._finished(waiting):
                    done += len(piece.point)
                    yield piece
                self._progress.checkpoint(done / total)
            while reading:
                self._take(readers.next(), reading.popleft(), batch)
                for piece in self._finished(waiting):
                    done += len(piece.point)
                    yield piece
                self._progress.checkpoint(done / total)
            self._make(batch)
            yield from self._finished(waiting)
        finally:
            readers.close()
            self._keeper.flush()
        self._refuse_nothing()

    def _recall(self, wanted: Wanted) -> _Under:
        """A photo with the vectors that are known."""
        content, found, known = self._keeper.recall(wanted)
        missing = np.flatnonzero(~found)
        X = np.zeros((len(wanted.point), self.dimensions), np.float32)
        if found.any():
            X[found] = known
        return _Under(wanted, X, missing, len(missing), content)

    def _take(self, patches: Patches, under: _Under, batch: _Batch) -> None:
        """Patches of a photo into batches; full ones are made."""
        under.content = patches.content
        if patches.why:
            under.why, under.left = patches.why, 0
            return
        count, start = len(under.missing), 0
        while start < count:
            stop = min(start + self._batch - batch.size, count)
            batch.add(patches, under, slice(start, stop))
            start = stop
            if batch.size >= self._batch:
                self._make(batch)

    def _make(self, batch: _Batch) -> None:
        """Vectors of a batch to their photos. Empties it."""
        if not batch.size:
            return
        self._progress.checkpoint()
        gaps = [
            np.ones((len(some), *some.shape[2:]), np.bool_) if known is None else known
            for some, known in zip(batch.values, batch.known, strict=True)
        ]
        pixels, valid = as_numbers(np.concatenate(batch.values), np.concatenate(gaps))
        backbone = self._runner.backbone
        made = self._runner.run(lambda part: backbone.pooled(pixels[part], valid[part]), batch.size)
        at = 0
        for under, places in batch.places:
            under.X[places] = made[at : at + len(places)]
            under.left -= len(places)
            at += len(places)
        self.made += batch.size
        batch.values, batch.known, batch.places, batch.size = [], [], [], 0

    def _finished(self, waiting: deque[_Under]) -> Iterator[Piece]:
        """Photos at the front of the queue whose vectors are all there."""
        while waiting and not waiting[0].left:
            under = waiting.popleft()
            if under.why:
                self.lacking[under.wanted.photo.name] = under.why
                continue
            self._keeper.keep(under.wanted, under.content, under.missing, under.X)
            yield Piece(under.wanted.photo, under.wanted.point, under.X)

    def _refuse_nothing(self) -> None:
        if self._wanted and len(self.lacking) == len(self._wanted):
            name, why = next(iter(self.lacking.items()))
            count = len(self._wanted)
            raise BadInput(
                f"{name} {why}." if count == 1
                else f"None of the {count} photos with points can be used; the first, {name}, {why}."
            )  # fmt: skip

    def _sample(self) -> Iterator[tuple[Float, Bool]]:
        """Patches of photos that lie evenly spread over the survey."""
        step = max(1, len(self._wanted) // SAMPLE_PHOTOS)
        for one in self._wanted[::step][:SAMPLE_PHOTOS]:
            self._progress.checkpoint()
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


def suitable_batch(request: VectorRequest, device: str) -> int:
    """Patches at once, by what a patch costs where that is known."""
    card, room = request.card, max(1, BATCH_PX // request.patch_px**2)
    if not device.startswith("CPU"):
        return min(BATCH_GPU, room)
    if card.gflop:
        cost = card.gflop * (request.patch_px / card.tile_px) ** 2
        return int(np.clip(BATCH_GFLOP / cost, 1, min(BATCH_CPU, room)))
    return min(BATCH_UNKNOWN if card.needs_model or card.drawn else BATCH_CPU, room)


def identity_of_vectors(backbone: Backbone, request: VectorRequest) -> str:
    """Hash of all that decides the vectors: backbone, patch and padding."""
    facts = {
        "format": FORMAT, "backbone": backbone.identity, "patch_px": request.patch_px, "padding": request.padding,
    }  # fmt: skip
    return identity_of(facts, {})


def refuse_other(identity: str, wished: str, request: VectorRequest) -> None:
    """Refuse vectors that do not mean what those mean that a model learnt from.

    Raises:
        Stale: they do not.
    """
    if wished and identity != wished:
        raise Stale(
            f"The backbone {request.backbone} {request.model} on this computer does not give the vectors that the "
            "model learnt from (other weights, or another version). Train the model again, or choose those weights."
        )
