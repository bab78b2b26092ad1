"""The code file of CPCe: major categories, codes within them, notes. A tree of two levels.

Up to two lines with colours of the screen (newer versions), a line with the number of categories, a line a category
(code, name, in newer versions its colour as rrggbb), a line a code (code, name, category), a line `NOTES,NOTES,NOTES`,
a line a note. Letters are those of Windows.

After such files and what converters write for CPCe 4.1; blanks behind commas and a line `Blank` occur.
"""

import csv
import io
import re
from pathlib import Path

from ...atomic import replacing
from ...errors import BadInput
from ..tree import LabelTree
from .cpcfile import LINE_END, quoted
from .labelsets import finished
from .shape import Problems, Read
from .text import read_text

COLOUR = re.compile(r"[0-9A-Fa-f]{6}$")
SPACERS = ("blank",)
"""A line `Blank` stands before the notes in some files, and is no code."""


def read(path: str | Path) -> Read:
    """Read a code file: categories are roots, codes lie below. Notes are no labels; see `notes`.

    Raises:
        BadInput: not such a file, or no tree; tells the line.
    """
    problems = Problems()
    categories, codes, _ = _sections(path, problems)
    facts = [(line, _colour(row), [row[0], row[1], ""]) for line, row in categories]
    own = {row[0].lower() for _, row in categories}
    for line, row in codes:
        if row[0].lower() == row[2].lower() and row[0].lower() in own:
            continue  # the category itself, listed so that points can bear it
        facts.append((line, "", row[:3]))
    return finished(
        [(line, code, name, parent, colour, "") for line, colour, (code, name, parent) in facts], path, problems
    )


def notes(path: str | Path) -> dict[str, str]:
    """Names of the notes by their codes. Raises as `read`."""
    return {row[0]: row[1] for _, row in _sections(path, Problems())[2]}


Row = tuple[int, list[str]]


def _sections(path: str | Path, problems: Problems) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of categories, codes and notes with their lines."""
    reader = csv.reader(io.StringIO(read_text(path).text, newline=""), skipinitialspace=True)
    try:
        rows = [(reader.line_num, [part.strip() for part in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise BadInput(f"Line {reader.line_num} of {path} cannot be read: {error}.") from error
    while rows and len(rows[0][1]) == 1 and COLOUR.match(rows[0][1][0]) and len(rows) > 1 and len(rows[1][1]) == 1:
        rows.pop(0)
    count = rows[0][1][0] if rows and len(rows[0][1]) == 1 else ""
    if not count.isdecimal() or len(count) > 4 or int(count) >= len(rows):
        line = rows[0][0] if rows else 1
        raise BadInput(f"{path} is no code file of CPCe: line {line} should hold the number of major categories.")
    categories, rest = rows[1 : 1 + int(count)], rows[1 + int(count) :]
    for line, row in categories:
        if len(row) not in (2, 3) or (len(row) == 3 and not COLOUR.match(row[2])):
            raise BadInput(f"Line {line} of {path} should hold one of {count} major categories, a code and a name (and "
                           "a colour as rrggbb). Is their number right?")  # fmt: skip
    start = next((i for i, (_, row) in enumerate(rest) if row[0].upper() == "NOTES"), len(rest))
    codes = []
    for line, row in rest[:start]:
        if len(row) != 3:
            problems.add(line, f"The line has {len(row)} values where code, name and category should be; left out.")
        elif row[0].lower() not in SPACERS:
            codes.append((line, row))
    return categories, codes, [(line, row) for line, row in rest[start + 1 :] if len(row) >= 2]


def _colour(row: list[str]) -> str:
    return f"#{row[2].lower()}" if len(row) == 3 else ""


def write(path: str | Path, tree: LabelTree) -> list[str]:
    """Write a code file. CPCe knows two levels: roots become categories, all below them codes.

    Args:
        path: of the file.
        tree: of labels.

    Returns:
        What got lost, in sentences.

    Raises:
        BadInput: no labels.
        Unwritable: the file cannot be written.
    """
    if not len(tree):
        raise BadInput("There are no labels to write.")
    lines = [str(len(tree.roots))]
    lines += [",".join(map(quoted, (code, tree.label(code).name or code))) for code in tree.roots]
    for root in tree.roots:
        for code in (root, *tree.descendants(root)):
            lines.append(",".join(map(quoted, (code, tree.label(code).name or code, root))))
    lines.append("NOTES,NOTES,NOTES")
    text = LINE_END.join(lines) + LINE_END
    encoding, told = "cp1252", []
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        encoding = "utf-8"
        told.append("Some names hold letters that CPCe may not show; the code file is written as UTF-8.")
    if tree.depth > 2:
        told.append(f"The label tree has {tree.depth} levels and CPCe two: labels stand right below their root there.")
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode(encoding))
    return told
