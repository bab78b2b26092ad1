"""The one list of methods that learn an indicator from numbers. To add one: a card here, and its head in `core/heads`.

Standard library only: the toolbox form and the command line read this list.
"""

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class MethodCard:
    """Facts of one method."""

    name: str
    """In forms, files and on the command line; never changes once released."""
    title: str
    head: str
    """Of `core/heads`; several joined by `+` decide by their median. Empty for a network."""
    summary: str
    source: str = ""


_CARDS = (
    MethodCard(
        name="auto",
        title="Automatic",
        head="auto-columns",
        summary="Compares ridge, ridge on logarithms, trees and boosting on places held out of the lesson; takes one, "
        "or several together that it cannot tell apart.",
    ),
    MethodCard(
        name="ridge",
        title="Ridge",
        head="ridge",
        summary="The published protocol on features of networks and on histograms.",
        source="Jean et al. 2016, doi:10.1126/science.aaf7894; Yeh et al. 2020, doi:10.1038/s41467-020-16185-w",
    ),
    MethodCard(
        name="ridge-log",
        title="Ridge on logarithms",
        head="linear-log",
        summary="For columns that span powers of ten (light, people, distances): goes on beyond what was seen.",
    ),
    MethodCard(name="forest", title="Random forest", head="forest", summary="400 trees; never beyond what was seen."),
    MethodCard(
        name="boosting",
        title="Gradient boosting",
        head="boosting",
        summary="The sober baseline on summary statistics, often hard to beat with hundreds of places.",
        source="Friedman 2001, doi:10.1214/aos/1013203451",
    ),
    MethodCard(
        name="blend",
        title="Blend of ridge and trees",
        head="linear-log+trees+boosting",
        summary="Median of ridge on logarithms, extremely randomised trees and boosting: a line that goes on, and "
        "trees that bend.",
    ),
)
METHODS: Dict[str, MethodCard] = {card.name: card for card in _CARDS}
DEFAULT_METHODS: Tuple[str, ...] = ("auto", "ridge", "ridge-log", "boosting")
