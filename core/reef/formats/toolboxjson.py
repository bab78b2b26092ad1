"""Annotations of CoralNet-Toolbox as JSON, exported alone or within a project.

`{image path: [{type, label_short_code, label_long_code, label_id, center_xy: [x, y], annotation_size, verified, data,
machine_confidence: {code: 0..1}}]}`; a project holds this as `annotations`. Patches alone are points.

Source: CoralNet-Toolbox 1.0.8 (github Jordan-Pierce/CoralNet-Toolbox 1b927e7), IO and QtPatchAnnotation.
"""

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd

from ...errors import BadInput
from ..tree import Label
from .columns import LARGEST_PX
from .jsontext import load
from .labelsets import label_table
from .shape import CONFIRMED, MACHINE, RANKS, Problems, Read, photos_of, refuse_empty
from .toolbox import REVIEW

WHAT = "annotation file of CoralNet-Toolbox"
POINT = "PatchAnnotation"


def read(path: str | Path) -> Read:
    """Read annotations. Problems name records, which have no lines.

    Raises:
        BadInput: unreadable, not such a file, or no point that can be used.
    """
    problems = Problems()
    points: list[dict[str, Any]] = []
    labels: dict[str, Label] = {}
    areas = 0
    for where, image, record in _records(annotations(load(path, WHAT), path), path):
        if str(record.get("type", POINT)) != POINT:
            areas += 1
            continue
        try:
            points.append(_point(image, record))
        except ValueError as error:
            problems.add(0, f"{where}: {error}; left out.")
            continue
        code, name = points[-1]["label"], str(record.get("label_long_code") or "")
        if code:
            labels.setdefault(code.lower(), Label(code, "" if name == code else name))
    if areas:
        problems.add(0, f"{areas} annotations are areas, not points, and are left out. Export them as CSV to have "
                     "their centres.")  # fmt: skip
    if not points:
        refuse_empty(path, problems.told())
    rows = pd.DataFrame(points).drop(columns="path")
    ranks = [rank for rank in range(1, RANKS + 1) if (rows[f"suggestion_{rank}"] != "").any()]
    unused = [
        f"{what}_{rank}" for rank in range(1, RANKS + 1) if rank not in ranks for what in ("suggestion", "confidence")
    ]
    photos = photos_of(rows["name"], pd.DataFrame({"path": [point["path"] for point in points]}))
    return Read(rows.drop(columns=unused), photos, label_table(labels.values()), problems.told())


def annotations(found: Any, path: object) -> dict[str, Any]:
    """The annotations by image in what the file holds.

    Raises:
        BadInput: there are none.
    """
    if isinstance(found, dict) and isinstance(found.get("annotations"), dict):
        found = found["annotations"]
    if not isinstance(found, dict) or not all(isinstance(records, list) for records in found.values()):
        raise BadInput(f"{path} is no {WHAT}: it should hold lists of annotations by the path of the image.")
    return found


def _records(images: dict[str, Any], path: object) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where, image and record of each annotation."""
    for image, records in images.items():
        for number, record in enumerate(records, 1):
            if not isinstance(record, dict) or not isinstance(record.get("label_short_code"), str):
                raise BadInput(f"{path} is no {WHAT}: annotation {number} of {image} has no `label_short_code`.")
            yield f"Annotation {number} of {image}", image, record


def _point(image: str, record: dict[str, Any]) -> dict[str, Any]:
    """A row of `Read.rows`. Raises ValueError with half a sentence."""
    place = record.get("center_xy")
    if not isinstance(place, list) or len(place) != 2 or not all(map(_is_pixel, place)):
        raise ValueError("it has no `center_xy` of two numbers from 0 on")
    name = PureWindowsPath(image).name
    if not name:
        raise ValueError("it names no image")
    code = record["label_short_code"].strip()
    point: dict[str, Any] = {
        "name": name, "row": int(place[1]), "column": int(place[0]), "label": "" if code == REVIEW else code,
        "state": CONFIRMED if record.get("verified") is True else MACHINE, "path": image,
    }  # fmt: skip
    told = record.get("machine_confidence") or {}
    if not isinstance(told, dict) or not all(_is_share(value) for value in told.values()):
        raise ValueError("its `machine_confidence` holds what is no number from 0 to 1")
    ranked = sorted(told.items(), key=lambda pair: -pair[1])[:RANKS]
    for rank in range(1, RANKS + 1):
        code, share = ranked[rank - 1] if rank <= len(ranked) else ("", np.nan)
        point.update({f"suggestion_{rank}": code, f"confidence_{rank}": share})
    return point


def _is_pixel(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < LARGEST_PX


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1
