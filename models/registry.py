"""The one list of backbones. To add one: a file in `definitions/` and a card in `cards/`."""

import difflib
from typing import Dict

from .card import Card
from .cards import coralnet, croma, galileo, general, photographs, smarties

FAMILIES = (general, croma, smarties, galileo, photographs, coralnet)
"""In the order in which people see them; the first card is the default."""
BACKBONES: Dict[str, Card] = {card.name: card for family in FAMILIES for card in family.CARDS}
DEFAULT_BACKBONE = FAMILIES[0].CARDS[0].name


def get(name: str) -> Card:
    """The card of that name.

    Raises:
        KeyError: there is none; the message names the nearest.
    """
    if name not in BACKBONES:
        near = difflib.get_close_matches(name, list(BACKBONES), n=1) or list(BACKBONES)
        raise KeyError(f"There is no backbone '{name}'. Did you mean {' or '.join(near)}?")
    return BACKBONES[name]
