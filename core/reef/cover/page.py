"""Cover as one HTML page that opens offline: over time, by site, diversity, and what to know. Numbers come as rows."""

import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from ...jobs.reef.cover import DATE, METHODS, SITE, SITE_DATE, SURVEY
from ...report.page import document, made_by
from ...report.parts import figure, listing, paragraphs, row, section, table
from . import pictures
from .diversity import RICHNESS, TITLES
from .pictures import Dot

Rows = Sequence[dict[str, Any]]
MOST_PANELS, MOST_WIDE, MOST_NARROW, MOST_PLACES, MOST_ROWS = 9, 6, 17, 40, 60
FEWEST, MOST = 3, 12
"""Classes of the level that is shown: the first level with so many, or the last with no more."""
ON_PAGE = (SURVEY, SITE, DATE)
"""Groups whose diversity is on the page."""
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
        _panels("By site", [r for r in shown if r["per"] == SITE], order, ("site",)),
        _panels("Over time", [r for r in shown if r["per"] == DATE], order, ("date",)),
        _panels("By site and date", [r for r in shown if r["per"] == SITE_DATE], order, ("site", "date")),
        _panels(
            f"By {job['group_field']}", [r for r in shown if r["per"] == job["group_field"]], order, ("value",)
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
    body = [row(_named(r), pictures.percent(r["cover"]), pictures.interval(r)) for r in rows[:MOST_ROWS]]
    lead = [
        f"{rows[0]['photos']:,} photos, {rows[0]['labelled']:,} of them labelled whole by people. Level {level} of the "
        f"label tree. Estimate: {METHOD_WORDS[rows[0]['method']]}."
    ]
    return section("The survey", paragraphs(lead), table(heads, body))


def _named(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['label']})" if one["name"] and one["name"] != one["label"] else str(one["label"])


def _in_order(name: str) -> list[tuple[int, str]]:
    """A key by which site 9 comes before site 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def _panels(title: str, rows: Rows, order: Sequence[str], keys: tuple[str, ...]) -> str:
    """One small picture for each of the most frequent labels; a wide one where places are told by date."""
    places = sorted({tuple(str(r[key]) for key in keys) for r in rows}, key=lambda place: [*map(_in_order, place)])
    if len(places) < 2:
        return ""
    wide = len(keys) > 1 or (keys != ("date",) and len(places) > MOST_NARROW)
    met = {r["label"] for r in rows}
    drawn = places[:MOST_PLACES]
    made = []
    for label in [label for label in order if label in met][: MOST_WIDE if wide else MOST_PANELS]:
        own = {tuple(str(r[key]) for key in keys): r for r in rows if r["label"] == label}
        name = _named(next(iter(own.values())))
        dots = [Dot(place[-1], own.get(place)) for place in drawn]
        if len(keys) > 1:
            groups = {place[0]: [dot for other, dot in zip(drawn, dots, strict=True) if other[0] == place[0]]
                      for place in drawn}  # fmt: skip
            made.append(pictures.by_place_over_time(name, list(groups.items())))
        else:
            made.append(pictures.over_time(name, dots) if keys == ("date",) else pictures.by_place(name, dots, wide))
    methods = sorted({r["method"] for r in rows}, key=METHODS.index)
    caption = "Dots: mean cover over photos; bars: its interval. Estimates: " + "; ".join(
        METHOD_WORDS[method] for method in methods
    )
    more = f" The first {MOST_PLACES} of {len(places)} are drawn." if len(places) > MOST_PLACES else ""
    each = "".join(f'<div class="scroll">{one}</div>' for one in made) if wide else "".join(made)
    whole = each if wide else f'<div class="trio">{each}</div>'
    return section(title, figure(whole, f"{caption}.{more}"))


def _diversity(rows: Rows) -> str:
    if not rows:
        return ""
    kept: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in rows:
        if one["per"] in ON_PAGE:
            kept.setdefault((*group_key(one), one["method"]), {})[one["index"]] = one
    body = []
    for key, found in list(kept.items())[:MOST_ROWS]:
        name = " ".join(part for part in key[1:-1] if part) or "all photos"
        cells = [_index(found[index]) for index in TITLES]
        body.append(row(name, key[-1], str(next(iter(found.values()))["photos"]), *cells))
    note = (
        "By the jackknife over photos, in brackets its interval; of labels met those counted, in brackets the "
        "jackknife. Other groups, and all as counted, stand in the table of diversity."
    )
    return section(
        "Diversity",
        table(["Photos of", "By", "Photos", *TITLES.values()], body, tight=True),
        paragraphs([note], "soft"),
    )


def _index(one: dict[str, Any]) -> str:
    if math.isnan(one["counted"]):
        return "–"
    if one["index"] == RICHNESS:
        return f"{one['counted']:.0f}" + ("" if math.isnan(one["jackknife"]) else f" ({one['jackknife']:.1f})")
    if math.isnan(one["low"]):
        return f"{one['counted']:.2f}"
    return f"{one['jackknife']:.2f} ({one['low']:.2f} to {one['high']:.2f})"
