"""What goes wrong with files of a survey between one job and the next: each gets a sentence, and nothing is lost."""

import sqlite3

import numpy as np
import pytest
import rasterio
from quadrat.core.errors import BadInput, BadJob, Unwritable
from quadrat.core.reef import build
from quadrat.core.reef.learning.lessons import read_lessons
from quadrat.core.reef.survey import Label, Survey, stored_path
from quadrat.core.reef.vectors.pictures import UnreadablePhoto, read_picture
from quadrat.tests.core.reefwork import run

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def survey(tmp_path):
    """Three photos of 60 x 40 px with two points each: sand left, coral right."""
    path = str(tmp_path / "survey.gpkg")
    put = "INSERT INTO photos (name, path, width, height, points, annotated, state) VALUES (?, ?, 60, 40, 0, 0, '')"
    with build.changing("", path) as opened:
        opened.put_labels([Label("Sand"), Label("Coral")])
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            photo(tmp_path / name, 60, 40)
            opened.connection.execute(put, (name, stored_path(str(tmp_path / name), path)))
        for one in opened.photos():
            points = opened.add_points(one.photo, [(20, 15), (20, 45)])
            opened.annotate([(points[0].point, "Sand"), (points[1].point, "Coral")], "Ana")
    return path


def photo(path, width, height):
    values = np.random.default_rng(0).integers(0, 255, (3, height, width), np.uint8)
    with rasterio.open(path, "w", driver="JPEG", width=width, height=height, count=3, dtype="uint8") as file:
        file.write(values)


def test_a_damaged_survey_is_told(survey):
    with sqlite3.connect(survey) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'annotations'").fetchone()[0]
    connection.close()
    with open(survey, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(BadInput, match=r"is damaged \(database disk image is malformed\)\. Go on with a copy"):
        run("checkreef", survey=survey)


def test_a_survey_that_another_program_holds_is_told(survey, monkeypatch):
    monkeypatch.setattr("quadrat.core.reef.surveyfile.WAIT_S", 0.05)
    other = sqlite3.connect(survey, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(BadInput, match="cannot be read: another program is changing it"):
        Survey(survey)
    other.execute("ROLLBACK")
    other.close()


def test_a_full_disk_is_told_and_loses_nothing(survey):
    with Survey(survey) as opened:
        before = opened.counts()
        pages = opened.connection.execute("PRAGMA page_count").fetchone()[0]
        opened.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(Unwritable, match="cannot be changed: the disk is full; make room"):
            opened.add_points(1, [(1, 1)] * 20_000)
        assert opened.counts() == before and not opened.connection.in_transaction


def test_photos_of_another_size_are_not_looked_at_in_other_places(survey, tmp_path):
    photo(tmp_path / "a.jpg", 120, 80)  # every point still lies on it
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:900])
    with pytest.raises(UnreadablePhoto, match=r"Premature end of JPEG file\)$"):
        read_picture(str(tmp_path / "b.jpg"))
    with pytest.raises(
        BadInput, match=r"2 of the photos with labelled points cannot be used, .* a\.jpg is 120 x 80 px"
    ):
        run("trainreef", survey=survey, output=str(tmp_path / "m.qreef"), patch_px=32)
    assert not (tmp_path / "m.qreef").exists()


def test_numbers_of_a_report_replace_nothing_else(survey, tmp_path):
    (tmp_path / "annotations.csv").write_text("Name,Row,Column,Label\n")
    values = {"survey": survey, "output": str(tmp_path / "m.qreef"), "report": str(tmp_path / "annotations.html")}
    with pytest.raises(BadJob, match=r"annotations\.csv, which is there already"):
        run("trainreef", **values)


def test_codes_that_differ_in_case_are_told(tmp_path):
    file = tmp_path / "points.csv"
    file.write_text("Name,Row,Column,Label\na.jpg,1,1,Por\na.jpg,2,2,POR\n")
    facts = run("importreef", annotations=[str(file)], output=str(tmp_path / "new.gpkg"))[0].facts
    assert any("capital and small letters count as the same label: 1 (POR as Por)" in t for t in facts["warnings"])


def test_points_of_photos_that_were_deleted_in_qgis_do_not_count(survey, tmp_path):
    with Survey(survey) as opened:
        opened.connection.execute("DELETE FROM photos WHERE photo = 1")
        assert [photo.photo for photo in read_lessons(opened).photos] == [2, 3]
    assert run("reefcover", survey=survey, output=str(tmp_path / "cover.csv"))[0].facts["photos"] == 2


def test_names_and_windows_broken_by_hand_are_told(survey, tmp_path):
    with Survey(survey) as opened, opened.edit() as connection:
        connection.execute("UPDATE photos SET name = NULL WHERE photo = 1")
    out = tmp_path / "out.csv"
    run("exportreef", survey=survey, coralnet=str(out))
    assert "photo 1,20,15,Sand" in out.read_text()
    with Survey(survey) as opened, opened.edit() as connection:
        connection.execute("UPDATE photos SET \"window\" = '1,x' WHERE photo = 2")
    with pytest.raises(BadInput, match=r"photo b\.jpg has the window '1,x'; it must be row,col,height,width"):
        run("placepoints", survey=survey)
