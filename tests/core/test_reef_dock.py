"""What the dock asks of a survey: labels changed and changed back, two annotators, cover as it stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.reef import agreement, build, relabel, tally
from quadrat.core.reef.agreement import Twice
from quadrat.core.reef.asking import tree_of
from quadrat.core.reef.schema import ACCEPTED, DONE
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.core.reef.tree import LabelTree
from scipy import stats
from sklearn.metrics import cohen_kappa_score

pytestmark = pytest.mark.same_without_torch

TREE = LabelTree.of_parents({"Por": "Hard", "Fav": "Hard", "Hard": "Coral", "Soft": "Coral", "Sand": ""})


@pytest.fixture
def survey(tmp_path):
    """Two photos of two points, one of one; nobody annotated."""
    path = tmp_path / "survey.gpkg"
    build.create(path)
    with Survey(str(path)) as survey:
        with survey.edit() as connection:
            put = "INSERT INTO photos (photo, name, points, annotated, state) VALUES (?, ?, 0, 0, 'no points')"
            connection.executemany(put, [(number, f"{number}.jpg") for number in (1, 2, 3)])
        survey.put_labels([Label("Coral"), Label("Por", "Porites", "Coral"), Label("Fav", "", "Coral"), Label("Sand")])
        for photo, count in ((1, 2), (2, 2), (3, 1)):
            survey.add_points(photo, [(0, place) for place in range(count)])
        yield survey


def everything(survey):
    """All rows that an edit may touch."""
    tables = ("labels", "annotations", "suggestions", "photos", "heldout")
    return {name: sorted(survey.connection.execute(f"SELECT * FROM {name}").fetchall()) for name in tables}


def test_labels_are_set_exactly_and_back(survey):
    before = everything(survey)
    (sand,) = (row for row, label in relabel.label_rows(survey).items() if label.code == "Sand")
    (por,) = (row for row, label in relabel.label_rows(survey).items() if label.code == "Por")
    new = relabel.free_row(survey)
    undo = relabel.set_rows(survey, {sand: None, por: Label("Por", "P.", ""), new: Label("Alg", colour="#00ff00")})
    assert [label.code for label in survey.labels()] == ["Coral", "Por", "Fav", "Alg"]
    assert survey.labels()[1] == Label("Por", "P.", "")
    relabel.set_rows(survey, undo)
    assert everything(survey) == before
    with pytest.raises(BadInput, match="'fav' already"):
        relabel.set_rows(survey, {por: Label("FAV")})
    assert everything(survey) == before


def test_points_change_label_and_back_but_not_what_was_said_since(survey):
    survey.annotate([(1, "Por"), (2, "Fav")], "Ana")
    survey.annotate([(1, "Por")], "Ben")
    survey.suggest([
        Suggestion(1, 0, "Por", 0.9, "m"), Suggestion(1, 1, "Sand", 0.5, "m"), Suggestion(1, 2, "Por", 0.4, "m"),
        Suggestion(1, 3, "Fav", 0.3, "m"), Suggestion(2, 1, "Por", 0.6, "m"), Suggestion(3, 1, "Sand", 0.6, "m"),
    ])  # fmt: skip
    survey.put_held_out("m", [(4, "Por"), (5, "Sand")])
    before = everything(survey)
    done = relabel.relabel(survey, "por", "Fav")
    assert survey.held_out("m") == {4: "Fav", 5: "Sand"}
    assert relabel.uses(survey) == {"fav": 3}
    assert set(done.annotations) == {(1, "Ana", "Por"), (1, "Ben", "Por")}
    merged = survey.suggestions(1)[1]
    assert [(one.rank, one.label) for one in merged] == [(1, "Fav"), (2, "Sand")]
    assert merged[0].confidence == pytest.approx(0.7)
    assert survey.trusted(1)[1].label == "Fav" and survey.suggestions(1)[2][0].label == "Fav"
    relabel.take_back(survey, done)
    assert [row[1:] for row in sorted(everything(survey)["suggestions"], key=lambda row: row[1:])] == sorted(
        row[1:] for row in before["suggestions"]
    )
    for table in ("annotations", "heldout"):
        assert everything(survey)[table] == before[table]

    done = relabel.relabel(survey, "Por", "Fav")
    survey.annotate([(1, "Sand")], "Ana")
    survey.suggest([Suggestion(1, 1, "Coral", 0.8, "n")])
    relabel.take_back(survey, done)
    assert {(one.annotator, one.label) for one in survey.annotations(1) if one.point == 1} == {
        ("Ana", "Sand"), ("Ben", "Por"),
    }  # fmt: skip
    assert survey.suggestions(1)[1][0].label == "Coral" and survey.suggestions(1)[2][0].label == "Por"


def test_who_annotated_and_where_two_did(survey):
    survey.annotate([(1, "Por"), (2, "Fav"), (5, "Sand")], "Ana")
    survey.annotate([(1, "Por"), (2, "Sand")], "Ben")
    survey.annotate([(3, "Por"), (4, "Por")], "Ben", "machine")
    assert agreement.annotators(survey) == [("Ana", 3, 2), ("Ben", 2, 1)]
    assert agreement.overlaps(survey) == {("Ana", "Ben"): 2}
    twice = agreement.labelled_twice(survey, "Ben", "Ana")
    assert twice == [Twice(1, 1, 1, "Por", "Por"), Twice(2, 1, 2, "Sand", "Fav")]
    assert agreement.differing(twice, tree_of(survey), 1) == twice[1:]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_kappa_is_that_of_scikit_learn(pairs):
    points = [Twice(place, place % 11, 1, *pair) for place, pair in enumerate(pairs)]
    found = agreement.kappa(points, LabelTree.of_parents({"a": "", "b": "", "c": ""}), 1)
    if len({label for pair in pairs for label in pair}) == 1:
        assert found.kappa is None and found.low is None
        return
    assert found.kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    assert found.share == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    if found.low is not None:
        without = [[pair for point, pair in enumerate(pairs) if point % 11 != photo] for photo in range(found.photos)]
        ones = [cohen_kappa_score(*zip(*rest, strict=True)) for rest in without]
        n, mean = len(ones), sum(ones) / len(ones)
        half = stats.t.ppf(0.975, n - 1) * ((n - 1) / n * sum((one - mean) ** 2 for one in ones)) ** 0.5
        assert (found.low, found.high) == pytest.approx(
            (max(found.kappa - half, -1), min(found.kappa + half, 1)), abs=1e-3
        )


def test_agreement_is_told_level_by_level():
    points = [Twice(1, 1, 1, "Por", "Fav"), Twice(2, 1, 2, "por", "Por"), Twice(3, 1, 3, "Soft", "Hard"),
              Twice(4, 1, 4, "Sand", "Sand"), Twice(5, 1, 5, "stray", "Stray")]  # fmt: skip
    found = agreement.kappas(points, TREE)
    assert [one.agreed for one in found] == [5, 4, 3]
    assert [point.point for point in agreement.differing(points, TREE, 3)] == [1, 3]
    assert found[0].kappa == 1.0 and found[0].low is None  # one photo


@pytest.mark.parametrize("freedom", [4, 9, 30])
def test_quantile_of_student(freedom):
    assert agreement.student(0.95, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=0.01)


def test_cover_is_the_mean_of_finished_photos_and_a_point_counts_once(survey):
    tree = tree_of(survey)
    assert tally.tally(survey, tree, 1) == (1, 0, 3, ())
    survey.annotate([(1, "Por"), (2, "Sand"), (3, "Sand"), (5, "Por")], "Ana")
    survey.annotate([(1, "Fav")], "Ben")
    survey.annotate([(4, "Sand")], "machine", "machine")  # photo 2 is not finished by people
    level, photos, every, bars = tally.tally(survey, tree, 2)
    assert (level, photos, every) == (2, 2, 3)
    assert [(bar.code, round(bar.cover, 9)) for bar in bars] == [("Por", 0.625), ("Sand", 0.25), ("Fav", 0.125)]
    assert {bar.code: bar.cover for bar in tally.tally(survey, tree, 1).bars} == pytest.approx(
        {"Coral": 0.75, "Sand": 0.25}
    )
    survey.annotate([(5, "Por")], "Ana", ACCEPTED)
    assert survey.photo(3).state == DONE
    assert tally.tally(survey, tree, 2).photos == 1, "accepted with its photo, which nobody judged point by point"
