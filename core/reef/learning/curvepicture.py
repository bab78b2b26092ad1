"""The picture of a learning curve over photos."""

import math
from typing import Any

import numpy as np

from ...report import svg

LEFT, TOP, WIDTH, HEIGHT = 64.0, 16.0, 560.0, 260.0
BEYOND = 2.0
"""How far the power law is drawn on: to so many times the photos."""


def curve_picture(curve: dict[str, Any]) -> str:
    """HF by number of photos on a logarithmic axis, each draw thin, their mean thick, and what is expected of more.

    Args:
        curve: of `PhotoCurve.to_dict`.
    """
    sizes = [int(size) for size in curve["photos"]]
    table = np.array([[np.nan if v is None else v for v in draw] for draw in curve["scores"]["hf"]], np.float64)
    mean = np.array([np.nanmean(column) if np.isfinite(column).any() else np.nan for column in table.T])
    shown = [value for value in (*table.ravel(), curve["hf_twice"]) if value is not None and math.isfinite(value)]
    low, high = _range(shown)
    first, last = math.log(sizes[0]), math.log(sizes[-1] * (BEYOND if curve["hf_twice"] else 1.0) * 1.02)

    def at(size: float, value: float) -> tuple[float, float]:
        x = LEFT + WIDTH * (math.log(size) - first) / max(last - first, 1e-9)
        return x, TOP + HEIGHT * (1 - (value - low) / (high - low))

    body = _axes(sizes, at, low, high)
    body += [_path(sizes, draw, at, "thin") for draw in table] if len(table) > 1 else []
    body.append(_path(sizes, mean, at, "curve"))
    for size, value in zip(sizes, mean, strict=True):
        if math.isfinite(value):
            x, y = at(size, value)
            tip = f"{size:,} photos: hF {100 * value:.1f} %"
            body.append(f'<circle class="good dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"><title>{tip}</title></circle>')
    if curve["hf_twice"] is not None and math.isfinite(mean[-1]):
        (x0, y0), (x1, y1) = at(sizes[-1], float(mean[-1])), at(BEYOND * sizes[-1], curve["hf_twice"])
        body.append(f'<path class="ideal" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>')
        body.append(svg.text(x1 + 6, y1 + 4, f"{100 * curve['hf_twice']:.0f} %", kind="soft"))
    body.append(svg.text(LEFT + WIDTH / 2, TOP + HEIGHT + 42, "Photos to learn from", anchor="middle"))
    body.append(svg.text(14, TOP + HEIGHT / 2, "hF, %", anchor="middle", turn=-90))
    return svg.picture(LEFT + WIDTH + 60, TOP + HEIGHT + 52, "Learning curve", body)


def _range(shown: list[float]) -> tuple[float, float]:
    """Ends of the axis on whole tenths."""
    low = max(math.floor(10 * min(shown, default=0.0)) / 10, 0.0)
    high = min(math.ceil(10 * max(shown, default=1.0)) / 10, 1.0)
    return low, max(high, low + 0.1)


def _axes(sizes: list[int], at: Any, low: float, high: float) -> list[str]:
    body = []
    steps = round((high - low) * 10)
    for tick in np.linspace(low, high, 1 + (steps if steps > 2 else 5 * steps)):
        y = at(sizes[0], float(tick))[1]
        body.append(f'<path class="grid" d="M{LEFT:.0f} {y:.1f}h{WIDTH:.0f}"/>')
        body.append(svg.text(LEFT - 8, y + 4, f"{100 * tick:.0f}", anchor="end", kind="soft"))
    taken = -math.inf
    for size in sizes:
        x = at(size, low)[0]
        body.append(f'<path class="grid" d="M{x:.1f} {TOP:.0f}v{HEIGHT:.0f}"/>')
        if x - taken > 34:
            body.append(svg.text(x, TOP + HEIGHT + 20, f"{size:,}", anchor="middle", kind="soft"))
            taken = x
    return body


def _path(sizes: list[int], values: Any, at: Any, kind: str) -> str:
    points = ["{:.1f} {:.1f}".format(*at(s, float(v))) for s, v in zip(sizes, values, strict=True) if math.isfinite(v)]
    return f'<path class="{kind}" d="M{"L".join(points)}"/>' if points else ""
