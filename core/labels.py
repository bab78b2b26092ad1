"""Labels of a vector layer and the embedding under them, turned into samples.

Points take the cell under them, lines the cells they touch, polygons the cells whose centre is inside. The embedding
is read only where labels lie.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import ProjError
from shapely.affinity import translate

from .burning import Burner
from .errors import BadInput
from .grid import Grid, Window
from .jobs.fewshot import LabelledJob
from .progress import Progress
from .published.recognise import code_warning
from .raster import RasterReader, open_raster
from .samples import (
    FeatureSpace,
    LabelReport,
    Samples,
    Targets,
    finish_targets,
    read_groups,
    read_regions,
    read_targets,
)
from .tables import coordinate_columns, table_places, table_samples
from .vector import read_vector

BLOCK = 256
"""Cells a side of the windows in which the embedding is read."""
MOST_BYTES = 4 * 2**30
"""Most memory that samples may take."""


def load_samples(job: LabelledJob, progress: Progress) -> Samples:
    """Samples of a job, from an embedding or from a table; the report goes to the log.

    Raises:
        BadInput: labels and embedding cannot be brought together, or nothing is left to learn from.
    """
    if not job.embedding and not job.feature_fields:
        raise BadInput("Give an embedding, or the feature fields of a table of labels.")
    if job.embedding and job.feature_fields:
        raise BadInput("Give either an embedding or feature fields, not both.")
    table = read_vector(job.labels)
    progress.checkpoint(0.1)
    if not job.embedding:
        samples = table_samples(
            table, job.labels, field=job.field, target=job.target, features=job.feature_fields,
            group_field=job.group_field, region_field=_region_field(job),
        )  # fmt: skip
    else:
        with open_raster(job.embedding) as reader:
            if warning := code_warning(reader):
                progress.warning(warning)
            samples = raster_samples(job, table, reader, progress.part(0.1, 1.0))
    for line in samples.report.lines():
        progress.info(line)
    return samples


def _region_field(job: LabelledJob) -> str:
    """Only assessments know regions."""
    return str(getattr(job, "region_field", ""))


def space_of(reader: RasterReader) -> FeatureSpace:
    """The space of a raster: signed for an embedding, else number and names of its bands."""
    tags = reader.tags
    if tags.get("identity"):
        return FeatureSpace(tags["identity"], reader.band_names, tags.get("backbone", ""), signed=True)
    names = hashlib.sha256(json.dumps(list(reader.band_names), ensure_ascii=False).encode()).hexdigest()[:16]
    return FeatureSpace(f"bands:{len(reader.bands)}:{names}", reader.band_names)


def raster_samples(job: LabelledJob, table: pd.DataFrame, reader: RasterReader, progress: Progress) -> Samples:
    """Samples of the labels in `table` on the cells of `reader`.

    Raises:
        BadInput: no geometry, no CRS, or nothing left to learn from.
    """
    report = LabelReport(features=len(table))
    targets = read_targets(table, job.field, job.target, job.labels)
    groups = read_groups(table, job.group_field, job.labels, report) if job.group_field else np.arange(len(table))
    regions = read_regions(table, _region_field(job), job.labels) if _region_field(job) else None
    shapes = shapes_on(table, job.labels, reader.grid, report)
    burner = Burner(reader.grid, job.all_touched, job.max_cells, job.seed)
    cells, labels = _burn_all(shapes, targets, burner, report, progress.part(0.0, 0.3))
    burnt = one_label_per_cell(cells, labels, targets, reader.grid.width, report)
    _check_memory(len(burnt.cells), len(reader.bands), job.labels)
    X, valid = read_cells(reader, burnt.cells, progress.part(0.3, 1.0))
    kind = f"groups ({job.group_field})" if job.group_field else kind_of(shapes)
    found = assembled(burnt, (X, valid), groups, kind, reader, job.field, report)
    regions = regions.take(burnt.labels[valid]) if regions else None
    return replace(found, by_field=bool(job.group_field), regions=regions)


@dataclass(frozen=True)
class Burnt:
    """n cells, each once, with the label that it goes by."""

    cells: NDArray[np.int64]
    """(n, 2) row and column, rising."""
    labels: NDArray[np.int64]
    """(n,) number of the label."""
    y: NDArray[np.float64]
    """(n,) as in `Targets`."""
    names: tuple[str, ...]
    """Of the classes; empty for values."""


def assembled(
    burnt: Burnt, read: tuple[NDArray[np.float32], NDArray[np.bool_]], groups: NDArray[np.int64], kind: str,
    reader: RasterReader, field: str, report: LabelReport,
) -> Samples:  # fmt: skip
    """Samples of the cells that are valid.

    Args:
        burnt: labelled cells.
        read: (n, D) vectors of the cells and (n,) whether each is valid.
        groups: of each label.
        kind: of the groups, plural.
        reader: of the embedding.
        field: of the classes or values, for sentences.
        report: completed with what is left.

    Raises:
        BadInput: nothing is left to learn from.
    """
    X, valid = read
    report.cells_nodata = int((~valid).sum())
    report.cells = int(valid.sum())
    X, cells, labels = X[valid], burnt.cells[valid], burnt.labels[valid]
    values, classes = finish_targets(burnt.y[valid], burnt.names, report, field)
    numbers = np.unique(groups[labels], return_inverse=True)[1].astype(np.int64)
    columns, rows = cells[:, 1] + 0.5, cells[:, 0] + 0.5
    t = reader.grid.transform
    xy = np.stack([t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f], axis=1)
    grouped = len(np.unique(numbers)) < len(numbers)
    crs, space = reader.grid.crs, space_of(reader)
    return Samples(X, values, numbers, kind, grouped, False, xy, crs, cells, classes, space, report)


def shapes_on(table: pd.DataFrame, source: str, grid: Grid, report: LabelReport) -> NDArray[Any]:
    """(F,) geometries in the CRS of the grid, valid; None where there is none.

    Raises:
        BadInput: neither geometry nor coordinates, or a CRS that is missing or cannot be transformed.
    """
    if not isinstance(table, gpd.GeoDataFrame):
        xy, crs = table_places(table)
        names = coordinate_columns(table)
        if xy is None or names is None:
            raise BadInput(
                f"{source} has neither geometry nor columns x and y or lon and lat, so its labels have no place on the "
                "embedding. For features in its own columns leave the embedding empty and name the feature fields."
            )
        report.notes.append(f"Places were taken from the columns '{names[0]}' and '{names[1]}'.")
        points = np.where(np.isfinite(xy).all(axis=1), shapely.points(np.nan_to_num(xy)), None)
        geometry = gpd.GeoSeries(points, crs=crs or grid.crs or None)
    else:
        geometry = table.geometry
    if geometry.crs is None and grid.crs:
        raise BadInput(
            f"{source} has no coordinate system. Set it (in QGIS: Layer > Set CRS of Layer), so that its labels can be "
            "laid over the embedding."
        )
    shapes = np.asarray(geometry.array, dtype=object)
    empty = np.array([shape is None or shape.is_empty for shape in shapes], dtype=bool)
    report.without_geometry = int(empty.sum())
    broken = ~empty & ~shapely.is_valid(shapes)
    report.repaired = int(broken.sum())
    shapes[broken] = shapely.make_valid(shapes[broken])
    shapes[empty] = None
    if geometry.crs is not None and not grid.crs:
        report.notes.append("The embedding has no coordinate system; the labels were laid over it as they are.")
    if geometry.crs is None or not grid.crs:
        return shapes
    try:
        moved = gpd.GeoSeries(shapes, crs=geometry.crs).to_crs(CRS.from_wkt(grid.crs))
    except ProjError as error:
        raise BadInput(f"{source} cannot be brought to the coordinate system of the embedding: {error}.") from error
    shapes = np.asarray(moved.array, dtype=object)
    return turned(shapes, grid) if CRS.from_wkt(grid.crs).is_geographic else shapes


def turned(shapes: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """The same shapes in degrees, those beside the grid moved by a full turn where that brings them onto it.

    Longitudes of one place may be written -175 or 185; rasters across 180 degrees go on counting.
    """
    corners = [
        grid.transform @ corner for corner in ((0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height))
    ]
    west, east = min(x for x, _ in corners), max(x for x, _ in corners)
    left, _, right, _ = shapely.bounds(shapes).T
    moved = shapes.copy()
    for turn in (-360.0, 360.0):
        beside = (right < west) | (left > east)
        chosen = np.flatnonzero(beside & (right + turn >= west) & (left + turn <= east))
        for number in chosen:
            moved[number] = translate(shapes[number], turn)
    return moved


def _burn_all(
    shapes: NDArray[Any], targets: Targets, burner: Burner, report: LabelReport, progress: Progress
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells (n, 2) of all labels with a class, and (n,) which label each is of."""
    cells, labels = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
    missing = np.isnan(targets.y)
    report.without_class = int(missing.sum())
    for number, shape in enumerate(shapes):
        if number % 64 == 0:
            progress.checkpoint(number / len(shapes))
        if shape is None or missing[number]:
            continue
        if not np.isfinite(shape.bounds).all():  # beyond what the embedding's CRS can express
            report.outside += 1
            continue
        found, outside, thinned, small = burner.cells(shape, number)
        report.thinned += thinned
        report.small += small
        if len(found):
            report.cells_outside += outside
        else:
            report.outside += 1
        cells.append(found)
        labels.append(np.full(len(found), number, dtype=np.int64))
    return np.concatenate(cells), np.concatenate(labels)


