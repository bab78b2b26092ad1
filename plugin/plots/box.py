"""What all plots share: a place for the drawing, a sentence where there is none, colours that follow the theme."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QEvent, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from ...processing.forms.sentences import quiet, sentence
from ..controls.parts import described, lines, push_button
from .library import pyqtgraph, why_not
from .look import dress

HEIGHT_LINES = 15


class PlotBox(QWidget):
    """One plot of the live state. A plot that is made of pyqtgraph is made at its first showing."""

    engine_wanted = pyqtSignal()
    NAME = ""
    """Entry in the file of words."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.state = state
        self._dressing = QTimer(self)
        self._dressing.setSingleShot(True)
        self._dressing.timeout.connect(self._on_theme_changed)
        self.pg: Any = None
        self.plot: Any = None
        described(self, self.NAME)
        self.pages = QStackedWidget()
        self.pages.setMinimumHeight(lines(self, HEIGHT_LINES))
        self.instead = quiet(sentence())
        self.button = push_button("to_engine", self.engine_wanted.emit)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addWidget(self.instead)
        layout.addWidget(self.button)
        layout.addStretch(1)
        self.pages.addWidget(page)
        self.caption = quiet(sentence())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.pages)
        whole.addWidget(self.caption)

    # For the plots -----------------------------------------------------------------------------------------------

    def make(self, pg: Any) -> Any:
        """The PlotWidget, empty."""
        raise NotImplementedError

    def draw(self) -> str:
        """Draw the state; returns a sentence when there is nothing to draw."""
        raise NotImplementedError

    def ask(self) -> None:
        """Ask for what is drawn, where it is not made with each view."""

    # For the deck ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Draw what is known now; only while it is seen."""
        if not self.isVisible():
            return
        if self.plot is None and not self._begin():
            self._say(why_not(), True)
            return
        why = self.draw()
        if why:
            self._say(why, False)
        else:
            self.pages.setCurrentIndex(1)
        self.caption.setVisible(bool(self.caption.text()) and not why)

    def _begin(self) -> bool:
        self.pg = pyqtgraph()
        if self.pg is None:
            return False
        self.plot = self.make(self.pg)
        self.pages.addWidget(self.plot)
        # pyqtgraph wishes for 640 x 480 pixels; the height is that of some lines of text instead.
        self.plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.plot.setAccessibleName(self.accessibleName())
        self.plot.setToolTip(self.toolTip())
        self.dress()
        return True

    def dress(self) -> None:
        """Take on the colours of the window."""
        dress(self.plot, self, self.pg)

    def _on_theme_changed(self) -> None:
        self.dress()
        self.refresh()

    def _say(self, text: str, with_button: bool) -> None:
        self.instead.setText(text)
        self.button.setVisible(with_button)
        self.pages.setCurrentIndex(0)
        self.caption.hide()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw what came while it was hidden."""
        super().showEvent(event)
        self.ask()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Another theme or another font."""
        super().changeEvent(event)
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange)
        if event.type() in kinds and self.plot is not None:
            self._dressing.start()  # the widgets within hear of it after this one

    def colour_of(self, name: str, otherwise: str) -> str:
        """Colour of a class."""
        return next((c["colour"] for c in self.state.classes.to_dicts() if c["name"] == name), otherwise)
