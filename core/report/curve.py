"""How many labels are enough: the picture of the learning curve and what it says."""

import math
from typing import Any

import numpy as np

from . import svg
from .parts import figure, paragraphs, points, section, short

Assessment = dict[str, Any]
FEW_DRAWS = 5
LEAST_SCORE = 0.1
"""R2 (or share right) below which a part of it means nothing."""
LEFT, TOP, WIDTH, HEIGHT = 64.0, 16.0, 560.0, 280.0


def curve_section(numbers: Assessment) -> str:
    """The section; empty when no curve was drawn."""
    found = numbers.get("curve")
    if not found:
        return ""
    band = "four of five draws lie in the band" if found["draws"] >= FEW_DRAWS else "the band is their spread"
    caption = (
        f"Each point is the mean of {found['draws']} draws of labels, tested on samples that were kept apart; {band}. "
        "A label is one cell. Labels are drawn from all groups in turn"
    )
    if numbers["target"] == "class":
        caption += ", first one of each class, then in proportion. Probabilities are not calibrated here, which hardly "
        caption += "changes the class"
    caption += "."
    if len(found["curves"]) > 1:
        caption += " Grey: the same heads on random cells, where the leak grows with the labels."
    return section(
        "How many labels are enough?", paragraphs(sentences(numbers)), figure(picture(found), caption, wide=True)
    )


def sentences(numbers: Assessment) -> list[str]:
    """What the curve says, for somebody who has to decide whether to label more."""
    found, text = numbers["curve"], []
    metric, first = found["metric"], found["curves"][0]
    full, labels = first["mean"][-1], first["labels"][-1]
    name = "right" if numbers["target"] == "class" else "R2"
    if found["needed"] is None or full is None or full < LEAST_SCORE:
        text.append("With all labels the head hardly tells anything, so no number of labels can be called enough.")
    else:
        whole = f"{short(full, metric)} {name}" if numbers["target"] == "class" else f"{name} {short(full, metric)}"
        line = (
            f"95 % of the full-label score ({whole} with about {labels:,}) is reached with about {found['needed']:,} "
            "labels"
        )
        low, high = found["needed_low"], found["needed_high"]
        if low is not None and high is not None and low != high:
            line += f" ({low:,} to {high:,} had other labels been drawn)"
        text.append(f"{line}.")
    if found["still_rising"]:
        gain = points(found["still_rising"], 0.0, metric)
        text.append(
            f"The curve is still rising: the last doubling of the labels gained {gain}. More labels would raise the "
            "full score too, so take that number for what these labels can show, not for an end."
        )
    elif full is not None and full >= LEAST_SCORE:
        text.append("At its end the curve is flat: more labels of this kind, in these places, would gain little.")
    if first["labels"][0] < found["classes_first"]:
        text.append(
            f"With fewer labels than the {found['classes_first']} classes, some classes have none and are errors."
        )
    if found["bounded"]:
        text.append(found["bounded"])
    return text


def picture(found: dict[str, Any]) -> str:
    """Score by number of labels on a logarithmic axis."""
    curves = found["curves"]
    sizes = [size for one in curves for size in one["labels"]]
    known = [value for one in curves for key in ("low", "high") for value in one[key] if value is not None]
    percent = found["metric"] != "r2"
    low, high = _range(known, percent=percent)
    first, last = math.log(min(sizes)), math.log(max(max(sizes), min(sizes) * 2))

    def at(size: float, value: float) -> tuple[float, float]:
        x = LEFT + WIDTH * (math.log(size) - first) / (last - first)
        return x, TOP + HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low))

    body = _axes(curves[0]["labels"], at, low, high, percent=percent)
    ends = [at(one["labels"][-1], one["mean"][-1])[1] for one in curves if one["mean"][-1] is not None]
    apart = 12.0 if len(ends) == len(curves) > 1 and abs(ends[0] - ends[1]) < 14 else 0.0
    for number in reversed(range(len(curves))):
        body += _line(curves[number], at, honest=number == 0, down=apart if number == 0 else -apart / 2)
    body += _enough(found, at, low)
    body.append(svg.text(LEFT + WIDTH / 2, TOP + HEIGHT + 44, "Labels (cells) to learn from", anchor="middle"))
    name = "Right, %" if percent else "R2"
    body.append(svg.text(14, TOP + HEIGHT / 2, name, anchor="middle", turn=-90))
    return svg.picture(LEFT + WIDTH + 96, TOP + HEIGHT + 54, "Learning curve", body)


