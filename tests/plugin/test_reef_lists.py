"""Photos that are listed, labels that are found, and their keys and colours."""

import pytest
from quadrat.core.errors import BadJob
from quadrat.core.reef.survey import Label, Photo, Survey
from quadrat.plugin.reef.palette import Palette
from quadrat.plugin.reef.photolist import LEFT, PhotoList, Wish
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


def photo_of(number):
    """A photo with five points of which none is done."""
    return Photo(number, f"q{number}.jpg", "", 9, 9, (), 0, 5, 0, "waiting", "", "", "", "")


def test_photos_come_at_random_and_for_everybody_in_the_same_order():
    photos = [photo_of(number) for number in range(1, 61)]
    mixed = PhotoList(photos, mixed=True)
    order = [photo.photo for photo in mixed.listed]
    assert sorted(order) == list(range(1, 61)) != order
    assert abs(sum(order[:30]) / 30 - 30.5) < 8  # of both halves alike
    fewer = PhotoList([photo for photo in photos if photo.photo % 3], mixed=True)
    assert [photo.photo for photo in fewer.listed] == [number for number in order if number % 3]
    assert [mixed.row(number) for number in order] == list(range(60))
    assert mixed.beside(order[3], 1).photo == order[4] and mixed.beside(order[3], -1).photo == order[2]
    assert mixed.next_left(order[3]).photo == order[4] and mixed.next_left(order[-1]).photo == order[0]
    mixed.ask(Wish(text="q1"), keep=order[-1])
    assert order[-1] in [photo.photo for photo in mixed.listed]
    assert [photo.photo for photo in mixed.listed] == [n for n in order if f"q{n}".startswith("q1") or n == order[-1]]


def test_a_random_order_is_taken_up_at_once(state):
    before = [photo.photo for photo in state.photos.listed]
    at_hand = state.photo
    state.mixed = True
    mixed = [photo.photo for photo in state.photos.listed]
    assert sorted(mixed) == before != mixed and state.photo == at_hand
    state.mixed = False
    assert [photo.photo for photo in state.photos.listed] == before


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
