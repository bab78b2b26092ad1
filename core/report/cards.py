"""The page of backbones: what each was made for, and whether it fits a raster."""

from collections.abc import Sequence
from html import escape
from typing import Any

from .parts import paragraphs, row, section, table
from .style import STYLE

Found = dict[str, Any]
OWN_STYLE = """
dl{display:grid;grid-template-columns:minmax(90px,max-content) 1fr;gap:3px 16px;margin:.5rem 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
h2 small{font-weight:400;color:var(--soft);margin-left:.5em}
h2 b{background:var(--good);color:var(--on);border-radius:4px;padding:1px 8px;font-size:.8rem;margin-left:.6em}
td,th{text-align:left}
"""


def page(title: str, intro: Sequence[str], bands: Sequence[Found], cards: Sequence[Found]) -> str:
    """The whole page, offline.

    Args:
        title: of the page.
        intro: sentences on the raster.
        bands: number, name, role and how it is known, of each band.
        cards: as `pipelines/choosebackbone.py` describes them, best first.
    """
    fit, others = ([card for card in cards if card["fits"] is side] for side in (True, False))
    blocks = [
        f"<h1>{escape(title)}</h1>", paragraphs(intro),
        "<h1>These fit</h1>", *(_sheet(card) for card in fit),
        *(["<h1>These do not</h1>"] if others else []), *(_sheet(card) for card in others),
        section("What the bands are", _bands(bands)),
    ]  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{OWN_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(blocks)
        + "\n</main></body></html>\n"
    )


def _sheet(card: Found) -> str:
    """One backbone."""
    mark = "<b>taken by default</b>" if card["default"] else ""
    here = ", ".join(
        text
        for text in (
            f"cells of {card['cell']}" if card["cell"] else "",
            f"{card['dimensions']} dimensions" if card["dimensions"] else "",
            f"bands {card['gets']}" if card["gets"] else "",
        )
        if text
    )
    fits = card["fits"]
    facts = {
        "Why not": card["why"], "Mind": " ".join(card["warnings"]), "Made for": card["made_for"],
        "Here": here if fits else "", "Time": card["time"] if fits else "", "Weights": card["weights"],
        "Engine": card["engine"], "Licence": card["licence"], "Paper": card["source"],
    }  # fmt: skip
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items() if text)
    title = f"<h2>{escape(card['title'])}<small>{escape(card['name'])}</small>{mark}</h2>"
    return f"<section>{title}{paragraphs([card['summary']])}<dl>{lines}</dl></section>"


def _bands(bands: Sequence[Found]) -> str:
    heads = ("Band", "Name", "What it is", "Known by")
    rows = [row(str(b["number"]), b["name"] or "–", b["is"] or "not known", b["how"] or "–") for b in bands]
    return table(heads, rows)
