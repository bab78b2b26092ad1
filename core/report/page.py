"""The assessment as one HTML page that opens offline. All text from files and users is escaped here."""

import colorsys
import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.registry import METRICS, MetricCard
from ..version import VERSION
from . import svg, words
from .style import STYLE

Assessment = dict[str, Any]


def page(
    numbers: Assessment, job: dict[str, Any], label_lines: Sequence[str], maps: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole page.

    Args:
        numbers: from `assessment.assess`.
        job: as plain values.
        label_lines: what became of the labels.
        maps: pairs of SVG and caption.
    """
    title = f"How good is the map of '{job['field']}'?"
    blocks = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(_subtitle(numbers, job))}</p>',
        _headline(numbers),
        _schemes(numbers),
        _classes(numbers) if numbers["target"] == "class" else _values(numbers, job),
        _places(maps),
        _listing("How this was tested", words.how_tested(numbers, job)),
        _listing("What to do next", words.advice(numbers), ordered=True),
        _listing("Labels", label_lines),
        _made_by(job),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(block for block in blocks if block)
        + "\n</main></body></html>\n"
    )


def sample_maps(
    xy_m: NDArray[np.float64], fold: NDArray[np.int64], count: int, right: NDArray[np.float64], target: str
) -> list[tuple[str, str]]:
    """Pictures of where samples lie: by fold, and by how often they were right.

    Args:
        xy_m: (N, 2) metres.
        fold: (N,) of the first repetition; negative where never tested.
        count: of folds.
        right: (N,) share of repetitions in which the sample was right, NaN where never tested.
        target: `class` or `value`.
    """
    layers = [("muted", fold < 0)] + [(fold_colour(k, count), fold == k) for k in range(count)]
    by_fold = svg.places(xy_m, layers, "Labelled cells by fold")
    tested = np.isfinite(right)
    good = tested & (np.nan_to_num(right) >= 0.5)
    outcome = svg.places(
        xy_m, [("muted", ~tested), ("good", good), ("bad", tested & ~good)], "Labelled cells, right and wrong"
    )
    told = "Blue: right in at least half of the repetitions. Orange: wrong."
    if target == "value":
        told = "Blue: nearer to the truth than half of all samples. Orange: farther."
    grey = " Grey cells were never tested." if (~tested).any() else ""
    return [
        (by_fold, f"Labelled cells by fold: each colour was predicted by a head that had not seen that colour.{grey}"),
        (outcome, told),
    ]


def fold_colour(number: int, count: int) -> str:
    """A hue for each fold, none like the grey of untested cells."""
    red, green, blue = colorsys.hls_to_rgb(number / max(count, 1), 0.52, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _subtitle(numbers: Assessment, job: dict[str, Any]) -> str:
    source = Path(str(job["embedding"] or job["labels"]).split("|")[0]).name
    many = f"{numbers['samples']:,} samples"
    groups = f" in {numbers['groups']:,} {numbers['group_kind']}" if numbers["groups"] != numbers["samples"] else ""
    return f"Head '{job['head']}' on {source}; {many}{groups}."


def _headline(numbers: Assessment) -> str:
    head, scheme = numbers["headline"], words.first_scheme(numbers)
    sentences = words.headline_sentences(numbers)
    card, percent = METRICS[head["metric"]], numbers["target"] == "class"
    cards = []
    if head["score"] is not None:
        row = scheme["metrics"][head["metric"]]
        note = f"{row['title']}, {_inside(scheme['title'])}{_spread(row, card)}"
        cards.append(_card(_score(head["score"], card), note, first=head["honest"]))
    if head["honest"] and head["random"] is not None:
        cards.append(_card(_score(head["random"], card), "Random folds, for comparison"))
        gap = 100 * head["leakage"] if percent else head["leakage"]
        shown = f"{gap:+.1f}" if percent else f"{gap:+.2f}"
        cards.append(
            _card(
                shown.replace("-", "−"), "points of leakage between the two" if percent else "leakage between the two"
            )
        )
    kind = "lead" if head["honest"] else "lead warn"
    text = "".join(f'<p class="{kind if at == 0 else ""}">{escape(line)}</p>' for at, line in enumerate(sentences))
    return f'{text}<div class="cards">{"".join(cards)}</div>'


def _card(number: str, note: str, *, first: bool = False) -> str:
    kind = ' class="first"' if first else ""
    return f'<div{kind}><b>{escape(number)}</b><span class="soft">{escape(note)}</span></div>'


def _schemes(numbers: Assessment) -> str:
    percent = numbers["target"] == "class"
    metric = numbers["headline"]["metric"]
    rows = []
    for scheme in numbers["schemes"]:
        row = scheme["metrics"][metric]
        if row["mean"] is not None:
            rows.append((scheme["title"], row["mean"], row.get("low"), row.get("high"), scheme["name"] != "random"))
    lowest = min(min(row[1], row[2] if row[2] is not None else row[1]) for row in rows)
    low = 0.0 if lowest >= 0 else max(-1.0, math.floor(4 * lowest) / 4)
    picture = svg.bars(rows, low, 1.0, "%" if percent else "")
    lines = []
    for name in numbers["schemes"][0]["metrics"]:
        card = METRICS[name]
        cells = "".join(f"<td>{_cell(scheme['metrics'].get(name, {}), card)}</td>" for scheme in numbers["schemes"])
        lines.append(f'<tr><td title="{escape(card.help, quote=True)}">{escape(card.title)}</td>{cells}</tr>')
    caption = (
        "Whiskers: 95 % interval from drawing whole groups again." if any(row[2] is not None for row in rows) else ""
    )
    table = _table(["Score", *(scheme["title"] for scheme in numbers["schemes"])], lines)
    return _section("Side by side", _figure(picture, caption, wide=True), table)


def _cell(row: dict[str, Any], card: MetricCard) -> str:
    if not row or row["mean"] is None:
        return "–"
    interval = ""
    if row.get("low") is not None and row.get("high") is not None:
        interval = f"<small>{_score(row['low'], card)} to {_score(row['high'], card)}</small>"
    return f"{_score(row['mean'], card)}{_spread(row, card)}{interval}"


def _spread(row: dict[str, Any], card: MetricCard) -> str:
    if row.get("sd") is None:
        return ""
    if card.percent or card.perfect:
        return " ± " + _score(row["sd"], card).removesuffix(" %")
    digits = max(0, 2 - math.floor(math.log10(abs(row["mean"])))) if row["mean"] else 2
    return f" ± {row['sd']:.{digits}f}"


def _score(value: float, card: MetricCard) -> str:
    """A score as text: per cent, three decimals, or three digits for errors in the unit of the values."""
    if card.percent:
        return f"{100 * value:.1f} %"
    return f"{value:.3f}".replace("-", "−") if card.perfect else f"{value:#.3g}".rstrip(".")


def _classes(numbers: Assessment) -> str:
    scheme = words.first_scheme(numbers)
    names = [entry["name"] for entry in numbers["classes"]]
    lines = []
    for entry, row in zip(numbers["classes"], scheme["per_class"], strict=True):
        swatch = f'<span class="swatch" style="background:{escape(entry["colour"], quote=True)}"></span>'
        scores = "".join(f"<td>{_score(row[key], METRICS['f1_macro'])}</td>" for key in ("recall", "precision", "f1"))
        if not row["support"]:
            scores = "<td>–</td>" * 3
        counts = f"<td>{entry['samples']:,}</td><td>{entry['groups']:,}</td>"
        lines.append(f"<tr><td>{swatch}{escape(entry['name'])}</td>{scores}{counts}</tr>")
    heads = ["Class", "Found (recall)", "Right where shown (precision)", "F1", "Samples", "Groups"]
    matrix = svg.matrix(names, np.array(scheme["confusion"]), scheme["repetitions"])
    told = (
        "Each row is one true class: share of its cells, and below it their number in one repetition. Blue on the "
        "diagonal is right, orange is mistaken."
    )
    diagram = svg.reliability(scheme["reliability"])
    meant = (
        "On the dashed line 80 % confidence means 80 % right; below it the head is too sure, above it too modest. "
        "Large dots stand for many cells."
    )
    return (
        _section(f"Classes ({_inside(scheme['title'])})", _table(heads, lines))
        + _section("What is taken for what", _figure(matrix, told, wide=True))
        + _section("Does the confidence keep its word?", _figure(diagram, meant))
    )


def _values(numbers: Assessment, job: dict[str, Any]) -> str:
    scheme = words.first_scheme(numbers)
    picture = svg.scatter(np.array(scheme["scatter"]), str(job["field"]))
    title = f"Estimated against true ({_inside(scheme['title'])})"
    return _section(title, _figure(picture, "On the dashed line both agree."))


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def _figure(picture: str, caption: str, *, wide: bool = False) -> str:
    kind = "wide" if wide else "scroll"
    return f'<figure><div class="{kind}">{picture}</div><figcaption>{escape(caption)}</figcaption></figure>'


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    cells = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join(rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _inside(title: str) -> str:
    """A title within a sentence."""
    return title[0].lower() + title[1:]


def _places(maps: Sequence[tuple[str, str]]) -> str:
    if not maps:
        return ""
    figures = "".join(_figure(picture, caption) for picture, caption in maps)
    return _section("Where", f'<div class="pair">{figures}</div>')


def _listing(title: str, lines: Iterable[str], *, ordered: bool = False) -> str:
    kind = "ol" if ordered else "ul"
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return _section(title, f"<{kind}>{items}</{kind}>")


def _made_by(job: dict[str, Any]) -> str:
    text = escape(json.dumps(job, indent=1, ensure_ascii=False))
    return (
        "<section><details><summary>The job that made this page</summary>"
        f"<p>Save it as job.json and run <code>quadrat run job.json</code> to make it again.</p><pre>{text}</pre>"
        "</details>"
        f"</section><footer>Made by Quadrat {escape(VERSION)}. The numbers of this page lie beside it as JSON.</footer>"
    )
