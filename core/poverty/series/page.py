"""The check page of a series: what is there, how each band runs, and what speaks against it. Opens offline.

All text from files and users is escaped here or in the pieces that are used.
"""

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ...bands.values import CODINGS
from ...report import parts, svg
from ...report.page import document, made_by
from .join import Plan
from .names import some_of
from .pixels import Look, Numbers

Facts = Mapping[str, Any]
OWN_STYLE = """<style>
.heat td{text-align:center;border-bottom:2px solid var(--sheet);border-left:2px solid var(--sheet);padding:3px 8px}
.heat td:first-child,.heat th:first-child{text-align:left;border-left:0;font-weight:600;white-space:nowrap}
.heat th{text-align:center;white-space:nowrap}
table.heat{width:auto}
.heat.tight td:first-child{min-width:5.5em}
.heat td.v{background:color-mix(in srgb,var(--good) calc(var(--v)*62%),var(--cell))}
.heat td.none{background:none;color:var(--soft)}
.heat td.bad{background:color-mix(in srgb,var(--bad) 34%,var(--cell))}
.heat tr.gap td{color:var(--soft);font-weight:400}
.heat td.plain,.heat th.plain{text-align:left;color:var(--soft)}
.courses{display:grid;grid-template-columns:repeat(auto-fill,minmax(265px,1fr));gap:10px 22px}
.courses b{font-size:.95rem}
.courses small{color:var(--soft);margin-left:.5em}
ul.warnings{list-style:none;padding:0}
</style>"""
LONG = 40
"""Dates from which on those of a monthly series are shown as a calendar, and the table is folded away."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEAST_SPAN = 0.25
"""Of the usual contrast within the scene: the axis of a chart shows no less, or noise would look like change."""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 280.0, 120.0, 46.0, 8.0, 10.0, 24.0


def numbers_of(plan: Plan, look: Look, facts: Facts) -> dict[str, Any]:
    """All numbers of the page as plain JSON values: the facts of the series, and statistics by date and band."""
    rows = []
    for at, date in enumerate(plan.dates):
        for place, band in enumerate(plan.bands):
            if (date, band) in plan.pieces:
                values = {name: _plain(getattr(look, name), at, place) for name in ("valid", "low", "median", "high")}
                files = [piece.path for piece in plan.pieces[date, band]]
                rows.append({"date": date, "band": band, **values, "files": files})
    return {**facts, "pixels": look.pixels, "pixels_share": round(look.share, 6), "rows": rows}


def _plain(values: Numbers, at: int, place: int) -> float | None:
    value = float(values[at, place])
    return float(f"{value:.6g}") if math.isfinite(value) else None


def as_csv(numbers: Facts) -> str:
    """The statistics as a table: a row for each band of each date."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = ("date", "band", "valid", "low", "median", "high")
    writer.writerow(names)
    for row in numbers["rows"]:
        writer.writerow(["" if row[name] is None else row[name] for name in names])
    return file.getvalue()


def page(numbers: Facts, infos: Sequence[str], job: dict[str, Any]) -> str:
    """The whole page.

    Args:
        numbers: from `numbers_of`.
        infos: what else was said on the way.
        job: as plain values.
    """
    title = f"Series '{Path(str(job['output'])).stem}'"
    sensors = [] if _several_sensors(numbers) else [f"Sensor: {name}." for name in {*numbers["sensors"].values()}]
    said = [line for line in dict.fromkeys([*_scales(numbers), *sensors, *infos]) if line not in numbers["sentences"]]
    blocks = [
        OWN_STYLE, f"<h1>{escape(title)}</h1>", parts.paragraphs(numbers["sentences"], "soft"),
        _headline(numbers["warnings"]), _courses(numbers), _table(numbers),
        parts.listing("How it was made and checked", said), made_by(job),
    ]  # fmt: skip
    return document(title, blocks)


def _headline(warnings: Sequence[str]) -> str:
    if not warnings:
        return parts.paragraphs(["Nothing was found that speaks against this series."], "lead")
    many = "One thing" if len(warnings) == 1 else f"{len(warnings)} things"
    lines = "".join(f'<li class="warn">{escape(line)}</li>' for line in warnings)
    return parts.section(f"{many} to look at", f'<ul class="warnings">{lines}</ul>')


