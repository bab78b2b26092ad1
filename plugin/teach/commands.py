"""What can be undone: changes of labels and classes, one step for what the user felt as one.

A command is done when it is handed to `Steps.push`, which raises if it cannot be; nothing is left half done then.
"""

from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from ...core.errors import QuadratError
from ...processing.i18n import plural, tr
from ..steps import Command
from .classes import ClassList
from .labels import Item, Kept, LabelLayer

COLOUR_STEPS = 1
"""Number under which Qt joins steps: a colour that is dragged through a dialog is one."""


# Labels ------------------------------------------------------------------------------------------------------------


class AddLabels(Command):
    """New labels, in place of others where ids are given."""

    def __init__(self, labels: LabelLayer, items: Sequence[Item], instead_of: Iterable[int] = ()) -> None:
        super().__init__(plural("Label a place", "Label %n places", len(items)))
        self._labels, self._items = labels, list(items)
        self._replaced = list(instead_of)
        self._old: List[Kept] = []
        self._new: List[Kept] = []
        self.ids: List[int] = []
        """Of the labels that were made."""

    def _do(self) -> None:
        labels = self._labels
        with labels.held():
            self._old = labels.keep(map(labels.current, self._replaced))
            # The new ones first: a file that cannot be written leaves the old ones where they are.
            self.ids = labels.restore(self._new) if self._new else labels.add(self._items)
            try:
                labels.erase([one.id for one in self._old])
            except QuadratError:
                labels.erase(self.ids)
                raise

    def _undo(self) -> None:
        labels = self._labels
        with labels.held():
            self._new = labels.keep(map(labels.current, self.ids))
            labels.restore(self._old)
            labels.erase([one.id for one in self._new])


class EraseLabels(Command):
    """Labels go."""

    def __init__(self, labels: LabelLayer, ids: Iterable[int]) -> None:
        self._ids = list(ids)
        super().__init__(plural("Erase a label", "Erase %n labels", len(self._ids)))
        self._labels = labels
        self._old: List[Kept] = []

    def _do(self) -> None:
        self._old = self._labels.keep(map(self._labels.current, self._ids))
        self._labels.erase([one.id for one in self._old])

    def _undo(self) -> None:
        self._labels.restore(self._old)


class ChangeLabels(Command):
    """Labels get another class or value."""

    def __init__(self, labels: LabelLayer, pairs: Iterable[Tuple[int, Any]]) -> None:
        self._after = list(pairs)
        super().__init__(plural("Change a label", "Change %n labels", len(self._after)))
        self._labels = labels
        self._before: List[Tuple[int, Any]] = []

    def _do(self) -> None:
        labels = self._labels
        now = [(labels.current(number), y) for number, y in self._after]
        self._before = [(number, y) for number, _, y in labels.labels(number for number, _ in now)]
        labels.change(now)

    def _undo(self) -> None:
        self._labels.change([(self._labels.current(number), y) for number, y in self._before])


# Classes -----------------------------------------------------------------------------------------------------------


class ClassCommand(Command):
    """A change of the list of classes, and of the labels of these classes where there are any."""

    def __init__(self, text: str, classes: ClassList, labels: Optional[LabelLayer] = None) -> None:
        super().__init__(text)
        self._classes, self._labels = classes, labels
        self._before: List[Dict[str, str]] = []
        self._after: List[Dict[str, str]] = []
        self._ys: List[Tuple[int, Any]] = []
        self._kept: List[Kept] = []

    def _edit(self, classes: ClassList) -> None:
        """Change the list; raises where it cannot be."""
        raise NotImplementedError

    def _relabel(self, labels: LabelLayer) -> None:
        """Change labels; raises where they cannot be."""

    def _do(self) -> None:
        # Tried on a copy, so that a name that is taken is refused before a label is touched.
        if self._steps is None:
            trial = ClassList()
            self._before = self._classes.to_dicts()
            trial.load_dicts(self._before)
            self._edit(trial)
            self._after = trial.to_dicts()
        self._both(self._relabel, self._after)

    def _undo(self) -> None:
        self._both(self._unlabel, self._before)

    def _both(self, work: Any, classes: List[Dict[str, str]]) -> None:
        """Labels are written first, the list follows, and the signals of the labels come last."""
        if self._labels is None:
            self._classes.load_dicts(classes)
            return
        with self._labels.held():
            work(self._labels)
            self._classes.load_dicts(classes)

    def _unlabel(self, labels: LabelLayer) -> None:
        if self._kept:
            labels.restore(self._kept)
        labels.change([(labels.current(number), y) for number, y in self._ys])

    def _give(self, labels: LabelLayer, names: Iterable[str], into: str) -> None:
        """Labels of some classes get another one."""
        self._ys = [(number, y) for number, _, y in labels.labels(labels.of_class(set(names)))]
        labels.change([(number, into) for number, _ in self._ys])


