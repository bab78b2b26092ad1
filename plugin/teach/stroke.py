"""From a stroke over the map to the cells that it passes over: none is missed, however quick the hand.

Pure arithmetic. Positions are (column, row) as fractions, as in `grid`.
"""

import math
from typing import Iterator, List, Tuple

Position = Tuple[float, float]
Cell = Tuple[int, int]
"""Row and column."""


def crossed(start: Position, end: Position) -> Iterator[Cell]:
    """All cells that a straight line passes through, in order; each shares an edge with the one before."""
    (x, y), (x1, y1) = start, end
    col, row, last_col, last_row = math.floor(x), math.floor(y), math.floor(x1), math.floor(y1)
    dx, dy = x1 - x, y1 - y
    across, down = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    # How far along the line, 0 to 1, the next edge between columns and between rows is.
    next_x = ((col + (dx > 0)) - x) / dx if dx else math.inf
    next_y = ((row + (dy > 0)) - y) / dy if dy else math.inf
    yield row, col
    for _ in range(abs(last_col - col) + abs(last_row - row)):
        step_across = col != last_col and (next_x <= next_y or row == last_row)
        if step_across:
            col += across
            next_x += across / dx
        else:
            row += down
            next_y += down / dy
        yield row, col


def parts(start: Position, end: Position, longest: float) -> List[Position]:
    """Points along a line, without its beginning, no further apart than `longest`."""
    (x, y), (x1, y1) = start, end
    count = max(1, math.ceil(math.hypot(x1 - x, y1 - y) / longest))
    return [(x + (x1 - x) * i / count, y + (y1 - y) * i / count) for i in range(1, count + 1)]
