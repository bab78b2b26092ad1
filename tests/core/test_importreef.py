"""Import of photo surveys: what comes in, from where, what is told, and what stays."""

import json
import shutil

import numpy as np
import pandas as pd
import pyogrio
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.reef.survey import Survey
from quadrat.core.sidecar import read_sidecar

from .reefwork import coral_data, exif_block, run, some_of_kiritimati, write_photo, write_track

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def folder(tmp_path):
    """Photos of two sites: s1 with a position and a time, s2 with a time only."""
    photos = tmp_path / "photos"
    block = exif_block("2020:01:02 10:00:00", position=(-149.8, -17.5), orientation=6)
    write_photo(photos / "site1_q1.jpg", 20, 30, block)
    write_photo(photos / "site1_q2.JPG", 20, 30, exif_block("2020:01:02 10:00:30"))
    write_photo(photos / "site2_q1.png", 40, 50)
    return photos


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "survey.gpkg")


def annotations(path, text, heading="Name,Row,Column,Label"):
    path.write_text(f"{heading}\n{text}")
    return str(path)


def told_by(told, part):
    return [text for level, text in told if level == "warning" and part in text]


def test_photos_with_facts_from_names_and_cameras(folder, out):
    result, told = run("importreef", folder=str(folder), output=out)
    photos = pyogrio.read_dataframe(out, layer="photos")
    assert photos["name"].tolist() == ["site1_q1.jpg", "site1_q2.JPG", "site2_q1.png"]
    assert photos["path"].tolist() == [f"photos/{name}" for name in photos["name"]]
    assert photos["site"].tolist() == ["site1", "site1", "site2"] and photos["quadrat"].tolist() == ["q1", "q2", "q1"]
    assert photos[["width", "height"]].to_numpy().tolist() == [[30, 20], [30, 20], [50, 40]], "as stored, not turned"
    assert photos["orientation"].tolist() == [6, 0, 0] and photos["date"].tolist()[0] == "2020-01-02T10:00:00"
    assert photos.geometry.iloc[0].coords[0] == pytest.approx((-149.8, -17.5)) and photos.geometry.isna().sum() == 2
    assert photos["placed_by"].tolist() == ["camera", "", ""]
    assert result.facts["photos"] == 3 and result.facts["with_position"] == 1
    assert told_by(told, "{site}_{quadrat}") and told_by(told, "turned: 1")


def test_points_of_a_file_and_of_photos_that_are_not_there(folder, out, tmp_path):
    file = annotations(tmp_path / "a.csv", "SITE1_Q1.JPG,0,0,HC\nsite1_q1.jpg,19,29,Sand\nsite1_q1.jpg,3,4,\n"
                                           "gone.jpg,1,2,hc\nsite2_q1.jpg,40,1,HC\nsite2_q1.jpg,x,1,HC\n")  # fmt: skip
    result, told = run("importreef", folder=str(folder), annotations=[file], annotator="Ann", output=out)
    with Survey(out) as survey:
        assert [(p.number, p.row, p.col) for p in survey.points(1)] == [(1, 0, 0), (2, 19, 29), (3, 3, 4)]
        assert [(a.annotator, a.label, a.state) for a in survey.annotations(1)] == [
            ("Ann", "HC", "imported"), ("Ann", "Sand", "imported"),
        ]  # fmt: skip
        assert [photo.state for photo in survey.photos()] == ["begun", "no points", "done", "done"]
        gone = survey.photos()[3]
        assert (gone.name, gone.path, gone.width) == ("gone.jpg", "", 0)
        assert [(label.code, label.origin) for label in survey.labels()] == [("HC", "unknown"), ("Sand", "unknown")]
    assert told_by(told, "Line 7") and told_by(told, "neither in the folder nor in the survey: 1 (gone.jpg)")
    assert told_by(told, "beyond the edge of their photo: 1") and told_by(told, "but for the extension")
    assert result.facts["unlabelled_rows"] == 1 and result.facts["new_points"] == 5
    assert "Line 7" in json.dumps(read_sidecar(out)["facts"]["problems"])


