"""Train on annotated photos: a survey in, a model out, and a page on how far it may be trusted."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput, BadJob
from ..heads.fitting import run_all
from ..jobs.declare import Result
from ..jobs.reef.training import TrainReef
from ..layersource import parse_source
from ..progress import Progress
from ..reef.asking import names_in
from ..reef.learning.assessing import Kept, Teaching, assess, learn_best, sentences
from ..reef.learning.headlist import BOTH, FLAT, TREE
from ..reef.learning.lessons import Lessons, read_lessons
from ..reef.learning.local import Choice, fit_by, settle
from ..reef.learning.page import as_csv, page
from ..reef.learning.stored import RESULT, ReefModel, kept_points, model_name
from ..reef.schema import OF_MACHINE
from ..reef.survey import Survey
from ..reef.vectors.points import PointVectors, point_vectors
from ..reef.vectors.request import VectorRequest
from ..sidecar import sidecar_path, write_sidecar
from ..version import VERSION

OWN_UNITS = ("raw", "colour-texture")
"""Backbones whose dimensions are of different units."""
SCORES = ("groups", "hf", "hf_low", "hf_high", "hp", "hr", "accuracy", "f1_weighted", "f1_macro")
MOST_LACKING = 5
FEW_PHOTOS = 20
"""Below so many nothing that is told of photos kept apart is worth much; CoralNet's first classifier waits for them."""


