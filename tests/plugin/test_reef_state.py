"""A survey as it is annotated: what each press writes, where it leads, and what happens when others write too."""

import os
import sqlite3

import pytest
from quadrat.core.errors import BadInput, BadJob, QuadratError, Unwritable
from quadrat.core.reef.schema import ACCEPTED, CONFIRMED, DONE, MACHINE
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.plugin.reef.sheet import UNSURE
from quadrat.plugin.reef.state import ReefState
from quadrat.tests.plugin.reefmade import finish, make_survey


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


def labels(path, annotator="Ana"):
    """Label by point, as another program reads it."""
    with Survey(path) as survey:
        return {one.point: one.label for photo in survey.photos() for one in survey.annotations(photo.photo, annotator)}


def suggest(path, photo, trusted=(), sure=(0.9, 0.8, 0.7, 0.6, 0.5)):
    """`Por`, then `Fav`, for all points of a photo; points of these numbers are trusted to be `Hard`."""
    with Survey(path) as survey:
        rows = []
        for point, share in zip(survey.points(photo), sure):
            rows += [Suggestion(point.point, 1, "Por", share, "m"), Suggestion(point.point, 2, "Fav", 1 - share, "m")]
            if point.number in trusted:
                rows.append(Suggestion(point.point, 0, "Hard", 0.97, "m"))
        survey.suggest(rows)


# From point to point -------------------------------------------------------------------------------------------------


def test_a_survey_opens_at_the_first_point_that_is_left(state, path):
    assert (state.photo.photo, state.point.number) == (1, 1)
    with Survey(path) as survey:
        finish(survey, 1, "Sand")
        survey.annotate([(6, "Sand")], "Ana")
    state.open(path)
    assert (state.photo.photo, state.point.number) == (2, 2)


def test_a_label_is_in_the_file_at_once_and_leads_on(state, path):
    state.label("por")
    assert labels(path) == {1: "Por"}
    assert state.point.number == 2
    with Survey(path) as survey:
        assert survey.annotations(1)[0].state == CONFIRMED
        assert survey.photo(1).annotated == 1
    assert state.palette.recent == ["Por"]


def test_the_next_point_is_the_next_that_is_left_and_round(state):
    state.choose_point(4)
    for wanted in (5, 1, 2, 3):
        state.label("Sand")
        assert state.point.number == wanted


def test_a_photo_that_is_done_stays_until_enter(state, qtbot):
    finished = []
    state.photo_finished.connect(finished.append)
    for _ in range(5):
        assert finished == []
        state.label("Sand")
    assert finished == [1]
    assert (state.photo.photo, state.photo.state, state.point.number) == (1, DONE, 5)
    state.accept()
    assert (state.photo.photo, state.point.number) == (2, 1)


def test_where_it_is_wished_the_next_photo_comes_by_itself(state):
    state.flows = True
    for _ in range(5):
        state.label("Sand")
    assert (state.photo.photo, state.point.number) == (2, 1)


def test_the_last_photo_says_so(state, path):
    said = []
    state.said.connect(lambda level, text: said.append(text))
    with Survey(path) as survey:
        for photo in (1, 2, 3):
            finish(survey, photo, "Sand")
    state.reload()
    state.choose_photo(4)
    for _ in range(5):
        state.label("Sand")
    state.accept()
    assert state.photo.photo == 4 and said[-1] == "All other photos of the list are done."


def test_arrows_go_round_and_past_what_is_done(state):
    state.label("Sand")
    state.step_point(-1)
    assert state.point.number == 1
    state.step_point(-1)
    assert state.point.number == 5
    state.step_point(1)
    assert state.point.number == 1
    state.end_point(-1)
    assert state.point.number == 5


def test_least_sure_points_come_first(state, path):
    suggest(path, 1, sure=(0.9, 0.2, 0.8, 0.4, 0.7))
    state.order = UNSURE
    state.reload()
    state.choose_photo(2)
    state.choose_photo(1)
    order = []
    for _ in range(5):
        order.append(state.point.number)
        state.accept()
    assert order == [2, 4, 5, 3, 1]


# Suggestions ---------------------------------------------------------------------------------------------------------


