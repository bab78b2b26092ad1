"""The embedding loop: tiles read ahead in a thread, vectors made here, blended and brought to bytes in a thread behind.

All queues between them are bounded, so that memory does not grow with the raster.
"""

import gc
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..models.contract import Backbone
from ..models.errors import starved
from .errors import BadInput
from .feeding import Fed, TileSource, read_ahead
from .grid import Window
from .progress import Progress
from .quantise import Quantiser
from .stitching import Behind, LaneStitcher, Put
from .tiling import Batch, Plan, needed, spread
from .windows import Reader

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Open = Callable[[], tuple[Reader, TileSource]]

SAMPLE_BYTES = 128 * 2**20
"""Most memory for the vectors of sampled batches, which are used later and not made twice."""
SAMPLE_TILES = 48
MOST_SAMPLE_CELLS = 20_000
MOST_SAMPLE_NUMBERS = 8_000_000
FEWEST_SAMPLE_CELLS = 500


@dataclass
class Runner:
    """A backbone and how much of a batch fits into its memory.

    Attributes:
        backbone: that makes the vectors.
        log: takes a sentence when the batch has to be halved.
        seconds: spent in the backbone so far.
        tiles: made so far.
    """

    backbone: Backbone
    log: Callable[[str], None]
    most: int = 2**30
    seconds: float = 0.0
    tiles: int = 0

    def __call__(self, fed: Fed) -> Float:
        """Vectors (B, D, h, w) of a batch; see `run`."""
        return self.run(lambda part: self.backbone(fed.values[part], fed.valid[part]), len(fed.values))

    def run(self, see: Callable[[slice], Float], count: int) -> Float:
        """What `see` gives of all tiles; when memory runs out the batch is halved, down to one tile.

        Args:
            see: vectors of some of the tiles, one after the other along the first axis.
            count: of tiles.

        Raises:
            MemoryError: (or the library's own) one tile alone does not fit.
        """
        started = time.perf_counter()
        parts, at = [], 0
        while at < count:
            size = min(self.most, count - at)
            try:
                parts.append(see(slice(at, at + size)))
            except Exception as error:
                if size == 1 or not starved(error):
                    raise
                self.most = size // 2
                self.log(f"Memory ran out with {size} tiles at once; going on with {self.most}.")
            else:
                at += size
                continue
            gc.collect()
        self.seconds += time.perf_counter() - started
        self.tiles += count
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True)
class Made:
    """A batch with its vectors.

    Attributes:
        batch: as planned.
        tiles: those that hold something.
        cells: (B, h, w) bool: cells that get a vector.
        vectors: (B, D, h, w) float32.
    """

    batch: Batch
    tiles: tuple[Window, ...]
    cells: Bool
    vectors: Float


@dataclass
class Sample:
    """What the first passes gave.

    Attributes:
        vectors: (N, D) float32 of valid cells.
        made: batches with their vectors, by index; the loop takes them from here.
    """

    vectors: Float = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    made: dict[int, Made] = field(default_factory=dict)

    def map(self, project: Callable[[Float], Float]) -> None:
        """Replace all vectors by what `project`, (B, D, h, w) to (B, K, h, w), makes of them."""
        self.vectors = np.ascontiguousarray(project(self.vectors.T[None, :, :, None])[0, :, :, 0].T)
        self.made = {index: replace(made, vectors=project(made.vectors)) for index, made in self.made.items()}


def sample_batches(
    plan: Plan, runner: Runner, open_source: Open, progress: Progress, enough: Callable[[], bool] = lambda: False
) -> Sample:
    """Run batches that lie evenly spread over the plan, and keep what they give; fewer when there is `enough`.

    Raises:
        BadInput: no cell of the whole plan gets a vector, or none that is a number.
    """
    made: dict[int, Made] = {}
    tiles = size = 0
    order = [plan.batches[index] for index in spread(len(plan.batches))]
    feed = read_ahead(open_source, order)
    for fed in feed:
        progress.checkpoint(min(tiles / SAMPLE_TILES, 1.0), "Sampling the raster")
        if not fed.tiles:
            continue
        made[fed.batch.number] = one = _make(fed, runner)
        tiles, size = tiles + len(one.tiles), size + one.vectors.nbytes
        if tiles >= SAMPLE_TILES or size + one.vectors.nbytes > SAMPLE_BYTES or enough():
            break
    feed.close()
    if not made:
        raise BadInput("No cell has enough valid pixels: all is nodata, masked, NaN, or outside the polygons.")
    # Only now it is known how many cells share the sample.
    share = _sample_cells(one.vectors.shape[1]) / sum(int(one.cells.sum()) for one in made.values())
    pairs = ((tile, mask) for one in made.values() for tile, mask in zip(one.vectors, one.cells, strict=True))
    sample = np.concatenate([_pick(tile, mask, share) for tile, mask in pairs])
    sample = sample[np.isfinite(sample).all(axis=1)]
    if not len(sample):
        raise BadInput(
            "The backbone gives no number (NaN or infinite) for any cell that was tried. Choose another scaling of the "
            "bands, or another model."
        )
    return Sample(sample, made)


