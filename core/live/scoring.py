"""How good the head is on labels that it did not see; quick, with the choices of the head as they stand."""

from typing import Any

import numpy as np

from ..assessment import PRIMARY, Wishes, scheme_numbers
from ..crossval import HeadPlan, LeftOut, Scheme, Trial, run_scheme, schemes_for
from ..progress import Progress
from ..samples import Samples
from .messages import Score, Scored
from .session import Session

FOLDS = 5


def scored(session: Session, ask: Score, progress: Progress) -> Scored:
    """Of the labels as they are."""
    classes = session.labels.classes if session.job.target == "class" else ()
    if why := session.labels.why_not():
        return Scored(0, 0, classes=classes, why=why)
    samples = session.labels.samples()
    labels = len(np.unique(samples.groups))
    plan = HeadPlan(session.fitter.quick_recipe(), session.crew.count)
    for scheme in schemes_for(plan.target, samples, 0.0, plan.seed)[0]:
        if not scheme.honest:
            continue
        trial = run_scheme(scheme, samples, plan, FOLDS, 1, progress)
        if isinstance(trial, LeftOut):
            continue
        found = _numbers(plan.target, samples, trial, scheme, classes)
        if found["score"] is not None:
            return Scored(labels, len(samples.y), PRIMARY[plan.target], classes=classes, **found)
    least = "two labels of each of two classes" if classes else "three labels"
    return Scored(labels, len(samples.y), classes=classes, why=f"To test anything, at least {least} are needed.")


def _numbers(
    target: str, samples: Samples, trial: Trial, scheme: Scheme, classes: tuple[str, ...]
) -> dict[str, Any]:  # fmt: skip
    numbers = scheme_numbers(target, samples, trial, Wishes())
    row = numbers["metrics"][PRIMARY[target]]
    found = {"score": row["mean"], "low": row.get("low"), "high": row.get("high")}
    found["scheme"] = f"{scheme.title}, {trial.repetitions[0].folds.count} folds. {scheme.sentence}"
    if target == "class":
        table = np.zeros((len(classes), len(classes)), np.int64)
        at = [classes.index(entry.name) for entry in samples.classes]
        table[np.ix_(at, at)] = numbers["confusion"]
        found["confusion"] = tuple(tuple(line) for line in table.tolist())
    return found
