"""Annotations as CoralNet takes and gives them: CSV, a row a point.

Upload: `Name`, `Row`, `Column`, and `Label code` or `Label ID` (older files: `Label`, a code); a label may be missing
at points nobody annotated; further columns are ignored there and kept here. Export: after `Name` the date, the five
auxiliary fields under the names that a source gives them, and other facts of photos; after `Column` the label, then on
request `Annotator`, `Date annotated`, `Machine suggestion 1`, `Machine confidence 1` to 5 (whole percents).
Rows count pixels from the top of the stored image, from 0; columns from the left.

Source: CoralNet 1.31 (github coralnet/coralnet ced146e), project/annotations and its help pages.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ...atomic import replacing
from ...errors import BadInput
from .columns import PLACE, SUGGESTIONS, photo_facts, placed, require, suggested, table_of
from .shape import CONFIRMED, IMPORTED, MACHINE, RANKS, Problems, Read, interned, photos_of, plain_id, refuse_empty
from .text import read_records

NAMES = {
    **PLACE, **SUGGESTIONS, "label": ("label code", "label"), "label_id": ("label id",), "annotator": ("annotator",),
    "date": ("date annotated",),
}  # fmt: skip
HEADINGS = {"code": ("Label code",), "id": ("Label ID",), "both": ("Label code", "Label ID"), "legacy": ("Label",)}
"""What stands at the top of the label's columns, by what is asked for."""
ROBOTS, NOBODY = ("robot", "alleviate"), ("imported", "")
"""Annotators that are no people: machines, and files."""
OUR_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z$")
CODE_CHARACTERS, PHOTO_POINTS = 10, 1000
"""CoralNet's limits."""
LINE_END = "\r\n"


def read(path: str | Path) -> Read:
    """Read annotations, upload or export kind.

    Where a file has label IDs and no codes, the ID stands as code until a label set tells it (`shape.coded_by_id`).

    Raises:
        BadInput: unreadable, a column missing, or no point that can be used.
    """
    records, problems = read_records(path), Problems()
    table = table_of(records, NAMES, problems)
    require(table, {"name": "Name", "row": "Row", "column": "Column"}, path, "CoralNet annotation file")
    rows, good = placed(table)
    if rows.empty:
        refuse_empty(path, problems.told())
    for name in ("label", "label_id", "annotator", "date"):
        if name in table.known:
            rows[name] = interned(text for text, kept in zip(table.known[name], good, strict=True) if kept)
    if "label_id" in rows:
        rows["label_id"] = rows["label_id"].map(plain_id)
    if "label" not in rows:
        rows["label"] = rows.get("label_id", "")
    elif "label_id" in rows:
        rows["label"] = rows["label"].where(rows["label"] != "", rows["label_id"])
    if "annotator" in rows:
        rows["state"] = rows["annotator"].map({name: state_of(name) for name in rows["annotator"].unique()})
    for name, values in suggested(table, good, percent=True, comma=records.separator == ";").items():
        rows[name] = values
    photos, points = photo_facts(rows["name"], table.further, good)
    rows = pd.concat([rows, points], axis=1)
    return Read(rows, photos_of(rows["name"], photos), problems=problems.told())


def state_of(annotator: str) -> str:
    """Who stands for labels of this annotator."""
    if annotator.lower() in ROBOTS:
        return MACHINE
    return IMPORTED if annotator.lower() in NOBODY else CONFIRMED


def write(
    path: str | Path, rows: pd.DataFrame, photos: pd.DataFrame | None = None, *, label: str = "code",
    unlabelled: bool = False, line_end: str = LINE_END,
) -> list[str]:  # fmt: skip
    """Write annotations as CoralNet exports them, so that it takes them back.

    Args:
        path: of the file.
        rows: as `Read.rows`, in the order of writing. `annotator` with `date`, and suggestions, where they are there.
        photos: `name` and further columns, which stand between `Name` and `Row`.
        label: `code`, `id`, `both`, or `legacy` for the old heading `Label`.
        unlabelled: whether to write points without a label; CoralNet takes them and does not export them.
        line_end: CoralNet's, or another.

    Returns:
        What CoralNet would refuse, in sentences; empty when nothing.

    Raises:
        BadInput: an unknown `label`, or one that `rows` has not.
        Unwritable: the file cannot be written.
    """
    if label not in HEADINGS:
        raise BadInput(f"The label can be written as {', '.join(HEADINGS)}, not as '{label}'.")
    if label in ("id", "both") and "label_id" not in rows:
        raise BadInput("CoralNet's label IDs are asked for, and the points have none. Add a label set with IDs.")
    rows = rows if unlabelled else rows[rows["label"] != ""]
    columns: dict[str, Sequence[object]] = {"Name": list(rows["name"])}
    if photos is not None:
        told = photos.drop_duplicates("name").set_index("name").reindex(rows["name"]).fillna("")
        columns.update({str(name): list(told[name]) for name in told})
    columns.update({"Row": rows["row"].tolist(), "Column": rows["column"].tolist()})
    for heading in HEADINGS[label]:
        columns[heading] = list(rows["label_id" if heading == "Label ID" else "label"])
    if "annotator" in rows:
        columns["Annotator"] = list(rows["annotator"])
        columns["Date annotated"] = list(rows["date"]) if "date" in rows else [""] * len(rows)
    for rank in range(1, RANKS + 1):
        if f"suggestion_{rank}" in rows:
            columns[f"Machine suggestion {rank}"] = list(rows[f"suggestion_{rank}"])
            columns[f"Machine confidence {rank}"] = percents(rows[f"confidence_{rank}"])
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=line_end)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return refused(rows)


def times(dates: "pd.Series[str]") -> list[str]:
    """ISO times of UTC as CoralNet writes them, `2020-05-01 07:30:00+00:00`; others as they stand."""
    return [OUR_TIME.sub(r"\1 \2+00:00", date) for date in dates]


def percents(confidences: "pd.Series[float]") -> list[object]:
    """Whole percents; empty where there is no confidence."""
    whole = np.floor(confidences.to_numpy(np.float64, na_value=np.nan) * 100 + 0.5)
    return ["" if np.isnan(value) else int(value) for value in whole]


def refused(rows: pd.DataFrame) -> list[str]:
    """Why CoralNet would not take these points, in sentences. What its source holds is not known here."""
    sentences = []
    long = [code for code in rows["label"].unique() if len(code) > CODE_CHARACTERS]
    if long:
        sentences.append(f"CoralNet's codes have at most {CODE_CHARACTERS} characters; {len(long)} are longer, "
                         f"'{long[0]}' for one. Give them shorter codes.")  # fmt: skip
    counts = rows["name"].value_counts()
    many = counts[counts > PHOTO_POINTS]
    if len(many):
        sentences.append(f"CoralNet takes at most {PHOTO_POINTS:,} points a photo; {len(many)} have more, "
                         f"'{many.index[0]}' for one ({many.iloc[0]:,}).")  # fmt: skip
    return sentences
