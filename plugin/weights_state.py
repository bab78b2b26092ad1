"""The models on this computer: what is there, and the one thing being done to them. No widgets, no waiting."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QFileSystemWatcher, QObject, QTimer, pyqtSignal

from ..core.errors import QuadratError
from ..models.errors import ModelError
from ..models.registry import BACKBONES
from ..models.weights.place import file_stem, store_folder
from ..models.weights.store import entries, unfinished
from ..processing.background import in_background
from ..processing.environment import home
from ..processing.i18n import tr
from ..processing.runner import Run

MANAGE = "quadrat:manageweights"
PAUSE_MS = 400
"""A store that is being written to is looked at when the writing pauses."""


@dataclass(frozen=True)
class Model:
    """Weights of one model, as they lie in the store."""

    name: str
    path: str
    bytes: int
    licence: str = ""
    noted: str = ""
    """Day on which they were first seen."""
    origin: str = ""
    sha256: str = ""
    problem: str = ""

    @property
    def title(self) -> str:
        """Of the backbone that they belong to; else their own name."""
        cards = [card for card in BACKBONES.values() if card.weights is not None]
        return next((c.title for c in cards if c.weights is not None and c.weights.name == self.name), self.name)


@dataclass(frozen=True)
class Store:
    """One look at the store."""

    folder: str = ""
    models: Tuple[Model, ...] = ()
    unfinished: Tuple[Tuple[str, int], ...] = ()
    """Names of models of which a part was downloaded, and its bytes."""
    trouble: str = ""
    """Why the store cannot be read, as a sentence."""

    @property
    def bytes(self) -> int:
        """Of all models."""
        return sum(model.bytes for model in self.models)


def look_at_store() -> Store:
    """Read the records of the store; no file of weights is opened."""
    try:
        folder = store_folder(home())
        found, halves = entries(base=home()), unfinished(home())
    except (ModelError, OSError) as error:
        return Store(trouble=str(error))
    models = []
    for entry in found:
        told = entry.record
        facts = (told.licence, told.noted, told.origin, told.sha256) if told else ("", "", "", "")
        models.append(Model(entry.name, str(entry.path), entry.bytes, *facts, problem=entry.problem))
    return Store(str(folder or ""), tuple(models), tuple(sorted(halves.items())))


def backbone_of(path: str) -> str:
    """Name of the backbone whose official file has this name; empty where none has."""
    name = Path(path).name.lower()
    for card in BACKBONES.values():
        if card.weights is None:
            continue
        stored = file_stem(card.weights.name).lower()
        if name == card.weights.file_name.lower() or Path(path).stem.lower() == stored:
            return card.name
    return ""


class WeightsState(QObject):
    """Follows the store, also when the toolbox or a shell changes it."""

    changed = pyqtSignal()
    """Models, or what is being done to them."""
    progressed = pyqtSignal(float)
    """How far it is, 0 to 100."""

    def __init__(self) -> None:
        super().__init__()
        self.store: Optional[Store] = None
        """None until the first look has ended."""
        self.outcome = ""
        """What came of what was done last, as a sentence."""
        self._looking = self._again = False
        self._run: Optional[Run] = None
        self._watcher = QFileSystemWatcher(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self.refresh)
        self._watcher.directoryChanged.connect(lambda *_: self._timer.start())

    @property
    def busy(self) -> bool:
        """True while something is done to the models."""
        return self._run is not None

    def refresh(self) -> None:
        """Look again."""
        self._again = self._looking
        if not self._looking:
            self._looking = True
            in_background(tr("Look at the models on this computer"), look_at_store, self._on_looked)

    def do(self, **parameters: Any) -> None:
        """Run the algorithm 'Manage weights'; parameters as the form names them."""
        if self.busy:
            return
        self.outcome = ""
        warnings = []
        try:
            self._run = Run(MANAGE, parameters)
            self._run.progressed.connect(self.progressed)
            self._run.said.connect(lambda level, text: warnings.append(text) if level == "warning" else None)
            self._run.finished.connect(lambda good, results, why: self._on_finished(good, results, why, warnings))
            self._run.start()
        except QuadratError as error:
            self._run, self.outcome = None, str(error)
        self.changed.emit()

    def stop(self) -> None:
        """Ask what is being done to stop."""
        if self._run is not None:
            self._run.cancel()

    def _on_finished(self, good: bool, results: Dict[str, Any], why: str, warnings: Any) -> None:
        stopped = self._run is not None and self._run.cancelled
        self._run = None
        if sip.isdeleted(self):
            return
        said = str(results.get("SENTENCE", "")) if good else tr("Stopped.") if stopped else why
        self.outcome = "\n".join([*warnings, said])
        self.changed.emit()
        self.refresh()

    def _on_looked(self, store: Any, error: Optional[BaseException]) -> None:
        if sip.isdeleted(self):
            return
        self._looking = False
        self.store = store if error is None else Store(trouble=str(error))
        self._watch()
        self.changed.emit()
        if self._again:
            self.refresh()

    def _watch(self) -> None:
        """The store, and the folder in which a first one appears or a note of where it was moved to."""
        wanted = {str(home()), self.store.folder if self.store else ""}
        there = {path for path in wanted if path and Path(path).is_dir()}
        watched = set(self._watcher.directories())
        if watched - there:
            self._watcher.removePaths(sorted(watched - there))
        if there - watched:
            self._watcher.addPaths(sorted(there - watched))
