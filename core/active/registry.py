"""The one list of strategies that choose what to label next. To add one: a file beside this and a card here.

Standard library only: the toolbox form and the command line read this list.
"""

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class StrategyCard:
    """Facts of one strategy."""

    name: str
    """Name in forms and on the command line; never changes once released."""
    title: str
    builder: str
    """`module:function` inside `quadrat.core.active`: called with a `Pool`, a `Spread`, how many, and a `Progress`;
    gives `Pick`s, best first."""
    summary: str
    needs_head: bool = False
    """Asks for the probabilities of a head: one that is given, or one fitted on the labels."""
    needs_labels: bool = False
    """Asks for labels of two classes or more."""
    source: str = ""


_CARDS = (
    StrategyCard(
        name="mix",
        title="Automatic mixture",
        builder="mix:suggest",
        summary="Without labels as typical; with few, typical and margin in turn; with many, margin.",
    ),
    StrategyCard(
        name="typical",
        title="Typical of what is not covered",
        builder="typical:suggest",
        summary="Groups the embedding and takes the most typical place of the largest groups without a label.",
        source="Hacohen et al. 2022, TypiClust, arXiv:2202.02794",
    ),
    StrategyCard(
        name="coverage",
        title="Coverage of the embedding",
        builder="coverage:suggest",
        summary="Each time the place that is least like anything chosen or labelled so far.",
        source="Sener and Savarese 2018, k-centre greedy, arXiv:1708.00489",
    ),
    StrategyCard(
        name="margin",
        title="Where the head wavers",
        builder="margin:suggest",
        summary="The smallest margin between the two most probable classes, balanced over classes.",
        needs_head=True,
        source="Scheffer et al. 2001, doi:10.1007/3-540-44816-0_31",
    ),
    StrategyCard(
        name="disagreement",
        title="Where heads disagree",
        builder="disagreement:suggest",
        summary="Small heads of several kinds, fitted on draws of the labels, say different classes here.",
        needs_labels=True,
        source="Seung et al. 1992, doi:10.1145/130385.130417; Houlsby et al. 2011, BALD, arXiv:1112.5745",
    ),
    StrategyCard(
        name="random",
        title="At random",
        builder="chance:suggest",
        summary="For comparison: any valid place, with the same spacing.",
    ),
)
STRATEGIES: Dict[str, StrategyCard] = {card.name: card for card in _CARDS}
DEFAULT_STRATEGY = _CARDS[0].name
NAMES: Tuple[str, ...] = tuple(STRATEGIES)
