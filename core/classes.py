"""Class names, class values 1..K, and colours that people can tell apart."""

import colorsys
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

PALETTE = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99",
    "#bbcc33", "#77aadd", "#882255", "#999933", "#ffaabb", "#117733", "#332288", "#ddcc77",
)  # fmt: skip
"""Paul Tol's bright, light and muted schemes, in an order that keeps neighbours apart for the colour-blind.

Source: https://personal.sron.nl/~pault/
"""
GOLDEN = 0.618033988749895


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


def colour_of(number: int) -> str:
    """Colour of the class at this place, counted from 0; after the palette hues go round by the golden ratio."""
    if number < len(PALETTE):
        return PALETTE[number]
    hue = (number * GOLDEN) % 1.0
    red, green, blue = colorsys.hls_to_rgb(hue, 0.4 + 0.25 * ((number // 3) % 2), 0.55)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def entries(names: Iterable[str]) -> tuple[ClassEntry, ...]:
    """Classes 1..K with these names, in this order."""
    return tuple(ClassEntry(number + 1, name, colour_of(number)) for number, name in enumerate(names))


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
