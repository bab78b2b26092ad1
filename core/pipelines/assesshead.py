"""Assess head: embedding and labels in, report out."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..assessment import PRIMARY, Wishes, assess, thinned
from ..atomic import check_apart, check_folder, replacing
from ..crossval import HeadPlan, LeftOut, Trial, metres_of, run_scheme, schemes_for
from ..errors import BadInput, BadJob
from ..heads.recipe import Recipe
from ..jobs.declare import Result
from ..jobs.fewshot import AssessHead
from ..labelcount import count_labels
from ..labels import load_samples
from ..prevalence import parse
from ..progress import Progress
from ..raster import environment
from ..report import curve
from ..report.maps import sample_maps
from ..report.page import page
from ..report.rows import as_csv
from ..report.words import headline_sentences
from ..samples import Samples
from ..sidecar import write_sidecar
from ..version import VERSION
from .trainhead import label_inputs

SUFFIXES = (".html", ".htm")


def run(job: AssessHead, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: labels and embedding cannot be used or tested, or the report cannot be written.
    """
    started = time.monotonic()
    if Path(job.output).suffix.lower() not in SUFFIXES:
        raise BadJob(f"The report {job.output} must be a .html file.")
    beside = {f"the numbers beside the report ({end})": str(numbers_path(job.output, end)) for end in ("json", "csv")}
    written = {"output": job.output, **beside}
    check_apart(written, label_inputs(job))
    check_folder(job.output)
    with environment():
        samples = load_samples(job, progress.part(0.0, 0.1))
    read_s = time.monotonic() - started
    wishes = _wishes(job, samples)
    plan = HeadPlan(Recipe.of(job, samples.space.own_units), thread_count(job.threads), wishes.coverage)
    trials, left_out = _trials(job, samples, plan, progress.part(0.1, 0.6))
    numbers = assess(job.target, samples, trials, left_out, wishes)
    numbers["curve"] = _curve(job, samples, plan, trials, progress.part(0.6, 0.98))
    sentences = headline_sentences(numbers)
    for sentence in sentences:
        progress.info(sentence)
    html = page(numbers, job.to_dict(), samples.report.lines(), _maps(job, samples, trials[0]))
    for sentence in curve.sentences(numbers) if numbers["curve"] else ():
        progress.info(sentence)
    content = {"version": VERSION, "job": job.to_dict(), "sentences": sentences, **numbers}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    _write(numbers_path(job.output, "json"), f"{text}\n")
    _write(numbers_path(job.output, "csv"), as_csv(numbers))
    _write(job.output, html)
    facts = _facts(numbers, sentences)
    write_sidecar(job.output, job, {**facts, "result": "report"}, inputs=label_inputs(job))
    facts["seconds"] = {"read": round(read_s, 3), "test": round(time.monotonic() - started - read_s, 3)}
    facts["device"] = f"CPU, {plan.threads} thread{'s' if plan.threads > 1 else ''}"
    return Result(job.facts.id, job.outputs(), facts)


def numbers_path(report: str, end: str) -> Path:
    """Where the JSON or CSV beside a report lies."""
    return Path(report).with_suffix(f".{end}")


def _write(path: str | Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _wishes(job: AssessHead, samples: Samples) -> Wishes:
    """Coverage and prevalence, where there are classes.

    Raises:
        BadJob: prevalence of values, or shares that make no sense.
    """
    if job.target == "value":
        if job.prevalence.strip():
            raise BadJob("How common classes are makes no sense for values. Leave 'prevalence' empty.")
        return Wishes()
    names = [entry.name for entry in samples.classes]
    shares = parse(job.prevalence, names) if job.prevalence.strip() else None
    return Wishes(job.coverage if job.calibration != "none" else 0.0, shares)


def _curve(
    job: AssessHead, samples: Samples, plan: HeadPlan, trials: list[Trial], progress: Progress
) -> dict[str, Any] | None:
    """The learning curve of the scheme to trust, and of random folds beside it."""
    if not job.curve_draws:
        return None
    schemes = [trials[0].scheme, *(trial.scheme for trial in trials[1:] if not trial.scheme.honest)]
    return count_labels(schemes, samples, plan, PRIMARY[job.target], job.folds, job.curve_draws, progress)


def _trials(job: AssessHead, samples: Samples, plan: HeadPlan, progress: Progress) -> tuple[list[Trial], list[LeftOut]]:
    schemes, left_out = schemes_for(job.target, samples, job.block_size_m, job.seed, job.guard_m, job.folds)
    if job.guard_m and samples.xy is None:
        progress.warning("It is not known where the samples lie, so no guard distance could be kept.")
    trials = []
    for number, scheme in enumerate(schemes):
        part = progress.part(number / len(schemes), (number + 1) / len(schemes))
        part.checkpoint(0.0, f"Testing: {scheme.title}")
        outcome = run_scheme(scheme, samples, plan, job.folds, job.repeats, part)
        if isinstance(outcome, Trial):
            trials.append(outcome)
        else:
            left_out.append(outcome)
            progress.warning(f"{outcome.title} left out: {outcome.reason}")
    if not trials:
        raise BadInput(
            "The labels are too few to test anything. Add labels until at least two classes have two samples each; "
            "better, five in different places."
            if job.target == "class"
            else "The labels are too few to test anything. At least two samples with different values are needed."
        )
    return trials, left_out


def _maps(job: AssessHead, samples: Samples, trial: Trial) -> list[tuple[str, str]]:
    """Pictures of where the samples lie, if that is known."""
    xy_m = metres_of(samples)
    if xy_m is None or not np.ptp(xy_m, axis=0).any():
        return []
    at = thinned(np.arange(len(samples.y)))
    first = trial.repetitions[0].folds
    right, unit = _share_right(job, samples, trial)[at], "m" if samples.crs else ""
    return sample_maps(xy_m[at], first.fold[at], first.count, right, job.target, unit)


def _share_right(job: AssessHead, samples: Samples, trial: Trial) -> NDArray[np.float64]:
    """(N,) share of repetitions in which each sample was right; a value is right when it errs less than usual."""
    rounds = np.full((len(trial.repetitions), len(samples.y)), np.nan)
    for number, repetition in enumerate(trial.repetitions):
        at = repetition.tested
        if job.target == "class":
            rounds[number, at] = repetition.predicted[at] == samples.y[at]
        else:
            error = np.abs(repetition.predicted[at] - samples.y[at])
            rounds[number, at] = error <= np.median(error)
    tested = np.isfinite(rounds).any(axis=0)
    share = np.full(len(samples.y), np.nan)
    share[tested] = np.nanmean(rounds[:, tested], axis=0)
    return share


def _facts(numbers: Mapping[str, Any], sentences: list[str]) -> dict[str, Any]:
    """What the user wants to read at the end."""
    return {
        "headline": numbers["headline"],
        "sentences": sentences,
        "samples": numbers["samples"],
        "groups": numbers["groups"],
        "schemes": {
            scheme["name"]: {
                "title": scheme["title"],
                "folds": scheme["folds"],
                "repetitions": scheme["repetitions"],
                "scores": {name: row["mean"] for name, row in scheme["metrics"].items()},
            }
            for scheme in numbers["schemes"]
        },
        "left_out": numbers["left_out"],
    }