def test_labels_of_a_set_and_codes_that_are_in_none(out, tmp_path):
    file = annotations(tmp_path / "a.csv", "a.jpg,0,0,por\na.jpg,1,0,New\n")
    tree = tmp_path / "tree.csv"
    tree.write_text("code,name,parent\nHC,Hard coral,\nPor,Porites,HC\n")
    run("importreef", annotations=[file], label_sets=[str(tree)], output=out)
    with Survey(out) as survey:
        assert [(one.code, one.parent, one.origin) for one in survey.labels()] == [
            ("HC", "", "set"), ("Por", "HC", "set"), ("New", "", "unknown"),
        ]  # fmt: skip
        assert [a.label for a in survey.annotations(1)] == ["Por", "New"]
    tree.write_text("code,name,parent\nPor,Porites,\nHC,Hard coral,Por\n")
    with pytest.raises(BadInput, match=r"make no tree.*circle"):
        run("importreef", label_sets=[str(tree)], survey=out)
    tree.write_text("code,name,parent\nPor,Porites,\nNew,New one,Por\n")
    run("importreef", label_sets=[str(tree)], survey=out)
    with Survey(out) as survey:
        assert survey.labels()[2][:3] == ("New", "New one", "Por") and survey.labels()[2].origin == "set"


def test_two_annotators_of_the_same_points(out, tmp_path):
    heading = "Name,Row,Column,Label code,Annotator,Date annotated"
    one = annotations(tmp_path / "1.csv", "a.jpg,1,1,HC,Ann,2020-01-02 03:04:05+00:00\na.jpg,2,2,HC,Ann,\n", heading)
    two = annotations(tmp_path / "2.csv", "a.jpg,2,2,Sand,Bea,\na.jpg,1,1,HC,Bea,\na.jpg,3,3,HC,robot,\n", heading)
    run("importreef", annotations=[one, two], output=out)
    with Survey(out) as survey:
        assert [(p.row, p.col) for p in survey.points(1)] == [(1, 1), (2, 2), (3, 3)]
        assert {(a.point, a.annotator): (a.label, a.state) for a in survey.annotations(1)} == {
            (1, "Ann"): ("HC", "confirmed"), (1, "Bea"): ("HC", "confirmed"), (2, "Ann"): ("HC", "confirmed"),
            (2, "Bea"): ("Sand", "confirmed"), (3, "robot"): ("HC", "machine"),
        }  # fmt: skip
        assert survey.annotations(1, "Ann")[0].at == "2020-01-02T03:04:05Z"
        assert survey.photo(1).state == "machine"


@pytest.mark.parametrize(("conflicts", "label"), [("keep", "HC"), ("replace", "Sand")])
def test_a_survey_is_added_to_and_loses_nothing(folder, out, tmp_path, conflicts, label):
    first = annotations(tmp_path / "1.csv", "site1_q1.jpg,1,1,HC\nsite1_q1.jpg,2,2,HC\nsite1_q1.jpg,1,1,Twin\n")
    run("importreef", annotations=[first], output=out)
    with Survey(out) as survey:
        survey.annotate([(1, "Twin")], "Ann")
    second = annotations(tmp_path / "2.csv", "site1_q1.jpg,1,1,Sand\nsite1_q1.jpg,5,5,HC\nsite2_q1.png,1,1,HC\n")
    more = str(tmp_path / "more.gpkg")
    result, told = run("importreef", survey=out, folder=str(folder), annotations=[second], conflicts=conflicts,
                       output=more)  # fmt: skip
    with Survey(more) as survey, Survey(out) as before:
        assert len(before.photos()) == 1 and before.photo(1).width == 0
        photo = survey.photo(1)
        assert (photo.width, photo.path) == (30, "photos/site1_q1.jpg") and len(survey.photos()) == 3
        assert [(p.number, p.row) for p in survey.points(1)] == [(1, 1), (2, 2), (3, 1), (4, 5)]
        assert [a.label for a in survey.annotations(1, "")] == [label, "HC", "Twin", "HC"]
        assert [a.label for a in survey.annotations(1, "Ann")] == ["Twin"]
    assert result.facts["known_points"] == 1 and told_by(told, "say otherwise")
    assert [step["job"]["job"] for step in read_sidecar(more)["facts"]["steps"]] == ["importreef"] * 2


