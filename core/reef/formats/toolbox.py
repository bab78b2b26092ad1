"""Annotations of CoralNet-Toolbox: CSV, a row an annotation, and its labels as JSON.

CSV: `Name, Path, Row, Column, Patch Size, Annotation Type, Label, Long Label, Verified, Machine confidence 1, Machine
suggestion 1`, ... `5`, then columns of the user. Confidence stands before suggestion, from 0 to 1 with three decimals.
Labels: `[{id, short_label_code, long_label_code, color: [red, green, blue, alpha]}]`.

Source: CoralNet-Toolbox 1.0.8 (github Jordan-Pierce/CoralNet-Toolbox 1b927e7), IO and QtAnnotation.
"""

import csv
import json
import re
import uuid
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd

from ...atomic import replacing
from ...errors import BadInput
from ..tree import Label
from .columns import PLACE, SUGGESTIONS, photo_facts, placed, require, suggested, table_of
from .jsontext import load_list
from .labelsets import Fact, finished, label_table
from .shape import CONFIRMED, MACHINE, RANKS, Problems, Read, interned, photos_of, refuse_empty
from .text import read_records

NAMES = {**PLACE, **SUGGESTIONS, "label": ("label", "label code"), "long_label": ("long label",), "path": ("path",),
         "verified": ("verified",), "patch_size": ("patch size",), "type": ("annotation type",)}  # fmt: skip
REVIEW = "Review"
"""What the Toolbox calls annotations without a label."""
PATCH_PX = 224
PATCH = "Patch"
MISSING = (
    "",
    "#n/a",
    "n/a",
    "na",
    "<na>",
    "nan",
    "-nan",
    "null",
    "none",
    "#na",
    "1.#ind",
    "-1.#ind",
    "1.#qnan",
    "-1.#qnan",
)
"""What pandas, by which the Toolbox reads, takes for nothing."""
SHARE = 0.001
"""Confidences have three decimals."""
FULL_ALPHA = 255
GREY = (128, 128, 128)
OWN = uuid.UUID("5a1a4f3e-8a3c-5a57-9c5e-2f4f3f9d7c11")
"""Labels get IDs from their codes in this space: the same each time."""


def read(path: str | Path) -> Read:
    """Read annotations. Of rectangles and polygons the centre is read; problems tell how many.

    Returns:
        Points with `patch_size`, `type` and `path` where the file has them; labels from `Long Label`.

    Raises:
        BadInput: unreadable, a column missing, or no point that can be used.
    """
    records, problems = read_records(path), Problems()
    table = table_of(records, NAMES, problems)
    wanted = {"name": "Name", "row": "Row", "column": "Column", "label": "Label"}
    require(table, wanted, path, "annotation file of CoralNet-Toolbox")
    rows, good = placed(table)
    if rows.empty:
        refuse_empty(path, problems.told())
    text = {name: interned(t for t, kept in zip(values, good, strict=True) if kept)
            for name, values in table.known.items()}  # fmt: skip
    rows["label"] = text["label"].where(text["label"] != REVIEW, "")
    if "verified" in text:
        rows["state"] = np.where(text["verified"].str.lower().isin(["true", "1"]), CONFIRMED, MACHINE)
    for name in ("patch_size", "type"):
        if name in text:
            rows[name] = text[name]
    areas = np.flatnonzero(~rows["type"].isin([PATCH, ""])) if "type" in rows else np.empty(0, np.int64)
    if len(areas):
        problems.add(int(table.lines[good][areas[0]]), f"{len(areas)} annotations are areas ({rows['type'][areas[0]]} "
                     "here), not points; their centres are read.")  # fmt: skip
    for name, values in suggested(table, good, percent=False, comma=records.separator == ";").items():
        rows[name] = values
    photos, points = photo_facts(rows["name"], {**_path(table.known), **table.further}, good)
    rows = pd.concat([rows, points], axis=1)
    labels = _labels(text["label"], text["long_label"]) if "long_label" in text else label_table([])
    return Read(rows, photos_of(rows["name"], photos), labels, problems.told())


def _path(known: dict[str, list[str]]) -> dict[str, list[str]]:
    return {"path": known["path"]} if "path" in known else {}


