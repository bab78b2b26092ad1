"""Classes or values, and the value that the next click gives."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QSignalBlocker, QSize
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QLabel, QRadioButton, QWidget

from ...processing.i18n import tr
from .parts import attempt, column, described, letters, row

LARGEST = 1e12
DECIMALS = 4
LETTERS = 12


class TargetControl(QWidget):
    """Two radio buttons."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.buttons = {
            "class": described(QRadioButton(tr("Classes")), "target_class"),
            "value": described(QRadioButton(tr("Values")), "target_value"),
        }
        layout = row(*self.buttons.values())
        column(self, layout)
        for target, button in self.buttons.items():
            button.clicked.connect(lambda *_, target=target: attempt(state, state.set_target, target))
        state.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for target, button in self.buttons.items():
            with QSignalBlocker(button):
                button.setChecked(target == self._state.target)


class ValueSpin(QDoubleSpinBox):
    """A number as people write it: `12.5`, never `12.5000`."""

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough for what people type, not for the largest number there is."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), letters(self, LETTERS)), hint.height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As the least."""
        return self.minimumSizeHint()

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """As short as it is exact."""
        text = self.locale().toString(value, "f", DECIMALS)
        point = self.locale().decimalPoint()
        return text.rstrip(self.locale().zeroDigit()).rstrip(point) if point in text else text


class ValueControl(QWidget):
    """The value of the next label."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.spin = described(ValueSpin(), "value")
        self.spin.setRange(-LARGEST, LARGEST)
        self.spin.setDecimals(DECIMALS)
        self.spin.setKeyboardTracking(False)
        label = QLabel(tr("Value of the next label"))
        label.setBuddy(self.spin)
        column(self, row(label, self.spin, stretch=self.spin))
        self.spin.valueChanged.connect(state.set_value)
        state.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        if self.spin.value() != self._state.value:
            with QSignalBlocker(self.spin):
                self.spin.setValue(self._state.value)
