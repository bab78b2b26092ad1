"""Cover as one HTML page that opens offline: over time, by site, diversity, and what to know. Numbers come as rows."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from ...jobs.reef.cover import DATE, METHODS, SITE, SITE_DATE, SURVEY
from ...report import svg
from ...report.page import document, made_by
from ...report.parts import figure, listing, paragraphs, row, section, table
from .diversity import RICHNESS, TITLES

Rows = Sequence[dict[str, Any]]
MOST_PANELS, MOST_PLACES, MOST_ROWS = 9, 40, 60
FEWEST, MOST = 3, 12
"""Classes of the level that is shown: the first level with so many, or the last with no more."""
PANEL, TOP, LEFT, HIGH = 300.0, 30.0, 44.0, 130.0
METHOD_WORDS = {
    "powered": "machine on all photos, corrected by its mean error on those that people labelled (powered)",
    "people": "photos that people labelled",
    "corrected": "machine, turned back through its table of confusions",
    "machine": "machine alone: the interval does not hold its errors",
    "mixed": "people where they labelled, else the machine: the interval does not hold its errors",
}


def level_shown(rows: Rows) -> int:
    """Level of the tree whose classes fit a page."""
    sizes: dict[int, int] = {
        level: len({r["label"] for r in rows if r["level"] == level}) for level in {int(r["level"]) for r in rows}
    }
    enough = [level for level in sorted(sizes) if FEWEST <= sizes[level] <= MOST]
    small = [level for level in sorted(sizes) if sizes[level] <= MOST]
    return enough[0] if enough else small[-1] if small else min(sizes)


def best_of(rows: Rows) -> dict[tuple[str, ...], str]:
    """Method shown for each group: the first of the list that gave an interval, or else any."""
    there: dict[tuple[str, ...], set[tuple[int, str]]] = {}
    for one in rows:
        bare = int(math.isnan(one["high"]))
        there.setdefault(group_key(one), set()).add((bare, one["method"]))
    return {key: min(found, key=lambda pair: (pair[0], METHODS.index(pair[1])))[1] for key, found in there.items()}


def group_key(one: dict[str, Any]) -> tuple[str, ...]:
    """What tells a group."""
    return tuple(str(one.get(name, "")) for name in ("per", "site", "transect", "date", "photo", "value"))


def page(rows: Rows, diversity: Rows, notes: Sequence[str], job: dict[str, Any], subtitle: str) -> str:
    """The whole page."""
    level, best = level_shown(rows), best_of(rows)
    shown = [r for r in rows if r["level"] == level and r["method"] == best[group_key(r)]]
    order = _order(shown)
    blocks = [
        "<h1>Cover of photo survey</h1>",
        f'<p class="soft">{escape(subtitle)}</p>',
        _whole(shown, level, job),
        _panels("By site", [r for r in shown if r["per"] == SITE], order, ("site",), joined=False),
        _panels("Over time", [r for r in shown if r["per"] == DATE], order, ("date",), joined=True),
        _panels("By site and date", [r for r in shown if r["per"] == SITE_DATE], order, ("site", "date"), joined=False),
        _panels(
            f"By {job['group_field']}", [r for r in shown if r["per"] == job["group_field"]], order, ("value",),
            joined=False,
        ),
        _diversity(diversity),
        listing("What to know", notes),
        made_by(job),
    ]  # fmt: skip
    return document("Cover of photo survey", blocks)


def _order(shown: Rows) -> list[str]:
    """Labels, the most frequent first."""
    most: dict[str, float] = {}
    for one in shown:
        most[one["label"]] = max(most.get(one["label"], 0.0), _number(one["cover"]))
    return sorted(most, key=lambda label: -most[label])


def _number(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _whole(shown: Rows, level: int, job: dict[str, Any]) -> str:
    rows = [r for r in shown if r["per"] == SURVEY]
    if not rows:
        return ""
    heads = ["Label", "Cover", f"{job['level']:g} % interval"]
    rows = sorted(rows, key=lambda r: -_number(r["cover"]))
    body = [row(_named(r), _percent(r["cover"]), _interval(r)) for r in rows[:MOST_ROWS]]
    lead = [
        f"{rows[0]['photos']:,} photos, {rows[0]['labelled']:,} of them labelled whole by people. Level {level} of the "
        f"label tree. Estimate: {METHOD_WORDS[rows[0]['method']]}."
    ]
    return section("The survey", paragraphs(lead), table(heads, body))


def _named(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['label']})" if one["name"] and one["name"] != one["label"] else str(one["label"])


def _percent(value: float) -> str:
    return "not known" if math.isnan(value) else f"{100 * value:.1f} %"


def _interval(one: dict[str, Any]) -> str:
    return "–" if math.isnan(one["high"]) else f"{100 * one['low']:.1f} to {100 * one['high']:.1f} %"


def _panels(title: str, rows: Rows, order: Sequence[str], keys: tuple[str, ...], *, joined: bool) -> str:
    """One small picture for each of the most frequent labels."""
    places = sorted({tuple(str(r[key]) for key in keys) for r in rows})
    if len(places) < 2:
        return ""
    met = {r["label"] for r in rows}
    names = [" ".join(place) for place in places[:MOST_PLACES]]
    pictures = []
    for label in [label for label in order if label in met][:MOST_PANELS]:
        own = {tuple(str(r[key]) for key in keys): r for r in rows if r["label"] == label}
        pictures.append(_picture(names, [own.get(place) for place in places[:MOST_PLACES]], joined=joined))
    methods = sorted({r["method"] for r in rows}, key=METHODS.index)
    caption = "Dots: mean cover over photos; bars: its interval. Estimates: " + "; ".join(
        METHOD_WORDS[method] for method in methods
    )
    more = f" The first {MOST_PLACES} of {len(places)} are drawn." if len(places) > MOST_PLACES else ""
    return section(title, figure(f'<div class="trio">{"".join(pictures)}</div>', f"{caption}.{more}"))


def _picture(names: Sequence[str], points: Sequence[dict[str, Any] | None], *, joined: bool) -> str:
    there = [one for one in points if one is not None]
    top = max([_number(one["high"]) for one in there] + [_number(one["cover"]) for one in there] + [0.01])
    step = svg.round_below(top / 3)
    end = step * math.ceil(top / step - 1e-9)
    across = (PANEL - LEFT - 10) / len(names)
    body = [svg.text(0, 14, svg.shortened(_named(there[0]), 38), kind="strong")]
    for tick in range(round(end / step) + 1):
        y = TOP + HIGH * (1 - tick * step / end)
        body.append(f'<line x1="{LEFT:.1f}" x2="{PANEL:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>')
        body.append(svg.text(LEFT - 6, y + 4, f"{100 * tick * step:g} %", anchor="end"))
    last: tuple[float, float] | None = None
    for number, one in enumerate(points):
        x = LEFT + across * (number + 0.5)
        if one is None or math.isnan(one["cover"]):
            last = None
            continue
        y = TOP + HIGH * (1 - one["cover"] / end)
        if joined and last:
            body.append(
                f'<line x1="{last[0]:.1f}" y1="{last[1]:.1f}" x2="{x:.1f}" y2="{y:.1f}" stroke="var(--muted)"/>'
            )
        if not math.isnan(one["high"]):
            high, low = (TOP + HIGH * (1 - one[side] / end) for side in ("high", "low"))
            body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{high:.1f}" y2="{low:.1f}" stroke="var(--ink)"/>')
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="var(--good)"><title>{escape(names[number])}: '
                    f"{_percent(one['cover'])} ({_interval(one)})</title></circle>")  # fmt: skip
        last = (x, y)
    room = 6.0 * max(len(svg.shortened(name, 16)) for name in names) * 0.8
    for number, name in enumerate(names):
        x = LEFT + across * (number + 0.5)
        body.append(svg.text(x + 4, TOP + HIGH + 12, svg.shortened(name, 16), anchor="end", turn=-55))
    return svg.picture(PANEL, TOP + HIGH + 22 + room, _named(there[0]), body)


def _diversity(rows: Rows) -> str:
    if not rows:
        return ""
    kept: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in rows:
        if one["per"] != "photo":
            kept.setdefault((*group_key(one), one["method"]), {})[one["index"]] = one
    body = []
    for key, found in list(kept.items())[:MOST_ROWS]:
        name = " ".join(part for part in key[1:-1] if part) or "all photos"
        cells = [_index(found[index]) for index in TITLES]
        body.append(row(name, key[-1], str(next(iter(found.values()))["photos"]), *cells))
    note = (
        "Counted; in brackets the jackknife over photos with its interval. Labels that no photo shows are in neither."
    )
    return section(
        "Diversity",
        table(["Photos of", "By", "Photos", *TITLES.values()], body, tight=True),
        paragraphs([note], "soft"),
    )


def _index(one: dict[str, Any]) -> str:
    if math.isnan(one["counted"]):
        return "–"
    if one["index"] == RICHNESS and not math.isnan(one["jackknife"]):
        return f"{one['counted']:.0f} ({one['jackknife']:.1f})"
    if math.isnan(one["low"]):
        return f"{one['counted']:.2f}"
    return f"{one['counted']:.2f} ({one['jackknife']:.2f}: {one['low']:.2f} to {one['high']:.2f})"
