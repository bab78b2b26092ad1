"""CoralNet's and the Toolbox's files: read, written back byte by byte, and what is malformed told with its line."""

import gzip
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.reef.formats import coralnet, covers, labelsets, recognising, shape, toolbox
from quadrat.core.reef.formats.registry import FORMATS

pytestmark = pytest.mark.same_without_torch

EXPORT = (
    "Name,Date,Site,Transect,Aux3,Aux4,Aux5,Comments,Row,Column,Label code,Label ID,Annotator,Date annotated,"
    "Machine suggestion 1,Machine confidence 1,Machine suggestion 2,Machine confidence 2\r\n"
    'a.jpg,2001-02-03,North,T 1,,,,"one,\ntwo",149,199,Porit,82,anna,2019-05-01 10:00:00+00:00,Porit,60,CCA,29\r\n'
    'a.jpg,2001-02-03,North,T 1,,,,"one,\ntwo",0,7,CCA,9,robot,2019-05-01 10:00:01+00:00,CCA,58,,\r\n'
    "b é.jpg,,South,T 1,,,,,20,30,porit,82,Imported,,,,,\r\n"
)
TOOLBOX = (
    "Name,Path,Row,Column,Patch Size,Annotation Type,Label,Long Label,Verified,Machine confidence 1,"
    "Machine suggestion 1,Machine confidence 2,Machine suggestion 2,Machine confidence 3,Machine suggestion 3,"
    "Machine confidence 4,Machine suggestion 4,Machine confidence 5,Machine suggestion 5,Diver\n"
    "a.jpg,/data/a.jpg,10,20,224,Patch,A,Acropora,True,0.912,A,0.045,S,,,,,,,Ann\n"
    "a.jpg,/data/a.jpg,11,21,224,Patch,S,Sand,False,0.500,S,0.250,A,,,,,,,Ann\n"
    "b.jpg,/data/b.jpg,1,2,112,Patch,Review,Review,False,,,,,,,,,,,\n"
)


@pytest.fixture
def file(tmp_path):
    """A function that writes a file and gives its path."""
    numbers = itertools.count()

    def make(content, name="file.csv"):
        path = tmp_path / f"{next(numbers)}" / name
        path.parent.mkdir()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def test_coralnet_export_there_and_back(file):
    path = file(EXPORT)
    read = coralnet.read(path)
    rows, photos = read.rows, read.photos
    assert read.problems == [] and list(photos["name"]) == ["a.jpg", "b é.jpg"]
    assert list(rows["row"]) == [149, 0, 20] and list(rows["column"]) == [199, 7, 30]
    assert list(rows["label"]) == ["Porit", "CCA", "porit"] and list(rows["label_id"]) == ["82", "9", "82"]
    assert list(rows["state"]) == ["confirmed", "machine", "imported"]
    assert list(rows["confidence_1"][:2]) == [0.6, 0.58] and np.isnan(rows["confidence_2"][1])
    assert list(rows["suggestion_2"]) == ["CCA", "", ""] and read.ranks == 2
    assert photos.loc[0, "Site"] == "North" and photos.loc[0, "Comments"] == "one,\ntwo"
    assert shape.used_codes(read) == ("Porit", "CCA")
    out = path.with_name("out.csv")
    assert coralnet.write(out, rows, photos, label="both") == []
    assert out.read_bytes() == path.read_bytes()
    assert recognising.recognise(path) == "coralnet"


