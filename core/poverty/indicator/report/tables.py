"""Tables of a report on models: scores of each test, tests side by side, dates, and what must differ to be told."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ....jobs.poverty.train import BLOCKS
from ....report import parts
from ..ensemble import TESTS
from .told import title_of_span, title_of_test
from .words import HOW, digits, percent, titles

Numbers = dict[str, Any]
VALUES, PER_YEAR = "values", "per_year"
SEEN = 0.005
"""Difference of R2 that two decimals show."""
WHICH = {"all": "All places", "lit": "Lit places"}
MEASURES = {
    "r2": ("R2", "Coefficient of determination; below 0: worse than the mean of what is tested."),
    "mae": ("MAE", "Mean absolute error, in the unit of the indicator."),
    "dis": ("DIS", "Standard deviation of absolute errors."),
}


def spans(models: Sequence[Numbers], test: str) -> list[str]:
    """Keys of what is scored in a test: all values, date by date, and differences by years."""
    found = {key: None for one in models for key in one["tests"].get(test, {}).get("differences", {})}
    return [VALUES, PER_YEAR, *sorted(found, key=float)]


def title_of(span: str) -> str:
    """Of a row or group of rows."""
    return {VALUES: "All values together", PER_YEAR: "Date by date"}.get(span) or title_of_span(span)


def found_in(scores: Numbers, span: str, which: str) -> Numbers:
    """R2, MAE and so on of one kind of row; empty where there is none."""
    if span == VALUES:
        return {"r2": scores["r2"], "mae": scores["mae"]} if which == "all" else {}
    both = scores["per_year"] if span == PER_YEAR else scores["differences"].get(span, {})
    one: Numbers = both.get(which, {})
    return one


def has_lit(models: Sequence[Numbers], test: str) -> bool:
    """Whether scores of lit places are others than those of all, as far as a table shows."""
    return any(
        differ(found_in(one["tests"][test], span, "all").get("r2"), found_in(one["tests"][test], span, "lit").get("r2"))
        for one in models
        for span in spans(models, test)[1:]
        if test in one["tests"]
    )


def differ(one: float | None, other: float | None) -> bool:
    """Whether two R2 would be told with other numbers."""
    return (one is None) != (other is None) or (one is not None and other is not None and abs(one - other) >= SEEN)


def of_test(models: Sequence[Numbers], test: str) -> str:
    """Scores of every model and trivial answer in one test, all places and lit ones."""
    there = [one for one in models if test in one["tests"]]
    which = ["all", "lit"] if has_lit(there, test) else ["all"]
    body = ""
    for span in spans(there, test):
        body += f'<tr><th class="wide" colspan="{1 + len(which) * len(MEASURES)}">{escape(title_of(span))}</th></tr>'
        body += "".join(_row(one["name"], one["tests"][test], span, which) for one in there)
        body += "".join(_row(name, scores, span, which, soft=True) for name, scores in trivial_rows(there, test, span))
    groups = "".join(
        f'<th colspan="{len(MEASURES)}"{_apart(place)}>{escape(WHICH[one])}</th>' for place, one in enumerate(which)
    )
    heads = "".join(
        f'<th title="{escape(told, quote=True)}"{_apart(place) if number == 0 else ""}>{short}</th>'
        for place in range(len(which))
        for number, (short, told) in enumerate(MEASURES.values())
    )
    table = f'<table class="tight"><thead><tr><th></th>{groups}</tr><tr><th></th>{heads}</tr></thead>'
    none = [] if len(which) > 1 else ["Lit places (not 0) have the same scores: no places, or next to none, are dark."]
    return f'<div class="scroll">{table}<tbody>{body}</tbody></table></div>' + parts.paragraphs(none, "soft")


def trivial_rows(models: Sequence[Numbers], test: str, span: str) -> list[tuple[str, Numbers]]:
    """Trivial answers that say something of it: each once where it is the same for all models."""
    rows = []
    for name, title in titles(change=span not in (VALUES, PER_YEAR)).items():
        told = {one["name"]: one["tests"][test]["baselines"].get(name) for one in models}
        told = {model: scores for model, scores in told.items() if scores and found_in(scores, span, "all").get("mae")}
        alike = len({str(found_in(scores, span, "all")) for scores in told.values()}) == 1
        for model, scores in list(told.items())[: 1 if alike else None]:
            rows.append((title if alike else f"{title}, beside {model}", scores))
    return rows


def _apart(place: int) -> str:
    return ' class="apart"' if place else ""


def _row(name: str, scores: Numbers, span: str, which: Sequence[str], soft: bool = False) -> str:
    cells = ""
    for place, one in enumerate(which):
        found = found_in(scores, span, one)
        for number, measure in enumerate(MEASURES):
            cells += f"<td{_apart(place) if number == 0 else ''}>{cell(found, measure)}</td>"
    kind = ' class="soft"' if soft else ""
    return f"<tr{kind}><td>{escape(name)}</td>{cells}</tr>"


def cell(found: Numbers, measure: str) -> str:
    """A score and below it the standard deviation over folds, as HTML."""
    if measure not in found:
        return ""
    value, sd = found[measure], found.get(f"{measure}_sd")
    shown = three(value) if measure == "r2" else digits(value)
    if value is None or sd is None or found.get("folds", 0) < 2:
        return escape(shown)
    return f"{escape(shown)}<small>± {sd:.3f}</small>" if measure == "r2" else f"{shown}<small>± {sd:.2g}</small>"


def three(value: float | None) -> str:
    """An R2."""
    if value is None:
        return "–"
    text = f"{round(value, 3) + 0.0:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return text.replace("-", "−")


def side_by_side(models: Sequence[Numbers]) -> str:
    """R2 and MAE of each model under each test, at all places."""
    tests = [test for test in TESTS if any(test in one["tests"] for one in models)]
    keys = dict.fromkeys(span for test in tests for span in spans(models, test))
    body = ""
    for span in keys:
        body += f'<tr><th class="wide" colspan="{1 + 2 * len(tests)}">{escape(title_of(span))}</th></tr>'
        for one in models:
            found = [found_in(one["tests"][test], span, "all") if test in one["tests"] else {} for test in tests]
            cells = "".join(
                f"<td{_apart(place)}>{cell(scores, 'r2')}</td><td>{cell(scores, 'mae')}</td>"
                for place, scores in enumerate(found)
            )
            body += f"<tr><td>{escape(one['name'])}</td>{cells}</tr>"
    groups = "".join(
        f'<th colspan="2"{_apart(place)}>{escape(title_of_test(test, _with(models, test)))}</th>'
        for place, test in enumerate(tests)
    )
    heads = "".join(f"<th{_apart(place)}>R2</th><th>MAE</th>" for place in range(len(tests)))
    head = f"<thead><tr><th></th>{groups}</tr><tr><th></th>{heads}</tr></thead>"
    return f'<div class="scroll"><table class="tight">{head}<tbody>{body}</tbody></table></div>'


def _with(models: Sequence[Numbers], test: str) -> Numbers:
    return next(one for one in models if test in one["tests"])


def by_date(models: Sequence[Numbers], test: str) -> str:
    """R2 and MAE of levels at each date."""
    there = [one for one in models if test in one["tests"]]
    lit = has_lit(there, test)
    dates = list(dict.fromkeys(year["date"] for one in there for year in one["tests"][test]["years"]))
    of = [{year["date"]: year for year in one["tests"][test]["years"]} for one in there]
    rows = []
    for date in sorted(dates, key=_sortable):
        found = [years.get(date, {"all": {}, "lit": {}}) for years in of]
        if all(one["all"].get("mae") is None for one in found):
            continue
        cells = [
            text
            for one in found
            for text in (three(one["all"].get("r2")), *([three(one["lit"].get("r2"))] if lit else []),
                         digits(one["all"].get("mae")))
        ]  # fmt: skip
        rows.append(parts.row(date, *cells))
    names = [one["name"] for one in there]
    heads = [
        f"{name}: {measure}" if len(names) > 1 else measure
        for name in names
        for measure in ("R2", *(["R2, lit"] if lit else []), "MAE")
    ]
    return parts.table(["Date", *heads], rows, tight=True)


def _sortable(date: str) -> tuple[float, ...]:
    return tuple(float(part) for part in date.split("-"))


def must_differ(models: Sequence[Numbers]) -> str:
    """How far a level may be off, and what must change before it can be told, at three levels of the indicator."""
    rows = []
    for one in models:
        for found in one["tellable"]:
            told = "One date" if found["apart"] is None else f"Change, {title_of_span(found['apart'])}"
            share = "" if found["changed"] is None else percent(found["changed"])
            cells = [_bound(found, level) for level in ("low", "typical", "high")]
            name = one["name"] if len(models) > 1 else ""
            source = f"<small>{escape(_source(found, one['trusted']))}</small>"
            first = escape(f"{name}: {told[0].lower()}{told[1:]}" if name else told)
            rows.append(
                f"<tr><td>{first}{source}</td>"
                + "".join(f"<td>{escape(text)}</td>" for text in (*cells, share))
                + "</tr>"
            )
    if not rows:
        return ""
    at = next(one["tellable"][0]["at"] for one in models if one["tellable"])
    levels = [
        f"Where it is {digits(at[name])}" if len(models) == 1 else f"Where it is {name}"
        for name in ("low", "typical", "high")
    ]
    return parts.table(["", *levels, "Tested places that changed by more"], rows)


def _bound(found: Numbers, level: str) -> str:
    if found[level] is None:
        return "–"
    return f"± {digits(found[level])}" if found["apart"] is None else digits(found[level])


def _source(found: Numbers, test: str) -> str:
    squares = f"{found['squares']:,} {'squares' if test == BLOCKS else 'places'}"
    return f"from {HOW[found['how']]}, {squares}" if found["how"] else f"from {found['errors']:,} errors, {squares}"
