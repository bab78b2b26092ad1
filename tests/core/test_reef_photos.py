"""What photos, their names, tracks, logs and tables tell."""

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.progress import Progress
from quadrat.core.reef.depthlog import depth_of, read_depth
from quadrat.core.reef.exif import Exif, read_exif
from quadrat.core.reef.gpx import Course, parse_ahead, propose_clock, reachable, read_track, zone
from quadrat.core.reef.photofacts import match, named, read_facts, read_folder, sizes_of
from quadrat.core.reef.photonames import parse_date, propose, read_names

from .reefwork import exif_block, write_photo, write_track

pytestmark = pytest.mark.same_without_torch

# EXIF -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jpg", "a.PNG"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_notes_of_a_camera(tmp_path, name, order):
    block = exif_block(
        "2020:01:02 03:04:05", "+12:45", (175.3047, -36.18958), orientation=6, heading=225.5, order=order
    )
    exif = read_exif(write_photo(tmp_path / name, block=block))
    assert (exif.taken, exif.ahead_s, exif.orientation, exif.heading_deg) == ("2020-01-02T03:04:05", 45_900, 6, 225.5)
    assert exif.position == pytest.approx((175.3047, -36.18958), abs=1e-7)


def test_notes_are_those_that_gdal_reads(tmp_path):
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    path = write_photo(tmp_path / "a.jpg", block=exif_block("2020:01:02 03:04:05", position=(-10.5, 20.25)))
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(path) as file:
        tags = file.tags()
    assert (tags["EXIF_DateTimeOriginal"], tags["EXIF_GPSLatitude"]) == ("2020:01:02 03:04:05", "(20) (15) (0)")
    assert tags["EXIF_GPSLongitudeRef"] == "W"


def test_a_tiff_is_its_own_notes(tmp_path):
    (tmp_path / "a.tif").write_bytes(exif_block("2020:01:02 03:04:05", orientation=3))
    assert read_exif(tmp_path / "a.tif") == Exif("2020-01-02T03:04:05", orientation=3)


@pytest.mark.parametrize(("utc", "ahead"), [("2020:01:01 15:04:09", 43_200), ("2020:01:01 15:10:05", None)])
def test_the_receiver_tells_the_offset_of_the_clock_to_a_quarter_of_an_hour(tmp_path, utc, ahead):
    block = exif_block("2020:01:02 03:04:05", position=(1.0, 1.0), utc=utc)
    assert read_exif(write_photo(tmp_path / "a.jpg", block=block)).ahead_s == ahead


def test_positions_that_are_none(tmp_path):
    for number, block in enumerate(
        [exif_block(position=(0, 0)), exif_block(position=(5, 5), status="V"), exif_block(heading=10.0)]
    ):
        assert read_exif(write_photo(tmp_path / f"{number}.jpg", block=block)).position is None


def test_a_clock_that_was_never_set(tmp_path):
    assert read_exif(write_photo(tmp_path / "a.jpg", block=exif_block("0000:00:00 00:00:00"))).taken == ""


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_damaged_notes_tell_nothing_and_raise_nothing(tmp_path_factory, seed, count):
    draw = random.Random(seed)
    content = bytearray(
        b"\xff\xd8\xff\xe1\x00\xffExif\x00\x00" + exif_block("2020:01:02 03:04:05", "+01:00", (3.0, 4.0), 1, 2.0)
    )
    for _ in range(count):
        content[draw.randrange(len(content))] = draw.randrange(256)
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(bytes(content[: draw.randrange(1, len(content) + 1)]))
    assert isinstance(read_exif(path), Exif)


# Folder -----------------------------------------------------------------------------------------------------------


def test_photos_of_a_folder(tmp_path):
    write_photo(tmp_path / "b.jpg", 20, 30, exif_block(orientation=8))
    write_photo(tmp_path / "A.PNG", 7, 9)
    write_photo(tmp_path / "deep" / "b.jpg", 5, 5)
    write_photo(tmp_path / "._b.jpg")
    (tmp_path / "broken.jpeg").write_bytes(b"no photo")
    (tmp_path / "notes.txt").write_text("x")
    flat, deep = (read_folder(str(tmp_path), subfolders, Progress()) for subfolders in (False, True))
    assert [(name, one.height, one.width) for name, one in zip(flat.names, flat.photos)] == [
        ("A.PNG", 7, 9), ("b.jpg", 20, 30),
    ]  # fmt: skip
    assert sorted(deep.names) == ["A.PNG", "b.jpg", "deep/b.jpg"]
    assert any("1 (broken.jpeg)" in note for note in flat.notes)
    assert any("turned: 1 (b.jpg)" in note for note in flat.notes)


