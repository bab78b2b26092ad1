"""Raster in, embedding out: sample, build the backbone, make all vectors, write."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...models.contract import Backbone, Float, State, suitable_batch
from ...models.scaling import sampled_pixels
from .. import components, quantise
from ..atomic import check_folder
from ..embedding import Runner, Sample, embed, sample_batches
from ..errors import BadJob, Stale
from ..feeding import TileSource
from ..grid import Grid
from ..jobs.declare import Result
from ..jobs.embed import EmbedRaster
from ..progress import Progress
from ..quantise import Quantiser
from ..raster import environment
from ..region import PolygonMask, window_of
from ..sampling import WindowSample
from ..scene import Scene, scene_of
from ..seriesscene import Chosen
from ..sidecar import fingerprint, sidecar_path, write_sidecar
from ..space import Space, build, space_of, stored_weights
from ..spool import digest
from ..tiling import Plan, make_plan
from ..twincard import card_of
from ..uptodate import up_to_date
from ..version import VERSION
from ..windows import Reader
from ..writing import Band, BlockWriter, kept

FORMAT = 1
UNDECISIVE = ("output", "threads", "download")
"""Fields of the job that do not change the result."""
SUFFIXES = (".tif", ".tiff")
COMPRESSED_SHARE = 0.3
"""Bytes of vectors rarely shrink below this share; less room than that on the disk is not enough."""
CLIPPED_SHARE = 0.01
OUTLYING = 10_000
"""Distances from the median, in widths of the middle two thirds, that no measured band reaches."""
FEWEST_PIXELS = 100
SERIES_OVERLAP = 4
"""Part of a tile that overlaps where many dates leave room for small tiles only."""
FAR_SHARE = 0.5
"""Of a band's values; two dates of one place hardly differ by so much."""


def run(job: EmbedRaster, progress: Progress) -> Result:
    """Embed a raster.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    with environment():
        _check_paths(job)
        space = space_of(job)
        request = _request(job)
        facts, weights = up_to_date(job.output, request), stored_weights(space)
        if facts is not None and weights in ("", facts.get("weights_sha256", weights)):
            progress.info(f"{job.output} is up to date: it was made by this very job from unchanged inputs.")
        else:
            facts = _make(job, space, request, progress)
    progress.checkpoint(1.0)
    told = {name: value for name, value in facts.items() if name != "space"}
    return Result(EmbedRaster.facts.id, {"output": job.output}, told, time.monotonic() - started)


def _make(job: EmbedRaster, space: Space, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    seconds = _Clock()
    check_folder(job.output)
    earlier = kept(job.output, request)
    scene = _scene(job, space, progress)
    space = replace(
        space, bands=scene.bands, second_bands=scene.second_bands, roles=scene.roles, units=scene.units,
        dates=scene.dates, months=scene.months, pixel_m=scene.pixel_m,
    )  # fmt: skip
    with scene.open() as reader:
        region = window_of(reader.grid, job.extent)
        mask = PolygonMask(job.mask, reader.grid) if job.mask else None
        sample = WindowSample(reader, region, job.seed, max(space.patch_size_px, 1), mask)
        progress.checkpoint(0.0, "Building the backbone")
        pixels = region.height * region.width
        resumed = _resumed(earlier, scene, reader, sample, job, pixels, progress)
        space, backbone = resumed or (space, build(space, scene, reader, sample, job, pixels, progress))
        seconds.take("backbone")
        grid = reader.grid.crop(region).coarser(backbone.patch_size_px)

        def open_source() -> tuple[Reader, TileSource]:
            cells = PolygonMask(job.mask, grid) if job.mask else None
            own = scene.open()
            return own, TileSource(own, region, backbone.patch_size_px, backbone.halo_px, not backbone.exact, cells)

        runner, plan = Runner(backbone, progress.warning), _plan(job, space, backbone, grid, progress)
        drawn = Sample()
        _announce(job, reader, backbone, plan, progress)
        if resumed is None:
            _warn_of_pixels(job.like, space, reader, sample, progress)
            drawn = sample_batches(plan, runner, open_source, progress.part(0.02, 0.05))
            space = _settle(space, runner, drawn, progress)
            _foretell(runner, plan, progress)
        seconds.take("sample")
        with _writer(job, space, runner.backbone, grid, plan, request) as writer:
            fresh = not writer.done
            quantiser = space.quantiser if job.storage == "bytes" else None
            cells = embed(
                plan, runner, drawn, quantiser, open_source, done=writer.done, put=writer.put,
                progress=progress.part(0.05, 0.97),
            )  # fmt: skip
            seconds.take("embedding")
            progress.checkpoint(1.0, "Writing the file")
            sidecar_path(job.output).unlink(missing_ok=True)
            writer.finish()
    seconds.take("file")
    facts = _facts(job, space, runner, grid, plan, request, seconds.spans)
    facts["cells_with_vector"] = cells if fresh else None
    write_sidecar(job.output, job, facts, inputs=_inputs(job), prints=request["inputs"])
    return facts


def _scene(job: EmbedRaster, space: Space, progress: Progress) -> Scene:
    """Rasters and bands: like another embedding, as an ONNX twin wants them, or as the job names them."""
    card, like = card_of(space)
    if job.like:
        like = Chosen(
            job.like, space.bands, space.second_bands, space.roles, space.units, space.dates, like.months
        )  # fmt: skip
    return scene_of(job, card, like, progress)


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
    progress.info("Going on with an earlier run of the same job, which was stopped.")
    return space, backbone


class _Clock:
    """Seconds spent in each step."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self.spans: dict[str, float] = {}

    def take(self, name: str) -> None:
        """Give the time since the last call to a step."""
        now = time.monotonic()
        self.spans[name], self._last = round(now - self._last, 3), now


