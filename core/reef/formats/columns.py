"""Tables of points: which column is what, and text to pixels and confidences. Shared by all formats that are CSV."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from .shape import RANKS, Problems, columns_of, interned
from .text import Records

PLACE = {"name": ("name", "image name"), "row": ("row",), "column": ("column",)}
SUGGESTIONS = {
    **{f"suggestion_{rank}": (f"machine suggestion {rank}",) for rank in range(1, RANKS + 1)},
    **{f"confidence_{rank}": (f"machine confidence {rank}",) for rank in range(1, RANKS + 1)},
}
LARGEST_PX = 10**8
"""No photo is as long."""
WHOLE = re.compile(r"\d+(\.0*)?([eE]\+?\d{1,2})?$")


def plain(heading: str) -> str:
    """A column's name as it is compared: small letters, single blanks; R writes dots and others underscores."""
    return " ".join(re.split(r"[\s._]+", heading.strip().lower())).strip()


@dataclass
class Table:
    """Points as text, a column each, rows that do not fit the heading left out."""

    known: dict[str, list[str]]
    """By our names, stripped."""
    further: dict[str, list[str]]
    """By the file's names, made different where two columns share one."""
    lines: NDArray[np.int64]
    problems: Problems


def table_of(records: Records, names: Mapping[str, Sequence[str]], problems: Problems) -> Table:
    """Columns sorted into known ones (`names`: our name to their names as `plain` gives them) and further ones."""
    heading = records.heading
    whole = [_fits(row, len(heading), line, problems) for row, line in zip(records.rows, records.lines, strict=True)]
    rows = [row for row, fits in zip(records.rows, whole, strict=True) if fits]
    columns = columns_of(rows, len(heading))
    places = {name: place for name, theirs in names.items() if (place := _place(heading, theirs)) is not None}
    further: dict[str, list[str]] = {}
    called: dict[str, int] = {}
    for place, title in enumerate(heading):
        if place in places.values() or (not title and not any(columns[place])):
            continue
        name, number = title or f"column {place + 1}", called.get(title, 2)
        while name in further:
            name, number = f"{title or 'column'} {number}", number + 1
        called[title] = number
        further[name] = columns[place]
    lines = np.asarray(records.lines, np.int64)[np.asarray(whole, bool)] if whole else np.empty(0, np.int64)
    return Table({name: columns[place] for name, place in places.items()}, further, lines, problems)


def _fits(row: Sequence[str], width: int, line: int, problems: Problems) -> bool:
    if len(row) <= width or not any(map(str.strip, row[width:])):
        return True
    problems.add(line, f"The row has {len(row)} values, the heading {width}; left out. Put values with separators in "
                       "quotation marks.")  # fmt: skip
    return False