def embed(
    plan: Plan,
    runner: Runner,
    sample: Sample,
    quantiser: Quantiser | None,
    open_source: Open,
    *,
    done: frozenset[int],
    put: Put,
    progress: Progress,
) -> int:
    """Make all vectors that are not done, and put the blocks.

    Args:
        plan: tiles, lanes and batches.
        runner: the backbone.
        sample: batches made already; emptied on the way.
        quantiser: for storage in bytes; None stores float32.
        open_source: opens raster and tile source; called in another thread.
        done: blocks of an earlier run.
        put: takes finished blocks.
        progress: of the loop.

    Returns:
        Number of cells that got a vector in this run.
    """
    batches = needed(plan, done)
    lanes = _Lanes(plan, runner.backbone.embed_dim, quantiser, done, put)
    fresh = read_ahead(open_source, [batch for batch in batches if batch.number not in sample.made])
    with closing(fresh), Behind(lanes.take) as behind:
        for place, batch in enumerate(batches):
            progress.checkpoint(place / len(batches))
            made = sample.made.pop(batch.number, None)
            behind.give(made or _make(next(fresh), runner))
    lanes.finish()
    return lanes.cells


def _make(fed: Fed, runner: Runner) -> Made:
    vectors = runner(fed) if fed.tiles else np.zeros((0, 0, 0, 0), np.float32)
    return Made(fed.batch, fed.tiles, fed.cells, vectors)


class _Lanes:
    """Batches to blocks, one lane after the other.

    Attributes:
        cells: that got a vector in lanes that are finished.
    """

    def __init__(
        self, plan: Plan, dimensions: int, quantiser: Quantiser | None, done: frozenset[int], put: Put
    ) -> None:
        self._plan, self._dimensions, self._quantiser, self._done, self._put = plan, dimensions, quantiser, done, put
        self._lane = -1
        self._stitcher: LaneStitcher | None = None
        self.cells = 0

    def take(self, made: Made) -> None:
        """Stitch a batch; batches come in the order of the plan."""
        if self._stitcher is None or made.batch.lane != self._lane:
            self.finish()
            self._lane = made.batch.lane
            self._stitcher = LaneStitcher(
                self._plan, self._lane, self._dimensions, self._quantiser, self._done, self._put
            )
        places = {tile: place for place, tile in enumerate(made.tiles)}
        for tile in made.batch.tiles:
            self._stitcher.advance(tile.row)
            if tile in places:
                self._stitcher.add(tile, made.vectors[places[tile]], made.cells[places[tile]])

    def finish(self) -> None:
        """Put what is left of a lane."""
        if self._stitcher is not None:
            self._stitcher.advance(self._plan.height)
            self.cells += self._stitcher.cells
            self._stitcher = None


def _sample_cells(dimensions: int) -> int:
    """Cells of a whole sample, at most."""
    return max(min(MOST_SAMPLE_CELLS, MOST_SAMPLE_NUMBERS // dimensions), FEWEST_SAMPLE_CELLS)


def _pick(vectors: Float, cells: NDArray[np.bool_], share: float) -> Float:
    """This share of the valid cells of a tile, evenly spread, all of them from 1 on: (n, D)."""
    found = np.flatnonzero(cells)
    most = max(int(share * len(found)), 1)
    if len(found) > most:
        found = found[np.linspace(0, len(found) - 1, most).astype(np.intp)]
    return np.ascontiguousarray(vectors.reshape(len(vectors), -1)[:, found].T)
