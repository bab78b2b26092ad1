"""Evidence from places on a map."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cellarea import CellAreas
from ..classes import ClassEntry
from ..conformal import UNSURE
from ..errors import BadInput
from ..grid import Grid
from ..jobs.estimate import REFERENCE, EstimateArea
from ..labels import shapes_on
from ..layersource import parse_source
from ..progress import Progress
from ..raster import RasterReader, open_raster
from ..region import PolygonMask
from ..samples import LabelReport, check_field
from ..sidecar import fingerprint
from ..vector import read_vector
from .design import TABLE, Design, Stratum
from .evidence import Evidence
from .filled import Classes, answered, check_independent, listed, none_filled, numbers_of, one_hot, texts_of
from .mapclasses import class_entries, read_at, unsure_value
from .material import Material
from .places import PLACE
from .population import check_classes, count_classes, measure_values

Whole = NDArray[np.int64]
_CELL = re.compile(r"r(\d+)c(\d+)")


def gather(job: EstimateArea, table: pd.DataFrame, recorded: Design | None, progress: Progress) -> Material:
    """Evidence of a sample of cells.

    Raises:
        BadInput: nothing labelled, no place, another map, a circle between map and sample.
    """
    name = job.field or REFERENCE
    check_field(table, name, "Reference field", job.sample)
    path = job.map or _own_map(job, recorded)
    if not path and recorded is None:
        raise BadInput("Without a map the size of the strata is not known. Give the map, or a table of all units.")
    if path:
        check_independent(job, path, recorded)
    values = numbers_of(table, name, job.sample) if job.target == "value" else None
    texts = texts_of(table, name)
    filled = np.isfinite(values) if values is not None else np.array([bool(text) for text in texts], dtype=bool)
    if not filled.any():
        raise none_filled(job, len(table))
    with_map = _Map(job, path, recorded, table, progress) if path else None
    doubts: list[str] = []
    if values is None:
        texts, filled, doubts = _without_doubt(texts, _legend(recorded, with_map))
    if not filled.any():
        raise none_filled(job, len(table))
    gaps, _ = answered(table, filled, len(table))
    design, stratum, inside, notes = _strata(job, table, recorded, with_map, progress)
    kept = np.flatnonzero(filled & inside)
    if not len(kept):
        raise BadInput(f"No labelled place of {job.sample} lies on the map. Do the coordinate systems fit?")
    material = _evidence(job, design, stratum[kept], values, [texts[i] for i in kept], kept, with_map, progress)
    material.drawn, material.notes = len(table), [*doubts, *gaps, *notes, *material.notes]
    return material


def _own_map(job: EstimateArea, design: Design | None) -> str:
    """The map that the sample was drawn from, if it is still there and of the kind that is to be estimated."""
    if design is None or not design.source or not Path(design.source).exists():
        return ""
    with open_raster(design.source) as reader:
        of_values = np.dtype(reader.dtype).kind == "f"
    return design.source if of_values == (job.target == "value") else ""


class _Map:
    """The map that is to be corrected, what it shows at the places, and what it shows in all."""

    def __init__(
        self, job: EstimateArea, path: str, recorded: Design | None, table: pd.DataFrame, progress: Progress
    ) -> None:
        self.path = path
        self.same = recorded is not None and bool(recorded.print) and fingerprint(path) == recorded.print
        """True when the sample was drawn from this very map."""
        mask_path = recorded.mask if recorded is not None else job.mask
        with open_raster(path) as reader:
            if len(reader.bands) > 1:
                raise BadInput(f"{path} has {len(reader.bands)} bands; a map has one.")
            self.grid = reader.grid
            self.cells, self.moved = _cells_of(job, table, reader.grid, by_name=self.same)
            self.values, self.valid = read_at(reader, self.cells, progress.part(0.0, 0.2))
            mask = PolygonMask(mask_path, reader.grid) if mask_path else None
            self.parts: dict[int, Stratum] = {}
            areas = CellAreas(reader.grid)
            self.area_known, self.note = areas.known, areas.note
            if not (self.same and recorded is not None and recorded.by_class):  # else the design has all the numbers
                self._count(job, reader, mask, progress.part(0.2, 1.0))

    def _count(self, job: EstimateArea, reader: RasterReader, mask: PolygonMask | None, progress: Progress) -> None:
        if job.target == "value":
            self.moments, count = measure_values(reader, mask, progress)
            self.parts = {0: Stratum(0, "whole map", "", count, self.moments.area_m2)}
            return
        check_classes(self.values[self.valid].astype(np.float32), self.path)
        parts = count_classes(reader, mask, progress)
        known, unsure = class_entries(reader, parts), unsure_value(reader)
        self.parts = {
            value: Stratum(
                value, known[value].name, known[value].colour, part.count, part.area_m2, unsure=value == unsure
            )
            for value, part in parts.items()
        }  # fmt: skip


def _cells_of(job: EstimateArea, table: pd.DataFrame, grid: Grid, *, by_name: bool) -> tuple[Whole, int]:
    """(n, 2) row and column of each place, and how many points were moved off their cell.

    Where the sample was drawn from this map, its own record counts: points are easily dragged along while labelling.
    """
    named = [_CELL.fullmatch(str(name)) for name in table[PLACE]] if by_name and PLACE in table.columns else [None]
    own = np.array([[int(match[1]) - 1, int(match[2]) - 1] for match in named if match], dtype=np.int64)
    if len(own) == len(table) and not hasattr(table, "geometry"):
        return own, 0
    shapes = shapes_on(table, job.sample, grid, LabelReport(features=len(table)))
    inverse = ~grid.transform
    found = np.full((len(table), 2), -1, np.int64)
    for number, shape in enumerate(shapes):
        if shape is not None and np.isfinite(shape.bounds).all():
            point = shape if shape.geom_type == "Point" else shape.representative_point()
            col, row = inverse @ (point.x, point.y)
            found[number] = np.floor([row, col])
    if len(own) != len(table):
        return found, 0
    return own, int((own != found).any(axis=1).sum())


Strata = tuple[Design, Whole, NDArray[np.bool_], list[str]]


def _strata(
    job: EstimateArea, table: pd.DataFrame, recorded: Design | None, with_map: _Map | None, progress: Progress
) -> Strata:
    """Design, stratum of each place, whether each place belongs to the population, and notes."""
    n, notes = len(table), []
    if with_map is not None and with_map.moved:
        notes.append(f"{with_map.moved} points were moved off their cells; the cells that were drawn count.")
    if recorded is None:
        if with_map is None:
            raise BadInput("Without a map the size of the strata is not known. Give the map.")
        return _stated(job, with_map, notes)
    inside = np.ones(n, dtype=bool)
    if recorded.kind == "simple":
        return recorded, np.zeros(n, np.int64), inside, notes
    values = _drawn_values(job, table)
    if values is None:
        if with_map is None or not with_map.same:
            raise BadInput(
                f"The table '{TABLE}' of {job.sample} is missing, and the map it was drawn from is not there: the "
                "stratum of each place is not known. Give that map."
            )
        values, inside = with_map.values.astype(np.int64), with_map.valid
    order = {stratum.value: h for h, stratum in enumerate(recorded.strata)}
    place = np.array([order.get(int(value), -1) for value in values], dtype=np.int64)
    if (place < 0).any():
        raise BadInput(f"{job.sample} names strata that its sidecar does not know. Was it put together from two?")
    return recorded, place, inside, notes


def _stated(job: EstimateArea, with_map: _Map, notes: list[str]) -> Strata:
    """As the user says that places were drawn."""
    by_class = job.design == "stratified"
    if by_class and job.target == "value":
        raise BadInput(
            "A value map has no strata. Draw from a class map with 'Draw sample', or say that the design is simple."
        )
    strata = tuple(with_map.parts.values())
    outside = int((~with_map.valid).sum())
    if outside:
        notes.append(f"{outside} places lie outside the map or on its nodata and were left out.")
    if not by_class:
        total = Stratum(0, "whole map", "", sum(s.count for s in strata), sum(s.area_m2 for s in strata))
        stratum, strata = np.zeros(len(with_map.valid), np.int64), (total,)
    else:
        order = {value: h for h, value in enumerate(with_map.parts)}
        stratum = np.array([order.get(int(v), 0) for v in with_map.values], dtype=np.int64)
    design = Design(
        job.design, "cell", strata, with_map.path, "", 0, with_map.area_known, job.mask, note=with_map.note,
        recorded=False,
    )  # fmt: skip
    return design, stratum, with_map.valid, notes


def _drawn_values(job: EstimateArea, table: pd.DataFrame) -> Whole | None:
    """Class value of each place as it was drawn, from the table of the design or a field of the layer itself."""
    source = parse_source(job.sample).path
    if PLACE in table.columns and Path(source).suffix.lower() == ".gpkg":
        try:
            designed = read_vector(f"{source}|layername={TABLE}")
        except BadInput:
            designed = None
        if designed is not None and {PLACE, "stratum"} <= set(designed.columns):
            known = dict(zip(designed[PLACE].astype(str), designed["stratum"], strict=True))
            if all(str(name) in known for name in table[PLACE]):
                return np.array([int(known[str(name)]) for name in table[PLACE]], dtype=np.int64)
    if "stratum" in table.columns:
        numbers = pd.to_numeric(table["stratum"], errors="coerce")
        if numbers.notna().all():
            return np.asarray(numbers.to_numpy(np.int64))
    return None


def _evidence(
    job: EstimateArea, design: Design, stratum: Whole, values: Any, texts: list[str], kept: Whole,
    with_map: _Map | None, progress: Progress,
) -> Material:  # fmt: skip
    common: dict[str, Any] = {
        "stratum": stratum, "weights": design.weights, "counts": design.counts,
        "strata": tuple(s.name for s in design.strata), "seed": job.seed,
    }  # fmt: skip
    if values is not None:
        F = mapped = spread = None
        if with_map is not None and design.kind == "simple" and with_map.valid[kept].all():
            F, mapped = with_map.values[kept, None], np.array([[with_map.moments.mean]])
            spread = np.array([[with_map.moments.sd]])
        evidence = Evidence(
            Y=values[kept, None], names=(job.field or REFERENCE,), F=F, mapped=mapped, mapped_sd=spread, shares=False,
            **common,
        )  # fmt: skip
        counted = mapped[0] if mapped is not None else None
        return Material(evidence, design, Classes(), 0, counted=counted)
    return _class_evidence(design, texts, kept, with_map, common)


def _class_evidence(
    design: Design, texts: list[str], kept: Whole, with_map: _Map | None, common: dict[str, Any]
) -> Material:
    classes, legend = Classes(), _legend(design, with_map)
    named = [part for part in legend if not part.unsure]
    classes.entries = [ClassEntry(part.value, part.name, part.colour) for part in named]
    classes.mapped = M = len(named)
    truth = np.array([classes.place(text) for text in texts], dtype=np.int64)
    K = len(classes.entries)
    shown, F, mapped, spread, counted = None, None, None, None, None
    if legend:
        turn = iter(range(M))
        order = {part.value: M if part.unsure else next(turn) for part in legend}
        whole = sum(part.area_m2 for part in legend)
        counted = np.append([part.area_m2 / whole for part in named], np.zeros(K - M))
        if with_map is not None and with_map.parts:
            said = zip(with_map.values[kept], with_map.valid[kept], strict=True)
            shown = np.array([order.get(int(value), -1) if ok else -1 for value, ok in said])
            if design.kind == "simple":
                F, mapped = one_hot(np.where(shown < M, shown, -1), K), counted[None]
                spread = np.sqrt(mapped * (1 - mapped))
        else:
            shown = np.array([order[design.strata[h].value] for h in common["stratum"]])
    evidence = Evidence(Y=one_hot(truth, K), names=classes.names, F=F, mapped=mapped, mapped_sd=spread, **common)
    notes = [*_open_places(legend), *dict.fromkeys(classes.notes)]
    extra = classes.names[classes.mapped :]
    if extra and classes.mapped:
        notes.append(f"In the reference, but not on the map: {listed(extra)}.")
    if shown is not None and (shown < 0).any():
        notes.append(f"{int((shown < 0).sum())} places lie outside the map; accuracy is told without them.")
    return Material(evidence, design, classes, 0, notes, shown, counted, _open_share(legend))


def _legend(design: Design | None, with_map: _Map | None) -> tuple[Stratum, ...]:
    """What the map shows, by value: of the map that was read, else of the design; empty where neither has classes."""
    if with_map is not None and with_map.parts:
        return tuple(with_map.parts.values())
    return design.strata if design is not None and design.by_class else ()


def _without_doubt(texts: list[str], legend: tuple[Stratum, ...]) -> tuple[list[str], NDArray[np.bool_], list[str]]:
    """Answers, which places have one, and a note; 'unsure' is no answer where the map uses it for open places."""
    doubtful = [any(part.unsure for part in legend) and text.casefold() == UNSURE for text in texts]
    texts = ["" if doubt else text for text, doubt in zip(texts, doubtful, strict=True)]
    note = [f"{sum(doubtful)} places are answered '{UNSURE}', which is no class: taken as not answered."]
    return texts, np.array([bool(text) for text in texts], dtype=bool), note if any(doubtful) else []


def _open_share(legend: tuple[Stratum, ...]) -> float:
    """Share of the map that it leaves open."""
    whole = sum(part.area_m2 for part in legend)
    return sum(part.area_m2 for part in legend if part.unsure) / whole if whole else 0.0


def _open_places(legend: tuple[Stratum, ...]) -> list[str]:
    """A note on what the map leaves open."""
    return [
        f"{100 * _open_share(legend):.1f} % of the map is '{part.name}': places that it leaves open, and no class. "
        "What is there is estimated from their labels. Counting pixels gives them to no class, and accuracy is told "
        "of the rest."
        for part in legend if part.unsure
    ]  # fmt: skip
