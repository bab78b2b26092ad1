"""Train head: embedding and labels in, head out, with a first honest score."""

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..assessment import PRIMARY, summary
from ..atomic import check_apart, check_folder
from ..crossval import HeadPlan, LeftOut, inner_groups, run_scheme, schemes_for
from ..heads.build import Fitted
from ..heads.fitting import run_all
from ..heads.recipe import Recipe
from ..heads.storage import save_head
from ..jobs.declare import Result
from ..jobs.fewshot import LabelledJob, TrainHead
from ..labels import load_samples
from ..progress import Progress
from ..raster import environment
from ..samples import Samples
from ..sidecar import write_sidecar
from ..trust import Trust, learn_trust
from ..version import VERSION

QUICK_FOLDS = 5


def run(job: TrainHead, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: labels and embedding cannot be used, or the head cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), label_inputs(job))
    check_folder(job.output)
    with environment():
        samples = load_samples(job, progress.part(0.0, 0.3))
    read_s = time.monotonic() - started
    plan = HeadPlan(Recipe.of(job, samples.space.own_units), thread_count(job.threads))
    task = partial(fit_with_trust, job, plan, samples, inner_groups(samples, job.seed))
    fitted, trust = run_all([task], 1, progress.part(0.3, 0.6))[0]
    fit_s = time.monotonic() - started - read_s
    for note in fitted.notes:
        progress.warning(note)
    if job.head == "auto" and "chosen_by" in fitted.choice:
        progress.info(f"Head: {fitted.choice['chosen_by']}")
    for line in trust.lines:
        progress.info(line)
    # Calibration hardly moves the class shown; what it is worth was measured above, and the test is quicker without.
    quick = HeadPlan(plan.recipe.uncalibrated(), plan.threads)
    tested = quick_test(samples, quick, progress.part(0.6, 0.95))
    progress.info(tested["sentence"])
    facts = head_facts(job, samples) | {"choice": fitted.choice, "tested": tested} | trust.facts
    save_head(job.output, facts | {"job": job.to_dict(), "version": VERSION}, fitted.estimator, trust.arrays)
    write_sidecar(job.output, job, facts, inputs=label_inputs(job))
    seconds = {"read": read_s, "fit": fit_s, "test": time.monotonic() - started - read_s - fit_s}
    facts["seconds"] = {name: round(value, 3) for name, value in seconds.items()}
    return Result(job.facts.id, job.outputs(), {**facts, "result": "head", "device": f"CPU, {plan.threads} threads"})


def fit_with_trust(job: TrainHead, plan: HeadPlan, samples: Samples, groups: NDArray[np.int64]) -> tuple[Fitted, Trust]:
    """The head fitted to all samples, and what tells where it may be trusted."""
    fitted = plan.fit(samples, np.arange(len(samples.y)), groups, plan.threads)
    return fitted, learn_trust(plan.recipe, fitted, samples, groups, job.coverage, plan.threads)


def quick_test(samples: Samples, plan: HeadPlan, progress: Progress) -> dict[str, Any]:
    """One repetition of the most honest scheme that these labels allow; cheap beside 'Assess head'."""
    for scheme in schemes_for(plan.target, samples, 0.0, plan.seed)[0]:
        trial = run_scheme(scheme, samples, plan, QUICK_FOLDS, 1, progress)
        if isinstance(trial, LeftOut):
            continue
        scores = {name: row["mean"] for name, row in summary(plan.target, trial).items()}
        scores.pop("calibration_error", None)  # of another head than the one that is written
        name = PRIMARY[plan.target]
        if scores[name] is None:
            continue
        shown = f"{100 * scores[name]:.1f} % right" if plan.target == "class" else f"R2 {scores[name]:.2f}"
        count = trial.repetitions[0].folds.count
        warning = "" if scheme.honest else " No honest test was possible: this figure flatters."
        sentence = f"First test, {scheme.title[0].lower() + scheme.title[1:]}, {count} folds, once: {shown}.{warning}"
        return {"scheme": scheme.name, "folds": count, "scores": scores, "sentence": sentence}
    sentence = "The labels are too few to test anything; add at least two of each class in different places."
    return {"scheme": "", "folds": 0, "scores": {}, "sentence": sentence}


def head_facts(job: LabelledJob, samples: Samples) -> dict[str, Any]:
    """What a head knows of its labels and features; plain JSON values."""
    facts: dict[str, Any] = {
        "task": job.target,
        "head": job.head,
        "field": job.field,
        "classes": [entry.to_dict() for entry in samples.classes],
        "features": samples.space.to_dict(),
        "counts": samples.counts,
        "groups": samples.group_counts(),
        "samples": len(samples.y),
        "group_kind": samples.group_kind,
        "labels": samples.report.to_dict(),
    }
    if job.target == "value":
        facts["range"] = [float(np.min(samples.y)), float(np.max(samples.y))]
    return facts


def label_inputs(job: LabelledJob) -> dict[str, str]:
    """Files that decide samples, for the sidecar."""
    return {name: getattr(job, name) for name in ("labels", "embedding") if getattr(job, name)}