@pytest.mark.parametrize(
    "content",
    [
        "Name,Row,Column,Label\na.jpg,1,2,A\na.jpg,3,4,B\n",
        "\ufeffname; ROW ;column;label code;extra\r\na.jpg;1;2;A;x\r\n\r\na.jpg;3;4;B;y\r\n",
        "Name\tRow\tColumn\tLabel\ra.jpg\t1\t2\tA\ra.jpg\t3.0\t4\tB\r",
        '"Name","Row","Column","Label code","Label"\n"a.jpg","1","2","A","old"\n"a.jpg","3","4","B","old"\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_coralnet_as_spreadsheets_save_it(file, content, encoding):
    read = coralnet.read(file(content.removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding)))
    assert list(read.rows["row"]) == [1, 3] and list(read.rows["label"]) == ["A", "B"] and read.problems == []


def test_letters_of_windows_and_packed_files(file):
    content = "Name,Row,Column,Label\nRéunion.jpg,1,2,A\n".encode("cp1252")
    assert coralnet.read(file(content)).rows["name"][0] == "Réunion.jpg"
    assert coralnet.read(file(gzip.compress(content), "a.csv.gz")).rows["name"][0] == "Réunion.jpg"


def test_ids_win_over_codes(file):
    read = coralnet.read(file("Name,Row,Column,Label ID\na.jpg,1,2,82\na.jpg,1,3,9\na.jpg,1,4,\n"))
    assert list(read.rows["label"]) == ["82", "9", ""]
    labels = labelsets.read(file("Label ID,Short Code\n82,Porit\n7,CCA\n")).labels
    assert list(shape.coded_by_id(read, labels).rows["label"]) == ["Porit", "9", ""]
    both = coralnet.read(file("Name,Row,Column,Label code,Label ID\na.jpg,1,2,CCA,82\n"))
    assert list(shape.coded_by_id(both, labels).rows["label"]) == ["Porit"]


def test_malformed_rows_are_told_with_their_lines(file):
    read = coralnet.read(file(
        'Name,Row,Column,Label,Comments\na.jpg,1,2,A,"two\nlines"\na.jpg,-1,2,A\na.jpg,1.5,2,A\n,1,2,A\n'
        "a.jpg,1,x,A\na.jpg,1,2,A,b,c\nb.jpg,5,6\na.jpg,1e99,2,A\n"
    ))  # fmt: skip
    assert list(read.rows["row"]) == [1, 5] and list(read.rows["label"]) == ["A", ""]
    assert sorted(line for line, _ in read.problems) == [4, 5, 6, 7, 8, 10]
    told = dict(read.problems)
    assert "row '-1'" in told[4] and "names no photo" in told[6] and "column 'x'" in told[7] and "6 values" in told[8]


def test_confidences_that_are_none(file):
    heading = "Name,Row,Column,Label,Machine suggestion 1,Machine confidence 1\n"
    read = coralnet.read(file(heading + "a.jpg,1,2,A,B,60\na.jpg,1,3,A,B,160\na.jpg,1,4,A,B,x\na.jpg,1,5,A,B,NA\n"))
    assert read.rows["confidence_1"].isna().tolist() == [False, True, True, True]
    assert [line for line, _ in read.problems] == [4, 3]
    shares = coralnet.read(file(heading + "a.jpg,1,2,A,B,0.6\na.jpg,1,2,A,B,1\n"))
    assert shares.rows["confidence_1"].tolist() == [0.6, 1.0] and "0 to 1" in shares.problems[0][1]


def test_suggestions_with_gaps(file):
    heading = "Name,Row,Column,Label ID,Machine suggestion 2,Machine confidence 2,Machine confidence 3"
    read = coralnet.read(file(f"{heading}\na,1,2,82.0,B,7,1\n"))
    assert read.ranks == 2 and read.rows.loc[0, ["label", "suggestion_1", "suggestion_2"]].tolist() == ["82", "", "B"]
    assert read.problems == [(0, "Machine confidence 3 has no machine suggestion 3 beside it; not read.")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Name,Row,Label\na.jpg,1,A\n", "no column Column"),
        ("Name,Row,Column\n", "no points that can be used"),
        ("Name,Row,Column,Label\na.jpg,x,1,A\n", "no points that can be used. Line 2: The row 'x'"),
        ('Name,Row,Column,Label\n"a.jpg,1,1,A\nb.jpg,2,2,B\n', "opened in line 2 of .* is never closed"),
        ("", "is empty"),
        (b"PK\x03\x04rest", "workbook or an archive"),
        (b"Name\0Row\0", "is not text"),
        (b"\xff\xfea", "is damaged"),
    ],
)
def test_what_is_no_annotation_file(file, content, sentence):
    with pytest.raises(BadInput, match=sentence):
        coralnet.read(file(content))


def test_what_coralnet_would_refuse(file, tmp_path):
    rows = coralnet.read(file("Name,Row,Column,Label\n" + "a.jpg,1,2,A\n" * 1001 + "b.jpg,1,2,Unidentified\n")).rows
    told = coralnet.write(tmp_path / "o.csv", rows)
    assert "'Unidentified'" in told[0] and "'a.jpg' for one (1,001)" in told[1]
    with pytest.raises(BadInput, match="have none"):
        coralnet.write(tmp_path / "o.csv", rows, label="id")


def test_points_without_a_label_stay_out_of_an_export(file, tmp_path):
    rows = coralnet.read(file("Name,Row,Column,Label\na.jpg,1,2,\na.jpg,3,4,B\n")).rows
    coralnet.write(tmp_path / "o.csv", rows)
    assert (tmp_path / "o.csv").read_bytes() == b"Name,Row,Column,Label code\r\na.jpg,3,4,B\r\n"
    coralnet.write(tmp_path / "o.csv", rows, unlabelled=True, line_end="\n")
    assert (tmp_path / "o.csv").read_text() == "Name,Row,Column,Label code\na.jpg,1,2,\na.jpg,3,4,B\n"


