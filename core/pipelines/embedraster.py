"""Raster in, embedding out: sample, build the backbone, make all vectors, write."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...models.contract import Backbone, suitable_batch
from .. import components, quantise
from ..asked import FORMAT, inputs_of, request_of
from ..atomic import check_folder
from ..batching import batch_for
from ..cluster.errand import sign_path
from ..cluster.hub import connected
from ..cluster.spread import spread
from ..embedding import Open, Runner, Sample, embed, sample_batches
from ..errors import BadJob, Stale
from ..grid import Grid
from ..jobs.declare import Result
from ..jobs.embed import EmbedRaster
from ..meter import Meter, reading_of, with_overviews
from ..opening import opener
from ..pixelwarnings import warn_of_pixels
from ..progress import Progress
from ..quantise import Quantiser
from ..raster import environment
from ..region import PolygonMask, window_of
from ..sampling import WindowSample
from ..scene import Scene
from ..sidecar import write_sidecar
from ..space import Space, build, patch_of, space_of, stored_weights, warn_of_device
from ..speeds import Setting, find, remember, setting_of
from ..spool import digest
from ..tiling import Plan, make_plan
from ..trialblock import differences_pay
from ..twincard import scene_for
from ..unchanged import Watch
from ..uptodate import up_to_date
from ..windows import Reader
from ..wording import duration
from ..writing import Band, BlockWriter, kept

INPUTS = ("input", "second", "mask", "like", "weights", "model")
"""Files that decide the result, by field."""
SUFFIXES = (".tif", ".tiff")
SHORT_S = 1.0
"""Less is not worth a word."""
COMPRESSED_SHARE = 0.3
"""Bytes of vectors rarely shrink below this share; less room than that on the disk is not enough."""
CLIPPED_SHARE = 0.01


def run(job: EmbedRaster, progress: Progress, meter: Meter | None = None) -> Result:
    """Embed a raster.

    Args:
        job: what is asked.
        progress: of it.
        meter: its clock; one that only measures ends the run early, with `Cancelled`.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    with environment():
        _check_paths(job)
        space = space_of(job)
        request = request_of(job, inputs_of(job, INPUTS))
        watch = Watch(inputs_of(job, INPUTS), request["inputs"])
        facts, weights = up_to_date(job.output, request), stored_weights(space)
        if facts is not None and weights in ("", facts.get("weights_sha256", weights)):
            progress.info(f"{job.output} is up to date: it was made by this very job from unchanged inputs.")
        else:
            with connected(job.scheduler, job.threads, progress) as client:
                facts = _make(job, space, request, watch, progress, (meter or Meter()).load(space.backbone), client)
    progress.checkpoint(1.0)
    told = {name: value for name, value in facts.items() if name != "space"}
    return Result(EmbedRaster.facts.id, {"output": job.output}, told, time.monotonic() - started)


def _make(
    job: EmbedRaster, space: Space, request: Mapping[str, Any], watch: Watch, progress: Progress, meter: Meter, on: Any
) -> dict[str, Any]:
    check_folder(job.output)
    earlier = kept(job.output, request)
    scene, space = _looked_at(job, space, progress)
    with scene.open() as reader:
        region = window_of(reader.grid, job.extent)
        mask = PolygonMask(job.mask, reader.grid) if job.mask else None
        sample = WindowSample(reader, region, job.seed, max(space.patch_size_px, 1), mask)
        progress.checkpoint(0.0, "Building the backbone")
        pixels = region.height * region.width
        setting = setting_of(job, space, len(reader.bands), patch_of(space, pixels))
        resumed = _resumed(earlier, scene, reader, sample, job, pixels, progress)
        space, backbone = resumed or (space, build(space, scene, reader, sample, job, pixels, progress))
        grid = reader.grid.crop(region).coarser(backbone.patch_size_px)
        open_source = opener(scene, region, grid, job.mask, backbone)
        tiling, space = _batched(job, space, backbone, grid, open_source, progress)
        runner, plan, drawn = Runner(backbone, progress.warning), make_plan(**tiling), Sample()
        _announce(job, reader, backbone, plan, progress)
        meter.begin(runner, plan)
        if resumed is None:
            warn_of_pixels(job.like, space, reader, sample, progress)
            meter.take("checks")
            drawn = sample_batches(plan, runner, open_source, progress.part(0.02, 0.05), meter.enough)
            meter.take("sample")
            space = _settle(job, space, runner, plan, drawn, progress)
            _foretell(meter.to_go_s(find(setting, reading_of(job.input))), progress)
        with _writer(job, space, runner.backbone, grid, plan, request, watch, meter.whole) as writer:
            quantiser = _stored(job, space)
            meter.settled(drawn, quantiser, writer.packer)
            _greet(writer, resumed is not None, progress)
            if on is None:
                sign_path(job.output).unlink(missing_ok=True)  # of a run on workers that was killed
                cells = embed(
                    plan, runner, drawn, quantiser, open_source, done=writer.done, put=writer.put,
                    progress=progress.part(0.05, 0.97),
                )  # fmt: skip
            else:
                cells = spread(on, job, space, scene, region, grid, tiling, writer, progress.part(0.05, 0.97))
            meter.take("embedding")
            progress.checkpoint(1.0, "Writing the file")
            part = writer.seal()
            meter.take("file")
            facts = _facts(job, space, runner, grid, plan, request, meter.spans, part)
            facts["cells_with_vector"] = None if writer.done else cells
            writer.finish(lambda _: _tell(job, facts, request))
    if resumed is None and not writer.done and on is None:
        _remember(job, setting, meter, facts)
    return facts