def _place(heading: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the first of these names stands; those that come first in `names` go before."""
    titles = [plain(title) for title in heading]
    return next((titles.index(name) for name in names if name in titles), None)


def require(table: Table, names: Mapping[str, str], path: object, kind: str) -> None:
    """Raise when a column is missing that a file of this kind must have (our name to theirs)."""
    missing = [theirs for ours, theirs in names.items() if ours not in table.known]
    if missing:
        has = ", ".join([*table.known, *table.further]) or "none"
        raise BadInput(f"{path} is no {kind}: it has no column {', '.join(missing)}. Its columns: {has}.")


def placed(table: Table) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Names, rows and columns of all points, and which of them are whole; problems tell of the others.

    Returns:
        `name`, `row`, `column` (int64) of the whole ones, and (N,) bool over all of the table.
    """
    problems, lines = table.problems, table.lines
    names = table.known["name"]
    good = np.array([bool(name) for name in names], bool)
    for place in np.flatnonzero(~good):
        problems.add(int(lines[place]), "The row names no photo; left out.")
    pixels = {}
    for axis in ("row", "column"):
        pixels[axis], whole = whole_numbers(table.known[axis])
        for place in np.flatnonzero(good & ~whole):
            shown = table.known[axis][place][:40]
            sentence = f"The {axis} '{shown}' is no whole number of pixels from 0 on; the point is left out."
            problems.add(int(lines[place]), sentence)
        good &= whole
    frame = pd.DataFrame({"name": interned(names), **pixels})
    return frame[good].reset_index(drop=True), good


def whole_numbers(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole numbers from 0 on, 0 where there is none, and where there are some: both (N,)."""
    if all(text.isdecimal() and len(text) < 9 for text in texts):
        return np.fromiter(map(int, texts), np.int64, len(texts)), np.ones(len(texts), bool)
    values, good = np.zeros(len(texts), np.int64), np.zeros(len(texts), bool)
    for place, text in enumerate(texts):
        if WHOLE.match(text) and len(text) < 40 and float(text) < LARGEST_PX and float(text).is_integer():
            values[place], good[place] = int(float(text)), True
    return values, good


def suggested(table: Table, good: NDArray[np.bool_], percent: bool, comma: bool) -> dict[str, pd.Series]:
    """Suggestions and confidences of whole points, as columns of `Read.rows`.

    Args:
        table: of the file.
        good: (N,) which points are whole.
        percent: whether such files hold confidences of 0 to 100; the file may show that it does not.
        comma: whether decimals are written with a comma.
    """
    columns: dict[str, pd.Series] = {}
    confidences: dict[str, NDArray[np.float64]] = {}
    told = [rank for rank in range(1, RANKS + 1) if f"suggestion_{rank}" in table.known]
    bare = [rank for rank in range(1, RANKS + 1) if f"confidence_{rank}" in table.known and rank not in told]
    if bare:
        table.problems.add(0, f"Machine confidence {bare[0]} has no machine suggestion {bare[0]} beside it; not read.")
    for rank in range(1, max(told, default=0) + 1):
        codes = table.known.get(f"suggestion_{rank}", [""] * len(good))
        columns[f"suggestion_{rank}"] = interned(code for code, kept in zip(codes, good, strict=True) if kept)
        name = f"confidence_{rank}"
        confidences[name] = _numbers(table, name, good, comma)
        columns[name] = pd.Series(dtype=float)  # keeps its place
    scale = _scale(confidences.values(), percent, table.problems)
    for name, values in confidences.items():
        beyond = np.flatnonzero((values < 0) | (values > scale))
        for place in beyond:
            line = int(table.lines[good][place])
            table.problems.add(
                line, f"The confidence {values[place]:g} does not lie within 0 and {scale:g}; taken as none."
            )
        values[beyond] = np.nan
        columns[name] = pd.Series(values / scale)
    return columns


def _numbers(table: Table, name: str, good: NDArray[np.bool_], comma: bool) -> NDArray[np.float64]:
    """Numbers of a column at whole points, NaN where there is none."""
    texts = table.known.get(name, [""] * len(good))
    values = np.full(int(good.sum()), np.nan)
    for place, source in enumerate(np.flatnonzero(good)):
        text = texts[source].replace(",", ".") if comma else texts[source]
        if text and text.lower() not in ("nan", "na"):
            try:
                values[place] = float(text.rstrip("% "))
            except ValueError:
                table.problems.add(
                    int(table.lines[source]), f"The confidence '{text[:40]}' is no number; taken as none."
                )
    return values


def _scale(columns: Iterable[NDArray[np.float64]], percent: bool, problems: Problems) -> float:
    """100 or 1: what the file shows, and if that is not how such files are, a problem."""
    values = np.concatenate([np.empty(0), *columns])
    values = values[np.isfinite(values)]
    if percent and values.size and values.max() <= 1 and (values % 1).any():
        problems.add(0, "Confidences lie within 0 and 1 here, where such files hold 0 to 100; taken as 0 to 1.")
        return 1.0
    if not percent and values.size and values.max() > 1 and values.max() <= 100:
        problems.add(0, "Confidences go beyond 1 here, where such files hold 0 to 1; taken as 0 to 100.")
        return 100.0
    return 100.0 if percent else 1.0


def photo_facts(names: "pd.Series[str]", further: Mapping[str, Sequence[str]], good: NDArray[np.bool_]) -> tuple[
    pd.DataFrame, pd.DataFrame
]:  # fmt: skip
    """Further columns sorted into what is one and the same for all points of a photo, and what is not.

    Args:
        names: (M,) photos of the whole points.
        further: columns of all points by name.
        good: (N,) which points are whole.

    Returns:
        Columns of photos and columns of points, both (M, ...).
    """
    chosen = np.flatnonzero(good)
    told = {name: interned(values[i] for i in chosen.tolist()) for name, values in further.items()}
    table = pd.DataFrame(told, index=range(len(chosen)))
    codes = pd.factorize(names)[0]
    same = []
    for name in table:
        values = pd.factorize(table[name])[0]
        pairs = len(np.unique(codes.astype(np.int64) * (int(values.max(initial=0)) + 1) + values))
        same.append(pairs == len(np.unique(codes)))
    return table.loc[:, same], table.loc[:, [not s for s in same]]
