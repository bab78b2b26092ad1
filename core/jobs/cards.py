"""What is said of a backbone in words before anything is run: on the page, in forms. Standard library only."""

from ...models.card import Card

NUMBER_BYTES = 4
OVERHEAD = 1.3
"""What a network takes beside its weights while it runs, as a share of them."""


def made_for(card: Card) -> str:
    """Sensors and resolution in words."""
    if not card.inputs:
        return "any bands, any pixels"
    low, high = card.resolution_m
    size = f", {low:g} m" if high and low == high else f", {low:g} to {high:g} m" if high else ""
    names = " or ".join(one.name for one in card.inputs)
    return f"{'any bands of ' if card.any_bands else ''}{names}{size}"


def sensors(card: Card) -> str:
    """Sensors and resolution in few words: what is joined of two that are there alone is left out."""
    if not card.inputs:
        return "any bands"
    low, high = card.resolution_m
    size = f", {low:g} m" if high and low == high else f", {low:g} to {high:g} m" if high else ""
    names = [one.name for one in card.inputs]
    alone = [name for name in names if not any(other != name and other in name for other in names)]
    bands = ", ".join(alone)
    return f"any bands of {bands}{size}" if card.any_bands else f"{bands}{size}"


def weights_text(card: Card, at_hand: bool) -> str:
    """Size on disk and in memory, and whether they are there."""
    if card.weights is None:
        return "of the model that you name" if card.needs_model else "none needed"
    size = card.weights.megabytes
    memory = card.weights.parameters * NUMBER_BYTES * OVERHEAD / 1e6
    told = [f"{size:,} MB" if size else "size not known"]
    told += [f"about {memory:,.0f} MB of memory"] if memory else []
    return ", ".join([*told, "on this computer" if at_hand else "not on this computer"])


def short_licence(text: str) -> str:
    """The name of a licence without what is said about it."""
    return text.partition(" (")[0].partition(";")[0].strip()


def one_line(card: Card, at_hand: bool, time: str = "") -> str:
    """Made for, weights, speed and licence in one line.

    Args:
        card: of the backbone.
        at_hand: its weights are on this computer.
        time: how long the raster takes, where it is known.
    """
    if card.weights is None:
        weights = "the model that you name" if card.needs_model else "no download"
    else:
        size = f"{card.weights.megabytes:,} MB" if card.weights.megabytes else "size not known"
        weights = f"{size}, {'on disk' if at_hand else 'not on disk'}"
    return " · ".join(part for part in (sensors(card), weights, time, short_licence(card.licence)) if part)
