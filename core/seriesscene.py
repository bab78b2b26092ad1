"""What concerns scenes of several dates: the same bands and dates as another embedding, and what the user is told."""

from dataclasses import dataclass, replace

from ..models.card import Card
from .bands.fitting import Fit
from .bands.timeline import MONTHS
from .errors import BadInput

NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_TOLD = 12
"""Dates that are listed one by one."""


@dataclass(frozen=True)
class Chosen:
    """Bands of an embedding to be like, or of an ONNX twin; all empty where there is none."""

    name: str = ""
    """Of its file."""
    bands: tuple[int, ...] = ()
    second_bands: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    """Of each band, for backbones that take several."""
    months: tuple[int, ...] = ()
    """Of each band, where they are part of an ONNX twin."""


def as_series(card: Card, found: Fit, like: Chosen) -> Fit:
    """What a backbone for series gets, with a month for each date, and as many dates of the same bands as `like`.

    Raises:
        BadInput: a month is not known, or the dates or their bands are not as many.
    """
    if 0 in found.months:
        raise BadInput(next(text for text in found.warnings if f"'{MONTHS}'" in text))
    if not like.roles:
        return found
    here, there = list(dict.fromkeys(found.dates)), list(dict.fromkeys(like.dates))
    if len(here) != len(there):
        raise BadInput(
            f"{like.name} was made from {_counted(len(there))}; here {'is' if len(here) == 1 else 'are'} "
            f"{_counted(len(here))}. Choose as many, as in 'date={here[0]}'."
        )
    dates = dict(zip(there, here, strict=True))
    place = {(role, date): number for number, (role, date) in enumerate(zip(found.roles, found.dates, strict=True))}
    wanted = [(role, dates[date]) for role, date in zip(like.roles, like.dates, strict=True)]
    lacking = next((one for one in wanted if one not in place), None)
    if lacking:
        raise BadInput(
            f"{like.name} was made with the band {lacking[0]} at its date {there[here.index(lacking[1])]}, which is "
            f"not there at {lacking[1]}. Choose dates with the same bands."
        )
    found = _picked(found, [place[one] for one in wanted])
    if like.months and found.months != like.months:
        raise BadInput(
            f"{like.name} was made for the months {_months(like.dates, like.months)}; here are "
            f"{_months(found.dates, found.months)}. Choose dates of the same months, or the backbone itself."
        )
    return found


def _picked(found: Fit, places: list[int]) -> Fit:
    return replace(
        found,
        bands=tuple(found.bands[place] for place in places),
        roles=tuple(found.roles[place] for place in places),
        wavelengths_nm=tuple(found.wavelengths_nm[place] for place in places),
        layers=tuple(found.layers[place] for place in places),
        dates=tuple(found.dates[place] for place in places),
        months=tuple(found.months[place] for place in places),
    )


def told_of(found: Fit) -> str:
    """Bands and dates in words."""
    dates = dict(zip(found.dates, found.months, strict=True))
    rows = {date: tuple(r for r, one in zip(found.roles, found.dates, strict=True) if one == date) for date in dates}
    told = [f"{date} ({NAMES[month - 1]})" if date else NAMES[month - 1] for date, month in dates.items()]
    if len(told) > MOST_TOLD:
        told = [*told[:2], "...", told[-1]]
    alike = dict.fromkeys(rows.values())
    bands = " or ".join(", ".join(roles) for roles in alike)
    what = bands if len(alike) == 1 else f"at each of them {bands}"
    return f"{what} of {_counted(len(dates))}: {', '.join(told)}"


def _counted(count: int) -> str:
    return f"{count} date{'s' if count > 1 else ''}"


def _months(dates: tuple[str, ...], months: tuple[int, ...]) -> str:
    return " ".join(NAMES[month - 1] for month in dict(zip(dates, months, strict=True)).values())
