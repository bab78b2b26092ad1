"""What the photo window says: of points, and of each of its controls."""

from typing import Dict, Optional, Tuple

from ....processing.i18n import plural, tr
from .shown import ACCEPTED, CONFIRMED, IMPORTED, MACHINE, OPEN, SUGGESTED, PointShown

Words = Dict[str, Tuple[str, str]]
"""Name of the control -> its accessible name, its tooltip."""


def state_words() -> Dict[str, str]:
    """State of a point -> what people call it."""
    return {
        OPEN: tr("not annotated"),
        SUGGESTED: tr("suggested"),
        MACHINE: tr("accepted without a look"),
        ACCEPTED: tr("accepted with the photo"),
        IMPORTED: tr("imported"),
        CONFIRMED: tr("confirmed"),
    }


def told(point: PointShown) -> str:
    """A point in a line, for its tooltip."""
    state = state_words().get(point.state, point.state)
    if not point.label:
        return tr("Point {number}: {state}").format(number=point.number, state=state)
    return tr("Point {number}: {label}, {state}").format(number=point.number, label=point.label, state=state)


def told_of(current: Optional[PointShown], count: int, sentence: str) -> str:
    """What is seen, for screen readers."""
    if sentence:
        return sentence
    points = plural("%n point.", "%n points.", count)
    return points if current is None else f"{told(current)}. {points}"


def photo_words() -> Words:
    """All controls of the window."""
    return {
        "photo_view": (
            tr("Photo"),
            tr(
                "Wheel: zoom. Drag: move. Click: choose a point. Hold the right button or F8: the photo without points."
            ),
        ),
        "photo_fit": (tr("All of the photo"), tr("See all of the photo. Key: Ctrl+0")),
        "photo_actual": (tr("One to one"), tr("One pixel of the photo for each pixel of the screen. Key: Ctrl+1")),
        "photo_to_patch": (tr("Zoom to the patch"), tr("See the current point and its surroundings. Key: Ctrl+2")),
        "photo_patch": (
            tr("Side of the patch in pixels"),
            tr("A model sees a square of this many pixels around a point. The frame shows it; 0 for no frame."),
        ),
        "photo_points": (tr("Points"), tr("How points are shown: colours, words beside them, or not at all.")),
        "photo_magnifier": (
            tr("Magnifier"),
            tr("Show the pixels around the current point enlarged; the arrow chooses how much. Key: Ctrl+3"),
        ),
        "photo_light": (
            tr("Light"),
            tr("Brightness, contrast and white balance of what you see. Photo and annotations stay as they are."),
        ),
        "photo_full": (tr("Full screen"), tr("The photo on all of the screen, and back. Key: F11")),
        "photo_zoom": (tr("Zoom"), tr("Pixels of the screen for each pixel of the photo.")),
        "photo_brightness": (tr("Brightness"), tr("Darker or brighter, without losing black or white.")),
        "photo_contrast": (tr("Contrast"), tr("Flatter or harder.")),
        "photo_white": (tr("White balance"), tr("What is to look white or grey.")),
        "photo_white_taken": (tr("As taken"), tr("Colours as the camera wrote them.")),
        "photo_white_auto": (
            tr("Automatic"),
            tr("Each photo is balanced so that its mean is grey. Helps where water took the red."),
        ),
        "photo_white_pick": (
            tr("Pick…"),
            tr("Click here, then on something in the photo that is white or grey, as a slate. Esc gives up."),
        ),
        "photo_reset": (tr("Reset"), tr("Brightness, contrast and white as the camera wrote them.")),
        "photo_compare": (tr("Compare"), tr("Hold to see the photo as it was taken.")),
    }