def _scales(numbers: Facts) -> list[str]:
    known: dict[str, list[str]] = {}
    for band, name in numbers["scale"].items():
        known.setdefault(CODINGS[name].title if name else "", []).append(band)
    lines = []
    for title, bands in known.items():
        lines.append(f"Numbers of {some_of(bands)}: {title or 'not known what they mean'}.")
    return lines


def _every(numbers: Facts) -> list[str]:
    """Dates that are there and those that are missing between them."""
    return sorted({*numbers["dates"], *numbers["gaps"]})


# The table ---------------------------------------------------------------------------------------------------------


def _several_sensors(numbers: Facts) -> bool:
    return len(set(numbers["sensors"].values())) > 1


def _table(numbers: Facts) -> str:
    """Dates in rows, bands in columns, shares of valid pixels in the cells."""
    bands, cells = numbers["bands"], {(row["date"], row["band"]): row for row in numbers["rows"]}
    clouds = numbers["clouded"]
    sensors = numbers["sensors"] if _several_sensors(numbers) else {}
    heads = ["Date", *(["Clouded"] if clouds else []), *bands]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads) + ('<th class="plain">Sensor</th>' if sensors else "")
    lines = []
    for date in _every(numbers):
        if date in numbers["gaps"]:
            lines.append(
                f'<tr class="gap"><td>{escape(date)}</td><td class="none" colspan="{len(heads)}">missing</td></tr>'
            )
            continue
        row = "".join(_cell(cells.get((date, band)), date in numbers["empty"]) for band in bands)
        if clouds:
            shown = f"{100 * clouds[date]:.0f} %" if date in clouds else "–"
            row = f'<td class="none">{shown}</td>{row}'
        row += f'<td class="plain">{escape(sensors.get(date, "–"))}</td>' if sensors else ""
        lines.append(f"<tr><td>{escape(date)}</td>{row}</tr>")
    told = "Share of the pixels that are valid; – where a date lacks the band."
    if clouds:
        told += " Clouded: pixels whose blue is more than 0.1 of reflectance above their own median over all dates."
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    table = f'<div class="scroll"><table class="tight heat">{body}</table></div>'
    soft = parts.paragraphs([told], "soft")
    if len(numbers["dates"]) < LONG:
        return parts.section("What is there", table, soft)
    folded = f"<details><summary>All {len(numbers['dates'])} dates</summary>{table}{soft}</details>"
    return parts.section("What is there", _calendar(numbers), folded)


