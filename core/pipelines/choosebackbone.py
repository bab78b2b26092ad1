"""Raster in, page of backbones out."""

import functools
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...models import registry
from ...models.card import Card
from ...models.errors import ModelError
from ...models.spectrum import ROLES
from ...models.weights.store import path_in_store
from ..atomic import check_apart, replacing
from ..bands.choosing import default_for, suitable
from ..bands.fitting import Fit, fit
from ..bands.known import Recognised
from ..bands.recognise import recognise
from ..bands.wish import parse_months
from ..jobs.backbones import ChooseBackbone
from ..jobs.cards import made_for, weights_text
from ..jobs.declare import Result
from ..progress import Progress
from ..raster import environment, open_raster
from ..report.cards import page

MATRIX = 1024
EFFICIENCY = 0.5
"""Of a network, as a share of a plain product of matrices: 0.3 to 0.9 were measured."""
OVERLAPPING = 1.3
"""Tiles overlap, and those at the edges are not full."""
MOST_LISTED = 400
"""Bands of a long series that the page lists."""


def run(job: ChooseBackbone, progress: Progress) -> Result:
    """Judge every backbone, and write the page where one is wanted.

    Raises:
        QuadratError: a raster cannot be read, or the page not be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {"input": job.input, "second": job.second})
    with environment():
        known, pixels = _known(job.input), _pixels(job.input)
        also = _known(job.second) if job.second else None
    at_hand = {card.name for card in registry.BACKBONES.values() if _on_disk(card)}
    months = parse_months(job.months)
    default = default_for(known, at_hand=at_hand, also=also, months=months)
    speed = processor_gflops()
    cards = [
        describe(card, _refit(card, found, known, job, also), known, card.name in at_hand, card.name == default)
        | {"time": time_text(card, pixels, speed, len(set(found.dates)))}
        for card, found in suitable(registry.BACKBONES.values(), known, also, months)
    ]
    cards.sort(key=lambda card: (not card["fits"], not card["default"]))
    bands = [
        {"number": b.number, "name": b.name, "is": ROLES[b.role].title if b.role else b.title or b.kind, "how": b.how}
        for b in known.bands[:MOST_LISTED]
    ]
    title = f"Backbones for {Path(job.input.split('|')[0]).name}"
    if job.output:
        with replacing(job.output) as path:
            path.write_text(page(title, _intro(known, also), bands, cards), encoding="utf-8")
    for card in cards:
        if card["fits"]:
            progress.info(f"{card['title']}: fits{', taken by default' if card['default'] else ''}.")
        else:
            progress.info(f"{card['title']}: does not fit. {card['why']}")
    facts = {"result": "report", "default": default, "cards": cards, "recognised": _facts(known)}
    if also is not None:
        facts["second_recognised"] = _facts(also)
    return Result(job.facts.id, job.outputs(), facts, time.monotonic() - started)


def _known(path: str) -> Recognised:
    with open_raster(path) as reader:
        return recognise(reader)


def _pixels(path: str) -> int:
    with open_raster(path) as reader:
        return reader.grid.height * reader.grid.width


@functools.lru_cache(maxsize=1)
def processor_gflops() -> float:
    """Billions of float32 operations a second that all cores together do in a product of matrices; measured once."""
    one = np.ones((MATRIX, MATRIX), np.float32)
    one @ one
    best = math.inf
    for _ in range(3):
        started = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - started)
    return 2 * MATRIX**3 / best / 1e9


def time_text(card: Card, pixels: int, gflops: float, dates: int = 1) -> str:
    """How long all of a raster takes on the processor, within a factor of about two; empty where nobody knows.

    Args:
        card: of the backbone.
        pixels: of the raster.
        gflops: of the processor, see `processor_gflops`.
        dates: that it takes as one; windows are the smaller, the more there are.
    """
    if not card.gflop or not card.tile_px:
        return ""
    seconds = pixels / card.tile_px**2 * card.gflop * max(dates, 1) * OVERLAPPING / (gflops * EFFICIENCY)
    if seconds < 90:
        return f"about {max(1, round(seconds))} s on this processor"
    minutes = seconds / 60
    return (
        f"about {minutes:.0f} min on this processor"
        if minutes < 90
        else f"about {minutes / 60:.0f} h on this processor"
    )


def _refit(card: Card, found: Fit, known: Recognised, job: ChooseBackbone, also: Recognised | None) -> Fit:
    if not card.inputs or not (job.band_roles or job.second_band_roles):
        return found
    return fit(card, known, job.band_roles, also=also, also_wish=job.second_band_roles, months=parse_months(job.months))


def _facts(known: Recognised) -> dict[str, Any]:
    return {"title": known.title, **known.to_json()}


def _intro(known: Recognised, also: Recognised | None) -> list[str]:
    lines = []
    for one in (known, also):
        if one is None:
            continue
        pixel = f", pixels of {one.pixel_m:.3g} m" if one.pixel_m else ", pixels of unknown size"
        roles = ", ".join(ROLES[role].title for role in one.roles()) or "no band recognised"
        lines.append(f"{Path(one.path).name}: {one.title or 'product not known'}{pixel}; {roles}.")
        lines += one.sentences
    return lines


def describe(card: Card, found: Fit, known: Recognised, at_hand: bool, default: bool) -> dict[str, Any]:
    """All that is said of one backbone, as plain JSON values.

    Args:
        card: of the backbone.
        found: whether it fits.
        known: bands of the raster.
        at_hand: its weights are on this computer.
        default: it is taken when nothing is chosen.
    """
    cell = card.patch_px * known.pixel_m
    gets = ", ".join(dict.fromkeys(role for role in found.roles if role)) if card.inputs else ""
    if found.dates:
        dates = list(dict.fromkeys(found.dates))
        gets += f" of {len(dates)} dates, {dates[0] or 'the first'} to {dates[-1]}" if len(dates) > 1 else ""
    return {
        "name": card.name, "title": card.title, "summary": card.summary, "fits": found.fits, "default": default,
        "why": found.why, "warnings": list(found.warnings) if card.inputs else [], "gets": gets,
        "bands": list(found.bands), "proposals": [found.proposed(layer) for layer in (0, 1)],
        "made_for": made_for(card), "weights": weights_text(card, at_hand),
        "at_hand": at_hand, "cell": f"{cell:.3g} m" if cell else "", "dimensions": card.embed_dim,
        "licence": card.licence, "source": card.source, "engine": "full" if card.needs_torch else "light",
    }  # fmt: skip


def _on_disk(card: Card) -> bool:
    if card.weights is None:
        return False
    try:
        return path_in_store(card.weights.name) is not None
    except ModelError:  # the store itself is out of reach; embedding will say so
        return False
