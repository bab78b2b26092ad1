"""The assessment of an indicator as one HTML page that opens offline. All text from files and users is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ...report import parts
from ...report.page import document, made_by
from .pictures import dots
from .scores import FEWEST, title_of
from .trials import TRIVIAL
from .words import how_tested, names_in_order, sentences, title_of_change, worth

Numbers = dict[str, Any]
TITLE = "How well is the indicator told where nobody was asked?"
MOST_REGIONS, MOST_NAMED = 30, 10
"""In a table, and in a sentence."""
MEASURES = {
    "r2": (
        "R2",
        "Coefficient of determination: share of the variance that is explained; below 0: worse than the mean.",
    ),
    "pearson_r2": ("r2", "Squared correlation: blind to bias and scale."),
    "mae": ("MAE", "Mean absolute error, in the unit of the indicator."),
    "rmse": ("RMSE", "Root mean squared error, in the unit of the indicator."),
}


def page(numbers: Numbers, job: Numbers, notes: Sequence[str], pictures: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        numbers: of the assessment.
        job: as plain values.
        notes: what became of the rows.
        pictures: SVG by caption: the best method's estimates, and where they err.
    """
    lines = sentences(numbers)
    kind = "lead" if numbers["headline"].get("honest") else "lead warn"
    blocks = [f"<h1>{escape(TITLE)}</h1>", f'<p class="soft">{escape(_subtitle(numbers, job))}</p>']
    blocks += [parts.paragraphs(lines[:1], kind), parts.paragraphs(lines[1:])]
    if numbers["schemes"]:
        names = names_in_order(numbers)
        blocks += [_picture(numbers, names), _table(numbers, names), _within(numbers, names), _pictures(pictures)]
        blocks += [_folds(numbers, names), _groups(numbers, "year", "Year by year"), _changes(numbers)]
        blocks += [_groups(numbers, "urban", "Towns and villages")]
    blocks += [
        parts.listing("How this was tested", how_tested(numbers)),
        parts.listing("Rows", notes),
        _use(),
        made_by(job),
    ]
    return document(TITLE, blocks)


def _subtitle(numbers: Numbers, job: Numbers) -> str:
    data, source = numbers["data"], Path(str(job["samples"]).split("|")[0]).name
    years = f", {data['years'][0]} to {data['years'][-1]}" if len(data["years"]) > 1 else ""
    regions = f" in {len(data['regions'])} countries or regions" if data["regions"] else ""
    return (
        f"{source}: '{data['indicator']}' of {data['rows']:,} rows, {data['places']:,} places{regions}{years}; "
        f"{data['features']:,} columns to learn from."
    )


def _picture(numbers: Numbers, names: Sequence[str]) -> str:
    told = (
        "R2 of each method, and standard deviation over folds. Blue: places kept apart. Orange: whole countries or "
        "regions left out. Grey: rows drawn at random, which flatters. A triangle at the edge: below 0."
    )
    return parts.section("The same methods, tested in other ways", parts.figure(dots(numbers, names), told, wide=True))


def _table(numbers: Numbers, names: Sequence[str]) -> str:
    heads = "".join(f'<th title="{escape(told, quote=True)}">{short}</th>' for short, told in MEASURES.values())
    body = ""
    for scheme in numbers["schemes"]:
        rows = f"{scheme['tested']:,} rows"
        body += (
            f'<tr><th class="wide" colspan="{len(MEASURES) + 1}">{escape(scheme["title"])} '
            f'<span class="soft">({rows})</span></th></tr>'
        )
        body += "".join(_row(scheme["methods"][name], name) for name in names if name in scheme["methods"])
    told = (
        "Over all tested rows; below it the standard deviation over folds. R2: coefficient of determination, r2: "
        "squared correlation, MAE and RMSE in the unit of the indicator. A study that gives 'r2' mostly means the "
        "squared correlation, which forgives a bias. An answer that is the same all over a fold has none."
    )
    table = f'<div class="scroll"><table class="tight"><thead><tr><th>Method</th>{heads}</tr></thead>'
    table += f"<tbody>{body}</tbody></table></div>"
    return parts.section("The table", table, parts.paragraphs([told], "soft"))


