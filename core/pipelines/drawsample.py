"""Draw sample: map or table of units in, places to label out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..atomic import check_apart, check_folder
from ..cellarea import CellAreas
from ..classes import class_text
from ..errors import BadInput, BadJob
from ..estimation.design import Design, Stratum
from ..estimation.filled import listed
from ..estimation.mapclasses import class_entries, unsure_value
from ..estimation.places import (
    ORDER,
    OWN,
    PLACE,
    SUFFIX,
    cell_name,
    earlier_places,
    jittered_order,
    points_of,
    unit_keys,
    write_places,
)
from ..estimation.population import count_classes
from ..estimation.samplesize import allocate, size_for_half_width
from ..jobs.declare import Result
from ..jobs.estimate import REFERENCE, DrawSample
from ..progress import Progress
from ..raster import environment, open_raster
from ..region import PolygonMask
from ..samples import check_field
from ..sidecar import fingerprint, write_sidecar
from ..vector import read_vector

MOST = 20_000
"""Places that a sample may have."""
MANY_CLASSES, MOST_NAMED = 40, 12
"""Different values above which a map is probably of measurements; strata that a sentence names."""


def run(job: DrawSample, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: map or units cannot be drawn from, or the sample cannot be written.
    """
    if Path(job.output).suffix.lower() != SUFFIX:
        raise BadJob(f"The sample {job.output} must be a {SUFFIX} file: it holds the places and how they were drawn.")
    inputs = {name: getattr(job, name) for name in ("map", "units", "mask", "earlier") if getattr(job, name)}
    check_apart(job.outputs(), inputs)
    check_folder(job.output)
    with environment():
        drawn = _from_map(job, progress.part(0.0, 0.9)) if job.map else _from_units(job, progress)
    places, designed = _in_order(job, drawn)
    write_places(places, designed, job.output)
    facts = _facts(job, drawn, len(designed))
    write_sidecar(job.output, job, {**facts, "result": "places"}, inputs=inputs)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    return Result(job.facts.id, job.outputs(), facts)


class Drawn:
    """A design with its places, stratum by stratum in the order of the lottery."""

    def __init__(self, design: Design, names: list[list[str]], rows: Any) -> None:
        self.design = design
        self.names = names
        """Of the places of each stratum."""
        self.rows = rows
        """name list -> frame with columns or geometry of the places, one row or several each, with `place`."""


