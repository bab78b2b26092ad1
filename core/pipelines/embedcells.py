"""Cells and raster in, cells with vectors out: sample, build the backbone, see every cell, write the table."""

import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
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
from ..cellvectors import View, vectors_of
from ..chips import Chips, Places, places_of, read_chips, units_of
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
from ..twincard import scene_for
from ..vector import parse_source, read_vector
from ..windows import Reader

Float = NDArray[np.float32]
INPUTS = ("input", "second", "cells", "like", "weights", "model")
PREFIX = "emb_"
MOST_JUDGED = 20_000
"""Vectors from which components are taken."""
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
        patch_size_px=space.patch_size_px or int(space.card.free_patch),
    )  # fmt: skip
    with scene.open() as reader:
        geometry = _on_grid(table, reader.grid, job.cells)
        own = places_of(geometry, reader.grid)
        region = _region(own, reader.grid, job)
        sample = WindowSample(reader, region, job.seed)
        progress.checkpoint(0.0, "Building the backbone")
        known = space if earlier is None else Space.from_json(earlier)
        backbone = build(known, scene, reader, sample, job, region.height * region.width, progress)
        if earlier is None:
            warn_of_pixels(job.like, space, reader, sample, progress)
        side = int(np.median(own.inside[:, 2:]))
        view = View.of(backbone, *_context(job), side, any_size=bool(reader.looks))
        places = places_of(geometry, reader.grid, view.window_px, view.margin_px)
        _announce(job, reader, backbone, view, side, len(table), progress)
        keep = replace(known, state=backbone.state(), identity=backbone.identity).to_json()
        runner = Runner(backbone, progress.warning)
        found = _vectors(job, runner, view, reader, places, request, keep, progress.part(0.05, 0.9))
    vectors, backbone = _reduced(found, space, backbone, progress)
    identity = digest({"backbone": backbone.identity, "view": [view.context, view.window_px, view.native]})
    settled = replace(
        space, state=backbone.state(), identity=backbone.identity, patch_size_px=backbone.patch_size_px,
        tile_size_px=space.tile_size_px if backbone.exact else backbone.tile_size_px,
        picture=space.picture or components.picture(_thinned(vectors), backbone.ordered),
    )  # fmt: skip
    return _write(job, table, vectors, settled, identity, (backbone, view, runner), request, progress)


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


def _announce(
    job: EmbedCells, reader: Reader, backbone: Backbone, view: View, side: int, count: int, progress: Progress
) -> None:
    for note in reader.notes:
        progress.warning(note)
    if view.window_px and view.window_px < side:
        progress.warning(
            f"Cells are about {side} px wide, more than the window of {view.window_px} px: they are shrunk."
        )
    seen = f"windows of {view.window_px} px around them" if view.window_px else "their own pixels"
    brought = "" if view.native else f", brought to {view.tile_px} px"
    progress.info(f"{count} cells of about {side} px; {backbone.device} sees {seen}{brought}.")


def _vectors(
    job: EmbedCells, runner: Runner, view: View, reader: Reader, places: Places, request: Mapping[str, Any],
    keep: Mapping[str, Any], progress: Progress,
) -> Float:  # fmt: skip
    """(N, D) float32, NaN where too little of a cell is valid; finished units survive whatever happens."""
    units = units_of(places)
    vectors = np.full((len(places), runner.backbone.embed_dim), np.nan, np.float32)
    spool = Spool(Path(job.output), request, LAYOUT, keep)
    batch = suitable_batch(runner.backbone, job.batch_size) if not runner.backbone.exact else len(places)
    try:
        for number, stored in spool.blocks.items():
            spool.file.seek(stored.offset)
            body = zlib.decompress(spool.file.read(stored.lengths[0]))
            vectors[units[number]] = np.frombuffer(body, np.float32).reshape(len(units[number]), -1)
        wanted = [number for number in range(len(units)) if number not in spool.blocks]
        if spool.blocks:
            progress.info(f"Going on with an earlier run: {len(spool.blocks)} of {len(units)} parts are done.")
        before: int | None = None
        for chips in read_chips(reader, places, units, wanted):
            if before not in (None, chips.unit):
                _keep(spool, before, vectors[units[before]])
            before = chips.unit
            progress.checkpoint(chips.unit / len(units), "Seeing cells")
            _see(runner, view, chips, vectors, batch)
        if before is not None:
            _keep(spool, before, vectors[units[before]])
    finally:
        spool.close()
    return vectors


def _keep(spool: Spool, number: int, vectors: Float) -> None:
    spool.append(number, [zlib.compress(np.ascontiguousarray(vectors).tobytes(), 1)])


def _see(runner: Runner, view: View, chips: Chips, vectors: Float, batch: int) -> None:
    """Vectors of the chips that hold enough."""
    there = np.flatnonzero(chips.enough)
    for start in range(0, len(there), batch):
        some = there[start : start + batch]

        def see(part: slice, some: NDArray[np.int64] = some) -> Float:
            return vectors_of(runner.backbone, view, chips.some(some[part]))

        vectors[chips.at[some]] = runner.run(see, len(some))


def _reduced(vectors: Float, space: Space, backbone: Backbone, progress: Progress) -> tuple[Float, Backbone]:
    """Vectors with as many dimensions as were asked for.

    Raises:
        BadInput: no cell has enough valid pixels.
    """
    there = np.isfinite(vectors).all(axis=1)
    if not there.any():
        raise BadInput("No cell has enough valid pixels: all is nodata, masked, NaN, or outside the raster.")
    wanted = min(space.dimensions or backbone.embed_dim, backbone.embed_dim)
    if space.dimensions > backbone.embed_dim:
        progress.warning(f"The backbone gives {backbone.embed_dim} dimensions; {space.dimensions} were asked for.")
    if wanted == backbone.embed_dim:
        return vectors, backbone
    fitted = components.fit(_thinned(vectors), wanted)
    projected = np.full((len(vectors), wanted), np.nan, np.float32)
    projected[there] = fitted.project(vectors[there].T[None, :, :, None])[0, :, :, 0].T
    return projected, components.ReducedBackbone(backbone, fitted)


def _thinned(vectors: Float) -> Float:
    there = vectors[np.isfinite(vectors).all(axis=1)]
    return there[:: -(-len(there) // MOST_JUDGED)]


def _write(
    job: EmbedCells, table: gpd.GeoDataFrame, vectors: Float, space: Space, identity: str,
    made: tuple[Backbone, View, Runner], request: Mapping[str, Any], progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    backbone, view, runner = made
    progress.checkpoint(0.92, "Writing the table")
    names = [f"{PREFIX}{number}" for number in range(1, vectors.shape[1] + 1)]
    replaced = _earlier(table.columns)
    if replaced:
        progress.warning(f"The layer held {len(replaced)} fields of an earlier embedding, which are replaced.")
    kept_columns = table[[column for column in table.columns if column not in replaced]]
    fresh = pd.DataFrame(vectors.astype(np.float64), index=table.index, columns=names)
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
