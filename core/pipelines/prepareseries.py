"""Prepare series: composites of several dates in, one virtual raster with dated bands and its check page out."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadJob
from ..jobs.declare import Result
from ..jobs.poverty.series import PrepareSeries
from ..poverty.series import checks
from ..poverty.series.join import Plan, plan_series, virtual_bands, with_scales
from ..poverty.series.names import named_bands, some_of
from ..poverty.series.page import as_csv, numbers_of, page
from ..poverty.series.pixels import Look, look_at
from ..poverty.series.remarks import Remarks
from ..poverty.series.sensorchecks import check_sensors
from ..poverty.series.sources import read_files
from ..poverty.series.values import Codings, codings_of, converted, scale_fact, scales_of
from ..poverty.series.vrt import VirtualBand, write_vrt
from ..progress import Progress
from ..raster import environment
from ..sidecar import write_sidecar

ENDS = ("json", "csv")
"""Of the files beside the check page."""


def run(job: PrepareSeries, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: files cannot be read, do not fit together, or a result cannot be written.
    """
    _check_outputs(job)
    remarks = Remarks(progress)
    with environment():
        files = named_bands(read_files(job, remarks.part(0.0, 0.2)), job, remarks)
        plan = plan_series(files, job, remarks)
        sensors = check_sensors(plan, job, remarks)
        bands = virtual_bands(plan, job)
        look = _looked_at(job, plan, bands, remarks.part(0.2, 0.7))
        codings = codings_of(plan, look, job, remarks.part(0.7, 0.95))
        scales = scales_of(plan, codings, job, remarks)
        if not scales:
            checks.check_types(plan, remarks)
        look, codings = converted(plan, look, codings, scales)
        facts = _facts(job, plan, look, codings, remarks)
        facts |= {"scale": scale_fact(plan, codings), "sensors": sensors}
        facts["warnings"] = remarks.warnings
        write_vrt(job.output, plan.grid, with_scales(bands, scales))
    for line in facts["sentences"]:
        remarks.info(line)
    write_sidecar(job.output, job, facts, inputs=_inputs(job, plan))
    if job.report:
        _write_report(job, plan, look, facts, remarks)
    return Result(job.facts.id, job.outputs(), facts)


def _check_outputs(job: PrepareSeries) -> None:
    if Path(job.output).suffix.lower() != ".vrt":
        raise BadJob(f"The series {job.output} must be a .vrt file: it is a virtual raster.")
    if job.report and Path(job.report).suffix.lower() != ".html":
        raise BadJob(f"The check page {job.report} must be a .html file.")
    inputs = {"the table of dates": job.date_table, **{f"raster {n}": path for n, path in enumerate(job.rasters, 1)}}
    outputs = job.outputs()
    if job.report:
        outputs |= {f"the numbers beside the check page ({end})": str(_beside(job.report, end)) for end in ENDS}
    check_apart(outputs, inputs)
    for path in outputs.values():
        check_folder(path)


def _looked_at(job: PrepareSeries, plan: Plan, bands: Sequence[VirtualBand], remarks: Remarks) -> Look:
    """The sample of pixels, read through a virtual raster that is there for that long: an earlier result stays."""
    with _scratch(job.output) as path:
        write_vrt(path, plan.grid, bands)
        return look_at(plan.series(path), remarks)


@contextmanager
def _scratch(output: str) -> Iterator[str]:
    """A file beside the result, for relative paths, that goes away."""
    handle, path = tempfile.mkstemp(".vrt", ".checking-", Path(output).absolute().parent)
    os.close(handle)
    try:
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _facts(job: PrepareSeries, plan: Plan, look: Look, codings: Codings, remarks: Remarks) -> dict[str, Any]:
    """The record of the series, and its checks."""
    empty = checks.empty_dates(plan, look, remarks)
    checks.check_shares(plan, look, empty, remarks)
    checks.check_fills(plan, look, empty, remarks)
    copies = checks.check_copies(plan, look, empty, remarks)
    clouds = checks.clouded(plan, look, codings, remarks)
    dull = [date for date, share in clouds.items() if share > checks.CLOUD_SHARE]
    jumps = checks.check_levels(plan, look, [*empty, *dull], codings, job, remarks)
    read = "all pixels" if look.share == 1 else f"{look.pixels:,} pixels of each band ({100 * look.share:.2g} %)"
    many = f"{len(plan.dates)} dates from {plan.dates[0]} to {plan.dates[-1]}, {plan.frequency}"
    told = many if len(plan.dates) > 1 else f"One date, {plan.dates[0]}"
    bands = "bands" if len(plan.bands) > 1 else "band"
    files = f"{len(plan.files)} files" if len(plan.files) > 1 else "one file"
    sentences = [f"{told}; {files}; {bands} {some_of(plan.bands)}. Checked on {read}."]
    return {
        "result": "series", "dates": list(plan.dates), "bands": list(plan.bands), "frequency": plan.frequency,
        "gaps": list(plan.gaps), "empty": list(empty),
        "lacking": {date: list(lacking) for date in plan.dates if (lacking := plan.lacking(date))},
        "valid": {date: round(float(share), 4) for date, share in zip(plan.dates, look.seen, strict=True)},
        "clouded": {date: round(share, 4) for date, share in clouds.items()},
        "copies": [list(some) for some in copies], "jumps": jumps,
        "picture": checks.picture_of(plan, look, empty), "sentences": sentences,
    }  # fmt: skip


def _inputs(job: PrepareSeries, plan: Plan) -> dict[str, str]:
    files = sorted(path for path in plan.files if Path(path).is_file())
    return {
        **({"date_table": job.date_table} if job.date_table else {}),
        **{f"file {n}": path for n, path in enumerate(files, 1)},
    }


def _beside(report: str, end: str) -> Path:
    return Path(report).with_suffix(f".{end}")


def _write_report(job: PrepareSeries, plan: Plan, look: Look, facts: dict[str, Any], remarks: Remarks) -> None:
    """The page, its numbers, and its sidecar."""
    numbers = numbers_of(plan, look, facts)
    text = json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False)
    html = page(numbers, remarks.infos, job.to_dict())
    parts = ((_beside(job.report, "json"), f"{text}\n"), (_beside(job.report, "csv"), as_csv(numbers)))
    for path, content in (*parts, (Path(job.report), html)):
        with replacing(path) as temporary:
            temporary.write_text(content, encoding="utf-8", newline="\n")
    write_sidecar(job.report, job, {"result": "report", "series": job.output}, inputs={"series": job.output})
