import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.tables import coordinate_columns, feature_matrix, table_places, table_samples, table_space


def table(n=12):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"b1": rng.random(n), "b2": rng.random(n) * 100, "kind": list("ab") * (n // 2), "plot": np.arange(n) // 3}
    )


def samples(frame, **kwargs):
    given = {"field": "kind", "target": "class", "features": ("b1", "b2"), "group_field": ""} | kwargs
    return table_samples(frame, "t.csv", **given)


def test_rows_are_samples():
    frame = table()
    result = samples(frame)
    np.testing.assert_allclose(result.X, frame[["b1", "b2"]].to_numpy(), rtol=1e-6)
    assert result.X.dtype == np.float32
    assert result.counts == {"a": 6, "b": 6}
    assert result.cells is None
    assert result.xy is None
    assert not result.grouped
    assert samples(frame, group_field="plot").grouped
    assert len(np.unique(samples(frame, group_field="plot").groups)) == 4


def test_rows_with_gaps_are_left_out_and_counted():
    frame = table()
    frame.loc[0, "b1"] = np.nan
    frame.loc[1, "b2"] = np.inf
    frame.loc[2, "kind"] = None
    frame.loc[3, ["kind", "b1"]] = [None, np.nan]
    result = samples(frame)
    assert len(result.y) == 8
    assert result.report.missing_features == 2
    assert result.report.without_class == 2


def test_order_of_columns_is_the_callers_and_part_of_the_space():
    frame = table()
    np.testing.assert_array_equal(
        feature_matrix(frame, ["b2", "b1"], "t")[:, ::-1], feature_matrix(frame, ["b1", "b2"], "t")
    )
    assert table_space(["b1", "b2"]).identity != table_space(["b2", "b1"]).identity


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"features": ("b1", "b22")}, "Did you mean 'b2'"),
        ({"features": ("b1", "word")}, "does not hold numbers"),
        ({"features": ("b1", "kind")}, "cannot be a feature too"),
    ],
)
def test_bad_columns_are_sentences(kwargs, sentence):
    with pytest.raises(BadInput, match=sentence):
        samples(table().assign(word="w"), **kwargs)


def test_places_come_from_geometry_or_coordinates():
    frame = table(4)
    assert table_places(frame) == (None, "")
    degrees = frame.assign(LONGITUDE=[1, 2, 3, 4], Latitude=[5, 6, 7, 8])
    assert coordinate_columns(degrees) == ("LONGITUDE", "Latitude")
    xy, crs = table_places(degrees)
    np.testing.assert_array_equal(xy[1], [2, 6])
    assert crs == "EPSG:4326"
    plain = frame.assign(x=1.0, y=2.0)
    assert table_places(plain)[1] == ""
    points = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([1, 2, 3, 4], [0, 0, 0, 0]), crs="EPSG:32631")
    xy, crs = table_places(points)
    np.testing.assert_array_equal(xy[:, 0], [1, 2, 3, 4])
    assert "32631" in crs


def test_rows_without_place_forgo_blocks():
    frame = table().assign(x=1.0, y=2.0)
    frame.loc[5, "x"] = np.nan
    result = samples(frame)
    assert result.xy is None
    assert any("no place" in line for line in result.report.lines())
