"""The one list of methods. To add one: its parts in `parts.py`, its rule in `combine.py`, and a card here.

Standard library only: the toolbox form and the command line read this list.
"""

from dataclasses import dataclass
from typing import Dict, Tuple

FEATURES, VARIABLES, AROUND = "features", "variables", "around"
"""What a part of a method looks at: vectors of the cell, its hand-made variables, the cell with the eight around it."""


@dataclass(frozen=True)
class PartCard:
    """One classifier that methods are made of; several methods may share it."""

    name: str
    columns: Tuple[str, ...]
    """Any of `FEATURES`, `VARIABLES`, or `AROUND` alone."""
    builder: str
    """Function of `parts.py` that gives an unfitted scikit-learn classifier."""


@dataclass(frozen=True)
class MethodCard:
    """Facts of one method."""

    name: str
    """In forms, columns of the map and on the command line; never changes once released."""
    title: str
    parts: Tuple[str, ...]
    rule: str
    """Function of `combine.py`: probabilities of the parts to that of the method, and its decision."""
    summary: str
    draws: bool = False
    """Each part is fitted to many balanced draws instead of one."""
    source: str = "arXiv:2510.03725"


_PARTS = (
    PartCard("network-features", (FEATURES,), "network"),
    PartCard("forest-features", (FEATURES,), "forest"),
    PartCard("forest-variables", (VARIABLES,), "forest"),
    PartCard("forest-both", (FEATURES, VARIABLES), "forest"),
    PartCard("auto-both", (FEATURES, VARIABLES), "automatic"),
    PartCard("network-around", (AROUND,), "small_network"),
    PartCard("graph-around", (AROUND,), "graph"),
)
_METHODS = (
    MethodCard(
        "auto",
        "Automatic head on features and variables",
        ("auto-both",),
        "alone",
        "Compares heads on cells held out, and takes the best, or several together.",
        source="",
    ),
    MethodCard(
        "network",
        "Network on features",
        ("network-features",),
        "alone",
        "The published head: two hidden layers of 1,000. Takes minutes.",
    ),
    MethodCard(
        "forest-variables",
        "Forest on the variables",
        ("forest-variables",),
        "alone",
        "400 trees on streets, terrain and vegetation; needs no embedding.",
    ),
    MethodCard("forest-features", "Forest on features", ("forest-features",), "alone", "400 trees on the embedding."),
    MethodCard(
        "concatenation",
        "Forest on features and variables",
        ("forest-both",),
        "alone",
        "400 trees on the columns of both, side by side.",
    ),
    MethodCard(
        "weighted",
        "Weighted combination",
        ("forest-features", "forest-variables"),
        "weighted",
        "The forests of features and of variables, each weighted by how sure it is.",
    ),
    MethodCard(
        "balanced-vote",
        "Vote of balanced networks",
        ("network-features",),
        "vote",
        "The published network on several balanced draws, and their majority. Takes long.",
        draws=True,
    ),
    MethodCard(
        "hybrid-vote",
        "Hybrid with ensembling",
        ("forest-features", "forest-variables"),
        "hybrid",
        "Both forests on several balanced draws, weighted by how well their draws agree.",
        draws=True,
    ),
    MethodCard(
        "neighbours",
        "Network on the cell and its neighbours",
        ("network-around",),
        "alone",
        "A small network on a cell and the eight around it.",
        source="arXiv:2509.26171",
    ),
    MethodCard(
        "graph",
        "Graph network",
        ("graph-around",),
        "alone",
        "Two graph convolutions over a cell and the eight around it; needs the full engine to be trained.",
        source="arXiv:2509.26171",
    ),
)
PARTS: Dict[str, PartCard] = {card.name: card for card in _PARTS}
METHODS: Dict[str, MethodCard] = {card.name: card for card in _METHODS}
DEFAULT_METHODS = ("auto", "forest-variables", "forest-features", "concatenation", "weighted", "neighbours")
"""Those that take seconds and no PyTorch."""
DRAWN = tuple(card.name for card in _METHODS if card.draws)


def columns_of(method: str) -> Tuple[str, ...]:
    """What a method looks at, each once."""
    return tuple(dict.fromkeys(column for part in METHODS[method].parts for column in PARTS[part].columns))
