"""What the engine runs on: devices, memory, what it keeps loaded."""

from typing import Any, List, Optional, Tuple

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFormLayout, QGroupBox, QLabel, QVBoxLayout, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from ..engine_state import EngineState, MachineFacts
from .parts import described, push_button, row

GIGABYTE = 1e9


def size(count: float) -> str:
    """`1.4 GB`, `3 MB`."""
    if count >= GIGABYTE:
        return tr("{size:.1f} GB").format(size=count / GIGABYTE)
    return tr("{size:.0f} MB").format(size=count / 1e6)


class MachineBox(QGroupBox):
    """Asked of the engine when it is first seen, and again when asked to."""

    def __init__(self, state: EngineState, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("This machine"), parent)
        self._state = state
        described(self, "machine")
        self.said = quiet(sentence())
        self.form = QFormLayout()
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.button = push_button("look_again", state.ask_machine)
        layout = QVBoxLayout(self)
        layout.addWidget(self.said)
        layout.addLayout(self.form)
        layout.addLayout(row(self.button))
        state.machine_changed.connect(self._show)
        state.changed.connect(self._show)
        self._show()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Ask once."""
        super().showEvent(event)
        self._ask_once()

    def _ask_once(self) -> None:
        found = self._state.facts is not None and self._state.facts.found
        if found and self._state.machine is None and not self._state.busy and self.isVisible():
            self._state.ask_machine()

    def _show(self) -> None:
        state = self._state
        found = state.facts is not None and state.facts.found
        self.setVisible(found)
        self.button.setEnabled(not state.asking and not state.busy)
        while self.form.rowCount():
            self.form.removeRow(0)
        for title, text in facts_of(state.machine) if state.machine is not None else []:
            label = sentence(text)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.form.addRow(QLabel(title), label)
        text = tr("Asking the engine…") if state.asking else ""
        if not state.asking and state.machine is not None and state.machine.trouble:
            text = state.machine.trouble
        self.said.setText(text)
        self.said.setVisible(bool(text))
        self._ask_once()


def facts_of(machine: MachineFacts) -> List[Tuple[str, str]]:
    """Title and text of each line."""
    told: List[Tuple[str, str]] = []
    if machine.devices:
        told.append((tr("Devices"), ", ".join(machine.devices)))
    total, free = machine.memory.get("total"), machine.memory.get("available")
    if total and free:
        told.append((tr("Memory"), tr("{free} of {total} free").format(free=size(free), total=size(total))))
    elif total:
        told.append((tr("Memory"), size(total)))
    if not machine.trouble:
        own = machine.memory.get("own")
        loaded = ", ".join(machine.warm) or tr("nothing yet")
        text = tr("{what}, {size} of memory").format(what=loaded, size=size(own)) if own else loaded
        told.append((tr("Kept loaded"), text))
    return told