def test_toolbox_there_and_back(file, tmp_path):
    path = file(TOOLBOX)
    assert recognising.recognise(path) == "toolbox"
    read = recognising.opened(path)
    assert list(read.rows["label"]) == ["A", "S", ""] and list(read.rows["state"]) == ["confirmed", *["machine"] * 2]
    assert list(read.rows["confidence_2"][:2]) == [0.045, 0.25] and read.problems == []
    assert list(read.photos["path"]) == ["/data/a.jpg", "/data/b.jpg"] and list(read.photos["Diver"]) == ["Ann", ""]
    assert list(read.labels["code"]) == ["A", "S"] and list(read.labels["name"]) == ["Acropora", "Sand"]
    toolbox.write(tmp_path / "o.csv", read.rows, read.photos, read.labels)
    assert (tmp_path / "o.csv").read_bytes() == path.read_bytes()


def test_toolbox_says_what_are_no_points(file):
    read = toolbox.read(file(TOOLBOX.replace("21,224,Patch", "21,224,Polygon").replace("0.912", "91.2")))
    assert read.problems[0] == (3, "1 annotations are areas (Polygon here), not points; their centres are read.")
    assert "0 to 100" in read.problems[1][1] and read.rows["confidence_1"][0] == pytest.approx(0.912)


def annotation(label="A", **facts):
    """A patch as the Toolbox exports it."""
    return {
        "type": "PatchAnnotation", "id": "u", "label_short_code": label, "label_long_code": "Acropora", "label_id": "v",
        "annotation_color": [1, 2, 3, 255], "image_path": "", "data": {}, "machine_confidence": {}, "verified": True,
        "center_xy": [20.7, 10.2], "annotation_size": 224, **facts,
    }  # fmt: skip


def test_toolbox_json(file):
    images = {
        "C:/x/a.jpg": [annotation(machine_confidence={"S": 0.25, "A": 0.5}), annotation("Review", verified=False)],
        "C:/x/b.jpg": [annotation(type="PolygonAnnotation"), annotation(center_xy=[1]), annotation("S")],
    }
    path = file(json.dumps({"images": [], "labels": [], "annotations": images}), "project.json")
    assert recognising.recognise(path) == recognising.recognise(file(json.dumps(images))) == "toolbox_json"
    read = recognising.opened(path)
    assert read.rows[["name", "row", "column", "label", "state"]].values.tolist() == [
        ["a.jpg", 10, 20, "A", "confirmed"], ["a.jpg", 10, 20, "", "machine"], ["b.jpg", 10, 20, "S", "confirmed"]
    ]  # fmt: skip
    assert (
        read.rows.loc[0, ["suggestion_1", "confidence_1", "suggestion_2"]].tolist() == ["A", 0.5, "S"]
        and read.ranks == 2
    )
    assert list(read.photos["path"]) == ["C:/x/a.jpg", "C:/x/b.jpg"] and list(read.labels["code"]) == ["A", "S"]
    assert read.problems[0][1].startswith("Annotation 2 of C:/x/b.jpg: it has no `center_xy`")
    assert "1 annotations are areas" in read.problems[1][1]
    with pytest.raises(BadInput, match="annotation 1 of a has no `label_short_code`"):
        recognising.opened(file(json.dumps({"a": [{"x": 1}]})), "toolbox_json")


def test_between_the_two_scales(file, tmp_path):
    read = coralnet.read(file(EXPORT))
    toolbox.write(tmp_path / "t.csv", read.rows)
    again = toolbox.read(tmp_path / "t.csv")
    assert again.rows["confidence_1"].equals(read.rows["confidence_1"])
    coralnet.write(tmp_path / "c.csv", again.rows)
    assert list(coralnet.read(tmp_path / "c.csv").rows["confidence_1"][:2]) == [0.6, 0.58]


COVERS = (
    "Image ID,Image name,Annotation status,Points,A,B\r\n1,a.jpg,Confirmed,5,60.000,40.000\r\n"
    "2,b.jpg,Confirmed,5,20.000,80.000\r\n3,c.jpg,Confirmed,5,100.000,0.000\r\nALL IMAGES,,,,60.000,40.000\r\n"
)


def test_covers_there_and_back(file, tmp_path):
    read = covers.read(file(COVERS))
    assert read.labels == ("A", "B") and read.shares.tolist() == [[0.6, 0.4], [0.2, 0.8], [1, 0]]
    assert read.mean.tolist() == [0.6, 0.4] and read.problems == [] and list(read.photos["points"]) == [5, 5, 5]
    covers.write(tmp_path / "o.csv", read)
    assert (tmp_path / "o.csv").read_bytes() == COVERS.encode()


