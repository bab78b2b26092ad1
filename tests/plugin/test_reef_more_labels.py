"""Edits of the label tree as steps: what they do to labels and points, what they refuse, and taken back."""

import pytest
from quadrat.core.errors import BadInput
from quadrat.core.reef.relabel import label_rows, uses
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.plugin.reef.labeltree import LabelEdits
from quadrat.tests.plugin.reefmade import finish, make_survey


@pytest.fixture
def survey(tmp_path):
    """Four photos, six labels in a tree."""
    with Survey(make_survey(tmp_path / "survey.gpkg")) as survey:
        yield survey


def held(survey):
    """All that an edit may touch."""
    said = [one for photo in range(1, 5) for one in survey.annotations(photo)]
    return label_rows(survey), said, [survey.suggestions(photo) for photo in range(1, 5)]


def parents(survey):
    """Parent of each label."""
    return {label.code: label.parent for label in survey.labels()}


@pytest.mark.parametrize(
    ("edit", "values", "wanted"),
    [
        ("add", ("Alg", "Algae"), {"Alg": ""}),
        ("add", ("Acr", "Acropora", "hard"), {"Acr": "Hard"}),
        ("rename", ("Por", "Porites lobata"), {}),
        ("recode", ("hard", "Scler"), {"Hard": None, "Scler": "Coral", "Por": "Scler", "Fav": "Scler"}),
        ("recolour", ("Hard", "#000000", True), {}),
        ("set_key", ("Fav", "p"), {}),
        ("move", (["Por", "Fav"], "Soft"), {"Por": "Soft", "Fav": "Soft"}),
        ("move", (["Hard"], ""), {"Hard": ""}),
        ("merge", (["Por", "Fav"], "Hard"), {"Por": None, "Fav": None}),
        ("merge", (["Hard"], "Por"), {"Hard": None, "Por": "Coral", "Fav": "Por"}),
        ("merge", (["Coral", "Hard"], "Por"), {"Coral": None, "Hard": None, "Por": "", "Fav": "Por", "Soft": "Por"}),
        ("remove", (["Hard"],), {"Hard": None, "Por": "Coral", "Fav": "Coral"}),
        ("remove_unused", (), {"Soft": None, "Sand": None, "Fav": None}),
    ],
)
def test_steps_are_done_undone_and_done_again(survey, edit, values, wanted):
    finish(survey, 1, "Por")
    survey.suggest([Suggestion(6, 1, "Por", 0.6, "m"), Suggestion(6, 2, "Fav", 0.3, "m")])
    before = held(survey)
    step = getattr(LabelEdits(survey), edit)(*values)
    step.do(survey)
    after = held(survey)
    assert after[0] != before[0]
    expected = {label.code: label.parent for label in before[0].values()}
    expected.update(wanted)
    assert parents(survey) == {code: parent for code, parent in expected.items() if parent is not None}
    assert set(uses(survey)) <= {label.code.lower() for label in survey.labels()}
    step.undo(survey)
    assert held(survey) == before
    step.do(survey)
    assert held(survey) == after


def test_what_edits_do_to_points_and_to_other_labels(survey):
    finish(survey, 1, "Por")
    finish(survey, 2, "Por", "Ben")
    step = LabelEdits(survey).merge(["Por"], "Fav")
    step.do(survey)
    assert step.points == 10 and uses(survey) == {"fav": 10} and step.chosen == "Fav"
    LabelEdits(survey).recode("fav", "Favia").do(survey)
    assert uses(survey) == {"favia": 10}
    LabelEdits(survey).set_key("Favia", "s").do(survey)
    keys = {label.code: label.key for label in survey.labels() if label.key}
    assert keys == {"Hard": "h", "Favia": "s"}
    LabelEdits(survey).add("Acr", parent="Hard").do(survey)
    colours = [label.colour for label in survey.labels()]
    assert survey.labels()[-1] == Label("Acr", "", "Hard", colours[-1]) and colours.count(colours[-1]) == 1


@pytest.mark.parametrize(
    ("edit", "values", "why"),
    [
        ("add", ("  ",), "needs a code"),
        ("add", ("por",), "a label 'Por' already"),
        ("add", ("New", "", "Nowhere"), "no label 'Nowhere'"),
        ("recode", ("Por", "FAV"), "a label 'Fav' already"),
        ("move", (["Coral"], "Por"), "Por < Hard < Coral < Por|circle"),
        ("move", (["Coral"], "Coral"), "its own parent"),
        ("merge", (["Coral"], "Fav"), "circle"),
        ("merge", (["Fav"], "fav"), "Choose the labels"),
        ("remove", (["Por"],), "5 annotations bear the label 'Por'"),
        ("rename", ("Acr", "x"), "no label 'Acr'"),
    ],
)
def test_what_would_break_the_tree_is_refused_and_changes_nothing(survey, edit, values, why):
    finish(survey, 1, "Por")
    before = held(survey)
    with pytest.raises(BadInput, match=why):
        getattr(LabelEdits(survey), edit)(*values).do(survey)
    assert held(survey) == before


def test_a_tree_that_came_with_faults_can_be_mended(survey):
    survey.put_labels([Label("Lost", parent="Nowhere"), Label("Other")])
    LabelEdits(survey).rename("Other", "Others").do(survey)
    LabelEdits(survey).move(["Lost"], "Other").do(survey)
    assert parents(survey)["Lost"] == "Other"


def test_steps_do_not_write_over_what_came_from_elsewhere(survey):
    step = LabelEdits(survey).rename("Por", "mine")
    step.do(survey)
    survey.put_labels([Label("Por", "theirs")])
    with pytest.raises(BadInput, match="changed from elsewhere"):
        step.undo(survey)
    added = LabelEdits(survey).add("Acr")
    added.do(survey)
    finish(survey, 1, "Acr")
    with pytest.raises(BadInput, match="5 annotations bear the label 'Acr'"):
        added.undo(survey)
    assert survey.labels()[2].name == "theirs" and uses(survey) == {"acr": 5}
