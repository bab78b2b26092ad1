"""What is shown of a point, and the names of the ways in which it can be shown."""

from typing import NamedTuple, Tuple

from ....core.reef.schema import ACCEPTED, CONFIRMED, IMPORTED, MACHINE

OPEN, SUGGESTED = "open", "suggested"
"""Nobody said anything of the point; only a model did."""
STATES = (OPEN, SUGGESTED, MACHINE, ACCEPTED, IMPORTED, CONFIRMED)
"""States of a point, as they are drawn; the last four are those of an annotation."""
BY_STATE, BY_LABEL = "state", "label"
"""What the colour of a point tells."""
NO_TEXT, NUMBERS, LABELS = "none", "numbers", "labels"
"""What is written beside each point."""

Window = Tuple[int, ...]
"""Row, column, height and width in an orthomosaic; empty for a photo that is a file of its own. As `Photo.window`."""


class PointShown(NamedTuple):
    """A point as the window needs it."""

    point: int
    """Its identity, given back by `point_chosen`."""
    number: int
    """What people call it on this photo."""
    row: int
    col: int
    """0-based pixel from the upper left of the photo as stored, or of its window."""
    state: str = OPEN
    """One of `STATES`."""
    label: str = ""
    """Code of the label, as written beside the point; empty for none."""
    colour: str = ""
    """`#rrggbb` of the label; empty for none."""
