"""Tables of the report: schemes side by side, regions, classes; and what is said about confidence."""

from html import escape
from typing import Any

import numpy as np

from ..metrics.registry import METRICS, MetricCard
from . import svg
from .parts import figure, inside, listed, paragraphs, row, score, section, spread, table
from .words import first_scheme, prevalence_sentences

Assessment = dict[str, Any]


def schemes(numbers: Assessment) -> str:
    """All scores of all ways of testing."""
    lines = []
    for name in numbers["schemes"][0]["metrics"]:
        card = METRICS[name]
        cells = "".join(f"<td>{_cell(scheme['metrics'].get(name, {}), card)}</td>" for scheme in numbers["schemes"])
        lines.append(f'<tr><td title="{escape(card.help, quote=True)}">{escape(card.title)}</td>{cells}</tr>')
    heads = ["Score", *(scheme["title"] for scheme in numbers["schemes"])]
    return section("All scores side by side", table(heads, lines))


def _cell(found: dict[str, Any], card: MetricCard) -> str:
    if not found or found["mean"] is None:
        return "–"
    interval = ""
    if found.get("low") is not None and found.get("high") is not None:
        interval = f"<small>{score(found['low'], card)} to {score(found['high'], card)}</small>"
    return f"{score(found['mean'], card)}{spread(found, card)}{interval}"


def regions(numbers: Assessment) -> str:
    """Each region as tested by the others; empty without regions."""
    scheme = next((one for one in numbers["schemes"] if one["name"] == "regions"), None)
    if scheme is None:
        return ""
    found, classes = scheme["regions"], numbers["target"] == "class"
    primary, second = ("accuracy", "balanced_accuracy") if classes else ("r2", "rmse")
    first, other = METRICS[primary], METRICS[second]
    lines = []
    for one in found["rows"]:
        value = one["scores"].get(primary)
        cells = f"<td>{score(value, first)}"
        if one["low"] is not None:
            cells += f"<small>{score(one['low'], first)} to {score(one['high'], first)}</small>"
        cells += "</td>"
        if classes:
            seen = one["scores_seen"].get(primary)
            cells += f"<td>{score(seen, first)}</td>"
        cells += f"<td>{score(one['scores'].get(second), other)}</td><td>{one['tested']:,}</td>"
        if classes:
            cells += f'<td class="wide">{escape(listed(one["unseen"]) or "–")}</td>'
        trained = listed(one["trained_on"])
        lines.append(f"<tr><td>{escape(one['region'])}<small>taught by {escape(trained)}</small></td>{cells}</tr>")
    heads = ["Tested region", first.title]
    heads += ["Without unknown classes", other.title, "Samples", "Classes that training lacked"] if classes else [
        other.title, "Samples",
    ]  # fmt: skip
    return section(
        "From region to region",
        paragraphs(_lost(numbers, found)),
        table(heads, lines, words=("Classes that training lacked",)),
    )


def _lost(numbers: Assessment, found: dict[str, Any]) -> list[str]:
    text = []
    where: dict[str, list[str]] = {}
    for one in found["only_in"]:
        where.setdefault(one["region"], []).append(one["class"])
    for region, names in where.items():
        many = len(names) > 1
        count = f"{len(names)} classes occur" if many else "1 class occurs"
        them, they, verb = ("them", "they", "count") if many else ("it", "it", "counts")
        text.append(
            f"{count} in {region} only: {listed(names)}. A head taught elsewhere cannot know {them}, so there {they} "
            f"{verb} as errors; beside it stands the score without {them}."
        )
    if found["dropped"]:
        text.append(f"{found['dropped']} regions could not be tested, as the others had too little to learn from.")
    if any(one["low"] is not None for one in found["rows"]):
        text.append(f"Intervals are for other {numbers['group_kind']} of the same region, not for another region.")
    return text


