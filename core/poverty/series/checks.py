"""What pixels and names tell against a series, in sentences: empty dates, copies, clouds, jumps, scales."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...bands.known import listed
from ...bands.values import REFLECTANCE
from ...errors import BadInput
from ...jobs.poverty.series import REFUSE, PrepareSeries
from .dates import runs_of
from .join import Plan
from .pixels import Look
from .remarks import Remarks
from .sensorchecks import check_whole, may_be_mixed
from .values import Codings, role_of

COARSE_SHARE = 0.5
"""Where more dates than this are one number each, that is how the data are, and nothing is missing."""
DARK_SHARE = 0.5
"""Dates with a smaller share of valid pixels are named."""
FILL_SHARE = 0.001
"""Of pixels that hold a number which usually means nothing."""
CLOUD_BLUE = 0.1
"""Reflectance of blue above the usual of a place that is taken for cloud, haze or snow. Multitemporal cloud detection
takes 0.03 and more, growing with the days between (Hagolle et al. 2010, DOI 10.1016/j.rse.2010.03.002)."""
CLOUD_SHARE = 0.2
LEAST_STEPS = 4
"""Differences from date to date from which on a usual change can be told."""
JUMP_SPREADS, USUAL_PART = 5.0, 0.8
"""A jump exceeds so many spreads of the other changes, by their median and by the mean square of the smaller,"""
JUMP_CONTRAST, FEW_CONTRAST, FEW_STEPS = 0.25, 1.0, 10
"""and so much of the contrast within the scene; more where changes are few, so that their spread is unsure. Of series
without a jump up to 4 in 100 are named; a jump of eight times the noise is found in two of three."""
BANDS_SHARE = 0.5
"""Of the bands that jump together."""
LASTING, AROUND = 0.5, 3
"""Share of a jump that must last over the three dates before and after, so that it is no single odd date;"""
LEAST_AROUND = 2
"""which a first or last date may always be."""
SCALE_RATIO, KNOWN_RATIO = 30.0, 300.0
"""Between the brightest pixels of two dates: no ground changes so much; the second where all seem to mean the same."""


def check_types(plan: Plan, remarks: Remarks) -> None:
    """Say where bytes stand beside wider numbers."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for date in plan.dates:
        some = {np.dtype(plan.pieces[key][0].dtype) for key in plan.keys if key[0] == date}
        kinds["8 bits" if all(one.itemsize == 1 for one in some) else "more than 8 bits"].append(date)
    if len(kinds) > 1:
        told = [f"{bits} at {runs_of(dates, plan.dates)}" for bits, dates in kinds.items()]
        remarks.warning(f"The numbers are stored in {listed(told)}: check that they mean the same.")


def empty_dates(plan: Plan, look: Look, remarks: Remarks) -> tuple[str, ...]:
    """Dates whose every band is all nodata, or one and the same number everywhere."""
    there = ~np.isnan(look.valid)
    empty = [date for at, date in enumerate(plan.dates) if look.constant[at][there[at]].all()]
    nothing = [date for at, date in enumerate(plan.dates) if date in empty and np.isnan(look.median[at]).all()]
    one = [date for date in empty if date not in nothing]
    if len(one) > COARSE_SHARE * (len(plan.dates) - len(nothing)):
        remarks.info("Each date is one number everywhere: the pixels seem to be coarser than the place. That is kept.")
        empty, one = nothing, []
    for dates, what in ((nothing, "all nodata"), (one, "one number everywhere")):
        if dates:
            verb = "is" if len(dates) == 1 else "are"
            remarks.warning(f"{runs_of(dates, plan.dates)} {verb} {what}. Such a date is masked like a missing one.")
    for band, name in enumerate(plan.bands if len(plan.dates) > 1 else ()):
        some = [d for at, d in enumerate(plan.dates) if there[at, band] and look.constant[at, band] and d not in empty]
        if 0 < len(some) <= COARSE_SHARE * there[:, band].sum():
            remarks.warning(f"{name} is all nodata or one number at {runs_of(some, plan.dates)}, other bands are not.")
    return tuple(empty)


def check_shares(plan: Plan, look: Look, empty: Sequence[str], remarks: Remarks) -> None:
    """Name dates that are mostly nodata."""
    low = [
        f"{date} ({100 * look.seen[at]:.0f} %)"
        for at, date in enumerate(plan.dates)
        if look.seen[at] < DARK_SHARE and date not in empty
    ]
    if low:
        remarks.warning(f"Less than half of the pixels are valid at {listed(low)}.")


