"""Vectors as bytes: codes 1 to 255 with scale and offset for each band, 0 for nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.crew import Crew, pieces_of

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

NODATA_CODE = 0
LOWEST_CODE, HIGHEST_CODE = 1, 255
TAIL_PERCENT = 0.05
WIDENED_BY = 0.25
"""Share of the sampled range that is added, half on each side, for cells that the sample did not meet."""
TOGETHER = 65_536
"""Numbers that are worked on at once; see `Quantiser.pieces`."""


@dataclass(frozen=True)
class Quantiser:
    """value = code * scale + offset, band by band.

    Attributes:
        scale: (D,) float32, above 0.
        offset: (D,) float32.
    """

    scale: Float
    offset: Float

    def encode(self, values: Float, valid: Bool) -> NDArray[np.uint8]:
        """(D, h, w) float32 and (h, w) bool to codes; what lies beyond the range gets the nearest code."""
        codes = np.empty(values.shape, np.uint8)
        for bands, some in self.pieces(values, valid):
            codes[bands] = some
        return codes

    def pieces(self, values: Float, valid: Bool) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """What `encode` gives, a few bands at a time; each piece is overwritten by the next.

        So many that each step finds its numbers in the processor's cache and is yet long enough to pay for its call.
        """
        factor = (1.0 / self.scale.astype(np.float64)).astype(np.float32)[:, None, None]
        shift = (0.5 - self.offset.astype(np.float64) / self.scale).astype(np.float32)[:, None, None]
        count = min(max(TOGETHER // max(valid.size, 1), 1), len(values))
        numbers, codes = (np.empty((count, *valid.shape), kind) for kind in (np.float32, np.uint8))
        whole = bool(valid.all())
        for start in range(0, len(values), max(count, 1)):
            bands = slice(start, min(start + count, len(values)))
            some, coded = numbers[: bands.stop - start], codes[: bands.stop - start]
            np.multiply(values[bands], factor[bands], out=some)
            np.add(some, shift[bands], out=some)
            np.clip(some, LOWEST_CODE, HIGHEST_CODE, out=some)
            np.copyto(coded, some, casting="unsafe")
            if not whole:
                coded *= valid
            yield bands, coded

    def decode(self, codes: NDArray[np.uint8]) -> Float:
        """(D, h, w) codes to values; code 0 gives the offset and means nothing."""
        return codes.astype(np.float32) * self.scale[:, None, None] + self.offset[:, None, None]

    def decode_rows(self, codes: NDArray[np.uint8]) -> Float:
        """As `decode`, for vectors (n, D)."""
        return codes.astype(np.float32) * self.scale + self.offset


def interleaved(bands: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(D, h, w) as (h, w, D), contiguous."""
    cells = np.empty((*bands.shape[1:], len(bands)), np.uint8)
    interleave(joined(bands), cells)
    return cells


def joined(bands: NDArray[np.uint8]) -> NDArray[np.unsignedinteger]:
    """Bands of (D, h, w) joined in pairs, pairs of pairs and once more, as far as their number is even.

    What is moved far is then moved up to eight bytes at a time: four times as quick as numpy's own way.
    """
    found: NDArray[np.unsignedinteger] = bands
    for wider in (np.uint16, np.uint32, np.uint64):
        if len(found) % 2:
            break
        pairs = np.empty((len(found) // 2, *found.shape[1:]), wider)
        halves = pairs.view(found.dtype).reshape(*pairs.shape, 2)
        halves[..., 0], halves[..., 1] = found[::2], found[1::2]
        found = pairs
    return found


def interleave(of: NDArray[Any], cells: NDArray[Any]) -> None:
    """Put (D / s, h, w) of `joined`, or plain bands, into (h, w, D) whose cells are contiguous."""
    cells.view(of.dtype)[...] = of.transpose(1, 2, 0)


def fit(sample: Float, threads: int = 0) -> Quantiser:
    """Scale and offset from sampled vectors.

    Args:
        sample: (N, D) float32, N at least 1.
        threads: that look for the tails of bands, 0: one for each core.
    """
    low, high = tails = np.empty((2, sample.shape[1]))

    def look(bands: slice) -> None:
        exact = sample.T[bands].astype(np.float64)
        tails[:, bands] = np.percentile(exact, [TAIL_PERCENT, 100 - TAIL_PERCENT], axis=1)

    Crew(threads).each(look, pieces_of(sample.shape[1], TOGETHER // len(sample)))
    span = high - low
    constant = span <= 1e-6 * np.maximum(np.abs(low), np.abs(high))
    middle = (low + high) / 2
    # A constant band gets its value at code 128 and room to both sides.
    width = np.where(constant, 0.254 * np.maximum(np.abs(middle), 1.0), span * (1 + WIDENED_BY))
    scale = width / (HIGHEST_CODE - LOWEST_CODE)
    offset = middle - scale * (HIGHEST_CODE + LOWEST_CODE) / 2
    return Quantiser(scale.astype(np.float32), offset.astype(np.float32))
