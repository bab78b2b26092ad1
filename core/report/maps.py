"""Maps of the report: where samples lie, by fold, and by right and wrong."""

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import svg

Float = NDArray[np.float64]
Layers = Sequence[tuple[str, NDArray[np.bool_]]]
WIDTH, MOST_HEIGHT = 420.0, 460.0
COARSE = 24
"""Cells along the longer side of the grid on which samples far apart are told from one another."""
MOST_PANELS = 4
FEWEST = 5
"""Samples that are worth a panel of their own."""
NEAR = 0.3
"""A cluster this large against the whole is seen well enough in one picture."""
GAP = 10.0
LEAST_PX = 3.5
"""Side of a square that can still be seen."""


def sample_maps(
    xy_m: Float, fold: NDArray[np.int64], count: int, right: Float, target: str, unit: str
) -> list[tuple[str, str]]:
    """Pictures of where samples lie: by fold, and by how often they were right.

    Args:
        xy_m: (N, 2) metres.
        fold: (N,) of the first repetition; negative where never tested.
        count: of folds.
        right: (N,) share of repetitions in which the sample was right, NaN where never tested.
        target: `class` or `value`.
        unit: of `xy_m`; empty when unknown.
    """
    layers = [("muted", fold < 0)] + [(fold_colour(k, count), fold == k) for k in range(count)]
    by_fold = places(xy_m, layers, "Labelled cells by fold", unit)
    tested = np.isfinite(right)
    good = tested & (np.nan_to_num(right) >= 0.5)
    outcome = places(
        xy_m, [("muted", ~tested), ("good", good), ("bad", tested & ~good)], "Labelled cells, right and wrong", unit
    )
    told = "Blue: mostly right. Orange: mostly wrong."
    if target == "value":
        told = "Blue: mostly nearer to the truth than half of all samples. Orange: mostly farther."
    grey = " Grey cells were never tested." if (~tested).any() else ""
    apart = " Places far apart are drawn side by side, each to its own scale." if len(clusters(xy_m)) > 1 else ""
    return [
        (by_fold, f"Labelled cells by fold: each colour was predicted by a head that had not seen that colour.{grey}"),
        (outcome, told + apart),
    ]


def fold_colour(number: int, count: int) -> str:
    """A hue for each fold, none like the grey of untested cells."""
    red, green, blue = colorsys.hls_to_rgb(number / max(count, 1), 0.52, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def clusters(xy_m: Float) -> list[NDArray[np.int64]]:
    """Indices of samples that lie together and far from the others; one list of all when they make no such clusters."""
    extent = float(np.ptp(xy_m, axis=0).max())
    everything = [np.arange(len(xy_m))]
    if extent <= 0:
        return everything
    cell = np.minimum(((xy_m - xy_m.min(axis=0)) / extent * COARSE).astype(np.int64), COARSE - 1)
    grid = np.zeros((COARSE, COARSE), dtype=bool)
    grid[cell[:, 0], cell[:, 1]] = True
    labels, count = ndimage.label(grid, np.ones((3, 3)))
    number = labels[cell[:, 0], cell[:, 1]]
    found = [np.flatnonzero(number == k + 1) for k in range(count)]
    small = all(np.ptp(xy_m[one], axis=0).max() < NEAR * extent for one in found)
    many = all(len(one) >= FEWEST for one in found)
    return found if 1 < count <= MOST_PANELS and small and many else everything


def places(xy_m: Float, layers: Layers, title: str, unit: str = "", side_m: float = 0.0) -> str:
    """A map of samples, north up; samples that fall on one spot show what most of them are.

    Args:
        xy_m: (N, 2) metres.
        layers: fill and the samples that have it.
        title: for screen readers.
        unit: of `xy_m`, for the scale bar; empty for none.
        side_m: of cells of a grid, which are drawn side by side as large as they are; 0: samples lie anywhere.
    """
    together = clusters(xy_m)
    width = (WIDTH - GAP * (len(together) - 1)) / len(together)
    panels = [_panel(xy_m[one], [(fill, mine[one]) for fill, mine in layers], width, unit, side_m) for one in together]
    height = max(height for _, height in panels)
    body = []
    for number, (marks, _) in enumerate(panels):
        left = number * (width + GAP)
        body.append(
            f'<rect class="cell" x="{left:.1f}" y="0" width="{width:.1f}" height="{height:.0f}" rx="6"/>'
            f'<g transform="translate({left:.1f} 0)">{"".join(marks)}</g>'
        )
    return svg.picture(WIDTH, height, title, body)


def _panel(xy_m: Float, layers: Layers, width: float, unit: str, side_m: float) -> tuple[list[str], float]:
    """Marks of one map, and its height."""
    span = np.maximum(np.ptp(xy_m, axis=0), 1e-9)
    bar = 26.0 if unit else 0.0
    scale = min((width - 16) / span[0], (MOST_HEIGHT - 16 - bar) / span[1])
    height = max(span[1] * scale + 16, 60.0)
    x = (width - span[0] * scale) / 2 + (xy_m[:, 0] - xy_m[:, 0].min()) * scale
    y = height / 2 + ((xy_m[:, 1].max() + xy_m[:, 1].min()) / 2 - xy_m[:, 1]) * scale
    side, origin = float(np.clip(0.5 * np.sqrt(width * height / max(len(xy_m), 1)), LEAST_PX, 8.0)), np.zeros(2)
    if side_m:
        side = (
            side_m * scale * max(1, int(np.ceil(LEAST_PX / (side_m * scale))))
        )  # several cells a square in large cities
        origin = np.array([x.min(), y.min()]) - side_m * scale / 2
    at = np.floor((np.stack([x, y], axis=1) - origin) / side + 1e-6)
    spot = np.unique(at.astype(np.int64), axis=0, return_inverse=True)
    corner, number = spot[0] * side + origin, spot[1].reshape(-1)
    votes = np.stack([np.bincount(number[mine], minlength=len(corner)) for _, mine in layers])
    most = votes.argmax(axis=0)
    marks = []
    for place, (fill, _) in enumerate(layers):
        squares = "".join(f"M{px:.1f} {py:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z" for px, py in corner[most == place])
        if squares:
            paint = f'class="{fill}"' if not fill.startswith("#") else f'fill="{fill}"'
            marks.append(f'<path {paint} d="{squares}"/>')
    return (marks + _scale_bar(width, height, scale, unit), height + bar) if unit else (marks, height)


def _scale_bar(width: float, height: float, scale: float, unit: str) -> list[str]:
    length = svg.round_below(0.4 * width / scale)
    name = f"{length / 1000:g} km" if unit == "m" and length >= 1000 else f"{length:g} {unit}"
    y = height + 12
    return [
        f'<path class="whisker" d="M8 {y:.1f}h{length * scale:.1f}m0 -4v8M8 {y - 4:.1f}v8"/>',
        svg.text(14 + length * scale, y + 4, name, kind="soft"),
    ]