def test_the_same_import_twice_changes_nothing(folder, out, tmp_path):
    file = annotations(tmp_path / "a.csv", "site1_q1.jpg,1,1,HC\nsite1_q1.jpg,1,1,HC\n")
    run("importreef", folder=str(folder), annotations=[file], output=out)
    with Survey(out) as survey:
        before = list(survey.connection.iterdump())
    result, _ = run("importreef", folder=str(folder), annotations=[file], survey=out)
    with Survey(out) as survey:
        assert list(survey.connection.iterdump()) == before
    assert result.outputs == {"output": out} and result.facts["new_points"] == result.facts["new_annotations"] == 0


def test_annotations_are_not_written_over(folder, out, tmp_path):
    file = annotations(tmp_path / "a.csv", "site1_q1.jpg,1,1,HC\nsite1_q1.jpg,2,2,Sand\n")
    for _ in range(2):
        run("importreef", folder=str(folder), annotations=[file], output=out)  # the same again loses nothing
    with Survey(out) as survey:
        survey.annotate([(1, "Sand")], "")
    with pytest.raises(BadJob, match="with 1 annotations that the new one does not have"):
        run("importreef", folder=str(folder), annotations=[file], output=out)
    with Survey(out) as survey:
        assert [a.label for a in survey.annotations(1)] == ["Sand", "Sand"]


def test_suggestions_of_a_machine(out, tmp_path):
    heading = (
        "Name,Row,Column,Label,Machine suggestion 1,Machine confidence 1,Machine suggestion 2,Machine confidence 2"
    )
    file = annotations(tmp_path / "a.csv", "a.jpg,1,1,HC,HC,80,Sand,15\na.jpg,2,2,HC,,,,\n", heading)
    result, _ = run("importreef", annotations=[file], output=out)
    with Survey(out) as survey:
        (one,) = survey.suggestions(1).values()
    assert [(s.rank, s.label, s.confidence, s.model) for s in one] == [
        (1, "HC", 0.8, "imported from a.csv"), (2, "Sand", 0.15, "imported from a.csv"),
    ]  # fmt: skip
    assert result.facts["new_suggestions"] == 2


def test_a_folder_of_cpce_files_in_units_of_twelve_a_pixel(folder, out, tmp_path):
    points = tmp_path / "cpc"
    points.mkdir()
    for name, height, width in (("site1_q1.jpg", 20, 30), ("site2_q1.png", 40, 50)):
        lines = [f'"C:\\codes.txt","D:\\Reef\\{name}",{12 * width},{12 * height},9000,9000', "0,9000", "9000,9000"]
        lines += ["9000,0", "0,0", "2", f"{12 * (width - 1)},{12 * (height - 1)}", "0,24"]
        lines += ['"A","HC","Notes",""', '"B","","Notes",""', *['""'] * 28]
        (points / f"{name[:-4]}.cpc").write_bytes("\r\n".join([*lines, ""]).encode("cp1252"))
    run("importreef", folder=str(folder), annotation_folder=str(points), output=out)
    with Survey(out) as survey:
        assert [[(p.row, p.col) for p in survey.points(photo)] for photo in (1, 3)] == [
            [(19, 29), (2, 0)], [(39, 49), (2, 0)],
        ]  # fmt: skip
        assert [a.label for a in survey.annotations(1)] == ["HC"] and len(survey.photos()) == 3
        assert survey.photo(1).state == "begun" and survey.photo(2).state == "no points"
    # The same when the survey is to know the photos from before, and their folder is not given again.
    later = str(tmp_path / "later.gpkg")
    run("importreef", folder=str(folder), output=later)
    run("importreef", survey=later, annotation_folder=str(points))
    with Survey(later) as survey:
        assert [(p.row, p.col) for p in survey.points(1)] == [(19, 29), (2, 0)]


