"""What the numbers of a series mean: told date by date, then settled, as a clouded date tells little by itself."""

from collections.abc import Sequence
from dataclasses import replace

from ...models.spectrum import RADAR as RADAR_ROLES
from .known import CONVENTION, Recognised, listed
from .offset import SINCE
from .radiometry import Radiometry, Values, radiometry
from .series import day_of
from .values import PARAMETER

_PLAIN, _ADDED = "x10000", "x10000+1000"


def radiometry_of_dates(recognised: Recognised, bands: Sequence[int], values: str, roles: Sequence[str]) -> Values:
    """What the numbers of bands of several dates mean.

    Dates of one kind and era (before and since Sentinel-2's added 1000) are taken alike. Where the numbers of some seem
    to have 1000 added and others show that nothing was, nothing was: clouds and snow are never dark.

    Args:
        recognised: of the raster with all its bands.
        bands: numbers of those in use.
        values: what the user says they are, see `values.CHOICES`.
        roles: of `bands`.

    Raises:
        BadInput: the file cannot be read.
    """
    dates = [band.date if (band := recognised.band(number)) else "" for number in bands]
    found: dict[int, Radiometry] = {}
    for date in dict.fromkeys(dates):
        some = [place for place, one in enumerate(dates) if one == date]
        one = radiometry(recognised, [bands[place] for place in some], values, [roles[place] for place in some])
        found |= dict(zip(some, one.parts, strict=True))
    return Values(recognised.path, tuple(bands), settled(recognised.path, found, dates, roles))


def settled(
    path: str, found: dict[int, Radiometry], dates: Sequence[str], roles: Sequence[str]
) -> tuple[Radiometry, ...]:
    """What numbers mean that were told date by date, settled among all dates, else among those of one era.

    Args:
        path: for sentences.
        found: by place in `dates` and `roles`.
        dates: of each band.
        roles: of each band; radar and light are settled apart.
    """
    for radar in (False, True):
        kind = {place: part for place, part in found.items() if (roles[place] in RADAR_ROLES) == radar}
        if len({part.name for part in kind.values()} - {""}) == 1:
            found |= _settled(path, kind, dates)
            continue
        for late in (False, True):
            era = {place: part for place, part in kind.items() if _late(dates[place]) == late}
            found |= _settled(path, era, dates)
    return tuple(found[place] for place in range(len(dates)))


def _late(date: str) -> bool:
    return day_of(date).ljust(8, "0") >= SINCE


def _settled(path: str, parts: dict[int, Radiometry], dates: Sequence[str]) -> dict[int, Radiometry]:
    """One meaning for all dates, with its sentences once; as they are where nothing is told or it is contradicted."""
    decided = [part for part in parts.values() if part.decided]
    names = {part.name for part in decided}
    if names == {_PLAIN, _ADDED}:
        names = {_PLAIN}
    if len(names) != 1:
        return parts
    name = names.pop()
    model = next(part for part in decided if part.name == name)
    other = listed(sorted({dates[place] or "the first date" for place, part in parts.items() if part.name != name}))
    texts = model.sentences
    if other:
        texts = (
            *texts,
            f"{path}: what the numbers of {other} mean is taken as told by the other dates ({model.title}). If it is "
            f"otherwise, say it under '{PARAMETER}'.",
        )
    how = CONVENTION if other else model.how
    return dict.fromkeys(parts, replace(model, how=how, sentences=texts))
