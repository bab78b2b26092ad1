"""Labels that change one by one, and the samples they make: the same ones, in the same order, as 'Train head' reads.

A label's cells are found once and a cell's vector is read once, so that a click costs what one cell costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ..burning import Burner
from ..classes import class_text, sorted_names
from ..errors import BadInput, BadJob
from ..jobs.fewshot import LabelledJob
from ..labels import BLOCK, Burnt, assembled, kind_of, one_label_per_cell, read_cells, turned
from ..progress import Progress
from ..raster import RasterReader
from ..samples import LabelReport, Samples, Targets
from .messages import Label, Taught, Teach
from .tiles import Tiles

NONE = np.empty((0, 2), np.int64)
GROWTH = 1024
"""Vectors for which there is room at first; the room doubles."""


@dataclass
class Place:
    """One label on the grid."""

    shape: Any
    """Geometry in the CRS of the grid, valid; None where there is none."""
    y: Any
    cells: NDArray[np.int64]
    """(n, 2)"""
    number: int
    """By which its cells were drawn."""
    drawn: bool
    """True when not all of its cells were taken, so that they hang on the number."""


class Vectors:
    """Vectors of cells, each read once."""

    def __init__(self, reader: RasterReader) -> None:
        self._reader = reader
        self._row: dict[int, int] = {}
        self._X = np.empty((GROWTH, len(reader.bands)), np.float32)
        self._valid = np.empty(GROWTH, np.bool_)

    def read(self, cells: NDArray[np.int64], tiles: Tiles, progress: Progress) -> None:
        """See to it that these are known; from the view where it holds them, else from the file."""
        known, coding = self._row, self._reader.coding
        missing = []
        for row, col in np.unique(cells, axis=0).tolist():
            if row * self._reader.grid.width + col in known:
                continue
            held = tiles.take(row, col)
            if held is None:
                missing.append((row, col))
                continue
            X = held[0] if coding is None else coding.decode_rows(held[0])
            self._keep(row, col, X * held[1], held[1])
        if not missing:
            return
        # Each window that the file is read in goes into the store at once: a cancel loses none.
        rest = np.array(missing, dtype=np.int64)
        _, block = np.unique(rest // BLOCK, axis=0, return_inverse=True)
        for number in range(int(block.max()) + 1):
            progress.checkpoint(number / (int(block.max()) + 1), "Reading labelled cells")
            some = rest[block.reshape(-1) == number]
            for (row, col), X, valid in zip(some.tolist(), *read_cells(self._reader, some, progress), strict=True):
                self._keep(row, col, X, bool(valid))

    def take(self, cells: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(n, D) and (n,) of cells that were read."""
        width = self._reader.grid.width
        rows = np.array([self._row[number] for number in (cells @ (width, 1)).tolist()], dtype=np.int64)
        return self._X[rows], self._valid[rows]

    def _keep(self, row: int, col: int, X: NDArray[np.float32], valid: bool) -> None:
        place = len(self._row)
        if place == len(self._X):
            self._X = np.concatenate([self._X, np.empty_like(self._X)])
            self._valid = np.concatenate([self._valid, np.empty_like(self._valid)])
        self._X[place], self._valid[place] = X, valid
        self._row[row * self._reader.grid.width + col] = place


