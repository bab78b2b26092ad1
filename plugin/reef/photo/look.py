"""How a photo is looked at: one small record, kept in the profile where it is worth keeping."""

from dataclasses import dataclass
from typing import Any, Dict

from ...settings import (
    PHOTO_COLOURS,
    PHOTO_MAGNIFIED,
    PHOTO_MAGNIFIER,
    PHOTO_OVERVIEW,
    PHOTO_PATCH,
    PHOTO_TEXTS,
    PHOTO_WHITE,
)
from .shown import BY_LABEL, BY_STATE, LABELS, NO_TEXT, NUMBERS
from .tone import NEUTRAL, Gains

AS_TAKEN, AUTO, PICKED = "taken", "auto", "picked"
"""White balance: the camera's, of each photo by itself, or by what somebody said is white."""
MOST_PATCH = 2000
MAGNIFICATIONS = (2, 3, 4, 6, 8, 12, 16)
"""Screen pixels (as widgets count) for a pixel of the photo in the magnifier."""
_KEPT = {
    "patch_px": (PHOTO_PATCH, range(MOST_PATCH + 1)),
    "colours": (PHOTO_COLOURS, (BY_STATE, BY_LABEL)),
    "texts": (PHOTO_TEXTS, (NO_TEXT, NUMBERS, LABELS)),
    "magnifier": (PHOTO_MAGNIFIER, (True, False)),
    "magnified": (PHOTO_MAGNIFIED, MAGNIFICATIONS),
    "overview": (PHOTO_OVERVIEW, (True, False)),
    "white": (PHOTO_WHITE, (AS_TAKEN, AUTO)),
}
"""Field -> its setting, and what it may be: profiles are edited by hand and come from other versions."""


@dataclass(frozen=True)
class Look:
    """All choices of the toolbar."""

    patch_px: int = PHOTO_PATCH.default
    """Side of the frame around the current point, pixels of the photo; 0 for none."""
    colours: str = PHOTO_COLOURS.default
    texts: str = PHOTO_TEXTS.default
    points: bool = True
    """Points other than the current one are seen."""
    magnifier: bool = PHOTO_MAGNIFIER.default
    magnified: int = PHOTO_MAGNIFIED.default
    overview: bool = PHOTO_OVERVIEW.default
    brightness: int = 0
    contrast: int = 0
    white: str = AS_TAKEN
    gains: Gains = NEUTRAL
    """Of red, green and blue light where white was picked."""


def remembered() -> Look:
    """As it was last; brightness, contrast and picked whites are of one sitting."""
    values: Dict[str, Any] = {}
    for name, (setting, allowed) in _KEPT.items():
        value = setting.get()
        values[name] = value if value in allowed else setting.default
    return Look(**values)


def remember(look: Look) -> None:
    """Keep it in the profile."""
    for name, (setting, allowed) in _KEPT.items():
        value = getattr(look, name)
        if value in allowed:
            setting.set(value)
