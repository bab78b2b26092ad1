"""Algorithms run one after the other in the background, while annotating goes on; one errand at a time.

There is no second door to the engine: each step is an algorithm of the toolbox, started by `processing/runner.py`.
"""

import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.errors import QuadratError
from ...processing.i18n import tr
from ...processing.runner import Run

Made = Dict[str, str]
"""Files that were made so far, by output name in small letters."""


class Step(NamedTuple):
    """One algorithm of an errand."""

    title: str
    """What is being done, as `Training`."""
    algorithm: str
    """Its id."""
    values: Callable[[Made], Dict[str, Any]]
    """Its parameters, from what was made before."""


class Errand(QObject):
    """Some algorithms, one after another."""

    changed = pyqtSignal()
    """It began, went on to another step, or ended."""
    progressed = pyqtSignal(float, str)
    """0 to 100 of all steps (negative: unknown), and what is being done."""
    ended = pyqtSignal(dict)
    """All went well: the files by name."""
    failed = pyqtSignal(str)
    """It did not: a sentence; empty where the user stopped it."""

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._run: Any = None
        self._waiting: List[Step] = []
        self._steps = 0
        self._made: Made = {}
        self.doing = ""
        """What is being done now; empty when nothing is."""

    @property
    def busy(self) -> bool:
        """True while something runs."""
        return self._run is not None

    def start(self, steps: Sequence[Step]) -> None:
        """Begin; where it cannot, `failed` says why.

        Raises:
            QuadratError: it is at work already.
        """
        if self.busy:
            raise QuadratError(tr("Wait until this is done: {doing}.").format(doing=self.doing))
        self._waiting, self._steps, self._made = list(steps), len(steps), {}
        self._next()

    def cancel(self) -> None:
        """Stop; `failed` follows within a second."""
        self._waiting = []
        if self._run is not None:
            self._run.cancel()

    def forget(self) -> None:
        """Stop, and tell nobody: the survey is another one now."""
        run, self._run = self._run, None
        self._waiting, self.doing = [], ""
        if run is not None:
            run.progressed.disconnect(self._on_progressed)
            run.finished.disconnect(self._on_finished)
            run.cancel()
            self.changed.emit()

    def _next(self) -> None:
        step = self._waiting.pop(0)
        try:
            run = Run(step.algorithm, step.values(dict(self._made)))
            run.progressed.connect(self._on_progressed)
            run.finished.connect(self._on_finished)
            self._run, self.doing = run, step.title
            run.start()
        except QuadratError as error:
            self._end()
            self.failed.emit(str(error))
            return
        self._on_progressed(0.0)
        self.changed.emit()

    def _on_progressed(self, percent: float) -> None:
        before = self._steps - len(self._waiting) - 1
        self.progressed.emit((100.0 * before + max(percent, 0.0)) / self._steps, self.doing)

    def _on_finished(self, successful: bool, results: Dict[str, Any], why: str) -> None:
        stopped = self._run is not None and self._run.cancelled
        if not successful:
            self._end()
            self.failed.emit("" if stopped else why)
            return
        self._made.update({name.lower(): str(path) for name, path in results.items()})
        if self._waiting:
            self._next()
            return
        made = dict(self._made)
        self._end()
        self.ended.emit(made)

    def _end(self) -> None:
        self._run, self._waiting, self.doing = None, [], ""
        self.changed.emit()


def facts_of(output: str) -> Dict[str, Any]:
    """What a job noted beside its result; empty where that cannot be read."""
    try:
        with open(f"{output}.quadrat.json", encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    facts = found.get("facts") if isinstance(found, dict) else None
    return facts if isinstance(facts, dict) else {}
