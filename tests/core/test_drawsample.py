"""Draw sample from end to end, and the areas of cells that it draws by."""

import threading

import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from quadrat.core.cellarea import CellAreas
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale, Unwritable
from quadrat.core.grid import Grid, Window
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core.samplework import NAMES, cells, designed, fill, name_classes, places, scene
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch


class TestDrawing:
    def test_a_stratified_sample(self, world, draw):
        _, path = world
        sample, facts, log = draw(map=path, size=200, minimum=40)
        frame, design = places(sample), designed(sample)
        with rasterio.open(path) as file:
            shown = file.read(1)
        at = cells(frame)
        assert list(frame.columns) == ["place", "order", "reference", "geometry"]  # nothing tells the class
        assert frame["order"].tolist() == list(range(1, len(frame) + 1))
        assert frame["reference"].isna().all()
        assert frame.crs.to_epsg() == 32722
        np.testing.assert_allclose(frame.geometry.x, 600_000 + 10 * (at[:, 1] + 0.5))
        np.testing.assert_allclose(frame.geometry.y, 9_000_000 - 10 * (at[:, 0] + 0.5))
        np.testing.assert_array_equal(design["stratum"], shown[at[:, 0], at[:, 1]])
        assert len(set(frame["place"])) == len(frame)
        strata = facts["design"]["strata"]
        for stratum in strata:
            count = int((shown == stratum["value"]).sum())
            assert stratum["count"] == count
            assert stratum["area_m2"] == pytest.approx(100 * count)
            assert stratum["drawn"] == (design["stratum"] == stratum["value"]).sum() >= 40
        assert design["weight"].sum() == pytest.approx(shown.size)
        assert design["stands_for_ha"].sum() == pytest.approx(shown.size / 100)
        assert design["stratum_name"].unique().tolist() != []
        assert any("drawn at random" in line for line in log)
        assert read_sidecar(sample)["facts"]["result"] == "places"

    def test_the_class_can_be_shown(self, world, draw):
        sample, *_ = draw(map=world[1], size=100, blind=False)
        assert {"stratum", "stratum_name", "weight"} <= set(places(sample).columns)

    def test_seeds_decide_and_a_larger_sample_holds_the_smaller(self, world, draw):
        first, again, other = (set(places(draw(map=world[1], size=150, seed=s)[0])["place"]) for s in (1, 1, 2))
        larger = set(places(draw(map=world[1], size=400, seed=1)[0])["place"])
        assert first == again
        assert len(first & other) < 0.2 * len(first)
        assert first < larger

    def test_equal_jobs_are_equal_files(self, world, draw, tmp_path):
        draw(map=world[1], size=100)
        before = (tmp_path / "sample é.gpkg").read_bytes()
        draw(map=world[1], size=100)
        assert (tmp_path / "sample é.gpkg").read_bytes() == before

    def test_the_first_places_are_spread_over_strata(self, world, draw):
        sample, facts, _ = draw(map=world[1], size=300, minimum=60)
        design = designed(sample)
        share = np.array([s["drawn"] for s in facts["design"]["strata"]]) / len(design)
        for m in (60, 120, 200):
            first = np.bincount(design["stratum"][:m], minlength=4)[1:]
            assert np.abs(first - m * share).max() <= 3

    def test_every_cell_is_as_likely(self, make_raster, draw):
        path = make_raster("small.tif", np.ones((1, 6, 7)), nodata=0)
        hits = np.zeros((6, 7))
        for seed in range(40):
            at = cells(places(draw(map=path, size=21, design="simple", seed=seed)[0]))
            hits[at[:, 0], at[:, 1]] += 1
        assert hits.sum() == 40 * 21
        # A cell is in half of the draws; chi square with 41 degrees of freedom, of draws without replacement.
        spread = ((hits - 20) ** 2 / 10 * 41 / 42).sum()
        assert 12 < spread < 75

    def test_automatic_size_follows_the_half_width(self, world, draw):
        sizes = [draw(map=world[1], half_width_percent=half, minimum=20)[1]["places"] for half in (10, 5, 2.5)]
        assert sizes == sorted(sizes)
        assert 3 < sizes[2] / sizes[1] < 4.5
        assert draw(map=world[1], half_width_percent=5, design="simple")[1]["places"] == pytest.approx(384, abs=8)

    def test_only_inside_polygons(self, world, draw, make_polygons):
        inside = make_polygons([(600_000, 8_999_000, 600_800, 9_000_000)])
        sample, facts, _ = draw(map=world[1], size=60, minimum=5, mask=inside)
        assert (places(sample).geometry.x < 600_800).all()
        assert sum(s["count"] for s in facts["design"]["strata"]) == 80 * 100

    def test_holes_are_never_drawn(self, make_raster, draw):
        _, shown = scene()
        holes = np.zeros(shown.shape, bool)
        holes[:, :120] = True
        sample, facts, _ = draw(map=make_raster("h.tif", shown[None], missing="nodata", nodata=0, holes=holes), size=80)
        assert (cells(places(sample))[:, 1] >= 120).all()
        assert sum(s["count"] for s in facts["design"]["strata"]) == (~holes).sum()

    def test_an_enlarged_sample_keeps_its_labels(self, world, draw, tmp_path):
        truth, path = world
        small, *_ = draw("small.gpkg", map=path, size=120, minimum=20, seed=3)
        labelled = fill(small, truth)
        large, *_ = draw("large.gpkg", map=path, size=300, minimum=20, seed=3, earlier=small)
        frame = places(large)
        assert frame["place"].tolist()[:120] == labelled["place"].tolist()
        assert frame["reference"].tolist()[:120] == labelled["reference"].tolist()
        assert frame["reference"][120:].isna().all()
        with pytest.raises(Stale, match="another seed"):
            draw("x.gpkg", map=path, size=300, minimum=20, seed=4, earlier=small)
        with pytest.raises(BadInput, match="at least as many places"):
            draw("x.gpkg", map=path, size=60, minimum=10, seed=3, earlier=small)

    def test_degrees_are_drawn_by_area(self, make_raster, draw):
        """From the equator to 80 degrees north: half of the cells, but far more of the area, lie below 40."""
        path = make_raster("d.tif", np.ones((1, 160, 50)), crs="EPSG:4326", nodata=0,
                           transform=Affine(0.5, 0, 0, 0, -0.5, 80))  # fmt: skip
        sample, facts, _ = draw(map=path, size=2000, design="simple")
        south = (places(sample).geometry.y < 40).mean()
        share = np.sin(np.radians(40)) / np.sin(np.radians(80))
        assert south == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 2000) + 0.01)
        with open_raster(path) as reader:
            areas = CellAreas(reader.grid).of(reader.grid.whole)
        assert facts["design"]["strata"][0]["area_m2"] == pytest.approx(50 * areas.sum())
        assert "ellipsoid" in facts["design"]["note"]

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({}, "either a map or a table"),
            ({"map": "MAP", "units": "x.csv"}, "not both"),
            ({"map": "MAP", "output": "s.csv"}, "must be a .gpkg"),
            ({"map": "MAP", "size": 3}, "too few for 3 strata"),
            ({"map": "nowhere.tif"}, "no file nowhere.tif"),
        ],
    )
    def test_bad_jobs_are_sentences(self, world, draw, values, sentence):
        values = {name: world[1] if value == "MAP" else value for name, value in values.items()}
        with pytest.raises((BadJob, BadInput), match=sentence):
            draw(**values)

    def test_bad_maps_are_sentences(self, make_raster, draw, tmp_path):
        with pytest.raises(BadInput, match="has 3 bands"):
            draw(map=make_raster("rgb.tif"))
        fractions = make_raster("f.tif", np.full((1, 5, 5), 0.25), dtype="float32")
        with pytest.raises(BadInput, match=r"holds 0.25, which is no class.*'simple'"):
            draw(map=fractions)
        assert draw(map=fractions, design="simple", size=5)[1]["places"] == 5
        with pytest.raises(BadInput, match="no valid cell"):
            draw(map=make_raster("e.tif", np.zeros((1, 5, 5)), nodata=0))
        with pytest.raises(BadInput, match="more than 1000 different"):
            draw(map=make_raster("many.tif", np.arange(1600).reshape(1, 40, 40), dtype="uint16"))
        with pytest.raises(Unwritable, match="no folder"):
            draw("nowhere/s.gpkg", map=fractions)
        assert not list(tmp_path.glob("*.part*"))

    def test_cancel_is_heard(self, world, draw, tmp_path):
        stop = threading.Event()
        stop.set()
        with pytest.raises(Cancelled):
            draw(map=world[1], progress=Progress(cancelled=stop))
        assert not (tmp_path / "sample é.gpkg").exists()


