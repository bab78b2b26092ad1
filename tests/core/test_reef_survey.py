"""Survey files: made, edited, copied, and what they promise to other programs."""

import sqlite3

import pyogrio
import pytest
from quadrat.core.errors import BadInput, BadJob, Unwritable
from quadrat.core.reef import build, schema
from quadrat.core.reef.survey import Label, Suggestion, Survey, found_path, stored_path

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def path(tmp_path):
    """Two photos, three points on the first."""
    made = str(tmp_path / "survey.gpkg")
    with build.changing("", made) as survey:
        put = "INSERT INTO photos (name, path, width, height, geom) VALUES (?, ?, 30, 20, ?)"
        rows = [("a.jpg", "photos/a.jpg", schema.point_blob(2.0, -3.0, 4326)), ("b.jpg", "", None)]
        survey.connection.executemany(put, rows)
        survey.put_labels([Label("HC", "Hard coral"), Label("Sand")])
        survey.add_points(1, [(0, 0), (19, 29), (7, 3)])
        survey.refresh()
    return made


def test_other_programs_open_it(path):
    assert [name for name, _ in pyogrio.list_layers(path)] == [
        "photos", "quadrats", "points", "annotations", "suggestions", "labels", "learnt", "heldout", "layer_styles",
    ]  # fmt: skip
    photos = pyogrio.read_dataframe(path, layer="photos")
    assert (photos.geometry.iloc[0].x, photos.geometry.iloc[0].y) == (2.0, -3.0) and photos.geometry.iloc[1] is None
    assert photos["state"].tolist() == ["waiting", "no points"]
    assert pyogrio.read_info(path, layer="photos")["total_bounds"] == (2.0, -3.0, 2.0, -3.0)
    points = pyogrio.read_dataframe(path, layer="points")
    assert points[["number", "row", "col"]].to_numpy().tolist() == [[1, 0, 0], [2, 19, 29], [3, 7, 3]]


def test_an_edit_and_its_undo(path):
    with Survey(path) as survey:
        before = survey.annotate([(1, "hc"), (2, "sand")], "Ann", at="2020-01-01T00:00:00Z")
        assert [(a.point, a.label) for a in survey.annotations(1)] == [(1, "HC"), (2, "Sand")]
        assert survey.photo(1).state == schema.BEGUN and survey.photo(1).annotated == 2
        again = survey.put_back(before)
        assert survey.annotations(1) == [] and survey.photo(1).state == schema.WAITING
        survey.put_back(again)
        assert [a.at for a in survey.annotations(1, "Ann")] == ["2020-01-01T00:00:00Z"] * 2


def test_undo_of_a_point_named_twice_goes_back_all_the_way(path):
    with Survey(path) as survey:
        survey.annotate([(1, "HC")], "Ann")
        survey.put_back(survey.annotate([(1, "Sand"), (1, "")], "Ann"))
        assert [a.label for a in survey.annotations(1)] == ["HC"]


def test_annotators_are_kept_apart(path):
    with Survey(path) as survey:
        survey.annotate([(1, "HC")], "Ann")
        survey.annotate([(1, "Sand")], "Bea")
        survey.annotate([(1, "")], "Ann")
        assert [(a.annotator, a.label) for a in survey.annotations(1)] == [("Bea", "Sand")]
        assert survey.annotators() == ["Bea"]


def test_states_of_a_photo(path):
    with Survey(path) as survey:
        survey.annotate([(1, "HC"), (2, "HC"), (3, "HC")], "model", state=schema.MACHINE)
        assert (survey.photo(1).state, survey.photo(1).annotated) == (schema.BY_MACHINE, 0)
        survey.annotate([(1, "HC"), (2, "Sand")], "Ann")
        assert (survey.photo(1).state, survey.photo(1).annotated) == (schema.BY_MACHINE, 2)
        survey.annotate([(3, "HC")], "Ann")
        assert survey.photo(1).state == schema.DONE


