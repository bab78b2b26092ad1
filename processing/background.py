"""Short work off the main thread: a function, and what to do with its answer in the main thread."""

from typing import Any, Callable, Optional, Set

from qgis.core import QgsApplication, QgsMessageLog, QgsTask
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject

OnDone = Callable[[Any, Optional[BaseException]], None]

_alive: Set[QgsTask] = set()
"""QGIS does not keep the Python side of a task alive."""


class _Task(QgsTask):
    def __init__(self, title: str, function: Callable[[], Any], on_done: OnDone, owner: Optional[QObject]) -> None:
        super().__init__(title, self._flags())
        self._owner = owner
        self._function = function
        self._on_done: Optional[OnDone] = on_done
        self._answer: Any = None
        self._error: Optional[BaseException] = None

    @staticmethod
    def _flags() -> Any:
        silent = getattr(QgsTask.Flag, "Silent", None)  # from QGIS 3.26: no message when it is done
        return QgsTask.Flag.CanCancel if silent is None else QgsTask.Flag.CanCancel | silent

    def run(self) -> bool:
        try:
            self._answer = self._function()
        except Exception as error:  # noqa: BLE001 - nothing may leave a task's thread; the caller shows it
            self._error = error
        return self._error is None

    def finished(self, result: bool) -> None:
        _alive.discard(self)
        on_done, self._on_done = self._on_done, None
        if self._error is not None:
            QgsMessageLog.logMessage(f"{self.description()}: {self._error}", "Quadrat")
        if on_done is not None and not (self._owner is not None and sip.isdeleted(self._owner)):
            on_done(self._answer, self._error)

    def forget(self) -> None:
        self._on_done = None


def in_background(title: str, function: Callable[[], Any], on_done: OnDone, owner: Optional[QObject] = None) -> None:
    """Run `function` in a pool thread, then `on_done(answer, error)` in the main thread, unless the owner is gone."""
    task = _Task(title, function, on_done, owner)
    _alive.add(task)
    QgsApplication.taskManager().addTask(task)


def forget_all() -> None:
    """Nobody waits for the answers any more: the plugin is being unloaded."""
    for task in list(_alive):
        task.forget()
