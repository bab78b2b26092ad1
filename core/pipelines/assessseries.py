"""Assess indicator: places with an indicator and numbers in, a page on levels and changes out."""

import json
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder, replacing
from ..classes import class_text
from ..crossval import metres_of
from ..errors import BadInput, BadJob
from ..jobs.declare import Result
from ..jobs.poverty.assess import AssessSeries
from ..poverty.learning import scores, words
from ..poverty.learning.changes import as_samples, pairs_of
from ..poverty.learning.csvrows import as_csv
from ..poverty.learning.held import held_scheme
from ..poverty.learning.page import page
from ..poverty.learning.pictures import against
from ..poverty.learning.rows import Rows, describe, read_rows, with_context
from ..poverty.learning.trials import Tested, Wish, test_all, test_pairs
from ..progress import Progress
from ..report.maps import places
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table
from ..version import VERSION

Float = NDArray[np.float64]
FEWEST_PAIRS = 30
"""Pairs below which changes are not assessed."""


def run(job: AssessSeries, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: the rows cannot be learnt from or tested, or the page cannot be written.
    """
    started = time.monotonic()
    _check(job)
    rows = read_rows(job)
    held = held_scheme(job, rows.samples)
    for line in (notes := rows.samples.report.lines()):
        progress.info(line)
    wish = Wish(job.methods, job.folds, job.repeats, job.block_size_m, job.seed, thread_count(job.threads))
    pairs = pairs_of(rows)
    many = len(pairs) >= FEWEST_PAIRS
    samples = with_context(rows, job.use_region)
    tested, without = test_all(samples, rows.folds, held, wish, progress.part(0.02, 0.6 if many else 0.97))
    if not tested:
        raise BadInput("The rows are too few to test anything: rows of at least two places are needed.")
    numbers = _numbers(rows, tested, scores.left_out(without))
    if many:
        samples = as_samples(rows, pairs, job.use_region)
        learnt = test_pairs(samples, pairs, tested, wish, progress.part(0.6, 0.97))
        numbers["changes"] = scores.changes(pairs, rows.samples.y, samples.regions, tested, learnt)
        numbers["pairs"] = len(pairs)
    for sentence in (said := words.sentences(numbers)):
        progress.info(sentence)
    best = _best(numbers, tested)
    _write(job, numbers, said, page(numbers, job.to_dict(), notes, _pictures(rows, best)))
    facts = {"sentences": said, "headline": numbers["headline"], "left_out": numbers["left_out"], **numbers["data"]}
    inputs = {name: getattr(job, name) for name in ("samples", "held_area") if getattr(job, name)}
    write_sidecar(job.output, job, {**facts, "result": "report"}, inputs=inputs)
    if job.errors:
        write_table(errors := _errors(rows, best), job.errors)
        spread = float(np.std(rows.samples.y))
        told = {**facts, "result": "indicatorerrors", "spread": spread, **_shape(errors)}
        write_sidecar(job.errors, job, told, inputs=inputs)
    told = {**facts, "result": "report", "device": f"CPU, {wish.threads} threads"}
    return Result(job.facts.id, job.outputs(), told | {"seconds": {"all": round(time.monotonic() - started, 3)}})


def _check(job: AssessSeries) -> None:
    if Path(job.output).suffix.lower() not in (".html", ".htm"):
        raise BadJob(f"The assessment {job.output} must be a .html file.")
    beside = {f"the numbers beside the page ({end})": str(_beside(job.output, end)) for end in ("json", "csv")}
    check_apart({**job.outputs(), **beside}, {"samples": job.samples, "held_area": job.held_area})
    check_folder(job.output)
    if job.errors:
        check_format(job.errors, "map of errors")
        check_folder(job.errors)


def _beside(report: str, end: str) -> Path:
    return Path(report).with_suffix(f".{end}")


def _numbers(rows: Rows, tested: list[Tested], without: list[dict[str, str]]) -> dict[str, Any]:
    groups = {"urban": rows.urban}
    if rows.year is not None:
        groups["year"] = np.array([class_text(year) for year in rows.year], dtype=object)
    numbers: dict[str, Any] = {
        "data": describe(rows),
        "schemes": scores.told(tested, rows.samples.y, rows.regions, groups),
        "left_out": without,
        "changes": [],
        "pairs": 0,
    }
    numbers["headline"] = words.headline(numbers)
    return numbers


def _best(numbers: dict[str, Any], tested: list[Tested]) -> Float:
    """(N,) what the best method said of each row in the test to trust, mean over rounds."""
    name = numbers["headline"].get("best") or next(iter(tested[0].rounds[0].said))
    said = np.stack([one.said[name] for one in tested[0].rounds])
    known = np.isfinite(said)
    total = np.where(known, said, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, known.sum(axis=0), out=np.full(len(total), np.nan), where=known.any(axis=0)))


def _pictures(rows: Rows, best: Float) -> dict[str, str]:
    y = rows.samples.y
    found = {"Each dot is a row that was kept apart; on the dashed line both agree.": against(y, best, rows.value)}
    xy_m = metres_of(rows.samples)
    if xy_m is not None and np.ptp(xy_m, axis=0).any():
        off = best - y
        usual = float(np.nanmedian(np.abs(off)))
        layers = [("muted", ~(np.abs(off) > usual)), ("bad", off > usual), ("good", off < -usual)]
        told = "Orange: estimated too high; blue: too low; grey: nearer to the truth than half of all rows."
        found[told] = places(xy_m, layers, "Where estimates are off", "m" if rows.samples.crs else "")
    return found


def _errors(rows: Rows, best: Float) -> pd.DataFrame:
    """The rows without the numbers that were learnt from, with `estimated` and `off` (too high: above 0).

    Rows of a table with longitude and latitude become points.
    """
    kept = [name for name in rows.table.columns if name not in rows.names and name not in ("estimated", "off")]
    found = rows.table[kept].assign(estimated=best, off=best - rows.samples.y)
    xy, crs = rows.samples.xy, rows.samples.crs
    if xy is None or not crs or isinstance(found, gpd.GeoDataFrame):
        return found
    return gpd.GeoDataFrame(found, geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=crs)


def _shape(table: pd.DataFrame) -> dict[str, str]:
    """What the layer of errors is drawn with; nothing for a table."""
    if not isinstance(table, gpd.GeoDataFrame):
        return {}
    polygons = table.geom_type.isin(("Polygon", "MultiPolygon")).any()
    return {"shape": "Polygon" if polygons else "Point"}


def _write(job: AssessSeries, numbers: dict[str, Any], sentences: list[str], html: str) -> None:
    content = {"version": VERSION, "job": job.to_dict(), "sentences": sentences, **numbers}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    for path, written in (
        (_beside(job.output, "json"), f"{text}\n"), (_beside(job.output, "csv"), as_csv(numbers)), (job.output, html),
    ):  # fmt: skip
        with replacing(path) as temporary:
            temporary.write_text(written, encoding="utf-8", newline="\n")