def _range(known: list[float], *, percent: bool) -> tuple[float, float]:
    """Ends of the score axis on round numbers; scores far below zero are cut off at −0.5."""
    low = max(math.floor(10 * min(known)) / 10, 0.0 if percent else -0.5)
    high = min(math.ceil(10 * max(known)) / 10, 1.0)
    return low, max(high, low + 0.1)


def _axes(labels: list[int], at: Any, low: float, high: float, *, percent: bool) -> list[str]:
    body = []
    steps = round((high - low) * 10)
    for tick in np.linspace(low, high, steps + 1)[:: 1 if steps <= 6 else 2]:
        y = at(labels[0], float(tick))[1]
        body.append(f'<path class="grid" d="M{LEFT:.0f} {y:.1f}h{WIDTH:.0f}"/>')
        shown = f"{100 * tick:.0f}" if percent else f"{tick:.1f}".replace("-", "−")
        body.append(svg.text(LEFT - 8, y + 4, shown, anchor="end", kind="soft"))
    taken = -math.inf
    for number, size in enumerate(labels):
        x = at(size, low)[0]
        last = number == len(labels) - 1
        body.append(f'<path class="grid" d="M{x:.1f} {TOP:.0f}v{HEIGHT:.0f}"/>')
        if last or (x - taken > 34 and at(labels[-1], low)[0] - x > 62):
            shown = f"all ({size:,})" if last else f"{size:,}"
            body.append(svg.text(x, TOP + HEIGHT + 20, shown, anchor="middle", kind="soft"))
            taken = x
    return body


def _line(one: dict[str, Any], at: Any, *, honest: bool, down: float) -> list[str]:
    """A curve with its band; the honest one thick, the other thin and without a band; `down` moves its name."""
    points_at = [(size, value) for size, value in zip(one["labels"], one["mean"], strict=True) if value is not None]
    if not points_at:
        return []
    path = "L".join("{:.1f} {:.1f}".format(*at(size, value)) for size, value in points_at)
    x, y = at(*points_at[-1])
    name = "kept apart" if honest else "random"
    label = svg.text(x + 10, y + 4 + down, name, kind="strong" if honest else "soft")
    if not honest:
        return [f'<path class="thin" d="M{path}"/>', label]
    band = []
    rows = [row for row in zip(one["labels"], one["low"], one["high"], strict=True) if None not in row]
    if rows:
        upper = [at(size, top) for size, _, top in rows]
        lower = [at(size, bottom) for size, bottom, _ in reversed(rows)]
        outline = "L".join(f"{px:.1f} {py:.1f}" for px, py in upper + lower)
        band.append(f'<path class="band" d="M{outline}z"/>')
    dots = []
    for size, value in points_at:
        px, py = at(size, value)
        tip = f"{size:,} labels: {value:.3f}"
        dots.append(f'<circle class="good dot" cx="{px:.1f}" cy="{py:.1f}" r="4.5"><title>{tip}</title></circle>')
    return [*band, f'<path class="curve" d="M{path}"/>', *dots, label]


def _enough(found: dict[str, Any], at: Any, low: float) -> list[str]:
    """Where 95 % of the full score is reached."""
    full = found["curves"][0]["mean"][-1]
    if found["needed"] is None or full is None or full < LEAST_SCORE:
        return []
    x, y = at(found["needed"], found["share"] * full)
    bottom = at(found["needed"], low)[1]
    right = x > LEFT + 0.72 * WIDTH
    text = f"95 % with about {found['needed']:,}"
    return [
        f'<path class="mark" d="M{LEFT:.0f} {y:.1f}H{x:.1f}V{bottom:.1f}"/>',
        svg.text(x - 8 if right else x + 8, bottom - 10, text, anchor="end" if right else "start", kind="bad strong"),
    ]
