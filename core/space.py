"""The space of an embedding: which backbone with which settings and arrays, as a job asks for it or a file holds it."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..models import registry
from ..models.card import Card
from ..models.contract import Backbone, BuildRequest, State
from ..models.errors import MissingLibrary, ModelError, NoRoom, WeightsNotFound
from ..models.scaling import Sample
from ..models.weights.records import read_record
from ..models.weights.store import path_in_store
from .asked import content_of
from .components import Components, ReducedBackbone, split_state
from .errors import BadInput, BadJob, EngineTooSmall, QuadratError, Stale, Unwritable, WeightsMissing
from .jobs.declare import Kind
from .jobs.source import EmbedJob
from .layersource import parse_source
from .progress import Progress
from .quantise import Quantiser
from .raster import open_raster
from .scene import Scene
from .sidecar import decode_arrays, encode_arrays, read_sidecar
from .windows import Reader

DEFINITIONS = "..models.definitions"
FREE_PATCH_BELOW_PX = 4_000_000
"""One vector for each pixel up to here; above, one for each 4 x 4, or the result would dwarf the raster."""
COARSE_PATCH_PX = 4
_LISTS = ("bands", "second_bands", "roles", "units", "dates", "months")
"""Fields of a space that hold one thing a band."""


@dataclass(frozen=True)
class Space:
    """All that is needed to build a backbone again.

    Attributes:
        backbone: name of its card.
        model: name or file within it.
        weights: file that the user gave.
        bands: numbers of the bands, counted from 1; empty means all.
        second_bands: of the second raster.
        roles: of all bands, in order; empty where nobody asked.
        units: of their numbers, as the network gets them; empty where nobody asked.
        dates: of all bands, for backbones that take several; empty for others.
        months: of all bands, for such backbones.
        pixel_m: side of a pixel in metres, for such backbones.
        dimensions: wish; 0 for all.
        patch_size_px: wish; 0 for the backbone's own.
        scaling: of the bands.
        tile_size_px: wish; 0 for the backbone's own.
        seed: of what is drawn.
        state: arrays drawn from a raster; None while there are none.
        quantiser: ranges for storage in bytes, once known.
        picture: bands and ranges of a picture, once known.
        identity: of the backbone, once built.
        batch_size: tiles that a run took at once, which a run that goes on takes too; 0 where that is open.
        differences: bytes are packed as differences from their neighbours; so a run that goes on packs them too.
    """

    backbone: str
    model: str = ""
    weights: str = ""
    bands: tuple[int, ...] = ()
    second_bands: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    months: tuple[int, ...] = ()
    pixel_m: float = 0.0
    dimensions: int = 0
    patch_size_px: int = 0
    scaling: str = "auto"
    tile_size_px: int = 0
    seed: int = 0
    state: State | None = None
    quantiser: Quantiser | None = None
    picture: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""
    batch_size: int = 0
    differences: bool = True

    @property
    def card(self) -> Card:
        """Of the backbone.

        Raises:
            BadInput: a newer version made the file, with a backbone unknown here.
        """
        try:
            return registry.get(self.backbone)
        except KeyError as error:
            raise BadInput(str(error.args[0])) from error

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; arrays as base64."""
        plain = ("backbone", "model", "weights", "dimensions", "patch_size_px", "scaling", "tile_size_px", "seed")
        values: dict[str, Any] = {
            name: getattr(self, name) for name in (*plain, "pixel_m", "batch_size", "differences")
        }
        values |= {name: list(getattr(self, name)) for name in _LISTS}
        values |= {"picture": dict(self.picture), "identity": self.identity}
        values["state"] = None if self.state is None else encode_arrays(dict(self.state))
        if self.quantiser is not None:
            values["scale"] = self.quantiser.scale.tolist()
            values["offset"] = self.quantiser.offset.tolist()
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Space":
        """The space that `to_json` wrote.

        Raises:
            BadInput: damaged.
        """
        try:
            values = dict(values)
            scale, offset = values.pop("scale", None), values.pop("offset", None)
            state = values.pop("state")
            return cls(
                **{**values, **{name: tuple(values.get(name, ())) for name in _LISTS}},
                state=None if state is None else decode_arrays(state),
                quantiser=None
                if scale is None
                else Quantiser(np.array(scale, np.float32), np.array(offset, np.float32)),
            )
        except (TypeError, ValueError, KeyError) as error:
            raise BadInput("What is stored with an embedding is damaged; make the embedding again.") from error