def test_folders_without_photos(tmp_path):
    with pytest.raises(BadInput, match=r"holds no photo.*With subfolders"):
        read_folder(str(tmp_path), False, Progress())
    with pytest.raises(BadInput, match="no folder"):
        read_folder(str(tmp_path / "none"), False, Progress())


def test_names_are_matched_step_by_step():
    photos = ["a.jpg", "B.JPG", "x/c.jpg", "y/c.jpg", "d.png"]
    found = match(["a.jpg", "b.jpg", "C:\\photos\\d.PNG", "d.jpg", "c.jpg", "e.jpg"], photos, "file")
    assert found.photo == [0, 1, 4, 4, -1, -1]
    assert [note for note in found.notes if "several" in note] == [
        "file: names that fit several photos, so none is taken: 1 (c.jpg)."
    ]
    assert any("but for case: 1 (b.jpg)" in note for note in found.notes)


def test_an_exact_name_is_not_taken_for_another_in_capitals():
    assert match(["a.jpg", "A.jpg"], ["A.jpg", "a.jpg"], "file").photo == [1, 0]


def test_names_in_notes_are_few():
    assert named([str(n) for n in range(9)]) == "9 (0, 1, 2, 3, 4, 5, …)"


# Names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "path", "facts"),
    [
        ("{site}_{transect}_{date}.jpg", "Reef_T1_20190304.JPG",
         {"site": "Reef", "transect": "T1", "date": "2019-03-04"}),
        ("{site}_{date:%d%m%Y}", "North_04032019.png", {"site": "North", "date": "2019-03-04"}),
        ("{site}/{}_{quadrat}", "2019/North/IMG_q7.jpg", {"site": "North", "quadrat": "q7"}),
        ("{site}-{depth}-{camera}", "A-10m-G7.jpg", {"site": "A", "depth": "10", "camera": "G7"}),
        (r"(?P<site>[A-Z]+)(?P<quadrat>\d+)", "NE12.jpg", {"site": "NE", "quadrat": "12"}),
    ],
)  # fmt: skip
def test_templates(template, path, facts):
    assert read_names([path], template).facts == [facts]


def test_names_that_do_not_fit_are_told():
    read = read_names(["A_20190304.jpg", "other.jpg", "B_20191304.jpg"], "{site}_{date}")
    assert read.unmatched == ["other.jpg", "B_20191304.jpg"] and read.facts[1:] == [{}, {}]


@pytest.mark.parametrize("template", ["{site", "site}", "photo", "{site}_{site}", "{si te}", "(?P<a>", "{date:%Q}"])
def test_templates_that_are_none(template):
    with pytest.raises(BadInput):
        read_names(["a.jpg"], template)


def test_what_is_proposed():
    moorea = ["mcr_lter3_out10m_pole4-5_qu5_20080404.jpg", "mcr_lter4_out10m_pole2-3_qu1_20080407.jpg"]
    assert propose(moorea) == "{}_{}_{}_{}-{}_{quadrat}_{date}"
    kiritimati = ["KI2013_site14_Q10.jpg", "KI2016b_site8_Q20.9.jpg", "KI2015a_site30_Q16.2.1.jpeg"]
    assert propose(kiritimati) == "{}_{site}_{quadrat}"
    assert read_names(kiritimati, "").facts[2] == {"site": "site30", "quadrat": "Q16.2.1"}
    dashed = ["bay_2023-05-11_q01.jpg", "motu_2025-05-02_q02.jpg"]
    assert propose(dashed) == "{}_{date}_{quadrat}" and read_names(dashed, "").facts[0]["date"] == "2023-05-11"
    assert propose(["a_2023_05_11.jpg", "b_2023_05_12.jpg"]) == "{}_{date}" and propose(["a_2023-15-41_q1.jpg"]) == (
        "{}_{}-{}-{}_{quadrat}"
    )
    assert propose(["IMG_0001.jpg", "IMG_0002.jpg"]) == "" and propose(["a_q1.jpg", "b.jpg"]) == ""
    assert read_names(kiritimati, "-").facts == [{}, {}, {}]


