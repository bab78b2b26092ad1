"""Files of CPCe: units and pixels, folders of them, and the same bytes again."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.reef.formats import cpce, cpcfile, recognising

pytestmark = pytest.mark.same_without_torch


def content(
    image=r"D:\Site A\T1\a.jpg", points=((15, 30), (150, 45)), labels=(("A", ""), ("B", "BL")), size=(6000, 4500),
    headers=28, end="\r\n", count=None,
):  # fmt: skip
    """Text of a .cpc file; points are (x, y) in units."""
    lines = [f'"C:\\CPCe\\codes.txt","{image}",{size[0]},{size[1]},14400,10800', "285.5,4035", "5685,4035", "5685,435"]
    lines += ["285.5,435", str(len(points) if count is None else count), *(f"{x},{y}" for x, y in points)]
    lines += [f'"{i}","{code}","Notes","{note}"' for i, (code, note) in enumerate(labels, 1)]
    return end.join(lines + ['"La Jolla, CA"'] * headers) + end


@pytest.fixture
def folder(tmp_path):
    """A function that writes files by name into a folder."""

    def make(**files):
        for name, text in files.items():
            path = tmp_path / "cpc" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".cpc").write_bytes(text if isinstance(text, bytes) else text.encode("cp1252"))
        return tmp_path / "cpc"

    return make


def same_again(folder, read, tmp_path, **options):
    """Whether writing gives the same files."""
    told = cpce.write(tmp_path / "out", read.rows, read.photos, **options)
    before = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.cpc")}
    return told == [] and before == {
        p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*.cpc")
    }


def test_one_file(folder):
    path = folder(a=content()) / "a.cpc"
    assert recognising.recognise(path) == "cpce"
    read = cpce.read(path, {"a.jpg": (400, 300)})
    assert read.rows[["name", "row", "column", "label", "notes"]].values.tolist() == [
        ["a.jpg", 2, 1, "A", ""], ["a.jpg", 3, 10, "B", "BL"]
    ]  # fmt: skip
    assert read.photos[["name", "width", "height"]].values.tolist() == [["a.jpg", 400, 300]] and read.problems == []
    assert list(cpce.read(path, notes=True).rows["label"]) == ["A", "B+BL"]


@pytest.mark.parametrize("size", [(6000, 4500), (4800, 3600), (8000, 6000)])
def test_units_follow_from_the_size_of_the_photo(folder, size):
    units = size[0] // 400
    points = ((units, 2 * units), (399 * units, 299 * units))
    path = folder(a=content(size=size, points=points))
    read = cpce.read(path, lambda name: (400, 300))
    assert read.rows[["row", "column"]].values.tolist() == [[2, 1], [299, 399]] and read.problems == []


def test_units_without_photos(folder):
    read = cpce.read(folder(a=content()))
    assert read.photos["width"][0] == 400 and "15 units a pixel as well as 12" in read.problems[0][1]
    read = cpce.read(folder(a=content(size=(12 * 401, 12 * 307))))
    assert (read.photos["width"][0], read.problems) == (401, [])
    with pytest.raises(BadInput, match="no whole pixels at 15, 12 or 10"):
        cpce.read(folder(a=content(size=(6001, 4500))))


def test_the_very_edge_is_of_the_last_pixel(folder):
    read = cpce.read(folder(a=content(points=((6000, 4500), (5993, 0)))), {"a.jpg": (400, 300)})
    assert read.rows[["row", "column"]].values.tolist() == [[299, 399], [0, 399]] and read.problems == []


def test_units_that_do_not_fit(folder):
    path = folder(a=content()) / "a.cpc"
    with pytest.raises(BadInput, match=r"15 and 22.5 a pixel of a photo of 400 x 200 px.*full size"):
        cpce.read(path, {"a.jpg": (400, 200)})
    with pytest.raises(BadInput, match="turned since"):
        cpce.read(path, {"a.jpg": (300, 400)})


def test_the_same_bytes_again(folder, tmp_path):
    where = folder(
        a=content(), T2__b=content(image="E:/x/b.JPG", headers=0), T2__c=content(image="c.jpg", end="\n"),
        d=content(image="Réunion.jpg", labels=(("Ré", ""), ("", " x "))),
    )  # fmt: skip
    read = cpce.read(where)
    assert list(read.photos["name"]) == ["b.JPG", "c.jpg", "a.jpg", "Réunion.jpg"]
    assert same_again(where, read, tmp_path)


def test_other_labels_change_their_lines_alone(folder, tmp_path):
    where = folder(a=content())
    read = cpce.read(where)
    read.rows["label"] = ["C+N", "B"]
    cpce.write(tmp_path / "out", read.rows, read.photos)
    assert (tmp_path / "out" / "a.cpc").read_text() == content(labels=(("C+N", ""), ("B", "BL")), end="\n")
    cpce.write(tmp_path / "out", read.rows, read.photos, notes=True)
    assert (tmp_path / "out" / "a.cpc").read_text() == content(labels=(("C", "N"), ("B", "")), end="\n")


def test_a_new_file(tmp_path):
    rows = pd.DataFrame({"name": "T 1/a.jpg", "row": [0, 299], "column": [399, 5], "label": ['A"x', ""]})
    photos = pd.DataFrame({"name": ["T 1/a.jpg"], "width": [400], "height": [300]})
    told = cpce.write(tmp_path, rows, photos, code_path=r"C:\codes.txt", image_folder=r"D:\Reef")
    assert len(told) == 1 and 'those of A"x are left out' in told[0]
    expected = ['"C:\\codes.txt","D:\\Reef\\T 1\\a.jpg",6000,4500,14400,10800', "0,4485", "5985,4485", "5985,0", "0,0",
                "2", "5985,0", "75,4485", '"1","Ax","Notes",""', '"2","","Notes",""', *['""'] * 28]  # fmt: skip
    assert (tmp_path / "T 1" / "a.cpc").read_bytes() == ("\r\n".join(expected) + "\r\n").encode()
    with pytest.raises(BadInput, match=r"size of T 1/a\.jpg is unknown"):
        cpce.write(tmp_path, rows, photos.assign(width=0))
    two = pd.DataFrame({"name": ["a.jpg", "a.png"], "width": 400, "height": 300})
    with pytest.raises(BadInput, match=r"a\.png and a\.jpg would both be written as a\.cpc"):
        cpce.write(tmp_path, rows.assign(name=["a.jpg", "a.png"]), two)


def test_points_that_changed_make_a_new_file(folder, tmp_path):
    read = cpce.read(folder(a=content()))
    told = cpce.write(tmp_path / "out", read.rows.assign(row=[5, 6]), read.photos)
    assert told == ["a.jpg has other points than its .cpc file had; a new file is written."]
    assert cpce.read(tmp_path / "out").rows["row"].tolist() == [5, 6]
    many = pd.DataFrame({"name": [f"{k}.jpg" for k in range(9)], "row": 1, "column": 1, "label": "珊"})
    told = cpce.write(tmp_path / "new", many, pd.DataFrame({"name": many["name"], "width": 9, "height": 9}))
    assert told == ["The files of 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 4 more hold letters that CPCe may not show; "
                    "they are written as UTF-8."]  # fmt: skip
    assert "not in the table of photos" in cpce.write(tmp_path / "out", read.rows.assign(name="z"), read.photos)[0]


def test_names_never_leave_the_folder():
    assert cpce.file_name({"name": r"..\..\x\a.b.jpg"}) == "x/a.b.cpc"
    assert cpce.file_name({"name": "/etc/a.jpg"}) == "etc/a.cpc" and cpce.file_name({"name": "C:/a.jpg"}) == "a.cpc"


def test_folders_tell_photos_of_one_name_apart(folder):
    read = cpce.read(folder(
        a=content(image=r"D:\S\T1\a.jpg"), b=content(image=r"D:\S\T2\a.jpg"), c=content(image=r"D:\S\c.jpg"),
        d=content(image=r"d:\s\t2\A.jpg"),
    ))  # fmt: skip
    assert list(read.photos["name"]) == ["T1/a.jpg", "T2/a.jpg", "c.jpg"]
    assert "d.cpc: has points of t2/A.jpg, as b.cpc has" in read.problems[0][1]


def test_malformed_files_in_a_folder_do_not_hide_the_others(folder):
    read = cpce.read(
        folder(a=content(), b=content(count=5), c=b"\0", d=content(image="d.jpg", points=((15, 30), (6020, 45))))
    )
    assert list(read.photos["name"]) == ["a.jpg", "d.jpg"] and len(read.rows) == 3
    told = " ".join(sentence for _, sentence in read.problems)
    assert "b.cpc: Line 9 has 4 values where 2 should be: a point, x and y." in told
    assert "c.cpc" in told and "d.cpc: the column of the point, 6020 units or pixel 401, lies beyond the photo" in told
    assert (8, next(s for _, s in read.problems if "6020" in s)) in read.problems


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("4500,14400", "4500"), "Line 1 has 5 values where 6 should be"),
        (("6000,4500", "x,4500"), "Line 1: 'x' is no number for the size"),
        (("6000,4500", "0,4500"), "0 x 4500 units"),
        (("5685,435", "5685,nan"), "Line 4: 'nan' is no number for a corner"),
        (("\r\n2\r\n", "\r\ntwo\r\n"), "Line 6 should hold the number of points, .* not 'two'"),
        (("15,30", "15"), "Line 7 has 1 values where 2 should be"),
        (("15,30", "15,1_0"), "Line 7: '1_0' is no number"),
        (('"Notes","BL"', '"Notes"'), "Line 10 has 3 values where 4 should be"),
        ((r"D:\Site A\T1\a.jpg", ""), "Line 1: it names no image"),
        (("\r\n2\r\n", "\r\n20\r\n"), "Line 6 announces 20 points, which take 46 lines; the file has 38"),
    ],
)
def test_what_is_no_cpc_file(folder, change, sentence):
    with pytest.raises(BadInput, match=sentence):
        cpce.read(folder(a=content().replace(*change)) / "a.cpc")


def test_nothing_there(tmp_path):
    with pytest.raises(BadInput, match=r"holds no \.cpc files"):
        cpce.read(tmp_path)
    with pytest.raises(BadInput, match="no file or folder"):
        cpce.read(tmp_path / "a.cpc")


POINTS = st.lists(
    st.tuples(st.integers(0, 306), st.integers(0, 400), st.sampled_from(["A", "", "C D"])), min_size=1, max_size=5
)


@settings(max_examples=30)
@given(POINTS, st.sampled_from([15, 12, 10, 20]))
def test_pixels_there_and_back(points, units):
    rows, columns, codes = zip(*points, strict=True)
    text = cpcfile.made("a.jpg", "", (401, 307), rows, columns, codes, [""] * len(rows))
    cpc = cpcfile.parse(text)
    assert cpcfile.scale_of(cpc, (401, 307)) == (15, False) and cpcfile.relabelled(cpc, cpc.codes) == text
    places = [(column * units, row * units) for row, column in zip(rows, columns, strict=True)]
    scaled = content(size=(401 * units, 307 * units), points=places, labels=[(code, "") for code in codes])
    cpc = cpcfile.parse(scaled)
    assert cpcfile.scale_of(cpc, (401, 307)) == (units, False)
    assert [round(y / units) for y in cpc.y] == list(rows) and cpc.codes == codes