def one_label_per_cell(
    cells: NDArray[np.int64], labels: NDArray[np.int64], targets: Targets, width: int, report: LabelReport
) -> Burnt:
    """Each cell once: the class most labels give it (none on a tie), or the mean of its values."""
    if not len(cells):
        return Burnt(cells, labels, np.empty(0), targets.names)
    flat = cells[:, 0] * width + cells[:, 1]
    unique, first, place, counts = np.unique(flat, return_index=True, return_inverse=True, return_counts=True)
    y = targets.y[labels]
    if not targets.names:
        report.averaged = int((counts > 1).sum())
        mean = np.bincount(place, weights=y) / counts
        return Burnt(np.stack(np.divmod(unique, width), axis=1), labels[first], mean, targets.names)
    chosen, keep = first.copy(), np.ones(len(unique), dtype=bool)
    order = np.argsort(place, kind="stable")
    starts = np.cumsum(counts) - counts
    for at in np.flatnonzero(counts > 1):
        members = order[starts[at] : starts[at] + counts[at]]
        votes, where, number = np.unique(y[members], return_index=True, return_counts=True)
        if len(votes) == 1:
            report.same_cell += 1
        elif (number == number.max()).sum() > 1:
            report.tied += 1
            keep[at] = False
        else:
            report.outvoted += 1
            chosen[at] = members[where[number.argmax()]]
    picked = chosen[keep]
    return Burnt(cells[picked], labels[picked], y[picked], targets.names)


