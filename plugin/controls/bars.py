"""Bars of probabilities, one line for each class."""

from typing import List, Optional, Tuple

from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPaintEvent, QPalette
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QWidget

from .parts import described, letters, lines, percent

Bar = Tuple[str, str, float]
"""Name, colour, share 0..1."""
NAME_SHARE = 0.42
"""Of the width that names may take."""
TRACK = 0.15
"""Opacity of the empty part of a bar."""


class Bars(QWidget):
    """The most probable classes, longest bar first; room for a fixed number, so that nothing jumps."""

    def __init__(self, most: int, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._most, self._bars = most, []  # type: int, List[Bar]
        described(self, "bars")
        self._probe = QLabel(self)  # dark themes of QGIS are style sheets: a label knows its colour, a plain widget not
        self._probe.hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_bars(self, bars: List[Bar]) -> None:
        """Show these, at most as many as there is room for."""
        self._bars = sorted(bars, key=lambda bar: -bar[2])[: self._most]
        self.setAccessibleDescription(", ".join(f"{name} {percent(share)}" for name, _, share in self._bars))
        self.update()

    def bars(self) -> List[Bar]:
        """What is shown."""
        return list(self._bars)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as all lines, whether or not they are filled."""
        return QSize(letters(self, 20), lines(self, self._line() * self._most))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As `sizeHint`, narrower."""
        return QSize(letters(self, 14), self.sizeHint().height())

    @staticmethod
    def _line() -> float:
        return 1.25

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Name, bar, figure."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, height = self.fontMetrics(), lines(self, self._line())
        figure = metrics.horizontalAdvance(percent(1.0) + " ")
        widest = max((metrics.horizontalAdvance(name) for name, _, _ in self._bars), default=0)
        names = min(widest + letters(self, 1), round(self.width() * NAME_SHARE))
        room = max(self.width() - names - figure, 1)
        self._probe.ensurePolished()
        ink = self._probe.palette().color(QPalette.ColorRole.WindowText)
        empty = QColor(ink)
        empty.setAlphaF(TRACK)
        middle = Qt.AlignmentFlag.AlignVCenter
        for number, (name, colour, share) in enumerate(self._bars):
            top = number * height
            painter.setPen(ink)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names - letters(self, 0.5))
            painter.drawText(QRectF(0, top, names, height), middle | Qt.AlignmentFlag.AlignLeft, shown)
            box = QRectF(names, top + 0.2 * height, room, 0.6 * height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(empty)
            painter.drawRoundedRect(box, 2, 2)
            painter.setBrush(QColor(colour))
            box.setWidth(room * min(max(share, 0.0), 1.0))
            painter.drawRoundedRect(box, 2, 2)
            painter.setPen(ink)
            place = QRectF(names + room, top, figure, height)
            painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, percent(share))
        painter.end()
