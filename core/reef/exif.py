"""What a camera noted in a photo: time, position, heading, orientation. Standard library only.

GDAL tells the EXIF of JPEG files only, and not its offsets from UTC; here JPEG, PNG and TIFF are read alike. Damaged or
missing notes give nothing, never an error: the photo counts all the same.

Source: CIPA DC-008 (Exif 2.32), TIFF 6.0, PNG third edition (eXIf).
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

JPEG, PNG, TIFF = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", (b"II*\x00", b"MM\x00*")
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of one value by its type."""
FORMATS = {1: "B", 3: "H", 4: "L", 5: "2L", 6: "b", 8: "h", 9: "l", 10: "2l", 11: "f", 12: "d", 13: "L"}
MOST_ENTRIES, MOST_BYTES, MOST_SEGMENTS = 512, 4096, 10_000
"""What is read of a directory, of a value and of a file at most: no camera notes more in what is asked here."""
ORIENTATION, MODEL, EXIF_IFD, GPS_IFD = 0x0112, 0x0110, 0x8769, 0x8825
TAKEN, OFFSET = 0x9003, 0x9011
LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE, GPS_TIME, STATUS, HEADING, GPS_DATE = 1, 2, 3, 4, 7, 9, 17, 29
VOID = "V"
"""Status of a position that is not one of that moment."""

Values = dict[int, object]


@dataclass(frozen=True)
class Exif:
    """What is known; the rest is empty or None."""

    taken: str = ""
    """`YYYY-MM-DDTHH:MM:SS` as the camera's clock said."""
    ahead_s: int | None = None
    """Seconds by which that clock was ahead of UTC, where the camera says so or its receiver knew the time."""
    position: tuple[float, float] | None = None
    """Longitude and latitude, degrees, WGS 84."""
    heading_deg: float | None = None
    orientation: int = 0
    """1 to 8 as EXIF counts; 0 unknown."""
    camera: str = ""


def read_exif(path: str | Path) -> Exif:
    """The notes of a photo; empty where there are none, or the file cannot be read."""
    # A damaged file fails in many ways, all of which mean that there is nothing to be told.
    with (
        suppress(OSError, struct.error, ValueError, OverflowError, UnicodeError, TypeError, IndexError),
        open(path, "rb") as file,
    ):
        base = _block(file)
        if base is not None:
            return _facts(file, base)
    return Exif()


def _block(file: BinaryIO) -> int | None:
    """Where the TIFF structure with the notes begins; None where there is none."""
    head = file.read(8)
    if head[:4] in TIFF:
        return 0
    if head == PNG:
        return next((place for kind, place in _chunks(file) if kind == b"eXIf"), None)
    if head[:2] != JPEG:
        return None
    place = 2
    for _ in range(MOST_SEGMENTS):
        file.seek(place)
        marker, length = struct.unpack(">HH", file.read(4))
        if marker == 0xFFE1 and file.read(6) == b"Exif\x00\x00":
            return place + 10
        if marker == 0xFFDA or marker < 0xFFC0:
            return None
        place += 2 + length
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    place = 8
    for _ in range(MOST_SEGMENTS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">L4s", head)
        yield kind, place + 8
        place += 12 + length


def _facts(file: BinaryIO, base: int) -> Exif:
    file.seek(base)
    head = file.read(8)
    order = "<" if head[:2] == b"II" else ">"
    main = _directory(file, base, order, struct.unpack_from(f"{order}L", head, 4)[0])
    notes = _nested(file, base, order, main.get(EXIF_IFD))
    gps = _nested(file, base, order, main.get(GPS_IFD))
    taken = _time(notes.get(TAKEN))
    orientation = main.get(ORIENTATION)
    return Exif(
        taken.isoformat() if taken else "",
        _ahead(notes.get(OFFSET), taken, gps),
        _position(gps),
        _number(gps.get(HEADING), 0.0, 360.0),
        orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 0,
        str(main.get(MODEL) or "") if isinstance(main.get(MODEL), str) else "",
    )


