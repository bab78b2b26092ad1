"""The page of a speed test: how fast each backbone is on this computer, and what the raster would take."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ...models.weights.place import size_text
from ..wording import duration
from .parts import figure, paragraphs, row, section, table
from .style import STYLE
from .svg import WORDS_PX, picture, shortened, text

Found = Mapping[str, Any]
HEADS = ("Backbone", "Cells of", "Cells/s", "Mpx/s", "Your raster", "File", "Device")
BAR, GAP, WIDE = 20.0, 10.0, 860.0
ROOM = 90.0
"""For the number behind the longest bar."""


def page(raster: Found, found: Sequence[Found], others: Sequence[Found]) -> str:
    """The whole page, offline.

    Args:
        raster: name (empty: one was made), columns, rows and bands.
        found: what was measured, as `pipelines/speedtest.py` tells it.
        others: name, title and why they cannot run here.
    """
    title = "Speed of the backbones on this computer"
    size = f"{raster['columns']:,} x {raster['rows']:,} px and {raster['bands']} bands"
    where = f"on {raster['name']}, a raster of {size}" if raster["name"] else f"for a raster of {size}"
    intro = [
        f"Each backbone did the first seconds of an embedding {where}; the rest is reckoned from that.",
        "Other programs that run at the same time make all of it slower.",
    ]
    rows = [
        row(
            one["title"],
            f"{one['patch_size_px']} px",
            f"{one['cells_per_second']:,.0f}",
            f"{one['megapixels_per_second']:.3g}",
            duration(one["seconds_estimated"]),
            "–" if one["bytes_estimated"] is None else size_text(one["bytes_estimated"]),
            one["device"],
        )
        for one in found
    ]
    blocks = [
        f"<h1>{escape(title)}</h1>", paragraphs(intro),
        section("Time for the raster", figure(bars(found), "Shorter is faster; building the backbone is included.")),
        section("In numbers", table(HEADS, rows)),
    ]  # fmt: skip
    if others:
        rest = [f'<tr><td>{escape(one["title"])}</td><td class="wide">{escape(one["why"])}</td></tr>' for one in others]
        blocks.append(section("Not measured", table(("Backbone", "Why"), rest, words=("Why",))))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(blocks)
        + "\n</main></body></html>\n"
    )


def bars(found: Sequence[Found]) -> str:
    """Seconds as bars, in the order of the table."""
    left = WORDS_PX * max(len(shortened(one["title"], 34)) for one in found) + 14
    most = max(one["seconds_estimated"] for one in found) or 1.0
    body = []
    for number, one in enumerate(found):
        top = number * (BAR + GAP) + GAP
        long = max((WIDE - left - ROOM) * one["seconds_estimated"] / most, 2.0)
        middle = top + 0.72 * BAR
        body += [
            text(left - 8, middle, shortened(one["title"], 34), anchor="end"),
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{long:.1f}" height="{BAR:.0f}" rx="3" fill="var(--good)"/>',
            text(left + long + 8, middle, duration(one["seconds_estimated"]), kind="soft"),
        ]
    return picture(WIDE, len(found) * (BAR + GAP) + GAP, "Time for the raster, by backbone", body)
