"""The conversation with the worker that learns: methods return at once, answers arrive as signals in the main thread.

What it was told is kept, so that the death of the worker costs a second and no label. No widgets, no layers.
"""

import dataclasses
import functools
import os
import shutil
import tempfile
import time
from typing import Any, Optional, Sequence

from qgis.core import QgsMessageLog
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal

from ...core.live.messages import Ask, At, Close, Label, Next, Open, Scatter, Score, View
from ...processing.i18n import tr
from ...processing.live import LiveWorker

LOG = "Quadrat"
OWN = "live-"
LEFT_BEHIND_S = 7 * 24 * 3600
"""A folder so old is of a QGIS that ended without saying so."""


def own_folder(folder: str) -> str:
    """A new folder in the given one, since several QGIS may teach at once; empty when it cannot be made."""
    try:
        os.makedirs(folder, exist_ok=True)
        for entry in os.scandir(folder):
            if entry.name.startswith(OWN) and entry.is_dir() and time.time() - entry.stat().st_mtime > LEFT_BEHIND_S:
                shutil.rmtree(entry.path, ignore_errors=True)
        return tempfile.mkdtemp(prefix=OWN, dir=folder)
    except OSError:
        return ""  # the worker says what is wrong with it


class LiveSession(QObject):
    """One worker, from the first `open` to `stop`."""

    opened = pyqtSignal(object)
    """Opened"""
    taught = pyqtSignal(object)
    """Taught"""
    painted = pyqtSignal(object)
    """Painted"""
    known = pyqtSignal(object)
    """Known"""
    placed = pyqtSignal(object)
    """Places"""
    scored = pyqtSignal(object)
    """Scored"""
    scattered = pyqtSignal(object)
    """Cloud"""
    failed = pyqtSignal(str, str)
    """A sentence that says what to do, and what belongs into the log."""
    died = pyqtSignal(str)
    """A sentence: the worker is gone, another one is being started."""
    restarted = pyqtSignal()
    """The new worker knows everything that the old one knew."""
    progressed = pyqtSignal(float, str)
    """How far opening is, 0 to 1, and what it does."""
    _arrived = pyqtSignal(int, int, str, object)

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._live: Optional[LiveWorker] = None
        self._generation = 0
        self._folder = ""
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    @property
    def pid(self) -> Optional[int]:
        """Process id of the worker; None while there is none."""
        return None if self._live is None else self._live.pid

    def open(self, ask: Open) -> None:
        """Begin with an embedding; labels and views of the one before are forgotten. Starts the worker if need be."""
        if self._live is None:
            self._generation += 1
            self._live = LiveWorker(functools.partial(self._arrived.emit, self._generation))
            self._folder = own_folder(ask.folder)
            self.destroyed.connect(self._live.end)  # whoever forgets `stop` leaves no process behind
        self._live.ask(dataclasses.replace(ask, folder=self._folder or ask.folder))

    def teach(
        self, changed: Sequence[Label], removed: Sequence[int] = (), classes: Sequence[str] = (), clear: bool = False
    ) -> None:
        """Change labels; `classes` are all names, in order. They are kept here and told before any later view.

        Before `open` there is nothing to teach, and labels are not kept.
        """
        if self._live is not None:
            self._live.teach(changed, removed, classes, clear)

    def view(self, ask: View) -> None:
        """Ask for cells to be painted; one that was asked for before and has not come yet is not wanted any more.

        With `settle`, it waits until nothing else is to be done, and gives way to whatever comes.
        """
        self._ask(ask)

    def at(self, ask: At) -> None:
        """Ask what is known of a cell; the latest wins."""
        self._ask(ask)

    def next(self, ask: Next) -> None:
        """Ask where to label next; the latest wins."""
        self._ask(ask)

    def score(self, ask: Optional[Score] = None) -> None:
        """Ask for a test of the head, when there is time."""
        self._ask(ask or Score())

    def scatter(self, ask: Scatter) -> None:
        """Ask for a picture of the embedding, when there is time."""
        self._ask(ask)

    def close(self) -> None:
        """Let go of the embedding and forget the labels; the worker stays warm for the next one."""
        self._ask(Close())

    def retry(self) -> None:
        """Begin again after a failure, with everything that was told: when the engine was set up or mended."""
        if self._live is not None:
            self._live.retry()

    def stop(self) -> None:
        """End the worker and its thread; no signal comes after this."""
        live, self._live = self._live, None
        if live is not None:
            live.end()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, ask: Ask) -> None:
        if self._live is not None:
            self._live.ask(ask)

    def _on_arrived(self, generation: int, epoch: int, event: str, value: Any) -> None:
        live = self._live
        if live is None or generation != self._generation:
            return
        if epoch == live.epoch:  # else it is of what is not open any more
            self._tell(event, value)
        if event == "painted":
            live.read()

    def _tell(self, event: str, value: Any) -> None:
        if event == "failed":
            self._log(value[1] or value[0])
            self.failed.emit(*value)
        elif event == "died":
            self._log(value)
            self.died.emit(tr("The engine stopped and is being started again. No label is lost."))
        elif event == "gave_up":
            self._log(value)
            sentence = tr(
                "The engine stopped several times within a minute and is left alone now. All labels are kept. Free "
                "some memory or check the engine, then go on labelling after a minute."
            )
            self.failed.emit(sentence, value)
        elif event == "restarted":
            self.restarted.emit()
        elif event == "progressed":
            self.progressed.emit(*value)
        else:
            getattr(self, event).emit(value)

    @staticmethod
    def _log(text: str) -> None:
        QgsMessageLog.logMessage(text, LOG)
