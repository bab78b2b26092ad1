"""Sees when a file of labels is deleted, replaced, or written by another program; keeps the file itself complete.

QGIS opens a GeoPackage with a write-ahead log: what is written is safe at once, but lies in a second file (`…-wal`)
until SQLite brings it over. Whoever copies the GeoPackage alone meanwhile has not all of it. So it is brought over in
the background as soon as nothing was written for a while.
"""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Optional, Tuple

from qgis.PyQt.QtCore import QFileSystemWatcher, QObject, QTimer, pyqtSignal

from ...processing.background import in_background
from ...processing.i18n import tr
from .lockprobe import complete

OWN_S = 1.5
"""Files that change so shortly after a write of our own were changed by it; the system tells of it with a delay."""
QUIET_MS = 400
"""Another program may write many times; it is looked at once it pauses."""
SETTLE_MS = 2000
"""Without a label for so long the file is made complete."""
JOURNAL = "-wal"
"""SQLite writes changes here first, so that a change of the file itself may come much later."""


class FileWatch(QObject):
    """Watches one file; does nothing for a layer without one."""

    gone = pyqtSignal()
    """The file is not there any more, or another one is in its place."""
    altered = pyqtSignal()
    """Somebody else has written to it."""

    def __init__(self, path: str, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.path = path
        self._identity = self._look()
        self._wrote = time.monotonic()
        self._flusher: Optional[ThreadPoolExecutor] = None
        """Waits for the disk, so that QGIS's window need not; ends with this object, so that no thread outlives it."""
        self._flushing: Optional[Future] = None
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._on_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._on_quiet)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLE_MS)
        self._settling.timeout.connect(self._on_settling)
        self._watch()

    def wrote(self) -> None:
        """We have written just now."""
        self._wrote = time.monotonic()
        if self.path and len(self._watcher.files()) < 2:
            self._watch()
        if os.path.exists(self.path + JOURNAL):
            self._settling.start()
            if self._flushing is None or self._flushing.running() or self._flushing.done():
                if self._flusher is None:
                    self._flusher = ThreadPoolExecutor(1, "quadrat-labels")
                self._flushing = self._flusher.submit(flush, self.path + JOURNAL)

    def state(self) -> str:
        """`there`, `gone`, or `replaced` by another file of the same name."""
        now = self._look() if self.path else self._identity
        if now is None and self.path:
            return "gone"
        return "there" if now == self._identity else "replaced"

    def stop(self) -> None:
        """Watch no more."""
        self._timer.stop()
        self._settling.stop()
        if self._watcher.files():
            self._watcher.removePaths(self._watcher.files())
        self.path = ""
        if self._flusher is not None:
            self._flusher.shutdown(wait=False)
            self._flusher = None

    def _look(self) -> Optional[Tuple[int, int]]:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _watch(self) -> None:
        paths = [path for path in (self.path, self.path + JOURNAL) if self.path and os.path.exists(path)]
        new = [path for path in paths if path not in self._watcher.files()]
        if new:
            self._watcher.addPaths(new)

    def _on_changed(self, path: str) -> None:
        self._timer.start()

    def _on_quiet(self) -> None:
        if not self.path:
            return
        if self.state() != "there":
            self.gone.emit()
        elif time.monotonic() - self._wrote > OWN_S:
            self._watch()
            self.altered.emit()

    def _on_settling(self) -> None:
        path = self.path
        if path and self.state() == "there":
            self._wrote = time.monotonic()
            in_background(tr("Complete the file of labels"), lambda: complete(path), self._on_settled)

    def _on_settled(self, done: Any, error: Optional[BaseException]) -> None:
        self._wrote = time.monotonic()


def flush(path: str) -> None:
    """Have the disk itself hold a log that SQLite has written.

    Only ever for a log: to open and close a database beside SQLite would undo its locks.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:  # brought over and deleted meanwhile
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
