"""The stop sign as one HTML page that opens offline: sign, cover error and hF by batch, trust, what to know."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from ...report import svg
from ...report.page import document, made_by
from ...report.parts import figure, listing, paragraphs, row, section, table
from ...wording import counted

Facts = dict[str, Any]
MOST_PANELS, MOST_ROWS, MOST_BATCHES = 9, 20, 40
PANEL, TOP, LEFT, HIGH = 300.0, 30.0, 46.0, 130.0
LARGE = 620.0
FEWEST_TRAINED = 3
"""Batches of different training below which a gain is no curve."""


def page(facts: Facts, job: Facts) -> str:
    """The whole page, from the facts of the job."""
    blocks = [
        "<h1>Is the machine good enough?</h1>",
        paragraphs(
            [f"{counted(facts['checked_photos'], 'photo')} checked by people that the machine did not learn from."],
            "soft",
        ),
        section("Stop" if facts["stop"] else "Go on", paragraphs([facts["sentence"]], "lead")),
        _errors(facts),
        _last(facts),
        _agreement(facts),
        _gain(facts),
        _trust(facts),
        listing("What to know", [*facts["warnings"], *facts["sentences"][1:], *_known()]),
        made_by(job),
    ]
    return document("Is the machine good enough?", blocks)


def _known() -> list[str]:
    return [
        "Cover error: mean over the photos of a batch of the difference between cover by the machine and by people.",
        "Intervals are of 95 %, with the photo as the unit; where a batch shows no error at all, as many points could "
        "still hide one.",
        "That photos were checked in an order that has nothing to do with what they show is taken on trust.",
        "Who sees suggestions agrees with them more often than who does not: hide them for some photos to know by how "
        "much.",
    ]


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def _errors(facts: Facts) -> str:
    """One small picture for each group, the worst first."""
    batches = facts["batches"][-MOST_BATCHES:]
    if not batches:
        return ""
    last = {group["code"]: group["high"] for group in batches[-1]["groups"]}
    groups = sorted(facts["groups"], key=lambda group: -last[group["code"]])[:MOST_PANELS]
    pictures = []
    for group in groups:
        own = [next(one for one in batch["groups"] if one["code"] == group["code"]) for batch in batches]
        dots = [(one["error"], one["low"], one["high"], one["passes"]) for one in own]
        pictures.append(_panel(group["name"], dots, facts["tolerance"], len(facts["batches"]) - len(batches)))
    more = f" The {MOST_PANELS} groups with the highest limits are drawn." if len(facts["groups"]) > MOST_PANELS else ""
    caption = (
        f"Dots: cover error of each batch in points of per cent; bars: its interval. Dashed: the tolerance of "
        f"{_percent(facts['tolerance'])}. Blue: the interval lies below it.{more}"
    )
    return section("Cover error by batch", figure(f'<div class="trio">{"".join(pictures)}</div>', caption))


def _panel(
    title: str, dots: Sequence[tuple[float, float, float, bool]], tolerance: float, skipped: int
) -> str:  # fmt: skip
    top = max(tolerance * 1.15, *(high for _, _, high, _ in dots))
    y, body = _scale(top, PANEL)
    body.insert(0, svg.text(0, 14, svg.shortened(title, 38), kind="strong"))
    body.append(f'<path class="mark" d="M{LEFT:.1f} {y(tolerance):.1f}H{PANEL:.1f}"/>')
    across = (PANEL - LEFT) / len(dots)
    for number, (error, low, high, passes) in enumerate(dots):
        x = LEFT + across * (number + 0.5)
        tip = f"batch {skipped + number + 1}: {_percent(error)} ({_percent(low)} to {_percent(high)})"
        body.append(f'<path class="whisker" d="M{x:.1f} {y(low):.1f}V{y(high):.1f}"/>')
        body.append(f'<circle class="{"good" if passes else "bad"} dot" cx="{x:.1f}" cy="{y(error):.1f}" r="4.5">'
                    f"<title>{escape(tip)}</title></circle>")  # fmt: skip
    body += _numbers(len(dots), skipped, PANEL)
    return svg.picture(PANEL, TOP + HIGH + 38, f"Cover error of {title} by batch", body)


def _scale(top: float, width: float, *, percent: bool = True) -> tuple[Callable[[float], float], list[str]]:
    """Height of a share on the picture, and lines with numbers from 0 up."""
    step = svg.round_below(top / 3)
    end = step * math.ceil(top / step - 1e-9)

    def y(value: float) -> float:
        return TOP + HIGH * (1 - value / end)

    def words(value: float) -> str:
        return f"{100 * value:g} %" if percent else f"{value:g}"

    body = []
    for tick in range(round(end / step) + 1):
        body.append(f'<path class="grid" d="M{LEFT:.1f} {y(tick * step):.1f}H{width:.1f}"/>')
        body.append(svg.text(LEFT - 6, y(tick * step) + 4, words(tick * step), anchor="end", kind="soft"))
    return y, body


def _numbers(count: int, skipped: int, width: float) -> list[str]:
    """Numbers of the batches below a picture, as many as fit."""
    across, every = (width - LEFT) / count, max(1, math.ceil(count * 24 / (width - LEFT)))
    body = [
        svg.text(
            LEFT + across * (number + 0.5), TOP + HIGH + 16, str(skipped + number + 1), anchor="middle", kind="soft"
        )
        for number in range(0, count, every)
    ]
    return [*body, svg.text((LEFT + width) / 2, TOP + HIGH + 34, "Batch", anchor="middle")]


def _last(facts: Facts) -> str:
    """The last batch as a table."""
    if not facts["batches"]:
        return ""
    last = facts["batches"][-1]
    names = {group["code"]: group["name"] for group in facts["groups"]}
    groups = sorted(last["groups"], key=lambda group: -group["high"])[:MOST_ROWS]
    body = [
        row(names[one["code"]], _percent(one["human"]), _percent(one["machine"]), _percent(one["error"]),
            f"{100 * one['low']:.1f} to {100 * one['high']:.1f} %", "yes" if one["passes"] else "no")
        for one in groups
    ]  # fmt: skip
    models = ", ".join(last["models"])
    lead = f"{last['photos']} photos, finished {_when(last)}; suggestions by {models}, which learnt from about " \
           f"{last['trained']:,} photos."  # fmt: skip
    heads = ["Group", "Cover by people", "By the machine", "Error", "Its interval", "Below the tolerance"]
    more = f"The {MOST_ROWS} groups with the highest limits; all are in the table of batches."
    rest = paragraphs([more], "soft") if len(last["groups"]) > MOST_ROWS else ""
    return section("The last batch", paragraphs([lead]), table(heads, body), rest)


def _when(batch: Facts) -> str:
    first, last = batch["first"][:10], batch["last"][:10]
    if not last:
        return "at a time that was not noted"
    return f"on {last}" if first in ("", last) else f"from {first} to {last}"


def _agreement(facts: Facts) -> str:
    """Hierarchical F by batch."""
    batches = [one for one in facts["batches"][-MOST_BATCHES:] if one["f"] is not None]
    if not batches:
        return ""
    y, body = _scale(1.0, LARGE, percent=False)
    across = (LARGE - LEFT) / len(batches)
    for number, one in enumerate(batches):
        x = LEFT + across * (number + 0.5)
        tip = f"hF {one['f']:.3f}, hP {one['precision']:.3f}, hR {one['recall']:.3f}"
        if one["f_low"] is not None and one["f_high"] is not None:
            body.append(f'<path class="whisker" d="M{x:.1f} {y(one["f_low"]):.1f}V{y(one["f_high"]):.1f}"/>')
        body.append(
            f'<circle class="good dot" cx="{x:.1f}" cy="{y(one["f"]):.1f}" r="3.5"><title>{tip}</title></circle>'
        )
    body += _numbers(len(batches), len(facts["batches"]) - len(batches), LARGE)
    last = batches[-1]
    caption = (
        f"hF: agreement in the label tree, a near miss counted for what it shares. Bars: 95 % intervals over photos. "
        f"Last batch: hF {last['f']:.3f}, precision {last['precision']:.3f}, recall {last['recall']:.3f}."
    )
    return section(
        "Agreement by batch", figure(svg.picture(LARGE, TOP + HIGH + 38, "hF by batch", body), caption, wide=True)
    )


def _gain(facts: Facts) -> str:
    """Error against the photos learnt from, with its power law, and what twice as many would bring."""
    batches = facts["batches"]
    law: Sequence[float] | None = facts["laws"].get("f")
    if law is None or len({one["trained"] for one in batches}) < FEWEST_TRAINED:
        return ""
    scale, power, floor = law
    known = [one for one in batches if one["trained"] > 0 and one["f"] is not None]
    far = 2.0 * max(one["trained"] for one in known)

    def at(trained: float) -> float:
        return float(scale * trained**-power + floor)

    first: float = min(one["trained"] for one in known)
    top = max([1 - one["f"] for one in known] + [min(at(first), 1.0), 0.01])
    y, body = _scale(top, LARGE, percent=False)

    def x(trained: float) -> float:
        return float(LEFT + (LARGE - LEFT - 10) * trained / far)

    steps = [first + (far - first) * step / 80 for step in range(81)]
    body.append('<path class="curve" d="M' + "L".join(f"{x(n):.1f} {y(min(at(n), top)):.1f}" for n in steps) + '"/>')
    for one in known:
        body.append(f'<circle class="muted dot" cx="{x(one["trained"]):.1f}" cy="{y(1 - one["f"]):.1f}" r="4.5"/>')
    for tick in range(0, math.floor(far) + 1, max(1, round(svg.round_below(far / 4)))):
        body.append(svg.text(x(tick), TOP + HIGH + 16, f"{tick:,}", anchor="middle", kind="soft"))
    body.append(svg.text((LEFT + LARGE) / 2, TOP + HIGH + 34, "Photos learnt from", anchor="middle"))
    gain = at(far / 2) - at(far)
    caption = (
        f"1 - hF of each batch against the photos that its model had learnt from, and a power law through them. Twice "
        f"as many as now would raise hF by about {gain:.3f}."
    )
    return section(
        "What more photos bring",
        figure(svg.picture(LARGE, TOP + HIGH + 38, "1 - hF by photos learnt from", body), caption, wide=True),
    )


def _trust(facts: Facts) -> str:
    """What became of trusted labels on all checked photos."""
    if not facts["trust"]:
        return ""
    body = [
        row(f"{one['level']}", _percent(one["given"]), _percent(one["right"]), _percent(one["at_least"]))
        for one in facts["trust"]
    ]
    lead = (
        "Labels that were trusted when they were suggested, on all checked photos: share of the points for which one "
        "was given at the level or deeper, and share of these that was right there."
    )
    heads = ["Level of the tree", "Given", "Right", "At least (95 %)"]
    return section("Was trust earned?", paragraphs([lead]), table(heads, body))