def test_enter_takes_what_is_trusted_else_the_most_probable(state, path):
    suggest(path, 1, trusted=(1,))
    state.reload()
    state.accept()
    state.accept()
    state.take(2)
    assert labels(path) == {1: "Hard", 2: "Por", 3: "Fav"}
    with pytest.raises(BadJob, match="no suggestion 3"):
        state.take(3)


def test_nothing_suggested_is_said_and_nothing_is_written(state, path):
    with pytest.raises(BadJob, match="Nothing is suggested"):
        state.accept()
    assert labels(path) == {} and state.point.number == 1


def test_hidden_suggestions_cannot_be_taken(state, path):
    suggest(path, 1, trusted=(1, 2))
    state.reload()
    state.blind = True
    for press in (state.accept, lambda: state.take(1), state.accept_photo):
        with pytest.raises(BadJob):
            press()
    assert labels(path) == {}


def test_a_whole_photo_takes_what_is_trusted_and_stays_at_the_rest(state, path):
    suggest(path, 1, trusted=(1, 2, 4))
    state.reload()
    state.label("Sand")
    state.accept_photo()
    assert labels(path) == {1: "Sand", 2: "Hard", 4: "Hard"}
    assert state.point.number == 3
    with Survey(path) as survey:
        states = {one.point: one.state for one in survey.annotations(1)}
    assert states == {1: CONFIRMED, 2: ACCEPTED, 4: ACCEPTED}, "nobody judged these one by one"
    with pytest.raises(BadJob, match="No suggestion of this photo is trusted"):
        state.accept_photo()
    state.accept_photo(every=True)
    assert labels(path) == {1: "Sand", 2: "Hard", 3: "Por", 4: "Hard", 5: "Por"}
    state.undo()
    assert set(labels(path)) == {1, 2, 4}
    state.undo()
    assert labels(path) == {1: "Sand"}


def test_what_a_machine_wrote_is_not_done_and_enter_confirms_it(state, path):
    with Survey(path) as survey:
        survey.annotate([(1, "Fav")], "robot", state=MACHINE)
    state.reload()
    assert state.photos.done(state.photo) == 0 and not state.sheet.done(1)
    state.choose_point(1)
    state.accept()
    assert labels(path) == {1: "Fav"} and labels(path, "robot") == {1: "Fav"}


# Several annotators --------------------------------------------------------------------------------------------------


def test_together_others_count_and_apart_they_are_not_seen(state, path):
    with Survey(path) as survey:
        finish(survey, 1, "Sand", "Bo")
    state.reload()
    state.choose_photo(2)
    state.choose_photo(1)
    assert state.sheet.said(1).annotator == "Bo" and state.sheet.left() == []
    assert state.photos.totals() == (5, 20, 1, 4)
    state.apart = True
    assert state.sheet.said(1) is None and len(state.sheet.left()) == 5
    assert state.photos.totals() == (0, 20, 0, 4)
    state.label("Por")
    assert state.photos.totals()[0] == 1
    assert labels(path, "Bo")[1] == "Sand"
    state.annotator = "Bo"
    assert state.photos.totals()[0] == 5 and state.sheet.said(1).label == "Sand"


def test_names_are_remembered_and_listed(state, path):
    with Survey(path) as survey:
        finish(survey, 1, "Sand", "Bo")
    assert state.annotators() == ["Ana", "Bo"]
    state.annotator = "Cy"
    assert ReefState().annotator == "Cy"
    state.annotator = "  "
    assert state.annotator == "Cy" and state.annotators() == ["Cy", "Bo"]


# Undo ----------------------------------------------------------------------------------------------------------------


def test_undo_goes_back_to_the_point_and_redo_does_it_again(state, path):
    state.label("Sand")
    state.label("Por")
    state.label("Sand")
    state.choose_photo(3)
    state.undo()
    assert (state.photo.photo, state.point.number) == (1, 3)
    state.undo()
    assert labels(path) == {1: "Sand"}
    assert state.point.number == 2
    state.redo()
    assert labels(path) == {1: "Sand", 2: "Por"}
    state.choose_point(1)
    state.erase()
    assert labels(path) == {2: "Por"} and state.point.number == 1
    state.undo()
    assert labels(path) == {1: "Sand", 2: "Por"}


