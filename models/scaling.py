"""Statistics of bands and what is done with them: standardising, and bringing to 0..1 for networks."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contract import Bool, BuildRequest, Float, State
from .errors import ModelError, UnusableModel

Sample = Callable[[], Iterator[tuple[Float, Bool]]]
MOST_PIXELS = 200_000
"""Pixels looked at for percentiles; more do not change them visibly."""
SQUARABLE = 1e18
"""Squares of larger numbers are beyond float32."""
GENERAL = ("auto", "percentiles", "dtype", "none")
"""Scalings for any bands; the others are for networks that bring their own."""
RANGES = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0), "uint16": (0.0, 65535.0), "int16": (-32768.0, 32767.0)}


def sampled_pixels(sample: Sample, in_chans: int) -> Float:
    """Valid pixels of the sample, thinned evenly to about `MOST_PIXELS`.

    Returns:
        (C, N) float32; N may be 0.
    """
    total = sum(int(valid.sum()) for _, valid in sample())
    step = max(1, -(-total // MOST_PIXELS))
    kept, seen = [], 0
    for values, valid in sample():
        inside = values[:, valid]
        kept.append(inside[:, -seen % step :: step])
        seen += inside.shape[1]
    return np.concatenate(kept, axis=1) if kept else np.zeros((in_chans, 0), np.float32)


@dataclass(frozen=True)
class Standardiser:
    """(value - centre) / scale for each band."""

    centre: Float
    """(C,) float32."""
    scale: Float
    """(C,) float32, above 0."""

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Standardised bands, 0 (the mean) at invalid pixels.

        Args:
            values: (C, H, W) float32.
            valid: (H, W) bool.

        Returns:
            (C, H, W) float32.
        """
        result = (values - self.centre[:, None, None]) / self.scale[:, None, None]
        if not valid.all():
            result *= valid
        return result


def standardiser_of(sample: Sample, in_chans: int) -> Standardiser:
    """Mean and standard deviation of each band. Constant bands get scale 1, so they become 0."""
    pixels = sampled_pixels(sample, in_chans).astype(np.float64)
    if not pixels.shape[1]:
        return Standardiser(np.zeros(in_chans, np.float32), np.ones(in_chans, np.float32))
    centre = pixels.mean(axis=1).astype(np.float32)
    spread = pixels.std(axis=1)
    constant = spread <= 1e-6 * np.maximum(np.abs(centre), 1e-30)
    # The mean of a constant band can be off by rounding; its first value is not.
    centre = np.where(constant, pixels[:, 0], centre).astype(np.float32)
    return Standardiser(centre, np.where(constant, 1.0, spread).astype(np.float32))