def space_of(job: EmbedJob) -> Space:
    """The space that a job asks for, its own or that of `like`.

    Raises:
        BadJob: the job contradicts the embedding that it wants to be like, or names no model.
        BadInput: that embedding's sidecar is missing or damaged.
    """
    wish = Space(
        job.backbone, job.model or registry.get(job.backbone).model, job.weights, job.bands, job.second_bands,
        dimensions=job.dimensions, patch_size_px=getattr(job, "patch_size_px", 0), scaling=job.scaling,
        tile_size_px=job.tile_size_px, seed=job.seed,
    )  # fmt: skip
    if job.like:
        wish = _like(job, wish)
    return wish


def _like(job: EmbedJob, wish: Space) -> Space:
    sidecar = read_sidecar(parse_source(job.like).path)
    stored = sidecar["facts"].get("space") if sidecar else None
    if sidecar is not None and sidecar["facts"].get("product"):
        raise BadInput(
            f"{job.like} is a published embedding ({sidecar['facts']['product']}), whose vectors cannot be made here. "
            "Open the same product for the other place or year with 'Open published embedding'."
        )
    if sidecar is None or stored is None:
        raise BadInput(
            f"{job.like} has no file {job.like}.quadrat.json beside it that says how it was made, so its space cannot "
            "be taken over. Keep both files together."
        )
    if not _belong_together(job, sidecar["facts"]):
        raise Stale(f"{job.like} and its .quadrat.json do not belong together. Make that embedding again.")
    space = replace(Space.from_json(stored), batch_size=0)
    if space.card.needs_model and wish.model and Path(wish.model).is_file():
        space = replace(space, model=wish.model)  # the file may have moved; its identity is checked later
    for name, default in job.defaults().items():
        if name not in ("backbone", "model", "dimensions", "patch_size_px", "scaling", "tile_size_px", "seed"):
            continue
        wanted, there = getattr(wish, name), getattr(space, name)
        if wanted not in (default, there):
            label = job.params()[name].label.split(" (")[0]
            raise BadJob(
                f"{label} is {wanted}, but {job.like} was made with {there or 'the default'}. Leave it empty, or do "
                "not ask for the same space."
            )
    # A file that is gone may be in the store, or come from there; that it is the same, its identity tells.
    still = space.weights if Path(space.weights).is_file() or not _kept_in_store(space.card) else ""
    return replace(space, weights=wish.weights or still)


def _belong_together(job: EmbedJob, facts: Mapping[str, Any]) -> bool:
    """Whether a result is the one that its sidecar tells of."""
    if job.params()["like"].kind is Kind.RASTER:
        with open_raster(job.like) as reader:
            return reader.tags.get("signature") == facts.get("signature")
    return content_of(job.like) == facts.get("content")


def _kept_in_store(card: Card) -> bool:
    with suppress(ModelError):
        return card.weights is not None and path_in_store(card.weights.name) is not None
    return False


def stored_weights(space: Space) -> str:
    """SHA-256 of the weights that the store holds for a backbone; empty where the space names a file, or none are."""
    if space.weights or space.card.weights is None:
        return ""
    with suppress(ModelError):  # whoever reads them will say so
        path = path_in_store(space.card.weights.name)
        record = read_record(path) if path else None
        return record.sha256 if record else ""
    return ""