@pytest.mark.parametrize(
    ("text", "date"),
    [("2019-03-04", "2019-03-04"), ("20190304", "2019-03-04"), ("2019:03:04 05:06:07", "2019-03-04T05:06:07"),
     ("4 Mar 2019", "2019-03-04"), ("04March2019", "2019-03-04"), ("2019", "2019"), ("2019-03", "2019-03"),
     ("2019-03-04T00:00:00", "2019-03-04"), ("03-04-2019", ""), ("20191304", ""), ("1234", ""), ("none", "")],
)  # fmt: skip
def test_dates(text, date):
    assert parse_date(text) == date


# Tracks and logs --------------------------------------------------------------------------------------------------


def test_a_course_is_not_followed_across_gaps():
    course = Course(np.array([0.0, 10.0, 1000.0]), np.array([[0.0], [10.0], [20.0]]))
    at = course.at(np.array([4.0, 10.0, 50.0, 500.0, 990.0, 1070.0, np.nan]), 60.0)[:, 0]
    assert np.array_equal(at, [4.0, 10.0, 10.0, np.nan, 20.0, np.nan, np.nan], equal_nan=True)


def test_false_fixes_are_left_out(tmp_path):
    fixes = [("", 5.0, 5.0), ("2020-01-01T00:00:00Z", -119.0, 37.0)]
    fixes += [(f"2020-01-01T00:0{m}:00Z", 175.0 + m / 1e4, -36.0) for m in range(1, 6)]
    fixes += [("2020-01-01T00:06:00Z", 0.0, 0.0), ("2020-01-01T00:07:00Z", 176.0, -36.0)]
    track = read_track([write_track(tmp_path / "a.gpx", fixes)])
    assert track.values[:, 0].tolist() == [175.0 + m / 1e4 for m in range(1, 6)]
    assert len(track.notes) == 2 and "without a time, left out: 1" in track.notes[0] and ": 2." in track.notes[1]


def test_a_run_after_a_false_one_is_kept_where_it_can_be_reached():
    x = [0.0, 1e-4, 2e-4, 50.0, 3e-4, 4e-4]
    fixes = np.column_stack([np.arange(6) * 10.0, x, np.zeros(6)])
    assert reachable(fixes).tolist() == [True, True, True, False, True, True]


def test_a_track_across_the_date_line(tmp_path):
    fixes = [("2020-01-01T00:00:00Z", 179.9995, 0.5), ("2020-01-01T00:01:00Z", -179.9995, 0.5)]
    track = read_track([write_track(tmp_path / "a.gpx", fixes)])
    assert track.at(track.time[:1] + 30, 60.0)[0, 0] == pytest.approx(180.0)


def test_tracks_that_are_none(tmp_path):
    (tmp_path / "a.gpx").write_text("nothing")
    with pytest.raises(BadInput, match="cannot be read"):
        read_track([str(tmp_path / "a.gpx")])
    with pytest.raises(BadInput, match="no fix"):
        read_track([write_track(tmp_path / "b.gpx", [("", 1.0, 1.0)])])


def test_the_clock_is_proposed_by_the_zone_of_the_track():
    track = Course(np.arange(0.0, 3600.0, 5.0), np.column_stack([np.full(720, 175.3), np.full(720, -36.0)]))
    clock = propose_clock(np.array([12 * 3600 + 600.0, 12 * 3600 + 900.0, np.nan]), track, 60.0)
    assert clock.ahead_s == 12 * 3600 and "UTC+12" in clock.sentences[0] and "2 of 2" in clock.sentences[0]
    assert propose_clock(np.array([1e9]), track, 60.0) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("12", 43_200), ("-9.5", -34_200), ("+09:30", 34_200), ("12:00:20", 43_220)]
)
def test_offsets_of_clocks(text, seconds):
    assert parse_ahead(text) == seconds
    assert seconds is None or seconds % 60 or parse_ahead(zone(seconds)[3:]) == seconds


