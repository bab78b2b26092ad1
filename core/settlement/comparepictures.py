"""Pictures of a comparison of methods: scores by test, and where each method errs."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..report import svg
from ..report.maps import places
from .apart import BLOCKS, RANDOM, ZONES
from .comparescores import title_of

Float = NDArray[np.float64]
Picture = tuple[str, str]
"""SVG and caption."""
KINDS = {RANDOM: "muted", BLOCKS: "good", ZONES: "bad"}
ROW, STEP, LEFT, WIDTH = 46.0, 11.0, 282.0, 500.0


def dots(numbers: dict[str, Any]) -> str:
    """IoU of each method under each scheme, with whiskers of one standard deviation."""
    test, names = numbers["headline"]["test"], numbers["headline"]["ranking"]
    schemes = [scheme for scheme in numbers["schemes"] if test in scheme["tests"]]
    scores = {(scheme["name"], name): scheme["tests"][test][name]["iou"] for scheme in schemes for name in names}
    most = max(one["mean"] + one["sd"] for one in scores.values())
    most = min(1.0, max(most * 1.06, 0.1))
    top, height = 34.0, ROW * len(names)

    def at(value: float) -> float:
        return float(LEFT + WIDTH * max(0.0, min(value, most)) / most)

    body = _axis(most, top, height, at(0), at)
    trivial = at(numbers["headline"]["trivial"])
    body.append(f'<path class="mark" d="M{trivial:.1f} {top:.0f}v{height:.0f}"/>')
    for number, name in enumerate(names):
        middle = top + ROW * (number + 0.5)
        body.append(svg.text(LEFT - 12, middle + 4, svg.shortened(title_of(name), 42), anchor="end"))
        for place, scheme in enumerate(schemes):
            y = middle + STEP * (place - (len(schemes) - 1) / 2)
            body.append(_dot(scores[scheme["name"], name], KINDS[scheme["name"]], y, at, scheme["title"]))
    x = LEFT
    for scheme in schemes:
        body.append(f'<circle class="{KINDS[scheme["name"]]}" cx="{x + 5:.1f}" cy="12" r="5"/>')
        body.append(svg.text(x + 15, 16, scheme["title"]))
        x += 34 + svg.WORDS_PX * len(scheme["title"])
    return svg.picture(LEFT + WIDTH + 30, top + height + 46, "IoU of each method, tested in several ways", body)


def _axis(most: float, top: float, height: float, zero: float, at: Callable[[float], float]) -> list[str]:
    body = []
    for tick in np.arange(0, most + 1e-9, svg.round_below(most / 4)):
        body.append(f'<path class="grid" d="M{at(tick):.1f} {top:.0f}v{height:.0f}"/>')
        body.append(svg.text(at(tick), top + height + 18, f"{100 * tick:g}", anchor="middle", kind="soft"))
    body.append(svg.text(zero + WIDTH / 2, top + height + 38, "IoU of favela cells, %", anchor="middle"))
    return body


def _dot(found: dict[str, Any], kind: str, y: float, at: Callable[[float], float], title: str) -> str:
    mean, sd = found["mean"], found["sd"]
    tip = f"{title}: {100 * mean:.1f} ± {100 * sd:.1f}"
    return (
        f'<g><title>{escape(tip)}</title><path class="thin" d="M{at(mean - sd):.1f} {y:.1f}H{at(mean + sd):.1f}"/>'
        f'<circle class="{kind} dot" cx="{at(mean):.1f}" cy="{y:.1f}" r="5"/></g>'
    )


def error_maps(
    xy_m: Float, y: NDArray[np.int64], right: Mapping[str, Float], ious: Mapping[str, float]
) -> list[Picture]:
    """One map of labelled cells for each method: found, missed, false alarm, rightly left out.

    Args:
        xy_m: (n, 2) metres.
        y: (n,) 1 for favela, else 0.
        right: of each method (n,) the share of repetitions in which it was right, NaN where never tested.
        ious: of each method, for the caption.
    """
    nearest = cKDTree(xy_m).query(xy_m, k=2)[0][:, 1]
    side_m = float(np.median(nearest[nearest > 0]))
    found = []
    for name in sorted(right, key=lambda one: -ious[one]):
        share = right[name]
        tested, good = np.isfinite(share), np.nan_to_num(share) >= 0.5
        layers = [
            ("bad", tested & ~good & (y == 0)), ("ink", tested & ~good & (y == 1)), ("good", tested & good & (y == 1)),
            ("muted", tested & good & (y == 0)),
        ]  # fmt: skip
        picture = places(xy_m, layers, f"Where {title_of(name)} errs", "m", side_m)
        wrong = f"{int(layers[1][1].sum()):,} missed, {int(layers[0][1].sum()):,} false alarms"
        found.append((picture, f"{title_of(name)}: {wrong}; IoU {100 * ious[name]:.1f} %"))
    return found
