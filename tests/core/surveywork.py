"""Made surveys, and the job that prepares them, for the tests of `preparesurvey`."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod
from quadrat.core.jobs.poverty.survey import PrepareSurvey
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress

GEOD = Geod(ellps="WGS84")
RICH = {"hv208": 1, "hv209": 1, "hv221": 1, "hv243a": 1, "hv212": 1, "hv210": 1, "hv206": 1, "hv207": 1, "hv211": 1,
        "hv201": 11, "hv205": 11, "hv213": 33, "hv216": 5}  # fmt: skip
POOR = {**dict.fromkeys(RICH, 0), "hv201": 43, "hv205": 31, "hv213": 11, "hv216": 1}


@pytest.fixture
def prepare(tmp_path):
    """Run the job; gives the layer, the facts and the log."""

    def go(survey, name="clústers.gpkg", **values):
        log, path = [], str(tmp_path / name)
        job = PrepareSurvey.from_dict({"survey": str(survey), "output": path, **values})
        result = run_job(job, Progress(log=lambda level, text: log.append(text)))
        return gpd.read_file(path, layer="clusters"), result.facts, " ".join(log)

    return go


@pytest.fixture
def table(tmp_path):
    """Write columns as a CSV."""

    def go(name="survey.csv", **columns):
        path = tmp_path / name
        pd.DataFrame(columns).to_csv(path, index=False)
        return str(path)

    return go


@pytest.fixture
def clusters(table):
    """Four clusters near Lomé with an indicator; columns can be changed or added."""

    def go(name="survey.csv", **columns):
        own = {"cluster": [1, 2, 3, 4], "longitude": [1.2, 1.25, 1.3, 1.4], "latitude": [6.2, 6.3, 6.4, 6.5],
               "urban_rural": ["U", "R", "R", "U"], "year": 2014, "wealth": [3.0, 1.0, 2.0, 4.0]}  # fmt: skip
        made = {key: value for key, value in {**own, **columns}.items() if value is not None}
        return table(name, **made)

    return go


@pytest.fixture
def polygons(tmp_path):
    """Write boxes (west, south, east, north) or polygons in degrees as administrative areas."""

    def go(*shapes, name="admin.gpkg", crs="EPSG:4326"):
        made = [one if isinstance(one, shapely.Geometry) else shapely.box(*one) for one in shapes]
        path = str(tmp_path / name)
        gpd.GeoDataFrame({"name": [f"a{k}" for k in range(len(made))]}, geometry=made, crs="EPSG:4326").to_crs(
            crs
        ).to_file(path)
        return path

    return go


def corner_distances(layer):
    """Metres on the ground from the published point to each corner, by row."""
    found = []
    for row in layer.itertuples():
        corners = shapely.get_coordinates(row.geometry)
        start = np.full(len(corners), row.published_x), np.full(len(corners), row.published_y)
        found.append(np.asarray(GEOD.inv(*start, corners[:, 0], corners[:, 1])[2]))
    return found


def area_m2(geometry):
    """On the ellipsoid."""
    return abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(geometry))[0])