def classes(numbers: Assessment) -> str:
    """Scores of each class, and precision at the shares that classes have on the ground."""
    scheme, stated = first_scheme(numbers), numbers.get("prevalence")
    lines = []
    for number, (entry, found) in enumerate(zip(numbers["classes"], scheme["per_class"], strict=True)):
        swatch = f'<span class="swatch" style="background:{escape(entry["colour"], quote=True)}"></span>'
        keys = ["recall", "precision", "f1"]
        cells = [score(found[key], METRICS["f1_macro"]) if found["support"] else "–" for key in keys]
        if stated:
            one = stated["per_class"][number]
            cells.insert(2, score(one["precision"], METRICS["accuracy"]) if found["support"] else "–")
            cells.append(f"{100 * one['share']:.3g} %")
        cells += [f"{entry['samples']:,}", f"{entry['groups']:,}"]
        lines.append(
            f"<tr><td>{swatch}{escape(entry['name'])}</td>"
            + "".join(f"<td>{escape(one)}</td>" for one in cells)
            + "</tr>"
        )
    heads = ["Class", "Found (recall)", "Right where shown (precision)", "F1"]
    if stated:
        heads.insert(3, "Right where shown, at stated shares")
        heads.append("Stated share")
    heads += ["Samples", "Groups"]
    return section(
        f"Classes, by {inside(scheme['title'])}", paragraphs(prevalence_sentences(numbers)), table(heads, lines)
    )


def mistakes(numbers: Assessment) -> str:
    """The confusion matrix."""
    scheme = first_scheme(numbers)
    names = [entry["name"] for entry in numbers["classes"]]
    matrix = svg.matrix(names, np.array(scheme["confusion"]), scheme["repetitions"])
    told = (
        "Each row is one true class: share of its cells, and below it their number in one repetition. Blue on the "
        "diagonal is right, orange is mistaken."
    )
    return section("What is taken for what", figure(matrix, told, wide=True))


def confidence(numbers: Assessment) -> str:
    """Reliability diagram before and after calibration, and sets of possible classes."""
    scheme, parts = first_scheme(numbers), []
    before = scheme.get("reliability_before", [])
    lines = []
    for one in numbers["schemes"]:
        after = one["metrics"].get("calibration_error", {}).get("mean")
        if after is not None:
            raw = one.get("calibration_error_before")
            cells = [score(raw, METRICS["accuracy"])] if before else []
            lines.append(row(one["title"], *cells, score(after, METRICS["accuracy"])))
    heads = ["Mean gap between confidence and share right", *(["Before calibration"] if before else [])]
    heads.append("After calibration" if before else "As given")
    meant = (
        "On the dashed line 80 % confidence means 80 % right; below it the head is too sure, above it too modest. "
        "Large dots stand for many cells."
    )
    parts.append(figure(svg.reliability(scheme["reliability"], before), meant))
    parts.append(table(heads, lines))
    parts.append(paragraphs(_confidence_lines(scheme)))
    return section("Does the confidence keep its word?", *parts)


def _confidence_lines(scheme: dict[str, Any]) -> list[str]:
    text = []
    if scheme.get("classes_as") == "equal":
        text.append(
            "As each class was given the same weight, the confidence is that of equally common classes, and judged so."
        )
    text += _calibrated_lines(scheme.get("calibrated"))
    found = scheme.get("conformal")
    if found:
        text.append(
            f"Possible classes, wanted to hold the right one in {100 * found['wanted']:g} % of places, held it in "
            f"{100 * found['found']:.1f} % of those kept apart (each group counting the same). On average "
            f"{found['mean_size']:.1f} classes were possible; in {100 * found['alone']:.0f} % of places just one."
        )
    return text


def _calibrated_lines(found: dict[str, int] | None) -> list[str]:
    """In how many folds calibration was worth it."""
    if not found:
        return []
    kept = {name: count for name, count in found.items() if name not in ("folds", "none")}
    if not kept:
        return ["Calibration was tried in every fold and made the confidence no better, so it was left as it is."]
    methods = listed([f"{name} in {count}" for name, count in kept.items()])
    rest = found.get("none", 0)
    other = f"; in the other {rest} it made the confidence no better" if rest else ""
    return [f"Of {found['folds']} folds, the confidence was calibrated by {methods}{other}."]
