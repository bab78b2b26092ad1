"""Stacks of several dates in one file: which part of a band's name is the date."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from .names import read_name

_DAY = r"(?:19|20)\d{2}(?:[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?)?"
_TIME = r"(?:T\d{6})?"
_PATTERNS = (
    re.compile(rf"^(?P<base>.+?)[_\-. ](?P<date>{_DAY}{_TIME})$"),
    # Earth Engine's toBands(): the scene's name before that of the band.
    re.compile(
        rf"^(?P<date>(?:[A-Z]{{2}}\d{{2}}_\d{{6}}_)?{_DAY}{_TIME})(?:_\d{{8}}T\d{{6}}_T\w{{5}})?[_\-. ](?P<base>.+)$"
    ),
)
_CALENDAR = re.compile(
    r"(?<!\d)((?:19|20)\d{2})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?:T\d{6}|(?!\d))", re.IGNORECASE
)
_CALENDAR_TEXT = re.compile(r"(?<!\d)(?:19|20)\d{2}[-_.]?\d{2}(?:[-_.]?\d{2})?(?:T\d{6}|(?!\d))", re.IGNORECASE)
_PRODUCT = re.compile(r"msil[12][ac]|(?<![a-z0-9])l[cet]0\d_")
_ACQUIRED = re.compile(r"acqui|sensing|datatake|generation_start|start_time|start_date")
_COUNTED = (
    re.compile(r"^(?P<base>.+)_(?P<date>\d{1,3})$"),
    re.compile(r"^(?P<date>\d{1,3})_(?P<base>.+)$"),
    re.compile(r"^(?P<base>.+)[_ ](?P<date>t\d{1,3})$"),
    re.compile(r"^(?P<date>t\d{1,3})[_ ](?P<base>.+)$"),
)


def dates_of(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names without their dates, and the dates.

    Args:
        names: of all bands.

    Returns:
        base names, one a band; dates or counters, empty where a name has none. All empty unless some base name
        comes with two dates at least; a date that all names share is taken off them, and no date.
    """
    split = [split_date(name) for name in names]
    if len({date for _, date in split}) < 2 or not _repeats(split):
        counted = [_counted(name) for name in names]
        if _repeats(counted, bands=True):
            split = counted
        elif len({date for _, date in split}) != 1:
            return list(names), [""] * len(names)
        else:
            return [base for base, _ in split], [""] * len(names)
    return [base for base, _ in split], [date for _, date in split]


def in_order(dates: Sequence[str]) -> list[str]:
    """Different dates, earliest first; bands without one come before all."""

    def key(date: str) -> tuple[int, int, str]:
        digits = re.sub(r"\D", "", date)
        return (bool(date), int(digits) if digits and len(digits) < 4 else 0, date)

    return sorted(set(dates), key=key)


def day_of(date: str) -> str:
    """Year, month and, where it is known, day as digits, YYYYMM[DD]; empty for counters and years alone."""
    found = _CALENDAR.search(date)
    return "".join(part or "" for part in found.groups()) if found else ""


def month_of(date: str) -> int:
    """1 to 12; 0 where the text does not tell."""
    return int(day_of(date)[4:6] or 0)


def taken_on(names: Sequence[str], file_name: str, tags: Mapping[str, str]) -> str:
    """When all of a file was taken, YYYY-MM or YYYY-MM-DD; empty where it is not sure.

    A date that all bands bear counts most, then the name of the file, then its tags.

    Args:
        names: of all bands.
        file_name: without folder and ending.
        tags: of the file.
    """
    shared = {split_date(name)[1] for name in names}
    if len(shared) == 1 and (day := day_of(shared.pop())):
        return _written(day)
    named = [day for day in map(day_of, _CALENDAR_TEXT.findall(file_name)) if day]
    if _PRODUCT.search(file_name.lower()):
        named = named[:1]  # the second is when it was processed
    told = named or [day_of(value) for key, value in tags.items() if _ACQUIRED.search(key.lower()) and day_of(value)]
    if not told or len({day[:6] for day in told}) > 1:
        return ""
    day = told[0] if len(set(told)) == 1 else told[0][:6]
    return _written(day)


def _written(day: str) -> str:
    return "-".join(part for part in (day[:4], day[4:6], day[6:]) if part)


def _repeats(split: Sequence[tuple[str, str]], bands: bool = False) -> bool:
    """Whether a name that says something, or a band of a satellite if `bands`, comes with several dates."""
    found: dict[str, set[str]] = defaultdict(set)
    for base, date in split:
        found[base].add(date)
    said = {base: read_name(base) for base, dates in found.items() if len(dates) > 1}
    return any(one.role or one.code or one.nm if bands else one.says for one in said.values())


def split_date(name: str) -> tuple[str, str]:
    """The name of a band without the date in it, and the date; the name and an empty text where there is none."""
    for pattern in _PATTERNS:
        match = pattern.match(name.strip())
        if match:
            return match["base"], match["date"]
    return name, ""


def _counted(name: str) -> tuple[str, str]:
    """`B1_3` is B1 of the third date, but `swir_1` and `band_1` are names."""
    whole = read_name(name)
    for pattern in _COUNTED:
        match = pattern.match(name.strip())
        if not match:
            continue
        base = read_name(match["base"])
        if base.says and not whole.role and whole.code == base.code:
            return match["base"], match["date"]
    return name, ""
