import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsRendererCategory,
    QgsVectorLayer,
)
from quadrat.core.colours import PALETTE
from quadrat.core.errors import BadInput
from quadrat.core.live.messages import MOST_CLASSES
from quadrat.plugin.teach.classes import ClassList


@pytest.fixture
def classes():
    made = ClassList()
    made.heard = []
    made.changed.connect(lambda: made.heard.append(made.names()))
    return made


def test_a_class_gets_a_colour_that_fits_and_the_next_free_key(classes):
    water = classes.add("  Open water ")
    assert (water.name, water.colour, water.key) == ("Open water", "#4477aa", "1")
    assert classes.add("lake").colour == PALETTE[1], "the colour of water is taken"
    assert classes.add("x", key="b").key == "b"
    assert classes.add("y").key == "3"
    assert classes.add("z", colour="red").colour == "#ff0000"
    assert classes.names() == ["Open water", "lake", "x", "y", "z"]
    assert len(classes.heard) == len(classes) == 5


def test_sixteen_classes_never_share_a_colour_and_a_hundred_neither(classes):
    for number in range(100):
        classes.add(f"class {number}")
    assert len(set(classes.colours())) == 100
    assert [one.key for one in classes][:10] == [*"123456789", "a"]
    assert [one.key for one in classes][35:37] == ["", ""], "keys run out, classes do not"


@pytest.mark.parametrize("name", ["", "   ", "water", " water "])
def test_names_are_unique_and_not_empty(classes, name):
    classes.add("water")
    with pytest.raises(BadInput):
        classes.add(name)
    classes.add("forest")
    with pytest.raises(BadInput):
        classes.rename("forest", name)
    assert classes.names() == ["water", "forest"]


def test_nonsense_is_refused_in_a_sentence(classes):
    classes.add("water")
    for work in (
        lambda: classes.add("a", colour="not a colour"),
        lambda: classes.add("a", key="0"),
        lambda: classes.add("a", key="12"),
        lambda: classes.recolour("water", ""),
        lambda: classes.set_key("water", "ä"),
        lambda: classes.rename("lake", "sea"),
        lambda: classes.remove("lake"),
        lambda: classes.merge(["water"], "lake"),
        lambda: classes.merge(["lake"], "water"),
    ):
        with pytest.raises(BadInput, match=r"\.$"):
            work()
    assert classes.to_dicts() == [{"name": "water", "colour": "#4477aa", "key": "1"}]
    assert len(classes.heard) == 1


def test_there_are_never_more_classes_than_bytes_for_them(classes):
    classes.load_dicts({"name": str(number)} for number in range(MOST_CLASSES + 5))
    assert len(classes) == MOST_CLASSES
    with pytest.raises(BadInput, match=str(MOST_CLASSES)):
        classes.add("one more")


def test_changes_keep_place_and_rest(classes):
    for name in "abc":
        classes.add(name)
    classes.rename("b", "B")
    classes.rename("B", "B ")
    classes.recolour("B", "#010203")
    assert [(one.name, one.key) for one in classes] == [("a", "1"), ("B", "2"), ("c", "3")]
    assert classes.get("B").colour == "#010203"
    classes.move("c", 0)
    assert classes.names() == ["c", "a", "B"]
    classes.move("c", 99)
    assert classes.names() == ["a", "B", "c"]
    classes.merge(["a", "c"], "c")
    assert classes.names() == ["B", "c"]
    heard = len(classes.heard)
    classes.move("B", 0)
    classes.recolour("B", "#010203")
    assert len(classes.heard) == heard, "nothing changed, nothing is said"


def test_a_key_belongs_to_one_class(classes):
    classes.add("a")
    classes.add("b")
    classes.set_key("b", "1")
    assert [one.key for one in classes] == ["", "1"]
    assert classes.by_key("1").name == "b"
    classes.add("c", key="1")
    assert [one.key for one in classes] == ["", "", "1"]
    classes.set_key("c", "")
    assert classes.by_key("1") is None and classes.by_key("") is None
    classes.set_key("a", "Q")
    assert classes.by_key("q").name == classes.by_key("Q").name == "a"


def test_what_is_saved_is_loaded(classes):
    for name in ("water", "forest"):
        classes.add(name)
    classes.set_key("forest", "")
    again = ClassList()
    again.load_dicts(classes.to_dicts())
    assert again.to_dicts() == classes.to_dicts()
    again.load_dicts([{"name": "a", "colour": "nonsense"}, {}, {"name": "b", "later": 1}, {"name": "b"},
                      {"name": "c", "key": "1"}, {"name": "d", "key": "1"}])  # fmt: skip
    assert again.names() == ["b", "c", "d"]
    assert [one.key for one in again] == ["", "1", ""]


def categorised(*pairs, symbol=QgsFillSymbol):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:string", "habitats", "memory")
    categories = [
        QgsRendererCategory(value, symbol.createSimple({"color": colour}), f"label of {value}")
        for value, colour in pairs
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer("class", categories))
    return layer


def test_categories_of_a_layer_become_classes(classes):
    classes.add("reef", colour="#111111")
    layer = categorised(
        ("sand", "#ffee00"), ("reef", "#ff0000"), (3, "#00ff00"), (["a", "b"], "#0000ff"), ("", "#999999")
    )
    assert classes.load_categories(layer) == ["sand", "reef", "3", "a", "b"]
    assert [(one.name, one.colour) for one in classes] == [
        ("reef", "#ff0000"), ("sand", "#ffee00"), ("3", "#00ff00"), ("a", "#0000ff"), ("b", "#0000ff"),
    ]  # fmt: skip
    assert [one.key for one in classes] == [*"12345"]
    assert len(classes.heard) == 2, "said once"


def test_a_layer_without_categories_is_refused(classes):
    layer = QgsVectorLayer("Point?field=v:double", "plain", "memory")
    with pytest.raises(BadInput, match="'plain'"):
        classes.load_categories(layer)
    layer.setRenderer(QgsGraduatedSymbolRenderer("v", []))
    with pytest.raises(BadInput):
        classes.load_categories(layer)
    assert len(classes) == 0