def _row(found: Numbers, name: str) -> str:
    kind = ' class="soft"' if name in TRIVIAL else ""
    cells = "".join(_cell(found, measure) for measure in MEASURES)
    return f"<tr{kind}><td>{escape(title_of(name))}</td>{cells}</tr>"


def _cell(found: Numbers, measure: str) -> str:
    value, sd = found["scores"][measure], found["folds_sd"][measure]
    spread = f"<small>± {sd:.3f}</small>" if sd is not None and value is not None else ""
    return f"<td>{_three(value)}{spread}</td>"


def _three(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def _within(numbers: Numbers, names: Sequence[str]) -> str:
    """r2 inside each country, where the mean of the country says nothing; and how the best method does elsewhere."""
    honest = [scheme for scheme in numbers["schemes"] if scheme["honest"]]
    if not honest or not numbers["headline"]:
        return ""
    best, methods = numbers["headline"]["best"], honest[0]["methods"]
    first = [(title_of(name), methods[name]) for name in names if name not in TRIVIAL and name in methods]
    others = [(scheme["title"], scheme["methods"][best]) for scheme in honest[1:] if best in scheme["methods"]]
    blocks = _by_region(honest[0]["title"], first)
    if blocks and others:
        blocks += _by_region(f"{title_of(best)} under the other tests", others)
    told = "Squared correlation inside each country or region, where its mean explains nothing."
    return parts.section("Within countries or regions", parts.paragraphs([told]), *blocks) if blocks else ""


def _by_region(title: str, columns: Sequence[tuple[str, Numbers]]) -> list[str]:
    """A table of scores within regions, those with most rows where they are many."""
    every = {key: one for _, found in reversed(columns) for key, one in found.get("regions", {}).items() if one}
    order = list(columns[0][1].get("regions", {}))
    told = sorted(every, key=lambda key: -every[key]["rows"])
    shown = [key for key in order if key in told[:MOST_REGIONS]]
    if not shown:
        return []
    of_region = {key: [found["regions"].get(key) or {} for _, found in columns] for key in shown}
    # Tests differ in how many rows of a region they test: then their number stands for none of them.
    alike = all(len({one.get("rows") for one in scores}) == 1 for scores in of_region.values())
    rows = []
    for key, scores in of_region.items():
        counted = [f"{every[key]['rows']:,}"] if alike else []
        rows.append(parts.row(key, *counted, *(_three(one.get("pearson_r2")) for one in scores)))
    rows.append(parts.row("Mean", *[""] * alike, *(_three(found.get("within_r2")) for _, found in columns)))
    heads = ["", *["Rows"] * alike, *(head for head, _ in columns)]
    return [
        parts.paragraphs([title], "soft"),
        parts.table(heads, rows, tight=True),
        parts.paragraphs(_not_shown(order, told, shown), "soft"),
    ]


def _not_shown(every: Sequence[str], told: Sequence[str], shown: Sequence[str]) -> list[str]:
    few = [key for key in every if key not in told]
    found = []
    if len(told) > len(shown):
        found.append(f"The {len(shown)} with most rows of {len(told)}; the mean is of all, which the CSV holds.")
    if few:
        named = ", ".join(few[:MOST_NAMED]) + (" and others" if len(few) > MOST_NAMED else "")
        found.append(f"Not told, with fewer than {FEWEST} tested rows: {named}.")
    return found


def _pictures(pictures: Mapping[str, str]) -> str:
    if not pictures:
        return ""
    figures = "".join(parts.figure(picture, caption) for caption, picture in pictures.items())
    return parts.section("The best method, place by place", f'<div class="pair">{figures}</div>')


def _folds(numbers: Numbers, names: Sequence[str]) -> str:
    """Squared error in each fold of the scheme to trust, as published tables give it."""
    scheme = numbers["schemes"][0]
    count = scheme["folds"]
    heads = scheme["fold_names"] or [str(k + 1) for k in range(count)]
    rows = [
        parts.row(
            title_of(name),
            *(_three(None if one["rmse"] is None else one["rmse"] ** 2) for one in scheme["methods"][name]["by_fold"]),
        )
        for name in names
        if name in scheme["methods"]
    ]
    told = f"Mean squared error in each fold ({parts.inside(scheme['title'])}, first repetition)."
    return parts.section("Fold by fold", parts.paragraphs([told], "soft"), parts.table(["Method", *heads], rows))


def _groups(numbers: Numbers, what: str, title: str) -> str:
    """The best method in each group of rows: how well, and whether it is over- or underestimated."""
    head = numbers["headline"]
    if not head:
        return ""
    found = {k: v for k, v in numbers["schemes"][0]["methods"][head["best"]].get(what, {}).items() if v}
    if len(found) < 2:
        return ""
    rows = [
        parts.row(
            key,
            f"{one['rows']:,}",
            _three(one["r2"]),
            _three(one["pearson_r2"]),
            _three(one["mae"]),
            _three(one["bias"]),
        )
        for key, one in found.items()
    ]
    told = (
        f"{title_of(head['best'])}, {parts.inside(numbers['schemes'][0]['title'])}. Bias: how much too high the "
        "estimates are on average."
    )
    heads = ["", "Rows", "R2", "r2", "MAE", "Bias"]
    return parts.section(title, parts.table(heads, rows), parts.paragraphs([told], "soft"))


def _changes(numbers: Numbers) -> str:
    """Scores of changes in the test to trust; those of the others folded away."""
    if not numbers["changes"]:
        return ""
    first, *others = numbers["changes"]
    told = (
        "Change of a place between two years, later less earlier. Difference of levels: both years are estimated, and "
        "their errors add up. Learnt as changes: from changes of the columns. Both ways: changes and their opposites "
        "together, as some studies pool them; there even the same change everywhere scores. Where whole countries "
        "changed between two surveys, a high score over all may say nothing of places: see the column within countries."
    )
    more = "".join(
        f"<details><summary>{escape(one['title'])}</summary>{''.join(_of_changes(one))}</details>" for one in others
    )
    return parts.section("Changes", parts.paragraphs([told]), *_of_changes(first), more)


def _of_changes(scheme: Numbers) -> list[str]:
    order = sorted(scheme["methods"], key=lambda name: -worth(scheme["methods"][name]["r2"]))
    rows = []
    for name in order:
        one = scheme["methods"][name]
        cells = (one["r2"], one["pearson_r2"], one["both_ways_r2"], one.get("within_r2"), one["mae"])
        rows.append(parts.row(title_of_change(name), *map(_three, cells)))
    heads = ["Method", "R2", "r2", "r2, both ways", "r2 within countries", "MAE"]
    told = f"{scheme['title']}, {scheme['tested']:,} pairs"
    return [
        parts.paragraphs([told], "soft"), parts.table(heads, rows, tight=True), _spans(scheme, order),
    ]  # fmt: skip


def _spans(scheme: Numbers, order: Sequence[str]) -> str:
    """R2 by the years between two surveys."""
    spans = sorted({span for one in scheme["methods"].values() for span in one["years"]}, key=float)
    if len(spans) < 2:
        return ""
    rows = [
        parts.row(title_of_change(name), *(_three(scheme["methods"][name]["years"].get(span)) for span in spans))
        for name in order
    ]
    heads = [f"{span} year" + ("s" if span != "1" else "") for span in spans]
    return parts.table(["R2 by the years between", *heads], rows, tight=True)


def _use() -> str:
    lines = [
        "An indicator that was estimated is not one that was asked. Give the error beside every number, do not rank "
        "places whose estimates differ by less than their errors, and do not use estimates in place of a survey where "
        "people's claims depend on them."
    ]
    return parts.section("Before you use such estimates", parts.paragraphs(lines))
