"""The frame of a tab: scrolls up and down, never sideways, and never squeezes what lies in it."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtWidgets import QFrame, QScrollArea, QWidget


class Scroller(QScrollArea):
    """Scrolls up and down only; what lies in it is always as wide as the dock.

    Qt's own scroll area does not ask how high wrapped text becomes at the width there is; it would cut its last lines.
    """

    def __init__(self, inner: QWidget, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inner)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner.installEventFilter(self)

    def minimumSizeHint(self) -> Any:  # noqa: N802 - Qt's name
        """Never narrower than what lies in it."""
        hint = super().minimumSizeHint()
        bar = self.verticalScrollBar().sizeHint().width()
        hint.setWidth(self.widget().minimumSizeHint().width() + bar)
        return hint

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Text has changed, or something was shown or hidden."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self._fit()
        return bool(super().eventFilter(watched, event))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Another width wraps text elsewhere."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        layout = self.widget().layout()
        if layout is not None and layout.hasHeightForWidth():
            self.widget().setMinimumHeight(layout.totalHeightForWidth(self.viewport().width()))
