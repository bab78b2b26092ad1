"""A report on models as one HTML page that opens offline. All text from files and users is escaped in the pieces."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ....report import parts
from ....report.page import document, made_by
from ..ensemble import TESTS
from . import heat, losses, pictures, tables, words
from .told import Entry, title_of_test

Numbers = dict[str, Any]


def page(numbers: Numbers, entries: Sequence[Entry], job: Numbers) -> str:
    """The whole page.

    Args:
        numbers: from `told.numbers_of`, of the entries.
        entries: of the models.
        job: as plain values.
    """
    models = numbers["models"]
    lines = words.sentences(numbers)
    kind = "lead" if numbers["headline"].get("honest") else "lead warn"
    blocks = [
        heat.OWN_STYLE,
        f"<h1>{escape(_title(models))}</h1>",
        parts.paragraphs([_subtitle(models)], "soft"),
        parts.paragraphs(lines[:1], kind),
        parts.paragraphs(lines[1:]),
        parts.paragraphs(words.warnings(numbers), "warn"),
    ]
    if any(one["tests"] for one in models):
        blocks += [_side_by_side(models), _matrices(models), _tables(models), _must_differ(numbers), _dates(models)]
        blocks += [_places(numbers, entries)]
    blocks += [
        losses.section(models),
        parts.listing("How this was tested", words.how_tested(numbers)),
        _models(models),
        made_by(job),
    ]
    return document(_title(models), blocks)


def _title(models: Sequence[Numbers]) -> str:
    told = list(dict.fromkeys(f"'{one['indicator']}'" for one in models))
    many = "these models" if len(models) > 1 else "this model"
    verb = "do" if len(models) > 1 else "does"
    return f"How well {verb} {many} tell {parts.listed(told)}, and what changed?"


def _subtitle(models: Sequence[Numbers]) -> str:
    first = models[0]
    dates = first["dates"]
    span = f"{len(dates)} dates from {dates[0]} to {dates[-1]}" if len(dates) > 1 else f"one date, {dates[0]}"
    names = parts.listed([one["name"] for one in models])
    told = parts.listed(list(dict.fromkeys(words.what(one) for one in models)))
    return f"{names}; {told}; {span}; {first['places']:,} places to learn from and to test."


def _tests(models: Sequence[Numbers]) -> list[str]:
    return [test for test in TESTS if any(test in one["tests"] for one in models)]


def _side_by_side(models: Sequence[Numbers]) -> str:
    told = (
        "R2 of levels, and of differences between dates so many years apart; lines are one standard deviation over "
        "folds. Blue: places kept apart. Grey: places drawn at random, which flatters. A triangle at the edge: below 0."
    )
    figure = parts.figure(pictures.tests_beside(models), told, wide=True)
    table = f"<details><summary>As numbers</summary>{tables.side_by_side(models)}</details>"
    missing = [] if len(_tests(models)) > 1 else ["There was one test only. A held-out region would be another."]
    alone = "The same model" if len(models) == 1 else "The same models"
    title = f"{alone}, tested in other ways" if len(_tests(models)) > 1 else "Levels and changes"
    return parts.section(title, parts.paragraphs(missing, "soft"), figure, table)


def _matrices(models: Sequence[Numbers]) -> str:
    """Start x end for each model, in the most trusted test."""
    blocks = []
    for one in models:
        if not one["trusted"]:
            continue
        found = one["tests"][one["trusted"]]["matrix"]
        which = {"all": "All places"}
        if any(
            tables.differ(*pair)
            for rows in zip(found["all"], found["lit"], strict=True)
            for pair in zip(*rows, strict=True)
        ):
            which["lit"] = "Lit places alone: levels of places that are not always 0, differences that are not 0"
        figures = "".join(
            _named_above(heat.heat(one["dates"], found[key], f"R2 of differences, {told}"), told)
            for key, told in which.items()
        )
        title = f"{one['name']}: {title_of_test(one['trusted'], one).lower()}"
        kind = ' class="pair"' if heat.fits_beside(one["dates"]) else ""
        blocks.append(f"<h3>{escape(title)}</h3><div{kind}>{figures}</div>")
    if not blocks:
        return ""
    told = (
        "R2 of the difference between any two dates: the row is the earlier, the column the later; on the diagonal, "
        "framed, R2 of the level of one date. Colour stops at 0 and 1; the numbers do not. Orange numbers are below 0: "
        "there the errors of two dates outweigh what changed."
    )
    return parts.section("From any date to any other", parts.paragraphs([told]), heat.LEGEND, *blocks)


def _named_above(picture: str, told: str) -> str:
    """A figure whose name stands above it: several of them below one another would be taken for one another."""
    return f'<figure><figcaption>{escape(told)}</figcaption><div class="scroll">{picture}</div></figure>'


def _tables(models: Sequence[Numbers]) -> str:
    first, *others = _tests(models)
    told = (
        "In grey, trivial answers that a model must beat. Below each score its standard deviation over folds, where it "
        "is a mean over folds."
    )
    more = "".join(
        f"<details><summary>{escape(_named(models, test))}</summary>{tables.of_test(models, test)}</details>"
        for test in others
    )
    return parts.section(
        "The table", parts.paragraphs([told], "soft"), f"<h3>{escape(_named(models, first))}</h3>",
        tables.of_test(models, first), more,
    )  # fmt: skip


def _named(models: Sequence[Numbers], test: str) -> str:
    model = next(one for one in models if test in one["tests"])
    return f"{title_of_test(test, model)}, {model['tests'][test]['places']:,} places"


def _must_differ(numbers: Numbers) -> str:
    table = tables.must_differ(numbers["models"])
    if not table:
        return ""
    told = (
        f"With {words.percent(numbers['level'])} confidence, by errors at places kept apart: how far the estimate of "
        "one date may be off, and by how much two dates of one place must differ before a change can be told. "
        "Errors grow with the level of the indicator: they are given where that is low (nine in ten are higher), "
        "typical and high (one in ten is higher), by estimates of places that are not always 0."
    )
    return parts.section(
        "What an error of this size allows one to say", parts.paragraphs([told]), table,
        "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in words.advice(numbers)) + "</ul>",
    )  # fmt: skip


def _dates(models: Sequence[Numbers]) -> str:
    first = _tests(models)[0]
    if max(len(one["dates"]) for one in models) < 2:
        return ""
    told = f"Levels, date by date: {_named(models, first).lower()}."
    table = f"<details><summary>Show all dates</summary>{tables.by_date(models, first)}</details>"
    return parts.section("Date by date", parts.paragraphs([told], "soft"), table)


def _places(numbers: Numbers, entries: Sequence[Entry]) -> str:
    """The best model open, the others folded away."""
    best = numbers["headline"].get("best")
    told = [(one, entry) for one, entry in zip(numbers["models"], entries, strict=True) if entry.trusted]
    told.sort(key=lambda pair: pair[0]["name"] != best)
    (first, entry), *others = told
    named = f"{first['name']}. " if len(numbers["models"]) > 1 else ""
    line = f"{named}What was said of places kept apart; on the dashed line both agree."
    more = "".join(
        f"<details><summary>{escape(one['name'])}</summary>{pictures.place_by_place(other, one)}</details>"
        for one, other in others
    )
    return parts.section(
        "Place by place", parts.paragraphs([line], "soft"), pictures.place_by_place(entry, first), more
    )


def _models(models: Sequence[Numbers]) -> str:
    rows = [
        parts.row(
            one["name"], one["file"], one["method"], words.what(one), f"{len(one['dates'])}", f"{one['places']:,}",
            f"{one['cell_px']} px", str(one["device"] or ""),
        )
        for one in models
    ]  # fmt: skip
    heads = ["Model", "File", "Method", "Tells", "Dates", "Places", "Cell", "Taught on"]
    return parts.section("The models", parts.table(heads, rows, tight=True))