def _labels(codes: "pd.Series[str]", names: "pd.Series[str]") -> pd.DataFrame:
    """The label set that annotations tell: the first long label of each code."""
    first: dict[str, Label] = {}
    for code, name in pd.DataFrame({"code": codes, "name": names}).drop_duplicates().itertuples(index=False):
        if code and code != REVIEW:
            first.setdefault(code.lower(), Label(code, "" if name == code else name))
    return label_table(first.values())


def write(
    path: str | Path, rows: pd.DataFrame, photos: pd.DataFrame | None = None, labels: pd.DataFrame | None = None, *,
    patch_size_px: int = PATCH_PX, line_end: str = "\n",
) -> list[str]:  # fmt: skip
    """Write annotations as the Toolbox exports them.

    Args:
        path: of the file.
        rows: as `Read.rows`; `state`, suggestions, `patch_size`, `type` where they are there. Further columns of
            `photos` follow at the end.
        photos: `name`, and `path` of the file; without it the name stands there.
        labels: for long names.
        patch_size_px: where `rows` have none.
        line_end: of the computer that the Toolbox would run on.

    Returns:
        What the Toolbox does otherwise, in sentences.

    Raises:
        Unwritable: the file cannot be written.
    """
    names = dict(zip(labels["code"].str.lower(), labels["name"], strict=True)) if labels is not None else {}
    codes = [code or REVIEW for code in rows["label"]]
    told = pd.DataFrame({"name": rows["name"]})
    if photos is not None:
        told = photos.drop_duplicates("name").set_index("name").reindex(rows["name"]).fillna("").reset_index()
    paths = told["path"].tolist() if "path" in told else told["name"].tolist()
    columns: dict[str, Sequence[object]] = {
        "Name": [PureWindowsPath(name).name for name in rows["name"]], "Path": paths, "Row": rows["row"].tolist(),
        "Column": rows["column"].tolist(),
        "Patch Size": list(rows["patch_size"]) if "patch_size" in rows else [patch_size_px] * len(rows),
        "Annotation Type": list(rows["type"]) if "type" in rows else [PATCH] * len(rows),
        "Label": codes, "Long Label": [names.get(code.lower()) or code for code in codes],
        "Verified": _verified(rows),
    }  # fmt: skip
    suggestions, left_out = _suggested(rows, set(codes))
    columns.update(suggestions)
    columns.update({str(name): list(told[name]) for name in told if name not in ("name", "path")})
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=line_end)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return _told(rows, codes, left_out)


def _verified(rows: pd.DataFrame) -> list[bool]:
    """Whether a person stands for it; of points without a label the Toolbox says no as soon as a machine spoke."""
    by_machine = rows["state"] == MACHINE if "state" in rows else pd.Series(False, index=rows.index)
    if "suggestion_1" in rows:
        by_machine = by_machine | ((rows["label"] == "") & (rows["suggestion_1"] != ""))
    return [not one for one in by_machine.tolist()]


def _suggested(rows: pd.DataFrame, codes: set[str]) -> tuple[dict[str, Sequence[object]], set[str]]:
    """Columns of confidences and suggestions, and the codes that had to be left out.

    The Toolbox stops reading at a suggestion whose code is no label in the file, and takes the confidences of a row for
    percents when their sum is above 1, which may come of rounding.
    """
    size = len(rows)
    names, shares, left_out = np.full((size, RANKS), "", object), np.full((size, RANKS), np.nan), set[str]()
    for rank in range(1, RANKS + 1):
        if f"suggestion_{rank}" in rows:
            told = rows[f"suggestion_{rank}"].to_numpy(object)
            known = np.isin(told.astype(str), list(codes))
            left_out |= {str(code) for code in np.unique(told[~known].astype(str)) if code}
            confidence = rows[f"confidence_{rank}"].to_numpy(np.float64, na_value=np.nan).round(3)
            names[:, rank - 1] = np.where(known, told, "")
            shares[:, rank - 1] = np.where(known, confidence, np.nan)
    sums = np.nansum(shares, axis=1)
    for at in np.flatnonzero((sums > 1 - SHARE) & (sums < 1 + RANKS * SHARE)):
        while sum(value for value in shares[at] if value == value) > 1:
            shares[at, np.nanargmax(shares[at])] -= SHARE
            shares[at] = shares[at].round(3)
    columns: dict[str, Sequence[object]] = {}
    for rank in range(1, RANKS + 1):
        values = shares[:, rank - 1].tolist()
        columns[f"Machine confidence {rank}"] = ["" if value != value else f"{value:.3f}" for value in values]
        columns[f"Machine suggestion {rank}"] = names[:, rank - 1].tolist()
    return columns, left_out


