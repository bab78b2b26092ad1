"""What the dock remembers in the project: one text, written at each change, so that whoever saves the project saves it.

Knows no meaning of what it keeps. Values of an unknown later version survive; a text that nobody can read is left there
until something is remembered anew.
"""

import json
from typing import Any, Callable, Dict, Optional

from qgis.core import QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

SCOPE, ENTRY = "Quadrat", "teach"
VERSION = 1
PATHS = ("path", "embedding")
"""Names of values that are paths, and `…_path`: kept relative to the project where QGIS keeps paths so."""


class TeachMemory(QObject):
    """Plain JSON values by name, kept with the project: raster, embedding, target, head, classes, labels, settings."""

    loaded = pyqtSignal()
    """Another project is there, or none: all values may differ."""

    def __init__(
        self, project: Optional[QgsProject] = None, parent: Optional[QObject] = None, entry: str = ENTRY
    ) -> None:
        super().__init__(parent)
        self._entry = entry
        self._project = project or QgsProject.instance()
        self._values: Dict[str, Any] = {}
        self._project.readProject.connect(self._on_read)
        self._project.cleared.connect(self._on_cleared)
        self._project.writeProject.connect(self._on_writing)
        self._values = self._read()

    def get(self, name: str, default: Any = None) -> Any:
        """A value that was remembered."""
        return self._values.get(name, default)

    def values(self) -> Dict[str, Any]:
        """All that is remembered."""
        return dict(self._values)

    def remember(self, **values: Any) -> None:
        """Keep plain JSON values; others stay as they are. None forgets a value."""
        now = {**self._values, **values}
        now = {name: value for name, value in now.items() if value is not None}
        if now != self._values:
            self._values = now
            self._write()

    def remember_layer(self, name: str, layer: Optional[QgsMapLayer]) -> None:
        """Keep a layer of the project by its id."""
        self.remember(**{name: None if layer is None else layer.id()})

    def layer(self, name: str) -> Optional[QgsMapLayer]:
        """A layer that was remembered; None when it is not in the project any more."""
        return self._project.mapLayer(str(self._values.get(name, "")))

    def close(self) -> None:
        """Hear nothing of the project any more; what is remembered stays in it."""
        self._project.readProject.disconnect(self._on_read)
        self._project.cleared.disconnect(self._on_cleared)
        self._project.writeProject.disconnect(self._on_writing)

    def _read(self) -> Dict[str, Any]:
        text, found = self._project.readEntry(SCOPE, self._entry, "")
        if not found or not text:
            return {}
        try:
            values = _with_paths(json.loads(text), self._absolute)
        except (ValueError, RecursionError):  # a project file that was edited by hand
            return {}
        if not isinstance(values, dict):
            return {}
        return {name: value for name, value in values.items() if name != "version"}

    def _write(self) -> None:
        values = {"version": VERSION, **_with_paths(self._values, self._project.pathResolver().writePath)}
        self._project.writeEntry(SCOPE, self._entry, json.dumps(values, ensure_ascii=False, sort_keys=True))

    def _absolute(self, path: str) -> str:
        return self._project.pathResolver().readPath(path)

    def _on_read(self, *document: Any) -> None:
        self._values = self._read()
        self.loaded.emit()

    def _on_cleared(self) -> None:
        self._values = {}
        self.loaded.emit()

    def _on_writing(self, *document: Any) -> None:
        """The project may be saved in another folder than before: relative paths begin there."""
        if self._values:
            self._write()


def _with_paths(value: Any, turned: Callable[[str], str], name: str = "") -> Any:
    """The same values, paths in them turned."""
    if isinstance(value, dict):
        return {key: _with_paths(one, turned, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_paths(one, turned, name) for one in value]
    is_path = name in PATHS or name.endswith("_path")
    return turned(value) if is_path and isinstance(value, str) and value else value
