"""Pictures of the report as inline SVG: no scripts, no outside resources, colours from the page's own variables."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..variogram import Variogram

Row = dict[str, Any]
WORDS_PX = 6.6
"""Mean width of a letter at the size of the labels."""
MOST_NUMBERS = 16
"""Classes above which numbers no longer fit the cells of the matrix."""


def picture(width: float, height: float, title: str, body: Sequence[str], *, least_px: float = 0.0) -> str:
    """An SVG that scales with the page, but not below `least_px`, and says what it shows to a screen reader."""
    least = f";min-width:{least_px:.0f}px" if least_px else ""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}" '
        f'style="max-width:{width:.0f}px{least}">' + "".join(body) + "</svg>"
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "", turn: float = 0) -> str:
    """One line of text."""
    turned = f' transform="rotate({turn:.0f} {x:.1f} {y:.1f})"' if turn else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}{turned}>{escape(words)}</text>'


def round_below(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is not above the value."""
    digit = 10.0 ** np.floor(np.log10(value))
    return float(max(step * digit for step in (1, 2, 5) if step * digit <= value))


def shortened(words: str, most: int = 22) -> str:
    """The words, cut with an ellipsis when too long."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def matrix(names: Sequence[str], counts: NDArray[np.int64], repeats: int, unit: str = "cells") -> str:
    """Confusion matrix: rows are the truth, columns the prediction; depth of colour is the share of the row.

    Args:
        names: K class names.
        counts: (K, K) pooled over repetitions.
        repeats: how many, so that shown numbers are those of one.
        unit: what is counted.
    """
    k = len(names)
    cell = 62.0 if k <= 8 else 46.0 if k <= MOST_NUMBERS else max(12.0, 560.0 / k)
    left = 26 + WORDS_PX * max(len(shortened(name)) for name in names) + 12
    top = 40 + 0.72 * WORDS_PX * max(len(shortened(name)) for name in names)
    digits = 0 if repeats == 1 else 1
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    body = [text(left + cell * k / 2, 14, "What the head says", anchor="middle", kind="strong")]
    body.append(text(12, top + cell * k / 2, "What it is", anchor="middle", kind="strong", turn=-90))
    for i, name in enumerate(names):
        body.append(text(left - 8, top + cell * (i + 0.5) + 4, shortened(name), anchor="end"))
        body.append(text(left + cell * (i + 0.5), top - 8, shortened(name), turn=-45))
    for i in range(k):
        for j in range(k):
            part, mean = float(share[i, j]), counts[i, j] / repeats
            tip = f"{names[i]} seen as {names[j]}: {mean:,.{digits}f} {unit}, {100 * part:.1f} % of {names[i]}"
            place = left + cell * j, top + cell * i
            body.append(_square(place, cell, part, mean, tip, right=i == j, numbered=k <= MOST_NUMBERS))
    return picture(
        left + cell * k + 0.72 * WORDS_PX * len(shortened(names[-1])) + 8, top + cell * k + 6, "Confusion matrix", body
    )


def _square(
    place: tuple[float, float], cell: float, part: float, mean: float, tip: str, *, right: bool, numbered: bool
) -> str:
    """One cell of the matrix: depth of colour by share, and share and number of cells as text."""
    (x, y), side, kind = place, cell - 2, "good" if right else "bad"
    frame = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{side:.1f}" height="{side:.1f}" rx="2"'
    parts = [f"<g><title>{escape(tip)}</title>", f'<rect class="cell" {frame}/>']
    if part:
        parts.append(f'<rect class="{kind}" {frame} fill-opacity="{part**0.7:.3f}"/>')
    if numbered and part:
        on, middle = "on " if part > 0.6 else "", x + cell / 2
        parts.append(text(middle, y + cell / 2 + 1, f"{100 * part:.0f} %", anchor="middle", kind=f"{on}strong"))
        parts.append(text(middle, y + cell / 2 + 15, f"{mean:,.0f}", anchor="middle", kind=f"{on}small"))
    return "".join(parts) + "</g>"


def reliability(bins: Sequence[Row], before: Sequence[Row] = ()) -> str:
    """Stated confidence against the share that is right; a dot's size tells how many cells it stands for.

    Args:
        bins: of the probabilities as they are given.
        before: of those before calibration, or none; drawn thin behind.
    """
    side, left, top = 300.0, 56.0, 12.0

    def at(confidence: float, right: float) -> tuple[float, float]:
        return left + side * confidence, top + side * (1 - right)

    body = []
    for tick in np.linspace(0, 1, 6):
        x, y = at(tick, tick)
        body.append(
            f'<path class="grid" d="M{x:.1f} {top:.0f}V{top + side:.0f}M{left:.0f} {y:.1f}H{left + side:.0f}"/>'
        )
        body.append(text(x, top + side + 18, f"{100 * tick:.0f}", anchor="middle", kind="soft"))
        body.append(text(left - 8, y + 4, f"{100 * tick:.0f}", anchor="end", kind="soft"))
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    body.append(f'<path class="ideal" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>')
    for rows, kind, line in ((before, "bad", "thin-bad"), (bins, "good", "curve")):
        body += _dots(rows, at, kind, line)
    body.append(text(left + side / 2, top + side + 38, "Confidence of the head, %", anchor="middle"))
    body.append(text(14, top + side / 2, "Right, %", anchor="middle", turn=-90))
    if before:
        for number, (kind, name) in enumerate((("bad", "before calibration"), ("good", "after"))):
            y = top + 16 + 18 * number
            body.append(f'<circle class="{kind}" cx="{left + 14:.0f}" cy="{y - 4:.0f}" r="5"/>')
            body.append(text(left + 26, y, name))
    return picture(left + side + 20, top + side + 46, "Reliability of the confidence", body)


def _dots(rows: Sequence[Row], at: Callable[[float, float], tuple[float, float]], kind: str, line: str) -> list[str]:
    if not rows:
        return []
    points = [at(row["confidence"], row["right"]) for row in rows]
    body = [f'<path class="{line}" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + '"/>']
    most = max(row["count"] for row in rows)
    for row, (x, y) in zip(rows, points, strict=True):
        sure, right = 100 * row["confidence"], 100 * row["right"]
        tip = f"confidence {sure:.0f} %: {right:.0f} % right ({row['count']:,} predictions)"
        radius = (3 + 8 * (row["count"] / most) ** 0.5) * (1 if kind == "good" else 0.6)
        body.append(
            f'<circle class="{kind} dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{tip}</title></circle>'
        )
    return body


def variogram(found: Row) -> str:
    """Unlikeness of pairs by distance, with the fitted model and its range.

    Args:
        found: `lags_m`, `values`, `pairs`, `model`, `nugget`, `sill`, `range_m` and `usable`.
    """
    width, height, left, top = 420.0, 200.0, 52.0, 12.0
    lags, values = np.array(found["lags_m"]), np.array(found["values"])
    far, high = float(lags[-1]) * 1.05, max(float(values.max()) * 1.15, 0.2)
    model = Variogram(
        lags, values, np.array(found["pairs"]), found["model"], found["nugget"], found["sill"], found["range_m"], 1.0
    )

    def at(distance: float, value: float) -> tuple[float, float]:
        return left + width * distance / far, top + height * (1 - min(value, high) / high)

    body = []
    for tick in np.arange(0, far, round_below(far / 4)):
        x, _ = at(tick, 0)
        body.append(f'<path class="grid" d="M{x:.1f} {top:.0f}v{height:.0f}"/>')
        label = f"{tick / 1000:g} km" if far >= 10_000 else f"{tick:,.6g}"
        body.append(text(x, top + height + 18, label, anchor="middle", kind="soft"))
    distance = np.linspace(0, far, 120)
    line = [at(one, value) for one, value in zip(distance, model.at(distance), strict=True)]
    body.append('<path class="curve" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) + '"/>')
    most = max(found["pairs"])
    for lag, value, pairs in zip(lags, values, found["pairs"], strict=True):
        x, y = at(float(lag), float(value))
        body.append(
            f'<circle class="muted dot" cx="{x:.1f}" cy="{y:.1f}" r="{3 + 4 * (pairs / most) ** 0.5:.1f}">'
            f"<title>{lag:,.0f}: {value:.2f} ({pairs:,} pairs)</title></circle>"
        )
    if found["usable"]:
        x, _ = at(found["range_m"], 0)
        body.append(f'<path class="mark" d="M{x:.1f} {top:.0f}v{height:.0f}"/>')
        body.append(text(x + 6, top + height - 8, "range", kind="bad strong"))
    body.append(
        text(
            left + width / 2,
            top + height + 38,
            "Distance between two samples" + ("" if far >= 10_000 else ", m"),
            anchor="middle",
        )
    )
    body.append(text(14, top + height / 2, "Unlikeness", anchor="middle", turn=-90))
    return picture(left + width + 30, top + height + 46, "Variogram", body)


def scatter(pairs: NDArray[np.float64], field: str) -> str:
    """Predicted against true values, with the line on which they agree."""
    side, left, top = 340.0, 92.0, 12.0
    low, high = float(pairs.min()), float(pairs.max())
    span = (high - low) or 1.0

    def at(truth: float, said: float) -> tuple[float, float]:
        return left + side * (truth - low) / span, top + side * (1 - (said - low) / span)

    body = []
    for tick in np.linspace(low, high, 5):
        x, y = at(tick, tick)
        body.append(
            f'<path class="grid" d="M{x:.1f} {top:.0f}V{top + side:.0f}M{left:.0f} {y:.1f}H{left + side:.0f}"/>'
        )
        body.append(text(x, top + side + 18, f"{tick:.3g}", anchor="middle", kind="soft"))
        body.append(text(left - 8, y + 4, f"{tick:.3g}", anchor="end", kind="soft"))
    (x0, y0), (x1, y1) = at(low, low), at(high, high)
    body.append(f'<path class="ideal" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>')
    dots = (at(truth, said) for truth, said in pairs)
    circles = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in dots)
    body.append(f'<g class="good point">{circles}</g>')
    body.append(text(left + side / 2, top + side + 38, f"True {shortened(field, 30)}", anchor="middle"))
    body.append(text(14, top + side / 2, "Estimated", anchor="middle", turn=-90))
    return picture(left + side + 20, top + side + 46, "Estimated against true values", body)
