"""What the user does to the list of classes, each one step of undo; labels follow. Raises where it cannot be done."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List

from .commands import (
    AddClass,
    LoadClasses,
    MergeClasses,
    MoveClass,
    RecolourClass,
    RekeyClass,
    RemoveClass,
    RenameClass,
)

if TYPE_CHECKING:
    from qgis.core import QgsVectorLayer

    from ..steps import Steps
    from .classes import ClassList
    from .labels import LabelLayer


class ClassEdits:
    """The half of `TeachState` that edits classes. All methods raise `QuadratError` with a sentence."""

    classes: "ClassList"
    labels: "LabelLayer"
    stack: "Steps"
    current: str
    set_current: "Callable[[str], None]"

    def add_class(self, name: str, colour: str = "") -> None:
        """A further class; clicks give it from now on."""
        self.stack.push(AddClass(self.classes, name, colour))
        self.set_current(self.classes.names()[-1])

    def rename_class(self, old: str, new: str) -> None:
        """Another name, also in the labels."""
        chosen = self.current == old
        if chosen and new.strip() not in self.classes.names():
            self.current = new.strip()
        try:
            self.stack.push(RenameClass(self.classes, self.labels, old, new))
        except Exception:
            self.current = old if chosen else self.current
            raise

    def recolour_class(self, name: str, colour: str) -> None:
        """Another colour, `#rrggbb`."""
        self.stack.push(RecolourClass(self.classes, name, colour))

    def set_class_key(self, name: str, key: str) -> None:
        """Another key, or none."""
        self.stack.push(RekeyClass(self.classes, name, key))

    def move_class(self, name: str, place: int) -> None:
        """Another place in the list."""
        self.stack.push(MoveClass(self.classes, name, place))

    def merge_classes(self, names: List[str], into: str) -> None:
        """Several become one, also in the labels."""
        self.stack.push(MergeClasses(self.classes, self.labels, names, into))

    def remove_class(self, name: str) -> None:
        """A class goes, and its labels with it."""
        self.stack.push(RemoveClass(self.classes, self.labels, name))

    def load_classes(self, layer: "QgsVectorLayer") -> None:
        """The classes of a categorised layer."""
        self.stack.push(LoadClasses(self.classes, layer))

    def label_counts(self) -> Dict[str, int]:
        """Labels by class name; for values all under an empty name."""
        if self.labels is None:
            return {}
        counts: Dict[Any, int] = self.labels.counts()
        if self.labels.target == "value":
            return {"": sum(counts.values())}
        return {str(name): count for name, count in counts.items() if name is not None}
