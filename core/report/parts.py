"""Pieces of the page: sections, figures, tables, lists, and scores as text. Everything given as text is escaped."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ..metrics.registry import METRICS, MetricCard


def section(title: str, *parts: str) -> str:
    """A sheet with a title; parts are HTML."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def figure(picture: str, caption: str, *, wide: bool = False) -> str:
    """A picture (HTML) and how to read it."""
    kind = "wide" if wide else "scroll"
    return f'<figure><div class="{kind}">{picture}</div><figcaption>{escape(caption)}</figcaption></figure>'


def table(heads: Sequence[str], rows: Sequence[str], *, tight: bool = False, words: Sequence[str] = ()) -> str:
    """A table of rows that are HTML already; tight: of many columns; words: heads of columns that hold sentences."""
    kind = ' class="tight"' if tight else ""
    cells = "".join(f"<th{' class=wide' * (head in words)}>{escape(head)}</th>" for head in heads)
    body = f"<thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="scroll"><table{kind}>{body}</table></div>'


def row(*cells: str) -> str:
    """A row of escaped texts."""
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def paragraphs(lines: Iterable[str], kind: str = "") -> str:
    """One paragraph for each line."""
    named = f' class="{kind}"' if kind else ""
    return "".join(f"<p{named}>{escape(line)}</p>" for line in lines)


def listing(title: str, lines: Iterable[str], *, ordered: bool = False, more: str = "") -> str:
    """A sheet with a list; `more` is HTML below it."""
    kind = "ol" if ordered else "ul"
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return section(title, f"<{kind}>{items}</{kind}>", more)


def inside(title: str) -> str:
    """A title within a sentence."""
    return title[0].lower() + title[1:]


def score(value: float | None, card: MetricCard) -> str:
    """A score as text: per cent, three decimals, or three digits for errors in the unit of the values."""
    if value is None:
        return "–"
    if card.percent:
        return f"{100 * value:.1f} %"
    return f"{value:.3f}".replace("-", "−") if card.perfect else f"{value:#.3g}".rstrip(".")


def short(value: float, metric: str) -> str:
    """A score for a large number: whole per cent, or two decimals."""
    return f"{100 * value:.0f} %" if METRICS[metric].percent else f"{value:.2f}".replace("-", "−")


def points(high: float, low: float, metric: str) -> str:
    """How far two scores lie apart, as they are shown, so that sums are right: points, or two decimals."""
    if METRICS[metric].percent:
        whole = abs(round(100 * high) - round(100 * low))
        return f"{whole} point{'s' if whole != 1 else ''}"
    return f"{abs(round(high, 2) - round(low, 2)):.2f}"


def spread(row: dict[str, Any], card: MetricCard) -> str:
    """The standard deviation over repetitions behind a score."""
    if row.get("sd") is None:
        return ""
    if card.percent or card.perfect:
        return " ± " + score(row["sd"], card).removesuffix(" %")
    digits = max(0, 2 - math.floor(math.log10(abs(row["mean"])))) if row["mean"] else 2
    return f" ± {row['sd']:.{digits}f}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)
