"""The one road to the message bar."""

from typing import Any, Callable, Optional

from qgis.core import Qgis
from qgis.PyQt.QtWidgets import QPushButton

TITLE = "Quadrat"


class Messages:
    """Shows sentences in QGIS's message bar."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface

    def info(self, text: str) -> None:
        """Something worth knowing, gone after a while."""
        self._iface.messageBar().pushMessage(TITLE, text, Qgis.MessageLevel.Info, 8)

    def warning(self, text: str) -> None:
        """Something that keeps the user from going on; stays until closed."""
        self._iface.messageBar().pushMessage(TITLE, text, Qgis.MessageLevel.Warning, 0)

    def offer(self, text: str, button: str, on_click: Callable[[], None]) -> Optional[Any]:
        """A sentence with a button; both go when it is pressed."""
        bar = self._iface.messageBar()
        item = bar.createMessage(TITLE, text)
        press = QPushButton(button)

        def pressed() -> None:
            bar.popWidget(item)
            on_click()

        press.clicked.connect(pressed)
        item.layout().addWidget(press)
        bar.pushWidget(item, Qgis.MessageLevel.Info, 0)
        return item
