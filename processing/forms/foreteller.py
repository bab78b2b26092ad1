"""How long a job of a form takes and how large its result becomes: asked in the background, measured on demand."""

import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Optional, Tuple

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...core.errors import Cancelled, QuadratError
from ...core.jobs.declare import Job
from ...core.wording import forecast, no_room
from ..background import in_background
from ..i18n import tr
from ..sources import VectorSnapshot
from ..workers import shared_pool
from .sentences import Note, quiet

PAUSE_MS = 400
"""Values that are being typed are asked about when the typing pauses."""


@dataclass(frozen=True)
class Wanted:
    """A job as the form stands, and layers that must be written for it first."""

    job: Job
    copies: Tuple[VectorSnapshot, ...] = field(default=(), compare=False)

    def facts(self, measure: bool, is_cancelled: Callable[[], bool]) -> Dict[str, Any]:
        """Ask the engine; takes a tenth of a second, and some seconds where it measures."""
        for copy in self.copies:
            copy.write(is_cancelled)
        return shared_pool().foretell(self.job.to_dict(), measure, is_cancelled)


class Foreteller(QObject):
    """The question of one form and the answer to it; answers that are out of date are dropped."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject, read: Callable[[], Optional[Wanted]]) -> None:
        """`read`, a method, gives the job as the form stands, or None when it cannot run; called in the main thread."""
        super().__init__(parent)
        self.facts: Optional[Dict[str, Any]] = None
        self.trouble = ""
        """Why a measurement that the user asked for failed."""
        # A form that is held by its own child is freed by Python's collector, in an order that Qt does not survive.
        self._read = weakref.WeakMethod(read)
        self._wanted: Optional[Wanted] = None
        self._busy: Optional[Wanted] = None
        self._stop: Optional[threading.Event] = None
        """Of the measurement that runs."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._ask)

    @property
    def measuring(self) -> bool:
        """True while the engine measures for this form."""
        return self._stop is not None

    @property
    def known(self) -> bool:
        """True when the time of the job as it stands was foretold."""
        return self.facts is not None and bool(self.facts["known"])

    def look(self) -> None:
        """The form has changed, or what is known may have."""
        self._timer.start()

    def measure(self) -> None:
        """Measure now, for some seconds."""
        if self._wanted is not None and not self.measuring:
            self._stop, self.trouble = threading.Event(), ""
            self._send(self._wanted, True, self._stop)
            self.changed.emit()

    def stop(self) -> None:
        """End a measurement that runs."""
        if self._stop is not None:
            self._stop.set()

    def _ask(self) -> None:
        if self._busy is not None or self.measuring:
            self._timer.start()
            return
        read = self._read()
        wanted = read() if read is not None else None
        if wanted != self._wanted:
            self.facts, self.trouble = None, ""
            self._wanted = wanted
            self.changed.emit()
        if wanted is not None:
            self._busy = wanted
            self._send(wanted, False, threading.Event())

    def _send(self, wanted: Wanted, measure: bool, stop: threading.Event) -> None:
        in_background(
            tr("Measure how fast it is") if measure else tr("Foretell how long it takes"),
            lambda: wanted.facts(measure, lambda: stop.is_set() or sip.isdeleted(self)),
            lambda answer, error: self._on_answered(wanted, measure, answer, error),
        )

    def _on_answered(self, asked: Wanted, measured: bool, answer: Any, error: Optional[BaseException]) -> None:
        if sip.isdeleted(self):  # the form was closed meanwhile
            return
        if measured:
            self._stop = None
        else:
            self._busy = None
        if asked == self._wanted:
            self.facts = answer if error is None else self.facts if measured else None
            failed = measured and isinstance(error, QuadratError) and not isinstance(error, Cancelled)
            self.trouble = str(error) if failed else ""
        self.changed.emit()


class ForecastRow(QWidget):
    """The forecast in a sentence, and beside it what measures where nothing is known yet."""

    def __init__(self, foreteller: Foreteller) -> None:
        super().__init__()
        self._foreteller = foreteller
        self.note = quiet(Note())
        self.warning = Note()
        self.button = QPushButton()
        self.button.setAutoDefault(False)
        self.button.clicked.connect(lambda *_: self._on_pressed())
        row = QHBoxLayout()
        row.addWidget(self.note, 1)
        row.addWidget(self.button, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.warning)
        foreteller.changed.connect(self._show)
        self._show()

    def _on_pressed(self) -> None:
        if self._foreteller.measuring:
            self._foreteller.stop()
        else:
            self._foreteller.measure()

    def _show(self) -> None:
        teller = self._foreteller
        known = teller.facts is not None and "seconds" in teller.facts
        if teller.measuring:
            text = tr("Measuring for a few seconds…")
        elif teller.trouble or teller.facts is None:
            text = teller.trouble
        else:
            text = forecast(teller.facts, tr)
        self.note.say(text)
        self.warning.say(no_room(teller.facts, tr) if teller.facts is not None and not teller.measuring else "")
        self.button.setText(tr("Stop") if teller.measuring else tr("Measure"))
        self.button.setToolTip(
            tr("Do the first seconds of the work to see how fast it is; nothing is kept but the speed")
        )
        self.button.setVisible(teller.measuring or (teller.facts is not None and not known and not teller.trouble))
        self.setVisible(bool(text))
