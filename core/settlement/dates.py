"""Names of dates: as the user wrote them, or as files are called."""

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadJob
from ..layersource import parse_source
from ..sidecar import read_sidecar

DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:([-_.]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01]))?)?(?!\d)")
"""A year from 1900 to 2099, with or without a month and a day, with one kind of mark or none between them."""


def dates_of(text: str, sources: Sequence[str]) -> tuple[list[str], str]:
    """A name for each layer, and in words where they came from.

    Args:
        text: as in `2016, 2020`; empty looks into the names of the files and of what they were made from.
        sources: of the layers, in order.

    Raises:
        BadJob: not as many as layers, or one is given twice.
    """
    if text.strip():
        given = [part.strip() for part in re.split("[,;]", text) if part.strip()]
        if len(given) != len(sources):
            raise BadJob(f"Dates: {len(given)} are given for {len(sources)} layers. Give one for each, in their order.")
        twice = [date for date in given if given.count(date) > 1 or not re.search(r"\w", date)]
        if twice:
            raise BadJob(f"Dates: '{twice[0]}' is given twice or is no name. Each layer needs one of its own.")
        return given, "as given"
    for found, words in (
        ([_in_name(source) for source in sources], "from the names of the layers"),
        ([_in_inputs(source) for source in sources], "from the names of what the layers were made from"),
    ):
        if all(found) and len(set(found)) == len(found):
            return found, words
    return [str(number + 1) for number in range(len(sources))], "numbered: no name of a file tells its date"


def misnamed(dates: Sequence[str], sources: Sequence[str]) -> list[str]:
    """A sentence for each layer that is given as one of the dates, but is named by another of them."""
    named = [_in_name(source) for source in sources]
    return [
        f"{source} is given as {date}, although its name says {name}. Are the dates in the order of the layers?"
        for date, name, source in zip(dates, named, sources, strict=True)
        if name != date and name in dates
    ]


def in_time(dates: Sequence[str]) -> list[int]:
    """The order of the dates in time; as they are where one of them is no date."""
    whole = [DATE.fullmatch(date) for date in dates]
    if not all(whole):
        return list(range(len(dates)))
    return sorted(range(len(dates)), key=lambda i: [int(part or 0) for part in whole[i].group(1, 3, 4)])  # type: ignore[union-attr]


def column(date: str) -> str:
    """A date as part of the name of a column: letters, digits and underscores."""
    return re.sub(r"\W+", "_", date).strip("_")


def _in_name(source: str) -> str:
    parsed = parse_source(source)
    layer = parsed.layer if isinstance(parsed.layer, str) else ""
    return _in_text(layer) or _in_text(Path(parsed.path).name)


def _in_inputs(source: str) -> str:
    sidecar = read_sidecar(parse_source(source).path)
    inputs = sidecar.get("inputs") if sidecar else None
    named = [Path(str(one.get("path"))).name for one in inputs.values()] if isinstance(inputs, dict) else []
    return next((date for date in map(_in_text, named) if date), "")


def _in_text(text: str) -> str:
    """The only date in a text; empty where there is none, or several that differ."""
    found = {"-".join(part for part in match.group(1, 3, 4) if part) for match in DATE.finditer(text)}
    return found.pop() if len(found) == 1 else ""
