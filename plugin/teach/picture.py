"""An answer of the worker as pictures that Qt can draw: one pixel for each cell that was asked for.

Knows bytes and colours; knows neither maps nor screens.
"""

from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtGui import QColor, QImage, QPainter

from ...core.errors import BadInput
from ...core.live.messages import NO_CLASS, UNSURE, Painted
from ...processing.renderers import VIRIDIS

Table = Tuple[int, ...]
"""256 colours as Qt packs them, by byte."""
CLEAR, OPAQUE = 0, 0xFF000000
CONFIDENT: Table = tuple(byte << 24 for byte in range(256))
"""From confidence to the alpha that is left of a colour."""
ONLY_UNSURE: Table = (*(CLEAR for _ in range(UNSURE)), OPAQUE)


def class_table(colours: Sequence[str]) -> Table:
    """Colours of classes 1, 2, …; nothing where there is no data, and nothing where a place is unsure."""
    known = [QColor(colour).rgba() for colour in colours][: UNSURE - 1]
    return (CLEAR, *known, *(CLEAR for _ in range(255 - len(known))))


def value_table() -> Table:
    """Viridis from 1 (low) to 255 (high)."""
    stops = [QColor(colour) for colour in VIRIDIS]
    table: List[int] = [CLEAR]
    for byte in range(254 + 1):
        place = byte / 254 * (len(stops) - 1)
        i = min(int(place), len(stops) - 2)
        a, b, share = stops[i], stops[i + 1], place - i
        mixed = [round(u + (v - u) * share) for u, v in zip(a.getRgb()[:3], b.getRgb()[:3])]
        table.append(QColor(*mixed).rgba())
    return tuple(table)


class Picture:
    """Class and confidence of the shown cells. The file is read once and not kept open, so that it can be replaced."""

    def __init__(self, painted: Painted) -> None:
        self.row, self.col, self.step = painted.row, painted.col, painted.step
        self.height, self.width = painted.height, painted.width
        size = self.height * self.width
        try:
            with open(painted.path, "rb") as file:
                data = file.read(2 * size)
        except OSError as error:
            raise BadInput(f"The live map cannot be read ({painted.path}: {error.strerror}). Move the map.") from error
        if size == 0 or len(data) != 2 * size:
            raise BadInput(f"The live map is not whole ({painted.path}). Move the map.")
        self._cells, self._confidence = data[:size], data[size:]
        self.has_unsure = UNSURE in self._cells
        self._kept: Optional[QImage] = None
        self._kept_for: Tuple[Table, bool] = ((), False)

    def coloured(self, table: Table, by_confidence: bool) -> QImage:
        """(height, width) colours with alpha; the last one is kept."""
        if self._kept is None or self._kept_for != (table, by_confidence):
            image = self._image(self._cells, table)
            if by_confidence:
                painter = QPainter(image)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
                painter.drawImage(0, 0, self._image(self._confidence, CONFIDENT))
                painter.end()
            self._kept, self._kept_for = image, (table, by_confidence)
        return self._kept

    def unsure(self) -> QImage:
        """(height, width) opaque where a place may be of several classes, else clear."""
        return self._image(self._cells, ONLY_UNSURE)

    def at(self, i: int, j: int) -> Tuple[int, int]:
        """Class byte and confidence byte of a shown cell; no data beside the picture."""
        if not (0 <= i < self.height and 0 <= j < self.width):
            return NO_CLASS, 0
        return self._cells[i * self.width + j], self._confidence[i * self.width + j]

    def _image(self, data: bytes, table: Table) -> QImage:
        image = QImage(data, self.width, self.height, self.width, QImage.Format.Format_Indexed8)
        image.setColorTable(list(table))
        return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
