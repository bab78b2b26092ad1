"""Cells drawn once from the whole raster: suggestions, likeness and plots rest on what they look like."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..blocks import CellSample
from ..footing import Footing
from ..grid import Window
from ..progress import Progress
from .tiles import BLOCK_CELLS

if TYPE_CHECKING:
    from .session import Session

CELLS = 4000
"""Drawn: a strategy looks at all of them in about a second."""
BLOCK = 64
MOST_BLOCKS, MOST_BYTES = 200, 600 * 2**20
"""What a draw unpacks of a large raster, at most: about two seconds."""
AXES = 64
"""Components in which likeness is measured where there are more dimensions."""


class CellPool:
    """The draw, made when it is first needed, and what is learnt from it."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._sample: CellSample | None = None
        self._footing: Footing | None = None
        self._flat: Footing | None = None

    @property
    def drawn(self) -> bool:
        """True once there is a draw."""
        return self._sample is not None

    def sample(self, progress: Progress) -> CellSample:
        """The draw; empty vectors where nothing is valid. A stopped draw is made anew the next time."""
        if self._sample is None:
            self._sample = self._draw(progress)
        return self._sample

    def footing(self, progress: Progress) -> Footing:
        """On which cosines are taken."""
        if self._footing is None:
            self._footing = self._fitted(progress, AXES, False)
        return self._footing

    def flat(self, progress: Progress) -> Footing:
        """Two components, the same for the whole session, so that a picture does not jump."""
        if self._flat is None:
            self._flat = self._fitted(progress, 2, True)
        return self._flat

    def _fitted(self, progress: Progress, most: int, turned: bool) -> Footing:
        X = self.sample(progress).X
        return Footing.fit(X, self._session.space.own_units, most, turned)

    def _draw(self, progress: Progress) -> CellSample:
        reader, rng = self._session.reader, np.random.default_rng([self._session.job.seed, 13])
        blocks = reader.grid.blocks(BLOCK)
        most = min(MOST_BLOCKS, max(16, MOST_BYTES // (BLOCK_CELLS**2 * self._session.tiles.cell_bytes)))
        chosen = np.sort(rng.permutation(len(blocks))[:most])
        each = -(-CELLS // len(chosen))
        found, cells, valid_cells, looked = [], [], 0, 0
        for number, index in enumerate(chosen):
            progress.checkpoint(number / len(chosen), "Drawing cells from the raster")
            block = blocks[index]
            X, at, valid = _some(reader, block, each, rng)
            found.append(X)
            cells.append(at)
            valid_cells, looked = valid_cells + valid, looked + block.height * block.width
        drawn = np.concatenate(cells)
        order = np.lexsort((drawn[:, 1], drawn[:, 0]))
        X = np.concatenate(found)[order]
        return CellSample(X, drawn[order], valid_cells / max(looked, 1), len(chosen) == len(blocks))


def _some(
    reader: Any, block: Window, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    """At most `count` valid cells of a block: vectors, places, and how many are valid."""
    values, valid = reader.read(block)
    places = np.argwhere(valid)
    taken = np.sort(rng.permutation(len(places))[:count])
    rows, cols = places[taken].T
    return values[:, rows, cols].T, places[taken] + (block.row, block.col), len(places)
