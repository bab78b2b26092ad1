"""Cells and raster in, cells with vectors out: sample, build the backbone, see every cell, write the table."""

import re
import sys
import time
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

from ...models.contract import Backbone
from .. import components
from ..asked import content_of, inputs_of, request_of, table_up_to_date
from ..atomic import check_apart, check_folder
from ..cellrun import MOST_JUDGED, Seen, all_vectors, reduce
from ..cellspace import drawn, patch_of_cells
from ..cellvectors import View
from ..chips import MOST_NUMBERS, Places, lattice, places_of, units_of
from ..errors import BadInput, BadJob, Stale
from ..grid import Grid, Window
from ..jobs.declare import Result
from ..jobs.embedcells import EmbedCells
from ..layersource import parse_source
from ..pixelwarnings import warn_of_pixels
from ..progress import Progress
from ..raster import environment
from ..sampling import WindowSample
from ..scene import Scene
from ..settlement.zonal import check_systems
from ..sidecar import read_sidecar, write_sidecar
from ..space import Space, build, space_of, stored_weights, warn_of_device
from ..spool import digest, journal_path, kept, part_path
from ..tablemap import check_format, write_table
from ..twincard import scene_for
from ..unchanged import Watch
from ..vector import read_vector
from ..windows import Reader

Float = NDArray[np.float32]
INPUTS = ("input", "second", "cells", "like", "weights", "model")
RESULT = "embeddedcells"
PREFIX = "emb_"
MOST_COLUMNS = 1998
"""Of a layer in a GeoPackage, besides number and geometry: SQLite takes 2,000."""


