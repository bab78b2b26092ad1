"""Make cells: boundary, extent or raster in, cells with shares, label and status out."""

from collections import Counter
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadJob, Unwritable
from ..jobs.declare import Result
from ..jobs.settlement.cells import MakeCells
from ..progress import Progress
from ..raster import environment
from ..settlement.cellshares import in_plane, shares_of
from ..settlement.credit import SHARE_ALIKE, known_sources, shares_alike
from ..settlement.labelrule import Labelled, Rule, label
from ..settlement.names import GHSL, LABEL, P_FAVELAS, P_VEGETA, RES, STATUS
from ..settlement.newcells import existing_cells, new_cells
from ..settlement.polygons import Polygons, read_polygons
from ..settlement.statuses import STATUSES
from ..sidecar import write_sidecar
from ..vector import write_geopackage

SUFFIX = ".gpkg"
LAYERS = ("boundary", "zones", "cells", "favelas", "residential", "excluded")
RASTERS = ("raster", "optical", "built_up")


def run(job: MakeCells, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: nowhere to make cells, a source that cannot be read, or a result that cannot be written.
    """
    if Path(job.output).suffix.lower() != SUFFIX:
        raise BadJob(f"The cells {job.output} must be a {SUFFIX} file: the names of their fields do not fit others.")
    inputs = {name: getattr(job, name) for name in (*LAYERS, *RASTERS) if getattr(job, name)}
    check_apart(job.outputs(), inputs)
    check_folder(job.output)
    params = job.params()
    layers = {name: read_polygons(inputs[name], params[name].label) for name in LAYERS if name in inputs}
    for polygons in layers.values():
        _tell(polygons.notes, progress)
    with environment():
        credits = _credits(job, layers)
        if job.cells:
            cells, nodata = existing_cells(layers["cells"], layers.get("zones"), job, progress)
        else:
            cells, nodata = new_cells(job, layers, progress.part(0.0, 0.4))
        flat = in_plane(cells)
        shares = shares_of(job, cells, flat, layers, progress.part(0.4, 0.9))
    found = label(len(cells), shares, _rule(job), nodata)
    if P_FAVELAS in shares and not {P_VEGETA, GHSL, RES} & set(shares):
        progress.warning(
            "Nothing says where people live: every cell without favela counts as residential, be it field, forest or "
            "water. Give residential areas, an optical raster or a built-up raster."
        )
    facts = {**_facts(cells, found, list(shares), credits), "side_m": _side(flat)}
    _write(_columns(cells, shares, found), facts, job)
    write_sidecar(job.output, job, facts, inputs=inputs)
    _tell(facts["sentences"], progress)
    return Result(job.facts.id, job.outputs(), facts)


def _tell(sentences: list[str], progress: Progress) -> None:
    for sentence in sentences:
        progress.info(sentence)


def _rule(job: MakeCells) -> Rule:
    return Rule(
        job.favela_least, job.residential_favela_most, job.residential_least, job.vegetation_below, job.built_up_above,
        job.excluded_most,
    )  # fmt: skip


def _credits(job: MakeCells, layers: dict[str, Polygons]) -> str:
    """Whose data it is: in the user's words, else as far as the files tell."""
    if job.sources:
        return job.sources
    rasters = [getattr(job, name) for name in RASTERS if getattr(job, name)]
    fields = {polygons.source: list(polygons.table.columns) for polygons in layers.values()}
    return "; ".join(known_sources(rasters, fields))


def _columns(cells: gpd.GeoDataFrame, shares: dict[str, NDArray[np.float64]], found: Labelled) -> gpd.GeoDataFrame:
    """Cells with shares, label and status, all behind the columns that they have."""
    own = cells.drop(columns=[*shares, STATUS], errors="ignore")
    # A label that came with the cells is not wiped out for want of a source.
    if P_FAVELAS in shares or LABEL not in own:
        own = own.drop(columns=[LABEL], errors="ignore").assign(**{LABEL: found.label})
    own = own.assign(**shares, **{STATUS: found.status})
    last = [*shares, LABEL, STATUS, own.geometry.name]
    return own[[*(name for name in own.columns if name not in last), *last]]


def _facts(cells: gpd.GeoDataFrame, found: Labelled, shares: list[str], credit: str) -> dict[str, Any]:
    counts = Counter(found.status.tolist())
    statuses = {name: counts[name] for name in STATUSES if counts[name]}
    sentences = [f"{len(cells):,} cells: {', '.join(f'{name} {count:,}' for name, count in statuses.items())}."]
    missing = [
        words
        for name, words in (
            ("p_favelas", "favelas, so no cell is labelled"), ("p_vegeta", "vegetation"), ("ghsl", "built-up ground"),
            ("zi", "excluded zones"), ("res", "residential areas: cells without favela count as residential"),
        )
        if name not in shares and (name != "res" or "p_favelas" in shares)
    ]  # fmt: skip
    if missing:
        sentences.append(f"No source was given of: {'; '.join(missing)}. The rule does without.")
    if credit:
        sentences.append(f"Sources: {credit}.")
        sentences += [SHARE_ALIKE] if shares_alike(credit) else []
    else:
        sentences.append(
            "The files do not say whose data they are. 'Sources and their licences' keeps it with the layer."
        )
    return {
        "cells": len(cells),
        "statuses": statuses,
        "shares": shares,
        "label_field": LABEL,
        "status_field": STATUS,
        "sentences": sentences,
        "credit": credit,
    }


def _side(flat: gpd.GeoSeries) -> float:
    """Of a usual cell, in metres."""
    unit = float(flat.crs.axis_info[0].unit_conversion_factor) if flat.crs.axis_info else 1.0
    return round(float(np.sqrt(flat.area.median())) * unit, 6)


def _write(cells: gpd.GeoDataFrame, facts: dict[str, Any], job: MakeCells) -> None:
    """Write the layer, with its sources in the file itself."""
    described = " ".join(["Cells made by Quadrat.", *facts["sentences"]])
    try:
        with replacing(job.output) as temporary:
            write_geopackage({Path(job.output).stem: cells}, temporary, {Path(job.output).stem: described})
    except (DataSourceError, ValueError) as error:
        raise Unwritable(f"{job.output} cannot be written: {error}.") from error
