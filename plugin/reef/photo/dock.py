"""The photo window: toolbar, photo, and a line below; floats or docks as its user likes."""

from typing import Any, Optional

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtWidgets import QDockWidget, QWidget

from ....processing.i18n import tr
from .view import PhotoView

OBJECT_NAME = "QuadratPhotoDock"
"""QGIS keeps place and size of the window under this name."""


class PhotoDock(QgsDockWidget):
    """A `PhotoView` (`view`) with its toolbar. Keys that annotate are for an event filter on `view`."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Photo"), parent)
        self.setObjectName(OBJECT_NAME)
        self.view = PhotoView()
        self.setWidget(self.view)

    def settle(self, iface: Any, beside: Optional[QDockWidget] = None) -> None:
        """Add it to QGIS, where it was in the last session, else left of the dock that is given; once."""

    def say(self, words: str) -> None:
        """What the line below tells: name of the photo, its site, which point of how many."""

    def dismiss(self) -> None:
        """Go for good, with the plugin."""
