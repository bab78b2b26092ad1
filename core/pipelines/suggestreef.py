"""Suggest labels of points: a survey and a model in, the survey with suggestions out, while people go on in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import check_apart
from ..errors import BadInput
from ..jobs.declare import Result
from ..jobs.reef.suggesting import ALL, NOTHING, SuggestReef
from ..layersource import parse_source
from ..progress import Progress
from ..reef import schema
from ..reef.build import changing
from ..reef.finish import finish
from ..reef.learning.headlist import PHOTO, SITE
from ..reef.learning.stored import ReefModel
from ..reef.learning.telling import Teller
from ..reef.photofacts import named
from ..reef.suggesting import Tally, Writer, add_labels, held_out, moved_labels, photos_for
from ..reef.survey import Photo, Survey
from ..reef.vectors.request import VectorRequest
from ..reef.vectors.source import Piece, VectorSource
from ..wording import counted

SITES_DIFFER = 0.03
"""Loss of hF at new sites that is worth a warning."""
PIECE_PHOTOS, PIECE_POINTS = 100, 2_500
"""Written in one edit: others wait for the survey no longer than about half a second, also on a busy computer."""


def run(job: SuggestReef, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: no survey or model, photos that cannot be read, or a survey that cannot be written.
    """
    source = parse_source(job.survey).path
    output = job.output or source
    inputs = {"model": job.model}
    check_apart({"output": output}, inputs)
    model = ReefModel.load(job.model)
    progress.checkpoint(0.02, "The model")
    teller = Teller(model, job.trust, job.wish / 100)
    with Survey(source) as survey, _target(survey, job) as target:
        photos = _photos(survey, job)
        new = add_labels(target, model)
        moved = moved_labels(survey, model)
        numbers = {photo.name: photo.photo for photo in survey.photos()}
        learnt = [numbers[name] for name in model.photos if name in numbers]
        held = held_out(survey, model)
        with target.edit():
            target.put_learnt(model.name, learnt)
            target.put_held_out(model.name, held)
        writer = Writer(target, model, job)
        lacking = _suggest(survey, photos, writer, teller, job, progress.part(0.05, 1.0)) if photos else {}
    facts = _facts(job, teller, writer.tally, lacking, len(learnt))
    facts["warnings"] += _label_notes(new, moved) + _photo_notes(model, len(learnt))
    if output != source:
        inputs["survey"] = job.survey
    finish(job, output, facts, inputs, progress)
    return Result(job.facts.id, {"output": output}, facts)


@contextmanager
def _target(survey: Survey, job: SuggestReef) -> Iterator[Survey]:
    """The survey itself, which others may edit meanwhile, or a copy of it that appears when it is done."""
    if not job.output or Path(job.output).resolve() == Path(survey.path).resolve():
        yield survey
        return
    with changing(survey.path, job.output) as copy:
        yield copy


def _photos(survey: Survey, job: SuggestReef) -> list[Photo]:
    """Those that are to get suggestions; may be none.

    Raises:
        BadInput: no photo has points.
    """
    if not survey.connection.execute("SELECT 1 FROM points LIMIT 1").fetchone():
        raise BadInput(f"The survey {survey.path} has no points. Use 'Place points on photos' first.")
    return photos_for(survey, job.photos)


def _suggest(
    survey: Survey, photos: list[Photo], writer: Writer, teller: Teller, job: SuggestReef, progress: Progress
) -> dict[str, str]:
    """All photos, some hundred at a time; names of those that cannot be read, and why."""
    model = teller.model
    with VectorSource(
        survey, photos, _request(job, model), progress, state=model.state or None,
        identity=str(model.features["identity"]),
    ) as source:  # fmt: skip
        waiting: list[Piece] = []
        for piece in source.pieces():
            waiting.append(piece)
            if len(waiting) == PIECE_PHOTOS or sum(len(one.point) for one in waiting) >= PIECE_POINTS:
                _write(waiting, writer, teller)
                waiting = []
        _write(waiting, writer, teller)
        return dict(source.lacking)


