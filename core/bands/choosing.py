"""Which backbones suit a layer, best first, and which is taken when the user chooses none."""

from collections.abc import Collection, Iterable, Sequence

from ...models.card import Card
from ...models.registry import BACKBONES, DEFAULT_BACKBONE
from .fitting import Fit, fit
from .known import GUESSED, SURE, Recognised


def suitable(
    cards: Iterable[Card], recognised: Recognised, also: "Recognised | None" = None, months: Sequence[int] = ()
) -> list[tuple[Card, Fit]]:
    """Every card with its fit: those that fit first; of these, made for such pixels and bands comes first.

    Args:
        cards: to judge; all of them come back.
        recognised: bands of the layer.
        also: bands of a second layer, for backbones that take two sensors.
        months: that the user gives for the dates, for backbones that take several.
    """
    judged = [(card, fit(card, recognised, also=also, months=months)) for card in cards]
    return sorted(judged, key=lambda pair: _rank(pair[0], pair[1], recognised))


def _rank(card: Card, found: Fit, recognised: Recognised) -> tuple[int, int, int, int]:
    if not found.fits:
        return (9, 0, len(found.missing), 0)
    if not card.inputs:
        return (2, int(card.name != DEFAULT_BACKBONE), 0, 0)
    return (int(found.pixels_differ), int(_wastes(card, recognised)), int(card.any_bands), -len(found.bands))


def default_for(
    recognised: Recognised, cards: "Iterable[Card] | None" = None, at_hand: Collection[str] = (),
    also: "Recognised | None" = None, months: Sequence[int] = (),
) -> str:  # fmt: skip
    """Name of the backbone to take when the user chooses none.

    A foundation model is taken only where its weights are at hand already, it was made for these bands and pixels,
    the bands are not a guess, and it need not ask for months; else what needs no download and takes any bands.

    Args:
        recognised: bands of the layer.
        cards: to choose among; all that are registered, if none are given.
        at_hand: names of cards whose weights are on disk.
        also: bands of a second layer.
        months: that the user gives for the dates.
    """
    default: str = DEFAULT_BACKBONE
    ready = [card for card in (BACKBONES.values() if cards is None else cards) if card.name in at_hand and card.inputs]
    if SURE.index(recognised.confidence) <= SURE.index(GUESSED):
        return default
    for card, found in suitable(ready, recognised, also, months):
        if _rank(card, found, recognised)[:2] == (0, 0) and 0 not in found.months:
            return card.name
    return default


def _wastes(card: Card, recognised: Recognised) -> bool:
    """Whether it is a network of three colours that throws most of a raster of many bands away."""
    return all(len(one.roles) <= 3 for one in card.inputs) and len(recognised.roles()) > 4
