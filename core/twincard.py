"""The card of an ONNX file that Quadrat wrote: it takes the bands of the network that it stands for, measured alike."""

import json
from dataclasses import replace
from pathlib import Path

from ..models.card import Card, Inputs
from ..models.onnxnotes import CARD, notes_of_file
from ..models.spectrum import ROLES
from .jobs.source import EmbedJob
from .progress import Progress
from .scene import Scene, scene_of
from .seriesscene import Chosen
from .space import Space

ONNX = "onnx"


def card_of(space: Space) -> tuple[Card, Chosen]:
    """Card of a space, and what its bands must be (all empty where nothing is asked).

    Files of other programs, and twins of networks for any bands, have the general card.

    Raises:
        BadInput: a newer version made the space, with a backbone unknown here.
    """
    card = space.card
    plain = Chosen(Path(space.model).name)
    if space.backbone != ONNX or not Path(space.model).is_file():
        return card, plain
    try:
        facts = json.loads(notes_of_file(Path(space.model)).get(CARD, ""))
        title, roles, units = str(facts["title"]), tuple(facts["bands"]), tuple(facts["units"])
        dates, months = tuple(facts.get("dates", ())), tuple(facts.get("months", ()))
        whole = all(isinstance(text, str) for text in (*roles, *units, *dates))
        whole &= all(isinstance(month, int) and 0 <= month <= 12 for month in months)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return card, plain
    if not whole or not roles or not set(roles) <= set(ROLES) or len(units) not in (0, len(roles)):
        return card, plain
    title, measured = f"{plain.name} ({title})", bool(units)
    if not dates or len(dates) != len(roles) or len(months) != len(roles):
        return replace(card, title=title, inputs=(Inputs(title, roles),), measured=measured), replace(
            plain, units=units
        )  # fmt: skip
    inputs = (Inputs(title, tuple(dict.fromkeys(roles))),)
    own = replace(card, title=title, inputs=inputs, measured=measured, any_bands=True, most_dates=len(set(dates)) + 1)
    return own, replace(plain, roles=roles, units=units, dates=dates, months=months)


def scene_for(job: EmbedJob, space: Space, progress: Progress) -> Scene:
    """Rasters and bands: like another embedding, as an ONNX twin wants them, or as the job names them.

    Raises:
        BadInput: as `scene_of`.
    """
    card, like = card_of(space)
    if job.like:
        like = Chosen(job.like, space.bands, space.second_bands, space.roles, space.units, space.dates, like.months)
    return scene_of(job, card, like, progress)