def _tell(job: EmbedRaster, facts: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    write_sidecar(job.output, job, facts, inputs=inputs_of(job, INPUTS), prints=request["inputs"])


def _greet(writer: BlockWriter, resumed: bool, progress: Progress) -> None:
    if resumed:
        done = f"{len(writer.done)} of {len(writer.windows)} blocks are done"
        progress.info(f"Going on with an earlier run of the same job, which was stopped: {done}.")


def _looked_at(job: EmbedRaster, space: Space, progress: Progress) -> tuple[Scene, Space]:
    """The scene, and the space with its bands."""
    scene = scene_for(job, space, progress)
    return scene, replace(
        space, bands=scene.bands, second_bands=scene.second_bands, roles=scene.roles, units=scene.units,
        dates=scene.dates, months=scene.months, pixel_m=scene.pixel_m,
    )  # fmt: skip


def _resumed(
    earlier: Mapping[str, Any] | None, scene: Scene, reader: Reader, sample: WindowSample, job: EmbedRaster,
    pixels: int, progress: Progress,
) -> tuple[Space, Backbone] | None:  # fmt: skip
    """Space and backbone of an earlier run that was stopped, or None when there is nothing to go on with."""
    if earlier is None:
        return None
    space = Space.from_json(earlier)
    try:
        backbone = build(space, scene, reader, sample, job, pixels, progress)
    except Stale:
        progress.warning("An earlier run was stopped, but its weights are no longer there; starting anew.")
        return None
    return space, backbone


def _check_paths(job: EmbedRaster) -> None:
    output = Path(job.output)
    if output.suffix.lower() not in SUFFIXES:
        raise BadJob(f"The embedding {output} must be a .tif file.")
    inputs = {"raster": job.input, "second raster": job.second, "embedding to be like": job.like}
    for label, path in {**inputs, "mask": job.mask.split("|")[0]}.items():
        if path and output.exists() and Path(path).exists() and output.samefile(path):
            raise BadJob(f"The output {output} is the {label} itself. Choose another file.")


def _batched(
    job: EmbedRaster, space: Space, backbone: Backbone, grid: Grid, open_source: Open, progress: Progress
) -> tuple[dict[str, Any], Space]:
    """Arguments of `make_plan` with tiles in a batch as a run that was stopped had them, and the space with that."""
    tiling = _tiling(job, space, backbone, grid, progress)
    if not (job.batch_size or space.batch_size):
        tiling["batch"] = batch_for(backbone, tiling, open_source, progress)
    return tiling, replace(space, batch_size=tiling["batch"])


def _tiling(job: EmbedRaster, space: Space, backbone: Backbone, grid: Grid, progress: Progress) -> dict[str, Any]:
    """Arguments of `make_plan`; a worker makes the same plan of them."""
    patch = backbone.patch_size_px
    tile = max(backbone.tile_size_px // patch, 1)
    overlap = -(-job.overlap_px // patch)
    if overlap > tile // 2 and not backbone.exact:
        progress.warning(f"Tiles of {tile * patch} px cannot overlap by {job.overlap_px} px; half a tile is taken.")
        overlap = tile // 2
    return {
        "height": grid.height, "width": grid.width, "tile": tile, "overlap": overlap, "exact": backbone.exact,
        "batch": suitable_batch(backbone, job.batch_size or space.batch_size),
        "dimensions": _dimensions(space, backbone), "itemsize": _itemsize(job),
    }  # fmt: skip


def _itemsize(job: EmbedRaster) -> int:
    return 1 if job.storage == "bytes" else 4


def _dimensions(space: Space, backbone: Backbone) -> int:
    """Bands of the output: components are taken where a backbone's own dimensions are not components already."""
    return min(space.dimensions or backbone.embed_dim, backbone.embed_dim)


def _settle(job: EmbedRaster, space: Space, runner: Runner, plan: Plan, drawn: Sample, progress: Progress) -> Space:
    """Fit what is still open on the sampled vectors: components, ranges of the bytes and how they pack, picture."""
    backbone = runner.backbone
    wish = _dimensions(space, backbone)
    if space.dimensions > backbone.embed_dim:
        progress.warning(f"The backbone gives {backbone.embed_dim} dimensions; {space.dimensions} were asked for.")
    if wish < backbone.embed_dim:
        fitted = components.fit(drawn.vectors, wish)
        runner.backbone = backbone = components.ReducedBackbone(backbone, fitted)
        drawn.map(fitted.project)
    quantiser = space.quantiser or quantise.fit(drawn.vectors, job.threads)
    if space.quantiser is not None:
        _warn_of_clipping(quantiser, drawn, progress)
    stored = quantiser if job.storage == "bytes" else None
    return replace(
        space, state=backbone.state(), identity=backbone.identity, quantiser=quantiser,
        differences=differences_pay(drawn, stored, plan.block),
        picture=space.picture or components.picture(drawn.vectors, backbone.ordered),
        patch_size_px=backbone.patch_size_px,
        tile_size_px=space.tile_size_px if backbone.exact else backbone.tile_size_px,
    )  # fmt: skip


def _warn_of_clipping(quantiser: Quantiser, drawn: Sample, progress: Progress) -> None:
    codes = quantiser.encode(drawn.vectors.T[:, :, None], np.ones((len(drawn.vectors), 1), np.bool_))
    share = float(np.isin(codes, (quantise.LOWEST_CODE, quantise.HIGHEST_CODE)).mean())
    if share > CLIPPED_SHARE:
        progress.warning(
            f"{share:.0%} of the values lie beyond the range of the embedding that this one should be like: the two "
            "rasters differ much. Storage float32 keeps them."
        )


def _announce(job: EmbedRaster, reader: Reader, backbone: Backbone, plan: Plan, progress: Progress) -> None:
    for note in reader.notes:
        progress.warning(note)
    warn_of_device(job.backbone, job.device, backbone, progress)
    size = plan.height * plan.width * plan.dimensions * _itemsize(job)
    tiles = sum(len(batch.tiles) for batch in plan.batches)
    progress.info(
        f"{plan.width} x {plan.height} cells of {backbone.patch_size_px} px, {plan.dimensions} dimensions, at most "
        f"{size / 1e6:,.0f} MB before compression; {tiles} tile{'s' if tiles != 1 else ''} on "
        f"{backbone.device}."
    )


def _remember(job: EmbedRaster, setting: Setting, meter: Meter, facts: Mapping[str, Any]) -> None:
    """Keep how fast it was."""
    size = facts["height"], facts["width"], facts["dimensions"]
    vectors = facts["cells_with_vector"] * facts["dimensions"] * _itemsize(job) * with_overviews(*size)
    remember(setting, reading_of(job.input), meter.speed(facts["bytes"], vectors))


def _foretell(seconds: float, progress: Progress) -> None:
    if seconds >= SHORT_S:
        progress.info(f"About {duration(seconds)} to go.")


def _writer(
    job: EmbedRaster, space: Space, backbone: Backbone, grid: Grid, plan: Plan, request: Mapping[str, Any],
    watch: Watch, whole: bool,
) -> BlockWriter:  # fmt: skip
    stored = _stored(job, space)
    scale = stored.scale if stored else np.ones(backbone.embed_dim, np.float32)
    offset = stored.offset if stored else np.zeros(backbone.embed_dim, np.float32)
    bands = [Band(n, float(s), float(o)) for n, s, o in zip(backbone.band_names, scale, offset, strict=True)]
    return BlockWriter(
        job.output, grid, bands, "uint8" if stored else "float32", nodata=0 if stored else float("nan"),
        signature=request, tags=_tags(space, backbone, request), keep=space.to_json(), block=plan.block,
        check=watch.check, differences=space.differences,
        foreseen_ratio=COMPRESSED_SHARE if whole else 0.0,
    )  # fmt: skip


def _stored(job: EmbedRaster, space: Space) -> Quantiser | None:
    """What makes bytes of the vectors; None where floats are stored."""
    return space.quantiser if job.storage == "bytes" else None


def _tags(space: Space, backbone: Backbone, request: Mapping[str, Any]) -> dict[str, str]:
    tags = {
        "format": FORMAT, "backbone": space.backbone, "model": space.model, "identity": backbone.identity,
        "dimensions": backbone.embed_dim, "patch_size_px": backbone.patch_size_px, "in_chans": backbone.in_chans,
        "signature": _signature(backbone, request),
    }  # fmt: skip
    return {name: str(value) for name, value in tags.items()}


def _signature(backbone: Backbone, request: Mapping[str, Any]) -> str:
    return digest({**request, "identity": backbone.identity})


def _facts(
    job: EmbedRaster, space: Space, runner: Runner, grid: Grid, plan: Plan, request: Mapping[str, Any],
    seconds: Mapping[str, float], part: Path,
) -> dict[str, Any]:  # fmt: skip
    backbone = runner.backbone
    return {
        "result": "embedding",
        "backbone": space.backbone,
        "model": space.model,
        "device": backbone.device,
        "dimensions": backbone.embed_dim,
        "patch_size_px": backbone.patch_size_px,
        "width": grid.width,
        "height": grid.height,
        "tiles": sum(len(batch.tiles) for batch in plan.batches),
        "tiles_made": None if job.scheduler else runner.tiles,
        "storage": job.storage,
        "bytes": part.stat().st_size,
        "seconds": {**seconds, "forward": round(runner.seconds, 3)},
        "picture": dict(space.picture),
        "identity": backbone.identity,
        "request": digest(request),
        "signature": _signature(backbone, request),
        "weights_sha256": stored_weights(space),
        "space": space.to_json(),
    }