class AddClass(ClassCommand):
    """A further class."""

    def __init__(self, classes: ClassList, name: str, colour: str = "", key: str = "") -> None:
        super().__init__(tr("Add class '{name}'").format(name=name), classes)
        self._made = name, colour, key

    def _edit(self, classes: ClassList) -> None:
        classes.add(*self._made)


class LoadClasses(ClassCommand):
    """The classes of a categorised layer."""

    def __init__(self, classes: ClassList, layer: Any) -> None:
        super().__init__(tr("Load classes of '{layer}'").format(layer=layer.name()), classes)
        self._layer = layer

    def _edit(self, classes: ClassList) -> None:
        classes.load_categories(self._layer)
        self._layer = None  # it may be deleted before the step is done again


class RenameClass(ClassCommand):
    """Another name for a class, also in the labels."""

    def __init__(self, classes: ClassList, labels: Optional[LabelLayer], old: str, new: str) -> None:
        super().__init__(tr("Rename class '{name}'").format(name=old), classes, labels)
        self._names = old, new.strip()

    def _edit(self, classes: ClassList) -> None:
        classes.rename(*self._names)

    def _relabel(self, labels: LabelLayer) -> None:
        self._give(labels, [self._names[0]], self._names[1])


class MergeClasses(ClassCommand):
    """Several classes become one, also in the labels."""

    def __init__(self, classes: ClassList, labels: Optional[LabelLayer], names: Iterable[str], into: str) -> None:
        super().__init__(tr("Merge classes into '{name}'").format(name=into), classes, labels)
        self._names, self._into = [name for name in names if name != into], into

    def _edit(self, classes: ClassList) -> None:
        classes.merge(self._names, self._into)

    def _relabel(self, labels: LabelLayer) -> None:
        self._give(labels, self._names, self._into)


class RemoveClass(ClassCommand):
    """A class goes, and its labels with it."""

    def __init__(self, classes: ClassList, labels: Optional[LabelLayer], name: str) -> None:
        super().__init__(tr("Delete class '{name}'").format(name=name), classes, labels)
        self._name = name

    def _edit(self, classes: ClassList) -> None:
        classes.remove(self._name)

    def _relabel(self, labels: LabelLayer) -> None:
        self._kept = labels.keep(labels.of_class({self._name}))
        labels.erase([one.id for one in self._kept])


class RecolourClass(ClassCommand):
    """Another colour for a class."""

    def __init__(self, classes: ClassList, name: str, colour: str) -> None:
        super().__init__(tr("Recolour class '{name}'").format(name=name), classes)
        self.name, self._colour = name, colour

    def _edit(self, classes: ClassList) -> None:
        classes.recolour(self.name, self._colour)

    def id(self) -> int:
        """Qt asks it, to join steps of one kind."""
        return COLOUR_STEPS

    def mergeWith(self, other: Any) -> bool:  # noqa: N802 - Qt's name
        """A colour of the same class that follows at once takes the place of this one."""
        if not isinstance(other, RecolourClass) or other.name != self.name:
            return False
        self._after = other._after
        return True


class RekeyClass(ClassCommand):
    """Another key for a class."""

    def __init__(self, classes: ClassList, name: str, key: str) -> None:
        super().__init__(tr("Change the key of class '{name}'").format(name=name), classes)
        self._wanted = name, key

    def _edit(self, classes: ClassList) -> None:
        classes.set_key(*self._wanted)


class MoveClass(ClassCommand):
    """Another place in the list for a class."""

    def __init__(self, classes: ClassList, name: str, place: int) -> None:
        super().__init__(tr("Move class '{name}'").format(name=name), classes)
        self._wanted = name, place

    def _edit(self, classes: ClassList) -> None:
        classes.move(*self._wanted)
