"""A state for panels to show: the names of `TeachState`, plain values behind them, every call written down.

Panels are tested against it, so that each state of the work can be put up in a line, without canvas, file and worker.
Classes are the real list.
"""

from types import SimpleNamespace

from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QUndoCommand, QUndoStack
from quadrat.core.live.messages import Cloud, Known, Opened, Painted, Scored, Taught
from quadrat.plugin.teach.classes import ClassList

CLASSES = ("forest", "water", "village", "pasture", "bare soil")


class Stand(QObject):
    """Everything that a panel may read or call."""

    changed = pyqtSignal()
    painted = pyqtSignal(object)
    known = pyqtSignal(object)
    placed = pyqtSignal(object)
    scored = pyqtSignal(object)
    scattered = pyqtSignal(object)
    said = pyqtSignal(str, str)
    busy_changed = pyqtSignal(str)
    progressed = pyqtSignal(float)
    selected = pyqtSignal(list)

    def __init__(self, parent=None):
        super().__init__(parent)
        self.calls = []
        self.engine_ready, self.raster, self.embedding, self.whole = True, None, "", True
        self.proposal = SimpleNamespace(kind="none", path="", sentence="Choose a raster.")
        self.opened, self.target, self.head = None, "class", "linear"
        self.classes, self.stack = ClassList(self), QUndoStack(self)
        self.labels, self.current, self.value, self.tool = None, "", 0.0, "none"
        self.taught = self.last = self.place = self.cloud = None
        self.scores, self.heads, self.intervals, self.counts, self.busy = [], [], {}, {}, ""
        self.visible, self.opacity, self.by_confidence = True, 0.7, True
        self._coverage, self._strategy = 0.0, "mix"
        self.classes.changed.connect(self.changed)

    def __getattr__(self, name):
        """Methods that need do nothing but be called."""
        if name.startswith("_") or name not in RECORDED:
            raise AttributeError(name)
        return lambda *values: self.calls.append((name, *values))

    coverage = property(lambda self: self._coverage, lambda self, share: self._set("_coverage", share))
    strategy = property(lambda self: self._strategy, lambda self, name: self._set("_strategy", name))

    def _set(self, name, value):
        setattr(self, name, value)
        self.calls.append((name.strip("_"), value))
        self.changed.emit()

    def set_current(self, name):
        self._set("current", name)

    def set_value(self, value):
        self._set("value", value)

    def set_target(self, target):
        self._set("target", target)

    def set_tool(self, tool):
        self._set("tool", tool)

    def show(self, **how):
        for name, value in how.items():
            self._set(name, value)

    def label_counts(self):
        return dict(self.counts)

    def add_class(self, name, colour=""):
        self.classes.add(name, colour)

    def rename_class(self, old, new):
        self.classes.rename(old, new)

    def recolour_class(self, name, colour):
        self.classes.recolour(name, colour)

    def set_class_key(self, name, key):
        self.classes.set_key(name, key)

    def remove_class(self, name):
        self.classes.remove(name)
        self.calls.append(("remove_class", name))

    def merge_classes(self, names, into):
        self.classes.merge(names, into)
        self.calls.append(("merge_classes", tuple(names), into))

    def copy_call(self, kind):
        return f"as {kind}"

    # States ------------------------------------------------------------------------------------------------------

    def begin(self, raster=None):
        """An embedding is open, nothing is labelled."""
        self.raster, self.embedding = raster, "/data/s2_embedding.tif"
        crs = raster.crs().toWkt() if raster is not None else ""
        transform = (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)
        if raster is not None:
            extent, step = raster.extent(), raster.rasterUnitsPerPixelX()
            transform = (step, 0.0, extent.xMinimum(), 0.0, -raster.rasterUnitsPerPixelY(), extent.yMaximum())
        self.opened = Opened(transform, crs, 400, 500, 64, "space", True, True)
        self.tool = "click"
        self.changed.emit()

    def teach(self):
        """Classes, labels and a live map."""
        for name in CLASSES:
            self.classes.add(name)
        self.counts = {"forest": 14, "water": 6, "village": 9, "pasture": 11, "bare soil": 1}
        self.current = "village"
        self.taught = Taught(41, 38, dict(self.counts), ((3, 4), (8, 9)), (7,))
        self.last = Painted(
            "/data/answer", 0, 0, 400, 500, 1, 3, True, shares=(0.48, 0.07, 0.12, 0.3, 0.03), unsure=0.11,
            confidence=(0,) * 5 + (90, 150, 260, 340, 400, 520, 700, 900, 1300, 1900, 2600, 4100, 7000, 9800, 15_000),
            head="Linear (logistic)",
        )  # fmt: skip
        self.stack.push(QUndoCommand("Label"))
        self.changed.emit()
        self.painted.emit(self.last)

    def ask(self, **more):
        """A place is asked about."""
        self.place = {
            "row": 40, "col": 50, "guess": "pasture", "probability": 0.62,
            "reason": "The map wavers here between pasture and bare soil.", **more,
        }  # fmt: skip
        self.placed.emit(self.place)

    def point(self):
        """The cursor is over a cell."""
        nearest = [
            {"id": 1, "row": 40, "col": 50, "y": "village", "likeness": 0.97},
            {"id": 2, "row": 60, "col": 20, "y": "village", "likeness": 0.93},
            {"id": 3, "row": 10, "col": 90, "y": "bare soil", "likeness": 0.71},
        ]
        known = Known(40, 51, True, (0.03, 0.01, 0.83, 0.09, 0.04), None, tuple(nearest))
        self.known.emit(known)

    def test(self):
        """Several tests, a confusion and a scatter."""
        for labels, score in ((10, 0.55), (18, 0.66), (25, 0.74), (33, 0.79), (41, 0.83)):
            half = 0.9 / labels**0.5
            confusion = ((13, 0, 0, 1, 0), (0, 6, 0, 0, 0), (0, 0, 7, 1, 1), (2, 0, 1, 8, 0), (0, 0, 1, 0, 0))
            scored = Scored(
                labels, labels, "balanced_accuracy", score, max(score - half, 0), min(score + half / 2, 1),
                "Blocks of 400 m were kept apart.", confusion, CLASSES,
            )  # fmt: skip
            self.scores.append(scored)
        self.scored.emit(self.scores[-1])
        self.cloud = cloud()
        self.scattered.emit(self.cloud)


RECORDED = (
    "choose_raster", "accept_proposal", "choose_embedding", "choose_labels", "set_head", "label_selected", "undo",
    "redo", "next", "accept", "correct", "skip", "end_next", "refresh_score", "refresh_scatter", "select_cells",
    "map_everything", "assess", "cancel", "move_class", "load_classes", "close", "engine_changed",
)  # fmt: skip
"""Methods that only have to be called."""


def cloud(count=500):
    """Five clumps; each twentieth cell labelled."""
    import random

    draw = random.Random(0)
    x, y, row, col, labelled, mapped = [], [], [], [], [], []
    for number in range(count):
        kind = number % len(CLASSES)
        x.append(draw.gauss(3 * (kind % 3), 0.8))
        y.append(draw.gauss(3 * (kind // 2), 0.8))
        row.append(number // 25)
        col.append(number % 25)
        mapped.append(CLASSES[kind])
        labelled.append(CLASSES[kind] if number % 20 < 2 else "")
    return Cloud(tuple(x), tuple(y), tuple(row), tuple(col), tuple(labelled), tuple(mapped), 0.71)
