"""Dates of files and bands as texts: read from names, brought to one frequency, and what is missing between them."""

import datetime
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from ...bands.series import day_of, taken_on
from ...errors import BadInput
from ...jobs.poverty.series import AUTO, DAILY, MONTHLY, YEARLY

Day = tuple[int, ...]
"""Year; year and month; or year, month and day."""

_YEAR = r"(?:19|20)\d{2}"
_FOUND = re.compile(
    rf"(?<![a-z0-9])f1[0-8](?P<dmsp>{_YEAR})(?!\d)"
    rf"|(?<!\d)(?P<y1>{_YEAR})[-_.]?(?P<m1>0[1-9]|1[0-2])[-_.]?(?P<d1>0[1-9]|[12]\d|3[01])(?:t\d{{6}}|(?!\d))"
    rf"|(?<!\d)(?P<y2>{_YEAR})(?P<doy>00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])(?!\d)"
    rf"|(?<!\d)(?P<y3>{_YEAR})[-_.m]?(?P<m3>0[1-9]|1[0-2])(?!\d)"
    rf"|(?<!\d)(?P<y4>{_YEAR})(?!\d)"
)
_WRITTEN = (
    re.compile(rf"({_YEAR})(?:[-/.]?(\d{{2}})(?:[-/.]?(\d{{2}}))?)?(?:[T ].*)?$"),
    re.compile(rf"({_YEAR})[-/.](\d{{1,2}})(?:[-/.](\d{{1,2}}))?(?:[T ].*)?$"),
)
_TOLD = ("date", "year")
"""Tags that tell the date of a file."""
_LENGTHS = {YEARLY: 1, MONTHLY: 2, DAILY: 3}
YEAR_MONTHS = 12
MOST_RUNS = 8
"""That a sentence names."""
APART_MONTHS = 7
"""Months between dates of a yearly series at least, so that a winter and the next spring are no two years."""


def text_of(day: Day) -> str:
    """`2019`, `2019-07` or `2019-07-14`."""
    return "-".join(f"{part:0{4 if place == 0 else 2}d}" for place, part in enumerate(day))


def parse(text: str) -> Day:
    """The date that a text is, as tables and bands write it; empty where it is none."""
    for pattern in _WRITTEN:
        if found := pattern.match(text.strip()):
            return _checked([int(part) for part in found.groups() if part])
    day = day_of(text)
    return _checked([int(part) for part in (day[:4], day[4:6], day[6:]) if part])


def _checked(parts: Sequence[int]) -> Day:
    """The date, or nothing where the calendar has none such."""
    if not parts:
        return ()
    try:
        datetime.date(*[*parts, 1, 1][:3])
    except ValueError:
        return ()
    return tuple(parts)


def candidates(stem: str) -> list[Day]:
    """Every date in the name of a file, in order."""
    found: list[Day] = []
    for match in _FOUND.finditer(stem.lower()):
        parts = match.groupdict()
        if parts["doy"] is not None:
            day = datetime.date(int(parts["y2"]), 1, 1) + datetime.timedelta(int(parts["doy"]) - 1)
            found.append((day.year, day.month, day.day))
        else:
            year = next(parts[name] for name in ("dmsp", "y1", "y3", "y4") if parts[name])
            rest = [part for part in (parts["m1"] or parts["m3"], parts["d1"]) if part]
            found.append(tuple(int(part) for part in (year, *rest)))
    return found


def dates_in_names(paths: Sequence[str], tags: Mapping[str, Mapping[str, str]]) -> dict[str, Day]:
    """The date of each file by its name, read together with those of the others; else by its tags.

    Where names hold several dates, as of the version of a product, the one counts that differs from file to file.

    Args:
        paths: of files whose bands bear no dates.
        tags: of each file.

    Returns:
        by path; an empty date where nothing tells, or several dates contradict one another.
    """
    found = {path: candidates(PurePath(path.replace("\\", "/")).stem) for path in paths}
    counts = {len(some) for some in found.values()}
    varying: list[int] = []
    if len(counts) == 1 and len(paths) > 1:
        varying = [place for place in range(counts.pop()) if len({some[place] for some in found.values()}) > 1]
    return {path: _one(path, some, varying, tags.get(path, {})) for path, some in found.items()}


