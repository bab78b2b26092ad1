"""Draw sample: map or table of units in, places to label out."""

import math
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
    AREA,
    ORDER,
    PLACE,
    SUFFIX,
    cell_name,
    earlier_places,
    jittered_order,
    points_of,
    write_places,
)
from ..estimation.population import count_classes
from ..estimation.samplesize import allocate, size_for_half_width
from ..estimation.unitarea import unequal
from ..estimation.unitdraw import unit_lottery, with_drawn
from ..jobs.declare import Result
from ..jobs.estimate import REFERENCE, DrawSample
from ..progress import Progress
from ..raster import environment, open_raster
from ..region import PolygonMask
from ..sidecar import fingerprint, write_sidecar

Float = NDArray[np.float64]
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

    def __init__(
        self, design: Design, names: list[list[str]], rows: Any, areas: dict[str, float] | None = None,
        sentences: list[str] | None = None,
    ) -> None:  # fmt: skip
        self.design = design
        self.names = names
        """Of the places of each stratum."""
        self.rows = rows
        """name list -> frame with columns or geometry of the places, one row or several each, with `place`."""
        self.areas = areas
        """Square metres of each place; None where all of a stratum stand for the same."""
        self.sentences = sentences or []


def _size(job: DrawSample, design: Design, areas: list[Float] | None = None) -> NDArray[np.int64]:
    """(H,) places in each stratum; more where units differ in area, which tells less than as many equal ones."""
    weights, counts = design.weights, design.counts
    right = np.array([0.5 if s.unsure else job.expected_accuracy_percent / 100 for s in design.strata])
    least = job.minimum if len(weights) > 1 else 2
    size = job.size or size_for_half_width(
        weights, counts, right if len(weights) > 1 else np.array([0.5]), job.half_width_percent / 100, least, MOST
    )  # fmt: skip
    if not job.size and areas is not None:
        size = min(math.ceil(size * max(map(unequal, areas))), MOST, int(counts.sum()))
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
    design = with_drawn(design, n)

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


def _from_units(job: DrawSample, progress: Progress) -> Drawn:
    lottery = unit_lottery(job)
    progress.checkpoint(0.6)
    n = _size(job, lottery.design, lottery.areas_by_stratum())
    _warn_small(lottery.design, n, job, progress)
    chosen = [names[:size] for names, size in zip(lottery.members, n, strict=True)]
    return Drawn(with_drawn(lottery.design, n), chosen, lottery.rows, lottery.areas, lottery.sentences)


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
        own = pd.Series(1.0 if drawn.areas is None else [drawn.areas[name] for name in listed], index=designed.index)
        whole = np.array([design.strata[h].area_m2 / 1e4 for h in strata])
        designed["stands_for_ha"] = whole * own / own.groupby(strata).transform("sum")
        if drawn.areas is not None:
            designed[AREA] = own
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
    sentences += drawn.sentences
    sentences.append(
        f"Fill the field '{REFERENCE}' in the order of the field '{ORDER}'; whenever you stop, what is filled is a "
        "valid sample. Then run 'Estimate area'."
    )
    return {"places": count, "design": design.to_dict(), "sentences": sentences, "label_field": REFERENCE}
