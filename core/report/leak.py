"""The picture of the fall: the same head, the same labels, and what is left of its score when the test is honest."""

from html import escape
from typing import Any

from .parts import listed, points, section, short
from .words import NOTABLE_GAP

Assessment = dict[str, Any]
SMALLEST_DROP = 0.005
MOST_NAMED = 2


def fall(numbers: Assessment) -> str:
    """The section; empty when there is but one way of testing."""
    steps = numbers["fall"]
    if len(steps) < 2:
        return ""
    metric = numbers["headline"]["metric"]
    highest = max(step["score"] for step in steps if step["name"] == "random") if _has_random(steps) else None
    bounds = {scheme["name"]: scheme["metrics"][metric] for scheme in numbers["schemes"]}
    columns = "".join(_column(step, highest, bounds[step["name"]], metric) for step in steps)
    what = "cells named right" if numbers["target"] == "class" else "variance explained (R2)"
    caption = f"Share of {what} by the same head from the same labels, tested in ever farther places." + (
        " Blue: what is left. Orange: what only the random test claims." if 'class="lost"' in columns else ""
    )
    if any(row.get("low") is not None for row in bounds.values()):
        caption += " Lines: 95 % intervals for other groups of the same sort."
    picture = f'<div class="fall">{columns}</div>'
    return section(_title(steps, metric), f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>")


def _has_random(steps: list[dict[str, Any]]) -> bool:
    return any(step["name"] == "random" for step in steps)


def _title(steps: list[dict[str, Any]], metric: str) -> str:
    first, last = steps[0]["score"], min(step["score"] for step in steps)
    if first - last < NOTABLE_GAP:
        near = max((step["score"] for step in steps if step["name"] in ("groups", "blocks")), default=last)
        if near - last < NOTABLE_GAP:
            return "The score holds where the head has not been"
        return (
            f"The score holds near the labels, and falls from {short(near, metric)} to {short(last, metric)} elsewhere"
        )
    return f"The score falls from {short(first, metric)} to {short(last, metric)} where the head has not been"


def _column(step: dict[str, Any], random: float | None, bounds: dict[str, Any], metric: str) -> str:
    """One way of testing: its number, a bar, and above it what was lost against random cells."""
    kind = "muted" if step["name"] == "random" else "good"
    level = _percent(step["score"])
    marks = f'<i class="fill {kind}" style="--v:{level}"></i>'
    drop = ""
    lost = random - step["score"] if random is not None else 0.0
    if step["name"] != "random" and random is not None and lost > SMALLEST_DROP:
        marks = f'<i class="lost" style="--v:{_percent(random)}"></i>' + marks
        drop = f"−{points(random, step['score'], metric)}"
    if step["name"] in ("groups", "blocks") and bounds.get("low") is not None and bounds.get("high") is not None:
        low, high = (max(0.0, min(1.0, bounds[name])) for name in ("low", "high"))
        marks += f'<i class="line" style="--from:{_percent(low)};--v:{_percent(high - low)}"></i>'
    title, note = _named(step)
    missing = step.get("untested") or []
    if missing:
        what = listed(missing) if len(missing) <= MOST_NAMED else f"{len(missing)} classes"
        note += f"; without {what}, too few to keep apart"
    return (
        f'<div class="step"><b class="{kind}">{escape(short(step["score"], metric))}</b>'
        f'<span class="drop">{escape(drop) or "&nbsp;"}</span><div class="track">{marks}</div>'
        f'<strong>{escape(title)}</strong><span class="soft">{escape(note)}</span></div>'
    )


def _named(step: dict[str, Any]) -> tuple[str, str]:
    if step["name"] == "random":
        return "Random cells", "neighbours of the test were in training: flatters"
    if step["name"] == "groups":
        return _capital(step["title"].removeprefix("Folds of ")), "whole ones that it had never seen"
    if step["name"] == "blocks":
        return "Spatial blocks", "places that it had never seen"
    if not step["from"]:
        return "Other regions", "whole ones that it had never seen"
    return step["title"], f"taught by {listed(step['from'])} only"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _percent(value: float) -> str:
    return f"{100 * max(0.0, min(1.0, value)):.1f}%"
