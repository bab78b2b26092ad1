"""Labels that wrap: in docks and forms the width decides how high a text is, and never the text how wide the window."""

from typing import Any

from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtGui import QColor, QGuiApplication, QPalette
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy

QUIET = 0.68
"""Share of ink in a hint: on white and on black above the contrast of 4.5 that small text needs."""


def quiet_colour() -> QColor:
    """Between ink and paper of whatever theme there is."""
    base = QGuiApplication.palette()
    ink, paper = base.color(QPalette.ColorRole.WindowText), base.color(QPalette.ColorRole.Window)
    parts = zip(ink.getRgb()[:3], paper.getRgb()[:3])
    return QColor(*(round(QUIET * a + (1 - QUIET) * b) for a, b in parts))


class Sentence(QLabel):
    """A label that may be said more quietly."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self._quiet = False

    def hush(self) -> None:
        """Say it less loudly."""
        self._quiet = True
        self._mix()

    def _mix(self) -> None:
        mixed, palette = quiet_colour(), self.palette()
        if palette.color(QPalette.ColorRole.WindowText) != mixed:
            palette.setColor(QPalette.ColorRole.WindowText, mixed)
            self.setPalette(palette)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Another theme."""
        super().changeEvent(event)
        if self._quiet and event.type() == QEvent.Type.PaletteChange:
            self._mix()


class Note(Sentence):
    """A sentence below a control of a form: as high as its text at the width there is, hidden when it says nothing.

    The form's scroll area does not ask how high wrapped text becomes, and would cut it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        wrap_freely(self)
        self.hide()

    def say(self, text: str) -> None:
        """Show the text; nothing hides the label."""
        self.setText(text)
        self.setVisible(bool(text))
        self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Another width."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Any width will do."""
        return QSize(0, super().minimumSizeHint().height())

    def _fit(self) -> None:
        self.setMinimumHeight(0)  # which the label would count in
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())) if self.text() else 0)


def sentence(text: str = "") -> Sentence:
    """A label that wraps, never widens what it lies in, and can be read out and copied."""
    label = Sentence(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    wrap_freely(label)
    return label


def wrap_freely(label: QLabel) -> None:
    """Let the width decide how high the text is, and never the text how wide the dock is."""
    label.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)  # a policy that is set anew has forgotten what wrapping asks for
    label.setSizePolicy(policy)


def quiet(label: Sentence) -> Sentence:
    """Said less loudly: hints and what is less important."""
    label.hush()
    return label