def _one(path: str, found: Sequence[Day], varying: Sequence[int], tags: Mapping[str, str]) -> Day:
    """Of the dates in a name the one that counts."""
    stem = PurePath(path.replace("\\", "/")).stem
    if len(varying) == 1:
        return found[varying[0]]
    among = [found[place] for place in varying] or list(found)
    if not among:
        plain = {key.lower(): value for key, value in tags.items()}
        return parse(taken_on([], "", tags)) or next((day for key in _TOLD if (day := parse(plain.get(key, "")))), ())
    if len(among) > 1:
        told = parse(taken_on([], stem.lower(), {}))
        if told:
            return told
    for length in (3, 2, 1):
        if len({day[:length] for day in among}) == 1:
            return among[0][:length]
    return ()


def frequency_of(days: Sequence[Day], asked: str) -> str:
    """yearly, monthly or daily: as asked for, else as the dates are.

    Args:
        days: different dates, earliest first.
        asked: one of those, or auto.

    Raises:
        BadInput: some dates tell less than others, or than was asked for.
    """
    coarse, fine = min(days, key=len), max(days, key=len)
    if asked == YEARLY:
        return YEARLY
    if asked == AUTO and len(coarse) != len(fine) and len(coarse) == 1:
        raise BadInput(
            f"Some dates are years ({text_of(coarse)}), others tell the month too ({text_of(fine)}), so it is not "
            "clear whether the series is yearly or monthly. Say it under 'Dates are', or give a table of dates."
        )
    if asked == AUTO:
        asked = _as_they_are(days, len(coarse))
    if len(coarse) < _LENGTHS[asked]:
        raise BadInput(
            f"The series is to be {asked}, but a date is told only as {text_of(coarse)}. Give a table of dates that "
            "tells more, or choose another frequency."
        )
    return asked


def _as_they_are(days: Sequence[Day], length: int) -> str:
    if length == 1:
        return YEARLY
    months = [YEAR_MONTHS * day[0] + day[1] for day in days]
    years = [day[0] for day in days]
    steps = [later - earlier for earlier, later in itertools.pairwise(months)]
    if steps and len(set(years)) == len(years) and min(steps) >= APART_MONTHS:
        return YEARLY
    return MONTHLY if len(set(months)) == len(months) or length == 2 else DAILY


def cut(day: Day, frequency: str) -> Day:
    """The date as the frequency writes it."""
    return day[: _LENGTHS[frequency]]


def gaps_of(dates: Sequence[str], frequency: str) -> tuple[str, ...]:
    """Years or months between the first and the last date that are not there; none where the series is daily.

    Args:
        dates: as texts, earliest first.
        frequency: of them.
    """
    if frequency == DAILY or len(dates) < 2:
        return ()
    if frequency == YEARLY:
        return tuple(str(year) for year in range(int(dates[0]), int(dates[-1])) if str(year) not in dates)
    first, last = (YEAR_MONTHS * int(text[:4]) + int(text[5:]) - 1 for text in (dates[0], dates[-1]))
    every = [f"{month // YEAR_MONTHS:04d}-{month % YEAR_MONTHS + 1:02d}" for month in range(first, last)]
    return tuple(text for text in every if text not in dates)


def runs_of(dates: Sequence[str], among: Sequence[str]) -> str:
    """Dates for a sentence, those that follow one another as `2003 to 2006`.

    Args:
        dates: to be named, earliest first.
        among: all that there might be, earliest first.
    """
    place = {date: number for number, date in enumerate(among)}
    runs: list[list[str]] = []
    for date in dates:
        if runs and place[date] == place[runs[-1][-1]] + 1:
            runs[-1].append(date)
        else:
            runs.append([date])
    runs = [part for run in runs for part in ([run] if len(run) > 2 else [[date] for date in run])]
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 1 else run[0] for run in runs]
    if len(texts) > MOST_RUNS:
        texts = [*texts[: MOST_RUNS - 2], f"{sum(map(len, runs[MOST_RUNS - 2 :]))} others"]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""
