"""Cells and raster in, cells with vectors out: sample, build the backbone, see every cell, write the table."""

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from ...models.contract import Backbone, suitable_batch
from .. import components
from ..asked import content_of, inputs_of, request_of, table_up_to_date
from ..atomic import check_apart, check_folder
from ..cellvectors import View, see
from ..chips import UNIT, Piece, Places, lattice, places_of, read_units, units_of
from ..embedding import Runner
from ..errors import BadInput, BadJob
from ..grid import Grid, Window
from ..jobs.declare import Result
from ..jobs.embedcells import EmbedCells
from ..pixelwarnings import warn_of_pixels
from ..progress import Progress
from ..raster import environment
from ..sampling import WindowSample
from ..sidecar import read_sidecar, write_sidecar
from ..space import Space, build, space_of, stored_weights
from ..spool import Spool, digest, journal_path, kept, part_path
from ..tablemap import check_format, write_table
from ..tiling import spread
from ..twincard import scene_for
from ..vector import parse_source, read_vector
from ..windows import Reader

Float = NDArray[np.float32]
INPUTS = ("input", "second", "cells", "like", "weights", "model")
PREFIX = "emb_"
MOST_BY_DEFAULT = 1024
"""Dimensions where nobody asks for a number: a table has a column for each, and GeoPackage takes 2,000."""
MOST_COLUMNS = 1900
"""Of an embedding in a GeoPackage, which holds other fields too."""
MOST_JUDGED, MOST_JUDGED_BYTES = 20_000, 128 * 2**20
"""Vectors from which components are taken, and what they may measure."""
MOST_SERIES_PATCH = 8
LAYOUT = "vectors of units of cells, float32, deflated"


