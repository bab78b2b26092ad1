"""What can be undone in the dock: steps that are done when they are handed over, or refused with a sentence.

A command is done when it is handed to `Steps.push`, which raises if it cannot be; nothing is left half done then.
"""

from typing import Any, Optional

from qgis.PyQt.QtCore import pyqtSignal

try:
    from qgis.PyQt.QtWidgets import QUndoCommand, QUndoStack
except ImportError:  # Qt 6 has them elsewhere
    from qgis.PyQt.QtGui import QUndoCommand, QUndoStack  # qt6-ok: reached in Qt 6 only

from ..core.errors import QuadratError


class Steps(QUndoStack):
    """Undo and redo of everything that the dock changes."""

    failed = pyqtSignal(str)
    """A step could not be taken back or done again: a sentence. It is off the list then."""

    def push(self, command: "Command") -> None:
        """Do a command and remember it.

        Raises:
            QuadratError: it could not be done; nothing was changed.
        """
        command.begin(self)
        super().push(command)


class Command(QUndoCommand):
    """One step. Classes and labels are changed in `_do` and `_undo`, which may raise."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._steps: Optional[Steps] = None
        self._begun = False

    def begin(self, steps: Optional[Steps]) -> None:
        """Do it for the first time."""
        self._do()
        self._steps, self._begun = steps, True

    def redo(self) -> None:
        """Called by Qt, also right after `begin`."""
        if self._begun:
            self._begun = False
        else:
            self._try(self._do)

    def undo(self) -> None:
        """Called by Qt."""
        self._try(self._undo)

    def _try(self, work: Any) -> None:
        # An error cannot leave a method that Qt calls: it would end QGIS.
        try:
            work()
        except QuadratError as error:
            self.setObsolete(True)
            if self._steps is not None:
                self._steps.failed.emit(str(error))

    def _do(self) -> None:
        raise NotImplementedError

    def _undo(self) -> None:
        raise NotImplementedError
