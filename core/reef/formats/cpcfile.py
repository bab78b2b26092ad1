"""One .cpc file of CPCe: what its lines say, and the same lines with other labels.

Line 1: paths of code file and image, width and height of the image, and as displayed. Lines 2 to 5: corners of the
frame, lower left, lower right, upper right, upper left. Line 6: how many points. Then a line a point, x and y;
then a line a point, its mark, its code, the word Notes, its note; then up to 28 lines of heading, which may be missing.
Lengths are in units of which 15 make a pixel on a screen of 96 dpi, 12 at 120 dpi. Lines end as on Windows.

Source: Kohler and Gill 2006, doi:10.1016/j.cageo.2005.11.009; CoralNet 1.31 (ced146e), project/cpce.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

from ...errors import BadInput

UNITS_PER_PIXEL = 15
SCREENS = (15, 12, 10)
"""Units a pixel at 96, 120 and 144 dpi."""
HEADINGS = 28
DISPLAY_PX = (960, 720)
"""CPCe wants the size at which the image was displayed, and does nothing with it."""
MOST_POINTS = 100_000
LINE_END = "\r\n"


@dataclass(frozen=True)
class Cpc:
    """What one file says."""

    code_path: str
    image_path: str
    width: int
    height: int
    """Of the image, in CPCe's units."""
    x: tuple[float, ...]
    y: tuple[float, ...]
    """Of the points, in CPCe's units from the upper left."""
    codes: tuple[str, ...]
    notes: tuple[str, ...]
    lines: tuple[str, ...]
    """All lines as they stand, with their ends."""

    @property
    def text(self) -> str:
        """The file."""
        return "".join(self.lines)


def parse(text: str) -> Cpc:
    """Read a file.

    Raises:
        BadInput: not such a file; tells the line.
    """
    lines = list(io.StringIO(text, newline=""))
    code_path, image_path, width, height, _, _ = _parts(lines, 1, 6, "paths of code file and image, and four sizes")
    sides = [_number(side, 1, "the size of the image") for side in (width, height)]
    if min(sides) <= 0 or any(side % 1 for side in sides):
        raise BadInput(f"Line 1: the image is {width} x {height} units, which are no whole numbers above 0.")
    if not PureWindowsPath(image_path).name:
        raise BadInput("Line 1: it names no image.")
    for number in range(2, 6):
        for part in _parts(lines, number, 2, "a corner of the frame, x and y"):
            _number(part, number, "a corner of the frame")
    count = _count(_parts(lines, 6, 1, "the number of points")[0], len(lines))
    places = [_parts(lines, 7 + i, 2, "a point, x and y") for i in range(count)]
    x, y = (tuple(_number(place[axis], 7 + i, "a point") for i, place in enumerate(places)) for axis in (0, 1))
    labels = [_parts(lines, 7 + count + i, 4, "the mark, code and note of a point") for i in range(count)]
    codes, notes = tuple(label[1] for label in labels), tuple(label[3] for label in labels)
    return Cpc(code_path, image_path, int(sides[0]), int(sides[1]), x, y, codes, notes, tuple(lines))


def _parts(lines: Sequence[str], number: int, wanted: int, what: str) -> list[str]:
    if number > len(lines):
        raise BadInput(f"The file ends after line {len(lines)}; line {number} should hold {what}.")
    try:
        parts = next(csv.reader([lines[number - 1].rstrip("\r\n")]), [])
    except csv.Error as error:
        raise BadInput(f"Line {number} cannot be read: {error}.") from error
    if len(parts) != wanted:
        raise BadInput(f"Line {number} has {len(parts)} values where {wanted} should be: {what}.")
    return [part.strip() for part in parts]


