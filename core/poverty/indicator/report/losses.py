"""Loss curves of networks: one small chart for each, training and validation by epoch, on one scale."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ....report import parts, svg

Numbers = dict[str, Any]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 270.0, 150.0, 48.0, 10.0, 34.0
LATE = 0.97
"""Share of the epochs behind which the best one says that more of them may help."""


def section(models: Sequence[Numbers]) -> str:
    """Of all networks; empty where there is none."""
    blocks = [_of_model(one, len(models) > 1) for one in models if one["losses"]]
    if not blocks:
        return ""
    told = (
        "Mean squared error by epoch, on a logarithmic scale. Blue: places that choose when to stop; grey: places that "
        "are learnt from, while weights changed and with dropout, so that it may lie above. Dashed: the epoch whose "
        "weights were kept."
    )
    return parts.section("How the networks learnt", parts.paragraphs([told], "soft"), *blocks)


def _of_model(model: Numbers, named: bool) -> str:
    curves = model["losses"]
    known = [value for one in curves for key in ("training", "validation") for value in one[key] if _drawn(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    longest = max(len(one["training"]) for one in curves)
    figures = "".join(
        parts.figure(picture(one, low, high, longest), f"Model {number + 1} of {len(curves)}")
        for number, one in enumerate(curves)
    )
    head = parts.paragraphs([f"{model['name']}. {advice(curves)}" if named else advice(curves)])
    return head + f'<div class="trio">{figures}</div>'


def _drawn(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0


def advice(curves: Sequence[Numbers]) -> str:
    """What the curves say of the number of epochs."""
    best = [one["best_epoch"] for one in curves]
    ran = [len(one["training"]) for one in curves]
    span = f"{min(best)} to {max(best)}" if min(best) < max(best) else f"{best[0]}"
    found = f"The weights of epoch {span} were kept, of {max(ran)}."
    late = sum(one > max(1, LATE * many) or one == many for one, many in zip(best, ran, strict=True))
    if late > len(curves) / 2:
        return f"{found} Most models were still getting better when they ended: more epochs may help."
    if max(best) < 0.25 * min(ran):
        return f"{found} What came later did not help: fewer epochs, or stopping without gain, would save time."
    return found


def picture(curve: Numbers, low: float, high: float, epochs: int) -> str:
    """Both losses of one network.

    Args:
        curve: training, validation (null where there is none), best_epoch.
        low: lowest loss of all networks beside it.
        high: highest.
        epochs: of the longest.
    """
    bottom, top = math.log10(low), math.log10(high)
    if top - bottom < 0.1:
        bottom, top = bottom - 0.05, top + 0.05

    def at(epoch: float, loss: float) -> tuple[float, float]:
        x = LEFT + WIDTH * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)
        return x, TOP + HEIGHT * (1 - (math.log10(loss) - bottom) / (top - bottom))

    body = _axes(bottom, top, epochs, at)
    x = at(curve["best_epoch"], low)[0]
    body.append(f'<path class="mark" d="M{x:.1f} {TOP:.0f}v{HEIGHT:.0f}"/>')
    body += _line(curve["training"], "thin", "muted", at) + _line(curve["validation"], "curve", "good", at)
    return svg.picture(LEFT + WIDTH + 12, TOP + HEIGHT + BOTTOM, "Losses by epoch", body)


def _axes(bottom: float, top: float, epochs: int, at: Callable[[float, float], tuple[float, float]]) -> list[str]:
    body = []
    for tick in ticks(bottom, top):
        y = at(1, tick)[1]
        body.append(f'<path class="grid" d="M{LEFT:.0f} {y:.1f}h{WIDTH:.0f}"/>')
        body.append(svg.text(LEFT - 6, y + 4, f"{tick:.3g}", anchor="end", kind="soft"))
    for epoch in dict.fromkeys((1, (1 + epochs) // 2, epochs)):
        x = at(epoch, 10**bottom)[0]
        body.append(svg.text(x, TOP + HEIGHT + 17, f"{epoch:,}", anchor="middle", kind="soft"))
    body.append(svg.text(LEFT + WIDTH / 2, TOP + HEIGHT + 31, "Epoch", anchor="middle", kind="soft"))
    return body


def ticks(bottom: float, top: float) -> list[float]:
    """Round numbers on a logarithmic axis: powers of ten, with 2 and 5 between them; both ends where none lies there.

    Args:
        bottom: decimal logarithm.
        top: decimal logarithm.
    """
    powers = range(math.floor(bottom), math.ceil(top) + 1)
    few = top - bottom > 2.5
    every = [step * 10.0**power for power in powers for step in ((1,) if few else (1, 2, 5))]
    inside = [one for one in every if bottom - 1e-9 <= math.log10(one) <= top + 1e-9]
    return inside if len(inside) >= 2 else [10**bottom, 10**top]


def _line(losses: Sequence[float | None], line: str, dot: str, at: Callable[[float, float], Any]) -> list[str]:
    points = [at(number + 1, float(one)) for number, one in enumerate(losses) if one is not None and _drawn(one)]
    if not points:
        return []
    if len(points) == 1:
        x, y = points[0]
        return [f'<circle class="{dot}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>']
    return [f'<path class="{line}" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + '"/>']
