"""Any network in an ONNX file: [N, C, H, W] in, [N, D] or [N, D, h, w] out.

Files made for Deepness work; `quadrat_mean`, `quadrat_std` and `quadrat_tile_size` in the metadata of the file say
how it wants its input (JSON lists and a number). Without them bands are scaled to 0..1 and nothing else. Files that
Quadrat wrote (`twin.py`) take pixels as they are stored.

Source: https://onnx.ai
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract import Bool, BuildRequest, Float
from ..crew import thread_count
from ..errors import MissingLibrary, OutOfMemory, UnusableModel, WeightsNotFound, starved
from ..identity import identity_of
from ..loading import sha256_of
from ..onnxnotes import FILL, PIXELS, RAW, TILE
from ..scaling import NetworkInput, UnitRange, network_input

TILE_PX, MOST_TILE_PX = 224, 4096
"""For files that take any size and name none; and at most."""
ACCEPTED = "A network must take [N, C, H, W] float32 and give [N, D] or [N, D, h, w]."
MEAN_KEYS = ("quadrat_mean", "standardization_mean")
STD_KEYS = ("quadrat_std", "standardization_std")
TILE_KEYS = (TILE, "tile_size")
FILL_KEYS = (FILL,)
PROVIDERS = {
    "cuda": ("CUDAExecutionProvider", "CUDA"),
    "directml": ("DmlExecutionProvider", "DirectML"),
    "mps": ("CoreMLExecutionProvider", "CoreML"),
}
"""Of onnxruntime by device, with their names for people; which of them there are depends on how it was built."""


class OnnxNetwork:
    """An ONNX session behind the contract."""

    halo_px = 0
    exact = False
    ordered = False

    def __init__(self, request: BuildRequest, session: Any, prepare: NetworkInput, device: str, path: Path) -> None:
        self.in_chans = request.in_chans
        self.device = device
        self._session = session
        self._prepare = prepare
        self._path = path
        entry = session.get_inputs()[0]
        self._entry_name = entry.name
        self._fixed_batch = entry.shape[0] if isinstance(entry.shape[0], int) else 0
        self._height, self._width = (size if isinstance(size, int) else 0 for size in entry.shape[2:])
        self.tile_size_px = _tile_size(request, session, self._height, self._width, path)
        trial = self._run(np.zeros((1, self.in_chans, self.tile_size_px, self.tile_size_px), np.float32))
        self.embed_dim = trial.shape[1]
        self.patch_size_px = _patch_size(trial, self.tile_size_px, path)
        self.band_names = tuple(f"feature {number}" for number in range(1, self.embed_dim + 1))
        facts = {"backbone": "onnx", "file": sha256_of(path), "in_chans": self.in_chans, "cell": self.patch_size_px}
        self.identity = identity_of(facts, {"mean": prepare.mean, "std": prepare.std, **prepare.state()})

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Vectors of a batch; a network that gives one vector for a tile makes cells as large as the tile."""
        found = self._run(self._prepared(values, valid))
        return found if found.ndim == 4 else found[:, :, None, None]

    def pooled(self, values: Float, valid: Bool) -> Float:
        """One vector for each window: what the network gives, or the mean over its map: (B, D) float32."""
        prepared = self._prepared(values, valid)
        size = self._size_for(*prepared.shape[2:])
        found = self._run(np.stack([_resized(window, size) for window in prepared]) if len(prepared) else prepared)
        return found if found.ndim == 2 else found.mean(axis=(2, 3))

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Range and mean of the bands."""
        return self._prepare.state()

    def _prepared(self, values: Float, valid: Bool) -> Float:
        prepared: Float = self._prepare(values, None if valid.all() else valid)
        return prepared

    def _size_for(self, height: int, width: int) -> tuple[int, int]:
        """The nearest size that the network takes."""
        step = self.patch_size_px if self.patch_size_px < self.tile_size_px else 1
        free = tuple(max(step, round(side / step) * step) for side in (height, width))
        return self._height or free[0], self._width or free[1]

    def _run(self, pixels: Float) -> Float:
        """(B, C, H, W) normalised to what the network gives, with the batches that it takes.

        Raises:
            OutOfMemory: the batch does not fit.
            UnusableModel: the network fails on this size, or gives something else than features.
        """
        size = self._fixed_batch or max(1, len(pixels))
        found = []
        for start in range(0, len(pixels), size):
            batch = pixels[start : start + size]
            count = len(batch)
            if count < size and self._fixed_batch:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - count, axis=0)])
            found.append(self._once(np.ascontiguousarray(batch))[:count])
        return np.concatenate(found)

    def _once(self, batch: Float) -> Float:
        try:
            result = self._session.run(None, {self._entry_name: batch})[0]
        except Exception as error:
            # onnxruntime raises classes of its own that share no public base.
            text = str(error)
            if starved(error):
                raise OutOfMemory(
                    "The tiles of one batch do not fit into memory. Use fewer tiles in a batch."
                ) from error
            side = " x ".join(map(str, batch.shape[2:]))
            raise UnusableModel(
                f"The network {self._path.name} fails on a tile of {side} px: {text.splitlines()[0][:200]}. "
                "Set the tile size that it was made for."
            ) from error
        if not isinstance(result, np.ndarray) or result.ndim not in (2, 4) or result.shape[0] != len(batch):
            shape = list(getattr(result, "shape", ()))
            raise UnusableModel(f"The network {self._path.name} gives an array of shape {shape}. {ACCEPTED}")
        return result.astype(np.float32)


def build(request: BuildRequest) -> OnnxNetwork:
    """The network of the file that `model` (or `weights`) names.

    Raises:
        MissingLibrary: no onnxruntime.
        WeightsNotFound: there is no such file.
        UnusableModel: it is damaged, or takes or gives something else than accepted.
    """
    path = Path(request.model or request.weights)
    if not str(request.model or request.weights):
        raise UnusableModel("The backbone onnx needs the path of an ONNX file as 'Model'.")
    if not path.is_file():
        raise WeightsNotFound(f"The ONNX file {path} does not exist. Give the path of the file as 'Model'.")
    session, device = _open(path, request)
    notes = session.get_modelmeta().custom_metadata_map
    _check_entry(session, request, path)
    if notes.get(PIXELS) == RAW:
        return OnnxNetwork(request, session, _raw_input(request, notes, path), device, path)
    mean, std = _numbers(notes, MEAN_KEYS, path) or [0.0], _numbers(notes, STD_KEYS, path) or [1.0]
    if min(std) <= 0:
        raise UnusableModel(f"The metadata of {path.name} hold a standard deviation that is not above 0. Correct them.")
    return OnnxNetwork(request, session, network_input(request, mean, std), device, path)


def _raw_input(request: BuildRequest, notes: Mapping[str, str], path: Path) -> NetworkInput:
    """For files that scale the bands themselves: nothing is drawn from the raster.

    Raises:
        UnusableModel: what stands for no value is not told for each band.
    """
    nothing, fill = np.zeros(0, np.float32), np.array(_numbers(notes, FILL_KEYS, path), np.float32)
    if len(fill) != request.in_chans:
        raise UnusableModel(f"The network {path.name} takes {len(fill)} bands, but {request.in_chans} are given.")
    mean, std = np.zeros(request.in_chans, np.float32), np.ones(request.in_chans, np.float32)
    return NetworkInput(UnitRange(nothing, nothing), fill, mean, std)


def _open(path: Path, request: BuildRequest) -> tuple[Any, str]:
    """Session and device in words."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingLibrary("ONNX files need onnxruntime, which this engine lacks. Repair the engine.") from error
    wanted = _providers(request.device, onnxruntime.get_available_providers(), onnxruntime.__version__)
    options = onnxruntime.SessionOptions()
    count = options.intra_op_num_threads = thread_count(request.threads)
    # Threads that wait in circles take the cores from those that read and write: 310 instead of 190 CPU milliseconds
    # for four tiles of a ViT-tiny on two busy cores, and a third more by the clock.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    if "DmlExecutionProvider" in wanted:  # which knows neither of both
        options.enable_mem_pattern, options.execution_mode = False, onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[*wanted, "CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime raises classes of its own that share no public base.
        if starved(error):
            raise OutOfMemory(f"The network {path.name} does not fit into memory.") from error
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise UnusableModel(
            f"The file {path} cannot be read as an ONNX network ({reason}). Export or copy it again."
        ) from error
    # A provider that fails to start leaves the session to the CPU; what runs is what is told.
    for provider, title in PROVIDERS.values():
        if provider in session.get_providers():
            return session, f"{title}: onnxruntime"
    return session, f"CPU, {count} thread{'s' if count > 1 else ''}"


def _providers(device: str, available: Sequence[str], version: str) -> list[str]:
    """What runs the network, before the CPU.

    CoreML computes with half as many digits and is taken only when it is asked for.

    Raises:
        UnusableModel: the device wished for is not there; falling back in silence would hide hours.
    """
    if device == "cpu":
        return []
    if device == "auto":
        return [name for kind, (name, _) in PROVIDERS.items() if kind != "mps" and name in available][:1]
    if device not in PROVIDERS or PROVIDERS[device][0] not in available:
        raise UnusableModel(
            f"The device '{device}' is not available to onnxruntime {version} here. Choose the device 'auto' or 'cpu'."
        )
    return [PROVIDERS[device][0]]


def _check_entry(session: Any, request: BuildRequest, path: Path) -> None:
    """Refuses networks whose input or output has another shape.

    Raises:
        UnusableModel: with what is accepted.
    """
    entries, results = session.get_inputs(), session.get_outputs()
    if len(entries) != 1 or len(entries[0].shape) != 4 or entries[0].type != "tensor(float)":
        described = "; ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in entries)
        raise UnusableModel(f"The network {path.name} takes {described}. {ACCEPTED}")
    bands = entries[0].shape[1]
    if isinstance(bands, int) and bands != request.in_chans:
        raise UnusableModel(
            f"The network {path.name} takes {bands} bands, but {request.in_chans} are given. Choose {bands} bands."
        )
    rank = len(results[0].shape) if results[0].shape else None
    if rank not in (None, 2, 4):
        more = " Tokens [N, T, D] leave open where each lies: export the map or the pooled vector." if rank == 3 else ""
        raise UnusableModel(f"The network {path.name} gives {results[0].shape}. {ACCEPTED}{more}")


def _tile_size(request: BuildRequest, session: Any, height: int, width: int, path: Path) -> int:
    """Side of the tile: the network's own, the user's, the file's metadata, or 224."""
    if height and width and height != width:
        raise UnusableModel(f"The network {path.name} takes tiles of {height} x {width} px; tiles must be square here.")
    own = height or width
    if own and request.tile_size_px not in (0, own):
        raise UnusableModel(
            f"The network {path.name} takes tiles of {own} px only, not {request.tile_size_px}. Set {own} or 0."
        )
    noted = _numbers(session.get_modelmeta().custom_metadata_map, TILE_KEYS, path)
    tile = int(own or request.tile_size_px or (noted[0] if noted else TILE_PX))
    if not 1 <= tile <= MOST_TILE_PX:
        raise UnusableModel(f"The network {path.name} asks for tiles of {tile} px; give one up to {MOST_TILE_PX} px.")
    return tile


def _patch_size(trial: Float, tile: int, path: Path) -> int:
    """Pixels a cell.

    Raises:
        UnusableModel: the map does not divide the tile into squares.
    """
    if trial.ndim == 2:
        return tile
    height, width = trial.shape[2:]
    if height != width or tile % height:
        raise UnusableModel(
            f"The network {path.name} turns a tile of {tile} px into {height} x {width} cells, which does not divide "
            "it evenly. Set another tile size."
        )
    return tile // int(height)


def _numbers(notes: Mapping[str, str], keys: tuple[str, ...], path: Path) -> list[float]:
    """Numbers under the first key that the file's metadata hold; empty when there is none.

    Raises:
        UnusableModel: what is there is no number or list of numbers.
    """
    text = next((notes[key] for key in keys if notes.get(key)), "")
    if not text:
        return []
    try:
        found = json.loads(text)
        numbers = [float(number) for number in (found if isinstance(found, list) else [found])]
        if keys != FILL_KEYS and not np.isfinite(numbers).all():  # NaN is what fills bands of a date without pixels
            raise ValueError(text)
        return numbers
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UnusableModel(
            f"The metadata of {path.name} hold '{text[:60]}' where numbers belong. Correct them."
        ) from error


def _resized(window: Float, size: tuple[int, int]) -> Float:
    """(C, H, W) to (C, *size), bilinear."""
    for axis, length in zip((1, 2), size, strict=True):
        old = window.shape[axis]
        if old != length:
            place = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
            low = np.floor(place).astype(np.intp)
            share = (place - low).astype(np.float32)
            share = share[:, None] if axis == 1 else share
            high = np.minimum(low + 1, old - 1)
            window = window.take(low, axis) * (1 - share) + window.take(high, axis) * share
    return window
