"""One polite notice, once for each version and profile, that the engine needs setting up."""

from typing import Any, Callable, Optional

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer

from ..core.version import VERSION
from ..processing.i18n import tr
from .messages import Messages
from .settings import NOTICE_SHOWN

DELAY_MS = 2000
"""After the start of QGIS has settled, so that looking for the engine costs the start nothing."""


class EngineNotice(QObject):
    """Looks for the engine a moment after the start, and says so if there is none."""

    def __init__(self, iface: Any, open_engine: Callable[[], None]) -> None:
        super().__init__()
        self._iface = iface
        self._open_engine = open_engine
        self._item: Optional[Any] = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.look)
        if NOTICE_SHOWN.get() != VERSION:
            self._timer.start(DELAY_MS)

    def look(self) -> None:
        """Show the notice if there is no engine and it was not shown for this version."""
        from ..core.errors import EngineMissing, QuadratError
        from ..processing.environment import find_engine

        if NOTICE_SHOWN.get() == VERSION:
            return
        try:
            find_engine()
        except EngineMissing:
            NOTICE_SHOWN.set(VERSION)
            text = tr(
                "The engine that does the work is not set up yet. It takes a few minutes and changes nothing in QGIS."
            )
            self._item = Messages(self._iface).offer(text, tr("Set up…"), self._open_engine)
        except QuadratError as error:
            Messages(self._iface).warning(str(error))

    def remove(self) -> None:
        """Stop looking, and take the notice away."""
        self._timer.stop()
        if self._item is not None and not sip.isdeleted(self._item):
            self._iface.messageBar().popWidget(self._item)
            self._item = None