def run(job: EmbedCells, progress: Progress) -> Result:
    """Embed cells.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    check_apart(job.outputs(), inputs_of(job, INPUTS))
    check_format(job.output, "layer of cells")
    check_folder(job.output)
    _check_like(job)
    with environment():
        space = space_of(job)
        request = request_of(job, inputs_of(job, INPUTS))
        watch = Watch(inputs_of(job, INPUTS), request["inputs"])
        facts, weights = table_up_to_date(job.output, request), stored_weights(space)
        if facts is not None and weights in ("", facts.get("weights_sha256", weights)):
            progress.info(f"{job.output} is up to date: it was made by this very job from unchanged inputs.")
        else:
            facts = _make(job, space, request, watch, progress)
    progress.checkpoint(1.0)
    told = {name: value for name, value in facts.items() if name != "space"}
    return Result(job.facts.id, job.outputs(), told, round(time.monotonic() - started, 3))


def _make(
    job: EmbedCells, space: Space, request: Mapping[str, Any], watch: Watch, progress: Progress
) -> dict[str, Any]:
    table = _cells(job)
    room = _room(job, table)
    _check_room(job.dimensions, room)
    earlier = kept(job.output, request)
    scene = scene_for(job, space, progress)
    space = replace(
        space, bands=scene.bands, second_bands=scene.second_bands, roles=scene.roles, units=scene.units,
        dates=scene.dates, months=scene.months, pixel_m=scene.pixel_m,
        dimensions=space.dimensions or space.card.default_dimensions or drawn(space),
    )  # fmt: skip
    with scene.open() as reader:
        geometry = _on_grid(table, reader.grid, job)
        own = places_of(geometry, reader.grid)
        region = _region(own, reader.grid, job)
        sample = WindowSample(reader, region, job.seed)
        progress.checkpoint(0.0, "Building the backbone")
        side = int(np.median(own.inside[:, 2:]))
        fresh = replace(space, patch_size_px=patch_of_cells(space, own, side, lattice(own)))
        known, backbone, resumed = _built(fresh, earlier, scene, reader, sample, job, region, progress)
        if not resumed:
            warn_of_pixels(job.like, space, reader, sample, progress)
        view = View.of(
            backbone, *_context(job), side, any_size=known.card.series, on_lattice=bool(lattice(own)),
            gaps=bool(reader.looks),
        )  # fmt: skip
        places = places_of(geometry, reader.grid, view.window_px, view.margin_px)
        _check_sizes(places, len(reader.bands), job)
        seen = Seen.by(backbone, scene.open, places, units_of(places), view, job.batch_size, progress)
        _announce(seen, reader.notes, side, job, progress)
        if known.state is None:
            reduce(seen, job.dimensions or (0 if seen.width <= room else room), progress.part(0.02, 0.1))
        _check_room(seen.width, room)
        keep = replace(known, state=seen.backbone.state(), identity=seen.backbone.identity)
        vectors = all_vectors(seen, job.output, request, keep, watch, progress.part(0.1, 0.9))
    if not np.isfinite(vectors).all(axis=1).any():
        _clear(job.output)
        raise BadInput("No cell has enough valid pixels: all is nodata, masked, NaN, or outside the raster.")
    picture = space.picture or components.picture(_thinned(vectors), seen.backbone.ordered)
    return _write(job, table, vectors, replace(keep, picture=picture), seen, request, progress)


def _built(
    fresh: Space, earlier: Mapping[str, Any] | None, scene: Scene, reader: Reader, sample: WindowSample,
    job: EmbedCells, region: Window, progress: Progress,
) -> tuple[Space, Backbone, bool]:  # fmt: skip
    """Space and backbone, and whether they are those of an earlier run that was stopped."""
    pixels = region.height * region.width
    if earlier is not None:
        known = Space.from_json(earlier)
        try:
            return known, build(known, scene, reader, sample, job, pixels, progress), True
        except Stale:
            progress.warning("An earlier run was stopped, but its weights are no longer there; starting anew.")
    return fresh, build(fresh, scene, reader, sample, job, pixels, progress), False


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


def _check_like(job: EmbedCells) -> None:
    """Refuse the space of a raster.

    Raises:
        BadJob: `like` is an embedding raster.
    """
    facts = (read_sidecar(parse_source(job.like).path) or {"facts": {}})["facts"] if job.like else {}
    if facts.get("result", RESULT) != RESULT and "product" not in facts:
        raise BadJob(
            f"{job.like} is no layer of embedded cells, so it does not tell what a cell is seen with. Choose cells "
            "embedded earlier, or leave 'Same space as these cells' empty."
        )


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


def _room(job: EmbedCells, table: gpd.GeoDataFrame) -> int:
    """Dimensions that the output can hold beside the fields of the layer."""
    if not job.output.lower().endswith(".gpkg"):
        return sys.maxsize
    return max(MOST_COLUMNS - (len(table.columns) - 1 - len(_earlier(table))), 0)


def _check_room(dimensions: int, room: int) -> None:
    """Refuse more dimensions than fit.

    Raises:
        BadJob: too many, or no room at all.
    """
    if dimensions > room or not room:
        raise BadJob(
            f"A GeoPackage has room for {room} dimensions beside the fields of this layer, not for "
            f"{dimensions or 'one'}. Ask for fewer dimensions, drop fields, or write parquet."
        )


def _check_sizes(places: Places, bands: int, job: EmbedCells) -> None:
    """Refuse windows that would fill the memory.

    Raises:
        BadInput: naming the largest.
    """
    height, width = places.outside[np.prod(places.outside[:, 2:], axis=1).argmax(), 2:].tolist()
    if height * width * bands > MOST_NUMBERS:
        raise BadInput(
            f"The largest cell of {job.cells} takes {width:,} x {height:,} px of {bands} bands, which is too much to "
            "be seen at once. Cut it into smaller ones, as with 'Make cells', or make the raster coarser first. A "
            "polygon across the 180th meridian must be cut there."
        )


def _on_grid(table: gpd.GeoDataFrame, grid: Grid, job: EmbedCells) -> NDArray[np.object_]:
    """(N,) polygons in the coordinates of the raster.

    Raises:
        BadInput: only one of both has a coordinate system, or a cell has no place in the raster's.
    """
    geometry = table.geometry
    check_systems(geometry, grid, job.input)
    if geometry.crs is not None:
        geometry = geometry.to_crs(grid.crs)
    shapes = np.asarray(geometry.array)
    if not np.isfinite(shapely.bounds(shapes)).all():
        raise BadInput(
            f"Some cells of {job.cells} cannot be brought to the coordinate system of {job.input}. Leave them out, or "
            "correct the coordinate system of the layer."
        )
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


def _announce(seen: Seen, notes: Sequence[str], side: int, job: EmbedCells, progress: Progress) -> None:
    view, backbone, name = seen.view, seen.backbone, job.backbone
    for note in notes:
        progress.warning(note)
    warn_of_device(name, job.device, backbone, progress)
    if 0 < view.window_px < side:
        progress.warning(
            f"Cells are about {side} px wide, more than the window of {view.window_px} px: they are shrunk."
        )
    about = "what is said of each and its surroundings" if view.margin_px else "their own pixels"
    shown = f"windows of {view.window_px} px around them" if view.window_px else about
    brought = "" if view.native or view.window_px == view.tile_px else f", brought to {view.tile_px} px"
    count = len(seen.places)
    progress.info(f"{count} cell{'s' if count > 1 else ''} of about {side} px; {shown}{brought}; {backbone.device}.")


def _thinned(vectors: Float) -> Float:
    there = vectors[np.isfinite(vectors).all(axis=1)]
    return there[:: -(-len(there) // MOST_JUDGED)]


def _write(
    job: EmbedCells, table: gpd.GeoDataFrame, vectors: Float, space: Space,
    seen: Seen, request: Mapping[str, Any], progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    backbone, view = seen.backbone, seen.view
    identity = digest({"backbone": backbone.identity, "view": _seen_as(view)})
    progress.checkpoint(0.92, "Writing the table")
    names = [f"{PREFIX}{number}" for number in range(1, vectors.shape[1] + 1)]
    replaced = _earlier(table)
    if replaced:
        progress.warning(f"The layer held {len(replaced)} fields of an earlier embedding, which are replaced.")
    kept_columns = table[[column for column in table.columns if column not in replaced]]
    fresh = pd.DataFrame(vectors, index=table.index, columns=names)
    write_table(gpd.GeoDataFrame(pd.concat([kept_columns, fresh], axis=1), crs=table.crs), job.output)
    missing = int((~np.isfinite(vectors).all(axis=1)).sum())
    if missing:
        progress.warning(f"{missing} of {len(table)} cells have too few valid pixels and got no vector.")
    facts = {
        "result": RESULT,
        "backbone": space.backbone,
        "model": space.model,
        "device": backbone.device,
        "dimensions": vectors.shape[1],
        "cells": len(table),
        "cells_missing": missing,
        "context": view.context,
        "window_px": view.window_px,
        "seconds": {"forward": round(seen.runner.seconds, 3)},
        "picture": dict(space.picture),
        "identity": backbone.identity,
        "space_identity": identity,
        "request": digest(request),
        "content": content_of(job.output),
        "weights_sha256": stored_weights(space),
        "space": space.to_json(),
    }
    write_sidecar(job.output, job, facts, inputs=inputs_of(job, INPUTS), prints=request["inputs"])
    _clear(job.output)
    return facts


def _seen_as(view: View) -> list[Any]:
    """What of a view decides the vectors."""
    return [view.context, view.window_px, "" if view.native else view.tile_px]


def _clear(output: str) -> None:
    """Remove what a run that is stopped leaves."""
    for path in (part_path(Path(output)), journal_path(Path(output))):
        with suppress(OSError):
            path.unlink()


def _earlier(table: gpd.GeoDataFrame) -> list[str]:
    """Fields of an earlier embedding, however they are spelt: GeoPackages know no case."""
    names = [str(name) for name in table.columns if name != table.geometry.name]
    return [name for name in names if re.fullmatch(f"{PREFIX}[0-9]+", name, re.IGNORECASE)]
