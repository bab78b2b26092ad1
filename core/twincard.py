"""The card of an ONNX file that Quadrat wrote: it takes the bands of the network that it stands for, measured alike."""

import json
from dataclasses import replace
from pathlib import Path

from ..models.card import Card, Inputs
from ..models.onnxnotes import CARD, notes_of_file
from ..models.spectrum import ROLES
from .space import Space

ONNX = "onnx"


def card_of(space: Space) -> tuple[Card, tuple[str, ...]]:
    """Card of a space, and what its bands' numbers must be (empty where nothing is asked).

    Files of other programs, and twins of networks for any bands, have the general card.

    Raises:
        BadInput: a newer version made the space, with a backbone unknown here.
    """
    card = space.card
    if space.backbone != ONNX or not Path(space.model).is_file():
        return card, ()
    try:
        facts = json.loads(notes_of_file(Path(space.model)).get(CARD, ""))
        title, roles, units = str(facts["title"]), tuple(facts["bands"]), tuple(facts["units"])
    except (ValueError, TypeError, KeyError):
        return card, ()
    if not roles or not set(roles) <= set(ROLES) or len(units) not in (0, len(roles)):
        return card, ()
    name = Path(space.model).name
    return replace(card, title=f"{name} ({title})", inputs=(Inputs(title, roles),), measured=bool(units)), units
