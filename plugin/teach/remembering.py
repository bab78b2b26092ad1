"""What the project remembers of teaching, and how it is taken up again when the project is opened."""

import os
from typing import TYPE_CHECKING, Any, Dict

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import QObject

from ...core.heads.registry import HEADS
from ...core.live.messages import Scored
from .classes import ClassList
from .project import TeachMemory

if TYPE_CHECKING:
    from .state import TeachState

RASTER = "raster"


class Remembering(QObject):
    """Writes the state into the project at each change, and the state from the project when one is opened."""

    def __init__(self, state: "TeachState") -> None:
        super().__init__(state)
        self._state = state
        self._taking_up = False
        self.memory = TeachMemory(parent=self)
        self.memory.loaded.connect(self.take_up)
        state.changed.connect(self.note)
        state.scored.connect(self.note)

    def close(self) -> None:
        """Hear nothing of project and state any more."""
        self._state.changed.disconnect(self.note)
        self._state.scored.disconnect(self.note)
        self.memory.close()

    def note(self, *what: Any) -> None:
        """Remember how things are now."""
        state = self._state
        if self._taking_up or self._nothing():
            return
        self.memory.remember_layer(RASTER, state.raster)
        self.memory.remember(
            embedding=state.embedding if state.whole else "", target=state.target, head=state.head,
            current=state.current, value=state.value, classes=state.classes.to_dicts(),
            visible=state.visible, opacity=state.opacity, by_confidence=state.by_confidence,
            coverage=state.coverage, strategy=state.strategy, heads=state.heads,
            scores=[scored.to_dict() for scored in state.scores],
        )  # fmt: skip

    def _nothing(self) -> bool:
        """True where teaching never began: a project is not changed by a dock that is only open."""
        state = self._state
        return state.raster is None and not state.classes.to_dicts() and not self.memory.values()

    def take_up(self) -> None:
        """Go on where the project was left; teaching itself begins when its raster and embedding are still there."""
        state, values = self._state, self.memory.values()
        self._taking_up = True
        try:
            state.finishing.cancel()  # its map would be loaded into another project
            state.stop_teaching()
            state.classes.load_dicts(values.get("classes", []))
            self._settings(values)
            raster = self.memory.layer(RASTER)
            embedding = str(values.get("embedding", ""))
            if isinstance(raster, QgsRasterLayer):
                state.choose_raster(raster)
                if embedding and os.path.exists(embedding) and state.engine_ready:
                    state.take_up(embedding)
            state.scores = [Scored.from_dict(scored) for scored in values.get("scores", [])]
        finally:
            self._taking_up = False
        state.changed.emit()

    def _settings(self, values: Dict[str, Any]) -> None:
        state = self._state
        state.target = "value" if values.get("target") == "value" else "class"
        head = str(values.get("head", ""))
        state.head = head if head in HEADS and state.target in HEADS[head].targets else "linear"
        names = ClassList.names(state.classes)
        current = str(values.get("current", ""))
        state.current = current if current in names else (names[0] if names else "")
        state.value = float(values.get("value", 0.0))
        state.heads = [head for head in values.get("heads", []) if os.path.exists(str(head.get("path", "")))]
        state.loop.coverage = float(values.get("coverage", 0.0))
        state.asking.strategy = str(values.get("strategy", state.asking.strategy))
        state.show(**{name: values[name] for name in ("visible", "opacity", "by_confidence") if name in values})