def read_cells(
    reader: RasterReader, cells: NDArray[np.int64], progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors (n, D) of the cells and whether each is valid, read in windows that hold cells and in no others."""
    X = np.zeros((len(cells), len(reader.bands)), np.float32)
    valid = np.zeros(len(cells), dtype=bool)
    blocks, place = np.unique(cells // BLOCK, axis=0, return_inverse=True)
    order = np.argsort(place.reshape(-1), kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(place.reshape(-1), minlength=len(blocks)))[:-1])
    for number, members in enumerate(parts):
        progress.checkpoint(number / max(len(parts), 1))
        if not len(members):
            continue
        (top, left), (bottom, right) = cells[members].min(axis=0), cells[members].max(axis=0) + 1
        values, mask = reader.read(Window(int(top), int(left), int(bottom - top), int(right - left)))
        rows, columns = cells[members, 0] - top, cells[members, 1] - left
        X[members] = values[:, rows, columns].T
        valid[members] = mask[rows, columns]
    return X, valid


def _check_memory(count: int, dimensions: int, source: str) -> None:
    if count * dimensions * 4 > MOST_BYTES:
        raise BadInput(
            f"The labels of {source} cover {count} cells of {dimensions} dimensions, more than fits in memory. Lower "
            "'Most cells from one label'."
        )


def kind_of(shapes: NDArray[Any]) -> str:
    """Plural of what most labels are."""
    kinds = [shape.geom_type for shape in shapes if shape is not None]
    if any("Polygon" in kind or "Collection" in kind for kind in kinds):
        return "polygons"
    return "lines" if any("Line" in kind for kind in kinds) else "points"
