"""The labels of the open survey as they are edited in the dock: steps with undo, and how many points bear each."""

from typing import Any, Callable, Dict, List, Optional, Sequence

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import BadInput
from ...core.reef.relabel import uses
from ...core.reef.survey import Survey
from ...processing.background import in_background
from ...processing.i18n import plural, tr
from .labeltree import LabelEdits, LabelStep
from .palette import KEYS

SETTLE_MS = 1500


class LabelWork(QObject):
    """What can be done to labels. All methods raise `QuadratError` with a sentence where it cannot be done."""

    changed = pyqtSignal()
    """Labels, or how many points bear them."""

    def __init__(self, state: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent or state)
        self._state = state
        self.counts: Dict[str, int] = {}
        """Annotations by code in small letters, as last counted."""
        self.chosen = ""
        """Code that was worked on last."""
        self._asking, self._again, self._watched = False, False, False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.refresh)
        state.labels_changed.connect(self._on_labels)
        state.opened.connect(self._on_labels)
        state.annotated.connect(self._note)

    def watch(self, seen: bool) -> None:
        """Count while somebody looks, and not otherwise."""
        self._watched = seen
        if seen:
            self.refresh()

    # Steps -----------------------------------------------------------------------------------------------------------

    def add(self, text: str, parent: str = "") -> None:
        """A label from `CODE Name`, below another one or at the top."""
        code, _, name = text.strip().partition(" ")
        self._push(self._edits().add(code, name, parent))

    def rename(self, code: str, name: str) -> None:
        """Another name."""
        self._push(self._edits().rename(code, name))

    def recode(self, code: str, new: str) -> None:
        """Another code, for its points as well."""
        self._push(self._edits().recode(code, new))

    def recolour(self, code: str, colour: str, below: bool = False) -> None:
        """Another colour, also of all labels below where that is wished."""
        self._push(self._edits().recolour(code, colour, below))

    def set_key(self, code: str, key: str) -> None:
        """Another key, or none."""
        if key and key not in KEYS:
            raise BadInput(
                tr("'{key}' cannot be the key of a label. Take a letter, small or capital, or 6 to 9 or 0.").format(
                    key=key
                )
            )
        self._push(self._edits().set_key(code, key))

    def move(self, codes: Sequence[str], parent: str) -> None:
        """Labels, with all below them, under another parent; empty makes them roots."""
        self._push(self._edits().move(codes, parent))

    def merge(self, codes: Sequence[str], into: str) -> None:
        """Labels become another one, and so do their points."""
        step = self._edits().merge(codes, into)
        self._push(step)
        text = plural("%n annotation is now '{into}'. Undo takes it back.",
                      "%n annotations are now '{into}'. Undo takes it back.", step.points)  # fmt: skip
        self._state.said.emit("info", text.format(into=step.chosen))

    def remove(self, codes: Sequence[str]) -> None:
        """Labels that no point bears go."""
        self._push(self._edits().remove(codes))

    def remove_unused(self) -> None:
        """All labels go that no point bears, nor any below them."""
        step = self._edits().remove_unused()
        self._push(step)
        gone = sum(1 for label in step.rows.values() if label is None)
        text = plural(
            "%n label was removed. Undo brings it back.", "%n labels were removed. Undo brings them back.", gone
        )
        self._state.said.emit("info", text)

    def above(self, code: str) -> str:
        """Code of the parent; empty at a root."""
        label = self._state.palette.label(code)
        return label.parent if label is not None else ""

    def siblings(self, code: str) -> List[str]:
        """Codes under the same parent, in their order."""
        parent = self.above(code).lower()
        return [label.code for label in self._state.palette.labels if label.parent.lower() == parent]

    # Counts ----------------------------------------------------------------------------------------------------------

    def count(self, code: str) -> int:
        """Annotations that bear this label."""
        return self.counts.get(code.lower(), 0)

    def refresh(self) -> None:
        """Count now."""
        path = self._state.path
        if not path:
            self.counts = {}
            self.changed.emit()
        elif self._asking:
            self._again = True
        else:
            self._asking = True
            in_background(
                tr("Count labels"), lambda: _uses(path), lambda found, error: self._told(path, found, error), self
            )

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _edits(self) -> LabelEdits:
        with self._state.writing() as survey:
            return LabelEdits(survey)

    def _push(self, step: LabelStep) -> None:
        self.chosen = step.chosen
        self._state.change(step.text, lambda: self._work(step, step.do), lambda: self._work(step, step.undo))

    def _work(self, step: LabelStep, work: Callable[[Survey], Any]) -> None:
        with self._state.writing() as survey:
            work(survey)
        if step.relabel:
            self._state.reload()
        else:
            self._state.reread_labels()

    def _on_labels(self) -> None:
        self.changed.emit()
        self._note()

    def _note(self, *_: Any) -> None:
        if self._watched:
            self._timer.start()

    def _told(self, path: str, found: Any, error: Optional[BaseException]) -> None:
        self._asking = False
        again, self._again = self._again, False
        if path == self._state.path and error is None:
            self.counts = found
            self.changed.emit()
        if again or path != self._state.path:
            self.refresh()


def _uses(path: str) -> Dict[str, int]:
    with Survey(path) as survey:
        return uses(survey)
