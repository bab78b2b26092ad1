"""Rasters opened for the thread that reads tiles of them, at home or in a worker elsewhere."""

from collections.abc import Callable

from ..models.contract import Backbone
from .feeding import TileSource
from .grid import Grid, Window
from .region import PolygonMask
from .scene import Scene
from .windows import Reader


def opener(
    scene: Scene, region: Window, grid: Grid, mask: str, backbone: Backbone
) -> Callable[[], tuple[Reader, TileSource]]:
    """What opens a scene, and what reads its tiles for a backbone; the thread that calls it owns both.

    Args:
        scene: files and bands.
        region: the pixels that the output covers.
        grid: of the output.
        mask: path of polygons; empty: all cells count.
        backbone: whose halo and edges are wanted.
    """

    def open_source() -> tuple[Reader, TileSource]:
        cells = PolygonMask(mask, grid) if mask else None
        own = scene.open()
        return own, TileSource(own, region, backbone.patch_size_px, backbone.halo_px, not backbone.exact, cells)

    return open_source