def check_fills(plan: Plan, look: Look, empty: Sequence[str], remarks: Remarks) -> None:
    """Name numbers that usually mean nothing but are not declared as nodata."""
    found: dict[float, list[int]] = defaultdict(list)
    for at, (fill, share) in enumerate(look.fills):
        if share >= FILL_SHARE and plan.dates[at] not in empty:
            found[fill].append(at)
    for fill, places in found.items():
        most = max(look.fills[at][1] for at in places)
        where = runs_of([plan.dates[at] for at in places], plan.dates)
        every = "in all bands, " if len(plan.bands) > 1 else ""
        remarks.warning(
            f"Up to {100 * most:.2g} % of the pixels at {where} are {fill:.0f} {every}which no file declares as nodata."
            f" If nothing is there, give {fill:.0f} under 'Nodata where files declare none'."
        )


def check_copies(plan: Plan, look: Look, empty: Sequence[str], remarks: Remarks) -> list[tuple[str, ...]]:
    """Dates that hold the same pixels, all bands alike."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for date, digests in zip(plan.dates, look.digests, strict=True):
        if date not in empty:
            found[digests].append(date)
    copies = [tuple(dates) for dates in found.values() if len(dates) > 1]
    for dates in copies:
        files = sorted({Path(plan.pieces[key][0].path).name for key in plan.keys if key[0] in dates})
        named = f" ({listed(files[:4])})" if 1 < len(files) <= 4 else ""
        seen = "all pixels" if look.share == 1 else "all pixels that were read"
        remarks.warning(
            f"{listed(dates)} are the same in {seen}{named}: a file was copied under two dates, or one date stands in "
            "for another. It would teach that nothing changes."
        )
    return copies


def clouded(plan: Plan, look: Look, codings: Codings, remarks: Remarks) -> dict[str, float]:
    """Share of pixels at each date that look clouded, hazy or snowy; empty where blue light is not known.

    A pixel counts whose blue lies more than 0.1 of reflectance above its own median over all dates.
    """
    blue = next((at for at, band in enumerate(plan.bands) if any(
        role_of(plan, key) == "blue" and key in codings and codings[key].unit == REFLECTANCE
        for key in plan.keys if key[1] == band
    )), None)  # fmt: skip
    if blue is None or len(plan.dates) < 3:
        return {}
    values = look.paired[:, blue].astype(np.float64)
    for at, date in enumerate(plan.dates):
        part = codings.get((date, plan.bands[blue]))
        values[at] = values[at] * part.scale + part.offset if part and part.unit == REFLECTANCE else np.nan
    known = np.isfinite(values)
    usual = np.nanmedian(np.where(known.any(axis=0), values, 0.0), axis=0)
    bright = (values > usual + CLOUD_BLUE) & known
    shares = {date: float(bright[at].sum() / known[at].sum()) for at, date in enumerate(plan.dates) if known[at].any()}
    many = [f"{date} ({100 * share:.0f} %)" for date, share in shares.items() if share > CLOUD_SHARE]
    if many:
        remarks.warning(
            f"Many pixels are far brighter in blue than at other dates, as under clouds, haze or snow: {listed(many)}. "
            "Mask them before, or leave these dates out."
        )
    return shares


def check_levels(
    plan: Plan, look: Look, left_out: Sequence[str], codings: Codings, job: PrepareSeries, remarks: Remarks
) -> list[dict[str, object]]:
    """Jumps of whole bands from one date to the next, as facts; dates that are empty or under clouds are left out.

    Raises:
        BadInput: numbers of two dates cannot be on one scale, and that is refused.
    """
    jumps: Mapping[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for band, name in enumerate(plan.bands):
        rows = [at for at, date in enumerate(plan.dates) if date not in left_out and np.isfinite(look.median[at, band])]
        if len(rows) < 2:
            continue
        known = all(_decided(codings, (plan.dates[at], name)) for at in rows)
        _check_scale(plan, look, band, rows, KNOWN_RATIO if known else SCALE_RATIO, job, remarks)
        check_whole(plan, look, band, rows, job, remarks)
        for jump in _jumps(look, band, rows):
            pair = (plan.dates[jump[0]], plan.dates[jump[1]])
            jumps[pair].append({"band": name, "shift": jump[2], "usual": jump[3]})
    # Another sensor moves most bands; one alone, as in an odd month, is weather or land.
    jumps = {pair: bands for pair, bands in jumps.items() if len(bands) >= BANDS_SHARE * len(plan.bands)}
    for (before, after), bands in jumps.items():
        parts = [f"{one['band']} by {_signed(one['shift'])} (usual: {one['usual']:.3g})" for one in bands[:4]]
        more = f" and {len(bands) - 4} other bands" if len(bands) > 4 else ""
        lights = (
            " DMSP gave way to VIIRS in 2012-13." if any(may_be_mixed(plan, str(one["band"])) for one in bands) else ""
        )
        remarks.warning(
            f"From {before} to {after} the level of the whole scene jumps: {', '.join(parts)}{more}. That looks like "
            f"another sensor or processing, not like change on the ground.{lights}"
        )
    return [{"from": pair[0], "to": pair[1], "bands": bands} for pair, bands in jumps.items()]


def _decided(codings: Codings, key: tuple[str, str]) -> bool:
    return key in codings and codings[key].decided


def _signed(value: object) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _check_scale(
    plan: Plan, look: Look, band: int, rows: Sequence[int], ratio: float, job: PrepareSeries, remarks: Remarks
) -> None:
    """Refuse or name dates whose numbers are of another order of magnitude."""
    size = {at: max(abs(look.high[at, band]), abs(look.low[at, band])) for at in rows}
    size = {at: value for at, value in size.items() if value > 0}
    if len(size) < 2 or max(size.values()) < ratio * min(size.values()):
        return
    middle = (max(size.values()) * min(size.values())) ** 0.5
    high, low = ([plan.dates[at] for at, value in size.items() if (value > middle) == side] for side in (True, False))
    told = (
        f"The numbers of {plan.bands[band]} reach {max(size.values()):.4g} at {runs_of(high, plan.dates)}, but only "
        f"{min(size.values()):.4g} at {runs_of(low, plan.dates)}: they are not on one scale."
    )
    if job.scale_change == REFUSE:
        raise BadInput(
            f"{told} Bring them onto one, or choose 'warn' under 'Where the numbers change their meaning' if this is "
            "how it should be."
        )
    remarks.warning(told)


def _jumps(look: Look, band: int, rows: Sequence[int]) -> list[tuple[int, int, float, float]]:
    """Dates before and after, shift, and the usual change, of jumps far outside the usual that last."""
    if len(rows) <= LEAST_STEPS:
        return []
    values = look.paired[list(rows), band].astype(np.float64)
    with np.errstate(invalid="ignore"):
        there = np.isfinite(values).sum(axis=0) >= 2
        span = np.nanmax(np.where(there, values, 0), axis=0) - np.nanmin(np.where(there, values, 0), axis=0)
    live = there & (span > 0)
    if not live.any():
        return []
    values = values[:, live]
    steps = np.array([_middle(values[at + 1] - values[at]) for at in range(len(rows) - 1)])
    # Pixel by pixel, so that a date which covers another part of the scene is on no other level.
    levels = np.array([_middle(row) for row in values - np.nanmedian(values, axis=0)])
    contrast = float(np.median([_middle(np.abs(row - _middle(row))) for row in values]))
    least = contrast * (FEW_CONTRAST if len(steps) < FEW_STEPS else JUMP_CONTRAST)
    found = []
    for at, step in enumerate(steps):
        others = np.delete(steps, at)
        usual = float(np.median(others))
        apart = np.sort(np.abs(others - usual))
        smaller = apart[: math.ceil(USUAL_PART * len(apart))]
        spread = max(1.4826 * float(np.median(apart)), float(np.sqrt(np.mean(smaller**2))))
        after, before = levels[at + 1 : at + 1 + AROUND], levels[max(0, at + 1 - AROUND) : at + 1]
        lasting = float(np.median(after) - np.median(before))
        if min(len(before), len(after)) < LEAST_AROUND:
            continue
        far = abs(step - usual) > max(JUMP_SPREADS * spread, least)
        if far and step * lasting > 0 and abs(lasting) > LASTING * abs(step):
            found.append((rows[at], rows[at + 1], float(step), float(np.median(np.abs(others)))))
    return found


def _middle(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """Median of what is known; 0 where nothing is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def picture_of(plan: Plan, look: Look, empty: Sequence[str]) -> dict[str, object]:
    """Bands and ranges of values that show the last date which holds something: in natural colours where there are any.

    Returns:
        `date`, `bands` (numbers in the series) and `ranges` (lowest and highest value shown), of one band or three.
    """
    date = next((date for date in reversed(plan.dates) if date not in empty), plan.dates[-1])
    at, keys = plan.dates.index(date), plan.keys
    there: Mapping[str, str] = {role_of(plan, key): key[1] for key in keys if key[0] == date and role_of(plan, key)}
    names = [there[role] for role in ("red", "green", "blue") if role in there]
    if len(names) < 3:
        own = [key[1] for key in keys if key[0] == date]
        names = own[:3][::-1] if len(own) >= 3 else own[:1]
    ranges = []
    for name in names:
        band = plan.bands.index(name)
        low, high = float(look.low[at, band]), float(look.high[at, band])
        ranges.append([low, high] if low < high else [0.0, 1.0])
    return {"date": date, "bands": [keys.index((date, name)) + 1 for name in names], "ranges": ranges}
