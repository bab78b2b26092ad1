"""Check suggestions of a photo survey: photos that people finished in, the stop sign out."""

import csv
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput
from ..jobs.declare import Result
from ..jobs.reef.checking import TRUSTED, CheckReef
from ..layersource import parse_source
from ..progress import Progress
from ..reef.asking import names_in
from ..reef.evidence import CheckedPhotos, read_evidence
from ..reef.learning.checked import (
    MOST_GROUPS,
    Held,
    Verdict,
    facts_of,
    groups_at,
    held,
    judge,
    law_of,
    lines,
)
from ..reef.learning.checkpage import page
from ..reef.learning.numbered import ROOT
from ..reef.survey import Survey
from ..sidecar import write_sidecar
from ..wording import counted

RESULT = "reefcheck"
COLUMNS = ("batch", "photos", "learnt_from", "first", "last", "measure", "group", "name", "value", "low", "high",
           "people", "machine")  # fmt: skip
DIGITS = 6


def run(job: CheckReef, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: no survey, an unknown label, annotator or column, or a file that cannot be written.
    """
    inputs = {"survey": job.survey}
    check_apart(job.outputs(), inputs)
    for path in job.outputs().values():
        check_folder(path)
    targets = names_in(job.targets)
    with Survey(parse_source(job.survey).path) as survey:
        found = read_evidence(survey, targets, names_in(job.annotators), job.learnt_field)
    progress.checkpoint(0.5)
    if job.said == TRUSTED:
        evidence = dataclasses.replace(found.evidence, machine=found.evidence.trusted)
        found = dataclasses.replace(found, evidence=evidence)
    groups = _groups(job, found, targets)
    verdict = judge(found.evidence, groups, job.tolerance / 100, job.batch, job.seed)
    trust = held(found.evidence)
    facts = _facts(job, found, verdict, trust, groups)
    _tell(job, found, verdict, facts, progress)
    for name, path in job.outputs().items():
        write_sidecar(path, job, {**facts, "result": {"output": "table"}.get(name, name)}, inputs=inputs)
    return Result(job.facts.id, job.outputs(), facts)


def _groups(job: CheckReef, found: CheckedPhotos, targets: Sequence[str]) -> tuple[str, ...]:
    """Codes of the target groups, each once."""
    if targets:
        return tuple(dict.fromkeys(found.tree.code(code) for code in targets))
    numbers = np.concatenate([found.evidence.human, found.evidence.machine])
    met = [found.evidence.tree.codes[number] for number in np.unique(numbers[numbers != ROOT])]
    groups = groups_at(found.tree, job.tree_level, met)
    if len(groups) > MOST_GROUPS:
        raise BadInput(
            f"At level {job.tree_level} of the label tree lie {len(groups)} groups. Name the target groups, at most "
            f"{MOST_GROUPS}, or choose a level nearer to the roots."
        )
    return groups


def _facts(
    job: CheckReef, found: CheckedPhotos, verdict: Verdict, trust: Sequence[Held], groups: Sequence[str]
) -> dict[str, Any]:
    facts = facts_of(verdict, job.tolerance / 100)
    for one, batch in zip(facts["batches"], verdict.batches, strict=True):
        one["first"], one["last"] = found.at[batch.photos.start], found.at[batch.photos.stop - 1]
        one["models"] = sorted(set(found.models[batch.photos]))
    labels = [found.tree.label(code) for code in groups]
    if not found.names:
        facts["sentence"] = _nothing(found)
        facts["more"] = None
    return {
        "result": RESULT,
        **facts,
        "tolerance": job.tolerance / 100,
        "checked_photos": len(found.names),
        "groups": [{"code": one.code, "name": one.name or one.code, "colour": one.colour} for one in labels],
        "trust": [
            {"level": one.level, "given": one.given, "right": one.right if one.given else None,
             "at_least": one.at_least if one.given else None} for one in trust
        ],
        "laws": {name: list(law) for name, law in law_of(verdict.batches).items()},
        "left_out": {"learnt_from": found.learnt, "in_part": found.partly, "without": found.bare,
                     "elsewhere": found.elsewhere, "accepted": found.accepted},
        "warnings": _warnings(found),
        "sentences": [facts["sentence"], *_sentences(found, verdict)],
    }  # fmt: skip


def _nothing(found: CheckedPhotos) -> str:
    """Why there is no evidence, and what to do."""
    if found.learnt:
        return (
            "Nothing can be said yet: the machine learnt from all photos that people finished. Finish photos that it "
            "has suggested labels for and not learnt from."
        )
    if found.accepted:
        return (
            "Nothing can be said yet: what the machine said was accepted for whole photos, which does not tell how "
            "often it is right. Finish some photos point by point."
        )
    if found.bare or found.partly or found.elsewhere:
        return (
            "Nothing can be said yet: no photo that people finished has suggestions of a model whose training is "
            "known. Train, suggest labels, then check photos."
        )
    return "Nothing can be said yet: people have finished no photo. Label every point of some photos first."


def _sentences(found: CheckedPhotos, verdict: Verdict) -> list[str]:
    n, batches = len(found.names), len(verdict.batches)
    if not n:
        return []
    told = [
        f"{counted(n, 'photo')} checked by people that the machine did not learn from, in "
        f"{counted(batches, 'batch', 'batches')}; {verdict.pending:,} of {verdict.needed:,} for the next."
    ]
    if verdict.batches:
        last = verdict.batches[-1].checked
        told.append(
            f"hF of the last batch: {last.agreement.f:.3f}, 95 % interval {last.f_low:.3f} to {last.f_high:.3f} over "
            "photos."
        )
    return told


def _warnings(found: CheckedPhotos) -> list[str]:
    told = []
    if found.learnt:
        told.append(
            f"Not taken, as the machine learnt from them: {counted(found.learnt, 'photo')} that people finished."
        )
    if found.accepted:
        told.append(
            "Not taken, as what the machine said was accepted for the whole photo, which proves nothing: "
            f"{counted(found.accepted, 'photo')} that people finished."
        )
    if found.partly:
        told.append(f"Not taken, as points lack suggestions: {counted(found.partly, 'photo')} that people finished.")
    for model, count in sorted(found.elsewhere.items()):
        told.append(
            f"Not taken, as nobody noted what '{model}' learnt from: {counted(count, 'photo')} that people finished. "
            "Name the column that tells."
        )
    return told


def _tell(job: CheckReef, found: CheckedPhotos, verdict: Verdict, facts: dict[str, Any], progress: Progress) -> None:
    """Log, table and page."""
    for note in facts["warnings"]:
        progress.warning(note)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    if job.output:
        with replacing(job.output) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(_rows(found, verdict, facts))
    if job.report:
        with replacing(job.report) as temporary:
            temporary.write_text(page(facts, job.to_dict()), encoding="utf-8", newline="\n")


def _rows(found: CheckedPhotos, verdict: Verdict, facts: dict[str, Any]) -> list[list[Any]]:
    rows = []
    for number, measure, code, values in lines(verdict.batches):
        batch = facts["batches"][number - 1]
        name = found.tree.label(code).name if code else ""
        cells = [_cell(values.get(column, np.nan)) for column in ("value", "low", "high", "people", "machine")]
        rows.append([number, batch["photos"], batch["trained"], batch["first"], batch["last"], measure, code, name,
                     *cells])  # fmt: skip
    return rows


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.{DIGITS}g}"
