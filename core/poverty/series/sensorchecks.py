"""Whether one band of a series is of several satellites: night lights of DMSP and VIIRS above all."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...bands.known import listed
from ...errors import BadInput
from ...jobs.poverty.series import REFUSE, PrepareSeries
from .dates import runs_of
from .join import Plan
from .pixels import Look
from .remarks import Remarks
from .sensors import DMSP, LIGHTS, VIIRS, is_harmonised, names_lights

DMSP_ENDS, VIIRS_BEGINS = 2013, 2012
MOST_DMSP = 63
"""Its largest number."""
WAY_OUT = (
    "Take the dates of one sensor, or a harmonised product, or choose 'warn' under 'DMSP and VIIRS in one series'."
)


def check_sensors(plan: Plan, job: PrepareSeries, remarks: Remarks) -> dict[str, str]:
    """Sensors by date as names of files and bands tell them. Lights of two sensors in two bands are no mixture.

    Raises:
        BadInput: DMSP and VIIRS are in one band, and that is refused.
    """
    for band in plan.bands:
        dates = sensors_of(plan, band)
        told = listed([f"{name} at {runs_of(some, plan.dates)}" for name, some in dates.items()])
        if set(LIGHTS) <= set(dates):
            _mixed(f"Sensors by the names of files: {told}.", plan, band, job, remarks)
        elif len(dates) > 1:
            text = f"Sensors by the names of files: {told}. Where one follows another the level may shift."
            if text not in remarks.infos:
                remarks.info(text)
        elif not dates and may_be_mixed(plan, band):
            remarks.warning(
                f"{band} seems to hold night lights from {plan.dates[0]} to {plan.dates[-1]}, but no name says of "
                f"which sensor. {DMSP} ended in {DMSP_ENDS}, {VIIRS} began in {VIIRS_BEGINS}: differences across these "
                "years count only if the product was harmonised."
            )
    found: dict[str, list[str]] = {date: [] for date in plan.dates}
    for date, name in plan.keys:
        found[date] += [one.sensor for one in plan.pieces[date, name] if one.sensor not in ("", *found[date])]
    return {date: listed(names) for date, names in found.items() if names}


def sensors_of(plan: Plan, band: str) -> Mapping[str, Sequence[str]]:
    """Dates of a band by sensor."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in plan.keys:
        if key[1] == band:
            for sensor in sorted({piece.sensor for piece in plan.pieces[key]} - {""}):
                found[sensor].append(key[0])
    return found


def _mixed(told: str, plan: Plan, band: str, job: PrepareSeries, remarks: Remarks) -> None:
    if all(is_harmonised(path) for path in _paths(plan, band)):
        remarks.warning(
            f"{told} The names say that they were harmonised, which leaves a break in 2012-13 that is one of sensors: "
            "be careful with differences across it."
        )
        return
    why = (
        "They measure in other units (whole numbers to 63 against nW/cm2/sr) and blur differently, so a change between "
        "them is one of sensors, not of lights."
    )
    if job.sensor_change == REFUSE:
        raise BadInput(f"{told} {why} {WAY_OUT}")
    remarks.warning(f"{told} {why}")


def _paths(plan: Plan, band: str) -> set[str]:
    return {piece.path for key in plan.keys if key[1] == band for piece in plan.pieces[key]}


def is_lights(plan: Plan, band: str) -> bool:
    """Whether a band holds night lights, by its name or those of its files."""
    return bool(re.search(r"ntl|lights", band.lower())) or all(names_lights(path) for path in _paths(plan, band))


def may_be_mixed(plan: Plan, band: str) -> bool:
    """Whether a band holds night lights of no known sensor from before the end of DMSP to after it."""
    years = [int(date[:4]) for date, name in plan.keys if name == band]
    return is_lights(plan, band) and min(years) <= DMSP_ENDS < max(years) and not sensors_of(plan, band)


def check_whole(plan: Plan, look: Look, band: int, rows: Sequence[int], job: PrepareSeries, remarks: Remarks) -> None:
    """Name dates with whole numbers beside dates with fractions; lights up to 63 are those of DMSP.

    Args:
        plan: of the series.
        look: at its pixels.
        band: place of the band.
        rows: places of the dates that count.
        job: says whether to refuse.
        remarks: where it is said.

    Raises:
        BadInput: DMSP and VIIRS are in one band, and that is refused.
    """
    name = plan.bands[band]
    whole = [plan.dates[at] for at in rows if look.whole[at, band]]
    other = [plan.dates[at] for at in rows if not look.whole[at, band]]
    if not whole or not other:
        return
    most = max(look.high[at, band] for at in rows if look.whole[at, band])
    lights = is_lights(plan, name) and most <= MOST_DMSP
    told = (
        f"{name} holds whole numbers{f' up to {most:.0f}' if lights else ''} at {runs_of(whole, plan.dates)} and "
        f"fractions at {runs_of(other, plan.dates)}"
    )
    if lights and job.sensor_change == REFUSE:
        raise BadInput(
            f"{told}, as {DMSP} and {VIIRS} do. A change between them is one of sensors, not of lights. {WAY_OUT}"
        )
    as_lights = f", as {DMSP} and {VIIRS} do" if lights else ""
    remarks.warning(f"{told}{as_lights}: they come from different sensors or processing.")
