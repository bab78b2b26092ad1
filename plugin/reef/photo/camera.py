"""Which part of a photo is seen, and how large: arithmetic of zoom and place, without widgets.

Places on the photo are (x, y) in its pixels, from the upper left corner; the pixel (row, col) has its middle at
(col + 0.5, row + 0.5). Places on the screen are in pixels of the device, so that one to one is one to one everywhere.
"""

from typing import Tuple

LARGEST = 64.0
"""Screen pixels for a pixel; more shows nothing that 64 do not."""
LEAST_SEEN = 1.0
"""A photo smaller than the window can be made as small as it is."""
ABOUT = 1e-6

Place = Tuple[float, float]
Box = Tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Camera:
    """Zoom and place. `fitted`: all of the photo is seen, whatever the size of the window."""

    def __init__(self) -> None:
        self.photo = (0, 0)
        """Width and height of the photo, px; 0 while there is none."""
        self.screen = (1, 1)
        """Width and height of what there is to see it on, px of the device."""
        self.fitted = True
        self._scale = 1.0
        self._centre: Place = (0.0, 0.0)

    @property
    def scale(self) -> float:
        """Screen pixels for each pixel of the photo."""
        return self._fitting() if self.fitted else self._scale

    @property
    def centre(self) -> Place:
        """Place on the photo that is in the middle of the screen."""
        return (self.photo[0] / 2, self.photo[1] / 2) if self.fitted else self._centre

    @property
    def origin(self) -> Tuple[int, int]:
        """Where the photo's corner lies: whole screen pixels, so that one to one is not blurred."""
        scale, (x, y) = self.scale, self.centre
        return round(self.screen[0] / 2 - x * scale), round(self.screen[1] / 2 - y * scale)

    def resize(self, width: int, height: int) -> None:
        """The window changed; what is in its middle stays there."""
        self.screen = (max(width, 1), max(height, 1))
        if not self.fitted and self.photo[0]:
            self._zoom_to(self._scale)

    def look_at(self, width: int, height: int) -> None:
        """Another photo, of this size: from its middle, all of it where all was seen, else as large as before."""
        self.photo = (width, height)
        self._centre = (width / 2, height / 2)
        if not self.fitted:
            self._zoom_to(self._scale)

    def to_screen(self, x: float, y: float) -> Place:
        """Where a place of the photo is seen."""
        left, top = self.origin
        return left + x * self.scale, top + y * self.scale

    def to_photo(self, x: float, y: float) -> Place:
        """What place of the photo is seen there; may lie beside the photo."""
        left, top = self.origin
        return (x - left) / self.scale, (y - top) / self.scale

    def seen(self) -> Box:
        """Part of the photo that is on the screen; empty (left = right) when none is."""
        left, top = self.to_photo(0, 0)
        right, bottom = self.to_photo(*self.screen)
        width, height = self.photo
        left, right = max(left, 0.0), min(right, float(width))
        top, bottom = max(top, 0.0), min(bottom, float(height))
        return left, top, max(left, right), max(top, bottom)

    def sees_all(self) -> bool:
        """All of the photo is on the screen."""
        scale = self.scale * (1 - ABOUT)
        return self.photo[0] * scale <= self.screen[0] and self.photo[1] * scale <= self.screen[1]

    def fit(self) -> None:
        """See all."""
        self.fitted = True

    def centre_on(self, x: float, y: float) -> None:
        """Bring a place to the middle; nothing moves while all is seen in one piece."""
        if not self.fitted:
            self._centre = self._within(x, y)

    def zoom(self, scale: float, at: Place) -> None:
        """Another scale; what lies below `at` (on the screen) stays there. As far out as can be is `fitted`."""
        x, y = self.to_photo(*at)
        self._zoom_to(scale)
        if not self.fitted:
            scale = self._scale
            self._centre = self._within(
                x - (at[0] - self.screen[0] / 2) / scale, y - (at[1] - self.screen[1] / 2) / scale
            )

    def zoom_to(self, scale: float, x: float, y: float) -> None:
        """Another scale, with this place of the photo in the middle."""
        self._zoom_to(scale)
        if not self.fitted:
            self._centre = self._within(x, y)

    def move(self, dx: float, dy: float) -> None:
        """Drag the photo by so many screen pixels."""
        if not self.fitted:
            x, y = self._centre
            self._centre = self._within(x - dx / self._scale, y - dy / self._scale)

    def _fitting(self) -> float:
        width, height = self.photo
        if not width or not height:
            return 1.0
        return min(self.screen[0] / width, self.screen[1] / height, LARGEST)

    def _zoom_to(self, scale: float) -> None:
        fitting = self._fitting()
        self._scale = min(max(scale, min(fitting, LEAST_SEEN)), LARGEST)
        if self._scale <= fitting * (1 + ABOUT) and fitting <= LEAST_SEEN:
            self.fitted = True
        elif abs(scale - fitting) > ABOUT * fitting:
            self.fitted = False

    def _within(self, x: float, y: float) -> Place:
        """Points at the very edge can be in the middle, too; beyond is nothing to see."""
        return min(max(x, 0.0), float(self.photo[0])), min(max(y, 0.0), float(self.photo[1]))
