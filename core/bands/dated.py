"""Fitting for backbones that take several dates of their bands as one."""

from collections.abc import Sequence
from dataclasses import replace

from ...models.card import Card, Inputs
from ...models.spectrum import ROLES
from ..errors import BadJob
from .known import Recognised, first_of, listed
from .matching import Fit, Found, Layer, band_of, check_known, holds, made_of
from .timeline import MONTHS, Step, timeline, with_months


def fit_by_dates(card: Card, sets: Sequence[Inputs], layers: Sequence[Layer], months: Sequence[int]) -> Fit:
    """The bands of each date in order, as far as groups that count only together are whole."""
    layers = [replace(layer, known=_of_numbers(card, sets, layer)) for layer in layers]
    roles = tuple(dict.fromkeys(role for one in sets for role in one.roles))
    steps = timeline([layer.known for layer in layers], [_dates(layer, roles) for layer in layers])
    rows = [(step, *_whole(card, [f for role in roles if (f := _at(role, step, layers))])) for step in steps]
    used = [(step, found) for step, found, _ in rows if found]
    if not used:
        few = listed([listed([ROLES[role].title for role in group]) for group in card.together[:4]], "or")
        why = f"{card.title} takes groups of bands as a whole: {few}. {holds(layers, roles[:1])}"
        return Fit(card.name, False, missing=roles, why=why)
    if len(used) > card.most_dates:
        names = [step.date for step, _ in used if step.date]
        raise BadJob(
            f"{card.title} takes {card.most_dates} dates at most, but there are {len(used)}, up to {names[-1]}. Choose "
            f"some, as in 'date={names[0]} date={names[-1]}'."
        )
    timed = with_months([step for step, _ in used], months)
    there = {band.role for _, found in used for _, band in found}
    fitting = min((one for one in sets if there <= set(one.roles)), key=lambda one: len(one.roles), default=sets[-1])
    made = made_of(card, fitting.name, [one for _, found in used for one in found], layers[0])
    return replace(
        made,
        dates=tuple(step.date for step, found in used for _ in found),
        months=tuple(step.month for step, (_, found) in zip(timed, used, strict=True) for _ in found),
        warnings=(*_months_asked(card, timed), *_date_warnings(card, rows)),
    )


def _of_numbers(card: Card, sets: Sequence[Inputs], layer: Layer) -> Recognised:
    """Only the bands that the user numbered, if he did; each must be known to the backbone."""
    if not layer.wish.numbers:
        return layer.known
    bands = tuple(band_of(layer.known, number) for number in layer.wish.numbers)
    check_known(card, sets, bands)
    return replace(layer.known, bands=bands)


def _dates(layer: Layer, roles: Sequence[str]) -> list[str]:
    """Dates of which there are bands of these roles, earliest first."""
    there = {band.date for band in layer.known.bands if band.role in roles}
    return [date for date in layer.known.dates or ("",) if date in there and date in (layer.dates or (date,))]


def _at(role: str, step: Step, layers: Sequence[Layer]) -> "Found | None":
    """The band of a role at a date, in the first raster that has it."""
    for number, (layer, date) in enumerate(zip(layers, step.dates, strict=True)):
        found = [band for band in layer.known.bands if band.role == role and band.date == date]
        band = first_of(role, found) if date is not None else None
        if band:
            return number, band
    return None


def _whole(card: Card, found: Sequence[Found]) -> tuple[list[Found], tuple[str, ...]]:
    """Bands whose group is there as a whole, and roles that others lack for theirs."""
    there = {band.role for _, band in found}
    groups = [set(group) for group in card.together]
    kept = [one for one in found if not groups or any(one[1].role in group <= there for group in groups)]
    lacking = (role for group in card.together if there & set(group) for role in group if role not in there)
    return kept, tuple(lacking)


def _date_warnings(card: Card, rows: Sequence[tuple[Step, list[Found], tuple[str, ...]]]) -> tuple[str, ...]:
    """Dates that give nothing, and groups that are not whole."""
    empty = [step.date for step, found, _ in rows if not found]
    texts = [f"{card.title} gets nothing of {listed(empty)}: no group of bands is whole there."] if empty else []
    for roles in dict.fromkeys(lacking for _, _, lacking in rows if lacking):
        dates = [step.date for step, _, lacking in rows if lacking == roles]
        where = "" if len(dates) == len(rows) else f" at {listed(dates)}"
        names = listed([ROLES[role].title for role in roles])
        texts.append(f"{card.title} leaves out bands that count only together with {names}, which are missing{where}.")
    return tuple(texts)


def _months_asked(card: Card, steps: Sequence[Step]) -> tuple[str, ...]:
    """What is to be done where nothing tells the month of some dates."""
    unknown = [step.date or "the first" for step in steps if not step.month]
    if not unknown:
        return ()
    if len(steps) == 1:
        return (f"{card.title} must know the month in which it was taken. Give it under '{MONTHS}', as in 6 for June.",)
    some = listed(unknown if len(unknown) < 4 else [*unknown[:2], f"{len(unknown) - 2} others"])
    return (
        f"{card.title} must know the month of each of the {len(steps)} dates, which is not told for {some}. Give them "
        f"under '{MONTHS}', one a date, as in '1-12'.",
    )