def test_undo_leaves_what_another_window_wrote_since(state, path):
    said = []
    state.said.connect(lambda level, text: said.append(text))
    state.label("Sand")
    with Survey(path) as survey:
        survey.annotate([(1, "Por")], "Ana")
    state.undo()
    assert labels(path) == {1: "Por"} and "changed elsewhere" in said[-1]
    assert not state.stack.canRedo()


# Others write, too ---------------------------------------------------------------------------------------------------


def test_what_a_job_writes_appears_and_nothing_at_hand_is_lost(state, path):
    state.label("Sand")
    suggest(path, 1, trusted=(2,))
    state.session.look()
    assert state.point.number == 2 and state.proposal().label == "Hard"
    assert state.stack.canUndo()
    asked = []
    state.listed.connect(lambda: asked.append(1))
    state.labels_changed.connect(lambda: asked.append(2))
    suggest(path, 1, trusted=(2, 3))
    state.session.look()
    assert asked == [], "suggestions alone change neither photos nor labels"
    with Survey(path) as survey:
        finish(survey, 2, "Por", "Bo")
        survey.put_labels([Label("New")])
    state.session.look()
    assert asked == [2, 1] and state.photos.totals()[0] == 6
    asked.clear()
    state.label("Sand")
    state.session.look()
    assert asked == [], "what we write ourselves is no news"


def test_a_locked_file_is_said_and_the_point_stays(state, path, monkeypatch):
    state.survey.connection.execute("PRAGMA busy_timeout = 10")
    with Survey(path) as other, other.edit(), pytest.raises(Unwritable, match="another program is changing it"):
        state.label("Sand")
    assert state.point.number == 1 and not state.stack.canUndo()
    state.label("Sand")
    assert labels(path) == {1: "Sand"}


def test_a_file_that_cannot_be_read_now_is_read_later(state, path):
    said = []
    state.said.connect(lambda level, text: said.append(text))
    state.survey.connection.execute("PRAGMA busy_timeout = 10")
    suggest(path, 1, trusted=(1,))
    with Survey(path) as other:
        other.connection.execute("BEGIN EXCLUSIVE")
        state.choose_photo(2)
        assert state.photo.photo == 1 and "cannot be read just now" in said[-1]
        with pytest.raises(Unwritable, match="another program is changing it"):
            state.label("Sand")
        state.session.look()
        assert state.proposal() is None
        other.connection.execute("ROLLBACK")
    state.session.look()
    assert state.proposal().label == "Hard"
    state.choose_photo(2)
    assert state.photo.photo == 2


def test_a_label_whose_count_cannot_be_read_is_there_and_can_be_undone(state, path, monkeypatch):
    def locked(number):
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as held:
        held.setattr(state.survey, "photo", locked)
        state.label("Sand")
        assert labels(path) == {1: "Sand"} and state.sheet.done(1) and state.stack.canUndo()
    assert state.photos.of(1).annotated == 0
    state.session.look()
    assert state.photos.of(1).annotated == 1
    state.undo()
    assert labels(path) == {} and state.photos.of(1).annotated == 0


def test_a_file_that_is_moved_away_takes_no_more_labels(state, path, tmp_path):
    said = []
    state.said.connect(lambda level, text: said.append(text))
    os.rename(path, tmp_path / "elsewhere.gpkg")
    with pytest.raises(BadInput, match="moved or deleted"):
        state.label("Sand")
    state.session.look()
    assert state.session is None and state.photo is None and "moved or deleted" in said[-1]


def test_a_file_that_is_written_anew_is_read_again(state, path, tmp_path):
    state.choose_photo(3)
    os.replace(make_survey(tmp_path / "new.gpkg", photos=6), path)
    with pytest.raises(BadInput, match="read again"):
        state.label("Sand")
    state.session.look()
    assert len(state.photos.photos) == 6 and state.photo.name == "3.jpg"
    state.label("Sand")
    assert len(labels(path)) == 1


def test_a_file_that_is_none_leaves_the_open_survey_open(state, tmp_path):
    (tmp_path / "no.gpkg").write_text("no survey")
    for wrong in ("no.gpkg", "none.gpkg"):
        with pytest.raises(QuadratError):
            state.open(str(tmp_path / wrong))
    state.label("Sand")
    assert state.point.number == 2
