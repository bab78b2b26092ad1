"""Tables as files: the kinds that can be written, and what is said of others before the work."""

import warnings

import geopandas as gpd
import pandas as pd
import pytest
from quadrat.core import tablemap
from quadrat.core.errors import BadJob, EngineTooSmall
from shapely.geometry import Point


def test_a_layer_as_text_keeps_its_places_and_warns_of_nothing(tmp_path):
    layer = gpd.GeoDataFrame({"class": ["água"]}, geometry=[Point(1, 2)], crs="EPSG:32622")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tablemap.write_table(layer, str(tmp_path / "t.csv"))
    assert pd.read_csv(tmp_path / "t.csv").to_dict("list") == {"class": ["água"], "geometry": ["POINT (1 2)"]}


def test_a_format_that_cannot_be_written_is_refused_before_the_work(monkeypatch):
    with pytest.raises(BadJob, match="a layer can be written as"):
        tablemap.check_format("places.shp", "layer")
    monkeypatch.setattr(tablemap, "find_spec", lambda name: None)
    with pytest.raises(EngineTooSmall, match=r"Choose \.gpkg or \.csv"):
        tablemap.check_format("places.parquet", "layer")
    tablemap.check_format("places.csv", "layer")
