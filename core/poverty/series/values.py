"""What the numbers mean at each date, and whether that changes on the way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ....models.spectrum import RADAR, ROLES
from ...bands.eras import settled
from ...bands.known import CONVENTION, listed
from ...bands.offset import SINCE
from ...bands.radiometry import LARGEST_REFLECTANCE, PLAIN, Radiometry, radiometry
from ...bands.values import CODINGS, DECIBEL, PARAMETER, REFLECTANCE
from ...errors import BadInput
from ...jobs.poverty.series import CONVERT, REFUSE, PrepareSeries
from .dates import runs_of
from .join import Key, Plan
from .pixels import Look
from .remarks import Remarks

Codings = Mapping[Key, Radiometry]
SUMMER = "-07"
"""Put behind a year, so that Sentinel-2's change of January 2022 counts for all of it."""


def role_of(plan: Plan, key: Key) -> str:
    """Role of a band: by the name that it has in the series, else as recognised."""
    name = key[1].lower()
    return name if name in ROLES else plan.pieces[key][0].known.role


def codings_of(plan: Plan, look: Look, job: PrepareSeries, remarks: Remarks) -> dict[Key, Radiometry]:
    """What the numbers of each band of each date mean; absent for empty ones and what is neither light nor radar.

    Told by the first tile of each date, then settled among dates whose numbers are as large, since a clouded one tells
    little by itself.

    Args:
        plan: of the series.
        look: at its pixels, as files and tags say.
        job: names what the user says that the numbers are.
        remarks: where it is said how they are known.

    Raises:
        BadInput: a file cannot be read.
    """
    found = _told(plan, look, job, remarks)
    made: dict[Key, Radiometry] = {}
    fractions = _in_fractions(plan, look, found)
    for keys in ([key for key in found if (key in fractions) == side] for side in (True, False)):
        dates = [date + SUMMER if len(date) == len("2022") else date for date, _ in keys]
        roles = [role_of(plan, key) for key in keys]
        parts = {place: found[key] for place, key in enumerate(keys)}
        made |= dict(zip(keys, settled("The series", parts, dates, roles), strict=True))
    made = {key: part if key in fractions else _by_year(plan, key, part) for key, part in made.items()}
    _tell(list(made.values()), remarks)
    return {key: made[key] for key in found}


def _told(plan: Plan, look: Look, job: PrepareSeries, remarks: Remarks) -> dict[Key, Radiometry]:
    """What files and pixels of each date tell by themselves."""
    found: dict[Key, Radiometry] = {}
    for place, date in enumerate(plan.dates):
        remarks.checkpoint(place / len(plan.dates), "What the numbers mean")
        by_file: dict[str, list[Key]] = defaultdict(list)
        for key in plan.keys:
            if key[0] == date and np.isfinite(look.high[place, plan.bands.index(key[1])]):
                by_file[plan.pieces[key][0].path].append(key)
        for path, keys in by_file.items():
            numbers = [plan.pieces[key][0].number for key in keys]
            known = radiometry(plan.files[path].known, numbers, job.values, [role_of(plan, key) for key in keys])
            found |= {key: part for key, part in zip(keys, known.parts, strict=True) if part is not PLAIN}
    return found


def _in_fractions(plan: Plan, look: Look, keys: Iterable[Key]) -> set[Key]:
    """Light of dates where it lies between 0 and 1, more or less; radar is told by its sign."""
    light = [key for key in keys if role_of(plan, key) not in RADAR]
    most: dict[str, float] = defaultdict(float)
    for date, band in light:
        most[date] = max(most[date], float(look.high[plan.dates.index(date), plan.bands.index(band)]))
    return {key for key in light if most[key[0]] <= LARGEST_REFLECTANCE}


def _by_year(plan: Plan, key: Key, part: Radiometry) -> Radiometry:
    """Sentinel-2 of a year before 2022 has nothing added, where neither file nor pixels tell it."""
    product = plan.files[plan.pieces[key][0].path].known.product
    year = int(key[0][:4])
    if part.decided or product != "sentinel-2" or role_of(plan, key) in RADAR or year >= int(SINCE[:4]):
        return part
    coding = CODINGS["x10000"]
    sentence = (
        f"Sentinel-2 of {year} holds no dark pixels that would tell, so it is assumed that nothing is added to it."
    )
    return Radiometry(coding.scale, coding.offset, coding.unit, CONVENTION, (sentence,), coding.name)


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


def scale_fact(plan: Plan, codings: Codings) -> dict[str, str]:
    """What the numbers of each band are when the series is read, by name of the band; empty where it is not known."""
    found = {band: {codings[key].name for key in codings if key[1] == band} for band in plan.bands}
    return {band: names.pop() if len(names) == 1 else "" for band, names in found.items()}


def converted(
    plan: Plan, look: Look, codings: Codings, scales: Mapping[str, tuple[float, float]]
) -> tuple[Look, dict[Key, Radiometry]]:
    """The look at a series and what its numbers mean, after its bands were given scales."""
    if not scales:
        return look, dict(codings)
    shape = (len(plan.dates), len(plan.bands))
    times, plus = np.ones(shape), np.zeros(shape)
    meant = dict(codings)
    for date, name in codings:
        if f"{name}_{date}" in scales:
            place = (plan.dates.index(date), plan.bands.index(name))
            times[place], plus[place] = scales[f"{name}_{date}"]
            coding = CODINGS["db" if codings[date, name].unit == DECIBEL else "reflectance"]
            meant[date, name] = Radiometry(1.0, 0.0, coding.unit, codings[date, name].how, (), coding.name)
    numbers = {name: getattr(look, name) * times + plus for name in ("low", "median", "high")}
    paired = (look.paired * times[..., None] + plus[..., None]).astype(np.float32)
    return replace(look, **numbers, paired=paired, whole=look.whole & (times == 1)), meant
