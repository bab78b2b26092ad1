"""Which survey a project annotates: remembered in it, and opened again with it."""

import os
from typing import Any

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QObject

from ...core.errors import QuadratError
from ..teach.project import TeachMemory
from .layers import path_of, photo_layers, same
from .state import ReefState

ENTRY = "reef"


class ReefRemembering(QObject):
    """Writes the survey into the project when another is opened, and opens the one that a project names."""

    def __init__(self, state: ReefState) -> None:
        super().__init__(state)
        self._state = state
        self.memory = TeachMemory(parent=self, entry=ENTRY)
        self.memory.loaded.connect(self.take_up)
        state.opened.connect(self._note)
        state.closing.connect(self._close)
        QgsProject.instance().layersAdded.connect(self._on_layers_added)

    def take_up(self) -> None:
        """Open the survey of the project, if it names one that is still there; else leave things as they are."""
        path = str(self.memory.get("survey_path", ""))
        if path and os.path.isfile(path) and not same(path, self._state.path):
            self._open(path)

    def _note(self) -> None:
        if self._state.path:
            self.memory.remember(survey_path=self._state.path)

    def _on_layers_added(self, layers: Any) -> None:
        """Photos of a survey came into the project, as after an import: annotate them, unless another is at work."""
        added = {layer.id() for layer in layers}
        found = [layer for layer in photo_layers() if layer.id() in added]
        if found and self._state.session is None:
            self._open(path_of(found[0]))

    def _open(self, path: str) -> None:
        try:
            self._state.open(path)
        except QuadratError as error:
            self._state.said.emit("warning", str(error))

    def _close(self) -> None:
        QgsProject.instance().layersAdded.disconnect(self._on_layers_added)
        self.memory.close()
