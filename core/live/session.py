"""One taught map: the embedding, its labels and the head as it stands; lives in the worker as long as that does."""

import os
import time
from collections.abc import Callable
from typing import Any

from threadpoolctl import ThreadpoolController

from ...models.crew import Crew, thread_count
from ..errors import BadJob, Stale
from ..grid import Window
from ..heads.recipe import Recipe
from ..jobs.fewshot import TrainHead
from ..kernel import Kernel
from ..labels import space_of
from ..progress import Progress
from ..published.recognise import code_warning
from ..raster import RasterReader, environment, open_raster
from .fitting import Fitter, LiveHead
from .messages import (
    MOST_CLASSES,
    Ask,
    At,
    Close,
    Message,
    Next,
    Open,
    Opened,
    Painted,
    Scatter,
    Score,
    Teach,
    View,
)
from .painting import Brush, Painter, shares_of, shown_window
from .pool import CellPool
from .samples import LabelStore
from .tiles import Tiles


class Session:
    """What was opened, and everything learnt since.

    Attributes:
        reader: of the embedding; of the thread that answers.
        labels: all of them.
        tiles: cells of the view.
        fitter: fits heads.
        pool: cells drawn from the whole raster, once needed.
        window: of the thinned grid, shown last.
    """

    def __init__(self, ask: Open) -> None:
        """Open the embedding.

        Raises:
            BadInput: it cannot be read.
            BadJob: no such head or target.
            Unwritable: the folder for answers cannot be made.
        """
        values = {"job": "trainhead", "labels": "labels", "field": "y", "embedding": ask.embedding, "output": "head"}
        values |= {name: getattr(ask, name) for name in ("target", "head", "balance", "seed", "threads")}
        self.job = TrainHead.from_dict(values)
        self.reader: RasterReader = open_raster(ask.embedding)
        self.space = space_of(self.reader)
        self.crew = Crew(ask.threads)
        self.tiles = Tiles(self.reader, ask.threads)
        self.painter = Painter(self.tiles, ask.folder, self.crew)
        self.labels = LabelStore(self.job, self.reader)
        self.fitter = Fitter(Recipe.of(self.job, self.space.own_units), thread_count(ask.threads))
        self.pool = CellPool(self)
        self.window = Window(0, 0, 0, 0)
        self._head: LiveHead | None = None
        self._kernel: tuple[int, Kernel] | None = None
        self._print = _print_of(ask.embedding)

    def opened(self) -> Opened:
        """What was opened."""
        grid, warning = self.reader.grid, code_warning(self.reader)
        notes = (*self.reader.notes, *([warning] if warning else []))
        return Opened(
            tuple(grid.transform)[:6], grid.crs, grid.height, grid.width, len(self.reader.bands), self.space.identity,
            self.space.signed, self.reader.coding is not None, notes,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of memory and files."""
        self.tiles.close()
        self.reader.close()

    def check(self) -> None:
        """Refuse to go on with a raster that was replaced.

        Raises:
            Stale: it was.
        """
        if _print_of(self.reader.path) != self._print:
            raise Stale(
                f"{self.reader.path} was changed or replaced while it was open. Open it again to go on; the labels are "
                "kept in their layer."
            )

    def head(self, progress: Progress, settle: bool = False) -> LiveHead | None:
        """The head for the labels as they are, fitted if need be; None when they are too few (`labels.why_not`)."""
        if self.labels.why_not():
            return None
        head, version = self._head, self.labels.version
        if head is None or head.labels != version or (settle and not head.settled):
            samples = self.labels.samples()
            fit = self.fitter.settle if settle else self.fitter.quick
            head = self._head = fit(samples, version, progress)
        return head

    def brush(self, head: LiveHead, coverage: float) -> Brush:
        """The head made ready for cells."""
        if self._kernel is None or self._kernel[0] != head.version:
            self._kernel = head.version, Kernel(head.estimator, head.classes, self.reader.coding)
        threshold = self.fitter.threshold(head, coverage)
        return Brush.of(head, self._kernel[1], self.labels.classes, threshold)

    def view(self, ask: View, progress: Progress) -> Painted:
        """Read, fit, predict, write."""
        if ask.step < 1 or ask.height < 0 or ask.width < 0:
            raise BadJob("A view has a step of at least 1, and no negative size.")
        clock = _Clock()
        step = max(ask.step, self.tiles.fitting(ask.height * ask.width))
        self.window = window = shown_window(ask.row, ask.col, ask.height, ask.width, step)
        self.tiles.hold(window, step, progress)
        clock.lap("read")
        head = self.head(progress, ask.settle)
        clock.lap("fit")
        place = (window.row * step, window.col * step, window.height, window.width, step)
        if head is None:
            return Painted("", *place, 0, False, self.labels.why_not(), ms=clock.ms)
        picture = self.painter.paint(window, self.brush(head, ask.coverage), progress)
        clock.lap("predict")
        path = self.painter.write(picture)
        shares, unsure, bars = shares_of(picture.layers, len(self.labels.classes) if head.classes else 0)
        clock.lap("write")
        return Painted(
            path, *place, head.version, head.settled, "", *head.span, shares, unsure, bars if head.classes else (),
            clock.ms, head.words,
        )  # fmt: skip


class Desk:
    """Answers the requests of the live loop; one session at a time."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._libraries = ThreadpoolController()  # looking for them takes milliseconds, and a click has few

    def answer(self, ask: Ask, progress: Progress) -> dict[str, Any]:
        """The answer as a dict for the wire.

        Raises:
            QuadratError: with a sentence for the user.
        """
        if isinstance(ask, (Open, Close)):
            if self._session is not None:
                self._session.close()
            self._session = None
            if isinstance(ask, Close):
                return {}
        with environment():
            if isinstance(ask, Open):
                self._session = Session(ask)
                return self._session.opened().to_dict()
            session = self._session
            if session is None:
                raise BadJob("No embedding is open for teaching.")
            session.check()
            # Matrices of labels are small: more threads only wait for one another, and cells have threads of their own.
            with self._libraries.limit(limits=1):
                return _work(ask)(session, ask, progress).to_dict()


def _work(ask: Ask) -> Callable[[Session, Any, Progress], Message]:
    """What answers a request."""
    if isinstance(ask, Teach):
        if len(ask.classes) > MOST_CLASSES:
            raise BadJob(f"A live map holds at most {MOST_CLASSES} classes. Merge some.")
        return lambda session, ask, progress: session.labels.teach(ask, session.tiles, progress)
    if isinstance(ask, View):
        return Session.view
    # These are asked when there is nothing else to do, and bring libraries that the first view need not wait for.
    if isinstance(ask, At):
        from .nearest import known

        return known
    if isinstance(ask, Next):
        from .suggesting import places

        return places
    if isinstance(ask, Score):
        from .scoring import scored

        return scored
    if isinstance(ask, Scatter):
        from .scatter import cloud

        return cloud
    raise BadJob(f"The live loop has no answer to {type(ask).__name__}.")


class _Clock:
    """Milliseconds by name."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """What passed since the last one."""
        now = time.perf_counter()
        self.ms[name] = round(1000 * (now - self._last), 2)
        self._last = now


def _print_of(path: str) -> tuple[int, ...]:
    """What changes when a file is written again; empty for what is no plain file."""
    try:
        facts = os.stat(path)
    except OSError:
        return ()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino
