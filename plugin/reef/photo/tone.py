"""Brightness, contrast and white balance of what is seen; the photo itself is never changed.

White balance multiplies light, not codes: bytes are taken as sRGB, so that what is made neutral is so from dark to
bright.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QRect, Qt
from qgis.PyQt.QtGui import QImage

MOST_GAIN = 6.0
"""What water takes of red below some ten metres; more gives noise only."""
SAMPLE = 64
"""Side of the small picture whose mean is the photo's."""
WHITE_PX = 9
"""Side of the square around the pixel that is called white."""

Gains = Tuple[float, float, float]
Tables = Tuple[bytes, bytes, bytes]
"""256 bytes for blue, green and red, the order in which they lie in memory."""
NEUTRAL: Gains = (1.0, 1.0, 1.0)


class Tone(NamedTuple):
    """How the photo is looked at."""

    brightness: int = 0
    """-100 to 100; neither black nor white are lost."""
    contrast: int = 0
    """-100 to 100, around the middle."""
    gains: Gains = NEUTRAL
    """Of red, green and blue light."""


def tables(tone: Tone) -> Optional[Tables]:
    """What becomes of each byte; None where nothing changes."""
    if tone == Tone():
        return None
    power = 2.0 ** (-tone.brightness / 50)
    slope = 2.0 ** (tone.contrast / 50)
    red, green, blue = (bytes(_shown(byte, gain, power, slope) for byte in range(256)) for gain in tone.gains)
    return blue, green, red


def toned(image: QImage, change: Tables) -> QImage:
    """A picture of Format_RGB32 seen through the tables."""
    pixels = bytearray(_bytes(image))
    for channel, table in enumerate(change):
        pixels[channel::4] = pixels[channel::4].translate(table)
    # A copy, since Qt does not hold the bytes that it was given.
    return QImage(pixels, image.width(), image.height(), image.bytesPerLine(), QImage.Format.Format_RGB32).copy()


def grey_world(image: QImage) -> Gains:
    """Gains that make the mean of the photo grey and keep its light.

    Source: Buchsbaum 1980, doi:10.1016/0016-0032(80)90058-7.
    """
    return neutral_gains(mean_light(image))


def white_at(image: QImage, x: int, y: int) -> Gains:
    """Gains that make the surroundings of a pixel grey."""
    half = WHITE_PX // 2
    around = QRect(x - half, y - half, WHITE_PX, WHITE_PX).intersected(image.rect())
    return neutral_gains(mean_light(image.copy(around)))


def mean_light(image: QImage) -> Gains:
    """Mean red, green and blue light (0 to 1) of a picture of Format_RGB32."""
    if image.isNull():
        return 0.0, 0.0, 0.0
    if max(image.width(), image.height()) > SAMPLE:
        aspect, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        side = (min(image.width(), SAMPLE), min(image.height(), SAMPLE))
        image = image.scaled(*side, aspect, smooth).convertToFormat(QImage.Format.Format_RGB32)
    pixels = _bytes(image)
    count = len(pixels) // 4
    blue, green, red = (sum(map(_LIGHT.__getitem__, pixels[channel::4])) / count for channel in range(3))
    return red, green, blue


def neutral_gains(light: Sequence[float]) -> Gains:
    """Gains that make this light grey; what is brightest of it gets less, so that the whole stays as bright."""
    if min(light) <= 0:
        return NEUTRAL
    level = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
    red, green, blue = (min(max(level / one, 1 / MOST_GAIN), MOST_GAIN) for one in light)
    return red, green, blue


def _shown(byte: int, gain: float, power: float, slope: float) -> int:
    light = min(_LIGHT[byte] * gain, 1.0)
    code = (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055) ** power
    if slope <= 1.0:
        return round(255 * (0.5 + slope * (code - 0.5)))
    # Steeper in the middle, flatter at both ends: nothing runs into black or white.
    shade = 0.5 * (2 * min(code, 1 - code)) ** slope
    return round(255 * (shade if code < 0.5 else 1 - shade))


def _light(byte: int) -> float:
    """Source: IEC 61966-2-1 (sRGB)."""
    code = byte / 255
    return float(code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4)


_LIGHT = tuple(_light(byte) for byte in range(256))


def _bytes(image: QImage) -> bytes:
    """Rows of 4 bytes a pixel, blue first; lines of such pictures are not padded."""
    held = image.constBits()
    held.setsize(image.bytesPerLine() * image.height())
    return bytes(held)
