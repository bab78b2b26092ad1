"""What following favelas over dates found, in words and as facts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .following import Pair, Read
from .names import BECAME, CHANGES, NO_LONGER, UNDETECTED
from .samecells import Same

LISTED = 5
"""Columns named in a warning."""


def matching_words(same: Same, dates: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """How cells were matched, and which are not on all dates.

    Args:
        same: the match.
        dates: names.
        sizes: cells of each layer.
    """
    count = same.rows.shape[1]
    lines = [f"{count} cells are on all dates, matched {same.how}."]
    left = [
        f"{few} of {size} on {date}" for date, few, size in zip(dates, same.left, sizes, strict=True) if few
    ]  # fmt: skip
    return [*lines, f"Left out, as they are not on all dates: {', '.join(left)}."] if left else lines


def bridge_words(date: str, reference: str, read: Read, names: Sequence[str]) -> list[tuple[str, str]]:
    """How a date was brought to the reference, each line with its level."""
    bridge = read.bridge
    if bridge is None:
        return []
    moved = (bridge.gain != 1) | (bridge.offset != 0)
    lines = []
    if moved.any():
        known = bridge.agreement[np.isfinite(bridge.agreement) & moved]
        agree = f", with a middle correlation of {np.median(known):.2f}" if known.size else ""
        same = f"; {(~moved).sum()} of {len(moved)} columns are the same on both" if not moved.all() else ""
        lines.append((
            "info",
            f"{date} was brought to {reference} by {read.taught.sum()} stable cells{agree}: gains from "
            f"{bridge.gain[moved].min():.3g} to {bridge.gain[moved].max():.3g}{same}.",
        ))  # fmt: skip
    else:
        lines.append(("info", f"All columns are the very same on {date} and on {reference} in the stable cells."))
    strange = [name for name, value in zip(names, bridge.agreement, strict=True) if value <= 0]
    if strange:
        listed = ", ".join(strange[:LISTED]) + (", ..." if len(strange) > LISTED else "")
        lines.append((
            "warning",
            f"{len(strange)} of {len(names)} columns have nothing in common on {date} and on {reference} even where "
            f"nothing changed ({listed}): they only add noise. Look whether they were computed in the same way.",
        ))  # fmt: skip
    return lines


def date_words(date: str, read: Read) -> str:
    """How many cells are favela."""
    there = np.isfinite(read.probability)
    few = int(read.favela[there].sum())
    return f"{date}: {few} of {there.sum()} cells are called favela ({100 * few / max(there.sum(), 1):.1f} %)."


def pair_words(names: tuple[str, str], pair: Pair, level: float, together: bool) -> str:
    """How many cells changed, and how many of these are probably false."""
    counts = {name: int((pair.change == name).sum()) for name in CHANGES}
    changed = counts[BECAME] + counts[NO_LONGER]
    words = (
        f"{names[0]} to {names[1]}: {counts[BECAME]} cells became favela, {counts[NO_LONGER]} are no longer favela; "
        f"{counts[UNDETECTED]} differ in class by no more than the noise."
    )
    if not changed:
        return words
    share = f"{100 * (1 - level):.3g} %"
    if together:
        return (
            f"{words} Of the {changed} changes at most {share} are expected to be false: {changed * (1 - level):.1f}."
        )
    return (
        f"{words} Each is beyond what {share} of unchanged cells reach; going by the stable cells, about "
        f"{pair.by_chance:.1f} would be called so if nothing had changed."
    )


def pair_facts(names: tuple[str, str], pair: Pair) -> dict[str, Any]:
    """Plain JSON values."""
    return {
        "from": names[0],
        "to": names[1],
        "counts": {name: int((pair.change == name).sum()) for name in CHANGES},
        "by_chance": round(pair.by_chance, 3),
        "agreement": round(pair.agreement, 4),
        "stable": pair.noise.cells,
        "noise": round(float(np.median(pair.noise.spread) / pair.noise.scale), 4),
        "freedom": round(pair.noise.freedom, 2),
    }
