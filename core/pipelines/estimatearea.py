"""Estimate area: labelled sample in, areas, shares or means with intervals out."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput, BadJob
from ..estimation import cells, unittable, words
from ..estimation.build import choose, estimator
from ..estimation.evidence import Estimate, lacking
from ..estimation.filled import read_sample, recorded_design
from ..estimation.material import Material
from ..estimation.page import page
from ..estimation.registry import ESTIMATORS
from ..estimation.samplesize import more_labels
from ..estimation.stratified import accuracy
from ..jobs.declare import Result
from ..jobs.estimate import EstimateArea
from ..progress import Progress
from ..raster import environment
from ..sidecar import write_sidecar
from ..version import VERSION

SUFFIXES = (".html", ".htm")
LEVEL = 0.95
REST = "other"
"""A class that stands for all that is not asked for, as in maps of favelas."""


def run(job: EstimateArea, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: the sample is none, cannot be brought together with the map, or the report cannot be written.
    """
    if Path(job.output).suffix.lower() not in SUFFIXES:
        raise BadJob(f"The report {job.output} must be a .html file.")
    beside = {suffix: str(Path(job.output).with_suffix(f".{suffix}")) for suffix in ("json", "csv")}
    inputs = {name: getattr(job, name) for name in ("sample", "map", "units", "mask") if getattr(job, name)}
    check_apart({"output": job.output, **{f"the {s} beside the report": p for s, p in beside.items()}}, inputs)
    check_folder(job.output)
    with environment():
        table = read_sample(job.sample)
        recorded = recorded_design(job)
        of_units = recorded.unit == "unit" if recorded else not job.map
        gather = unittable.gather if of_units else cells.gather
        material = gather(job, table, recorded, progress.part(0.0, 0.8))
    progress.checkpoint(0.8, "Estimating")
    numbers = numbers_of(job, material)
    sentences = words.headline_sentences(numbers)
    for note in numbers["notes"]:
        progress.warning(note)
    for sentence in sentences:
        progress.info(sentence)
    html = page(numbers, sentences, job.to_dict())
    content = {"version": VERSION, "job": job.to_dict(), "sentences": sentences, **numbers}
    _write(beside["json"], f"{json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)}\n")
    _write(beside["csv"], table_text(numbers))
    _write(job.output, html)
    facts = {
        "sentences": sentences, "labelled": numbers["labelled"], "estimator": numbers["estimator"],
        "rows": [{"name": row["name"], **row["share"]} for row in numbers["rows"]],
    }  # fmt: skip
    write_sidecar(job.output, job, {**facts, "result": "report"}, inputs=inputs)
    return Result(job.facts.id, job.outputs(), facts)


def numbers_of(job: EstimateArea, material: Material) -> dict[str, Any]:
    """All that the report tells, as plain JSON values.

    Raises:
        BadInput: too few labels, an estimator that does not fit, or a headline class that nobody knows.
    """
    evidence = material.evidence
    name = job.estimator if job.estimator != "auto" else choose(evidence)
    card = ESTIMATORS[name]
    if card.needs == "prediction" and evidence.F is None:
        raise BadInput(
            f"{card.title} needs a prediction of all places: a map under a simple random sample, or a prediction "
            "field. Choose estimator auto."
        )
    estimate = estimator(name)(evidence, LEVEL)
    kind = _kind(job, material)
    unit, scale = _scale(job, material, kind)
    rows = [_row(job, material, estimate, k, kind, scale) for k in range(len(evidence.names))]
    return {
        "kind": kind, "unit": unit, "level": LEVEL, "rows": rows, "headline": _headline(job, rows),
        "estimator": name, "estimator_title": card.title, "estimator_summary": card.summary,
        "estimator_source": card.source, "labelled": len(evidence.Y), "drawn": material.drawn,
        "population": int(material.design.counts.sum()), "beyond": evidence.beyond,
        "area_m2": material.design.total if material.design.area_known else None,
        "by_area": material.design.unit == "unit" and material.design.area_known,
        "in_stratum": [int(n) for n in evidence.sizes], "places_word": material.places_word,
        "wanted": job.half_width_percent, "design": material.design.to_dict(),
        "notes": [*material.notes, *estimate.notes], "accuracy": _accuracy(material),
        "unsure": material.unsure,
    }  # fmt: skip


def _kind(job: EstimateArea, material: Material) -> str:
    """`area` or `share` of classes, `ground` covered by shares of units, or a `mean`."""
    if material.ground:
        return "ground"
    return "mean" if job.target == "value" else "area" if material.design.area_known else "share"


