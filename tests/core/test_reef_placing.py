"""Points on photos, and quadrats on orthomosaics."""

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.reef.placing import SIMPLE, STRATIFIED, UNIFORM
from quadrat.core.reef import build, schema
from quadrat.core.reef.placing import Area, Design, parse_margins, place
from quadrat.core.reef.survey import Label, Survey
from quadrat.core.sidecar import read_sidecar
from rasterio.transform import Affine

from .reefwork import run

pytestmark = pytest.mark.same_without_torch
GROUND = Affine(0.01, 0, 500_000, 0, -0.01, 4_600_000)
AREAS = st.builds(Area, st.integers(0, 50), st.integers(0, 50), st.integers(1, 60), st.integers(1, 60))


@given(AREAS, st.sampled_from([SIMPLE, STRATIFIED, UNIFORM]), *[st.integers(1, 6)] * 3, st.integers(0, 9))
def test_points_lie_in_their_area_no_two_on_one_pixel(area, kind, rows, columns, per_cell, seed):
    design = Design(kind, rows * columns, rows, columns, per_cell)
    try:
        places = place(design, area, seed, "a.jpg")
    except BadInput:
        assert (
            design.total > area.height // rows * (area.width // columns) or rows > area.height or columns > area.width
        )
        return
    assert len(places) == design.total == len({tuple(p) for p in places.tolist()})
    low = np.array([area.top, area.left])
    assert (places >= low).all() and (places < low + np.array(area[2:])).all()