def _check_paths(job: EmbedRaster) -> None:
    output = Path(job.output)
    if output.suffix.lower() not in SUFFIXES:
        raise BadJob(f"The embedding {output} must be a .tif file.")
    inputs = {"raster": job.input, "second raster": job.second, "embedding to be like": job.like}
    for label, path in {**inputs, "mask": job.mask.split("|")[0]}.items():
        if path and output.exists() and Path(path).exists() and output.samefile(path):
            raise BadJob(f"The output {output} is the {label} itself. Choose another file.")


def _inputs(job: EmbedRaster) -> dict[str, str]:
    """Files that decide the result, by field."""
    names = ("input", "second", "mask", "like", "weights", "model")
    paths = {name: getattr(job, name) for name in names}
    return {name: path for name, path in paths.items() if path and Path(path.split("|")[0]).is_file()}


def _request(job: EmbedRaster) -> dict[str, Any]:
    """All that decides the result, without anything that has to be computed first."""
    values = {name: value for name, value in job.to_dict().items() if name not in UNDECISIVE}
    prints = {name: fingerprint(path) for name, path in _inputs(job).items()}
    for name in prints:
        values.pop(name)  # the content counts, not the place
    return {"format": FORMAT, "version": VERSION, "job": values, "inputs": prints}


def _warn_of_pixels(like: str, space: Space, reader: Reader, sample: WindowSample, progress: Progress) -> None:
    pixels = sampled_pixels(sample, len(reader.bands))
    _warn_of_outliers(reader, pixels, progress)
    if like and pixels.size:
        _warn_of_other_numbers(like, space.state or {}, reader, pixels, progress)


def _warn_of_outliers(reader: Reader, pixels: Float, progress: Progress) -> None:
    """Values far beyond the rest are mostly a nodata value that the file does not declare."""
    if pixels.shape[1] < FEWEST_PIXELS:
        return
    for name, band in zip(reader.band_names, pixels, strict=True):
        there = band[~np.isnan(band)] if reader.looks else band
        if len(there) < FEWEST_PIXELS:
            continue
        low, middle, high = np.percentile(there, (16, 50, 84))
        far = there[np.argmax(np.abs(there - middle))]
        if 0 < (high - low) * OUTLYING < abs(far - middle):
            progress.warning(
                f"'{name}' of {reader.path} holds {far:g}, far beyond the rest of it. If that stands for no value, "
                "declare it as nodata: such numbers spoil the embedding."
            )


def _warn_of_other_numbers(like: str, state: State, reader: Reader, pixels: Float, progress: Progress) -> None:
    """Bytes beside reflectance, or reflectance beside counts: networks cut off what lies beyond the stored range."""
    low, high = (np.asarray(state.get(name, ())) for name in ("low", "high"))
    if not len(low) == len(high) == len(pixels):
        return
    beyond = ((pixels < low[:, None]) | (pixels > high[:, None])).mean(axis=1)
    far = [name for name, share in zip(reader.band_names, beyond, strict=True) if share > FAR_SHARE]
    if far:
        progress.warning(
            f"Most values of {', '.join(far[:4])}{' and others' if len(far) > 4 else ''} in {reader.path} lie beyond "
            f"those that {like} was made from, and are cut off. Do the numbers of both mean the same?"
        )