def test_covers_of_points(file):
    points = {"a.jpg": "AbABA", "b.jpg": "abbBB", "c.jpg": "AA"}  # each photo counts alike
    lines = [f"{name},{i},0,{code}" for name, codes in points.items() for i, code in enumerate(codes)]
    rows = coralnet.read(file("\n".join(["Name,Row,Column,Label", *lines, "a.jpg,9,9,", "d.jpg,1,1,"]))).rows
    counted = covers.counted(rows, ["A", "B", "C"])
    assert counted.labels == ("A", "B", "C") and list(counted.photos["name"]) == ["a.jpg", "b.jpg", "c.jpg"]
    assert counted.shares.tolist() == [[0.6, 0.4, 0], [0.2, 0.8, 0], [1, 0, 0]] and counted.mean == pytest.approx(
        [0.6, 0.4, 0]
    )


def test_covers_that_are_none(file):
    read = covers.read(file(COVERS.replace("20.000,80.000", "20.000,70.000").replace("60.000,40.000", "x,40", 1)))
    assert [line for line, _ in read.problems] == [2, 3] and "90.00 %" in read.problems[1][1] and len(read.shares) == 2
    with pytest.raises(BadInput, match="no column 'Image name'"):
        covers.read(file("a,b\n1,2\n"))
    with pytest.raises(BadInput, match="neither points nor labels"):
        recognising.opened(file(COVERS))


def test_formats_are_found_and_named(file):
    assert all(callable(recognising.function(card.reader)) for card in FORMATS.values())
    assert all(callable(recognising.function(card.writer)) for card in FORMATS.values() if card.writer)
    assert recognising.recognise(file(COVERS)) == "covers"
    with pytest.raises(BadInput, match=r"none of the formats known .* begins with 'x,y'"):
        recognising.recognise(file("x,y\n1,2\n"))
    with pytest.raises(BadInput, match="no format 'coral'"):
        recognising.opened(file(EXPORT), "coral")


NAMES = st.text("abé,\"' /\\.", min_size=1, max_size=8).map(str.strip).filter(bool)
CODES = st.sampled_from(["A", "b", 'C"1', "CNA/CC", "D,E", ""])
POINTS = st.lists(st.tuples(NAMES, st.integers(0, 10**7), st.integers(0, 10**7), CODES), min_size=1, max_size=8)


@settings(max_examples=30)
@given(POINTS, st.sampled_from(["\r\n", "\n"]))
def test_what_is_written_is_read(tmp_path_factory, points, line_end):
    path = tmp_path_factory.getbasetemp() / "points.csv"
    rows = shape.no_points()
    names, rows_px, columns_px, codes = zip(*points, strict=True)
    rows = rows.reindex(range(len(points))).assign(name=names, row=rows_px, column=columns_px, label=codes)
    coralnet.write(path, rows, unlabelled=True, line_end=line_end)
    again = coralnet.read(path)
    assert again.problems == [] and again.rows[list(rows)].values.tolist() == rows.values.tolist()


SEEDS = {
    "coralnet": EXPORT, "toolbox": TOOLBOX, "covers": COVERS, "labelset": "code,name,parent\nA,x,B\nB,y,\n",
    "cpce": '"c.txt","a.jpg",60,45,9,9\r\n0,4\r\n5,4\r\n5,0\r\n0,0\r\n1\r\n15,30\r\n"1","A","Notes",""\r\n""\r\n',
    "cpce_codes": '1\n"C","Coral",FF0000\n"AA","Acropora","C"\nNOTES,NOTES,NOTES\n"D","Dead","NA"\n',
    "catami": '[{"pk":1,"fields":{"cpc_code":"NC","code_name":"N","parent":null}}]',
    "toolbox_json": '{"a.jpg":[{"type":"PatchAnnotation","label_short_code":"A","center_xy":[1,2.5],'
    '"machine_confidence":{"A":0.5},"verified":true}]}',
    "toolbox_labels": '[{"id":"x","short_label_code":"A","long_label_code":"B","color":[1,2,3,255]}]',
}  # fmt: skip
SHARDS = (
    b",",
    b'"',
    b"\r\n",
    b"\n",
    b"\r",
    b";",
    b"\0",
    b"\xff",
    b"\xff\xfe",
    b"-1",
    b"1e400",
    b"nan",
    b"9" * 25,
    b"",
    b"[",
    b"}",
)
CUTS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 20), st.sampled_from(SHARDS) | st.binary(max_size=4)), max_size=5
)


@given(st.sampled_from(sorted(SEEDS)), CUTS)
def test_damaged_files_end_in_sentences(tmp_path_factory, name, cuts):
    content = bytearray(SEEDS[name].encode())
    for where, length, shard in cuts:
        start = int(where * len(content))
        content[start : start + length] = shard
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    for reader in (recognising.function(FORMATS[name].reader), recognising.opened):
        told = "Read."
        try:
            reader(path)
        except BadInput as error:
            told = str(error)
        assert told[-1] in ".?" and (told == "Read." or len(told) > 15)
