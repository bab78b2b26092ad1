"""The bands that a user gives himself: what may be typed, and what is wrong with it. Standard library only.

Either roles, `blue=2 green=3 red=4`, which correct what was recognised and may be few; or band numbers alone,
`4 3 2`, in the order of the network. `date=2021-03` picks a date of a series, or several, one by one, for a backbone
that takes several. Blanks, commas and semicolons separate. Months are `4 5 6`, one a date, or `1-12`; `11-2` goes on
into the next year.
"""

import difflib
import re
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

from ...models.spectrum import ROLES
from ..errors import BadJob
from .products import PRODUCTS

EXAMPLE = "Give bands as in 'blue=2 green=3 red=4', or as numbers in the order of the network, as in '4 3 2'."
DATE = "date"
FIRST_DATE = "Backbones that take one date get the first"
"""How the remark on series begins that says so; forms of jobs that see each date leave it out."""
MONTHS_EXAMPLE = "Give one a date, as in '4 5 6', or from first to last, as in '1-12'."


@dataclass(frozen=True)
class Wish:
    """Bands as given; all empty when nothing was."""

    roles: Dict[str, int] = field(default_factory=dict)
    """Band number by role."""
    numbers: Tuple[int, ...] = ()
    """Band numbers in the order of the network."""
    dates: Tuple[str, ...] = ()
    """In the order given."""

    def __bool__(self) -> bool:
        """Whether anything is wished for."""
        return bool(self.roles or self.numbers or self.dates)


def parse_wish(text: str, count: int = 0) -> Wish:
    """What was typed.

    Args:
        text: as typed; empty wishes for nothing.
        count: bands of the raster, where it is known.

    Raises:
        BadJob: it cannot be read, or names what is not there; the sentence says what and how to put it right.
    """
    parts = [part for part in re.split(r"[\s,;]+", re.sub(r"\s*=\s*", "=", text.strip())) if part]
    pairs = [part for part in parts if "=" in part]
    plain = [part for part in parts if "=" not in part]
    roles: Dict[str, int] = {}
    dates: List[str] = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name.lower() == DATE:
            if not value or value in dates:
                raise BadJob("Give each date once, as in 'date=2021-03'.")
            dates.append(value)
            continue
        role = _role(name)
        if role in roles:
            raise BadJob(f"Bands: {role} is given twice, as band {roles[role]} and as '{value}'. Give it once.")
        roles[role] = _number(value, f"{role}=", count)
    if plain and roles:
        raise BadJob(f"Bands: '{plain[0]}' has no role, but others have one. {EXAMPLE}")
    numbers = tuple(_number(part, "", count) for part in plain)
    _check_twice(tuple(roles.values()) or numbers, roles)
    return Wish(roles, numbers, tuple(dates))


def problem(text: str, count: int = 0) -> str:
    """What is wrong with what was typed, as a sentence for form and command line; empty when nothing is."""
    try:
        parse_wish(text, count)
    except BadJob as error:
        return str(error)
    return ""


def parse_months(text: str) -> Tuple[int, ...]:
    """Months as typed, 1 to 12, one a date; none where nothing was typed.

    Raises:
        BadJob: something in it is no month.
    """
    months: List[int] = []
    for part in re.split(r"[\s,;]+", re.sub(r"\s*-\s*", "-", text.strip())):
        if not part:
            continue
        ends = part.split("-")
        if len(ends) > 2 or not all(re.fullmatch("[0-9]{1,2}", end) and 1 <= int(end) <= 12 for end in ends):
            raise BadJob(f"Months: '{part}' is no month from 1 to 12. {MONTHS_EXAMPLE}")
        first, last = int(ends[0]), int(ends[-1])
        months += [(first - 1 + step) % 12 + 1 for step in range((last - first) % 12 + 1)]
    return tuple(months)


def months_problem(text: str) -> str:
    """What is wrong with months as typed; empty when nothing is."""
    try:
        parse_months(text)
    except BadJob as error:
        return str(error)
    return ""


def _role(name: str) -> str:
    low = name.lower().replace("-", "_")
    if low in ROLES:
        return low
    code = re.sub(r"^B0", "B", name.upper())
    band = PRODUCTS["sentinel-2"].band(code)
    if band:
        hint = f"If you mean Sentinel-2's {code}, write {band.role}=..."
    else:
        near = difflib.get_close_matches(low, list(ROLES), n=1)
        hint = f"Did you mean {near[0]}?" if near else ""
    raise BadJob(f"Bands: '{name}' is no role of a band. {hint + ' ' if hint else ''}Roles are: {', '.join(ROLES)}.")


def _number(text: str, before: str, count: int) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise BadJob(f"Bands: '{before}{text}' has no band number, which is a whole number from 1. {EXAMPLE}")
    number = int(text)
    if number < 1:
        raise BadJob(f"Bands: '{before}{text}': bands are counted from 1.")
    if count and number > count:
        raise BadJob(f"Bands: '{before}{text}': the raster has {count} band{'s' if count > 1 else ''}.")
    return number


def _check_twice(numbers: Tuple[int, ...], roles: Dict[str, int]) -> None:
    for number in numbers:
        if numbers.count(number) > 1:
            owners = [role for role, band in roles.items() if band == number]
            what = f"as {' and '.join(owners)}" if owners else "twice"
            raise BadJob(f"Bands: band {number} is given {what}. Give each band once.")
