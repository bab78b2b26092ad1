"""The one list of formats in which points, labels and cover come and go. To add one: a module here and a card.

Standard library only, Python 3.9 and later: forms and the dock read this list.
"""

from dataclasses import dataclass
from typing import Dict, Tuple

POINTS, LABELS, COVER = "points", "labels", "cover"
"""What a file holds."""


@dataclass(frozen=True)
class FormatCard:
    """Facts of one format."""

    name: str
    title: str
    holds: str
    reader: str
    """`module:function` inside `quadrat.core.reef.formats`; `(path) -> Read` (of cover: `Covers`)."""
    writer: str = ""
    """Likewise, empty when there is none."""
    suffixes: Tuple[str, ...] = (".csv",)
    """Of the files, the usual one first."""
    folder: bool = False
    """Whether a folder of such files is one whole."""
    help: str = ""


_CARDS = (
    FormatCard("coralnet", "CoralNet annotations (CSV)", POINTS, "coralnet:read", "coralnet:write",
               (".csv", ".tsv", ".txt", ".gz"),
               help="A row a point: Name, Row, Column, Label code or Label ID, and what an export adds to them."),
    FormatCard("cpce", "CPCe point files (.cpc)", POINTS, "cpce:read", "cpce:write", (".cpc",), True,
               help="A file a photo, one of them or a folder with all."),
    FormatCard("toolbox", "CoralNet-Toolbox annotations (CSV)", POINTS, "toolbox:read", "toolbox:write", (".csv",),
               help="A row an annotation, with patch size and machine confidences from 0 to 1."),
    FormatCard("toolbox_json", "CoralNet-Toolbox annotations or project (JSON)", POINTS, "toolboxjson:read", "",
               (".json",), help="Patches by image, with machine confidences."),
    FormatCard("labelset", "Label set or label tree (CSV)", LABELS, "labelsets:read", "labelsets:write",
               (".csv", ".tsv", ".txt"),
               help="CoralNet's label set, a table of code, name and parent, or of labels with functional groups."),
    FormatCard("cpce_codes", "CPCe code file", LABELS, "cpcecodes:read", "cpcecodes:write", (".txt",),
               help="Major categories and the codes within them."),
    FormatCard("toolbox_labels", "CoralNet-Toolbox labels (JSON)", LABELS, "toolbox:read_labels",
               "toolbox:write_labels", (".json",), help="Codes, names and colours."),
    FormatCard("catami", "CATAMI tree (JSON)", LABELS, "catami:read", "", (".json",),
               help="The CATAMI classification with CAAB codes (Althaus et al. 2015)."),
    FormatCard("covers", "CoralNet image covers (CSV)", COVER, "covers:read", "covers:write",
               help="A row a photo, a column a label, in percent."),
)  # fmt: skip
FORMATS: Dict[str, FormatCard] = {card.name: card for card in _CARDS}
