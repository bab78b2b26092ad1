"""The foot of the dock: what is being done, with progress and cancel; and the last sentence that was said."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QElapsedTimer, Qt, QTimer
from qgis.PyQt.QtWidgets import QFrame, QLabel, QProgressBar, QStyle, QWidget

from ...processing.forms.sentences import sentence
from .parts import column, described, icon_size, lines, push_button, row, tool_button

ICONS = {
    "info": QStyle.StandardPixmap.SP_MessageBoxInformation,
    "warning": QStyle.StandardPixmap.SP_MessageBoxWarning,
    "error": QStyle.StandardPixmap.SP_MessageBoxCritical,
}
SHOWN_MS = 8000
"""Of an info; warnings and errors stay until they are closed or the next sentence comes."""
READ_MS = 5000
"""No info covers a warning before it could be read; after that it does, as what happened since is worth more."""


class News(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.level = ""
        self.doing = sentence()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(lines(self, 0.9))
        self.cancel = push_button("cancel", state.cancel)
        self._work = QWidget()
        column(self._work, self.doing, row(self.bar, self.cancel, stretch=self.bar))
        self.mark, self.text = QLabel(), sentence()
        self.mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.dismiss = tool_button("dismiss", "mIconClose")
        self.dismiss.clicked.connect(self.clear)
        self._saying = QFrame()
        self._saying.setFrameShape(QFrame.Shape.StyledPanel)
        box = column(self._saying, row(self.mark, self.text, self.dismiss, stretch=self.text))
        margin = lines(self, 0.25)
        box.setContentsMargins(margin, margin, margin, margin)
        column(self, self._work, self._saying)
        described(self._saying, "news")
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)
        self.clear()
        self._on_busy_changed(state.busy)
        state.said.connect(self.say)
        state.busy_changed.connect(self._on_busy_changed)
        state.progressed.connect(self._on_progressed)

    def say(self, level: str, text: str) -> None:
        """Show a sentence; an info does not cover an error, or a warning that came just now."""
        unread = self.level == "error" or (self.level == "warning" and self._since.elapsed() < READ_MS)
        if not text or (level == "info" and unread):
            return
        self.level = level
        self._since.start()
        size = icon_size(self)
        self.mark.setPixmap(self.style().standardIcon(ICONS.get(level, ICONS["info"])).pixmap(size))
        self.text.setText(text)
        self._saying.setAccessibleDescription(text)
        self._saying.show()
        self._timer.stop()
        if level == "info":
            self._timer.start(SHOWN_MS)

    def clear(self) -> None:
        """Take the sentence away."""
        self.level = ""
        self.text.clear()
        self._saying.hide()

    def _on_busy_changed(self, what: str) -> None:
        self._work.setVisible(bool(what))
        self.doing.setText(what)
        self.bar.setRange(0, 0)

    def _on_progressed(self, percent: float, *_: Any) -> None:
        self.bar.setRange(0, 100 if percent >= 0 else 0)
        self.bar.setValue(int(max(percent, 0)))
