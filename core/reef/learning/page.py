"""What a model of photo points is worth, as one HTML page that opens offline. Numbers come as plain values."""

import csv
import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from ...report import svg
from ...report.page import document, made_by
from ...report.parts import figure, listing, paragraphs, row, section, table
from .curvepicture import curve_picture
from .headlist import POINT, TREE

Numbers = dict[str, Any]
MOST_ROWS = 60
ARRANGED = {TREE: "a head at each branching", "flat": "one head for all labels"}


def page(numbers: Numbers, told: Sequence[str], warnings: Sequence[str], job: dict[str, Any], survey: str) -> str:
    """The whole page.

    Args:
        numbers: of `assess`.
        told: sentences, the most important first.
        warnings: likewise.
        job: as a dict.
        survey: name of its file.
    """
    subtitle = f"{survey}; vectors by {numbers['backbone']} ({numbers['dimensions']:,} numbers a point)."
    blocks = [
        "<h1>What the machine has learnt</h1>",
        f'<p class="soft">{escape(subtitle)}</p>',
        paragraphs(told[:3], "lead"),
        _trust(numbers["trust"]),
        _splits(numbers["splits"]),
        _levels(numbers["levels"]),
        _groups(numbers),
        _curve(numbers["curve"]),
        _arrangements(numbers["arrangements"]),
        _labels(numbers),
        _mistakes(numbers),
        _confidence(numbers),
        listing("What to know", [*warnings, *_known(numbers)]),
        made_by(job),
    ]
    return document("What the machine has learnt", blocks)


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f} %"


def _trust(trust: Numbers) -> str:
    """Which share of points may be given at each level for several wishes."""
    levels = len(trust["rows"][0]["given"])
    heads = ["Wished accuracy", *(f"Level {level}" for level in range(1, levels + 1))]
    body = []
    for one in trust["rows"]:
        name = (
            f"<strong>{100 * one['wish']:g} %</strong>" if one["wish"] == trust["wish"] else f"{100 * one['wish']:g} %"
        )
        cells = "".join(
            f"<td>{_percent(given, 0) if given else 'not given'}<small>{_right(right)}</small></td>"
            for given, right in zip(one["given"], one["apart"], strict=True)
        )
        body.append(f"<tr><td>{name}</td>{cells}</tr>")
    lead = (
        "Each point may be named down to the deepest level that is trusted: a hard coral rather than a wrong species. "
        "The table tells the share of points that get so far; below it, the share of those that was right on photos "
        "that had no part in the choice."
    )
    said = [lead, _branches(trust)]
    return section("How deep to trust it", paragraphs(line for line in said if line), table(heads, body))


def _right(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} % right"


def _branches(trust: Numbers) -> str:
    found = trust["branches"]
    if found is None:
        return "For branches of the tree that hold the truth with a promised coverage there are too few photos."
    shares = [f"{100 * share:.0f} % reach level {level}" for level, share in enumerate(found["deeper"], 1) if share > 0]
    what = ", ".join(shares) if shares else "none reaches the first level"
    return (
        f"Branches that hold the true label in {100 * found['coverage']:g} % of all points (conformal sets on the "
        f"tree): {what}."
    )


def _splits(splits: Sequence[Numbers]) -> str:
    heads = ["Tested on", "hF", "hP", "hR", "Exactly right", "F1, weighted", "F1, each label alike", "Kept apart"]
    body = []
    for one in splits:
        hf = f"<td>{_percent(one['hf'])}<small>{_between(one['hf_low'], one['hf_high'])}</small></td>"
        rest = "".join(f"<td>{_percent(one[key])}</td>" for key in ("hp", "hr", "accuracy", "f1_weighted", "f1_macro"))
        kind = ' class="soft"' if one["name"] == POINT else ""
        kept = f"<td>{one['groups']:,}</td>"
        body.append(f"<tr{kind}><td>{escape(one['title'])}</td>{hf}{rest}{kept}</tr>")
    notes = [
        "hF counts what the label said and the true one share on the way from the root (hP: of what was said; hR: of "
        "what is true). Small: limits for other photos like these."
    ]
    if any(one["name"] == POINT for one in splits):
        notes.append(
            "Points of photos that it had seen lie beside points that it learnt from: that row says how much such a "
            "test, common in studies, flatters. It promises nothing."
        )
    return section("Tests side by side", table(heads, body, tight=True), paragraphs(notes, "soft"))


def _levels(levels: Sequence[Numbers]) -> str:
    heads = ["Level", "Labels", "hF", "hP", "hR", "Right", "F1, weighted", "F1, each label alike"]
    body = [
        row(
            f"{one['level']}{' (roots)' if one['level'] == 1 else ''}", f"{one['classes']:,}",
            *(_percent(one[key]) for key in ("hf", "hp", "hr", "accuracy", "f1_weighted", "f1_macro")),
        )
        for one in levels
    ]  # fmt: skip
    note = "On photos kept apart; labels above a level stand for themselves there."
    return section("At each level of the label tree", table(heads, body), paragraphs([note], "soft"))


def _groups(numbers: Numbers) -> str:
    """Cover by people and machine at the deepest level that fits the page."""
    shown = next(one for one in numbers["levels"] if one["level"] == numbers["matrix"]["level"])
    heads = ["Group", "Cover by people", "by machine", "Mean error of a photo", "Limits", "Of the mean cover"]
    body = [
        row(
            _named(numbers, one["label"]), _percent(one["people"]), _percent(one["machine"]), _percent(one["error"]),
            "–" if one["low"] is None else f"{100 * one['low']:.1f} to {100 * one['high']:.1f} %",
            f"{100 * one['bias']:+.1f} %".replace("-", "−"),
        )
        for one in shown["groups"][:MOST_ROWS]
    ]  # fmt: skip
    note = (
        f"Level {shown['level']}, on photos kept apart. Errors of single photos partly cancel in the mean of many: the "
        "last column is what remains. 'Cover of photo survey' corrects it."
    )
    return section("What that means for cover", table(heads, body), paragraphs([note], "soft"))


