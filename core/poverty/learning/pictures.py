"""Pictures of an assessment: scores of methods under each test, and what was said against what is true."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...crossval import BLOCKS, RANDOM, REGIONS
from ...report import svg
from .held import HELD
from .scores import title_of

Numbers = dict[str, Any]
Float = NDArray[np.float64]
GAP, STEP, LEFT, WIDTH = 16.0, 12.0, 300.0, 480.0
KINDS = {RANDOM: "muted", REGIONS: "bad"}
HOLLOW, DIAMOND = BLOCKS, HELD
"""Schemes told apart by shape, since their places are kept apart all alike."""
MOST_POINTS = 1500


def dots(numbers: Numbers, names: Sequence[str], title: Callable[[str], str] = title_of) -> str:
    """R2 of each method under each test, with whiskers of one standard deviation over folds; below 0 at the edge.

    Args:
        numbers: `schemes`, each with name, title, honest, and methods: scores and folds_sd, of which r2 counts.
        names: of methods, in order.
        title: of a name.
    """
    schemes, rows = numbers["schemes"], list(names)
    legend, top = _legend(schemes)
    row = GAP + STEP * len(schemes)
    height = row * len(rows)

    def at(value: float) -> float:
        return float(LEFT + WIDTH * min(max(value, 0.0), 1.0))

    body: list[str] = []
    for tick in np.linspace(0, 1, 6):
        body.append(f'<path class="grid" d="M{at(tick):.1f} {top:.0f}v{height:.0f}"/>')
        body.append(svg.text(at(tick), top + height + 18, f"{tick:.1f}", anchor="middle", kind="soft"))
    body.append(
        svg.text(LEFT + WIDTH / 2, top + height + 38, "R2: share of the variance that is explained", anchor="middle")
    )
    for number, name in enumerate(rows):
        middle = top + row * (number + 0.5)
        body.append(svg.text(LEFT - 12, middle + 4, svg.shortened(title(name), 44), anchor="end"))
        for place, scheme in enumerate(schemes):
            y = middle + STEP * (place - (len(schemes) - 1) / 2)
            body.append(_dot(scheme, name, y, at))
    body += legend
    return svg.picture(LEFT + WIDTH + 30, top + height + 46, "R2 of each method under each test", body)


def _legend(schemes: Sequence[Numbers]) -> tuple[list[str], float]:
    """Marks with their meanings, in as many lines as they need, and where the picture below them begins."""
    body, x, y = [], 12.0, 12.0
    for scheme in schemes:
        wide = 40 + 1.1 * svg.WORDS_PX * len(scheme["title"])
        if x + wide > LEFT + WIDTH + 30 and x > 12.0:
            x, y = 12.0, y + 20
        body += [_mark(scheme, x + 5, y), svg.text(x + 15, y + 4, scheme["title"])]
        x += wide
    return body, y + 22


def _mark(scheme: Numbers, x: float, y: float) -> str:
    kind = _kind(scheme)
    if scheme["name"] == DIAMOND:
        return f'<path class="{kind} dot" d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>'
    if scheme["name"] == HOLLOW:
        return (
            f'<circle class="{kind} dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
            f'<circle style="fill:var(--sheet)" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
        )
    return f'<circle class="{kind} dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _kind(scheme: Numbers) -> str:
    return KINDS.get(scheme["name"], "good" if scheme["honest"] else "muted")


def _dot(scheme: Numbers, name: str, y: float, at: Callable[[float], float]) -> str:
    found = scheme["methods"].get(name)
    if not found or found["scores"]["r2"] is None:
        return ""
    # What countries have in common says nothing of the spread between them: no whisker there.
    value = found["scores"]["r2"]
    sd = 0.0 if scheme["name"] == REGIONS else found["folds_sd"]["r2"] or 0.0
    tip = f"{scheme['title']}: R2 {value:.3f}" + (f", standard deviation over folds {sd:.3f}" if sd else "")
    shape = _mark(scheme, at(value), y)
    if value < 0:
        x = at(0)
        shape = f'<path class="{_kind(scheme)}" d="M{x:.1f} {y - 5:.1f}l-8 5l8 5z"/>'
    line = ""
    if sd > 0 and value + sd > 0:
        line = f'<path class="thin" d="M{at(value - sd):.1f} {y:.1f}H{at(value + sd):.1f}"/>'
    return f"<g><title>{escape(tip)}</title>{line}{shape}</g>"


def against(truth: Float, said: Float, indicator: str) -> str:
    """What was said of rows that were kept apart against what is true; a draw of many."""
    at = np.flatnonzero(np.isfinite(truth) & np.isfinite(said))
    if len(at) > MOST_POINTS:
        at = np.sort(np.random.default_rng(0).permutation(at)[:MOST_POINTS])
    return svg.scatter(np.stack([truth[at], said[at]], axis=1), indicator)
