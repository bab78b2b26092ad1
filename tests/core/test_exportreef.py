"""A survey leaves again: as it came where the format fixes it, and as its programs read it where they differ."""

import csv
import json

import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.reef.formats import cpce, labelsets, toolbox
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core.reefwork import run, write_photo
from quadrat.tests.core.test_cpce import content
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch

SUGGESTED = "".join(f",Machine suggestion {n},Machine confidence {n}" for n in range(1, 6))
CORALNET = f"""Name,Row,Column,Label code,Annotator,Date annotated{SUGGESTED}
b.jpg,3,4,Por,Ann,2020-05-01 07:30:00+00:00,Por,61,Acr,20,Sand,10,,,,
b.jpg,9,1,Acr,robot,2020-05-02 00:00:00+00:00,Acr,98,Por,1,Sand,1,,,,
a.jpg,0,0,Sand,Imported,2020-05-03 23:59:59+00:00,,,,,,,,,,
a.jpg,0,0,Por,Imported,2020-05-03 23:59:59+00:00,,,,,,,,,,
""".replace("\n", "\r\n")


@pytest.fixture
def survey(tmp_path):
    """Three points on each of three photos at two sites, of two annotators; one photo is whole; with suggestions."""
    for name in ("N/a.jpg", "N/b.jpg", "S/c.jpg"):
        write_photo(tmp_path / "photos" / name)
    path = str(tmp_path / "survey.gpkg")
    run("importreef", folder=str(tmp_path / "photos"), subfolders=True, names="{site}/{}.jpg", output=path)
    run("placepoints", survey=path, points=3)
    with Survey(path) as opened, opened.edit():
        opened.put_labels(
            [Label("POR", "Porites", "Coral", "#ff0000", "82"), Label("Coral"), Label("SAND"), Label("NA")]
        )
        points = [opened.points(photo) for photo in (1, 2, 3)]
        opened.annotate([(p.point, "POR") for p in points[0]], "Ann", at="2024-01-01T00:00:00Z")
        opened.annotate([(p.point, "SAND") for p in points[0][:2]], "Bob", at="2024-01-02T00:00:00Z")
        opened.annotate([(points[1][0].point, "SAND")], "Bob", state="imported")
        opened.annotate([(points[1][1].point, "POR")], "net", state="machine")
        shares = (0.3345, 0.3345, 0.331)
        for point in points[2]:
            opened.suggest(
                [Suggestion(point.point, 0, "Coral", 0.9, "m")]
                + [
                    Suggestion(point.point, n, c, s, "m")
                    for n, (c, s) in enumerate(zip(("POR", "NA", "SAND"), shares), 1)
                ]
            )
    return path