def test_an_edit_that_fails_changes_nothing(path):
    with Survey(path) as survey:
        with pytest.raises(BadInput, match="no point 99"):
            survey.annotate([(1, "HC"), (99, "HC")], "Ann")
        with pytest.raises(BadInput, match="lists no label 'XY'"):
            survey.annotate([(1, "XY")], "Ann")
        assert survey.annotations(1) == []

    def fails():
        with build.changing(path, "") as survey:
            survey.add_points(2, [(1, 1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with Survey(path) as survey:
        assert survey.points(2) == []


def test_points_with_annotations_stay(path):
    with Survey(path) as survey:
        survey.annotate([(2, "HC")], "Ann")
        survey.suggest([Suggestion(point, 1, "HC", 0.9, "m") for point in (1, 2)])
        assert survey.remove_points(1) == 2
        assert [point.point for point in survey.points(1)] == [2] and list(survey.suggestions(1)) == [2]
        assert [point.number for point in survey.add_points(1, [(5, 5)])] == [3]
        assert survey.points(1)[1].point > 3, "numbers of points are never used again"


def test_trusted_labels_stand_beside_the_five(path):
    rows = [Suggestion(1, 0, "Coral", 0.97, "m"), Suggestion(1, 1, "HC", 0.6, "m"), Suggestion(2, 1, "HC", 0.3, "m")]
    with Survey(path) as survey:
        survey.suggest(rows)
        assert survey.suggestions(1) == {1: rows[1:2], 2: rows[2:]}
        assert survey.trusted(1) == {1: rows[0]} and survey.counts()["suggestions"] == 2
        survey.suggest([Suggestion(1, 1, "Sand", 0.5, "n")])
        assert survey.trusted(1) == {}, "what a model before trusted goes with its suggestions"


def test_photos_that_a_model_learnt_from(path):
    with Survey(path) as survey:
        survey.put_learnt("m", [2, 1, 2])
        survey.put_learnt("n", [1])
        survey.put_learnt("m", [2])
        survey.put_learnt("elsewhere", [])
        assert [survey.learnt(name) for name in ("m", "n", "elsewhere", "o")] == [{2}, {1}, set(), set()]
        assert survey.learners() == {"m", "n", "elsewhere"}


def test_a_file_without_the_newer_table_gets_it_at_the_first_edit(path):
    old = sqlite3.connect(path)
    old.execute("DROP TABLE learnt")
    old.execute("DELETE FROM gpkg_contents WHERE table_name = 'learnt'")
    old.commit()
    old.close()
    with Survey(path) as survey, Survey(path) as beside:
        assert survey.learnt("m") == set() and not survey.has(schema.LEARNT)
        survey.put_learnt("m", [1])
        assert survey.learnt("m") == beside.learnt("m") == {1}
        beside.put_learnt("m", [2])
        assert survey.learnt("m") == {2}
    assert "learnt" in [name for name, _ in pyogrio.list_layers(path)]


def test_labels_by_code_in_any_case(path):
    with Survey(path) as survey:
        assert survey.label_of("hc") == "HC"
        assert survey.label_of("New") == "New"
        survey.put_labels([Label("NEW", "A new one", colour="#112233"), Label("hc", parent="Coral")])
        labels = {label.code: label for label in survey.labels()}
        assert labels["New"].origin == schema.FROM_SET and labels["New"].name == "A new one"
        assert labels["HC"].name == "Hard coral" and labels["HC"].parent == "Coral"


def test_a_spatial_index_made_in_qgis_does_not_stop_edits(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIRTUAL TABLE rtree_photos_geom USING rtree(id, minx, maxx, miny, maxy)")
        connection.execute(
            "CREATE TRIGGER rtree_photos_geom_update3 AFTER UPDATE ON photos WHEN OLD.photo != NEW.photo AND "
            "(NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN INSERT OR REPLACE INTO rtree_photos_geom VALUES "
            "(NEW.photo, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END"
        )
    with Survey(path) as survey:
        survey.annotate([(1, "HC")], "Ann")
        assert survey.photo(1).state == schema.BEGUN


def test_a_copy_finds_its_photos(path, tmp_path):
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    with build.changing(path, str(elsewhere / "copy.gpkg")) as survey:
        survey.annotate([(1, "HC")], "Ann")
    with Survey(path) as old, Survey(str(elsewhere / "copy.gpkg")) as new:
        assert old.annotations(1) == [] and len(new.annotations(1)) == 1
        assert new.photo_path(new.photo(1)) == old.photo_path(old.photo(1)) == str(tmp_path / "photos" / "a.jpg")
        assert new.photo_path(new.photo(2)) == ""


def test_paths_below_are_relative_and_others_not(tmp_path):
    survey = str(tmp_path / "s" / "survey.gpkg")
    assert stored_path(str(tmp_path / "s" / "p" / "a.jpg"), survey) == "p/a.jpg"
    beside = str(tmp_path / "p" / "a.jpg")
    assert found_path(stored_path(beside, survey), survey) == beside and stored_path(beside, survey).startswith("/")


def test_equal_surveys_make_equal_files(tmp_path):
    for name in ("a", "b"):
        with build.changing("", str(tmp_path / f"{name}.gpkg"), "EPSG:32632") as survey:
            survey.put_labels([Label("HC")])
            assert build.srs_of(survey) == (32632, "EPSG:32632")
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_what_is_no_survey(path, tmp_path):
    (tmp_path / "text.gpkg").write_text("no database at all, but long enough to be looked at")
    other = tmp_path / "other.gpkg"
    sqlite3.connect(other).close()
    with pytest.raises(BadInput, match="cannot be read as a survey"):
        Survey(str(tmp_path / "text.gpkg"))
    with pytest.raises(BadInput, match="no survey of photos"):
        Survey(str(other))
    with pytest.raises(BadJob, match=r"must be a \.gpkg"), build.changing("", str(tmp_path / "a.shp")):
        pass


def test_a_file_that_another_program_changes(path, monkeypatch):
    monkeypatch.setattr("quadrat.core.reef.surveyfile.WAIT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Survey(path) as survey, pytest.raises(Unwritable, match="another program"):
        survey.annotate([(1, "HC")], "Ann")
    other.close()
