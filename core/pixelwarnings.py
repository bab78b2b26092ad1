"""Warnings of pixels that spoil an embedding: undeclared nodata, numbers of another meaning than those of a space."""

import numpy as np

from ..models.contract import Float, State
from ..models.scaling import Sample, sampled_pixels
from .progress import Progress
from .space import Space
from .windows import Reader

OUTLYING = 10_000
"""Distances from the median, in widths of the middle two thirds, that no measured band reaches."""
FEWEST_PIXELS = 100
FAR_SHARE = 0.5
"""Of a band's values; two dates of one place hardly differ by so much."""


def warn_of_pixels(like: str, space: Space, reader: Reader, sample: Sample, progress: Progress) -> None:
    """Warn of what the sampled pixels show.

    Args:
        like: result whose space is wanted, for the sentence; empty where there is none.
        space: wished for or stored.
        reader: of the raster.
        sample: of its windows.
        progress: takes the warnings.
    """
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
