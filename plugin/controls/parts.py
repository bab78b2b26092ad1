"""Small things that all controls are made of: described widgets, sentences, sizes in letters instead of pixels."""

from typing import Any, Callable, Dict, Optional, Tuple

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor, QIcon, QPixmap
from qgis.PyQt.QtWidgets import QBoxLayout, QComboBox, QPushButton, QSizePolicy, QToolButton, QWidget

from ...core.errors import QuadratError
from ...processing.i18n import tr
from ..reef.words import words as reef_words
from ..teach.words import words as teach_words

SHORTEST_COMBO = 6
"""Letters that a list shows at least; more where there is room."""

_words: Dict[str, Tuple[str, str]] = {}


def described(widget: QWidget, name: str) -> Any:
    """The same widget with name, accessible name and tooltip from the files of words."""
    title, tip = _known()[name]
    widget.setObjectName(name)
    widget.setAccessibleName(title)
    widget.setAccessibleDescription(tip)
    widget.setToolTip(tip)
    return widget


def title_of(name: str) -> str:
    """What a control is called."""
    return _known()[name][0]


def _known() -> Dict[str, Tuple[str, str]]:
    """All words, read once and only when something is shown."""
    if not _words:
        _words.update({**teach_words(), **reef_words()})
    return _words


def letters(widget: QWidget, count: float) -> int:
    """Width of so many letters, in pixels of this widget's font."""
    return round(widget.fontMetrics().averageCharWidth() * count)


def lines(widget: QWidget, count: float) -> int:
    """Height of so many lines, in pixels of this widget's font."""
    return round(widget.fontMetrics().lineSpacing() * count)


def icon_size(widget: QWidget) -> QSize:
    """Of icons beside text: as high as a line, a little more."""
    side = lines(widget, 1.15)
    return QSize(side, side)


def theme_icon(name: str) -> QIcon:
    """One of QGIS's own icons, in the theme that is chosen."""
    return QgsApplication.getThemeIcon(f"/{name}.svg")


def tool_button(name: str, icon: str = "") -> QToolButton:
    """A small button with an icon of QGIS, or three dots; the tooltip says what it does."""
    button = described(QToolButton(), name)
    if icon:
        button.setIcon(theme_icon(icon))
    else:
        button.setText("…")
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # the dots say it already
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def push_button(name: str, pressed: Callable[[], Any], text: str = "") -> QPushButton:
    """A button with words."""
    button = described(QPushButton(text or title_of(name)), name)
    button.setAutoDefault(False)
    button.clicked.connect(lambda *_: pressed())
    return button


def narrow(combo: QComboBox) -> QComboBox:
    """A list that takes the width there is, whatever the length of its entries."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(SHORTEST_COMBO)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo


def narrow_text(button: QToolButton, text: str) -> None:
    """Text of a button that takes the width there is; what does not fit is cut, and its tooltip says it whole."""
    button.setText(text)
    button.setMinimumWidth(0)


def swatch(colour: str, side: int) -> QIcon:
    """A square of this colour, the same when its row is chosen."""
    pixmap = QPixmap(side, side)
    pixmap.fill(QColor(colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


def row(*widgets: Any, stretch: Optional[Any] = None) -> QBoxLayout:
    """Widgets side by side; `stretch` is the one that takes what is left, None leaves it empty at the end."""
    box = QBoxLayout(QBoxLayout.Direction.LeftToRight)
    box.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        box.addWidget(widget, 1 if widget is stretch else 0)
    if stretch is None:
        box.addStretch(1)
    return box


def strip(*widgets: QWidget, stretch: Optional[QWidget] = None) -> QWidget:
    """A row that is shown and hidden as one; a bare layout of hidden widgets would make its neighbours narrow."""
    holder = QWidget()
    column(holder, row(*widgets, stretch=stretch))
    return holder


def evenly(*widgets: QWidget, gap: int = -1) -> QBoxLayout:
    """Widgets that share the width, however little it is."""
    box = QBoxLayout(QBoxLayout.Direction.LeftToRight)
    box.setContentsMargins(0, 0, 0, 0)
    if gap >= 0:
        box.setSpacing(gap)
    for widget in widgets:
        widget.setSizePolicy(QSizePolicy.Policy.Ignored, widget.sizePolicy().verticalPolicy())
        box.addWidget(widget, 1)
    return box


def column(holder: QWidget, *items: Any) -> QBoxLayout:
    """Widgets and layouts one below the other, without margins of their own."""
    box = QBoxLayout(QBoxLayout.Direction.TopToBottom, holder)
    box.setContentsMargins(0, 0, 0, 0)
    for item in items:
        if isinstance(item, QWidget):
            box.addWidget(item)
        else:
            box.addLayout(item)
    return box


def attempt(state: Any, what: Callable[..., Any], *values: Any) -> bool:
    """Do it; what is refused is said in the dock. True when it was done."""
    try:
        what(*values)
    except QuadratError as error:
        state.said.emit("warning", str(error))
        return False
    return True


def number_of(flags: Any) -> int:
    """What Qt keeps of flags that go through a model: PyQt5 wants the number, PyQt6 has it as a value."""
    return int(getattr(flags, "value", flags))


def percent(share: float) -> str:
    """`62 %`."""
    return tr("{percent} %").format(percent=round(100 * share))
