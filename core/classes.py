"""Class names, class values 1..K, and colours that people can tell apart."""

import colorsys
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

PALETTE = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99",
    "#bbcc33", "#77aadd", "#882255", "#999933", "#ffaabb", "#117733", "#332288", "#ddcc77",
)  # fmt: skip
"""Paul Tol's bright, light and muted schemes, in an order that keeps neighbours apart for the colour-blind.

Source: https://personal.sron.nl/~pault/
"""
CUSTOMARY = {
    "water": "#4477aa", "river": "#4477aa", "lake": "#4477aa", "sea": "#4477aa", "ocean": "#4477aa",
    "forest": "#228833", "tree": "#228833", "wood": "#228833", "mangrove": "#117733",
    "grass": "#bbcc33", "pasture": "#bbcc33", "meadow": "#bbcc33",
    "crop": "#ddcc77", "field": "#ddcc77", "agriculture": "#ddcc77", "farm": "#ddcc77",
    "urban": "#ee6677", "built": "#ee6677", "village": "#ee6677", "city": "#ee6677", "settlement": "#ee6677",
    "residential": "#ee6677", "building": "#ee6677", "favela": "#aa3377", "slum": "#aa3377",
    "bare": "#ccbb44", "sand": "#ccbb44", "soil": "#ccbb44", "rock": "#999933",
    "road": "#882255", "wetland": "#44bb99", "coral": "#ee8866", "algae": "#999933",
    "snow": "#66ccee", "ice": "#66ccee",
}  # fmt: skip
"""Colours that people expect, by a word that a class name holds; all of them are of the palette."""
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
    """Classes 1..K with these names, in this order; no two of the first sixteen share a colour."""
    listed = list(names)
    wanted = [_customary(name) for name in listed]
    colours = [colour if colour and colour not in wanted[:place] else "" for place, colour in enumerate(wanted)]
    free = (colour for colour in map(colour_of, count()) if colour not in colours)
    return tuple(
        ClassEntry(place + 1, name, colour or next(free))
        for place, (name, colour) in enumerate(zip(listed, colours, strict=True))
    )


def _customary(name: str) -> str:
    """The colour that people expect for a class of this name; empty when there is none."""
    words = re.findall(r"[a-z]+", name.lower())
    return next((colour for part, colour in CUSTOMARY.items() if part in words or f"{part}s" in words), "")


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
