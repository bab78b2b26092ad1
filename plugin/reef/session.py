"""One survey file, held open while it is annotated: noticed when others change it, replace it or take it away."""

import os
import sqlite3
import time
from contextlib import contextmanager
from typing import Any, Iterator, Optional, Tuple

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import BadInput
from ...core.reef.survey import Survey
from ...processing.i18n import tr

WAIT_MS = 1500
"""For a job that writes a piece of its result; QGIS's window stands still meanwhile."""
LOOK_MS = 1500
QUIET_S = 2.0
"""Without a label for so long the file is made complete."""
THERE, GONE, REPLACED = "there", "gone", "replaced"


class Session(QObject):
    """A survey that is open.

    Raises:
        BadInput: no such file, or no survey in it.
    """

    altered = pyqtSignal()
    """Another connection changed it: a job, or another window."""
    lost = pyqtSignal(str)
    """`GONE`, or `REPLACED` by another file of the same name."""

    def __init__(self, path: str, parent: Optional[QObject] = None) -> None:
        self.survey = Survey(path)
        super().__init__(parent)
        self.path = self.survey.path
        self.survey.connection.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        self._identity = self._look()
        self._version = self._data_version()
        self._told = False
        self._wrote: Optional[float] = None
        """When we wrote last; None where all of it lies in the file itself."""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def close(self) -> None:
        """Let go of the file; what was edited is in it already."""
        self._timer.stop()
        self._settle()
        self.survey.close()

    def check(self) -> None:
        """Refuse to write where nobody would find it again.

        Raises:
            BadInput: the file is gone, or another one is in its place.
        """
        state = self.state()
        if state == THERE:
            return
        QTimer.singleShot(0, self.look)
        if state == GONE:
            raise BadInput(
                tr("The survey {path} was moved or deleted. Open it where it is now.").format(path=self.path)
            )
        raise BadInput(tr("Another program wrote the survey anew. It is read again; then go on."))

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Reading of the file, which a program that writes a lot may hold for a while.

        Raises:
            BadInput: it does, or the file is damaged.
        """
        try:
            yield
        except sqlite3.Error as error:
            text = tr("The survey {path} cannot be read: {why}.")
            if "locked" in str(error) or "busy" in str(error):
                text = tr("The survey {path} cannot be read just now, as another program is changing it. Try again.")
            raise BadInput(text.format(path=self.path, why=error)) from error

    def look_again(self) -> None:
        """Tell at the next look that the file was changed, as it could not be read now."""
        self._version = -1

    def state(self) -> str:
        """`THERE`, `GONE` or `REPLACED`."""
        now = self._look()
        return GONE if now is None else THERE if now == self._identity else REPLACED

    def begin(self) -> None:
        """We write now."""
        self._wrote = time.monotonic()

    def look(self) -> None:
        """See whether anything happened to the file; also done every one and a half seconds."""
        state = self.state()
        if state != THERE:
            if not self._told:
                self._told = True
                self.lost.emit(state)
            return
        version = self._data_version()
        if version is not None and version != self._version:
            self._version = version
            self.altered.emit()
        elif self._wrote is not None and time.monotonic() - self._wrote > QUIET_S:
            self._settle()

    def _settle(self) -> None:
        """Where QGIS keeps a log beside the file, bring it over: whoever copies the file alone has all of it then."""
        try:
            self.survey.connection.execute("PRAGMA busy_timeout = 0")
            busy = self.survey.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error:
            busy = True
        finally:
            self.survey.connection.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        if not busy:  # else it is done at the next look
            self._wrote = None

    def _data_version(self) -> Optional[int]:
        """Changes when another connection has changed the file, and only then."""
        try:
            found: Any = self.survey.connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # locked: asked again at the next look
            return None
        return int(found[0])

    def _look(self) -> Optional[Tuple[int, int]]:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino
