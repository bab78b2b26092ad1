"""Label sets and trees from files of several programs, and back."""

import colorsys
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.reef.branchcolours import ABOVE, branch_colours
from quadrat.core.reef.formats import catami, cpcecodes, labelsets, recognising, shape, toolbox
from quadrat.core.reef.tree import Label, LabelTree

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def file(tmp_path):
    """A function that writes a file and gives its path."""

    def make(content, name="labels.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def test_coralnet_label_set_there_and_back(file, tmp_path):
    content = "Label ID,Short Code\r\n9,CCA\r\n82,Porit\r\n"
    path = file(content)
    assert recognising.recognise(path) == "labelset"
    labels = recognising.opened(path).labels
    assert labels.to_dict("list") == {
        "code": ["CCA", "Porit"], "name": ["", ""], "parent": ["", ""], "colour": ["", ""], "label_id": ["9", "82"]
    }  # fmt: skip
    assert labelsets.write(tmp_path / "o.csv", labels, coralnet=True) == []
    assert (tmp_path / "o.csv").read_bytes() == content.encode()


def test_tree_with_parents_by_code_and_name(file, tmp_path):
    path = file(
        "Parent;Code;Name;Colour\nHard coral;FAV;Favia;#FF0000\nCOR;HC;Hard coral;00ff00\nNA;COR;Corals;\n"
        "hc;POR;Porites;x\n"
    )
    read = labelsets.read(path)
    tree = shape.tree_of(read.labels)
    assert tree.path("FAV") == ("COR", "HC", "FAV") and tree.label("fav").colour == "#ff0000"
    assert list(read.labels["code"]) == ["FAV", "HC", "COR", "POR"]  # the file's order
    assert read.problems == [(5, "The colour 'x' is none; write it as #rrggbb. Taken as none.")]
    labelsets.write(tmp_path / "o.csv", read.labels)
    assert labelsets.read(tmp_path / "o.csv").labels.equals(read.labels)


def test_functional_groups_become_parents(file):
    read = labelsets.read(file(
        "\ufeffshort_name,full_name,taxonomic_name,functional_group,life_history\n"
        "Sand,Sand,Sand,Abiotic_Substrate,Not_Coral\nPorit,Porites_massive,Porites,Hard_coral,Stress\n"
        "Fav,Favia_1,Favia,Hard_coral,Stress\nUnidentified,Unidentified,Unidentified,Unidentified,x\n"
    ))  # fmt: skip
    tree = shape.tree_of(read.labels)
    assert tree.roots == ("Abiotic_Substrate", "Hard_coral", "Unidentified")
    assert tree.children("Hard_coral") == ("Porit", "Fav") and tree.label("Hard_coral").name == "Hard coral"
    assert recognising.recognise(file("short_name,full_name,functional_group\nA,B,C\n")) == "labelset"


@pytest.mark.parametrize(
    "heading",
    ["Short Code", "Label,Functional Group", "SPECIES_CODE,CATAMI_DISPLAY_NAME,CATAMI_PARENT_ID", "code;colour"],
)
def test_label_sets_are_recognised(file, heading):
    assert recognising.recognise(file(heading + "\nA\n")) == "labelset"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("code,parent\nA,B\nB,A\n", "Line 2: The labels A < B < A go round"),
        ("code,parent\nA,\nB,\nC,A\nc,B\n", "Line 5: The label 'C' has two parents, 'A' and 'B'"),
        ("code,parent\nA,\nB,Ab\n", "Line 3: The label 'B' has the parent 'Ab', which is no label. Did you mean 'A'"),
        ("Label ID,Short Code\n7,A\n7,B\n", "Line 3: The label ID 7 stands at 'A' and at 'B'"),
        ("Name,Parent\nA,\n", "no column 'Short Code' or 'code'. Its columns: Name, Parent"),
        ("code,parent\n,A\n", "no labels that can be used. Line 2: The label has no code"),
    ],
)
def test_what_is_no_label_set(file, content, sentence):
    with pytest.raises(BadInput, match=sentence):
        labelsets.read(file(content))


CODES = (
    b'DFDFDF\r\nFFFFFF\r\n2\r\n"C", "Coral", FF0000\r\n"S", "Sand and rubble", DFDFDF\r\n"AA", "Agaricia", "C"\r\n'
    b'"S", "Sand", "S"\r\n"RB", "Rubble", "S"\r\n"Blank", "Blank", "Blank"\r\nNOTES,NOTES,NOTES\r\n'
    b'"BL", "Bleached", "NA"\r\n'
)