def table(path):
    """Rows of a CSV as dictionaries."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_export_of_coralnet_is_given_back_byte_by_byte(tmp_path):
    """Dates, machine scores, two points on one pixel, and photos in the order of the file."""
    (tmp_path / "in.csv").write_bytes(CORALNET.encode())
    path = str(tmp_path / "s.gpkg")
    run("importreef", annotations=[str(tmp_path / "in.csv")], output=path)
    out = str(tmp_path / "out.csv")
    everything = ["confirmed", "imported", "machine"]
    run("exportreef", survey=path, coralnet=out, states=everything, columns=["annotator and date", "suggestions"])
    assert (tmp_path / "out.csv").read_bytes() == CORALNET.encode()
    run("exportreef", survey=path, coralnet=out)
    with open(out, encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["Name", "Row", "Column", "Label code"], ["b.jpg", "3", "4", "Por"], ["b.jpg", "9", "1", ""],
            ["a.jpg", "0", "0", "Sand"], ["a.jpg", "0", "0", "Por"],
        ]  # fmt: skip


def test_files_of_cpce_are_given_back_byte_by_byte_but_for_changed_labels(tmp_path):
    folder = tmp_path / "cpc"
    (folder / "T1").mkdir(parents=True)
    (folder / "a.cpc").write_bytes(content(r"D:\x\a.jpg").encode("cp1252"))
    (folder / "T1" / "é.cpc").write_bytes(
        content("D:\\x\\é.jpg", labels=(("a", "é"), ("", "")), headers=0).encode("cp1252")
    )
    path, out = str(tmp_path / "s.gpkg"), tmp_path / "out"
    run("importreef", annotation_folder=str(folder), output=path)
    run("exportreef", survey=path, cpce=str(out))
    names = ["a.cpc", "T1/é.cpc"]
    assert [(out / name).read_bytes() for name in names] == [(folder / name).read_bytes() for name in names]
    assert read_sidecar(str(out))["facts"]["points"] == 4 and read_sidecar(str(out))["facts"]["warnings"] == []
    with Survey(path) as opened:
        photo = next(one for one in opened.photos() if one.name == "a.jpg")
        opened.annotate([(opened.points(photo.photo)[0].point, "B")], "Ann")
    _, told = run("exportreef", survey=path, cpce=str(out))  # the folder is ours now
    lines = content(r"D:\x\a.jpg").replace('"1","A","Notes",""', '"1","B","Notes",""')
    assert (out / "a.cpc").read_bytes() == lines.encode("cp1252")
    assert any("labelled differently: 1" in text for _, text in told)
    with pytest.raises(BadJob, match=r"holds \.cpc files already"):
        run("exportreef", survey=path, cpce=str(folder))


def test_table_of_the_toolbox_is_given_back_byte_by_byte(tmp_path):
    first = "".join(f",Machine confidence {n},Machine suggestion {n}" for n in range(1, 6))
    text = (
        f"Name,Path,Row,Column,Patch Size,Annotation Type,Label,Long Label,Verified{first}\n"
        "a.jpg,D:/x/a.jpg,3,4,224,Patch,Por,Porites,True,,,,,,,,,,\n"
        "a.jpg,D:/x/a.jpg,5,4,224,Patch,Sand,Sand,False,0.900,Sand,0.100,Por,,,,,,\n"
        "a.jpg,D:/x/a.jpg,6,4,224,Patch,Review,Review,True,,,,,,,,,,\n"
    )
    (tmp_path / "in.csv").write_bytes(text.encode())
    path, out = str(tmp_path / "s.gpkg"), tmp_path / "out.csv"
    run("importreef", annotations=[str(tmp_path / "in.csv")], output=path)
    run("exportreef", survey=path, toolbox=str(out), states=["confirmed", "imported", "machine"])
    assert out.read_bytes() == text.encode()


def test_one_label_leaves_for_each_point(survey, tmp_path):
    out = str(tmp_path / "out.csv")

    def labels(**values):
        run("exportreef", survey=survey, coralnet=out, **values)
        return [row["Label code"] for row in table(out)]

    assert labels() == ["SAND", "SAND", "POR", "SAND", "", "", "", "", ""]  # the latest confirmed one
    assert labels(annotators="Ann, Bob") == ["POR", "POR", "POR", "SAND", "", "", "", "", ""]
    assert labels(annotators="Bob", unlabelled=False) == ["SAND", "SAND", "SAND"]
    assert labels(states=["machine"], unlabelled=False) == ["POR"]
    assert labels(photos="done") == ["SAND", "SAND", "POR"]
    assert labels(sites="s") == ["", "", ""]
    with pytest.raises(BadInput, match=r"Nobody named 'Eve' annotated .* Annotators: Ann, Bob, net"):
        labels(annotators="Eve")
    with pytest.raises(BadInput, match=r"of the site 'W'\. Its sites: N, S"):
        labels(sites="W")
    with pytest.raises(BadInput, match="None of these points has a label"):
        labels(sites="S", unlabelled=False)


def test_what_programs_read_otherwise_is_told_or_mended(survey, tmp_path):
    paths = {
        name: str(tmp_path / f"o.{name}")
        for name in ("coralnet", "toolbox", "toolbox_labels", "labelset", "cpce_codes")
    }
    everything = ["confirmed", "imported", "machine"]
    result, _ = run(
        "exportreef", survey=survey, states=everything, label="both", fields=["site"], bare_names=True, **paths
    )
    told = " ".join(result.facts["warnings"])
    assert "takes labels of a machine as confirmed, too" in told and "without an ID of CoralNet: 1" in told
    first = table(paths["coralnet"])[2]
    assert list(first) == ["Name", "site", "Row", "Column", "Label code", "Label ID"]
    assert [first[name] for name in ("Name", "site", "Label code", "Label ID")] == ["a.jpg", "N", "POR", "82"]
    # The Toolbox would read no row of a file that suggests a label no point has, and sums above 1 as percents.
    rows = table(paths["toolbox"])
    assert "no point of the file has are left out" in told and ": NA." in told
    assert [rows[8][f"Machine suggestion {n}"] for n in (1, 2, 3)] == ["POR", "", "SAND"]
    assert [row["Verified"] for row in rows] == ["True"] * 4 + ["False", "True"] + ["False"] * 3
    assert rows[0]["Path"].endswith("N/a.jpg") and rows[8]["Label"] == "Review"
    assert json.loads((tmp_path / "o.toolbox_labels").read_text())[0]["long_label_code"] == "Porites"
    assert labelsets.read(paths["labelset"]).labels["parent"].tolist() == ["Coral", "", "", ""]
    with pytest.raises(BadJob, match="at least one file"):
        run("exportreef", survey=survey)


def test_confidences_never_add_up_to_more_than_one_by_rounding(survey, tmp_path):
    out = tmp_path / "o.csv"
    with Survey(survey) as opened:
        opened.annotate([(opened.points(2)[2].point, "NA")], "Ann")
    run("exportreef", survey=survey, toolbox=str(out))
    last = table(out)[8]
    shares = [float(last[f"Machine confidence {n}"]) for n in (1, 2, 3)]
    assert sum(shares) <= 1 and shares == pytest.approx([0.3345, 0.3345, 0.331], abs=0.0025)
    assert toolbox.read(out).problems == []


def test_new_files_of_cpce_need_the_size_of_photos_only(survey, tmp_path):
    out = str(tmp_path / "cpc")
    run("exportreef", survey=survey, cpce=out, bare_names=True, code_file=r"C:\codes.txt", photo_folder=r"D:\Reef")
    assert (tmp_path / "cpc" / "a.cpc").read_text().startswith(r'"C:\codes.txt","D:\Reef\a.jpg",450,300,')
    read = cpce.read(out, dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), (30, 20)))
    with Survey(survey) as opened:
        places = {(p.row, p.col) for photo in (1, 2, 3) for p in opened.points(photo)}
        opened.connection.execute("UPDATE photos SET name = 'S/a.jpg' WHERE photo = 3")
    assert set(zip(read.rows["row"], read.rows["column"])) == places
    with pytest.raises(BadInput, match="would share a name"):
        run("exportreef", survey=survey, cpce=out, bare_names=True)
    result, _ = run("exportreef", survey=survey, cpce=str(tmp_path / "other"), code_file="c.txt")
    assert any("its computer: CPCe's folder of photos." in text for text in result.facts["warnings"])


def test_names_and_codes_of_all_kinds_come_back(tmp_path):
    """Commas, quotation marks, blanks and letters of other scripts; also from a file that spreadsheets would break."""
    text = 'Name,Row,Column,Label code\r\n"a, ""b"" 珊瑚.jpg",0,0,"x, y"\r\nø  1.JPG,2,3,É+é\r\n-1.jpg,4,5,=1\r\n'
    (tmp_path / "in.csv").write_bytes(text.encode())
    path, out = str(tmp_path / "s.gpkg"), tmp_path / "out.csv"
    run("importreef", annotations=[str(tmp_path / "in.csv")], output=path)
    run("exportreef", survey=path, coralnet=str(out), toolbox=str(tmp_path / "t.csv"))
    assert out.read_bytes() == text.encode()
    assert [row["Name"] for row in table(tmp_path / "t.csv")] == ['a, "b" 珊瑚.jpg', "ø  1.JPG", "-1.jpg"]


def test_quadrats_of_an_orthomosaic_are_told(make_raster, tmp_path):
    mosaic = make_raster("reef.tif", np.full((3, 40, 50), 9), crs="EPSG:32633", transform=Affine(0.1, 0, 0, 0, -0.1, 0))
    path, out = str(tmp_path / "s.gpkg"), str(tmp_path / "t.csv")
    run("placepoints", orthomosaic=mosaic, quadrats=2, points=2, output=path)
    result, _ = run("exportreef", survey=path, toolbox=out)
    assert any("a picture of each" in text for text in result.facts["warnings"])
    assert {row["Path"] for row in table(out)} == {"reef_q001", "reef_q002"}