def _plan(job: EmbedRaster, space: Space, backbone: Backbone, grid: Grid, progress: Progress) -> Plan:
    patch = backbone.patch_size_px
    tile = max(backbone.tile_size_px // patch, 1)
    overlap = -(-job.overlap_px // patch)
    if space.dates and job.overlap_px == EmbedRaster.defaults()["overlap_px"]:
        overlap = min(overlap, max(tile // SERIES_OVERLAP, 1), tile - 1)
    if overlap > tile // 2 and not backbone.exact:
        progress.warning(f"Tiles of {tile * patch} px cannot overlap by {job.overlap_px} px; half a tile is taken.")
        overlap = tile // 2
    return make_plan(
        grid.height, grid.width, tile=tile, overlap=overlap, exact=backbone.exact,
        batch=suitable_batch(backbone, job.batch_size), dimensions=_dimensions(space, backbone),
        itemsize=1 if job.storage == "bytes" else 4,
    )  # fmt: skip


def _dimensions(space: Space, backbone: Backbone) -> int:
    """Bands of the output: components are taken where a backbone's own dimensions are not components already."""
    return min(space.dimensions or backbone.embed_dim, backbone.embed_dim)


def _settle(space: Space, runner: Runner, drawn: Sample, progress: Progress) -> Space:
    """Fit what is still open on the sampled vectors: components, ranges of the bytes, picture."""
    backbone = runner.backbone
    wish = _dimensions(space, backbone)
    if space.dimensions > backbone.embed_dim:
        progress.warning(f"The backbone gives {backbone.embed_dim} dimensions; {space.dimensions} were asked for.")
    if wish < backbone.embed_dim:
        fitted = components.fit(drawn.vectors, wish)
        runner.backbone = backbone = components.ReducedBackbone(backbone, fitted)
        drawn.map(fitted.project)
    quantiser = space.quantiser or quantise.fit(drawn.vectors)
    if space.quantiser is not None:
        _warn_of_clipping(quantiser, drawn, progress)
    return replace(
        space, state=backbone.state(), identity=backbone.identity, quantiser=quantiser,
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
    if job.device not in ("auto", "cpu") and not backbone.device.lower().startswith((job.device, "gpu")):
        progress.warning(
            f"Backbone {job.backbone} has no use for the device '{job.device}': it runs on {backbone.device}."
        )
    size = plan.height * plan.width * plan.dimensions * (1 if job.storage == "bytes" else 4)
    tiles = sum(len(batch.tiles) for batch in plan.batches)
    progress.info(
        f"{plan.width} x {plan.height} cells of {backbone.patch_size_px} px, {plan.dimensions} dimensions, at most "
        f"{size / 1e6:,.0f} MB before compression; {tiles} tile{'s' if tiles != 1 else ''} on "
        f"{backbone.device}."
    )


def _foretell(runner: Runner, plan: Plan, progress: Progress) -> None:
    left = sum(len(batch.tiles) for batch in plan.batches) - runner.tiles
    if runner.tiles and left > 0:
        seconds = runner.seconds / runner.tiles * left
        text = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
        progress.info(f"About {text} to go, judged by {runner.tiles} tiles.")


def _writer(
    job: EmbedRaster, space: Space, backbone: Backbone, grid: Grid, plan: Plan, request: Mapping[str, Any]
) -> BlockWriter:
    stored = job.storage == "bytes" and space.quantiser is not None
    scale = space.quantiser.scale if stored and space.quantiser else np.ones(backbone.embed_dim, np.float32)
    offset = space.quantiser.offset if stored and space.quantiser else np.zeros(backbone.embed_dim, np.float32)
    bands = [Band(n, float(s), float(o)) for n, s, o in zip(backbone.band_names, scale, offset, strict=True)]
    return BlockWriter(
        job.output, grid, bands, "uint8" if stored else "float32", nodata=0 if stored else float("nan"),
        signature=request, tags=_tags(space, backbone, request), keep=space.to_json(), block=plan.block,
        foreseen_ratio=COMPRESSED_SHARE,
    )  # fmt: skip


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
    seconds: Mapping[str, float],
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
        "storage": job.storage,
        "bytes": Path(job.output).stat().st_size,
        "seconds": {**seconds, "forward": round(runner.seconds, 3)},
        "picture": dict(space.picture),
        "identity": backbone.identity,
        "request": digest(request),
        "signature": _signature(backbone, request),
        "weights_sha256": stored_weights(space),
        "space": space.to_json(),
    }
