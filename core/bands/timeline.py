"""The dates of one raster, or of two together, in order of time, each with its month: for backbones of series."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import BadJob
from .known import Recognised
from .series import day_of, in_order, month_of

MONTHS = "Months"
"""Label of the parameter."""


@dataclass(frozen=True)
class Step:
    """One date of a series."""

    date: str
    """As the first raster that has it writes it; empty where it is not known."""
    month: int
    """0 where it is not known."""
    dates: "tuple[str | None, ...]"
    """Of each raster, as its bands write it; None where it has nothing at that date."""


def timeline(layers: Sequence[Recognised], dates: Sequence[Sequence[str]]) -> list[Step]:
    """The dates of all rasters together.

    Of two rasters those of one date go together; else those of one month, if each has one at most in any month; a
    single one whose date is not known goes with the single one of the other.

    Args:
        layers: one or two rasters.
        dates: those of each that are wanted, earliest first; one empty text for a raster of a single date.

    Raises:
        BadJob: nothing tells which dates of two rasters belong together.
    """
    own = [[_step(layer, date) for date in some] for layer, some in zip(layers, dates, strict=True)]
    if len(own) == 1:
        return own[0]
    first, second = own
    if not first or not second:
        return [_joined(None, step) for step in second] or [_joined(step, None) for step in first]
    if len(first) == len(second) == 1 and not (day_of(first[0].date) and day_of(second[0].date)):
        return [_joined(first[0], second[0])]
    exact, monthly = ([[key(step) for step in steps] for steps in own] for key in (_day, _month))
    if set(exact[0]) == set(exact[1]):
        return _together(own, exact)
    if all(all(some) and len(set(some)) == len(some) for some in monthly):
        return _together(own, monthly)
    raise BadJob(
        f"The dates of {layers[0].path} ({_some(first)}) and {layers[1].path} ({_some(second)}) are not the same, and "
        "not one of each month, so it is not known which belong together. Choose dates of each as in 'date=2021-03'."
    )


def with_months(steps: Sequence[Step], months: Sequence[int]) -> list[Step]:
    """With months that the user gave, one a date, in place of those that are known.

    Raises:
        BadJob: there are more or fewer.
    """
    if months and len(months) != len(steps):
        raise BadJob(f"'{MONTHS}' holds {len(months)}, but there are {len(steps)} dates: {_some(steps)}.")
    return [replace(step, month=month) for step, month in zip(steps, months or [s.month for s in steps], strict=True)]


def _step(layer: Recognised, date: str) -> Step:
    label = date or ("" if layer.dates else layer.taken)
    return Step(label, month_of(label), (date,))


def _day(step: Step) -> str:
    return day_of(step.date) or step.date


def _month(step: Step) -> str:
    return day_of(step.date)[:6]


def _joined(one: "Step | None", other: "Step | None") -> Step:
    """Both as one date."""
    date = (one.date if one else "") or (other.date if other else "")
    return Step(date, month_of(date), (one.dates[0] if one else None, other.dates[0] if other else None))


def _together(own: Sequence[Sequence[Step]], keys: Sequence[Sequence[str]]) -> list[Step]:
    found = [dict(zip(some, steps, strict=True)) for some, steps in zip(keys, own, strict=True)]
    return [_joined(found[0].get(key), found[1].get(key)) for key in in_order([*found[0], *found[1]])]


def _some(steps: Sequence[Step]) -> str:
    names = [step.date or "one without a date" for step in steps]
    return ", ".join(names if len(names) <= 4 else [*names[:2], "...", names[-1]])