def build(
    space: Space, scene: Scene, reader: Reader, sample: Sample, job: EmbedJob, pixels: int,
    progress: Progress,
) -> Backbone:  # fmt: skip
    """The backbone of a space; what the space does not hold yet is drawn from the raster.

    Args:
        space: wished for or stored.
        scene: what is embedded.
        reader: of it.
        sample: of its windows.
        job: for device, threads and whether to download.
        pixels: of the region, which decide the patch where it is free.
        progress: takes sentences, and tells a download of weights when the user has stopped the job.

    Raises:
        EngineTooSmall: a library is missing.
        WeightsMissing: no weights on this machine.
        BadInput: the model does not fit the raster, or its file is unusable.
        Stale: the backbone is not the one that the space was made with.
    """
    card = space.card
    if job.precision != "float32" and not card.needs_torch:
        raise BadInput(f"The backbone {card.name} knows no half precision. Set the precision to 'float32'.")
    state, components = (None, None) if space.state is None else split_state(space.state)
    request = BuildRequest(
        in_chans=len(reader.bands), sample=sample, dtype=reader.dtype, band_names=reader.band_names,
        roles=scene.roles, wavelengths_nm=scene.wavelengths_nm, dates=scene.dates, months=scene.months,
        pixel_m=scene.pixel_m, card=card, model=space.model, weights=space.weights,
        download=job.download, patch_size_px=patch_of(space, pixels), tile_size_px=space.tile_size_px,
        scaling=space.scaling, dimensions=space.dimensions or card.default_dimensions,
        device=job.device, precision=job.precision, threads=job.threads, seed=space.seed, state=state,
        log=progress.info, look=progress.checkpoint,
    )  # fmt: skip
    return built(space, request, components)


def restore(space: Space, log: Callable[[str], None]) -> Backbone:
    """The backbone of a stored space, without the raster that it was made from.

    Args:
        space: with its state.
        log: takes sentences.

    Raises:
        As `build`; Stale too where the space holds no state.
    """
    if space.state is None:
        raise Stale("This embedding does not hold all that made it; make it again.")
    state, components = split_state(space.state)
    request = BuildRequest(
        in_chans=len(space.bands) + len(space.second_bands), sample=lambda: iter(()), roles=space.roles,
        dates=space.dates, months=space.months, pixel_m=space.pixel_m,
        card=space.card, model=space.model, weights=space.weights, patch_size_px=space.patch_size_px,
        tile_size_px=space.tile_size_px, scaling=space.scaling,
        dimensions=space.dimensions or space.card.default_dimensions, seed=space.seed, state=state, log=log,
    )  # fmt: skip
    return built(space, request, components)


def built(space: Space, request: BuildRequest, components: Components | None = None) -> Backbone:
    """The backbone of a request.

    Args:
        space: whose card and identity are used.
        request: for the builder.
        components: to reduce its vectors to.

    Raises:
        As `build`.
    """
    card = space.card
    missing = [name for name in card.requirements if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineTooSmall(_too_small(card))
    module, _, function = card.builder.partition(":")
    try:
        builder = getattr(importlib.import_module(f"{DEFINITIONS}.{module}", __package__), function)
        backbone: Backbone = builder(request)
    except ModelError as error:
        raise _translated(error, card) from error
    if components is not None:
        backbone = ReducedBackbone(backbone, components)
    if space.identity and backbone.identity != space.identity:
        raise Stale(
            f"The backbone {card.name} {space.model} on this machine is not the one that the embedding was made with "
            "(other weights or another version), so its space cannot be made again."
        )
    return backbone


def patch_of(space: Space, pixels: int) -> int:
    """Pixels to a cell to ask for; 0 leaves it to the network."""
    if space.patch_size_px or not space.card.free_patch:
        return space.patch_size_px
    return 1 if pixels <= FREE_PATCH_BELOW_PX else COARSE_PATCH_PX


def _too_small(card: Card) -> str:
    return f'Backbone {card.name} needs the full engine: run "Set up the engine" and choose full.'


def _translated(error: ModelError, card: Card) -> QuadratError:
    if isinstance(error, WeightsNotFound):
        return WeightsMissing(str(error))
    if isinstance(error, NoRoom):
        return Unwritable(str(error))
    if isinstance(error, MissingLibrary):
        return EngineTooSmall(f"{error} {_too_small(card)}")
    return BadInput(str(error))


def warn_of_device(name: str, wish: str, backbone: Backbone, progress: Progress) -> None:
    """Say that a device was asked for which the backbone has no use for.

    Args:
        name: of the backbone.
        wish: the device that the job names.
        backbone: built; it knows on what it runs.
        progress: takes the sentence.
    """
    if wish not in ("auto", "cpu") and not backbone.device.lower().startswith((wish, "gpu")):
        progress.warning(f"Backbone {name} has no use for the device '{wish}': it runs on {backbone.device}.")
