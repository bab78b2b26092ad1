import gzip
import shutil
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from pyogrio.errors import DataSourceError, FeatureError
from quadrat.core.errors import BadInput, EngineTooSmall
from quadrat.core.layersource import parse_source
from quadrat.core.vector import read_vector, write_geopackage


@pytest.fixture
def layers(tmp_path):
    path = tmp_path / "mes données.gpkg"
    for name, count in (("towns", 3), ("fields", 2)):
        frame = gpd.GeoDataFrame(
            {"klasse": [f"é{i}" for i in range(count)], "n": range(count)},
            geometry=[shapely.Point(i, i) for i in range(count)], crs=4326,
        )  # fmt: skip
        frame.to_file(path, layer=name)
    return str(path)


def test_layers_by_name_number_and_subset(layers):
    assert len(read_vector(f"{layers}|layername=fields")) == 2
    assert len(read_vector(f"{layers}|layerid=0")) == 3
    assert read_vector(f"{layers}|layername=towns|subset=n > 0")["klasse"].tolist() == ["é1", "é2"]
    frame = read_vector(f"{layers}|layername=towns", ["n"])
    assert list(frame.columns) == ["n", "geometry"]
    assert frame.crs.to_epsg() == 4326


def test_source_texts():
    assert parse_source("a b.shp") == ("a b.shp", None, None)
    assert parse_source("x.gpkg|layerid=1|layername=t") == ("x.gpkg", "t", None)
    assert parse_source("file:///tmp/a%20b.csv?delimiter=;").path == "/tmp/a b.csv"


@pytest.mark.parametrize(
    ("name", "mark"), [("t.csv", ","), ("t.csv", ";"), ("t.tsv", "\t"), ("t.txt", "|"), ("t.csv.gz", ",")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_tables_of_text(tmp_path, name, mark, encoding):
    value = "1,5" if mark == ";" else "1.5"
    text = mark.join(("klasse", "wert")) + "\n" + mark.join(("Café", value)) + "\n"
    opener = gzip.open if name.endswith("gz") else open
    with opener(tmp_path / name, "wb") as file:
        file.write(text.encode(encoding))
    table = read_vector(str(tmp_path / name))
    assert type(table) is pd.DataFrame
    assert table.to_dict("records") == [{"klasse": "Café", "wert": 1.5}]
    assert list(read_vector(str(tmp_path / name), ["wert"]).columns) == ["wert"]


def test_sentences(layers, tmp_path):
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"SQLite format 3\0 and nothing else")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(b"a,b\n" * 10_000)[:30])
    for source, columns, words in (
        ("nowhere.gpkg", None, "There is no file"),
        (f"{layers}|layername=x", None, "no layer 'x'. It has: towns, fields"),
        (f"{layers}|layername=towns", ["klase"], "no field 'klase'. Did you mean 'klasse'"),
        (str(broken), None, "cannot be read as a vector layer"), (str(cut), None, "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            read_vector(source, columns)


def test_parquet_is_read_or_explained(tmp_path):
    path = tmp_path / "t.parquet"
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        path.write_bytes(b"PAR1")
        with pytest.raises(EngineTooSmall, match="parquet"):
            read_vector(str(path))
        return
    pd.DataFrame({"a": [1]}).to_parquet(path)
    assert read_vector(str(path))["a"].tolist() == [1]


def test_geopackages_open_in_old_gdal_and_are_the_same_each_time(tmp_path):
    places = gpd.GeoDataFrame({"fid": [7], "a": ["é"]}, geometry=[shapely.Point(1, 2)], crs=32633)
    table = pd.DataFrame({"b": [1.5]})
    paths = [tmp_path / "one.gpkg", tmp_path / "two.gpkg"]
    for path in paths:
        write_geopackage({"places": places, "table": table}, path)
    header = paths[0].read_bytes()[60:72]
    assert int.from_bytes(header[:4], "big") == 10200, "user_version says 1.2"
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert read_vector(f"{paths[0]}|layername=places").crs.to_epsg() == 32633
    assert read_vector(f"{paths[0]}|layername=table")["b"].tolist() == [1.5]


def test_fields_may_have_all_the_names_that_a_geopackage_wants_for_its_own(tmp_path):
    names = ["geom", "geom_", "FID", "fid_", "rowid", "x'y\"z", "城 市"]
    table = gpd.GeoDataFrame({name: [1] for name in names}, geometry=[shapely.Point(0, 0)], crs=4326)
    write_geopackage({"t": table}, tmp_path / "t.gpkg")
    assert list(gpd.read_file(tmp_path / "t.gpkg").columns) == [*names, "geometry"]


@pytest.mark.parametrize(
    ("free", "words"), [(0, r"^the disk is full\. Make room"), (10**12, "commit transaction; the disk may be full")]
)
def test_a_full_disk_is_called_so(tmp_path, monkeypatch, free, words):
    def fail(*given, **options):
        raise FeatureError("Failed to commit transaction")

    monkeypatch.setattr(pyogrio, "write_dataframe", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    with pytest.raises(DataSourceError, match=words):
        write_geopackage({"t": gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)])}, tmp_path / "t.gpkg")


def test_a_wrong_filter_and_a_damaged_file_are_no_missing_layer(layers, tmp_path):
    with pytest.raises(BadInput, match=r"The filter 'no sql' of .* cannot be used"):
        read_vector(f"{layers}|layername=towns|subset=no sql")
    body = bytearray(Path(layers).read_bytes())
    (tmp_path / "cut.gpkg").write_bytes(body[: len(body) // 2])
    with pytest.raises(BadInput, match=r"cut\.gpkg is damaged or cut off"):
        read_vector(str(tmp_path / "cut.gpkg"))


def test_a_table_of_very_many_columns_is_refused(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(["a"] * 10_001) + "\n")
    with pytest.raises(BadInput, match="more than 10,000 columns"):
        read_vector(str(path))
