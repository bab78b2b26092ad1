"""Report on indicator models: what models said of places that they had not seen in, a page out."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput, BadJob
from ..jobs.declare import Job, Result
from ..jobs.poverty.report import ReportIndicator
from ..poverty.indicator.ensemble import load_ensemble
from ..poverty.indicator.report.csvrows import as_csv
from ..poverty.indicator.report.page import page
from ..poverty.indicator.report.told import Entry, numbers_of
from ..poverty.indicator.report.words import sentences, warnings
from ..progress import Progress
from ..sidecar import write_sidecar
from ..version import VERSION

ENDS = ("json", "csv")
"""Of the files beside the page."""


def run(job: ReportIndicator, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: a file is no model, or the page cannot be written.
    """
    started = time.monotonic()
    inputs = {f"model {number}": path for number, path in enumerate(job.models, 1)}
    check_report(job.output, job.outputs(), inputs)
    entries = []
    for number, path in enumerate(job.models):
        progress.checkpoint(number / (len(job.models) + 1), f"Reading {Path(path).name}")
        entries.append(_entry(path))
    numbers = write_report(job.output, job, entries, job.level, inputs)
    for line in numbers["warnings"]:
        progress.warning(line)
    for line in numbers["sentences"]:
        progress.info(line)
    facts = {"sentences": numbers["sentences"], "warnings": numbers["warnings"], "headline": numbers["headline"]}
    seconds = {"all": round(time.monotonic() - started, 3)}
    return Result(job.facts.id, job.outputs(), {**facts, "result": "report", "seconds": seconds})


def _entry(path: str) -> Entry:
    if Path(path).suffix.lower() != ".qseries":
        raise BadInput(f"{path} is no model of 'Train indicator': these are .qseries files.")
    model = load_ensemble(path)
    return Entry(path, model.facts, model.tests)


def check_report(report: str, outputs: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    """Refuse a page that cannot be written, or would overwrite something, before the work.

    Raises:
        BadJob: another ending, or a file that is taken.
        Unwritable: the folder.
    """
    if Path(report).suffix.lower() not in (".html", ".htm"):
        raise BadJob(f"The report {report} must be a .html file.")
    beside = {f"the numbers beside the report ({end})": str(_beside(report, end)) for end in ENDS}
    check_apart({**outputs, **beside}, inputs)
    check_folder(report)


def write_report(
    path: str, job: Job, entries: Sequence[Entry], level: float, inputs: Mapping[str, str]
) -> dict[str, Any]:
    """The page, its numbers beside it, and its sidecar; returns the numbers.

    Args:
        path: of the page.
        job: that makes it.
        entries: of the models.
        level: confidence with which a change must be told.
        inputs: files that it was made from.

    Raises:
        Unwritable: the folder.
    """
    numbers = numbers_of(entries, level)
    numbers |= {"sentences": sentences(numbers), "warnings": warnings(numbers)}
    content = {"version": VERSION, "job": job.to_dict(), **numbers}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    html = page(numbers, entries, job.to_dict())
    written = ((_beside(path, "json"), f"{text}\n"), (_beside(path, "csv"), as_csv(numbers)), (path, html))
    for file, body in written:
        with replacing(file) as temporary:
            temporary.write_text(body, encoding="utf-8", newline="\n")
    facts = {"result": "report", **{name: numbers[name] for name in ("headline", "sentences", "warnings")}}
    write_sidecar(path, job, facts, inputs=inputs)
    return numbers


def _beside(report: str, end: str) -> Path:
    return Path(report).with_suffix(f".{end}")