def _told(rows: pd.DataFrame, codes: Sequence[str], left_out: set[str]) -> list[str]:
    """The Toolbox knows photos by their names without folders, and reads tables by pandas."""
    told = []
    different = rows["name"].unique()
    if len({PureWindowsPath(name).name for name in different}) < len(different):
        told.append("Photos of one name in several folders become one in CoralNet-Toolbox. Write a file for each "
                    "folder.")  # fmt: skip
    used = set(codes)
    whole = sum(rows[f"confidence_{rank}"].fillna(0) for rank in range(1, RANKS + 1) if f"confidence_{rank}" in rows)
    if np.any(np.asarray(whole) > 1 + RANKS * SHARE):
        told.append("Confidences of some points add up to more than 1, which CoralNet-Toolbox takes for percents.")
    lost = sorted(code for code in used if code.lower() in MISSING)
    if lost:
        told.append(f"CoralNet-Toolbox takes the code '{lost[0]}' for no label, and leaves its points out. Rename it.")
    if all(code.isdecimal() for code in used - {REVIEW}) and used - {REVIEW}:
        told.append("All codes are numbers, which CoralNet-Toolbox does not take for codes. Add the label set.")
    if left_out:
        told.append(f"Suggestions of labels that no point of the file has are left out, since CoralNet-Toolbox would "
                    f"read nothing at all: {', '.join(sorted(left_out)[:5])}"
                    f"{f' and {len(left_out) - 5} more' if len(left_out) > 5 else ''}.")  # fmt: skip
    return told


def read_labels(path: str | Path) -> Read:
    """Read labels of the Toolbox. Lines of problems are places in the list, counted from 1.

    Raises:
        BadInput: not such a file; tells the record.
    """
    facts: list[Fact] = []
    for number, record in enumerate(load_list(path, "label file of CoralNet-Toolbox"), 1):
        code = record.get("short_label_code") if isinstance(record, dict) else None
        if not isinstance(code, str) or not code.strip():
            raise BadInput(f"{path} is no label file of CoralNet-Toolbox: record {number} has no `short_label_code`.")
        if code == REVIEW and str(record.get("id")) == "-1":
            continue
        name = str(record.get("long_label_code") or "")
        facts.append((number, code, "" if name == code else name, "", _hex(record.get("color"), number, path),
                      str(record.get("id") or "")))  # fmt: skip
    return finished(facts, path, Problems())


def _hex(colour: object, number: int, path: object) -> str:
    """#rrggbb of [red, green, blue, alpha]."""
    if colour is None:
        return ""
    whole = (
        isinstance(colour, list) and len(colour) in (3, 4) and all(isinstance(c, int) and 0 <= c < 256 for c in colour)
    )
    if not whole:
        raise BadInput(f"Record {number} of {path} has the colour {colour!r}; it should be four numbers from 0 to 255.")
    return "#" + "".join(f"{part:02x}" for part in colour[:3])  # type: ignore[index]


def write_labels(path: str | Path, labels: pd.DataFrame) -> list[str]:
    """Write labels for the Toolbox. Labels without its IDs get some made from their codes, the same each time.

    Args:
        path: of the file.
        labels: as `Read.labels`. The Toolbox knows no parents.

    Raises:
        Unwritable: the file cannot be written.
    """
    records = []
    for code, name, colour, own in labels[["code", "name", "colour", "label_id"]].itertuples(index=False):
        found = re.match(r"#([0-9a-fA-F]{6})$", colour)
        parts = tuple(bytes.fromhex(found[1])) if found else GREY
        records.append({"id": own if _is_uuid(own) else str(uuid.uuid5(OWN, code.lower())), "short_label_code": code,
                        "long_label_code": name or code, "color": [*parts, FULL_ALPHA]})  # fmt: skip
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(records, indent=4), encoding="utf-8")
    return ["CoralNet-Toolbox knows no label tree; parents are left out."] if (labels["parent"] != "").any() else []


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