def _scale(job: EstimateArea, material: Material, kind: str) -> tuple[str, float]:
    """Unit in which results are shown, and the factor from a share (or mean) to it."""
    if kind == "mean":
        return job.value_unit, 1.0
    if kind == "share":
        return "%", 100.0
    unit, size = words.area_unit(material.design.total)
    return unit, material.design.total / size


def _row(job: EstimateArea, material: Material, estimate: Estimate, k: int, kind: str, scale: float) -> dict[str, Any]:
    evidence, entries = material.evidence, material.classes.entries
    share: dict[str, Any] = {
        "value": float(estimate.value[k]), "se": float(estimate.se[k]), "low": float(estimate.low[k]),
        "high": float(estimate.high[k]), "method": estimate.method[k],
        "trust": None if estimate.trust is None else float(estimate.trust[k]),
    }  # fmt: skip
    half, value = float(estimate.half[k]), abs(float(estimate.value[k]))
    percent = 100 * half / value if value > 0 else math.inf
    now, wanted = (half, job.half_width_percent / 100) if kind != "mean" else (percent, job.half_width_percent)
    population = math.inf if evidence.beyond else float(material.design.counts.sum())
    counted = None if material.counted is None else float(material.counted[k] * scale)
    return {
        "name": evidence.names[k], "colour": entries[k].colour if entries else "",
        "on_map": bool(entries) and k < material.classes.mapped,
        "labels": int((evidence.Y[:, k] > 0).sum()) if job.target == "class" else len(evidence.Y),
        "share": share, "shown": {key: scale * share[key] for key in ("value", "se", "low", "high")},
        "counted": counted, "half": half, "half_percent": percent if math.isfinite(percent) else None,
        "more": more_labels(len(evidence.Y), population, now, wanted) if math.isfinite(now) else None,
    }  # fmt: skip


def _headline(job: EstimateArea, rows: list[dict[str, Any]]) -> int:
    names = [row["name"] for row in rows]
    if job.of_class and job.target == "class":
        folded = [name.casefold() for name in names]
        if job.of_class.casefold() not in folded:
            raise BadInput(f"No place is labelled '{job.of_class}'. There are: {', '.join(names)}.")
        return folded.index(job.of_class.casefold())
    asked_for = [row["name"].casefold() != REST for row in rows]  # nobody draws a sample to learn of all the rest
    return int(np.argmax([row["share"]["value"] if asked or not any(asked_for) else -np.inf
                          for row, asked in zip(rows, asked_for, strict=True)]))  # fmt: skip


def _accuracy(material: Material) -> dict[str, Any] | None:
    """Accuracy of the map with its table of counts; None where no map class is known of the places."""
    if material.shown is None:
        return None
    evidence, shown = material.evidence, material.shown
    there = shown >= 0
    if not there.all():
        evidence = type(evidence)(**{**vars(evidence), "stratum": evidence.stratum[there], "Y": evidence.Y[there],
                                     "F": None, "mapped": None, "mapped_sd": None})  # fmt: skip
        shown = shown[there]
    if not there.any() or lacking(evidence).any():
        return None
    M = material.classes.mapped
    named = shown < M
    if not named.any():
        return None
    found = accuracy(evidence, shown, M, LEVEL)
    counts = np.zeros(found.matrix.shape, np.int64)
    np.add.at(counts, (shown, evidence.Y.argmax(axis=1)), 1)
    fields = ("value", "se", "low", "high")

    def plain(row: Any) -> dict[str, Any]:
        return {key: float(v) if np.isfinite(v) else None for key, v in zip(fields, row, strict=True)}

    return {
        "overall": plain(found.overall), "users": [plain(row) for row in found.users],
        "producers": [plain(row) for row in found.producers], "counts": counts[:M].tolist(),
        "matrix": found.matrix[:M].tolist(),
        "unsure": None if named.all() else {"counts": counts[M].tolist(), "matrix": found.matrix[M].tolist()},
    }  # fmt: skip


def table_text(numbers: dict[str, Any]) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    unit = numbers["unit"] or "value"
    heads = ["value", "se", "low", "high"]
    first = [f"share_{head}" if numbers["kind"] != "mean" else head for head in heads]
    last = [f"counted ({unit})", "interval", "labels", "more_labels"]
    writer.writerow(["name", *first, *(f"{head} ({unit})" for head in heads), *last])
    for row in numbers["rows"]:
        writer.writerow([row["name"], *(row["share"][h] for h in heads), *(row["shown"][h] for h in heads),
                         "" if row["counted"] is None else row["counted"], row["share"]["method"], row["labels"],
                         row["more"]])  # fmt: skip
    return out.getvalue()


def _write(path: str, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