@given(AREAS, *[st.integers(1, 5)] * 3)
def test_each_cell_has_its_points_and_its_middle_lies_in_it(area, rows, columns, per_cell):
    if area.height // rows * (area.width // columns) < per_cell or rows > area.height or columns > area.width:
        return
    for kind, each in ((STRATIFIED, per_cell), (UNIFORM, 1)):
        places = place(Design(kind, 1, rows, columns, per_cell), area, 0, "a") - (area.top, area.left)
        edges = [np.arange(n + 1) * side // n for n, side in ((rows, area.height), (columns, area.width))]
        cells = [np.searchsorted(edge, axis, side="right") - 1 for edge, axis in zip(edges, places.T, strict=True)]
        counts = np.zeros((rows, columns), int)
        np.add.at(counts, tuple(cells), 1)
        assert (counts == each).all()


def test_a_uniform_grid_by_hand():
    assert place(Design(UNIFORM, 1, 2, 3), Area(10, 20, 4, 9), 0, "").tolist() == [
        [10, 21], [10, 24], [10, 27], [12, 21], [12, 24], [12, 27],
    ]  # fmt: skip


def test_random_points_are_even_and_follow_seed_and_name():
    design, area = Design(SIMPLE, 40), Area(0, 0, 10, 10)
    counts = np.zeros((10, 10))
    for number in range(400):
        np.add.at(counts, tuple(place(design, area, 1, str(number)).T), 1)
    assert abs(counts.mean() - 160) < 1e-9 and np.abs(counts - 160).max() < 5 * np.sqrt(400 * 0.4 * 0.6)
    first = place(design, area, 1, "a")
    assert (first == place(design, area, 1, "a")).all()
    assert (first != place(design, area, 2, "a")).any() and (first != place(design, area, 1, "b")).any()
    assert place(Design(SIMPLE, 3), Area(0, 0, 1000, 1000), 7, "photo.jpg").tolist() == FIXED


FIXED = [[269, 312], [278, 948], [966, 762]]
"""What seed 7 gives: surveys out there rely on it."""


@pytest.mark.parametrize(
    ("text", "area"),
    [("0", (0, 0, 100, 200)), ("", (0, 0, 100, 200)), ("5%", (5, 10, 90, 180)), ("10 px", (10, 10, 80, 180)),
     ("10 20", (10, 20, 80, 160)), ("0, 0, 10%, 5", (0, 5, 90, 195)), ("50", None)],
)  # fmt: skip
def test_margins(text, area):
    assert parse_margins(text).area(100, 200) == area


@pytest.mark.parametrize("text", ["-1", "1 2 3", "a", "100%", "1.5", "nan"])
def test_margins_that_are_none(text):
    with pytest.raises(BadJob, match="Margins cannot be"):
        parse_margins(text)


@pytest.fixture
def path(tmp_path):
    """Photos a (20 x 30), b (of unknown size), c (2 x 2) without points."""
    made = str(tmp_path / "survey.gpkg")
    with build.changing("", made) as survey:
        put = "INSERT INTO photos (name, width, height) VALUES (?, ?, ?)"
        survey.connection.executemany(put, [("a.jpg", 30, 20), ("b.jpg", 0, 0), ("c.jpg", 2, 2)])
        survey.put_labels([Label("HC")])
        survey.refresh()
    return made


def test_points_on_photos(path, tmp_path):
    output = str(tmp_path / "out.gpkg")
    result, told = run("placepoints", survey=path, output=output, points=5, margins="1")
    with Survey(path) as old, Survey(output) as new:
        assert old.points(1) == [] and [point.number for point in new.points(1)] == [1, 2, 3, 4, 5]
        assert all(1 <= point.row < 19 and 1 <= point.col < 29 for point in new.points(1))
        assert [photo.state for photo in new.photos()] == ["waiting", "no points", "no points"]
    assert result.outputs == {"output": output} and result.facts["new_points"] == 5
    warnings = [text for level, text in told if level == "warning"]
    assert any("size is not known" in text and "b.jpg" in text for text in warnings)
    assert any("too small" in text and "c.jpg" in text for text in warnings)
    assert read_sidecar(output)["facts"]["result"] == "reefsurvey"


def test_points_are_placed_once_unless_asked_and_annotated_ones_stay(path):
    run("placepoints", survey=f"{path}|layername=photos", points=4)
    with Survey(path) as survey:
        first = survey.points(1)
        survey.annotate([(first[1].point, "HC")], "Ann")
    again, _ = run("placepoints", survey=path, points=4)
    assert again.facts["new_points"] == 0 and again.facts["left_photos"] == 2
    run("placepoints", survey=path, points=6, with_points="anew", seed=1)
    with Survey(path) as survey:
        second = survey.points(1)
        assert second[0] == first[1] and len(second) == 7 and len(survey.annotations(1)) == 1
    run("placepoints", survey=path, points=3, with_points="add", seed=1)
    with Survey(path) as survey:
        places = [(point.row, point.col) for point in survey.points(1)]
        assert survey.points(1)[:7] == second and len(set(places)) == len(places) == 10
    assert len(read_sidecar(path)["facts"]["steps"]) == 4


def test_what_is_placed_does_not_depend_on_other_photos(path, tmp_path):
    other = str(tmp_path / "other.gpkg")
    with build.changing("", other) as survey:
        survey.connection.execute(
            "INSERT INTO photos (name, width, height) VALUES ('z.jpg', 30, 20), ('a.jpg', 30, 20)"
        )
        survey.refresh()
    for survey in (path, other):
        run("placepoints", survey=survey, design=STRATIFIED, rows=2, columns=2, per_cell=2)
    with Survey(path) as one, Survey(other) as two:
        assert [p[3:] for p in one.points(1)] == [p[3:] for p in two.points(2)]


@pytest.mark.parametrize("design", ["random", "systematic"])
def test_quadrats_on_an_orthomosaic(make_raster, tmp_path, design):
    holes = np.zeros((400, 500), bool)
    holes[:, :100] = True
    mosaic = make_raster("reef.tif", np.full((3, 400, 500), 9), crs="EPSG:32633", transform=GROUND, missing="nodata",
                         holes=holes)  # fmt: skip
    mask = shapely.box(500_000, 4_599_996.5, 500_004, 4_600_000)
    output = str(tmp_path / "survey.gpkg")
    polygons = _layer(tmp_path, mask)
    result, _ = run("placepoints", orthomosaic=mosaic, mask=polygons, quadrat_m=0.5, quadrats=8, points=6,
                    quadrat_design=design, output=output)  # fmt: skip
    quadrats = pyogrio.read_dataframe(output, layer="quadrats")
    points = pyogrio.read_dataframe(output, layer="points")
    photos = pyogrio.read_dataframe(output, layer="photos", fid_as_index=True)
    count = len(quadrats)
    assert count == result.facts["quadrats"] and (count == 8 if design == "random" else 4 <= count <= 14)
    assert quadrats.crs.to_epsg() == points.crs.to_epsg() == 32633 and photos["area_m2"].tolist() == [0.25] * count
    shapes = quadrats.geometry.to_numpy()
    assert np.allclose(shapely.area(shapes), 0.25) and shapely.covers(mask, shapes).all()
    assert (shapely.bounds(shapes)[:, 0] >= 500_001 - 1e-6).all(), "where there is no data"
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(0.25 * count), "on one another"
    for photo, shape in zip(quadrats["photo"], shapes, strict=True):
        of = points[points["photo"] == photo]
        assert len(of) == 6 and shapely.covers(shape, of.geometry.to_numpy()).all()
        top, left, height, width = map(int, photos.loc[photo, "window"].split(","))
        x = GROUND.c + 0.01 * (left + of["col"].to_numpy() + 0.5)
        y = GROUND.f - 0.01 * (top + of["row"].to_numpy() + 0.5)
        assert np.allclose(of.geometry.x, x) and np.allclose(of.geometry.y, y) and height == width == 50


def _layer(folder, shape):
    import geopandas as gpd

    path = str(folder / "mask.gpkg")
    gpd.GeoDataFrame(geometry=[shape], crs="EPSG:32633").to_file(path)
    return path


def test_quadrats_are_added_to_a_survey_in_its_own_coordinates(make_raster, path):
    mosaic = make_raster("reef.tif", np.full((3, 400, 500), 9), crs="EPSG:32633", transform=GROUND)
    run("placepoints", survey=path, orthomosaic=mosaic, quadrats=2, points=2)
    run("placepoints", survey=path, orthomosaic=mosaic, quadrats=1, points=2, seed=3)
    photos = pyogrio.read_dataframe(path, layer="photos")
    assert photos["name"].tolist() == ["a.jpg", "b.jpg", "c.jpg", "reef_q001", "reef_q002", "reef_q003"]
    assert photos["path"].iloc[3] == "reef.tif" and photos.geometry.iloc[3].x == pytest.approx(15.0, abs=1e-4)
    points = pyogrio.read_dataframe(path, layer="points")
    assert points.crs.to_epsg() == 4326 and len(points) == 6 and points.geometry.y.between(41.5, 41.6).all()


@pytest.mark.parametrize("design", ["random", "systematic"])
def test_new_quadrats_lie_on_none_of_the_survey(make_raster, tmp_path, design):
    """Also with the seed of before; those of a mosaic of another time do not count."""
    values = {"quadrat_design": design, "quadrat_m": 0.5, "points": 2}
    mosaic = make_raster("reef.tif", np.full((3, 400, 500), 9), crs="EPSG:32633", transform=GROUND)
    output = str(tmp_path / "out.gpkg")
    run("placepoints", orthomosaic=mosaic, quadrats=20, output=output, **{**values, "quadrat_design": "random"})
    result, told = run("placepoints", survey=output, orthomosaic=mosaic, quadrats=12, **values)
    shapes = pyogrio.read_dataframe(output, layer="quadrats").geometry.to_numpy()
    assert len(shapes) == 20 + result.facts["quadrats"] and result.facts["quadrats"] > 2
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    meeting = [(a, b) for a, b in zip(first, second, strict=True) if a < b]
    assert all(shapes[a].intersection(shapes[b]).area < 1e-9 for a, b in meeting)
    assert any("left out" in text for _, text in told) == (design == "systematic")
    later = make_raster("later.tif", np.full((3, 60, 60), 9), crs="EPSG:32633", transform=GROUND)
    values["quadrat_design"] = "random"
    assert run("placepoints", survey=output, orthomosaic=later, quadrats=1, **values)[0].facts["quadrats"] == 1
    with pytest.raises(BadInput, match="beside the 1 that the survey has there"):
        run("placepoints", survey=output, orthomosaic=later, quadrats=1, **values)


def test_quadrats_that_cannot_be(make_raster, tmp_path, path):
    plain = make_raster("plain.tif", np.full((3, 40, 50), 9), crs=None, transform=Affine(1, 0, 100, 0, -1, 0))
    output = str(tmp_path / "out.gpkg")
    with pytest.raises(BadInput, match="size of its pixels is not known"):
        run("placepoints", orthomosaic=plain, output=output)
    result, told = run("placepoints", orthomosaic=plain, pixel_m=0.1, quadrat_m=1, quadrats=30, points=1, output=output)
    assert result.facts["quadrats"] < 30 and any("Only" in text for level, text in told if level == "warning")
    with Survey(output) as survey:
        assert build.srs_of(survey)[1] == ""
    with pytest.raises(BadInput, match="Choose another side"):
        run("placepoints", orthomosaic=plain, pixel_m=0.1, quadrat_m=5, output=output)
    with pytest.raises(BadInput, match="lie on one another"):
        run("placepoints", orthomosaic=plain, pixel_m=0.1, quadrat_design="systematic", quadrats=50, output=output)
    for wrong, why in (({}, "needs a survey"), ({"survey": path, "mask": "m"}, "part of an orthomosaic"),
                       ({"orthomosaic": plain}, "needs the name")):  # fmt: skip
        with pytest.raises(BadJob, match=why):
            run("placepoints", **wrong)


def test_states_in_the_statements_are_those_of_the_schema():
    told = {state for state in schema.PHOTO_STATES if f"'{state}'" in schema.REFRESH}
    assert told == set(schema.PHOTO_STATES)
    assert all(f"'{state}'" in " ".join(schema.REFRESH_ALL) for state in schema.PHOTO_STATES)