def test_a_table_stands_before_names_and_cameras(folder, out, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("photo,Site,Date,depth,lon,lat,Habitat,State\nsite1_q1,North,2020-01-03,5.5,10,20,slope,fine\n"
                     "SITE2_Q1.PNG,,,,,,flat,\nnone.jpg,,,,,,,\n")  # fmt: skip
    _, told = run("importreef", folder=str(folder), table=str(table), area_m2=0.25, output=out)
    photos = pyogrio.read_dataframe(out, layer="photos")
    assert photos["site"].tolist() == ["North", "site1", "site2"] and photos["quadrat"].tolist() == ["q1", "q2", "q1"]
    assert photos["date"].iloc[0] == "2020-01-03" and photos["depth_m"].iloc[0] == 5.5
    assert photos["Habitat"].fillna("").tolist() == ["slope", "", "flat"] and photos["State_told"].iloc[0] == "fine"
    assert photos["area_m2"].tolist() == [0.25] * 3 and photos["state"].tolist() == ["no points"] * 3
    assert photos.geometry.iloc[0].coords[0] == (10.0, 20.0) and photos["placed_by"].iloc[0] == "table"
    assert told_by(told, "rows of photos that are not there: 1 (none.jpg)")
    assert told_by(told, "that it does not name: 1 (site1_q2.JPG)")
    table.write_text("photo\nother\n")
    with pytest.raises(BadInput, match="No photo is named in the column 'photo'"):
        run("importreef", folder=str(folder), table=str(table), output=out)


def test_a_track_and_a_log_on_the_clock_of_the_camera(folder, out, tmp_path):
    track = write_track(
        tmp_path / "t.gpx", [("2020-01-02T20:00:00Z", 10.0, 5.0), ("2020-01-02T20:01:00Z", 10.001, 5.0)]
    )
    log = tmp_path / "log.csv"
    log.write_text("time,depth_m\n2020-01-02 10:00:00,4\n2020-01-02 10:01:00,6\n")
    given = {"folder": str(folder), "tracks": [track], "depth_log": str(log), "output": out}
    _, told = run("importreef", clock="-10", **given)
    photos = pyogrio.read_dataframe(out, layer="photos")
    assert photos.geometry.iloc[1].coords[0] == pytest.approx((10.0005, 5.0))
    assert photos["placed_by"].tolist() == ["camera", "track", ""], "a position of its own stands"
    assert photos["depth_m"].tolist()[:2] == [4.0, 5.0] and np.isnan(photos["depth_m"].iloc[2])
    assert told_by(told, "without a time of the camera, not placed: 1 (site2_q1.png)")
    _, told = run("importreef", **given)
    assert told_by(told, "UTC-10, proposed by the track")
    _, told = run("importreef", clock="5", **given)
    assert told_by(told, "from any fix, not placed: 1 (site1_q2.JPG)")


def test_the_date_of_the_name_and_that_of_the_camera(tmp_path, out):
    write_photo(tmp_path / "photos" / "a_20080404.jpg", block=exif_block("2007:04:04 12:00:00"))
    _, told = run("importreef", folder=str(tmp_path / "photos"), output=out)
    assert told_by(told, "a_20080404.jpg: 2008-04-04, camera 2007-04-04")
    with Survey(out) as survey:
        assert survey.photo(1).date == "2008-04-04"


def test_a_survey_that_fails_stays_as_it_was(folder, out, tmp_path):
    run("importreef", folder=str(folder), output=out)
    before = (tmp_path / "survey.gpkg").read_bytes()
    wrong = annotations(tmp_path / "t.csv", "site9,1\n", "photo,site")
    for output in ("", out):
        given = {"output": output} if output else {"survey": out}
        with pytest.raises(BadInput):
            run("importreef", folder=str(folder), table=wrong, **given)
        assert (tmp_path / "survey.gpkg").read_bytes() == before
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize(
    ("values", "why"),
    [({"output": "a.gpkg"}, "needs a folder"), ({"folder": "f"}, "needs the name"),
     ({"folder": "f", "output": "a.gpkg", "names": "site_date"}, "names in braces"),
     ({"table": "t.csv", "output": "a.gpkg"}, "needs photos"), ({"folder": "f", "output": "a.shp"}, "no folder")],
)  # fmt: skip
def test_parameters_that_do_not_go_together(values, why):
    with pytest.raises((BadJob, BadInput), match=why):
        run("importreef", **values)


def test_files_in_the_wrong_place(out, tmp_path):
    points = annotations(tmp_path / "a.csv", "a.jpg,0,0,HC\n")
    labels = annotations(tmp_path / "l.csv", "HC,Hard coral,\n", "code,name,parent")
    with pytest.raises(BadInput, match="give it under 'Annotation files'"):
        run("importreef", annotations=[points], label_sets=[points], output=out)
    with pytest.raises(BadInput, match="give it under 'Label sets and trees'"):
        run("importreef", annotations=[points, labels], output=out)
    with pytest.raises(BadJob, match="Choose another file"):
        run("importreef", annotations=[points], output=points)


# Real data --------------------------------------------------------------------------------------------------------


@pytest.mark.data
def test_great_barrier_island_is_put_on_the_map(out):
    data = coral_data("geotag_survey")
    track, log = (str(data / name) for name in ("gb_island_19092012.gpx", "depth_sensus_19092012.csv"))
    _, told = run("importreef", folder=str(data / "images"), tracks=[track], depth_log=log, output=out)
    photos = pyogrio.read_dataframe(out, layer="photos")
    assert told_by(told, "UTC+12, proposed by the track: 4 of 4") and told_by(told, "without a time, left out: 500")
    west, south, east, north = photos.total_bounds
    assert (175.3057 < west < east < 175.3064) and (-36.1890 < south < north < -36.1882)
    assert photos["depth_m"].between(4, 11).all() and photos["heading_deg"].tolist() == [225, 270, 135, 45]


@pytest.mark.data
def test_kiritimati_cover_is_that_of_its_export(out, tmp_path):
    data = coral_data("kiritimati_coralnet")
    points, photos, count = some_of_kiritimati(tmp_path)
    result, _ = run("importreef", annotations=[str(points)], label_sets=[str(data / "coral_labelset.csv")], output=out)
    assert photos == 373 == result.facts["photos"] and result.facts["points"] == result.facts["annotations"] == count
    with Survey(out) as survey:
        counted = pd.read_sql_query(
            "SELECT f.name, a.label, COUNT(*) AS n FROM annotations a JOIN points p ON p.point = a.point "
            "JOIN photos f ON f.photo = p.photo WHERE f.points = 100 GROUP BY 1, 2", survey.connection,
        )  # fmt: skip
        sites = {photo.site for photo in survey.photos()}
    assert {"site8", "site30"} <= sites
    cover = counted.pivot_table(index="name", columns="label", values="n", fill_value=0)
    export = pd.read_csv(data / "softcoral_large_quad.csv", low_memory=False).drop_duplicates("Image.name", keep=False)
    export = export.set_index("Image.name")
    both, shared = cover.index.intersection(export.index), [c for c in cover if c in export and c != "Unidentified"]
    assert len(both) > 350 and len(shared) >= 8
    assert np.abs(cover.loc[both, shared].to_numpy() - export.loc[both, shared].to_numpy()).max() < 1e-6


@pytest.mark.data
def test_moorea_is_moved_with_its_photos(out, tmp_path):
    data, photos = coral_data("mlc_moorea"), tmp_path / "photos"
    photos.mkdir()
    for path in data.glob("*.jpg"):
        shutil.copy(path, photos)
    result, told = run(
        "importreef", folder=str(photos), annotations=[str(data / "annotations_coralnet.csv")], output=out
    )
    assert result.facts["photos_done"] == 2 and result.facts["annotations"] == 400
    assert not told_by(told, "beyond the edge") and told_by(told, "another date than the camera")
