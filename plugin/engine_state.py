"""What is known of the engine now; one truth with one signal, no widgets. Looks in the background."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..core.errors import QuadratError
from ..processing.background import in_background
from ..processing.i18n import tr
from ..processing.runner import Run

SET_UP = "quadrat:setupengine"


@dataclass(frozen=True)
class EngineFacts:
    """One look at the engine."""

    found: bool
    sentence: str
    """What the user should know or do."""
    size: str = ""
    """light or full"""
    folder: str = ""
    python: str = ""
    made_by: str = ""
    disk_bytes: int = 0


@dataclass(frozen=True)
class MachineFacts:
    """What the engine runs on, as it tells it."""

    devices: Tuple[str, ...] = ()
    memory: Dict[str, int] = field(default_factory=dict)
    """Bytes: total, available, own."""
    warm: Tuple[str, ...] = ()
    """Libraries that stay loaded between jobs."""
    trouble: str = ""
    """Why the engine could not be asked."""


def look_at_machine() -> MachineFacts:
    """Ask the engine; starts a worker where none is warm, and takes some seconds where PyTorch has to be loaded."""
    from ..processing.workers import shared_pool

    try:
        told = shared_pool().describe()
    except QuadratError as error:
        return MachineFacts(trouble=str(error))
    return MachineFacts(tuple(told["devices"]), dict(told["memory"]), tuple(told["warm"]))


def look() -> EngineFacts:
    """Find the engine and add up its files; takes up to some seconds on a slow disk."""
    from ..processing.environment import find_engine, pointed_folder
    from ..processing.upkeep import disk_use

    try:
        engine = find_engine()
    except QuadratError as error:
        if pointed_folder() is None:
            return EngineFacts(False, tr("Nothing is installed yet. Choose an engine and press 'Set up'."))
        return EngineFacts(False, str(error))
    return EngineFacts(
        True, tr("Ready"), engine.size, str(engine.folder), str(engine.python), engine.made_by, disk_use(engine.folder)
    )


class EngineState(QObject):
    """The engine and the one thing being done to it."""

    changed = pyqtSignal()
    """Facts, findings or business have changed."""
    said = pyqtSignal(str, str)
    """Level and a line for the log."""
    machine_changed = pyqtSignal()
    """The engine has told what it runs on, or is being asked."""
    progressed = pyqtSignal(float, str)
    """How far set-up is, 0 to 100 (negative: unknown), and what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: Optional[EngineFacts] = None
        """None until the first look has ended."""
        self.busy = ""
        """What is being done now; empty when nothing is."""
        self.machine: Optional[MachineFacts] = None
        """None until the engine was asked."""
        self.asking = False
        self._run: Optional[Run] = None
        self._percent = -1.0
        self._step = ""

    def refresh(self) -> None:
        """Look again."""
        in_background(tr("Look for Quadrat's engine"), look, self._on_looked)

    def ask_machine(self) -> None:
        """Ask the engine what it runs on."""
        if not self.asking:
            self.asking = True
            in_background(tr("Ask Quadrat's engine"), look_at_machine, self._on_told)
            self.machine_changed.emit()

    def set_up(self, **parameters: Any) -> None:
        """Run the algorithm 'Set up the engine'; parameters as the form names them."""
        if self.busy:
            return
        self._begin(tr("Setting up"))
        try:
            self._run = Run(SET_UP, parameters)
            self._run.said.connect(self.said)
            self._run.stepped.connect(self._on_stepped)
            self._run.progressed.connect(self._on_progressed)
            self._run.finished.connect(self._on_set_up)
            self._run.start()
        except QuadratError as error:
            self._run = None
            self._end("error", str(error))
        self.changed.emit()

    def check(self) -> None:
        """Let the doctor look at the engine."""
        from ..processing.doctor import diagnose

        if not self.busy:
            self._begin(tr("Checking"))
            in_background(tr("Check Quadrat's engine"), diagnose, self._on_checked)

    def remove(self) -> None:
        """Delete the engine from the disk."""
        from ..processing.installer import remove
        from ..processing.workers import refresh_pool

        def work() -> Any:
            refresh_pool()
            return remove()

        if not self.busy:
            self._begin(tr("Removing"))
            in_background(tr("Remove Quadrat's engine"), work, self._on_removed)

    def cancel(self) -> None:
        """Ask set-up to stop."""
        if self._run is not None:
            self._run.cancel()
            self.changed.emit()

    @property
    def can_cancel(self) -> bool:
        """True while something runs that can be stopped."""
        return self._run is not None and not self._run.cancelled

    def _begin(self, what: str) -> None:
        self.busy = what
        self._percent, self._step = -1.0, what + "…"
        self.progressed.emit(self._percent, self._step)
        self.changed.emit()

    def _end(self, level: str, text: str) -> None:
        self.busy, self.machine = "", None
        if text:
            self.said.emit(level, text)
        self.changed.emit()
        self.refresh()

    def _on_looked(self, facts: Any, error: Optional[BaseException]) -> None:
        self.facts = facts if error is None else EngineFacts(False, str(error))
        self.changed.emit()

    def _on_told(self, machine: Any, error: Optional[BaseException]) -> None:
        self.asking = False
        self.machine = machine if error is None else MachineFacts(trouble=str(error))
        self.machine_changed.emit()

    def _on_stepped(self, text: str) -> None:
        self._step = text
        self.said.emit("info", text)
        self.progressed.emit(self._percent, text)

    def _on_progressed(self, percent: float) -> None:
        self._percent = percent
        self.progressed.emit(percent, self._step)

    def _on_set_up(self, successful: bool, results: dict, why: str) -> None:
        stopped = self._run is not None and self._run.cancelled
        self._run = None
        if successful:
            self._end("info", tr("The engine is ready. Quadrat's algorithms work from now on; no restart is needed."))
        else:
            self._end("warning" if stopped else "error", tr("Stopped. Set up again to go on.") if stopped else why)

    def _on_checked(self, findings: Optional[List[Any]], error: Optional[BaseException]) -> None:
        if error is not None:
            self._end("error", str(error))
            return
        bad = 0
        for finding in findings or []:
            bad += not finding.ok
            mark = "✓" if finding.ok else "✗"
            self.said.emit("info" if finding.ok else "error", f"{mark} {finding.title}: {finding.sentence}")
        self._end(
            "error" if bad else "info", tr("Something is wrong; see above.") if bad else tr("Everything is well.")
        )

    def _on_removed(self, freed: Any, error: Optional[BaseException]) -> None:
        if error is not None:
            self._end("error", str(error))
        else:
            text = tr("The engine was removed, {megabytes:.0f} MB are free again. Data, heads and maps are untouched.")
            self._end("info", text.format(megabytes=freed / 1e6))
