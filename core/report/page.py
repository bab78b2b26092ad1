"""The assessment as one HTML page that opens offline. All text from files and users is escaped here."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..version import VERSION
from . import advice, curve, leak, parts, svg, tables, words
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
    classes = numbers["target"] == "class"
    blocks = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(_subtitle(numbers, job))}</p>',
        _headline(numbers),
        leak.fall(numbers),
        curve.curve_section(numbers),
        parts.listing("What to do next", advice.advice(numbers), ordered=True),
        tables.regions(numbers),
        tables.schemes(numbers),
        tables.classes(numbers) + tables.mistakes(numbers) + tables.confidence(numbers) if classes else "",
        "" if classes else _values(numbers, job),
        _places(maps),
        _tested(numbers, job),
        parts.listing("Labels", label_lines),
        made_by(job),
    ]
    return document(title, blocks)


def document(title: str, blocks: Sequence[str]) -> str:
    """A page of blocks, which are HTML; empty ones are left out."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(block for block in blocks if block)
        + "\n</main></body></html>\n"
    )


def _subtitle(numbers: Assessment, job: dict[str, Any]) -> str:
    source = Path(str(job["embedding"] or job["labels"]).split("|")[0]).name
    many = f"{numbers['samples']:,} samples"
    groups = f" in {numbers['groups']:,} {numbers['group_kind']}" if numbers["groups"] != numbers["samples"] else ""
    return f"Head '{job['head']}' on {source}; {many}{groups}."


def _headline(numbers: Assessment) -> str:
    sentences = words.headline_sentences(numbers)
    kind = "lead" if numbers["headline"]["honest"] else "lead warn"
    return parts.paragraphs(sentences[:1], kind) + parts.paragraphs(sentences[1:])


def _values(numbers: Assessment, job: dict[str, Any]) -> str:
    scheme = words.first_scheme(numbers)
    picture = svg.scatter(np.array(scheme["scatter"]), str(job["field"]))
    title = f"Estimated against true, by {parts.inside(scheme['title'])}"
    return parts.section(title, parts.figure(picture, "On the dashed line both agree."))


def _tested(numbers: Assessment, job: dict[str, Any]) -> str:
    """How it was tested, with the variogram if there is one."""
    found = next((one["block"]["variogram"] for one in numbers["schemes"] if one.get("block")), None)
    more = ""
    if found is not None:
        used = "The side of the blocks is its range." if found["usable"] else "It was not used."
        caption = (
            "Variogram: the farther apart two samples, the less alike they are, until it no longer matters; dots are "
            f"means of pairs, the line is a fitted model ({found['model']}). {used}"
        )
        more = parts.figure(svg.variogram(found), caption)
    return parts.listing("How this was tested", words.how_tested(numbers, job), more=more)


def _places(maps: Sequence[tuple[str, str]]) -> str:
    if not maps:
        return ""
    figures = "".join(parts.figure(picture, caption) for picture, caption in maps)
    return parts.section("Where", f'<div class="pair">{figures}</div>')


def made_by(job: dict[str, Any]) -> str:
    """The job, folded away, and the foot of the page."""
    text = escape(json.dumps(job, indent=1, ensure_ascii=False))
    return (
        "<section><details><summary>The job that made this page</summary>"
        f"<p>Save it as job.json and run <code>quadrat run job.json</code> to make it again.</p><pre>{text}</pre>"
        "</details>"
        f"</section><footer>Made by Quadrat {escape(VERSION)}. The numbers of this page lie beside it as JSON and CSV."
        "</footer>"
    )