class LabelStore:
    """All labels of a session.

    Attributes:
        classes: names in the order of their class bytes.
        version: changes when the samples may.
        burnt: labelled cells, each once.
    """

    def __init__(self, job: LabelledJob, reader: RasterReader) -> None:
        """No labels yet.

        Args:
            job: whose rules hold.
            reader: of the embedding; used from the thread that calls.
        """
        self._job, self._reader = job, reader
        self._burner = Burner(reader.grid, job.all_touched, job.max_cells, job.seed)
        self._is_geographic = bool(reader.grid.crs) and CRS.from_wkt(reader.grid.crs).is_geographic
        self._places: dict[int, Place] = {}
        self._vectors = Vectors(reader)
        self.classes: tuple[str, ...] = ()
        self.version = 0
        self._order: list[int] = []
        self.burnt = Burnt(NONE, np.empty(0, np.int64), np.empty(0), ())
        self._report, self._kind = LabelReport(), "points"

    def teach(self, ask: Teach, tiles: Tiles, progress: Progress) -> Taught:
        """Take changes over. When stopped in the middle, the same or any later request completes them.

        Raises:
            BadJob: a label is no label.
            BadInput: the embedding cannot be read.
        """
        if ask.clear:
            self._places.clear()
        for number in ask.removed:
            self._places.pop(number, None)
        self.classes = tuple(ask.classes) or self.classes
        self._take([Label.from_dict(values) for values in ask.changed])
        return self._settle(tiles, progress)

    def _take(self, labels: Sequence[Label]) -> None:
        """Keep the labels; their cells are found by `_settle`."""
        try:
            shapes = np.asarray(shapely.from_wkb([bytes.fromhex(label.wkb) for label in labels]), dtype=object)
        except (ValueError, TypeError, shapely.errors.ShapelyError) as error:
            raise BadJob(f"A label has a geometry that cannot be read: {error}.") from error
        empty = np.array([shape is None or shape.is_empty for shape in shapes], dtype=bool)
        broken = ~empty & ~shapely.is_valid(shapes)
        shapes[broken] = shapely.make_valid(shapes[broken])
        shapes[empty] = None
        shapes = turned(shapes, self._reader.grid) if self._is_geographic and len(shapes) else shapes
        for label, shape in zip(labels, shapes, strict=True):
            y = self._number(label) if self._job.target == "value" else class_text(label.y)
            self._places[label.id] = Place(shape, y, NONE, -1, True)

    @staticmethod
    def _number(label: Label) -> float:
        try:
            return float(label.y)
        except (TypeError, ValueError):
            return float("nan")

    def _settle(self, tiles: Tiles, progress: Progress) -> Taught:
        """Cells of all labels, then one label for each cell, then their vectors."""
        order = sorted(self._places)
        for number, key in enumerate(order):
            if number % 256 == 0:
                progress.checkpoint()
            self._burn(self._places[key], number)
        targets = self._targets(order)
        used = np.flatnonzero(~np.isnan(targets.y))
        found = [self._places[order[number]].cells for number in used]
        cells = np.concatenate([NONE, *found])
        labels = np.repeat(used, [len(some) for some in found])
        report = LabelReport(features=len(order))
        burnt = one_label_per_cell(cells, labels, targets, self._reader.grid.width, report)
        self._vectors.read(cells, tiles, progress)
        # Nothing is taken over before all of it is there, so that a stopped request leaves the samples whole.
        self._order, self._report, self.burnt = order, report, burnt
        self._kind = kind_of(np.array([self._places[key].shape for key in order], dtype=object))
        self.version += 1
        return self._taught(cells, labels, targets)

    def _burn(self, place: Place, number: int) -> None:
        """Find its cells, if they are not known: draws hang on the number of the label, as in 'Train head'."""
        if place.number == number or (place.number >= 0 and not place.drawn):
            return
        place.number, place.drawn = number, False
        if place.shape is not None and np.isfinite(place.shape.bounds).all():
            place.cells, _, place.drawn, _ = self._burner.cells(place.shape, number)

    def _targets(self, order: list[int]) -> Targets:
        """Class or value of each label in order; NaN for classes that are not among those of the session."""
        every = [self._places[key].y for key in order]
        if self._job.target == "value":
            numbers = np.array(every, np.float64).reshape(-1)
            return Targets(np.where(np.isfinite(numbers), numbers, np.nan), ())
        names = tuple(sorted_names({name for name in every if name in self.classes}))
        place = {name: float(number) for number, name in enumerate(names)}
        return Targets(np.array([place.get(name, np.nan) for name in every], np.float64), names)

    def _taught(self, cells: NDArray[np.int64], labels: NDArray[np.int64], targets: Targets) -> Taught:
        width = self._reader.grid.width
        valid = self._vectors.take(cells)[1]
        reached = set(labels[valid].tolist())
        outside = [key for number, key in enumerate(self._order) if number not in reached]
        of_class: dict[str, int] = {}
        count = len(self.burnt.cells)
        good = self._vectors.take(self.burnt.cells)[1] if count else np.empty(0, np.bool_)
        if self._job.target == "class":
            of_class = dict.fromkeys(self.classes, 0)
            for number, name in enumerate(self.burnt.names):
                of_class[name] = int((self.burnt.y[good] == number).sum())
        pairs = np.unique(np.stack([cells @ (width, 1), targets.y[labels].view(np.int64)], axis=1), axis=0)
        several, times = np.unique(pairs[:, 0], return_counts=True)
        conflicts = [divmod(flat, width) for flat in several[times > 1].tolist()]
        # Labels of classes that the session does not know are ignored; they are not beside the raster.
        known = [key for key in outside if self._job.target == "value" or self._places[key].y in self.classes]
        return Taught(len(self._order), int(good.sum()), of_class, tuple(conflicts), tuple(known))

    def why_not(self) -> str:
        """A sentence when nothing can be learnt yet, else empty."""
        if not self._order:
            return "Nothing is labelled yet."
        good = self._vectors.take(self.burnt.cells)[1] if len(self.burnt.cells) else np.empty(0, np.bool_)
        y = np.unique(self.burnt.y[good])
        if not len(y):
            return "No label lies on a valid cell of the embedding, or all are of classes that are not in the list."
        if self._job.target == "value":
            enough = good.sum() >= 3 and len(y) > 1
            return "" if enough else "Label at least three cells with values that differ."
        if len(y) > 1:
            return ""
        return f"All labels are of one class, '{self.burnt.names[int(y[0])]}'. Label a place of another class."

    def samples(self) -> Samples:
        """What heads learn from.

        Raises:
            BadInput: nothing can be learnt yet.
        """
        if why := self.why_not():
            raise BadInput(why)
        read = self._vectors.take(self.burnt.cells)
        groups = np.arange(len(self._order))
        return assembled(self.burnt, read, groups, self._kind, self._reader, "y", self._report)

    def id_of(self, number: int) -> int:
        """Of a label by its number."""
        return self._order[number]

    def known_cells(self) -> NDArray[np.int64]:
        """(n, 2) all cells under labels, valid or not."""
        return np.unique(np.concatenate([NONE, *(place.cells for place in self._places.values())]), axis=0)

    def vectors(self, cells: NDArray[np.int64], tiles: Tiles, progress: Progress) -> tuple[Any, Any]:
        """(n, D) float32 and (n,) validity of any cells of the raster."""
        self._vectors.read(cells, tiles, progress)
        return self._vectors.take(cells)
