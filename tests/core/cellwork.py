"""A place in Rio de Janeiro, and the job that makes cells of it, for the tests of `makecells`."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.jobs.settlement.cells import MakeCells
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from rasterio.transform import Affine

WEST, NORTH = 686_000.0, 7_466_000.0
"""In UTM zone 23S."""
UTM = "EPSG:32723"


@pytest.fixture
def make(tmp_path):
    """Run the job; gives the layer, the facts and the log."""

    def go(name="célula.gpkg", progress=None, **values):
        log, path = [], str(tmp_path / name)
        job = MakeCells.from_dict({"output": path, **values})
        result = run_job(job, progress or Progress(log=lambda level, text: log.append(text)))
        return gpd.read_file(path), result.facts, " ".join(log)

    return go


@pytest.fixture
def layer(tmp_path):
    """Write shapes as a layer; bounds (west, south, east, north) from the corner of the city count as boxes."""

    def go(file, shapes, crs=UTM, **columns):
        given = [one is None or isinstance(one, shapely.Geometry) for one in shapes]
        boxes = [None if known else shapely.box(WEST + one[0], NORTH + one[1], WEST + one[2], NORTH + one[3])
                 for one, known in zip(shapes, given, strict=True)]  # fmt: skip
        made = [one if known else box for one, box, known in zip(shapes, boxes, given, strict=True)]
        path = str(tmp_path / f"{file}.gpkg")
        gpd.GeoDataFrame(columns, geometry=made, crs=UTM).to_crs(crs).to_file(path)
        return path

    return go


@pytest.fixture
def city(layer):
    """A boundary of 10 by 8 cells that begins at a whole multiple of 150 m."""
    west, north = np.ceil(WEST / 150) * 150 - WEST, np.floor(NORTH / 150) * 150 - NORTH
    return layer("city", [(west, north - 1200, west + 1500, north)])


@pytest.fixture
def raster(make_raster):
    """60 by 75 pixels of 10 m: 4 by 5 cells."""

    def go(name="city.tif", values=None, **facts):
        values = np.ones((1, 60, 75)) if values is None else values
        facts = {"crs": UTM, "transform": Affine(10, 0, WEST, 0, -10, NORTH), **facts}
        return make_raster(name, values, **facts)

    return go