def _size(job: DrawSample, design: Design) -> NDArray[np.int64]:
    """(H,) places in each stratum."""
    weights, counts = design.weights, design.counts
    right = np.array([0.5 if s.unsure else job.expected_accuracy_percent / 100 for s in design.strata])
    least = job.minimum if len(weights) > 1 else 2
    size = job.size or size_for_half_width(
        weights, counts, right if len(weights) > 1 else np.array([0.5]), job.half_width_percent / 100, least, MOST
    )  # fmt: skip
    if len(weights) > 1 and job.size and job.size < 2 * len(weights):
        raise BadJob(f"{job.size} places are too few for {len(weights)} strata: at least two are needed in each.")
    if job.size:  # a small sample of the user's own size must not be blown up by the minimum
        least = min(least, max(2, job.size // len(weights)))
    n = allocate(size, weights, counts, least)
    if n.sum() > MOST:
        raise BadJob(f"{n.sum():,} places are more than the {MOST:,} a sample may have. Lower the minimum or the size.")
    return n


def _from_map(job: DrawSample, progress: Progress) -> Drawn:
    with open_raster(job.map) as reader:
        if len(reader.bands) > 1:
            raise BadInput(
                f"{job.map} has {len(reader.bands)} bands. Draw from a map, which has one: a class map made by 'Apply "
                "head', or any other."
            )
        mask = PolygonMask(job.mask, reader.grid) if job.mask else None
        by_class = job.design == "stratified"
        parts = count_classes(reader, mask, progress, by_class=by_class, seed=job.seed, most=MOST)
        known = class_entries(reader, parts) if by_class else {}
        unsure = unsure_value(reader) if by_class else None
        areas, grid = CellAreas(reader.grid), reader.grid
    strata = tuple(
        Stratum(
            value, known[value].name if by_class else "whole map", known[value].colour if by_class else "",
            part.count, part.area_m2, unsure=value == unsure,
        )
        for value, part in parts.items()
    )  # fmt: skip
    if by_class and len(strata) > MANY_CLASSES:
        progress.warning(
            f"{job.map} shows {len(strata)} different values, and each became a stratum. If they are measurements, "
            "such as heights, and no classes, choose the design 'simple'."
        )
    if by_class and len(strata) == 1:
        progress.warning("The map shows one class only, so the sample is a simple random one.")
    design = Design(
        job.design, "cell", strata, job.map, fingerprint(job.map), job.seed, areas.known, job.mask, note=areas.note
    )
    n = _size(job, design)
    _warn_small(design, n, job, progress)
    chosen = [part.cells[:size] for part, size in zip(parts.values(), n, strict=True)]
    cells = {cell_name(r, c): (int(r), int(c)) for part in chosen for r, c in part}
    design = _with_drawn(design, n)

    def rows(names: list[str]) -> gpd.GeoDataFrame:
        at = np.array([cells[name] for name in names], dtype=np.int64).reshape(-1, 2)
        return gpd.GeoDataFrame({PLACE: names}, geometry=points_of(grid, at))

    return Drawn(design, [[cell_name(r, c) for r, c in part] for part in chosen], rows)


def _warn_small(design: Design, n: NDArray[np.int64], job: DrawSample, progress: Progress) -> None:
    for stratum, size in zip(design.strata, n, strict=True):
        if size < 2:
            unit = design.unit
            progress.warning(
                f"{stratum.name} has {stratum.count} {unit} in all. It is drawn and must be labelled: without it the "
                "rest gives no interval. Join it with another class if it means nothing."
            )
        elif len(design.strata) > 1 and job.size and size < 10:
            progress.warning(f"{stratum.name} gets only {size} places; its accuracy will hardly be known.")


def _with_drawn(design: Design, n: NDArray[np.int64]) -> Design:
    strata = tuple(replace(stratum, drawn=int(size)) for stratum, size in zip(design.strata, n, strict=True))
    return replace(design, strata=strata)


def _from_units(job: DrawSample, progress: Progress) -> Drawn:
    table = read_vector(job.units)
    if not len(table):
        raise BadInput(f"{job.units} has no rows to draw from.")
    progress.checkpoint(0.3)
    names = _unit_names(table, job)
    stratum_of = _unit_strata(table, names, job)
    listed = list(stratum_of)
    labels = sorted(set(stratum_of.values()))
    keys = unit_keys(listed, job.seed)
    members = [[u for _, u in sorted((k, u) for k, u in zip(keys, listed, strict=True) if stratum_of[u] == label)]
               for label in labels]  # fmt: skip
    strata = tuple(
        Stratum(0, label or "all units", "", len(m), float(len(m))) for label, m in zip(labels, members, strict=True)
    )
    kind = "stratified" if job.stratum_field else "simple"
    design = Design(
        kind, "unit", strata, job.units, fingerprint(job.units), job.seed, unit_field=job.unit_field,
        stratum_field=job.stratum_field, note="Every unit counts alike.",
    )  # fmt: skip
    n = _size(job, design)
    _warn_small(design, n, job, progress)
    design = _with_drawn(design, n)
    taken = {name.lower() for name in OWN}
    renamed = {c: f"{c}_source" for c in table.columns if str(c).lower() in taken}
    keyed = table.drop(columns=["fid"], errors="ignore").rename(columns=renamed).assign(**{PLACE: names})

    def rows(chosen: list[str]) -> pd.DataFrame:
        turn = {name: number for number, name in enumerate(chosen)}
        found = keyed[keyed[PLACE].isin(turn)]
        return found.iloc[np.argsort(found[PLACE].map(turn).to_numpy(), kind="stable")]

    return Drawn(design, [m[:size] for m, size in zip(members, n, strict=True)], rows)


def _unit_names(table: pd.DataFrame, job: DrawSample) -> list[str]:
    """Name of the unit of each row."""
    if not job.unit_field:
        return [str(number + 1) for number in range(len(table))]
    check_field(table, job.unit_field, "Unit field", job.units)
    names = [class_text(value) for value in table[job.unit_field]]
    if "" in names:
        raise BadInput(
            f"{names.count('')} rows of {job.units} have no entry in '{job.unit_field}', so it is not known to which "
            "unit they belong. Fill it in, or take them out."
        )
    return names


def _unit_strata(table: pd.DataFrame, names: list[str], job: DrawSample) -> dict[str, str]:
    """Stratum of each unit, by its name."""
    if not job.stratum_field:
        return dict.fromkeys(names, "")
    check_field(table, job.stratum_field, "Stratum field", job.units)
    found: dict[str, str] = {}
    for name, value in zip(names, table[job.stratum_field], strict=True):
        text = class_text(value)
        if not text:
            raise BadInput(f"Unit {name} of {job.units} has no entry in the stratum field '{job.stratum_field}'.")
        if found.setdefault(name, text) != text:
            raise BadInput(
                f"Unit {name} of {job.units} lies in two strata, '{found[name]}' and '{text}'. A unit belongs to one."
            )
    return found


def _in_order(job: DrawSample, drawn: Drawn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The layer to label and the table of the design, both in the order in which places are to be labelled."""
    design = drawn.design
    home = {name: h for h, names in enumerate(drawn.names) for name in names}
    listed = [drawn.names[h][k] for h, k in jittered_order([len(names) for names in drawn.names], job.seed)]
    kept: pd.DataFrame | None = None
    if job.earlier:
        kept = earlier_places(job.earlier, design)
        old = list(dict.fromkeys(kept[PLACE].astype(str)))
        lost = [name for name in old if name not in home]
        if lost:
            raise BadInput(
                f"{len(lost)} places of {job.earlier} are not among the {len(listed)} of the new sample. Ask for at "
                "least as many places as it has, with the same minimum."
            )
        earlier = set(old)
        listed = old + [name for name in listed if name not in earlier]
    turn = {name: number + 1 for number, name in enumerate(listed)}
    places = drawn.rows(listed)
    places = places.assign(**{ORDER: places[PLACE].map(turn), REFERENCE: _carried(places, kept)})
    n = [len(names) for names in drawn.names]
    weight = [stratum.count / size if size else 0.0 for stratum, size in zip(design.strata, n, strict=True)]
    strata = [home[name] for name in listed]
    designed = pd.DataFrame({
        PLACE: listed, ORDER: range(1, len(listed) + 1), "stratum": [design.strata[h].value for h in strata],
        "stratum_name": [design.strata[h].name for h in strata], "weight": [weight[h] for h in strata],
    })  # fmt: skip
    if design.area_known:
        each = [stratum.area_m2 / size / 1e4 if size else 0.0 for stratum, size in zip(design.strata, n, strict=True)]
        designed["stands_for_ha"] = [each[h] for h in strata]
    if not job.blind:
        shown = designed.set_index(PLACE).drop(columns=[ORDER, *(c for c in designed.columns if c in places.columns)],
                                               errors="ignore")  # fmt: skip
        places = places.join(shown, on=PLACE)
    front = [PLACE, ORDER, REFERENCE]
    return places[[*front, *(c for c in places.columns if c not in front)]].reset_index(drop=True), designed


def _carried(places: pd.DataFrame, kept: pd.DataFrame | None) -> list[str | None]:
    """What was labelled earlier, row by row within each place; None elsewhere."""
    if kept is None:
        return [None] * len(places)
    stock: dict[str, list[str]] = {}
    for place, reference in zip(kept[PLACE].astype(str), kept[REFERENCE], strict=True):
        stock.setdefault(place, []).append(class_text(reference))
    given = []
    for place in places[PLACE]:
        waiting = stock.get(place)
        given.append((waiting.pop(0) or None) if waiting else None)
    return given


def _facts(job: DrawSample, drawn: Drawn, count: int) -> dict[str, Any]:
    design = drawn.design
    unit = "cells" if design.unit == "cell" else "units"
    several = len(design.strata) > 1
    among = listed([f"{stratum.name} {stratum.drawn}" for stratum in design.strata], MOST_NAMED)
    sentences = [
        f"{count:,} of {int(design.counts.sum()):,} {unit} drawn at random"
        + (f" within {len(design.strata)} strata: {among}." if several else ".")
    ]
    if not job.size:
        sentences.append(
            f"So many should give ± {job.half_width_percent:g} percentage points or better for the share of any class."
        )
    sentences.append(
        f"Fill the field '{REFERENCE}' in the order of the field '{ORDER}'; whenever you stop, what is filled is a "
        "valid sample. Then run 'Estimate area'."
    )
    return {"places": count, "design": design.to_dict(), "sentences": sentences, "label_field": REFERENCE}
