"""What the plugin's own windows call: an algorithm and its parameters become a task with signals.

There is no second door to the engine: what is pressed here is what the toolbox would run.
"""

from typing import Any, Dict, Set

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..core.errors import BadJob

_running: Set["Run"] = set()
"""A task whose Python side is collected crashes QGIS: runs stay here until they have ended."""


class _Feedback(QgsProcessingFeedback):
    """Turns what an algorithm says, in its own thread, into signals that arrive in the thread of the run."""

    said = pyqtSignal(str, str)
    stepped = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__(False)
        self.last_error = ""

    def setProgressText(self, text: str) -> None:  # noqa: N802
        super().setProgressText(text)
        self.stepped.emit(text)

    def pushInfo(self, info: str) -> None:  # noqa: N802
        super().pushInfo(info)
        self.said.emit("info", info)

    def pushCommandInfo(self, info: str) -> None:  # noqa: N802
        super().pushCommandInfo(info)
        self.said.emit("info", info)

    def pushDebugInfo(self, info: str) -> None:  # noqa: N802
        super().pushDebugInfo(info)
        self.said.emit("info", info)

    def pushWarning(self, warning: str) -> None:  # noqa: N802
        super().pushWarning(warning)
        self.said.emit("warning", warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:  # noqa: N802, N803
        super().reportError(error, fatalError)
        self.last_error = error
        self.said.emit("error", error)


class Run(QObject):
    """One algorithm at work in a background thread."""

    progressed = pyqtSignal(float)
    """How far it is, 0 to 100."""
    stepped = pyqtSignal(str)
    """What it does now, with the remaining time."""
    said = pyqtSignal(str, str)
    """Level (`info`, `warning`, `error`) and a line for the log."""
    finished = pyqtSignal(bool, dict, str)
    """Done well, results by output name, and the sentence of what went wrong."""

    def __init__(self, algorithm_id: str, parameters: Dict[str, Any]) -> None:
        super().__init__()
        # createAlgorithmById gives this run a copy of its own, owned here.
        self._algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm_id)
        if self._algorithm is None:
            raise BadJob(f"There is no algorithm '{algorithm_id}'. Is the plugin Quadrat switched on?")
        self._parameters = parameters
        self._context = QgsProcessingContext()
        self._context.setProject(QgsProject.instance())
        self._feedback = _Feedback()
        self._context.setFeedback(self._feedback)
        self._feedback.progressChanged.connect(self.progressed)
        self._feedback.stepped.connect(self.stepped)
        self._feedback.said.connect(self.said)
        self._task: Any = None

    def start(self) -> None:
        """Check the parameters and begin.

        Raises:
            BadJob: the parameters do not fit.
        """
        fits, why = self._algorithm.checkParameterValues(self._parameters, self._context)
        if not fits:
            raise BadJob(why)
        self._task = QgsProcessingAlgRunnerTask(self._algorithm, self._parameters, self._context, self._feedback)
        _running.add(self)
        if self._task.isCanceled():  # the preparation failed; the task will say nothing
            self._task = None
            _running.discard(self)
            raise BadJob(self._feedback.last_error or "The algorithm could not be prepared.")
        self._task.executed.connect(self._on_executed)
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        """Ask it to stop; `finished` follows within a second."""
        self._feedback.cancel()
        if self._task is not None:
            self._task.cancel()

    @property
    def cancelled(self) -> bool:
        """True once it was asked to stop."""
        return self._feedback.isCanceled()

    def _on_executed(self, successful: bool, results: Dict[str, Any]) -> None:
        self._task = None
        _running.discard(self)
        self.finished.emit(bool(successful), dict(results), "" if successful else self._feedback.last_error)


def running() -> int:
    """How many runs have not ended yet."""
    return len(_running)


def cancel_all() -> None:
    """Ask every run to stop; for the plugin's unload."""
    for run in list(_running):
        run.cancel()