def _number(text: str, line: int, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in text:
        raise BadInput(f"Line {line}: '{text[:40]}' is no number for {what}.")
    return number


def _count(text: str, lines: int) -> int:
    if not text.isdecimal() or len(text) > 6 or not 0 < int(text) <= MOST_POINTS:
        raise BadInput(f"Line 6 should hold the number of points, a whole number above 0, not '{text[:40]}'.")
    if lines < 6 + 2 * int(text):
        raise BadInput(f"Line 6 announces {text} points, which take {6 + 2 * int(text)} lines; the file has {lines}. "
                       "It is cut off, or the number is wrong.")  # fmt: skip
    return int(text)


def scale_of(cpc: Cpc, size: tuple[int, int] | None) -> tuple[int, bool]:
    """Units a pixel, and whether another number would do as well.

    Args:
        cpc: the file.
        size: width and height of the stored image in pixels, which settle it; None when unknown.

    Raises:
        BadInput: no whole number fits, the same on both axes.
    """
    if size is None:
        fitting = [units for units in SCREENS if cpc.width % units == 0 and cpc.height % units == 0]
        if not fitting:
            raise BadInput(f"Line 1: {cpc.width} x {cpc.height} units are no whole pixels at 15, 12 or 10 units each. "
                           "Give the photo, whose size tells the units.")  # fmt: skip
        return fitting[0], len(fitting) > 1
    width, height = size
    if cpc.width % width or cpc.height % height or cpc.width // width != cpc.height // height:
        turned = cpc.width % height == 0 and cpc.height % width == 0 and cpc.width // height == cpc.height // width
        hint = "It seems to have been turned since." if turned else "Is it the one annotated, in its full size?"
        raise BadInput(f"Line 1: {cpc.width} x {cpc.height} units are {cpc.width / width:.4g} and "
                       f"{cpc.height / height:.4g} a pixel of a photo of {width} x {height} px, where one whole number "
                       f"should hold for both axes (15, or 12 at 120 dpi). {hint}")  # fmt: skip
    return cpc.width // width, False


def relabelled(cpc: Cpc, codes: Sequence[str], notes: Sequence[str] | None = None) -> str:
    """The file with other codes; and other notes, if given. All else stays as it stands, byte by byte."""
    first = 6 + len(cpc.x)
    lines = list(cpc.lines)
    for i, code in enumerate(codes):
        note = cpc.notes[i] if notes is None else notes[i]
        if (code, note) == (cpc.codes[i], cpc.notes[i]):
            continue
        line = lines[first + i]
        mark, _, word, _ = next(csv.reader([line.rstrip("\r\n")]))
        end = line[len(line.rstrip("\r\n")) :]
        lines[first + i] = ",".join(map(quoted, (mark, code, word, note))) + end
    return "".join(lines)


def made(
    image_path: str, code_path: str, size: tuple[int, int], rows: Sequence[int], columns: Sequence[int],
    codes: Sequence[str], notes: Sequence[str],
) -> str:  # fmt: skip
    """A new file, as CPCe 4.1 writes and CoralNet exports: 15 units a pixel, the whole image as frame.

    Args:
        image_path: as Windows writes it.
        code_path: of the code file, likewise.
        size: width and height of the stored image in pixels.
        rows: of the points, pixels from the top, from 0.
        columns: likewise from the left.
        codes: of the points; empty where not annotated.
        notes: of the points.
    """
    (width, height), unit = size, UNITS_PER_PIXEL
    right, bottom = (width - 1) * unit, (height - 1) * unit
    lines = [f"{quoted(code_path)},{quoted(image_path)},{width * unit},{height * unit},"
             f"{DISPLAY_PX[0] * unit},{DISPLAY_PX[1] * unit}"]  # fmt: skip
    lines += [f"0,{bottom}", f"{right},{bottom}", f"{right},0", "0,0", str(len(rows))]
    lines += [f"{column * unit},{row * unit}" for row, column in zip(rows, columns, strict=True)]
    lines += [
        ",".join(map(quoted, (str(number), code, "Notes", note)))
        for number, (code, note) in enumerate(zip(codes, notes, strict=True), 1)
    ]
    lines += ['""'] * HEADINGS
    return LINE_END.join(lines) + LINE_END


def quoted(text: str) -> str:
    """In quotation marks; those within are left out, as CPCe knows no way to write them."""
    return '"' + "".join(text.replace('"', "").splitlines()) + '"'
