"""A photo and its points, looked at closely: zoomed, moved, brightened, and one point after the other in the middle."""

from typing import Optional, Sequence

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from .shown import BY_STATE, LABELS, PointShown, Window


class PhotoView(QWidget):
    """Shows what it is told; says which point was clicked. Scene and photo have the same pixels."""

    point_chosen = pyqtSignal(int)
    """Somebody clicked on this point (`PointShown.point`); it becomes the current one only when told so."""
    loaded = pyqtSignal(str)
    """The photo of this path is seen in full."""
    failed = pyqtSignal(str)
    """A photo cannot be shown; the sentence says why. It is seen in the view, too."""
    zoomed = pyqtSignal(float)
    """Screen pixels for each pixel of the photo."""
    looked = pyqtSignal()
    """Anything of how it is looked at changed: patch, colours, texts, magnifier, tone."""

    # What is shown ---------------------------------------------------------------------------------------------------

    def show_photo(self, path: str, window: Window = ()) -> None:
        """Show this photo, or this window of an orthomosaic, as soon as it is read; points of the last one go at once.

        Zoom stays as it is: all of the photo where all of the last was seen, else the same scale.
        """

    def prefetch(self, path: str, window: Window = ()) -> None:
        """Read a photo that will be wanted next, after the one that is wanted now."""

    def clear(self, sentence: str = "") -> None:
        """Show no photo, but this sentence."""

    def show_points(self, points: Sequence[PointShown]) -> None:
        """Replace the points; the current one stays current if it is among them. Cheap: call it after each edit."""

    def set_current(self, point: Optional[int]) -> None:
        """Mark this point and bring it to the middle; zoom stays. None: no current point.

        Nothing moves while all of the photo is seen.
        """

    # How it is shown -------------------------------------------------------------------------------------------------

    def set_patch(self, side_px: int) -> None:
        """Side of the frame around the current point, in pixels of the photo; 0 hides it."""

    def set_colours(self, by: str = BY_STATE) -> None:
        """What colours of points tell: `BY_STATE` or `BY_LABEL`."""

    def set_texts(self, texts: str = LABELS) -> None:
        """What is written beside points: `NO_TEXT`, `NUMBERS` or `LABELS`."""

    def set_points_visible(self, visible: bool) -> None:
        """Hide all points but the current one, or show them."""

    def set_magnifier(self, on: bool) -> None:
        """Show the pixels around the current point, enlarged, in a corner."""

    # Zoom ------------------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """All of the photo."""

    def actual_size(self) -> None:
        """One screen pixel for each pixel, around the current point or the middle."""

    def zoom_to_patch(self) -> None:
        """The patch of the current point, with its surroundings."""

    def zoom_by(self, factor: float) -> None:
        """Nearer (> 1) or farther (< 1), around the middle."""

    def dismiss(self) -> None:
        """End what is read in the background; called once, before the widget goes."""