def run(job: TrainReef, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: no labelled points, photos that cannot be read, or a model that cannot be written.
    """
    started = time.monotonic()
    inputs = {"survey": job.survey}
    check_apart({**job.outputs(), **_beside(job)}, inputs)
    for path in job.outputs().values():
        check_folder(path)
    lessons, vectors, request = _material(job, progress)
    read_s = time.monotonic() - started
    teaching, choice = _teaching(job, lessons, vectors, request, progress.part(0.5, 0.53))
    kept = learn_best(teaching, _kinds(job, lessons), progress.part(0.53, 0.7))
    fit_s = time.monotonic() - started - read_s
    wish = job.wish / 100
    numbers = assess(teaching, kept, choice, job.tests, wish, job.curve, progress.part(0.7, 0.97))
    numbers |= {"backbone": _backbone(request), "dimensions": int(vectors.X.shape[1])}
    told, warnings = sentences(numbers), _warnings(job, lessons, vectors, numbers)
    features = {"request": request.facts(), "identity": vectors.identity, "dimensions": int(vectors.X.shape[1])}
    name = model_name(choice.head, kept.kind, kept.learnt.head.classes_, kept.learnt.out_of_fold, features)
    facts = _facts(numbers, name, told, warnings)
    _save(job, lessons, kept, name, features, vectors, facts)
    if job.report:
        _report(job, numbers, told, warnings)
    for text in warnings:
        progress.warning(text)
    for text in told:
        progress.info(text)
    for path in job.outputs().values():
        result = "report" if path == job.report else RESULT
        write_sidecar(path, job, {**facts, "result": result}, inputs=inputs)
    seconds = {"vectors": read_s, "fit": fit_s, "test": time.monotonic() - started - read_s - fit_s}
    facts["seconds"] = {step: round(value, 3) for step, value in seconds.items()}
    return Result(job.facts.id, job.outputs(), {**facts, "result": RESULT})


def request_of(job: TrainReef) -> VectorRequest:
    """Which vectors the job asks for."""
    return VectorRequest(
        job.backbone, job.model, job.weights, job.patch_px, job.padding, job.seed, job.download, job.device, job.threads
    )


def _material(job: TrainReef, progress: Progress) -> tuple[Lessons, PointVectors, VectorRequest]:
    """Labelled points and their vectors, row by row."""
    request = request_of(job)
    request.check()
    with Survey(parse_source(job.survey).path) as survey:
        lessons = read_lessons(
            survey, annotators=names_in(job.annotators), states=job.states, left_out=names_in(job.left_out)
        )
        if len(np.unique(lessons.y)) < 2:
            raise BadInput(
                f"All {len(lessons.y):,} labelled points carry the same label; there is nothing to learn. Label points "
                "of other kinds too."
            )
        if job.most_points:
            lessons = lessons.at(kept_points(lessons.photo, job.seed, job.most_points))
        vectors = point_vectors(
            survey, lessons.photos, request, progress.part(0.0, 0.5), points=set(lessons.point.tolist())
        )
    place = {point: row for row, point in enumerate(vectors.point.tolist())}
    known = np.array([point in place for point in lessons.point.tolist()], bool)
    lessons = lessons.at(known)
    if vectors.lacking and (len(np.unique(lessons.y)) < 2 or len(np.unique(lessons.photo)) < 2):
        name, why = next(iter(vectors.lacking.items()))
        raise BadInput(
            f"{len(vectors.lacking):,} of the photos with labelled points cannot be used, and the others show too "
            f"little to learn from: two labels on two photos are the least. {name} {why.rstrip('?')}."
        )
    rows = np.array([place[point] for point in lessons.point.tolist()], np.int64)
    same = np.array_equal(rows, np.arange(len(vectors.X)))
    return lessons, vectors if same else _rows(vectors, rows), request


def _rows(vectors: PointVectors, rows: np.ndarray[Any, Any]) -> PointVectors:
    return PointVectors(
        vectors.X[rows], vectors.point[rows], vectors.photo[rows], vectors.identity, vectors.state, vectors.lacking
    )


def _teaching(
    job: TrainReef, lessons: Lessons, vectors: PointVectors, request: VectorRequest, progress: Progress
) -> tuple[Teaching, Choice]:
    """How heads are fitted, with what they choose chosen once."""
    units = request.backbone in OWN_UNITS
    task = partial(
        settle, job.head, vectors.X, lessons.y, lessons.photo, balance=job.balance, seed=job.seed, own_units=units
    )
    choice: Choice = run_all([task], 1, progress)[0]
    fit = fit_by(choice.head, balance=job.balance, seed=job.seed, own_units=units, strength=choice.strength)
    threads = thread_count(job.threads)
    teaching = Teaching(fit, vectors.X, lessons, lessons.numbered, job.calibration, job.balance, job.seed, threads)
    return teaching, choice


def _kinds(job: TrainReef, lessons: Lessons) -> tuple[str, ...]:
    """Arrangements to learn; of labels without a tree the flat one alone, as the other would be the same."""
    if lessons.tree.depth < 2:
        return (FLAT,)
    return (TREE, FLAT) if job.arrangement == BOTH else (job.arrangement,)


def _backbone(request: VectorRequest) -> str:
    return f"{request.card.title} ({request.model})" if request.model else request.card.title


def _warnings(job: TrainReef, lessons: Lessons, vectors: PointVectors, numbers: dict[str, Any]) -> list[str]:
    """What limits the trust in all this."""
    notes = list(numbers["notes"])
    if set(OF_MACHINE) & set(job.states):
        notes.append(
            "Labels by a machine that nobody judged one by one count as true here: all that is told of accuracy and "
            "trust holds as far as they are right."
        )
    if lessons.tree.depth < 2:
        notes.append(
            "The labels of this survey stand in no tree, so one head learns all of them, and a point is named by its "
            "very label or not at all. Give labels parents to have it named by its group where the label is not sure."
        )
    for name, why in list(vectors.lacking.items())[:MOST_LACKING]:
        notes.append(f"{name} is left out: {why.rstrip('.')}.")
    if len(vectors.lacking) > MOST_LACKING:
        notes.append(f"{len(vectors.lacking) - MOST_LACKING:,} more photos are left out, as they cannot be read.")
    if len(lessons.photos) < FEW_PHOTOS:
        notes.append(
            f"There are labelled points in {len(lessons.photos)} photos only: what is told of photos kept apart is "
            "little more than a hint."
        )
    if numbers["lone"]:
        shown = ", ".join(numbers["lone"][:MOST_LACKING]) + (", ..." if len(numbers["lone"]) > MOST_LACKING else "")
        notes.append(
            f"{len(numbers['lone'])} labels are shown by a single photo each ({shown}): without it nobody can know "
            "them, so there they count as errors."
        )
    return notes


def _facts(numbers: dict[str, Any], name: str, told: list[str], warnings: list[str]) -> dict[str, Any]:
    """What the user wants to read at the end, and other jobs of this one."""
    trust = numbers["trust"]
    row = next(one for one in trust["rows"] if abs(one["wish"] - trust["wish"]) < 1e-6)
    return {
        "name": name, "photos": numbers["photos"], "points": numbers["points"], "labels": numbers["labels"],
        "levels": numbers["depth"], "head": numbers["head"], "choice": numbers["choice"],
        "arrangement": numbers["arrangement"], "backbone": numbers["backbone"],
        "splits": {one["name"]: {key: one[key] for key in SCORES} for one in numbers["splits"]},
        "trusted": {"wish": trust["wish"], "given": row["given"], "right": row["apart"]},
        "more_photos": numbers["curve"]["more"] if numbers["curve"] else None,
        "sentences": told, "warnings": warnings,
    }  # fmt: skip


def _save(
    job: TrainReef, lessons: Lessons, kept: Kept, name: str, features: dict[str, Any], vectors: PointVectors,
    facts: dict[str, Any],
) -> None:  # fmt: skip
    rows = kept_points(lessons.photo, job.seed)
    stored = ReefModel(
        name, kept.learnt.head, lessons.tree.labels, features, vectors.state, lessons.names,
        kept.learnt.out_of_fold[rows], lessons.y[rows], lessons.photo[rows],
        {**facts, "job": job.to_dict(), "version": VERSION},
    )  # fmt: skip
    stored.save(job.output)


def _beside(job: TrainReef) -> dict[str, str]:
    """Files that are written with the report.

    Raises:
        BadJob: one of them is there and no report of ours: its numbers would go.
    """
    if not job.report:
        return {}
    report = Path(job.report)
    beside = {
        f"{suffix[1:].upper()} beside the report": str(report.with_suffix(suffix)) for suffix in (".json", ".csv")
    }
    for path in beside.values():
        if Path(path).exists() and not sidecar_path(job.report).exists():
            raise BadJob(
                f"The numbers of the report would be written to {path}, which is there already and not from a report. "
                "Give the report another name."
            )
    return beside


def _report(job: TrainReef, numbers: dict[str, Any], told: list[str], warnings: list[str]) -> None:
    """The page, and its numbers beside it."""
    survey = Path(parse_source(job.survey).path).name
    content = {"version": VERSION, "job": job.to_dict(), "sentences": told, "warnings": warnings, **numbers}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    for path, written in (
        (Path(job.report).with_suffix(".json"), f"{text}\n"),
        (Path(job.report).with_suffix(".csv"), as_csv(numbers)),
        (Path(job.report), page(numbers, told, warnings, job.to_dict(), survey)),
    ):
        with replacing(path) as temporary:
            temporary.write_text(written, encoding="utf-8", newline="\n")