def _calendar(numbers: Facts) -> str:
    """Years in rows, months in columns, and shares of pixels that are valid in some band; empty unless monthly."""
    if numbers["frequency"] != "monthly":
        return ""
    valid, lines = numbers["valid"], []
    for year in sorted({date[:4] for date in numbers["dates"]}):
        cells = ""
        for month in range(1, 13):
            date = f"{year}-{month:02d}"
            row = {"valid": valid[date]} if date in valid else None
            cells += _cell(row, date in numbers["empty"])
        lines.append(f"<tr><td>{year}</td>{cells}</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("", *MONTHS))
    table = f'<table class="tight heat"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    told = "Share of the pixels that are valid in some band; – where a month is missing."
    return f'<div class="scroll">{table}</div>{parts.paragraphs([told], "soft")}'


def _cell(row: Facts | None, empty: bool) -> str:
    if row is None or row["valid"] is None:
        return '<td class="none">–</td>'
    share = row["valid"]
    shown = f"{100 * share:.0f}" if share in (0, 1) or 0.01 <= share < 0.995 else "<1" if share < 0.01 else ">99"
    if empty:
        return f'<td class="bad">{"empty" if not share else "flat"}</td>'
    return f'<td class="v" style="--v:{share:.3f}">{escape(shown)} %</td>'


# The courses -------------------------------------------------------------------------------------------------------


def _courses(numbers: Facts) -> str:
    """A small chart of the median of each band."""
    every = _every(numbers)
    if len(every) < 2:
        return ""
    marks = [(jump["to"], one["band"]) for jump in numbers["jumps"] for one in jump["bands"]]
    charts = []
    for band in numbers["bands"]:
        rows = [row for row in numbers["rows"] if row["band"] == band and row["median"] is not None]
        rows = [row for row in rows if row["date"] not in numbers["empty"]]
        if rows:
            known = {row["date"]: row["median"] for row in rows}
            contrast = statistics.median(row["high"] - row["low"] for row in rows)
            coding = numbers["scale"].get(band, "")
            unit = f"<small>{escape(CODINGS[coding].title)}</small>" if coding else ""
            chart = _chart(band, every, known, contrast, [date for date, name in marks if name == band])
            charts.append(f"<div><b>{escape(band)}</b>{unit}{chart}</div>")
    if not charts:
        return ""
    told = "Median of the valid pixels at each date. A line is broken where a date is missing or empty."
    if marks:
        told += " Dashed: the level of the whole scene jumps."
    return parts.section(
        "How each band runs", f'<div class="courses">{"".join(charts)}</div>', parts.paragraphs([told], "soft")
    )


def _chart(band: str, every: Sequence[str], known: Mapping[str, float], contrast: float, marks: Sequence[str]) -> str:
    low, high = min(known.values()), max(known.values())
    pad = max(0.08 * (high - low), (LEAST_SPAN * contrast - (high - low)) / 2) or abs(high) * 0.1 or 1.0
    low, high = low - pad, high + pad
    step = (WIDTH - LEFT - RIGHT) / max(len(every) - 1, 1)
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2 if len(every) == 1 else LEFT

    def at(place: int, value: float) -> tuple[float, float]:
        return middle + step * place, TOP + HEIGHT * (1 - (value - low) / (high - low))

    body = _axes(every, low, high, at)
    runs: list[list[int]] = []
    for place, date in enumerate(every):
        if date in known:
            runs = [*runs[:-1], [*runs[-1], place]] if runs and runs[-1][-1] == place - 1 else [*runs, [place]]
    for run in runs:
        line = "L".join("{:.1f} {:.1f}".format(*at(place, known[every[place]])) for place in run)
        body.append(f'<path class="curve" d="M{line}"/>' if len(run) > 1 else "")
    for date in marks:
        x = at(every.index(date), low)[0] - step / 2
        body.append(f'<path class="mark" d="M{x:.1f} {TOP:.0f}v{HEIGHT:.0f}"/>')
    radius = 3.2 if len(every) <= 40 else 1.8
    for place, date in enumerate(every):
        if date in known:
            x, y = at(place, known[date])
            tip = f"{date}: {known[date]:.6g}"
            body.append(
                f'<circle class="good" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(tip)}</title></circle>'
            )
    return svg.picture(WIDTH, TOP + HEIGHT + BOTTOM, f"Median of {band} over time", body)


def _axes(every: Sequence[str], low: float, high: float, at: Any) -> list[str]:
    """Three lines with values, and the dates that fit."""
    body = []
    tick = svg.round_below((high - low) / 2)
    value = math.ceil(low / tick) * tick
    while value <= high:
        y = at(0, value)[1]
        body.append(f'<path class="grid" d="M{LEFT:.0f} {y:.1f}H{WIDTH - RIGHT:.0f}"/>')
        shown = f"{value:.6g}" if abs(value) > tick / 1e3 else "0"
        body.append(svg.text(LEFT - 6, y + 4, shown.replace("-", "−"), anchor="end", kind="soft"))
        value += tick
    y = TOP + HEIGHT + 18
    last = len(every) - 1
    for place, anchor in ((0, "start"), (last, "end")) if last else ((0, "middle"),):
        body.append(svg.text(at(place, low)[0], y, every[place], anchor=anchor, kind="soft"))
    if last >= 4:
        half = last // 2
        body.append(svg.text(at(half, low)[0], y, every[half], anchor="middle", kind="soft"))
    return body