def _nested(file: BinaryIO, base: int, order: str, place: object) -> Values:
    with suppress(struct.error, OSError, UnicodeError):
        return _directory(file, base, order, place) if isinstance(place, int) else {}
    return {}


def _directory(file: BinaryIO, base: int, order: str, place: int) -> Values:
    """Values by tag: a text, a number, or a tuple of numbers, a fraction as one."""
    file.seek(base + place)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    entries = file.read(12 * min(count, MOST_ENTRIES))
    values: Values = {}
    for start in range(0, len(entries) - 11, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHL", entries, start)
        size = SIZES.get(kind, 0) * number
        if not 0 < size <= MOST_BYTES:
            continue
        content = entries[start + 8 : start + 8 + size]
        if size > 4:
            file.seek(base + struct.unpack_from(f"{order}L", entries, start + 8)[0])
            content = file.read(size)
        if len(content) == size and tag not in values:
            values[tag] = _value(content, kind, number, order)
    return values


def _value(content: bytes, kind: int, number: int, order: str) -> object:
    if kind == 2:
        return content.split(b"\x00")[0].decode("latin-1").strip()
    if kind not in FORMATS:
        return None
    code = FORMATS[kind]
    flat = struct.unpack(f"{order}{number * 2 if code[0] == '2' else number}{code[-1]}", content)
    if code[0] == "2":
        pairs = zip(flat[::2], flat[1::2], strict=True)
        flat = tuple(float(up) / down if down else float("nan") for up, down in pairs)
    return flat[0] if number == 1 else flat


def _time(value: object) -> datetime | None:
    """None for what is no time, as in cameras whose clock was never set."""
    try:
        return datetime.strptime(str(value)[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _number(value: object, least: float, most: float) -> float | None:
    return float(value) if isinstance(value, (int, float)) and least <= value <= most else None


def _angle(value: object, reference: object, marks: str, most: float) -> float | None:
    """Degrees from degrees, minutes and seconds; without a hemisphere nothing is known."""
    if not isinstance(value, tuple) or len(value) != 3 or str(reference)[:1].upper() not in tuple(marks):
        return None
    degrees = float(value[0]) + float(value[1]) / 60 + float(value[2]) / 3600
    found = _number(degrees, 0.0, most)
    return None if found is None else found * (-1 if str(reference)[0].upper() == marks[1] else 1)


def _position(gps: Values) -> tuple[float, float] | None:
    latitude = _angle(gps.get(LATITUDE), gps.get(LATITUDE_REF), "NS", 90.0)
    longitude = _angle(gps.get(LONGITUDE), gps.get(LONGITUDE_REF), "EW", 180.0)
    if latitude is None or longitude is None or gps.get(STATUS) == VOID or latitude == longitude == 0:
        return None
    return longitude, latitude


def _ahead(offset: object, taken: datetime | None, gps: Values) -> int | None:
    """From the noted offset, else from the receiver's time, to a quarter of an hour: its second may be an old one."""
    text = str(offset or "")
    if len(text) == 6 and text[0] in "+-" and text[3] == ":" and (text[1:3] + text[4:]).isdigit():
        return (int(text[1:3]) * 3600 + int(text[4:]) * 60) * (-1 if text[0] == "-" else 1)
    clock = gps.get(GPS_TIME)
    if taken is None or not isinstance(clock, tuple) or len(clock) != 3 or gps.get(STATUS) == VOID:
        return None
    try:
        day = datetime.strptime(str(gps.get(GPS_DATE)), "%Y:%m:%d")
        seconds = (taken - day).total_seconds() - (clock[0] * 3600 + clock[1] * 60 + clock[2])
        quarters = round(seconds / 900)
    except (ValueError, TypeError, OverflowError):
        return None
    return quarters * 900 if abs(quarters) <= 60 and abs(seconds - quarters * 900) <= 300 else None