def test_code_file_of_cpce(file, tmp_path):
    path = file(CODES, "codes.txt")
    assert recognising.recognise(path) == "cpce_codes"
    read = cpcecodes.read(path)
    tree = shape.tree_of(read.labels)
    assert tree.codes == ("C", "AA", "S", "RB") and tree.label("C").colour == "#ff0000" and read.problems == []
    assert cpcecodes.notes(path) == {"BL": "Bleached"}
    assert cpcecodes.write(tmp_path / "o.txt", tree) == []
    assert (tmp_path / "o.txt").read_bytes() == (
        b'2\r\n"C","Coral"\r\n"S","Sand and rubble"\r\n"C","Coral","C"\r\n"AA","Agaricia","C"\r\n'
        b'"S","Sand and rubble","S"\r\n"RB","Rubble","S"\r\nNOTES,NOTES,NOTES\r\n'
    )
    again = shape.tree_of(cpcecodes.read(tmp_path / "o.txt").labels)
    assert [(label.code, label.parent) for label in again.labels] == [
        (label.code, label.parent) for label in tree.labels
    ]


def test_code_files_that_are_none(file):
    with pytest.raises(BadInput, match="line 1 should hold the number"):
        cpcecodes.read(file('"C","Coral"\n"AA","A","C"\n'))
    with pytest.raises(BadInput, match=r"Line 4 .* one of 3 major categories"):
        cpcecodes.read(file('3\n"C","Coral"\n"S","Sand"\n"AA","A","C"\n"BB","B","C"\n'))
    with pytest.raises(BadInput, match="Line 3: The label 'AA' has the parent 'X'"):
        cpcecodes.read(file('1\n"C","Coral"\n"AA","A","X"\n'))
    read = cpcecodes.read(file('1\n"C","Coral"\n"AA","A, b","C"\n"BB","C"\n'))
    assert read.problems == [(4, "The line has 2 values where code, name and category should be; left out.")]


@pytest.mark.parametrize(("text", "tree"), [
    ("Level 1,level_2,L3\nCoral,Hard,Porites\nCoral,Hard,Acropora\nCoral,Soft,\nSand,,\n",
     "Coral<;Hard<Coral;Porites<Hard;Acropora<Hard;Soft<Coral;Sand<"),
    # Codes of the rows' own labels, one of them inner; blanks inside, and levels filled up by repetition.
    ("code,level 1,level 2,level 3\nPOR,Coral,,Porites\nC,Coral,Coral,Coral\nSA,Sand,Sand,Sand\n",
     "C<;POR<C;SA<"),
    # Several codes on one path lie below it; R2 ends at its own name.
    ("level 1;level 2;short code;name\nCoral;Hard;PL;P. lobata\nCoral;Hard;PC;P. compressa\nRock;;R2;rock\n",
     "Coral<;Hard<Coral;PL<Hard;PC<Hard;R2<"),
    ("Genus,Family,Species\nPorites,Poritidae,lobata\nPorites,Poritidae,\nAcropora,Acroporidae,A. muricata\n",
     "Poritidae<;Porites<Poritidae;Porites lobata<Porites;Acroporidae<;Acropora<Acroporidae;A. muricata<Acropora"),
])  # fmt: skip
def test_trees_by_columns_of_levels(file, text, tree):
    path = file(text)
    assert recognising.recognise(path) == "labelset"
    read = recognising.opened(path)
    found = [f"{c}<{p}" for c, p in zip(read.labels["code"], read.labels["parent"], strict=True)]
    assert sorted(found) == sorted(tree.split(";"))
    assert read.problems == []


def test_one_name_at_two_places_of_the_levels(file):
    read = labelsets.read(file("level 1,level 2,code\nAlgae,Other,\nCoral,Other,\nSand,,S\nSand,,SA\n,,\n"))
    # Two codes with one path: both lie below Sand.
    assert read.labels["code"].tolist() == ["Algae", "Algae/Other", "Coral", "Coral/Other", "Sand", "S", "SA"]
    assert read.labels["name"].tolist()[1] == "Other" and read.labels["parent"].tolist()[5:] == ["Sand", "Sand"]
    assert [line for line, _ in read.problems] == [0] and "'Algae/Other'" in read.problems[0][1]
    groups = labelsets.read(file("code,functional group,family,genus\nPL,Hard,Poritidae,Porites\n"))
    assert groups.labels["parent"].tolist() == ["", "Hard"]  # as before there were levels


