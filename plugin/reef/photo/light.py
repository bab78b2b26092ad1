"""A strip below the toolbar: brightness, contrast, white balance; opened when wanted, so that the photo stays free."""

from typing import Any, Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QAbstractButton, QButtonGroup, QLabel, QSlider, QToolButton, QWidget

from ...controls.parts import column, described, push_button, row, title_of
from .look import AS_TAKEN, AUTO, PICKED
from .tone import NEUTRAL
from .view import PhotoView

MOST = 100
STEP, PAGE = 2, 20


class LightStrip(QWidget):
    """Bound both ways to the look of the view."""

    def __init__(self, view: PhotoView, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.view = view
        self.brightness, self.contrast = self._slider("photo_brightness"), self._slider("photo_contrast")
        self.taken, self.auto = self._choice("photo_white_taken"), self._choice("photo_white_auto")
        self.pick = self._choice("photo_white_pick")
        self.compare = push_button("photo_compare", lambda: None)
        self.reset = push_button("photo_reset", self._on_reset)
        self._group = QButtonGroup(self)
        for button in (self.taken, self.auto, self.pick):
            self._group.addButton(button)
        sliders = row(
            QLabel(title_of("photo_brightness")), self.brightness, QLabel(title_of("photo_contrast")), self.contrast
        )
        for at in (1, 3):
            sliders.setStretch(at, 1)
        white = QLabel(title_of("photo_white"))
        box = column(self, sliders, row(white, self.taken, self.auto, self.pick, self.compare, self.reset))
        edge = round(self.fontMetrics().averageCharWidth())
        box.setContentsMargins(edge, 0, edge, edge)
        self.brightness.valueChanged.connect(lambda value: view.change(brightness=value))
        self.contrast.valueChanged.connect(lambda value: view.change(contrast=value))
        self.taken.clicked.connect(lambda *_: self._on_white(AS_TAKEN))
        self.auto.clicked.connect(lambda *_: self._on_white(AUTO))
        self.pick.clicked.connect(lambda *_: view.pick_white())
        self.compare.pressed.connect(lambda: view.show_as_taken(True))
        self.compare.released.connect(lambda: view.show_as_taken(False))
        view.looked.connect(self.refresh)
        view.white_wanted.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Show the look as it is."""
        look, picking = self.view.look, self.view.picking
        for slider, value in ((self.brightness, look.brightness), (self.contrast, look.contrast)):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
        shown = self.pick if picking else {AS_TAKEN: self.taken, AUTO: self.auto, PICKED: self.pick}[look.white]
        shown.setChecked(True)
        changed = bool(look.brightness or look.contrast or look.white != AS_TAKEN)
        self.reset.setEnabled(changed)
        self.compare.setEnabled(changed)

    def _on_white(self, white: str) -> None:
        self.view.pick_white(False)
        self.view.change(white=white, gains=NEUTRAL)
        self.refresh()

    def _on_reset(self) -> None:
        self.view.pick_white(False)
        self.view.change(brightness=0, contrast=0, white=AS_TAKEN, gains=NEUTRAL)

    def _slider(self, name: str) -> QSlider:
        slider = described(QSlider(Qt.Orientation.Horizontal), name)
        slider.setRange(-MOST, MOST)
        slider.setSingleStep(STEP)
        slider.setPageStep(PAGE)
        slider.setMinimumWidth(slider.fontMetrics().averageCharWidth() * 8)
        return slider

    def _choice(self, name: str) -> QAbstractButton:
        button = described(QToolButton(), name)
        button.setText(title_of(name))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setCheckable(True)
        return button
