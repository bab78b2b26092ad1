"""The classes that are taught: name, colour and key of each, in order. A QObject without widgets.

Holds the list and nothing of labels; what a change of the list means for labels is done in `commands.py`.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Iterable, List, Optional

from qgis.core import NULL, QgsCategorizedSymbolRenderer, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QColor

from ...core.colours import colour_for
from ...core.errors import BadInput
from ...core.live.messages import MOST_CLASSES
from ...processing.i18n import tr

KEYS = "123456789abcdefghijklmnopqrstuvwxyz"
"""Keys that choose a class, in the order in which they are given out."""


@dataclass(frozen=True)
class TaughtClass:
    """One class."""

    name: str
    colour: str
    """`#rrggbb`."""
    key: str = ""
    """`1`..`9`, `a`..`z`, or empty."""


class ClassList(QObject):
    """Classes in the order of their class bytes 1, 2, …; names are unique, trimmed and not empty."""

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._classes: List[TaughtClass] = []

    # What is there --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._classes)

    def __iter__(self) -> Any:
        return iter(tuple(self._classes))

    def names(self) -> List[str]:
        """Names in order."""
        return [one.name for one in self._classes]

    def colours(self) -> List[str]:
        """Colours in order."""
        return [one.colour for one in self._classes]

    def get(self, name: str) -> Optional[TaughtClass]:
        """The class of this name; None when there is none."""
        return next((one for one in self._classes if one.name == name), None)

    def by_key(self, key: str) -> Optional[TaughtClass]:
        """The class that this key chooses; None when it chooses none."""
        wanted = key.lower()
        return next((one for one in self._classes if one.key == wanted), None) if wanted else None

    def to_dicts(self) -> List[Dict[str, str]]:
        """Plain JSON values."""
        return [asdict(one) for one in self._classes]

    # Changes --------------------------------------------------------------------------------------------------------

    def add(self, name: str, colour: str = "", key: str = "") -> TaughtClass:
        """A further class; without a colour it gets one that fits, without a key the next free one.

        Raises:
            BadInput: the name is empty or taken, the colour or key cannot be one, or there are too many classes.
        """
        made = self._made(name, colour, key, self._classes)
        self._set([*self._without_key(made.key), made])
        return made

    def rename(self, old: str, new: str) -> None:
        """Another name for a class.

        Raises:
            BadInput: there is no such class, or the new name is empty or taken.
        """
        self._change(old, name=self._free_name(new, [one for one in self._classes if one.name != old]))

    def recolour(self, name: str, colour: str) -> None:
        """Another colour for a class.

        Raises:
            BadInput: there is no such class, or this is no colour.
        """
        self._change(name, colour=_colour(colour))

    def set_key(self, name: str, key: str) -> None:
        """Another key for a class, or none; a class that had the key goes without.

        Raises:
            BadInput: there is no such class, or the key is not one of 1..9, a..z.
        """
        self._known(name)
        wanted = _key(key)
        self._set([
            replace(one, key=wanted) if one.name == name else replace(one, key="") if one.key == wanted else one
            for one in self._classes
        ])  # fmt: skip

    def move(self, name: str, place: int) -> None:
        """Put a class at another place, counted from 0."""
        moved = self._known(name)
        rest = [one for one in self._classes if one.name != name]
        rest.insert(max(0, min(place, len(rest))), moved)
        self._set(rest)

    def remove(self, name: str) -> None:
        """Take a class away; its labels are not touched."""
        self._known(name)
        self._set([one for one in self._classes if one.name != name])

    def merge(self, names: Iterable[str], into: str) -> None:
        """Take classes away in favour of another one; their labels are not touched.

        Raises:
            BadInput: one of them is not in the list.
        """
        gone = {self._known(name).name for name in names} - {self._known(into).name}
        self._set([one for one in self._classes if one.name not in gone])

    def load_dicts(self, entries: Iterable[Dict[str, Any]]) -> None:
        """Replace all classes by these; what cannot be a class (no name, a name twice) is left out."""
        found: List[TaughtClass] = []
        for entry in entries:
            try:
                key = str(entry.get("key") or "")
                made = self._made(str(entry.get("name") or ""), str(entry.get("colour") or ""), key, found)
            except BadInput:  # a project file that was edited by hand
                continue
            twice = any(one.key == made.key for one in found)
            found.append(made if key and not twice else replace(made, key=""))
        self._set(found)

    def load_categories(self, layer: QgsVectorLayer) -> List[str]:
        """Add the classes of a categorised layer; those that are there take the colour of the layer.

        Returns:
            Names of the classes that were found.

        Raises:
            BadInput: the layer is not categorised, or too many categories are.
        """
        found = categories_of(layer)
        if not found:
            raise BadInput(
                tr(
                    "The layer '{name}' is not drawn by categories. Choose 'Categorized' in its symbology, or add the "
                    "classes by hand."
                ).format(name=layer.name())
            )
        classes = list(self._classes)
        for entry in found:
            at = next((place for place, one in enumerate(classes) if one.name == entry["name"]), -1)
            if at >= 0:
                classes[at] = replace(classes[at], colour=entry["colour"])
            else:
                classes.append(self._made(entry["name"], entry["colour"], "", classes))
        self._set(classes)
        return [entry["name"] for entry in found]

    # Helpers --------------------------------------------------------------------------------------------------------

    def _set(self, classes: List[TaughtClass]) -> None:
        if classes != self._classes:
            self._classes = classes
            self.changed.emit()

    def _change(self, which: str, **values: str) -> None:
        self._known(which)
        self._set([replace(one, **values) if one.name == which else one for one in self._classes])

    def _known(self, name: str) -> TaughtClass:
        found = self.get(name)
        if found is None:
            raise BadInput(tr("There is no class '{name}'.").format(name=name))
        return found

    def _without_key(self, key: str) -> List[TaughtClass]:
        return [replace(one, key="") if key and one.key == key else one for one in self._classes]

    @staticmethod
    def _free_name(name: str, others: List[TaughtClass]) -> str:
        wanted = name.strip()
        if not wanted:
            raise BadInput(tr("A class needs a name."))
        if any(one.name == wanted for one in others):
            raise BadInput(tr("There is a class '{name}' already. Choose another name.").format(name=wanted))
        return wanted

    @classmethod
    def _made(cls, name: str, colour: str, key: str, others: List[TaughtClass]) -> TaughtClass:
        free = cls._free_name(name, others)
        if len(others) >= MOST_CLASSES:
            text = tr("There can be at most {n} classes. Merge some, or leave those out that are not needed.")
            raise BadInput(text.format(n=MOST_CLASSES))
        taken = [one.key for one in others]
        chosen = _key(key) if key else next((free_key for free_key in KEYS if free_key not in taken), "")
        return TaughtClass(
            free, _colour(colour) if colour else colour_for(free, [one.colour for one in others]), chosen
        )


def categories_of(layer: QgsVectorLayer) -> List[Dict[str, str]]:
    """Name and colour of each category of a layer; those for all other values are left out."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer):
        return []
    found: Dict[str, str] = {}
    for category in renderer.categories():
        value, symbol = category.value(), category.symbol()
        for one in value if isinstance(value, (list, tuple)) else [value]:
            name = class_text(one)
            if name and symbol is not None:
                found.setdefault(name, symbol.color().name())
    return [{"name": name, "colour": colour} for name, colour in found.items()]


def class_text(value: Any) -> str:
    """Name of a class as it stands in a field: text without blanks around it, whole numbers without decimals."""
    if isinstance(value, str):
        text = value.strip()
        return "" if text.lower() in ("nan", "<na>", "nat") else text
    if value is None or value == NULL:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else f"{value:.12g}"
    return str(value).strip()


def _colour(text: str) -> str:
    colour = QColor(text)
    if not colour.isValid():
        raise BadInput(tr("'{text}' is not a colour. Write it as #rrggbb.").format(text=text))
    return colour.name()


def _key(text: str) -> str:
    wanted = text.strip().lower()
    if wanted and wanted not in set(KEYS):
        raise BadInput(tr("'{key}' cannot be the key of a class. Take 1 to 9 or a to z.").format(key=text))
    return wanted