def _curve(curve: Numbers | None) -> str:
    if curve is None:
        return ""
    draws = len(curve["scores"]["hf"])
    caption = (
        f"hF on photos kept apart by the number of photos learnt from: {draws} draw{'s' if draws > 1 else ''} of "
        "photos (thin), and their mean. The dashed line goes on as a power law."
    )
    return section(
        "Would more photos help?", paragraphs([curve["sentence"]]), figure(curve_picture(curve), caption, wide=True)
    )


def _arrangements(rows: Sequence[Numbers]) -> str:
    heads = ["Heads", "Label that is said", "hF", "Limits", "Exactly right", "F1, weighted", "F1, each label alike"]
    body = [
        row(
            ARRANGED[one["kind"]], one["said"], _percent(one["hf"]), _between(one["hf_low"], one["hf_high"]),
            _percent(one["accuracy"]), _percent(one["f1_weighted"]), _percent(one["f1_macro"]),
        )
        for one in rows
    ]  # fmt: skip
    note = "The most probable label is what suggestions begin with; top down is how studies of label trees decide."
    return section("Heads side by side", table(heads, body, tight=True), paragraphs([note], "soft"))


def _named(numbers: Numbers, code: str) -> str:
    name = numbers["names"].get(code, code)
    return code if name == code else f"{name} ({code})"


def _labels(numbers: Numbers) -> str:
    heads = ["Label", "Found (recall)", "Right where said (precision)", "F1", "Points", "Photos"]
    found, body = numbers["per_label"], []
    for one in found[:MOST_ROWS]:
        colour = escape(numbers["colours"].get(one["label"], ""), quote=True)
        swatch = f'<span class="swatch" style="background:{colour}"></span>' if colour else ""
        cells = [
            _percent(one["recall"]), _percent(one["precision"]) if one["said"] else "never said", _percent(one["f1"]),
            f"{one['support']:,}", f"{one['photos']:,}",
        ]  # fmt: skip
        named = f"<td>{swatch}{escape(_named(numbers, one['label']))}</td>"
        body.append(f"<tr>{named}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    rest = len(found) - MOST_ROWS
    more = [f"The {MOST_ROWS} most common of {len(found)}; the others stand in the JSON."] if rest > 0 else []
    return section("Each label, on photos kept apart", table(heads, body), paragraphs(more, "soft"))


def _mistakes(numbers: Numbers) -> str:
    if not numbers["mistakes"]:
        return ""
    heads = ["True label", "Taken for", "Points", "Of the true label", "Both are"]
    body = [
        row(
            _named(numbers, one["label"]), _named(numbers, one["said"]), f"{one['points']:,}",
            _percent(one["points"] / one["of"], 0), _named(numbers, one["both"]) if one["both"] else "–",
        )
        for one in numbers["mistakes"]
    ]  # fmt: skip
    matrix = numbers["matrix"]
    picture = svg.matrix(matrix["codes"], np.array(matrix["points"]), 1, "points")
    caption = (
        f"Level {matrix['level']}. Each row is one true label: share of its points, and below it their number. Blue on "
        "the diagonal is right, orange is mistaken."
    )
    drawn = figure(picture, caption, wide=True) if len(matrix["codes"]) <= svg.MOST_NUMBERS else ""
    return section("What is taken for what most often", table(heads, body), drawn)


def _confidence(numbers: Numbers) -> str:
    found = numbers["confidence"]
    changed = found["error"] != found["error_before"]
    before = found["bins_before"] if changed else ()
    caption = (
        "On the dashed line 80 % confidence means 80 % right; below it the machine is too sure. Large dots stand for "
        "many points. Photos kept apart."
    )
    lines = [f"Mean gap between confidence and share right: {_percent(found['error'])}."]
    if changed:
        lines[0] = lines[0][:-1] + f", before calibration {_percent(found['error_before'])}."
    return section(
        "Does the confidence keep its word?", paragraphs(lines), figure(svg.reliability(found["bins"], before), caption)
    )


def _known(numbers: Numbers) -> list[str]:
    lines = [
        "Photos are held out whole and drawn at random: what is told holds for photos like these, of the same sites, "
        "camera and season unless the tests on sites and dates say otherwise.",
        f"{numbers['photos']:,} photos taught the model that is kept; the figures are of heads that lacked a fifth of "
        "them each.",
        "The truth is what people said. Where they disagree with one another, no machine can agree with all.",
    ]
    if numbers["choice"]:
        lines.append(numbers["choice"])
    return lines


def as_csv(numbers: Numbers) -> str:
    """Scores as a long table: what was tested, of what, the measure, its value; empty where it is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "of", "measure", "value"))
    tables = (
        ("test", "name", numbers["splits"]), ("heads", "kind", numbers["arrangements"]),
        ("level", "level", numbers["levels"]), ("label", "label", numbers["per_label"]),
        *((f"cover at level {one['level']}", "label", one["groups"]) for one in numbers["levels"]),
    )  # fmt: skip
    for title, key, rows in tables:
        for one in rows:
            name = f"{one[key]}, {one['said']}" if title == "heads" else one[key]
            kept = {
                measure: value for measure, value in one.items() if isinstance(value, (int, float)) or value is None
            }
            writer.writerows((title, name, measure, "" if value is None else value) for measure, value in kept.items()
                             if measure != key)  # fmt: skip
    return text.getvalue()
