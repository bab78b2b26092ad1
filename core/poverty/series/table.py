"""The table that says of which date each file is: a text file with the columns file and date."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ...errors import BadInput
from .dates import Day, parse

NAMES = {
    "file": ("file", "path", "filename", "file_name", "raster", "name_of_file"),
    "date": ("date", "time", "year"),
    "band": ("band", "number"),
    "name": ("name", "band_name"),
    "sensor": ("sensor", "satellite"),
}
"""Columns and the words by which they are found; of several the first counts."""


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    file: str
    """As written."""
    date: Day
    band: int = 0
    """0: all bands of the file."""
    name: str = ""
    sensor: str = ""


def read_table(path: str) -> list[Row]:
    """Rows of the table.

    Args:
        path: of a text file with commas, semicolons or tabulators between columns, UTF-8; the date in one column, or
            in two called year and month.

    Raises:
        BadInput: it cannot be read, lacks a column, or a date is none.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The table of dates {path} cannot be read: {error}. Save it as a text file in UTF-8."
        ) from error
    lines = text.splitlines()
    head = lines[0] if lines else ""
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(lines, delimiter=delimiter)
    columns = {name.strip().lower(): name for name in reader.fieldnames or [] if name}
    known = {key: next((columns[word] for word in words if word in columns), "") for key, words in NAMES.items()}
    months = columns.get("month", "") if known["date"] == columns.get("year", "") else ""
    if not known["file"] or not known["date"]:
        raise BadInput(
            f"The table of dates {path} needs the columns file and date; it has: {', '.join(columns) or '-'}."
        )
    rows = [(number, row) for number, row in enumerate(reader, 2) if (row[known["file"]] or "").strip()]
    if months:
        for _, row in rows:
            row[known["date"]] = "-".join(filter(None, ((row[name] or "").strip() for name in (known["date"], months))))
    return [_row(path, number, row, known) for number, row in rows]


def _row(path: str, number: int, row: dict[str, str], known: dict[str, str]) -> Row:
    told = {key: (row.get(name) or "").strip() if name else "" for key, name in known.items()}
    date = parse(told["date"])
    if not date:
        raise BadInput(
            f"Row {number} of the table of dates {path}: '{told['date']}' is no date. Write it as in 2019, "
            "2019-07 or 2019-07-14."
        )
    if told["band"] and not re.fullmatch("[0-9]{0,8}[1-9][0-9]{0,8}", told["band"]):
        raise BadInput(f"Row {number} of the table of dates {path}: '{told['band']}' is no band number from 1.")
    return Row(told["file"], date, int(told["band"] or 0), told["name"], told["sensor"])


def rows_of(rows: Sequence[Row], paths: Sequence[str], table: str) -> dict[str, list[Row]]:
    """Rows of each file; files without rows are absent.

    Args:
        rows: of the table.
        paths: of the files there are; none means those that the table names.
        table: its path: files are looked for beside it.

    Raises:
        BadInput: a row names no file, or two.
    """
    if not paths:
        return _named(rows, table)
    found: dict[str, list[Row]] = {}
    for row in rows:
        wanted = PurePath(row.file.replace("\\", "/"))
        fitting = [path for path in paths if _same(PurePath(path.replace("\\", "/")), wanted)]
        if len(fitting) != 1:
            what = "no raster that was given" if not fitting else f"both {fitting[0]} and {fitting[1]}"
            raise BadInput(f"'{row.file}' in the table of dates {table} is {what}. Correct the name in the table.")
        found.setdefault(fitting[0], []).append(row)
    return found


def _named(rows: Sequence[Row], table: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        path = Path(table).parent / row.file
        if not path.exists():
            raise BadInput(f"The table of dates {table} names {row.file}, but there is no file {path}.")
        found.setdefault(str(path), []).append(row)
    return found


def _same(path: PurePath, wanted: PurePath) -> bool:
    """Whether a path ends with what is written, with or without the ending of the file."""
    many = len(wanted.parts)
    return wanted.parts in (path.parts[-many:], path.with_suffix("").parts[-many:])
