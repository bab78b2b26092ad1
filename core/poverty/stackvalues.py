"""What the numbers mean at each date, and whether that changes on the way."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...models.spectrum import RADAR, ROLES
from ..bands.eras import settled
from ..bands.known import listed
from ..bands.radiometry import PLAIN, Radiometry, radiometry
from ..bands.values import CODINGS, DECIBEL, PARAMETER, REFLECTANCE
from ..errors import BadInput
from ..jobs.poverty.series import CONVERT, REFUSE, PrepareSeries
from .remarks import Remarks
from .stackdates import runs_of
from .stackjoin import Key, Plan

Codings = Mapping[Key, Radiometry]
SUMMER = "-07"
"""Put behind a year, so that Sentinel-2's change of January 2022 counts for all of it."""


def role_of(plan: Plan, key: Key) -> str:
    """Role of a band: by the name that it has in the series, else as recognised."""
    name = key[1].lower()
    return name if name in ROLES else plan.pieces[key][0].known.role


def codings_of(plan: Plan, job: PrepareSeries, remarks: Remarks) -> dict[Key, Radiometry]:
    """What the numbers of each band of each date mean; absent for bands that are neither light nor radar.

    Told by the first tile of each date, then settled among dates, as a clouded or empty one tells little by itself.

    Raises:
        BadInput: a file cannot be read.
    """
    found: dict[Key, Radiometry] = {}
    for place, date in enumerate(plan.dates):
        remarks.checkpoint(place / len(plan.dates), "What the numbers mean")
        by_file: dict[str, list[Key]] = defaultdict(list)
        for key in plan.keys:
            if key[0] == date:
                by_file[plan.pieces[key][0].path].append(key)
        for path, keys in by_file.items():
            numbers = [plan.pieces[key][0].number for key in keys]
            known = radiometry(plan.files[path].known, numbers, job.values, [role_of(plan, key) for key in keys])
            found |= {key: part for key, part in zip(keys, known.parts, strict=True) if part is not PLAIN}
    keys = list(found)
    dates = [date + SUMMER if len(date) == len("2022") else date for date, _ in keys]
    roles = [role_of(plan, key) for key in keys]
    made = settled("The series", {place: found[key] for place, key in enumerate(keys)}, dates, roles)
    _tell(made, remarks)
    return dict(zip(keys, made, strict=True))


def _tell(parts: Sequence[Radiometry], remarks: Remarks) -> None:
    """How each meaning is known, once: the same holds for the other files."""
    said: set[str] = set()
    for part in parts:
        if part.name in said or not part.sentences:
            continue
        said.add(part.name)
        for sentence in part.sentences:
            remarks.info(sentence)


def scales_of(plan: Plan, codings: Codings, job: PrepareSeries, remarks: Remarks) -> dict[str, tuple[float, float]]:
    """Factor and summand of each band whose numbers are converted; none where nothing changes or that is only said.

    Raises:
        BadInput: meanings change and that is refused, or cannot be converted.
    """
    made: dict[str, tuple[float, float]] = {}
    for radar in (False, True):
        keys = [key for key in codings if (role_of(plan, key) in RADAR) == radar]
        names = list(dict.fromkeys(codings[key].name for key in keys if codings[key].decided))
        if len(names) > 1:
            told = _change(plan, {key: codings[key] for key in keys}, names)
            made |= _converted(keys, codings, told, job, remarks)
    return made


def _change(plan: Plan, codings: Codings, names: list[str]) -> str:
    parts = []
    for name in names:
        dates = [
            date for date in plan.dates if any(key[0] == date and part.name == name for key, part in codings.items())
        ]
        parts.append(f"{CODINGS[name].title} at {runs_of(dates, plan.dates)}")
    return f"The numbers change their meaning: {listed(parts)}."


def _converted(
    keys: list[Key], codings: Codings, told: str, job: PrepareSeries, remarks: Remarks
) -> dict[str, tuple[float, float]]:
    if job.scale_change == REFUSE:
        raise BadInput(
            f"{told} Choose 'convert' under 'Where the numbers change their meaning' to read all as reflectance or "
            f"decibels. If they do not really change, say what they are under '{PARAMETER}', or choose 'warn'."
        )
    if job.scale_change != CONVERT:
        remarks.warning(f"{told} Nothing was done about it: a change across these dates is one of numbers.")
        return {}
    odd = [key for key in keys if codings[key].unit not in (REFLECTANCE, DECIBEL)]
    if odd:
        date, name = odd[0]
        raise BadInput(
            f"{told} {name} of {date} holds {codings[odd[0]].title}, which no factor turns into the unit of the "
            "others. Convert these files first, or leave them out."
        )
    remarks.warning(f"{told} All dates read as {codings[keys[0]].unit} now, by scale and offset in the virtual raster.")
    return {f"{name}_{date}": (codings[date, name].scale, codings[date, name].offset) for date, name in keys}


def scale_fact(plan: Plan, codings: Codings, converted: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """What the numbers of each band are when the series is read, by name of the band; empty where it is not known."""
    made = {}
    for band in plan.bands:
        names = {codings[key].name for key in codings if key[1] == band}
        units = {codings[key].unit for key in codings if key[1] == band and f"{band}_{key[0]}" in converted}
        if units:
            made[band] = "db" if DECIBEL in units else "reflectance"
        else:
            made[band] = names.pop() if len(names) == 1 else ""
    return made