@pytest.mark.parametrize("text", ["noon", "100", "1:2:3:4", "nan", "inf"])
def test_offsets_that_are_none(text):
    with pytest.raises(BadInput, match="no offset of a clock"):
        parse_ahead(text)


def test_depth_from_pressure():
    ten_m = 1013.25 + 10 * 1025 * 9.80665 / 100
    assert depth_of(np.array([ten_m])) == pytest.approx([10.0])
    assert depth_of(np.array([1000.0, 1000.0 + ten_m - 1013.25])) == pytest.approx([0.0, 10.0])


@pytest.mark.parametrize(
    ("text", "zoned"),
    [("time,depth_m\n2020-01-01 00:00:10,5\n2020-01-01 00:00:00,4\n2020-01-01 00:01:00,\n", False),
     ("Date,Time,Depth (m)\n2020/01/01,00:00:00,4\n2020/01/01,00:00:10,5\n", False),
     ("datetime;depth\n2020-01-01T00:00:00Z;-4,0\n2020-01-01T00:00:10Z;-5,0\n", True)],
)  # fmt: skip
def test_depth_logs(tmp_path, text, zoned):
    (tmp_path / "log.csv").write_text(text)
    course, told = read_depth(str(tmp_path / "log.csv"))
    assert course.values[:, 0].tolist() == [4.0, 5.0] and told is zoned
    assert course.time[1] - course.time[0] == 10.0


def test_depth_logs_that_are_none(tmp_path):
    (tmp_path / "log.csv").write_text("time,pressure\n2020-01-01T00:00:00,3\n")
    with pytest.raises(BadInput, match="no absolute pressures in mbar"):
        read_depth(str(tmp_path / "log.csv"))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="needs a column of times"):
        read_depth(str(tmp_path / "other.csv"))


# Tables -----------------------------------------------------------------------------------------------------------


def test_a_table_of_photos_as_coralnet_gives_it():
    table = pd.DataFrame(
        {"Name": ["a.jpg", "b.jpg"], "Date": ["2019-03-04", "4/3/2019"], "Site": [1.0, np.nan], "Depth": ["5", "deep"],
         "Latitude": [-17.5, 0.0], "Longitude": [-149.8, 0.0], "Photographer": ["x", None]}
    )  # fmt: skip
    read = read_facts(table, "t.csv", {}, "")
    assert read.facts["site"].tolist() == ["1", ""] and read.facts["date"].tolist() == ["2019-03-04", ""]
    assert read.facts["depth_m"].iloc[0] == 5.0 and np.isnan(read.facts["depth_m"].iloc[1])
    assert read.position[0].tolist() == [-149.8, -17.5] and np.isnan(read.position[1]).all()
    assert read.facts.columns[-1] == "Photographer"
    assert any("no dates" in note and "4/3/2019" in note for note in read.notes)
    assert any("no numbers: 1" in note for note in read.notes)


def test_tables_that_need_a_choice():
    table = pd.DataFrame({"id": ["a"], "x": [500_000.0], "y": [0.0]})
    with pytest.raises(BadInput, match="names photos"):
        read_facts(table, "t.csv", {}, "")
    with pytest.raises(BadInput, match="no field 'nam'"):
        read_facts(table, "t.csv", {"name": "nam"}, "")
    assert "not known" in read_facts(table, "t.csv", {"name": "id"}, "").notes[0]
    assert read_facts(table, "t.csv", {"name": "id"}, "EPSG:32632").position[0] == pytest.approx([9.0, 0.0])


def test_sizes_of_photos_by_the_folders_that_agree():
    size = sizes_of([("N/T1/a.jpg", 30, 20), ("S/T1/a.JPG", 60, 40), ("b.png", 9, 9), ("S/c.jpg", 0, 0)])
    assert size("a.tif") is None and size("T1/a.jpg") is None  # either of two
    assert size(r"D:\S\t1\A.jpg") == (60, 40) and size("x/n/T1/a") == (30, 20)
    assert size("x/b.jpg") == (9, 9) and size("c.jpg") is None and size("d.jpg") is None
