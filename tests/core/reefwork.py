"""Made photos and tracks for the tests of reef surveys."""

import gzip
import itertools
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from quadrat.core.jobs.registry import job_from_dict
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress


def run(job, **values):
    """Result of a job, and what it told: (level, text)."""
    told = []
    result = run_job(
        job_from_dict({"job": job, **values}), Progress(log=lambda level, text: told.append((level, text)))
    )
    return result, told


def exif_block(taken="", offset="", position=None, orientation=0, heading=None, utc="", order="<", status="A"):
    """A TIFF structure with these notes, as cameras write it.

    position: (longitude, latitude), degrees.  utc: `YYYY:MM:DD HH:MM:SS` of the receiver.
    """
    main, notes, gps = [], [], []
    if orientation:
        main.append((0x0112, 3, 1, struct.pack(f"{order}H", orientation)))
    if taken:
        notes.append(_text(0x9003, taken))
    if offset:
        notes.append(_text(0x9011, offset))
    if position is not None:
        longitude, latitude = position
        gps += [_text(1, "NS"[latitude < 0]), _angle(2, abs(latitude), order)]
        gps += [_text(3, "EW"[longitude < 0]), _angle(4, abs(longitude), order)]
    if utc:
        clock = [int(part) for part in utc[11:].split(":")]
        gps.append((7, 5, 3, b"".join(struct.pack(f"{order}2L", part, 1) for part in clock)))
    if status != "A":
        gps.append(_text(9, status))
    if heading is not None:
        gps.append((17, 5, 1, struct.pack(f"{order}2L", round(heading * 100), 100)))
    if utc:
        gps.append(_text(29, utc[:10]))
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}L", 8)
    links = [(tag, some) for tag, some in ((0x8769, notes), (0x8825, gps)) if some]
    place = 8 + _length(main, len(links))
    entries = list(main)
    tail = b""
    for tag, some in links:
        entries.append((tag, 4, 1, struct.pack(f"{order}L", place)))
        tail += _directory(some, place, order)
        place = 8 + _length(main, len(links)) + len(tail)
    return head + _directory(entries, 8, order) + tail


def _text(tag, text):
    content = text.encode() + b"\x00"
    return tag, 2, len(content), content


def _angle(tag, degrees, order):
    whole, minutes = int(degrees), int(degrees % 1 * 60)
    seconds = round((degrees * 3600 - whole * 3600 - minutes * 60) * 10_000)
    return tag, 5, 3, struct.pack(f"{order}6L", whole, 1, minutes, 1, seconds, 10_000)


def _length(entries, more=0):
    return 2 + 12 * (len(entries) + more) + 4 + sum(len(c) for *_, c in entries if len(c) > 4)


def _directory(entries, place, order):
    behind = place + 2 + 12 * len(entries) + 4
    made, tail = struct.pack(f"{order}H", len(entries)), b""
    for tag, kind, count, content in entries:
        made += struct.pack(f"{order}HHL", tag, kind, count)
        if len(content) > 4:
            made += struct.pack(f"{order}L", behind + len(tail))
            tail += content
        else:
            made += content.ljust(4, b"\x00")
    return made + struct.pack(f"{order}L", 0) + tail


def write_photo(path, height=20, width=30, block=b""):
    """A photo of one colour, with EXIF notes where a block is given; JPEG or PNG by its name."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    driver = {".png": "PNG", ".tif": "GTiff"}.get(path.suffix.lower(), "JPEG")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver=driver, height=height, width=width, count=3, dtype="uint8") as file:
            file.write(np.full((3, height, width), 90, np.uint8))
    for aside in path.parent.glob(f"{path.name}.aux.xml"):
        aside.unlink()
    content = path.read_bytes()
    if block and driver == "JPEG":
        payload = b"Exif\x00\x00" + block
        path.write_bytes(content[:2] + struct.pack(">HH", 0xFFE1, len(payload) + 2) + payload + content[2:])
    elif block:
        chunk = struct.pack(">L", len(block)) + b"eXIf" + block + struct.pack(">L", zlib.crc32(b"eXIf" + block))
        path.write_bytes(content[:33] + chunk + content[33:])
    return str(path)


def write_track(path, fixes):
    """A GPX track of (time or empty, longitude, latitude)."""
    points = "".join(
        f'<trkpt lat="{y}" lon="{x}">{f"<time>{time}</time>" if time else ""}</trkpt>' for time, x, y in fixes
    )
    head = '<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">'
    Path(path).write_text(f"{head}<trk><trkseg>{points}</trkseg></trk></gpx>")
    return str(path)


def coral_data(name):
    """A folder of real data on reefs."""
    folder = Path(os.environ.get("QUADRAT_DATA", "")) / "coral" / name
    if not os.environ.get("QUADRAT_DATA") or not folder.is_dir():
        pytest.skip(f"coral/{name} is not in the folder that QUADRAT_DATA names")
    return folder


def some_of_kiritimati(folder):
    """The points of each eleventh photo of Kiritimati, every label among them: path, number of photos and of points."""
    photos = points = 0
    path = folder / "softcoral_annotations.csv.gz"
    with gzip.open(coral_data("kiritimati_coralnet") / path.name, "rb") as whole, gzip.open(path, "wb", 1) as part:
        part.write(next(whole))
        for number, (_, lines) in enumerate(itertools.groupby(whole, lambda line: line.partition(b",")[0])):
            if number % 11 == 2:
                kept = list(lines)
                part.write(b"".join(kept))
                photos, points = photos + 1, points + len(kept)
    return path, photos, points
