"""Colours for a label tree that has none: a hue for each branch, shades of it within.

Standard library only, Python 3.9 and later.
"""

import colorsys
from typing import Dict

from ..colours import GOLDEN, colour_for
from .tree import LabelTree

BRANCHES = 6
"""Branches begin at the first level with so many labels, or else at the deepest that has any."""
ABOVE = "#8f8f8f"
"""Of what lies above the branches."""
SHADES = (0.34, 0.72)
"""Lightness of the darkest and the lightest label of a branch."""


def branch_colours(tree: LabelTree) -> Dict[str, str]:
    """`#rrggbb` by code: labels right at a branch in colours that can be told apart, what lies below in shades."""
    level = next((n for n in range(1, tree.depth) if len(tree.at_level(n)) >= BRANCHES), max(tree.depth - 1, 1))
    colours: Dict[str, str] = {}
    taken = [ABOVE]
    for code in tree.codes:
        if tree.level(code) < level and not tree.is_leaf(code):
            colours[code] = ABOVE
        elif tree.level(code) <= level:
            colours[code] = colour_for(tree.label(code).name or code, taken)
            taken.append(colours[code])
            for number, below in enumerate(tree.descendants(code), 1):
                colours[below] = _shade(colours[code], number)
    return colours


def _shade(colour: str, number: int) -> str:
    """The same hue, darker or lighter: neighbours in the list far apart."""
    parts = tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, _, saturation = colorsys.rgb_to_hls(*parts)
    low, high = SHADES
    lightness = low + (number * GOLDEN) % 1.0 * (high - low)
    shaded = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in shaded)
