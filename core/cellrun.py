"""All cells seen unit by unit: components from a few of them first, then every vector, kept on disk as it comes."""

import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.contract import Backbone, suitable_batch
from . import components
from .cellvectors import Look, View, looks_of, see
from .chips import UNIT, Places, read_units
from .components import ReducedBackbone
from .embedding import Runner
from .errors import BadInput
from .feeding import ahead
from .progress import Progress
from .space import Space
from .spool import Spool
from .tiling import spread
from .unchanged import Watch
from .windows import Reader

Float = NDArray[np.float32]
Int = NDArray[np.int64]
MOST_JUDGED, MOST_JUDGED_BYTES = 20_000, 128 * 2**20
"""Vectors from which components are taken, and what they may measure."""
LAYOUT = "vectors of units of cells, float32, deflated"


@dataclass
class Seen:
    """What sees which cells of what.

    Attributes:
        open: gives a reader of the raster, for the thread that calls.
        places: of all cells.
        units: indices of the cells of each.
        view: what the backbone sees.
        runner: of the backbone that sees; its answers are reduced afterwards, where they are.
        backbone: the same, or its components.
        batch_size: most windows at once; 0: as suits the backbone.
        made: answers from which components were taken, by unit; they are not made twice.
    """

    open: Callable[[], Reader]
    places: Places
    units: list[Int]
    view: View
    runner: Runner
    backbone: Backbone
    batch_size: int
    made: dict[int, list[tuple[Int, Float]]] = field(default_factory=dict)

    @classmethod
    def by(
        cls, backbone: Backbone, open_reader: Callable[[], Reader], places: Places, units: list[Int], view: View,
        batch_size: int, progress: Progress,
    ) -> "Seen":  # fmt: skip
        """With this backbone, which may give components of another one."""
        inner = backbone.inner if isinstance(backbone, ReducedBackbone) else backbone
        return cls(open_reader, places, units, view, Runner(inner, progress.warning), backbone, batch_size)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self.view.width(self.backbone)

    def answers(self, wanted: Sequence[int]) -> Generator[tuple[int, Int, Float], None, None]:
        """Numbers of units in the order wanted, some of their cells, and what the backbone itself says of them.

        Of each unit one at least, if of no cells. Pixels are read and brought into shape in a thread of their own,
        while the backbone sees those before.
        """
        with closing(ahead(lambda: self._looks(wanted))) as looks:
            for look in looks:
                yield look.unit, *see(self.runner, self.view, self.places, look)

    def _looks(self, wanted: Sequence[int]) -> Iterator[Look]:
        inner = self.runner.backbone
        batch = self.batch_size or (UNIT if inner.exact else suitable_batch(inner, 0))
        with self.open() as reader:
            for piece in read_units(reader, self.places, self.units, wanted):
                yield from looks_of(inner, self.view, self.places, piece, batch)
                del piece  # it would hold its block while the next one is read

    def reduced(self, vectors: Float) -> Float:
        """(n, D) as they are, or their components, (n, K)."""
        if not isinstance(self.backbone, ReducedBackbone):
            return vectors
        return self.backbone.components.project(vectors[:, :, None, None])[:, :, 0, 0]


def reduce(seen: Seen, dimensions: int, progress: Progress) -> None:
    """Put components in place of the dimensions, where fewer are wanted, from units that lie evenly spread.

    Args:
        seen: its backbone is replaced.
        dimensions: wanted; 0: all.
        progress: takes sentences.

    Raises:
        BadInput: too few cells have vectors.
    """
    width = seen.width
    if dimensions > width:
        progress.warning(f"The backbone gives {width} dimensions; {dimensions} were asked for.")
    if dimensions in (0, width) or dimensions > width:
        return
    sample = _sample(seen, min(MOST_JUDGED, max(MOST_JUDGED_BYTES // (4 * width), dimensions + 1)), progress)
    if len(sample) < 2:
        raise BadInput(
            f"{dimensions} of {width} dimensions are asked for, but principal components can be told from several "
            "cells only, and fewer than two have vectors. Set 'Dimensions' to 0."
        )
    count = min(dimensions, len(sample) - 1)  # so many directions have any spread
    if count < dimensions:
        progress.warning(f"{len(sample)} cells have no more than {count} components; {dimensions} were asked for.")
    seen.backbone = ReducedBackbone(seen.runner.backbone, components.fit(sample, count))
    progress.info(f"Of {width} dimensions the first {count} principal components are kept.")


def _sample(seen: Seen, most: int, progress: Progress) -> Float:
    """(n, D) vectors of about `most` cells, of fewer where there are no more; kept in `seen` as well."""
    order, found, count, at = spread(len(seen.units)), [], 0, 0
    while count < most and at < len(order):
        sizes = np.cumsum([len(seen.units[number]) for number in order[at:]])
        after = at + min(int(np.searchsorted(sizes, most - count)) + 1, len(sizes))
        for unit, cells, vectors in seen.answers(sorted(order[at:after])):
            progress.checkpoint(min(count / most, 1.0), "Sampling cells")
            seen.made.setdefault(unit, []).append((cells, vectors))
            count += len(cells)
            found.append(vectors)
        at = after
    sample = np.concatenate(found) if found else np.zeros((0, seen.width), np.float32)
    return np.asarray(sample[np.isfinite(sample).all(axis=1)], dtype=np.float32)


def all_vectors(
    seen: Seen, output: str, request: Mapping[str, Any], keep: Space, watch: Watch, progress: Progress
) -> Float:
    """(N, D) float32, NaN where too little of a cell is valid; finished units survive whatever happens.

    Args:
        seen: what sees the cells.
        output: path of the table; units are kept beside it.
        request: all that decides the vectors.
        keep: what a later run has to know to go on.
        watch: on the files that are read.
        progress: takes a sentence where an earlier run is gone on with.

    Raises:
        Unwritable: the folder, or another run writes the same.
    """
    units, width = seen.units, seen.width
    vectors = np.full((len(seen.places), width), np.nan, np.float32)
    spool = Spool(Path(output), request, f"{LAYOUT}, {width} of {keep.identity}", keep.to_json(), watch.check)
    try:
        for number, stored in spool.blocks.items():
            spool.file.seek(stored.offset)
            body = zlib.decompress(spool.file.read(stored.lengths[0]))
            vectors[units[number]] = np.frombuffer(body, np.float32).reshape(len(units[number]), -1)
        if spool.blocks:
            progress.info(f"Going on with an earlier run: {len(spool.blocks)} of {len(units)} parts are done.")
        for number, made in _remaining(seen, [unit for unit in range(len(units)) if unit not in spool.blocks]):
            for at, found in made:
                progress.checkpoint(len(spool.blocks) / len(units), "Seeing cells")
                if len(at):
                    vectors[at] = seen.reduced(found)
            body = np.ascontiguousarray(vectors[units[number]]).tobytes()
            spool.append(number, [zlib.compress(body, 1)])
    finally:
        spool.close()
    return vectors


def _remaining(seen: Seen, wanted: list[int]) -> Iterator[tuple[int, Iterator[tuple[Int, Float]]]]:
    """Units and their cells with answers: those that are made already first."""
    fresh = [number for number in wanted if number not in seen.made]
    for number in sorted(set(wanted) - set(fresh)):
        yield number, iter(seen.made.pop(number))
    with closing(seen.answers(fresh)) as answers:
        for number, made in groupby(answers, lambda answer: answer[0]):
            yield number, ((cells, vectors) for _, cells, vectors in made)
