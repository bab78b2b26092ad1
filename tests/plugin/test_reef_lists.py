"""Photos that are listed, labels that are found, and their keys and colours."""

import pytest
from quadrat.core.errors import BadJob
from quadrat.core.reef.survey import Label, Survey
from quadrat.plugin.reef.palette import Palette
from quadrat.plugin.reef.photolist import LEFT, Wish
from quadrat.plugin.reef.state import ReefState
from quadrat.tests.plugin.reefmade import make_survey


@pytest.fixture
def path(tmp_path):
    return make_survey(tmp_path / "survey.gpkg")


@pytest.fixture
def state(qgis_app, path):
    state = ReefState()
    state.annotator = "Ana"
    state.open(path)
    yield state
    state.close()


def labels(path):
    """Label by point, as another program reads it."""
    with Survey(path) as survey:
        return {one.point: one.label for one in survey.annotations(1, "Ana")}


def test_photos_are_found_and_a_photo_at_work_stays_listed(state):
    state.list_photos(Wish(site="South"))
    assert [photo.name for photo in state.photos.listed] == ["4.jpg"]
    state.list_photos(Wish(text="nor 2.jpg"))
    assert [photo.name for photo in state.photos.listed] == ["2.jpg"]
    state.list_photos(Wish(shown=LEFT))
    for _ in range(5):
        state.label("Sand")
    assert len(state.photos.listed) == 4 and state.photos.listed[0].annotated == 5
    state.list_photos(Wish(shown=LEFT))
    assert [photo.photo for photo in state.photos.listed] == [2, 3, 4]
    state.step_photo(1)
    assert state.photo.photo == 2, "from a photo that is not listed to the next that is"


def test_keys_are_given_kept_in_the_file_and_taken_back(state, path):
    assert state.palette.by_key("h") == "Hard" and state.palette.by_key("H") == "Hard"
    state.give_keys()
    with Survey(path) as survey:
        keys = {label.code: label.key for label in survey.labels()}
    assert keys == {"Coral": "c", "Hard": "h", "Por": "p", "Fav": "f", "Soft": "o", "Sand": "s"}
    state.set_key("Fav", "p")
    assert (state.palette.key("Fav"), state.palette.key("Por")) == ("p", "")
    state.undo()
    state.undo()
    assert (state.palette.key("Fav"), state.palette.key("Por")) == ("", "p")
    with pytest.raises(BadJob, match="can be no key"):
        state.set_key("Fav", "1")


@pytest.mark.parametrize(
    ("typed", "codes"),
    [("por", ["Por"]), ("hard", ["Hard"]), ("cor", ["Coral", "Hard", "Soft"]), ("s c", ["Soft"]), ("x", []), (" ", [])],
)
def test_labels_are_found_as_one_types(state, typed, codes):
    assert [label.code for label in state.palette.find(typed)] == codes


def test_a_tree_of_thousands_of_labels_has_colours_too():
    palette = Palette([Label(f"c{number}", colour="#4477aa" if number == 5 else "") for number in range(3000)])
    colours = [palette.colour(label.code) for label in palette.labels]
    assert all(colours) and colours[5] == "#4477aa" and colours.count("#4477aa") == 1
    assert len(set(colours[:500])) > 450


def test_labels_that_make_no_tree_are_a_list_and_the_fault_is_named(state, path):
    with Survey(path) as survey, survey.edit() as connection:
        connection.execute("UPDATE labels SET parent = 'Por' WHERE code = 'Coral'")
    state.reload()
    assert "circle" in state.palette.fault and len(state.palette.tree.roots) == 6
    state.label("Por")
    assert labels(path) == {1: "Por"}
