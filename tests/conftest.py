"""Rasters made on the spot for any test: CRS, type and the ways in which a pixel can be missing."""

import contextlib
import importlib.abc
import pathlib
import sys

import pytest

with contextlib.suppress(ImportError):  # not beside QGIS
    from hypothesis import settings

    # How fast something is, benchmarks tell: here a busy machine would make tests fail.
    settings.register_profile("quadrat", deadline=None)
    settings.load_profile("quadrat")

ABSENT = ("torch", "timm")
"""What the light engine lacks."""


class Absent(importlib.abc.MetaPathFinder):
    """Refuses to look for what the light engine lacks."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise AssertionError(f"marked same_without_torch, but it asks for {name}: take the mark away")


@contextlib.contextmanager
def absent():
    """As long as this lasts, nobody can import the libraries, nor ask whether they are there."""
    with contextlib.suppress(ImportError):
        import skops.io  # noqa: F401 - at its first import scikit-learn lists all its modules, one of which is for torch
    finder = Absent()
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in ABSENT}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(hidden)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Holds files to their mark.

    Every test runs in both engines, with PyTorch and without, unless its file says

        pytestmark = pytest.mark.same_without_torch

    Such files cost most of the time and know only libraries that are the same in both. The light suite leaves them out
    (pytest counts them as deselected), and here they fail in the full engine as soon as they go near PyTorch.
    """
    with absent() if item.get_closest_marker("same_without_torch") else contextlib.nullcontext():
        return (yield)


MISSING = ("none", "nodata", "nan", "alpha", "msk")
"""Ways in which a raster says that a pixel is not there."""


def waves(count, height, width, seed):
    """(count, height, width) smooth values with noise, about 50 to 190."""
    import numpy as np

    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:height, :width]
    smooth = [np.sin(rows / (5 + i)) + np.cos(cols / (7 + 2 * i)) for i in range(count)]
    return np.stack(smooth) * 25 + 120 + rng.normal(0, 4, (count, height, width))


@pytest.fixture
def make_raster(tmp_path):
    """A function that writes a GeoTIFF and gives its path.

    Values are smooth with noise, so that features differ from place to place. `holes` is a bool array (h, w) of pixels
    that are missing, said in the way of `missing`.
    """
    import numpy as np
    import rasterio
    from rasterio.transform import Affine

    def make(
        name="in.tif", values=None, *, count=3, height=40, width=50, dtype="uint8", crs="EPSG:32722", missing="none",
        holes=None, nodata=None, transform=None, names=(), scales=None, offsets=None, seed=0, **profile,
    ):  # fmt: skip
        values = np.asarray(waves(count, height, width, seed) if values is None else values).astype(dtype)
        count, height, width = values.shape
        holes = np.zeros((height, width), bool) if holes is None else holes
        if missing == "nodata":
            nodata = 0 if nodata is None else nodata
            values = np.where(holes, np.asarray(nodata, dtype), values)
        elif missing == "nan":
            values = np.where(holes, np.nan, values).astype(dtype)
        path = pathlib.Path(tmp_path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        alpha = missing == "alpha"
        profile = {
            "driver": "GTiff", "count": count + alpha, "height": height, "width": width, "dtype": dtype, "crs": crs,
            "transform": transform or Affine(10, 0, 600_000, 0, -10, 9_000_000), "nodata": nodata,
            "photometric": "minisblack", "alpha": "unspecified" if alpha else "no", **profile,
        }  # fmt: skip
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "w", **profile) as file:
            file.write(values, list(range(1, count + 1)))
            if alpha:
                file.write(np.where(holes, 0, 255).astype(dtype), count + 1)
                file.colorinterp = [*file.colorinterp[:-1], rasterio.enums.ColorInterp.alpha]
            if missing == "msk":
                file.write_mask(~holes)
            for band, text in enumerate(names, 1):
                file.set_band_description(band, text)
            if scales:
                file.scales = scales
            if offsets:
                file.offsets = offsets
        return str(path)

    return make


@pytest.fixture
def make_polygons(tmp_path):
    """A function that writes polygons, given as bounds (west, south, east, north), to a GeoPackage."""
    import geopandas as gpd
    import shapely

    def make(bounds, name="polygons.gpkg", crs="EPSG:32722", **columns):
        frame = gpd.GeoDataFrame(columns, geometry=[shapely.box(*b) for b in bounds], crs=crs)
        path = pathlib.Path(tmp_path) / name
        frame.to_file(path, layer="polygons")
        return str(path)

    return make
