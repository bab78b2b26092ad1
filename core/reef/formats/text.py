"""Text files of other programs: which letters they hold, and records with the line where each one begins.

Programs of reef surveys run on Windows of many countries, and spreadsheets save again what they wrote. So: UTF-8 with
or without mark, UTF-16 with mark, else the Western code page; comma, semicolon or tab, whichever the heading has most.
"""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

from ...errors import BadInput

MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
GZIP, ZIP, OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
FIELD_CHARACTERS = 1_000_000
"""A longer field is a quotation mark that nobody closed."""
LARGEST_BYTES = 2 * 2**30
MOST_COLUMNS = 4000


@dataclass(frozen=True)
class Text:
    """A text file."""

    text: str
    encoding: str


@dataclass
class Records:
    """A table of text."""

    heading: list[str]
    """Stripped; line 1."""
    rows: list[list[str]]
    """As they stand, without empty lines; may be shorter or longer than the heading."""
    lines: list[int]
    """Where each row begins, counted from 1."""
    separator: str = ","


def read_text(path: str | Path) -> Text:
    """The text of a file, also of a gzipped one.

    Raises:
        BadInput: missing, unreadable, empty, or no text.
    """
    try:
        data = _bytes(Path(path))
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read: {reason}.") from error
    return decode(data, path)


def _bytes(path: Path) -> bytes:
    if not path.exists():
        raise BadInput(f"There is no file {path}.")
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
    with gzip.open(path) if packed else open(path, "rb") as file:
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise BadInput(f"{path} holds more than 2 GB of text. Split it.")
    return data


def decode(data: bytes, path: object) -> Text:
    """The text of these bytes; `path` names them in errors.

    Raises:
        BadInput: empty, or no text.
    """
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "")
    if not encoding and data.startswith((ZIP, OLE)):
        raise BadInput(f"{path} is a workbook or an archive, not text. Save the sheet as CSV, or unpack it.")
    if not encoding and b"\0" in data:
        raise BadInput(f"{path} is not text. Save it as CSV with UTF-8 letters.")
    for name in [encoding] if encoding else ["utf-8", "cp1252", "latin-1"]:
        try:
            text = data.decode(name)
        except UnicodeDecodeError as error:
            if encoding:
                raise BadInput(f"{path} is damaged: its letters are not {encoding.upper()} from byte {error.start} on. "
                               "Save it again.") from error  # fmt: skip
            continue
        break
    if not text.strip():
        raise BadInput(f"{path} is empty.")
    return Text(text, name)


def read_records(path: str | Path) -> Records:
    """A table with a heading.

    Raises:
        BadInput: as `read_text`; and a quotation mark that is not closed.
    """
    return records(read_text(path).text, path)


def records(text: str, path: object) -> Records:
    """The table in this text; `path` names it in errors.

    Raises:
        BadInput: no heading, or a quotation mark that is not closed.
    """
    separator = separator_of(heading_of(text))
    csv.field_size_limit(FIELD_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows, lines, begin = [], [], 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"Line {begin} of {path} cannot be read as a row of a table: {error}. Look for a quotation mark "
                       "that is not closed.") from error  # fmt: skip
    if not rows:
        raise BadInput(f"{path} holds no table: it has no heading.")
    if len(rows[0]) > MOST_COLUMNS:
        raise BadInput(f"{path} has {len(rows[0]):,} columns; no table of points or labels has more than "
                       f"{MOST_COLUMNS:,}. Is its separator another?")  # fmt: skip
    if reader.line_num > lines[-1] and _open_quote(text, lines[-1]):
        raise BadInput(f"The quotation mark opened in line {lines[-1]} of {path} is never closed. Close or remove it.")
    return Records([name.strip() for name in rows[0]], rows[1:], lines[1:], separator)


def heading_of(text: str) -> str:
    """The first line that is not blank."""
    return next((line for line in io.StringIO(text, newline=None) if line.strip()), "")


def _open_quote(text: str, line: int) -> bool:
    """Whether a last record that spans several lines ends inside a quotation."""
    last = "".join(list(io.StringIO(text, newline=""))[line - 1 :])
    return last.count('"') % 2 == 1


def separator_of(heading: str) -> str:
    """The separator that occurs most in the heading; comma if none does."""
    counts = {mark: heading.count(mark) for mark in ",;\t"}
    return max(counts, key=lambda mark: (counts[mark], mark == ","))
