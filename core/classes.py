"""Class names, class values 1..K, and colours that people can tell apart."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from .colours import colour_of, customary


@dataclass(frozen=True)
class ClassEntry:
    """One class of a map."""

    value: int
    """What stands in the map; 0 is nodata."""
    name: str
    colour: str
    """`#rrggbb`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"value": self.value, "name": self.name, "colour": self.colour}

    @property
    def rgba(self) -> tuple[int, int, int, int]:
        """Red, green, blue, opacity: 0..255."""
        red, green, blue = (int(self.colour[at : at + 2], 16) for at in (1, 3, 5))
        return red, green, blue, 255


def entries(names: Iterable[str]) -> tuple[ClassEntry, ...]:
    """Classes 1..K with these names, in this order; no two of the first sixteen share a colour."""
    listed = list(names)
    wanted = [customary(name) for name in listed]
    colours = [colour if colour and colour not in wanted[:place] else "" for place, colour in enumerate(wanted)]
    free = (colour for colour in map(colour_of, count()) if colour not in colours)
    return tuple(
        ClassEntry(place + 1, name, colour or next(free))
        for place, (name, colour) in enumerate(zip(listed, colours, strict=True))
    )


def entries_from(facts: Iterable[dict[str, Any]]) -> tuple[ClassEntry, ...]:
    """Classes as `ClassEntry.to_dict` wrote them."""
    return tuple(ClassEntry(int(item["value"]), str(item["name"]), str(item["colour"])) for item in facts)


def class_text(value: Any) -> str:
    """Name of a class as it is in a field: text without blanks around it, whole numbers without decimals."""
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return ""
        return str(int(value)) if float(value).is_integer() else f"{float(value):.12g}"
    text = str(value).strip()
    return "" if text.lower() in ("nan", "<na>", "nat") else text


def sorted_names(names: Iterable[str]) -> list[str]:
    """Distinct names: by number when all of them are numbers, else by alphabet."""
    distinct = set(names)
    try:
        return sorted(distinct, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(distinct)