class TestCellAreas:
    def test_a_globe_of_cells_is_the_earth(self):
        areas = CellAreas(Grid(Affine(0.5, 0, -180, 0, -0.5, 90), CRS(4326).to_wkt(), 360, 720))
        assert 720 * areas.of(Window(0, 0, 360, 720)).sum() == pytest.approx(510_065_621.724e6, rel=1e-9)

    def test_a_web_map_shows_far_too_much_in_the_north(self):
        x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(10, 60)
        areas = CellAreas(Grid(Affine(10, 0, x, 0, -10, y), CRS(3857).to_wkt(), 100, 100))
        assert areas.of(Window(50, 50, 1, 1))[0, 0] == pytest.approx(25, rel=0.01)
        assert "4.0" in areas.note

    @pytest.mark.parametrize(("epsg", "cell_m2"), [(32722, 100.0), (3035, 100.0), (2263, 100 * 0.3048006096**2)])
    def test_usual_projections_are_taken_at_their_word(self, epsg, cell_m2):
        areas = CellAreas(Grid(Affine(10, 0, 500_000, 0, -10, 900_000), CRS(epsg).to_wkt(), 50, 50))
        assert areas.of(Window(3, 3, 2, 2)).mean() == pytest.approx(cell_m2, rel=0.002 if epsg == 3035 else 1e-6)


def test_a_map_of_measurements_is_pointed_out_and_its_strata_are_not_all_named(make_raster, draw):
    path = make_raster("heights.tif", (np.arange(2500) % 60).reshape(1, 50, 50), nodata=None)
    _, facts, log = draw(map=path, minimum=2, size=150)
    assert any("60 different values" in line and "'simple'" in line for line in log)
    assert "and 48 others" in facts["sentences"][0]


def test_a_class_of_one_cell_does_not_spoil_the_estimate(make_raster, draw, estimate):
    truth, shown = scene(60, 60)
    shown[30, 30] = 4
    path = make_raster("one.tif", shown[None], nodata=0)
    name_classes(path, {**NAMES, 4: "glade"})
    sample, _, log = draw(map=path, size=120, minimum=20)
    assert any("glade has 1 cell in all" in line for line in log)
    fill(sample, truth)
    numbers, *_ = estimate(sample)
    assert numbers["in_stratum"][-1] == 1
    assert numbers["accuracy"]["overall"]["value"] > 0.5
    glade = designed(sample).set_index("stratum_name").loc["glade", "order"]
    fill(sample, truth, only=lambda order: order != glade)
    with pytest.raises(BadInput, match=r"glade \(0\)"):
        estimate(sample)
