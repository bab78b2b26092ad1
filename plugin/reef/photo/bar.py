"""The toolbar of the photo window: zoom, how points look, magnifier, light, full screen."""

from typing import Any, Callable, Dict, List, Optional

from qgis.PyQt.QtCore import QEvent, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPixmap
from qgis.PyQt.QtWidgets import (
    QAction,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSpinBox,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from ....processing.i18n import tr
from ...controls.parts import column, described, icon_size, letters, row, title_of, tool_button
from ...plots.look import colours
from .icons import icon
from .look import MAGNIFICATIONS, MOST_PATCH
from .reading import GROUND
from .shown import BY_LABEL, BY_STATE, LABELS, NO_TEXT, NUMBERS, STATES, PointShown
from .symbols import Symbols, look_of
from .view import PhotoView
from .words import state_words

PATCH_STEP = 16


class PhotoBar(QWidget):
    """Bound both ways to the look of the view."""

    light_wanted = pyqtSignal(bool)
    full_wanted = pyqtSignal()

    def __init__(self, view: PhotoView, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.view = view
        self._drawn: Dict[QToolButton, str] = {}
        self._ink: Optional[QColor] = None
        self.fit = self._button("photo_fit", "fit", view.fit)
        self.actual = self._button("photo_actual", "actual", view.actual_size)
        self.to_patch = self._button("photo_to_patch", "patch", view.zoom_to_patch)
        self.points = self._button("photo_points", "points")
        self.magnifier = self._button("photo_magnifier", "magnifier")
        self.light = self._button("photo_light", "light")
        self.full = self._button("photo_full", "full", self.full_wanted.emit)
        self.patch = described(QSpinBox(), "photo_patch")
        self._groups: List[Any] = []
        self._fill_points()
        self._fill_magnifier()
        self.light.setCheckable(True)
        self.light.toggled.connect(self.light_wanted)
        buttons = (self.fit, self.actual, self.to_patch, self.points, self.magnifier, self.light)
        box = QHBoxLayout(self)
        box.setContentsMargins(2, 2, 2, 2)
        box.setSpacing(2)
        for button in buttons:
            box.addWidget(button)
        box.addStretch(1)
        box.addWidget(self.full)
        view.looked.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the look as it is."""
        look = self.view.look
        for actions, field in self._groups:
            for action in actions:
                action.setChecked(action.data() == getattr(look, field))
        self.hidden.setChecked(not look.points)
        self.overview.setChecked(look.overview)
        for widget, show in ((self.patch, self.patch.setValue), (self.magnifier, self.magnifier.setChecked)):
            widget.blockSignals(True)
            show(look.patch_px if widget is self.patch else look.magnifier)
            widget.blockSignals(False)

    def _fill_points(self) -> None:
        menu = QMenu(self)
        self._choose(menu, "colours", ((BY_STATE, tr("Colours tell states")), (BY_LABEL, tr("Colours tell labels"))))
        menu.addSeparator()
        self._choose(
            menu,
            "texts",
            (
                (LABELS, tr("Labels beside points")),
                (NUMBERS, tr("Numbers beside points")),
                (NO_TEXT, tr("Points alone")),
            ),
        )
        menu.addSeparator()
        self.hidden = self._switch(menu, tr("Hide all but the current point"), lambda on: self._change(points=not on))
        self.overview = self._switch(menu, tr("All of the photo in a corner"), lambda on: self._change(overview=on))
        menu.addSeparator()
        self.patch.setRange(0, MOST_PATCH)
        self.patch.setSingleStep(PATCH_STEP)
        self.patch.setSuffix(tr(" px"))
        self.patch.setSpecialValueText(tr("none"))
        self.patch.valueChanged.connect(lambda value: self._change(patch_px=value))
        self._add(menu, row(QLabel(title_of("photo_patch")), self.patch, stretch=self.patch))
        menu.addSeparator()
        self._add(menu, *self._legend())
        self._drop(self.points, menu, QToolButton.ToolButtonPopupMode.InstantPopup)

    def _fill_magnifier(self) -> None:
        menu = QMenu(self)
        times = ((times, tr("{times} screen pixels for each").format(times=times)) for times in MAGNIFICATIONS)
        self._choose(menu, "magnified", times)
        self.magnifier.setCheckable(True)
        self.magnifier.toggled.connect(lambda on: self._change(magnifier=on))
        self._drop(self.magnifier, menu, QToolButton.ToolButtonPopupMode.MenuButtonPopup)

    def _legend(self) -> List[Any]:
        """Each state as it is drawn, on the ground of the view."""
        symbols = Symbols(float(self.fontMetrics().height()), self.devicePixelRatioF())
        lines = []
        for state in STATES:
            picture, words = QLabel(), QLabel(state_words()[state])
            drawn, _ = symbols.of(look_of(PointShown(0, 0, 0, 0, state), BY_STATE, False))
            ground = QPixmap(drawn.size())
            ground.setDevicePixelRatio(drawn.devicePixelRatio())
            ground.fill(QColor(GROUND))
            painter = QPainter(ground)
            painter.drawImage(0, 0, drawn)
            painter.end()
            picture.setPixmap(ground)
            lines.append(row(picture, words))
        return lines

    def _change(self, **fields: Any) -> None:
        self.view.change(**fields)

    def _take(self, field: str, value: Any) -> None:
        self._change(**{field: value})
        self.refresh()  # the one that was chosen already has just lost its mark

    def _choose(self, menu: QMenu, field: str, choices: Any) -> None:
        actions = []
        for value, words in choices:
            action = QAction(words, menu)
            action.setCheckable(True)
            action.setData(value)
            action.triggered.connect(lambda *_, value=value: self._take(field, value))
            actions.append(action)
            menu.addAction(action)
        self._groups.append((actions, field))

    def _switch(self, menu: QMenu, words: str, switched: Callable[[bool], None]) -> QAction:
        action = QAction(words, menu)
        action.setCheckable(True)
        action.triggered.connect(switched)
        menu.addAction(action)
        return action

    def _add(self, menu: QMenu, *lines: Any) -> None:
        holder = QWidget()
        edge = letters(self, 2)
        column(holder, *lines).setContentsMargins(edge, edge // 4, edge, edge // 4)
        action = QWidgetAction(menu)
        action.setDefaultWidget(holder)
        menu.addAction(action)

    def _drop(self, button: QToolButton, menu: QMenu, mode: Any) -> None:
        button.setMenu(menu)
        button.setPopupMode(mode)

    def _button(self, name: str, drawn: str, pressed: Optional[Callable[[], Any]] = None) -> QToolButton:
        button = tool_button(name)
        button.setText("")
        button.setStyleSheet("")
        button.setIconSize(icon_size(button))
        self._drawn[button] = drawn
        if pressed is not None:
            button.clicked.connect(lambda *_: pressed())
        return button

    def _dress(self) -> None:
        """Icons in the ink of the theme."""
        ink = colours(self)[1]
        if ink != self._ink:
            self._ink = ink
            for button, drawn in self._drawn.items():
                button.setIcon(icon(drawn, ink))

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The theme is known by now."""
        super().showEvent(event)
        self._dress()

    def changeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Another theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and self.isVisible():
            self._dress()