def _request(job: SuggestReef, model: ReefModel) -> VectorRequest:
    """The vectors that the model learnt from, made here; their identity is compared with the model's."""
    facts = dict(model.features["request"])
    if job.weights or not Path(str(facts.get("weights") or "")).is_file():
        facts["weights"] = job.weights  # empty: of Quadrat's store, since the file is not on this computer
    return VectorRequest.from_facts(facts, download=job.download, device=job.device, threads=job.threads)


def _write(pieces: list[Piece], writer: Writer, teller: Teller) -> None:
    if not pieces:
        return
    photo = np.concatenate([np.full(len(one.point), one.photo.photo, np.int64) for one in pieces])
    told = teller.tell(np.concatenate([one.X for one in pieces]))
    writer.write([one.photo.photo for one in pieces], photo, np.concatenate([one.point for one in pieces]), told)


def _facts(
    job: SuggestReef, teller: Teller, tally: Tally, lacking: dict[str, str], learnt: int
) -> dict[str, Any]:  # fmt: skip
    points, name = tally.points, teller.model.name
    sentences = [f"Suggestions by '{name}' at {counted(points, 'point')} of {counted(tally.photos, 'photo')}."]
    if not tally.photos and not lacking:
        which = "has points" if job.photos == ALL else "is open: people have finished all, or each has suggestions"
        sentences = [f"No photo {which}; there was nothing to suggest."]
    levels = range(1, max(tally.trusted, default=0) + 1)
    below = {level: sum(n for deep, n in tally.trusted.items() if deep >= level) for level in levels}
    if points:
        shares = [f"level {level}: {100 * count / points:.0f} %" for level, count in below.items()]
        given = "; ".join(shares) or "none"
        sentences.append(f"Trusted at {job.wish:g} % {job.trust}, of all points: {given}.")
    if job.accept != NOTHING:
        sentences.append(
            f"Accepted as {job.accepted_by.strip()}'s: {counted(tally.accepted_points, 'label')}; labelled whole by "
            f"that: {counted(tally.accepted_photos, 'photo')}."
        )
    if tally.finished:
        sentences.append(f"Left alone, as people finished them meanwhile: {counted(tally.finished, 'photo')}.")
    warnings = [teller.note] if teller.note else []
    if lacking:
        first = next(iter(lacking.values()))
        warnings.append(
            f"Photos without suggestions, as they cannot be read: {named(list(lacking))}. The first "
            f"{first.rstrip('?')}."
        )
    return {
        "result": schema.RESULT, "model": name, "photos": tally.photos, "points": points,
        "trusted_points": {str(level): count for level, count in below.items()},
        "mean_confidence": round(tally.confidence / points, 4) if points else None,
        "accepted_points": tally.accepted_points, "accepted_photos": tally.accepted_photos,
        "finished_meanwhile": tally.finished, "lacking": lacking, "learnt_photos": learnt, "trust": teller.facts,
        "thresholds": [least if least <= 1 else None for least in teller.thresholds],
        "warnings": warnings, "sentences": sentences,
    }  # fmt: skip


def _photo_notes(model: ReefModel, found: int) -> list[str]:
    """For which photos what is trusted does not hold, or is not known to."""
    notes, lost = [], len(model.photos) - found
    if found and lost:
        notes.append(
            f"The model learnt from {counted(len(model.photos), 'photo')}, of which {lost:,} are not in this survey by "
            "name. If they have other names here, they count as photos that it does not know, and should not."
        )
    splits = model.facts.get("splits", {})
    known, new = (splits.get(name, {}).get("hf") for name in (PHOTO, SITE))
    if known is not None and new is not None and new < known - SITES_DIFFER:
        notes.append(
            f"At sites that the model had never seen hF was {100 * new:.1f} %, on other photos of sites that it knew "
            f"{100 * known:.1f} %. What is trusted here holds for sites like those: check photos of new sites first."
        )
    return notes


def _label_notes(new: list[str], moved: list[str]) -> list[str]:
    notes = []
    if new:
        notes.append(f"Labels of the model that the survey lacked were added: {named(new)}.")
    if moved:
        notes.append(
            f"These labels hang elsewhere in the tree than when the model learnt them: {named(moved)}. Train again, so "
            "that what is trusted fits the tree."
        )
    return notes
