"""The comparison of methods as one HTML page that opens offline, in the style of the other reports.

All text from files and users is escaped here or in the pieces that are used.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..report import parts
from ..report.page import document, made_by
from .comparepictures import Picture, dots
from .comparescores import EVERYTHING, LEARNT, MEASURES, NATURAL, NOTHING, RANKINGS, TESTS, TRIVIAL, title_of
from .comparewords import headline_sentences, how_tested

Numbers = dict[str, Any]
HEADS = {
    "precision": ("P", "Precision: of the cells that are called favela, those that are."),
    "recall": ("R", "Recall: of the favela cells, those that are called so."),
    "f1": ("F1", "Harmonic mean of precision and recall."),
    "iou": ("IoU", "Intersection over union: cells that are favela and called so, of those that are either."),
    "auc": ("AUC", "Area under the receiver operating characteristic: 0.5 for a guess."),
    "average_precision": ("AP", "Average precision: the share of favela for a guess."),
}
TITLE = "Which method draws favelas best?"


def page(numbers: Numbers, job: Numbers, maps: Sequence[Picture] = ()) -> str:
    """The whole page.

    Args:
        numbers: from `comparescores.compare`.
        job: as plain values.
        maps: of errors, one for each method.
    """
    sentences = headline_sentences(numbers)
    kind = "lead" if numbers["headline"].get("honest") else "lead warn"
    blocks = [f"<h1>{escape(TITLE)}</h1>", f'<p class="soft">{escape(_subtitle(numbers, job))}</p>']
    blocks += [parts.paragraphs(sentences[:1], kind), parts.paragraphs(sentences[1:])]
    if numbers["schemes"]:
        blocks += [_picture(numbers), _tables(numbers), _rankings(numbers), _zones(numbers), _maps(maps)]
    blocks += [parts.listing("How this was tested", how_tested(numbers, job)), _misuse(), made_by(job)]
    return document(TITLE, blocks)


def _subtitle(numbers: Numbers, job: Numbers) -> str:
    cells, source = numbers["cells"], Path(str(job["cells"]).split("|")[0]).name
    share = f"{100 * cells['share']:.2g} %"
    return f"{source}: {cells['favela']:,} favela cells ({share}) and {cells['other']:,} others with a label."


def _picture(numbers: Numbers) -> str:
    told = (
        "IoU of favela cells, favela as common as labelled; mean and standard deviation over folds and "
        "repetitions. Dashed: calling every cell favela."
    )
    return parts.section("The same methods, tested in other ways", parts.figure(dots(numbers), told, wide=True))


def _tables(numbers: Numbers) -> str:
    """Precision, recall, F1 and IoU: methods in rows, schemes side by side, one block of rows for each test."""
    schemes = numbers["schemes"]
    first = "<th></th>" + "".join(
        f'<th class="apart" colspan="{len(MEASURES)}">{escape(scheme["title"])}</th>' for scheme in schemes
    )
    rows = []
    for test, (_, _, title) in TESTS.items():
        if not any(test in scheme["tests"] for scheme in schemes):
            continue
        rows.append(f'<tr><th class="wide" colspan="{1 + len(MEASURES) * len(schemes)}">{escape(title)}</th></tr>')
        rows += _rows([scheme["tests"].get(test, {}) for scheme in schemes], _names(numbers), MEASURES)
    told = (
        "Per cent, of favela cells; below it the population standard deviation over folds and repetitions. P: "
        "precision, R: recall, F1: their harmonic mean, IoU: intersection over union. Bold: the best of the column."
    )
    return parts.section("The table", _tight(first, MEASURES, len(schemes), rows), parts.paragraphs([told], "soft"))


def _names(numbers: Numbers) -> list[str]:
    """Methods from the best down, then trivial answers."""
    return [*numbers["headline"]["ranking"], EVERYTHING, NOTHING]


def _tight(first: str, measures: Sequence[str], groups: int, rows: Sequence[str]) -> str:
    second = "".join(
        f'<th{_apart(number)} title="{escape(HEADS[measure][1], quote=True)}">{HEADS[measure][0]}</th>'
        for _ in range(groups)
        for number, measure in enumerate(measures)
    )
    head = f"<thead><tr>{first}</tr><tr><th>Method</th>{second}</tr></thead>"
    return f'<div class="scroll"><table class="tight">{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _rows(groups: Sequence[Numbers], names: Sequence[str], measures: Sequence[str]) -> list[str]:
    """A row for each method; `groups` hold the scores of methods, one for each group of columns."""
    best = [
        {
            measure: max(
                (one[measure]["mean"] for key, one in found.items() if one and key not in TRIVIAL), default=None
            )
            for measure in measures
        }
        for found in groups
    ]
    rows = []
    for name in names:
        cells = "".join(
            _cell(found.get(name), measure, top[measure], number, name)
            for found, top in zip(groups, best, strict=True)
            for number, measure in enumerate(measures)
        )
        kind = ' class="soft"' if name in TRIVIAL else ""
        rows.append(f"<tr{kind}><td>{escape(title_of(name))}</td>{cells}</tr>")
    return rows


def _cell(found: Numbers | None, measure: str, best: float | None, number: int, name: str) -> str:
    if not found or (name == NOTHING and measure == "precision"):
        return f"<td{_apart(number)}>–</td>"
    one = found[measure]
    value = f"{100 * one['mean']:.1f}"
    if name not in TRIVIAL and best is not None and one["mean"] >= best:
        value = f"<b>{value}</b>"
    return f"<td{_apart(number)}>{value}<small>± {100 * one['sd']:.1f}</small></td>"


def _apart(number: int) -> str:
    return ' class="apart"' if number == 0 else ""


def _rankings(numbers: Numbers) -> str:
    """What no cut decides: AUC and average precision at natural prevalence."""
    schemes = numbers["schemes"]
    first = "<th></th>" + "".join(
        f'<th class="apart" colspan="{len(RANKINGS)}">{escape(scheme["title"])}</th>' for scheme in schemes
    )
    rows = _rows([scheme["tests"][NATURAL] for scheme in schemes], _names(numbers)[:-1], RANKINGS)
    told = (
        "How well cells are ranked, whatever the cut, favela as common as labelled. AUC: how often a favela cell "
        "is ranked before another cell; AP: average precision. One answer for all cells has an AUC of 50, and "
        "the share of favela as AP."
    )
    table = _tight(first, RANKINGS, len(schemes), rows)
    return parts.section("Whatever the cut", table, parts.paragraphs([told], "soft"))


def _zones(numbers: Numbers) -> str:
    """IoU in each zone, as told by the others; empty without zones."""
    scheme = next((one for one in numbers["schemes"] if one.get("zones")), None)
    if scheme is None:
        return ""
    zones = scheme["zones"]
    rows = [
        parts.row("Labelled cells", *(f"{one['cells']:,}" for one in zones)),
        parts.row("Share of favela", *(f"{100 * one['share']:.2g} %" for one in zones)),
    ]
    for name in [*numbers["headline"]["ranking"], EVERYTHING]:
        found = [one["scores"][name] for one in zones]
        rows.append(parts.row(title_of(name), *(f"{100 * one['iou']['mean']:.1f}" if one else "–" for one in found)))
    by = "the cut learnt in the other zones" if scheme["zones_test"] == LEARNT else "the published rule"
    told = f"IoU of favela cells in per cent, by {by}; each zone is told by methods that were trained on all others."
    return parts.section(
        "From zone to zone",
        parts.table(["Method", *(str(one["zone"]) for one in zones)], rows),
        parts.paragraphs([told], "soft"),
    )


def _maps(maps: Sequence[Picture]) -> str:
    if not maps:
        return ""
    told = (
        "Each labelled cell as it was told in most repetitions, in the test to trust. Blue: favela that was found. "
        "Black (white on dark): favela that was missed. Orange: called favela, but is not. Grey: rightly left out."
    )
    figures = "".join(parts.figure(picture, caption) for picture, caption in maps)
    return parts.section("Where methods err", parts.paragraphs([told], "soft"), f'<div class="trio">{figures}</div>')


def _misuse() -> str:
    lines = [
        "Such a map can harm the people on it. A score for a city says nothing of a street: look at the cells with "
        "people who know the place before a map is used or published, and read the page on misuse."
    ]
    return parts.section("Before you use such a map", parts.paragraphs(lines))
