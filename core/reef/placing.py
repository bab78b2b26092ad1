"""Where points go on a photo: simple random, stratified random, uniform grid; the same for the same seed and name.

Source: the three designs of CPCe (Kohler and Gill 2006, doi:10.1016/j.cageo.2005.11.009) that CoralNet offers too.
Nothing here opens a photo.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, BadJob
from ..jobs.reef.placing import SIMPLE, STRATIFIED, UNIFORM

Places = NDArray[np.int64]
"""(N, 2) int64 row and column, 0-based pixels from the upper left."""


class Area(NamedTuple):
    """The part of a photo that points may lie in, in pixels."""

    top: int
    left: int
    height: int
    width: int


class Design(NamedTuple):
    """How many points go where."""

    kind: str
    points: int = 1
    """Of a simple random design."""
    rows: int = 1
    columns: int = 1
    """Cells of the others."""
    per_cell: int = 1
    """Points in each cell of a stratified design."""

    @property
    def total(self) -> int:
        """Points on each photo."""
        cells = self.rows * self.columns
        return {SIMPLE: self.points, STRATIFIED: cells * self.per_cell, UNIFORM: cells}[self.kind]

    def words(self) -> str:
        """For the methods of a paper."""
        cells = f"{self.rows} x {self.columns} cells"
        return {
            SIMPLE: f"{self.points} points at random",
            STRATIFIED: f"{self.per_cell} at random in each of {cells}",
            UNIFORM: f"the middles of {cells}",
        }[self.kind]


class Margins(NamedTuple):
    """What stays free at each side: pixels, or a share of the height or width."""

    top: float
    right: float
    bottom: float
    left: float
    shares: tuple[bool, bool, bool, bool]

    def area(self, height: int, width: int) -> Area | None:
        """What is left of a photo; None where nothing is."""
        sides = (height, width, height, width)
        pixels = [
            round(amount * side) if share else int(amount)
            for amount, share, side in zip(self[:4], self.shares, sides, strict=True)
        ]
        top, right, bottom, left = pixels
        rest = Area(top, left, height - top - bottom, width - left - right)
        return rest if rest.height > 0 and rest.width > 0 else None


def parse_margins(text: str) -> Margins:
    """From `0`, `50`, `5%`, `10 20` (above and below, left and right) or four: top, right, bottom, left.

    Raises:
        BadJob: anything else.
    """
    parts = text.replace(",", " ").replace("px", "").split() or ["0"]
    parts = parts * 4 if len(parts) == 1 else parts * 2 if len(parts) == 2 else parts
    try:
        if len(parts) != 4:
            raise ValueError
        shares = tuple(part.endswith("%") for part in parts)
        values = [float(part.rstrip("%")) / (100 if share else 1) for part, share in zip(parts, shares, strict=True)]
        fits = all(0 <= value < (1 if share else 1e6) for value, share in zip(values, shares, strict=True))
        whole = all(share or value == int(value) for value, share in zip(values, shares, strict=True))
        if not (fits and whole):
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise BadJob(
            f"Margins cannot be '{text}'. Write pixels or per cent: 50, or 5%, or four for top, right, bottom and left."
        ) from error
    top, right, bottom, left = values
    return Margins(top, right, bottom, left, (shares[0], shares[1], shares[2], shares[3]))


def place(design: Design, area: Area, seed: int, name: str) -> Places:
    """Points on one photo, in the order of their numbers; no pixel twice.

    Args:
        design: how many and where.
        area: they may lie in.
        seed: of the survey.
        name: of the photo: what is placed on it depends on no other photo.

    Raises:
        BadInput: fewer pixels than points.
    """
    draw = np.random.default_rng([seed, *_numbers(name)])
    if design.kind == SIMPLE:
        return _random(draw, area, design.points)
    rows, columns = _edges(area.height, design.rows), _edges(area.width, design.columns)
    cells = [
        Area(area.top + top, area.left + left, bottom - top, right - left)
        for top, bottom in rows
        for left, right in columns
    ]
    if design.kind == STRATIFIED:
        return np.concatenate([_random(draw, cell, design.per_cell) for cell in cells])
    middles = [(cell.top + (cell.height - 1) // 2, cell.left + (cell.width - 1) // 2) for cell in cells]
    return np.array(middles, dtype=np.int64)


def _edges(length: int, parts: int) -> list[tuple[int, int]]:
    """From where to where each part reaches; parts differ by one pixel at most.

    Raises:
        BadInput: more parts than pixels.
    """
    if parts > length:
        raise BadInput(f"{length:,} pixels cannot be cut into {parts:,} parts. Take fewer cells or smaller margins.")
    edges = np.arange(parts + 1) * length // parts
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _random(draw: np.random.Generator, area: Area, count: int) -> Places:
    pixels = area.height * area.width
    if count > pixels:
        raise BadInput(f"{count:,} points do not fit into {pixels:,} pixels. Take fewer points or smaller margins.")
    chosen = draw.choice(pixels, size=count, replace=False)
    return np.column_stack([area.top + chosen // area.width, area.left + chosen % area.width]).astype(np.int64)


def _numbers(name: str) -> tuple[int, int]:
    """Of a name, the same on every machine."""
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
