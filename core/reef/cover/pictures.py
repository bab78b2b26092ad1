"""Pictures of the cover page: one label by place or over time, a dot with its interval each; dates to scale."""

import math
import re
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Any, NamedTuple

from ...report import svg

TOP, LEFT, HIGH, RIGHT = 30.0, 44.0, 130.0, 12.0
NARROW, WIDE = 300.0, 920.0
APART_PX = 13.0
"""Turned labels nearer than this would lie on one another."""
MARGIN = 0.1
"""Of the width, beside the first and the last date."""
ISO = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


class Dot(NamedTuple):
    """What is drawn of a group of photos."""

    name: str
    """Below the axis."""
    row: dict[str, Any] | None
    """Of the table of cover; None where the label was not met."""


def percent(value: float) -> str:
    """Of a share; words where nobody knows."""
    return "not known" if math.isnan(value) else f"{100 * value:.1f} %"


def interval(one: dict[str, Any]) -> str:
    """Limits of a row; a dash where there are none."""
    return "–" if math.isnan(one["high"]) else f"{100 * one['low']:.1f} to {100 * one['high']:.1f} %"


def by_place(title: str, dots: Sequence[Dot], wide: bool = False) -> str:
    """Side by side, in their order."""
    width = WIDE if wide else NARROW
    axis = _Axis(dots, width)
    across = (width - LEFT - RIGHT) / len(dots)
    places = [LEFT + across * (number + 0.5) for number in range(len(dots))]
    return _picture(title, [*axis.lines(), *axis.draw(dots, places, joined=False), *_names(dots, places)], width, dots)


def over_time(title: str, dots: Sequence[Dot]) -> str:
    """At their dates, which are the names, joined by a line."""
    axis = _Axis(dots, NARROW)
    places = _times([dot.name for dot in dots], LEFT, NARROW - RIGHT)
    return _picture(title, [*axis.lines(), *axis.draw(dots, places, joined=True), *_names(dots, places)], NARROW, dots)


def by_place_over_time(title: str, groups: Sequence[tuple[str, Sequence[Dot]]]) -> str:
    """A part of the width for each place, its dates to scale within: (place, dots), names of dots being dates."""
    every = [dot for _, dots in groups for dot in dots]
    axis = _Axis(every, WIDE)
    body, across = axis.lines(), (WIDE - LEFT - RIGHT) / len(groups)
    first, last = min(dot.name for dot in every), max(dot.name for dot in every)
    for number, (place, dots) in enumerate(groups):
        begin = LEFT + across * number
        if number:
            body.append(f'<line x1="{begin:.1f}" x2="{begin:.1f}" y1="{TOP:.1f}" y2="{TOP + HIGH:.1f}" '
                        'stroke="var(--line)"/>')  # fmt: skip
        # The same scale everywhere, so that sites visited in other years can be told.
        places = _times([first, *(dot.name for dot in dots), last], begin, begin + across)[1:-1]
        body += axis.draw(dots, places, joined=True)
        body += _names(dots, places)
        most = max(int(across / svg.WORDS_PX), 4)
        body.append(svg.text(begin + across / 2, TOP - 4, svg.shortened(place, most), anchor="middle", kind="soft"))
    return _picture(title, body, WIDE, every)


class _Axis:
    """From 0 to a round share above all limits."""

    def __init__(self, dots: Sequence[Dot], width: float) -> None:
        there = [dot.row for dot in dots if dot.row is not None]
        limits = [one[name] for one in there for name in ("cover", "high") if not math.isnan(one[name])]
        top = max([*limits, 0.01])
        self.step = svg.round_below(top / 3)
        self.end = self.step * math.ceil(top / self.step - 1e-9)
        self.width = width

    def at(self, share: float) -> float:
        """Its y."""
        return float(TOP + HIGH * (1 - share / self.end))

    def lines(self) -> list[str]:
        """Grid with its shares."""
        body = []
        for tick in range(round(self.end / self.step) + 1):
            y = self.at(tick * self.step)
            body.append(f'<line x1="{LEFT:.1f}" x2="{self.width:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>')
            body.append(svg.text(LEFT - 6, y + 4, f"{100 * tick * self.step:g} %", anchor="end"))
        return body

    def draw(self, dots: Sequence[Dot], places: Sequence[float], *, joined: bool) -> list[str]:
        """Dots with their intervals; a line breaks where nothing is known."""
        lines, marks = [], []
        last: tuple[float, float] | None = None
        for dot, x in zip(dots, places, strict=True):
            if dot.row is None or math.isnan(dot.row["cover"]):
                last = None
                continue
            y = self.at(dot.row["cover"])
            if joined and last:
                lines.append(f'<line x1="{last[0]:.1f}" y1="{last[1]:.1f}" x2="{x:.1f}" y2="{y:.1f}" '
                             'stroke="var(--muted)"/>')  # fmt: skip
            if not math.isnan(dot.row["high"]):
                ends = (self.at(dot.row["high"]), self.at(dot.row["low"]))
                lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ends[0]:.1f}" y2="{ends[1]:.1f}" '
                             'stroke="var(--ink)"/>')  # fmt: skip
            tip = escape(f"{dot.name}: {percent(dot.row['cover'])} ({interval(dot.row)})")
            marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="var(--good)"><title>{tip}</title></circle>')
            last = (x, y)
        return [*lines, *marks]


def _names(dots: Sequence[Dot], places: Sequence[float]) -> list[str]:
    """Names below, but for those that would lie on the one before."""
    body, last = [], -math.inf
    for dot, x in zip(dots, places, strict=True):
        if x - last >= APART_PX:
            body.append(svg.text(x + 4, TOP + HIGH + 12, svg.shortened(dot.name, 16), anchor="end", turn=-55))
            last = x
    return body


def _times(names: Sequence[str], begin: float, end: float) -> list[float]:
    """Where dates stand between two x, to scale; evenly where one of them is none."""
    days = [_day(name) for name in names]
    edge = MARGIN * (end - begin)
    if any(day is None for day in days) or len({*days}) < 2:
        across = (end - begin) / len(names)
        return [begin + across * (number + 0.5) for number in range(len(names))]
    known = [float(day or 0) for day in days]
    low, high = min(known), max(known)
    return [begin + edge + (end - begin - 2 * edge) * (day - low) / (high - low) for day in known]


def _day(name: str) -> float | None:
    """Days since the year 1, of the middle where a month or year is all that is known."""
    found = ISO.match(name)
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        return float(date(int(year), int(month or 7), int(day or (15 if month else 1))).toordinal())
    except ValueError:
        return None


def _picture(title: str, body: Sequence[str], width: float, dots: Sequence[Dot]) -> str:
    room = 6.0 * max(len(svg.shortened(dot.name, 16)) for dot in dots) * 0.8
    head = svg.text(0, 14, svg.shortened(title, round(width / 8)), kind="strong")
    least = width * 0.7 if width > NARROW else 0.0
    return svg.picture(width, TOP + HIGH + (34 if least else 22) + room, title, [head, *body], least_px=least)