def run(job: EmbedCells, progress: Progress) -> Result:
    """Embed cells.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    check_apart(job.outputs(), inputs_of(job, INPUTS))
    check_format(job.output, "layer of cells")
    check_folder(job.output)
    if job.dimensions > MOST_COLUMNS and job.output.lower().endswith(".gpkg"):
        raise BadJob(
            f"A GeoPackage holds at most {MOST_COLUMNS} dimensions, not {job.dimensions}. Ask for fewer, or write "
            "parquet."
        )
    with environment():
        space = space_of(job)
        request = request_of(job, inputs_of(job, INPUTS))
        facts, weights = table_up_to_date(job.output, request), stored_weights(space)
        if facts is not None and weights in ("", facts.get("weights_sha256", weights)):
            progress.info(f"{job.output} is up to date: it was made by this very job from unchanged inputs.")
        else:
            facts = _make(job, space, request, progress)
    progress.checkpoint(1.0)
    told = {name: value for name, value in facts.items() if name != "space"}
    return Result(job.facts.id, job.outputs(), told, round(time.monotonic() - started, 3))


def _make(job: EmbedCells, space: Space, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    table = _cells(job)
    earlier = kept(job.output, request)
    scene = scene_for(job, space, progress)
    space = replace(
        space, bands=scene.bands, second_bands=scene.second_bands, roles=scene.roles, units=scene.units,
        dates=scene.dates, months=scene.months, pixel_m=scene.pixel_m,
        dimensions=space.dimensions or space.card.default_dimensions or MOST_BY_DEFAULT,
    )  # fmt: skip
    with scene.open() as reader:
        geometry = _on_grid(table, reader.grid, job.cells)
        own = places_of(geometry, reader.grid)
        region = _region(own, reader.grid, job)
        sample = WindowSample(reader, region, job.seed)
        progress.checkpoint(0.0, "Building the backbone")
        side = int(np.median(own.inside[:, 2:]))
        known = replace(space, patch_size_px=_patch(space, own, side)) if earlier is None else Space.from_json(earlier)
        backbone = build(known, scene, reader, sample, job, region.height * region.width, progress)
        if earlier is None:
            warn_of_pixels(job.like, space, reader, sample, progress)
        context = _context(job)
        view = View.of(backbone, *context, side, any_size=bool(reader.looks), on_lattice=bool(lattice(own)))
        places = places_of(geometry, reader.grid, view.window_px, view.margin_px)
        _announce(reader, backbone, view, side, len(table), progress)
        seen = Seen(reader, places, units_of(places), view, Runner(backbone, progress.warning), job.batch_size)
        if earlier is None:
            _reduce(seen, known, progress.part(0.02, 0.1))
        runner = seen.runner
        keep = replace(known, state=runner.backbone.state(), identity=runner.backbone.identity)
        vectors = _vectors(job, seen, request, keep, progress.part(0.1, 0.9))
    if not np.isfinite(vectors).all(axis=1).any():
        raise BadInput("No cell has enough valid pixels: all is nodata, masked, NaN, or outside the raster.")
    picture = space.picture or components.picture(_thinned(vectors), runner.backbone.ordered)
    return _write(job, table, vectors, replace(keep, picture=picture), seen, request, progress)


def _patch(space: Space, places: Places, side: int) -> int:
    """Pixels to a cell of the backbone, where it can choose: whole cells where they lie on a lattice.

    Series of dates get the largest part of a cell that they take, as all their pixels at all dates are tokens.
    """
    if space.patch_size_px or not space.card.free_patch:
        return space.patch_size_px
    if space.card.series:
        return next(patch for patch in range(MOST_SERIES_PATCH, 0, -1) if side % patch == 0)
    return lattice(places) or 1


@dataclass
class Seen:
    """What sees which cells of what."""

    reader: Reader
    places: Places
    units: list[NDArray[np.int64]]
    view: View
    runner: Runner
    batch_size: int

    def unit(self, piece: Piece) -> Iterator[tuple[NDArray[np.int64], Float]]:
        """Cells of a unit, and their vectors."""
        backbone = self.runner.backbone
        batch = self.batch_size or (UNIT if backbone.exact else suitable_batch(backbone, 0))
        return see(self.runner, self.view, self.places, piece, batch)


def _reduce(seen: Seen, space: Space, progress: Progress) -> None:
    """Components in place of the dimensions, where fewer are wanted, from units that lie evenly spread."""
    backbone = seen.runner.backbone
    if space.dimensions >= backbone.embed_dim:
        return
    most = max(MOST_JUDGED_BYTES // (4 * backbone.embed_dim), space.dimensions + 1)
    wanted = spread(len(seen.units))[: -(-min(most, MOST_JUDGED) // UNIT)]
    found: list[Float] = []
    for number, piece in enumerate(read_units(seen.reader, seen.places, seen.units, sorted(wanted))):
        progress.checkpoint(number / len(wanted), "Sampling cells")
        found += [vectors for _, vectors in seen.unit(piece)]
    sample = np.concatenate(found) if found else np.zeros((0, backbone.embed_dim), np.float32)
    if len(sample) > 1:
        fitted = components.fit(sample, min(space.dimensions, len(sample)))
        seen.runner.backbone = components.ReducedBackbone(backbone, fitted)
        progress.info(f"Of {backbone.embed_dim} dimensions the first {len(fitted.axes)} principal components are kept.")


def _context(job: EmbedCells) -> tuple[str, int]:
    """What is seen of a cell, and the window: as asked for, or as in the embedding to be like.

    Raises:
        BadJob: both, and they differ.
    """
    if not job.like:
        return job.context, job.window_px
    facts = (read_sidecar(parse_source(job.like).path) or {"facts": {}})["facts"]
    context, window_px = str(facts.get("context", "")), int(facts.get("window_px", 0))
    for name, value in (("context", context), ("window_px", window_px)):
        if getattr(job, name) not in (value, job.defaults()[name]):
            raise BadJob(
                f"{job.params()[name].label} is {getattr(job, name)}, but {job.like} was made with {value}. Leave it "
                "as it is by default, or do not ask for the same space."
            )
    return context, window_px


def _cells(job: EmbedCells) -> gpd.GeoDataFrame:
    """The layer.

    Raises:
        BadInput: no polygons.
    """
    table = read_vector(job.cells)
    if not isinstance(table, gpd.GeoDataFrame) or not len(table):
        raise BadInput(f"{job.cells} holds no polygons.")
    shapes = np.asarray(table.geometry.array)
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.get_dimensions(shapes) != 2)
    if bad.any():
        raise BadInput(
            f"{int(bad.sum())} of the {len(table)} features of {job.cells} are no polygons. Leave them out, or give "
            "them an area first, as with a buffer."
        )
    return table


def _on_grid(table: gpd.GeoDataFrame, grid: Grid, source: str) -> NDArray[np.object_]:
    """(N,) polygons in the coordinates of the raster."""
    geometry = table.geometry
    if geometry.crs is not None and grid.crs:
        geometry = geometry.to_crs(grid.crs)
    shapes = np.asarray(geometry.array)
    if not np.isfinite(shapely.bounds(shapes)).all():
        raise BadInput(f"Some cells of {source} cannot be brought to the coordinate system of the raster.")
    return shapes


def _region(places: Places, grid: Grid, job: EmbedCells) -> Window:
    """The part of the raster that all cells span, where statistics are taken.

    Raises:
        BadInput: the cells lie beside the raster.
    """
    row, col, height, width = places.inside.T
    box = Window(
        int(row.min()), int(col.min()), int((row + height).max() - row.min()), int((col + width).max() - col.min())
    )
    region = box.intersection(grid.whole)
    if region is None:
        raise BadInput(f"The cells of {job.cells} lie beside {job.input}. Are both in their right coordinate systems?")
    return region


def _announce(reader: Reader, backbone: Backbone, view: View, side: int, count: int, progress: Progress) -> None:
    for note in reader.notes:
        progress.warning(note)
    if view.window_px and view.window_px < side:
        progress.warning(
            f"Cells are about {side} px wide, more than the window of {view.window_px} px: they are shrunk."
        )
    about = "what is said of each and its surroundings" if view.margin_px else "their own pixels"
    shown = f"windows of {view.window_px} px around them" if view.window_px else about
    brought = "" if view.native else f", brought to {view.tile_px} px"
    progress.info(f"{count} cells of about {side} px; {shown}{brought}; {backbone.device}.")


def _vectors(
    job: EmbedCells, seen: Seen, request: Mapping[str, Any], keep: Space, progress: Progress
) -> Float:  # fmt: skip
    """(N, D) float32, NaN where too little of a cell is valid; finished units survive whatever happens."""
    units = seen.units
    vectors = np.full((len(seen.places), seen.runner.backbone.embed_dim), np.nan, np.float32)
    spool = Spool(Path(job.output), request, LAYOUT, keep.to_json())
    try:
        for number, stored in spool.blocks.items():
            spool.file.seek(stored.offset)
            body = zlib.decompress(spool.file.read(stored.lengths[0]))
            vectors[units[number]] = np.frombuffer(body, np.float32).reshape(len(units[number]), -1)
        wanted = [number for number in range(len(units)) if number not in spool.blocks]
        if spool.blocks:
            progress.info(f"Going on with an earlier run: {len(spool.blocks)} of {len(units)} parts are done.")
        for piece in read_units(seen.reader, seen.places, units, wanted):
            progress.checkpoint(piece.unit / len(units), "Seeing cells")
            for at, found in seen.unit(piece):
                vectors[at] = found
            body = np.ascontiguousarray(vectors[piece.at]).tobytes()
            spool.append(piece.unit, [zlib.compress(body, 1)])
    finally:
        spool.close()
    return vectors


def _thinned(vectors: Float) -> Float:
    there = vectors[np.isfinite(vectors).all(axis=1)]
    return there[:: -(-len(there) // MOST_JUDGED)]


def _write(
    job: EmbedCells, table: gpd.GeoDataFrame, vectors: Float, space: Space,
    seen: Seen, request: Mapping[str, Any], progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    backbone, view, runner = seen.runner.backbone, seen.view, seen.runner
    identity = digest({"backbone": backbone.identity, "view": [view.context, view.window_px, view.native]})
    progress.checkpoint(0.92, "Writing the table")
    names = [f"{PREFIX}{number}" for number in range(1, vectors.shape[1] + 1)]
    replaced = _earlier(table.columns)
    if replaced:
        progress.warning(f"The layer held {len(replaced)} fields of an earlier embedding, which are replaced.")
    kept_columns = table[[column for column in table.columns if column not in replaced]]
    fresh = pd.DataFrame(vectors, index=table.index, columns=names)
    write_table(gpd.GeoDataFrame(pd.concat([kept_columns, fresh], axis=1), crs=table.crs), job.output)
    missing = int((~np.isfinite(vectors).all(axis=1)).sum())
    if missing:
        progress.warning(f"{missing} of {len(table)} cells have too few valid pixels and got no vector.")
    facts = {
        "result": "embeddedcells",
        "backbone": space.backbone,
        "model": space.model,
        "device": backbone.device,
        "dimensions": vectors.shape[1],
        "cells": len(table),
        "cells_missing": missing,
        "context": view.context,
        "window_px": view.window_px,
        "seconds": {"forward": round(runner.seconds, 3)},
        "picture": dict(space.picture),
        "identity": backbone.identity,
        "space_identity": identity,
        "request": digest(request),
        "content": content_of(job.output),
        "weights_sha256": stored_weights(space),
        "space": space.to_json(),
    }
    write_sidecar(job.output, job, facts, inputs=inputs_of(job, INPUTS), prints=request["inputs"])
    for path in (part_path(Path(job.output)), journal_path(Path(job.output))):
        with suppress(OSError):
            path.unlink()
    return facts


def _earlier(columns: Sequence[str]) -> list[str]:
    """Fields of an earlier embedding."""
    return [name for name in map(str, columns) if name.startswith(PREFIX) and name[len(PREFIX) :].isdigit()]