def test_labels_of_the_toolbox(file, tmp_path):
    labels = [
        {"id": "-1", "short_label_code": "Review", "long_label_code": "Review", "color": [255, 255, 255, 255]},
        {"id": "0b5a1c1e-8d6b-4f53-9a52-3a1d0a4f9f11", "short_label_code": "A", "long_label_code": "Acropora",
         "color": [255, 0, 16, 255]},
    ]  # fmt: skip
    path = file(json.dumps(labels, indent=4), "labels.json")
    assert recognising.recognise(path) == "toolbox_labels"
    read = recognising.opened(path)
    assert read.labels.iloc[0].tolist() == ["A", "Acropora", "", "#ff0010", labels[1]["id"]]
    assert toolbox.write_labels(tmp_path / "o.json", read.labels) == []
    assert json.loads((tmp_path / "o.json").read_text()) == labels[1:]
    told = toolbox.write_labels(tmp_path / "o.json", read.labels.assign(parent="X", label_id="82", colour=""))
    assert "parents are left out" in told[0]
    made = json.loads((tmp_path / "o.json").read_text())[0]
    assert made["color"] == [128, 128, 128, 255] and made["id"] == "ffe985c0-0958-584f-b4aa-0b1a9450cf8a"
    with pytest.raises(BadInput, match=r"Record 2 .* has the colour \[1, 2\]"):
        toolbox.read_labels(file(json.dumps([labels[0], {**labels[1], "color": [1, 2]}])))
    with pytest.raises(BadInput, match="line 3 is no JSON"):
        toolbox.read_labels(file('[\n{"a": 1},\n}\n'))


def test_branches_of_a_tree_without_colours_get_their_own():
    """A hue a branch, shades within; the root, which says nothing, is grey."""
    pairs = [("All", "")] + [(f"b{n}", "All") for n in range(8)] + [(f"b1{n}", "b1") for n in range(9)]
    colours = branch_colours(LabelTree(Label(code, parent=parent) for code, parent in pairs))
    assert len(colours) == 18 and colours["All"] == ABOVE
    assert len({colours[f"b{n}"] for n in range(8)}) == 8 and len({colours[f"b1{n}"] for n in range(9)}) == 9

    def hue(code):
        parts = [int(colours[code][at : at + 2], 16) / 255 for at in (1, 3, 5)]
        return colorsys.rgb_to_hls(*parts)[0]

    assert [hue(f"b1{n}") for n in range(9)] == pytest.approx([hue("b1")] * 9, abs=0.02)
    few = branch_colours(LabelTree([Label("Coral"), Label("Hard", parent="Coral"), Label("Sand")]))
    assert few["Coral"] == "#ee8866" and few["Sand"] == "#ccbb44" and few["Hard"] != few["Coral"]
    assert branch_colours(LabelTree()) == {}


def test_catami(file):
    def record(pk, code, parent, colour="8F8F8F"):
        fields = {"caab_code": f"0{pk}", "cpc_code": code, "point_colour": colour, "code_name": code}
        return {"pk": pk, "fields": {**fields, "parent": parent}}

    path = file(json.dumps([record(1, "B", None), record(2, "S", 1)]), "tree.json")
    assert recognising.recognise(path) == "catami"
    assert catami.read(path).labels.iloc[1][["code", "name", "parent", "label_id"]].tolist() == ["S", "S", "B", "02"]
    coloured = catami.read(file(json.dumps([record(1, "B", None), record(2, "S", 1, "8F8F80")]), "tree.json"))
    assert coloured.labels["colour"].tolist() == ["#8f8f8f", "#8f8f80"]
    with pytest.raises(BadInput, match="'S', has the parent 3, which is no record"):
        catami.read(file(json.dumps([record(1, "B", None), record(2, "S", 3)])))
    with pytest.raises(BadInput, match="record 2 has no `pk`"):
        catami.read(file(json.dumps([record(1, "B", None), {"pk": 2}])))
    with pytest.raises(BadInput, match="neither annotations"):
        recognising.recognise(file('[{"a": 1}]'))


@settings(max_examples=25, deadline=None)
@given(parents=st.lists(st.integers(-1, 8), min_size=1, max_size=10), coded=st.booleans())
def test_any_tree_comes_back_from_columns_of_levels(parents, coded, tmp_path_factory):
    """A row a label, in any order of the tree; each row ends at its label."""
    above = [parent if parent < number else -1 for number, parent in enumerate(parents)]
    paths = []
    for number, parent in enumerate(above):
        paths.append([*(paths[parent] if parent >= 0 else []), f"name {number}"])
    depth = max(2, *map(len, paths))
    rows = [["code", *(f"Level {n + 1}" for n in range(depth))]]
    rows += [[f"c{n}" if coded else "", *path, *[""] * (depth - len(path))] for n, path in enumerate(paths)]
    path = tmp_path_factory.mktemp("levels") / "tree.csv"
    path.write_text("\n".join(map(",".join, rows)))
    read = labelsets.read(path)

    def code(number):
        return "" if number < 0 else f"c{number}" if coded else f"name {number}"

    told = dict(zip(read.labels["code"], read.labels["parent"], strict=True))
    assert told == {code(number): code(parent) for number, parent in enumerate(above)} and read.problems == []