@dataclass(frozen=True)
class SoftStandardiser:
    """knee * asinh((value - centre) / (knee * scale)): linear near the centre, logarithmic far out.

    Measured by the bulk of the pixels, rare bright or dark places stay far away, yet a cloud or a value that should
    have been nodata does not decide the components.
    """

    centre: Float
    """(C,) float32, median."""
    scale: Float
    """(C,) float32, half the width of the middle 68 %, above 0."""
    knee: float = 3.0
    """Scales from the centre at which compression sets in."""

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Scaled bands, 0 (the median) at invalid pixels.

        Args:
            values: (C, H, W) float32.
            valid: (H, W) bool.

        Returns:
            (C, H, W) float32.
        """
        knee = np.float32(self.knee)
        result = (values - self.centre[:, None, None]) / (knee * self.scale)[:, None, None]
        result = arcsinh(result)
        result *= knee if valid.all() else knee * valid
        return result


def arcsinh(values: Float) -> Float:
    """As numpy's, and as exact (1.9e-7 and 1.6e-7 off), in a sixth of its time: 4.4 instead of 26 ns a number.

    numpy has vector instructions for the logarithm on all processors, for this function on few.
    """
    size = np.abs(values)
    if size.max(initial=0) > SQUARABLE:
        exact: Float = np.arcsinh(values)
        return exact
    found: Float = values * values
    found += np.float32(1)
    np.sqrt(found, out=found)
    found += size
    np.log(found, out=found)
    np.copysign(found, values, out=found)
    return found


Standardise = Standardiser | SoftStandardiser
"""((C, H, W) values, (H, W) valid) to (C, H, W) float32 around 0, and 0 at invalid pixels."""


def soft_standardiser_of(sample: Sample, in_chans: int) -> SoftStandardiser:
    """Median and middle 68 % of each band; where most pixels are equal, a tenth of the standard deviation."""
    pixels = sampled_pixels(sample, in_chans).astype(np.float64)
    if not pixels.shape[1]:
        return SoftStandardiser(np.zeros(in_chans, np.float32), np.ones(in_chans, np.float32))
    low, centre, high = np.percentile(pixels, (16, 50, 84), axis=1)
    spread = pixels.std(axis=1)
    constant = spread <= 1e-6 * np.maximum(np.abs(centre), 1e-30)
    scale = np.where(constant, 1.0, np.maximum((high - low) / 2, spread / 10))
    return SoftStandardiser(centre.astype(np.float32), scale.astype(np.float32))


Hold = Callable[[Float], Any]
"""Makes a tensor of an array, on the device where it is wanted."""


def library_of(values: Any) -> Any:
    """Of numpy or torch, whichever the values are: `where`, `clip` and `floor` are called alike in both."""
    return np if isinstance(values, np.ndarray) else importlib.import_module("torch")


@dataclass(frozen=True)
class UnitRange:
    """(value - low) / (high - low) for each band, cut to 0..1; nothing at all when `low` is empty."""

    low: Float
    """(C,) float32, or (0,)."""
    high: Float
    """(C,) float32, or (0,)."""

    def __call__(self, values: Any) -> Any:
        """Scaled bands.

        Args:
            values: (B, C, H, W) float32, of numpy, or of torch after `on`.

        Returns:
            (B, C, H, W) float32, 0..1 unless scaling is `none`.
        """
        if not len(self.low):
            return values
        low, width = self.low[:, None, None], (self.high - self.low)[:, None, None]
        return library_of(values).clip((values - low) / width, 0, 1)

    def on(self, hold: Hold) -> "UnitRange":
        """The same for tensors."""
        return UnitRange(hold(self.low), hold(self.high))


def unit_range_of(scaling: str, dtype: str, sample: Sample, in_chans: int) -> UnitRange:
    """The range that `scaling` asks for.

    Args:
        scaling: `auto`, `percentiles`, `dtype` or `none`, as in the job.
        dtype: type of the stored values.
        sample: windows of the layer.
        in_chans: number of bands.

    Raises:
        ModelError: `dtype` was asked for values that have no natural range, or a scaling of another backbone.
    """
    nothing = np.zeros(0, np.float32)
    if scaling not in GENERAL:
        raise ModelError(
            f"The scaling '{scaling}' is not for this backbone: 'batch' is for CROMA, 'published' for SMARTIES. Set "
            "the scaling of the bands to 'auto'."
        )
    if scaling == "none":
        return UnitRange(nothing, nothing)
    if scaling == "dtype" or (scaling == "auto" and dtype in ("uint8", "int8")):
        if dtype not in RANGES:
            raise ModelError(
                f"Bands of type {dtype} have no natural range, so they cannot be scaled by it. "
                "Set the scaling of the bands to 'percentiles'."
            )
        low, high = RANGES[dtype]
        return UnitRange(np.full(in_chans, low, np.float32), np.full(in_chans, high, np.float32))
    pixels = sampled_pixels(sample, in_chans)
    if not pixels.shape[1]:
        return UnitRange(np.zeros(in_chans, np.float32), np.ones(in_chans, np.float32))
    low, high = np.percentile(pixels.astype(np.float64), (1, 99), axis=1)
    # A constant band becomes 0 throughout.
    return UnitRange(*_float32(low, np.where(high > low, high, low + 1)))


def _float32(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[Float, Float]:
    return low.astype(np.float32), np.maximum(high, np.nextafter(low.astype(np.float32), np.inf)).astype(np.float32)


@dataclass(frozen=True)
class NetworkInput:
    """What a network is given: bands scaled to 0..1, gaps filled with the band's mean, then normalised."""

    unit: UnitRange
    fill: Float
    """(C,) float32, mean of each scaled band."""
    mean: Float
    """(C,) float32, of the network's own training."""
    std: Float
    """(C,) float32, of the network's own training."""

    def __call__(self, values: Any, valid: Any) -> Any:
        """Normalised bands.

        Args:
            values: (B, C, H, W) float32, of numpy, or of torch after `on`.
            valid: (B, H, W) bool; None: all.

        Returns:
            (B, C, H, W) float32.
        """
        scaled = self.unit(values)
        if valid is not None:
            scaled = library_of(values).where(valid[:, None], scaled, self.fill[:, None, None])
        return (scaled - self.mean[:, None, None]) / self.std[:, None, None]

    def on(self, hold: Hold) -> "NetworkInput":
        """The same for tensors; `hold` makes a tensor of an array."""
        return NetworkInput(self.unit.on(hold), hold(self.fill), hold(self.mean), hold(self.std))

    def raw_fill(self) -> Float:
        """(C,) what `fill` is before scaling."""
        return self.unit.low + self.fill * (self.unit.high - self.unit.low) if self.unit.low.size else self.fill

    def state(self) -> State:
        """What was drawn from the raster."""
        return {"low": self.unit.low, "high": self.unit.high, "fill": self.fill}


def network_input(request: BuildRequest, mean: Sequence[float], std: Sequence[float]) -> NetworkInput:
    """Scaling from the state or drawn from the sample; mean and std are repeated over the bands.

    Args:
        request: its scaling, dtype, sample and state are used.
        mean: of the network's training, on 0..1.
        std: of the network's training, on 0..1.

    Raises:
        ModelError: the scaling does not fit the type of the bands, or the state the number of bands.
    """
    channels = np.arange(request.in_chans)
    means, stds = (np.asarray(numbers, np.float32)[channels % len(numbers)] for numbers in (mean, std))
    if request.state is not None:
        unit, fill = UnitRange(request.state["low"], request.state["high"]), request.state["fill"]
        if len(fill) != request.in_chans:
            raise UnusableModel(
                f"This embedding space was made from {len(fill)} bands, but the raster has {request.in_chans}. "
                "Choose as many bands, in the same order."
            )
    else:
        unit = unit_range_of(request.scaling, request.dtype, request.sample, request.in_chans)
        pixels = unit(sampled_pixels(request.sample, request.in_chans)[None, :, :, None])[0, :, :, 0]
        fill = pixels.mean(axis=1, dtype=np.float64).astype(np.float32) if pixels.size else means
    return NetworkInput(unit, fill, means, stds)
