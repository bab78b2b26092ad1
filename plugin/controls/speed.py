"""The speed test: a size, a backbone, a button, and one sentence for an answer."""

from typing import Any, Dict, Optional

from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGroupBox,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import QuadratError
from ...core.jobs.engine import EACH, SpeedTest
from ...core.wording import duration
from ...models.registry import BACKBONES
from ...models.weights.place import size_text
from ...processing.forms.sentences import sentence
from ...processing.i18n import tr
from ...processing.parameters import key
from ...processing.runner import Run
from ..engine_state import EngineState
from .parts import described, narrow, push_button, row

SPEED_TEST = "quadrat:speedtest"


class SpeedBox(QGroupBox):
    """Runs the algorithm 'Speed test' with the size of the user's raster."""

    def __init__(self, state: EngineState, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("How fast is it?"), parent)
        self._state = state
        self._run: Optional[Run] = None
        self.backbone = narrow(described(QComboBox(), "speed_backbone"))
        self.backbone.addItem(tr("Each that can run here"), EACH)
        for name, card in BACKBONES.items():
            if not card.needs_model:
                self.backbone.addItem(card.title, name)
        self.backbone.setCurrentIndex(self.backbone.findData(SpeedTest.defaults()["backbone"]))
        self.numbers: Dict[str, QSpinBox] = {name: self._spin(name) for name in ("columns", "rows", "bands")}
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(tr("Backbone"), self.backbone)
        form.addRow(tr("Columns"), self.numbers["columns"])
        form.addRow(tr("Rows"), self.numbers["rows"])
        form.addRow(tr("Bands"), self.numbers["bands"])
        self.button: QPushButton = push_button("speed_run", self._on_pressed)
        self.bar = QProgressBar()
        self.bar.hide()
        self.answer = sentence()
        self.answer.hide()
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(row(self.button))
        layout.addWidget(self.bar)
        layout.addWidget(self.answer)
        state.changed.connect(self._show)
        self._show()

    @property
    def running(self) -> bool:
        """True while a test runs."""
        return self._run is not None

    def stop(self) -> None:
        """Ask a test that runs to stop."""
        if self._run is not None:
            self._run.cancel()

    def values(self) -> Dict[str, Any]:
        """Parameters of the algorithm."""
        sizes = {key(name): spin.value() for name, spin in self.numbers.items()}
        return {key("backbone"): self.backbone.currentData(), **sizes}

    def _spin(self, name: str) -> QSpinBox:
        p, spin = SpeedTest.params()[name], described(QSpinBox(), f"speed_{name}")
        spin.setRange(int(p.minimum or 0), int(p.maximum or 0))
        spin.setValue(SpeedTest.defaults()[name])
        spin.setGroupSeparatorShown(True)
        return spin

    def _on_pressed(self) -> None:
        if self._run is not None:
            self.stop()
            return
        try:
            self._run = Run(SPEED_TEST, self.values())
            self._run.progressed.connect(lambda percent: self.bar.setValue(int(percent)))
            self._run.finished.connect(self._on_finished)
            self._run.start()
        except QuadratError as error:
            self._run = None
            self._tell(str(error))
        self._show()

    def _on_finished(self, successful: bool, results: Dict[str, Any], why: str) -> None:
        stopped = self._run is not None and self._run.cancelled
        self._run = None
        self._tell(_told(results) if successful else tr("Stopped.") if stopped else why)
        self._show()
        self._state.ask_machine()

    def _tell(self, text: str) -> None:
        self.answer.setText(text)
        self.answer.setVisible(bool(text))

    def _show(self) -> None:
        found = self._state.facts is not None and self._state.facts.found
        self.setVisible(found)
        self.button.setText(tr("Stop") if self.running else tr("Test"))
        self.button.setEnabled(found and not self._state.busy)
        self.bar.setVisible(self.running)
        if self.running:
            self.bar.setValue(0)
            self.answer.hide()


def _told(results: Dict[str, Any]) -> str:
    """The sentence of one backbone; of several a line each, the fastest first."""
    found = results.get("BACKBONES", [])
    if len(found) < 2:
        return str(results.get("SENTENCE", ""))
    lines = [tr("Your raster would take:")]
    for one in sorted(found, key=lambda one: float(one["seconds_estimated"])):
        size = one["bytes_estimated"]
        told = [duration(one["seconds_estimated"]), *([] if size is None else [size_text(size)])]
        lines.append(f"{one['title']}: {', '.join(told)}")
    return "\n".join(lines)
