"""Colours of classes: a palette that people can tell apart, and the colours that they expect for some names.

Standard library only, Python 3.9 and later: maps are coloured here, and so are the classes of the dock.
"""

import colorsys
import re
from functools import lru_cache
from typing import Collection

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
MOST = 4096
"""Places that are asked for a colour; beyond, hues come again."""


@lru_cache(MOST)
def colour_of(number: int) -> str:
    """Colour of the class at this place, counted from 0; after the palette hues go round by the golden ratio."""
    if number < len(PALETTE):
        return PALETTE[number]
    hue = (number * GOLDEN) % 1.0
    red, green, blue = colorsys.hls_to_rgb(hue, 0.4 + 0.25 * ((number // 3) % 2), 0.55)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def customary(name: str) -> str:
    """The colour that people expect for a class of this name; empty when there is none."""
    words = re.findall(r"[a-z]+", name.lower())
    return next((colour for part, colour in CUSTOMARY.items() if part in words or f"{part}s" in words), "")


def colour_for(name: str, taken: Collection[str]) -> str:
    """The colour that people expect for a class of this name, or else the first that is not taken.

    Of about 1,300 colours; where all are taken, one comes again.
    """
    wanted = customary(name)
    if wanted and wanted not in taken:
        return wanted
    free = (colour for colour in map(colour_of, range(MOST)) if colour not in taken)
    return next(free, colour_of(len(taken) % MOST))
