"""Pictures of the report as inline SVG: no scripts, no outside resources, colours from the page's own variables."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
WORDS_PX = 6.6
"""Mean width of a letter at the size of the labels."""
MOST_NUMBERS = 16
"""Classes above which numbers no longer fit the cells of the matrix."""


def picture(width: float, height: float, title: str, body: Sequence[str]) -> str:
    """An SVG that scales with the page and says what it shows to a screen reader."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}" '
        f'style="max-width:{width:.0f}px">' + "".join(body) + "</svg>"
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "", turn: float = 0) -> str:
    """One line of text."""
    turned = f' transform="rotate({turn:.0f} {x:.1f} {y:.1f})"' if turn else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}{turned}>{escape(words)}</text>'


def shortened(words: str, most: int = 22) -> str:
    """The words, cut with an ellipsis when too long."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def bars(
    rows: Sequence[tuple[str, float, float | None, float | None, bool]], low: float, high: float, unit: str
) -> str:
    """Horizontal bars from zero.

    Args:
        rows: label, value, lower and upper bound of its interval (or None), and whether it is to be trusted.
        low: value at the left end.
        high: value at the right end.
        unit: `%` shows hundredths, empty shows two decimals.
    """
    left, width, step = 190.0, 420.0, 44.0

    def at(value: float) -> float:
        return left + width * (min(max(value, low), high) - low) / (high - low)

    body = []
    for tick in np.linspace(low, high, 6 if low == 0 else round(4 * (high - low)) + 1):
        body.append(f'<line class="grid" x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="4" y2="{step * len(rows):.0f}"/>')
        label = shown(tick, unit, 0 if unit else 1)
        body.append(text(at(tick), step * len(rows) + 16, label, anchor="middle", kind="soft"))
    for number, (label, value, lower, upper, trusted) in enumerate(rows):
        y = step * number + 8
        kind = "good" if trusted else "muted"
        body.append(text(left - 10, y + 18, shortened(label, 27), anchor="end"))
        body.append(
            f'<rect class="{kind}" x="{at(min(value, 0)):.1f}" y="{y:.0f}" '
            f'width="{max(abs(at(value) - at(0)), 1):.1f}" height="26" rx="3"/>'
        )
        if lower is not None and upper is not None:
            body.append(
                f'<path class="whisker" d="M{at(lower):.1f} {y + 13:.0f}H{at(upper):.1f}M{at(lower):.1f} {y + 6:.0f}v14'
                f'M{at(upper):.1f} {y + 6:.0f}v14"/>'
            )
        body.append(text(left + width + 12, y + 18, shown(value, unit, 1), kind="strong"))
    return picture(left + width + 80, step * len(rows) + 26, "Score of each way of testing", body)


def matrix(names: Sequence[str], counts: NDArray[np.int64], repeats: int) -> str:
    """Confusion matrix: rows are the truth, columns the prediction; depth of colour is the share of the row.

    Args:
        names: K class names.
        counts: (K, K) pooled over repetitions.
        repeats: how many, so that shown numbers are those of one.
    """
    k = len(names)
    cell = 62.0 if k <= 8 else 46.0 if k <= MOST_NUMBERS else max(12.0, 560.0 / k)
    left = 26 + WORDS_PX * max(len(shortened(name)) for name in names) + 12
    top = 40 + 0.72 * WORDS_PX * max(len(shortened(name)) for name in names)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    body = [text(left + cell * k / 2, 14, "What the head says", anchor="middle", kind="strong")]
    body.append(text(12, top + cell * k / 2, "What it is", anchor="middle", kind="strong", turn=-90))
    for i, name in enumerate(names):
        body.append(text(left - 8, top + cell * (i + 0.5) + 4, shortened(name), anchor="end"))
        body.append(text(left + cell * (i + 0.5), top - 8, shortened(name), turn=-45))
    for i in range(k):
        for j in range(k):
            part, mean = float(share[i, j]), counts[i, j] / repeats
            tip = f"{names[i]} seen as {names[j]}: {mean:,.1f} cells, {100 * part:.1f} % of {names[i]}"
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


def reliability(bins: Sequence[Row]) -> str:
    """Stated confidence against the share that is right; a dot's size tells how many cells it stands for."""
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
    points = [at(row["confidence"], row["right"]) for row in bins]
    body.append('<path class="curve" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + '"/>')
    most = max(row["count"] for row in bins)
    for row, (x, y) in zip(bins, points, strict=True):
        sure, right = 100 * row["confidence"], 100 * row["right"]
        tip = f"confidence {sure:.0f} %: {right:.0f} % right ({row['count']:,} predictions)"
        radius = 3 + 8 * (row["count"] / most) ** 0.5
        body.append(
            f'<circle class="good dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{tip}</title></circle>'
        )
    body.append(text(left + side / 2, top + side + 38, "Confidence of the head, %", anchor="middle"))
    body.append(text(14, top + side / 2, "Right, %", anchor="middle", turn=-90))
    return picture(left + side + 20, top + side + 46, "Reliability of the confidence", body)


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


def places(xy_m: NDArray[np.float64], layers: Sequence[tuple[str, NDArray[np.bool_]]], title: str) -> str:
    """A map of samples, north up.

    Args:
        xy_m: (N, 2) metres.
        layers: fill and the samples that have it; later ones lie on top.
        title: for screen readers.
    """
    width, most = 420.0, 460.0
    span = np.maximum(np.ptp(xy_m, axis=0), 1e-9)
    scale = min((width - 16) / span[0], (most - 16) / span[1])
    height = max(span[1] * scale + 16, 60.0)
    margin = (width - span[0] * scale) / 2
    x = margin + (xy_m[:, 0] - xy_m[:, 0].min()) * scale
    y = height / 2 + ((xy_m[:, 1].max() + xy_m[:, 1].min()) / 2 - xy_m[:, 1]) * scale
    side = float(np.clip(0.5 * np.sqrt(width * height / max(len(xy_m), 1)), 2.0, 7.0))
    body = [f'<rect class="cell" x="0" y="0" width="{width:.0f}" height="{height:.0f}" rx="6"/>']
    for fill, chosen in layers:
        marks = "".join(
            f"M{px - side / 2:.1f} {py - side / 2:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z"
            for px, py in zip(x[chosen], y[chosen], strict=True)
        )
        if marks:
            paint = f'class="{fill}"' if not fill.startswith("#") else f'fill="{fill}"'
            body.append(f'<path {paint} d="{marks}"/>')
    return picture(width, height, title, body)


def shown(value: float, unit: str, decimals: int) -> str:
    """A score as text."""
    text = f"{100 * value:.{decimals}f} %" if unit == "%" else f"{value:.{decimals + 1}f}"
    return text.replace("-", "−")
