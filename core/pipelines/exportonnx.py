"""Embedding in, ONNX twin of its backbone out; both are run on the same pixels before the file is kept."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.contract import Backbone, BuildRequest, Float
from ...models.errors import ModelError
from ..atomic import check_folder, replacing
from ..bands.values import DECIBEL, PICTURE, REFLECTANCE
from ..classes import entries_from
from ..components import ReducedBackbone
from ..errors import BadInput, BadJob, QuadratError
from ..heads.storage import load_head
from ..jobs.declare import Result
from ..jobs.embed import EmbedRaster
from ..jobs.export import ExportOnnx
from ..labels import space_of as space_of_raster
from ..linearhead import LinearHead, linear_head
from ..progress import Progress
from ..raster import environment, open_raster
from ..space import Space, restore, space_of
from ..trained import check_facts, check_space

NUMBERS = {REFLECTANCE: "reflectance x 10000", PICTURE: "0 to 255", DECIBEL: "decibels"}
"""What bands of these units are given to a network as."""
MOST_DIFFERENCE = 1e-4
"""Of a vector's numbers, measured by the largest of them, or by 1."""
TILES = 2


def run(job: ExportOnnx, progress: Progress) -> Result:
    """Write the twin.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    if Path(job.output).suffix.lower() != ".onnx":
        raise BadJob(f"The output {job.output} must be an .onnx file.")
    check_folder(job.output)
    with environment():
        space = space_of(EmbedRaster(input=job.embedding, like=job.embedding, output=job.output))
    space = replace(space, weights=job.weights or space.weights)
    progress.checkpoint(0.0, "Building the backbone")
    backbone = restore(space, progress.info)
    head = _head(job, progress) if job.head else None
    with replacing(job.output) as path:
        progress.checkpoint(0.2, "Writing the network")
        _write(backbone, space, head, path)
        progress.checkpoint(0.7, "Comparing both")
        difference = _difference(backbone, space, head, path)
    facts = {
        "result": "onnx", "backbone": space.backbone, "model": space.model, "dimensions": backbone.embed_dim,
        "tile_size_px": backbone.tile_size_px, "patch_size_px": backbone.patch_size_px, "head": job.head,
        "classes": list(head.names) if head else [], "largest_difference": difference,
        "bytes": Path(job.output).stat().st_size, "identity": backbone.identity,
    }  # fmt: skip
    out = f"{backbone.embed_dim} numbers" if head is None else head.words
    progress.info(
        f"Pixels [n, {backbone.in_chans}, {backbone.tile_size_px}, {backbone.tile_size_px}] in, {out} for each "
        f"{backbone.patch_size_px} px out; both agree to {difference:.0e}."
    )
    return Result(ExportOnnx.facts.id, {"output": job.output}, facts, time.monotonic() - started)


def _head(job: ExportOnnx, progress: Progress) -> LinearHead:
    """The head, which must be of the embedding's space."""
    facts, estimator = load_head(job.head)
    check_facts(facts, estimator, job.head)
    with environment(), open_raster(job.embedding) as reader:
        check_space(facts, space_of_raster(reader), job.embedding, progress)
    return linear_head(estimator, entries_from(facts["classes"]), job.head)


def _write(backbone: Backbone, space: Space, head: LinearHead | None, path: Path) -> None:
    """The file of a backbone.

    Raises:
        BadInput: it has no form as ONNX.
    """
    inner = backbone.inner if isinstance(backbone, ReducedBackbone) else backbone
    make, fill = getattr(inner, "module", None), getattr(inner, "raw_fill", None)
    if make is None or fill is None:
        raise BadInput(
            f"The backbone {space.backbone} is no network of PyTorch and needs no twin: it runs in the light engine as "
            "it is."
        )
    from ...models import twin

    side, card = backbone.tile_size_px, space.card
    facts = {
        "name": card.name, "title": card.title, "model": space.model, "licence": card.licence, "source": card.source,
        "bands": list(space.roles), "units": list(space.units), "dates": list(space.dates),
        "months": list(space.months),
        "numbers": [NUMBERS.get(unit, unit) for unit in space.units],
        "patch_size_px": backbone.patch_size_px, "dimensions": backbone.embed_dim, "identity": backbone.identity,
    }  # fmt: skip
    try:
        module = make()
        if isinstance(backbone, ReducedBackbone):
            module = twin.Projected(module, backbone.components.mean, backbone.components.axes)
        if head is not None:
            facts |= {"classes": list(head.names), "value": not head.names}
            module = twin.Headed(module, head.numbers())
        twin.export(module, path, (backbone.in_chans, side, side), twin.notes_of(fill(), side, facts))
    except ModelError as error:
        raise BadInput(str(error)) from error


def _difference(backbone: Backbone, space: Space, head: LinearHead | None, path: Path) -> float:
    """Largest difference of both on the same pixels, of which some are without a value.

    Raises:
        QuadratError: they do not agree.
    """
    from ...models.definitions.onnx_file import build

    pixels, valid = _pixels(backbone, space.state or {})
    request = BuildRequest(in_chans=backbone.in_chans, sample=lambda: iter(()), model=str(path))
    ours, theirs = backbone(pixels, valid), build(request)(pixels, valid)
    if head is not None:
        ours = head.of_map(ours)
    if ours.shape != theirs.shape:
        raise QuadratError(f"The ONNX file gives arrays of {theirs.shape} instead of {ours.shape}. It was not kept.")
    difference = float(np.abs(ours - theirs).max() / max(1.0, float(np.abs(ours).max())))
    if not difference <= MOST_DIFFERENCE:
        raise QuadratError(
            f"The ONNX file gives other vectors than the network (by {difference:.1e} of the largest). It was not kept."
        )
    return difference


def _pixels(backbone: Backbone, state: Any) -> tuple[Float, NDArray[np.bool_]]:
    """Made pixels between the ends of each band's range, a corner of each tile without a value."""
    side, rng = backbone.tile_size_px, np.random.default_rng(0)
    low, high = (np.asarray(state.get(name, ()), np.float32) for name in ("low", "high"))
    if len(low) != backbone.in_chans:
        low, high = np.zeros(backbone.in_chans, np.float32), np.ones(backbone.in_chans, np.float32)
    share = rng.random((TILES, backbone.in_chans, side, side), np.float32)
    valid = np.ones((TILES, side, side), np.bool_)
    valid[:, : side // 4, : side // 4] = False
    return (low[:, None, None] + share * (high - low)[:, None, None]) * valid[:, None], valid
