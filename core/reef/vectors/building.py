"""The backbone of a request, built for photographs of 8 bits."""

from collections.abc import Callable, Iterator

import numpy as np

from ....models.contract import Backbone, Bool, BuildRequest, Float, State
from ...progress import Progress
from ...space import Space, built
from .request import COLOURS, VectorRequest

CELL_PX = 4
"""Of backbones whose cells may have any size; a patch gets the mean of its cells."""
DRAWN_DIMENSIONS = 1024
"""Of backbones that draw as many features as are asked for: their own 8192 are for rasters."""
Sample = Callable[[], Iterator[tuple[Float, Bool]]]


def build_backbone(
    request: VectorRequest, sample: Sample, progress: Progress, *, state: State | None = None
) -> Backbone:
    """The backbone of a request.

    Args:
        request: checked here.
        sample: patches of photos, (3, h, w) float32 and (h, w) bool, for backbones that are drawn from what they see.
        progress: takes sentences, and ends a download when the user has stopped the job.
        state: of the backbone as it was built before; None draws it.

    Raises:
        BadJob: the request cannot be done.
        EngineTooSmall: a library is missing.
        WeightsMissing: no weights on this machine.
        BadInput: the model's file is unusable.
    """
    request.check()
    card = request.card
    # Files tell their own size, and networks that bring none take that of the patch.
    tile = 0 if card.free_patch or card.name == "onnx" else request.patch_px
    space = Space(request.backbone, request.model or card.model, request.weights, state=state)
    wish = BuildRequest(
        in_chans=len(COLOURS), sample=sample if card.drawn else plain_sample, dtype="uint8", roles=COLOURS, card=card,
        model=space.model, weights=request.weights, download=request.download,
        patch_size_px=CELL_PX if card.free_patch else 0, tile_size_px=tile,
        dimensions=card.default_dimensions or DRAWN_DIMENSIONS * card.drawn, device=request.device,
        threads=request.threads, seed=request.seed, state=state, log=progress.info, look=progress.checkpoint,
    )  # fmt: skip
    return built(space, wish)


def plain_sample() -> Iterator[tuple[Float, Bool]]:
    """One grey window: what networks take from a sample says nothing of photos of 8 bits, so all surveys share it."""
    yield np.full((len(COLOURS), 8, 8), 127.5, np.float32), np.ones((8, 8), np.bool_)
