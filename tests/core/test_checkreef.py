"""The stop sign of a photo survey: which photos count, in which order, and what is told of them."""

import csv

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.reef import agreement, build
from quadrat.core.reef.cover import material
from quadrat.core.reef.learning.lessons import read_lessons
from quadrat.core.reef.schema import ACCEPTED, DONE
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.tests.core.reefwork import run

pytestmark = pytest.mark.same_without_torch

LABELS = (
    Label("Coral", "Corals", colour="#ee8866"), Label("POR", "Porites", "Coral"), Label("ACR", "Acropora", "Coral"),
    Label("SAND", "Sand"), Label("TURF"),
)  # fmt: skip
TRUTH = ["POR"] * 6 + ["ACR"] * 4 + ["SAND"] * 10


def said_of(wrong):
    """What a machine says that takes so many points of sand for Porites."""
    return TRUTH[:10] + ["POR"] * wrong + ["SAND"] * (10 - wrong)


@pytest.fixture
def make(tmp_path):
    """Makes a survey: photo n has wrong[n - 1] wrong points and was finished by Ann, the last photo first."""

    def made(wrong, learnt=(), model="m", finished=None, trusted=None):
        path = str(tmp_path / "survey.gpkg")
        with build.changing("", path) as survey:
            survey.put_labels(LABELS)
            names = [(f"p{photo:02d}.jpg",) for photo in range(1, len(wrong) + 1)]
            put = "INSERT INTO photos (name, path, width, height) VALUES (?, '', 90, 90)"
            survey.connection.executemany(put, names)
            for photo, errors in enumerate(wrong, 1):
                points = [one.point for one in survey.add_points(photo, [(row, 5) for row in range(20)])]
                rows = [Suggestion(p, 1, code, 0.9, model) for p, code in zip(points, said_of(errors), strict=True)]
                if trusted:
                    rows += [Suggestion(p, 0, trusted, 0.97, model) for p in points[:10]]
                survey.suggest(rows)
                if finished is None or photo <= finished:
                    at = f"2020-01-01T{(60 - photo) // 60:02d}:{(60 - photo) % 60:02d}:00Z"
                    survey.annotate(zip(points, TRUTH, strict=True), "Ann", at=at)
            if model == "m":
                survey.put_learnt("m", learnt)
        return path

    return made


def test_a_photo_accepted_as_a_whole_proves_nothing(make, tmp_path):
    path = make([1, 0] * 3)
    with Survey(path) as survey:
        point = survey.points(2)[0].point
        survey.annotate([(point, "POR")], "Ann", ACCEPTED)
        assert survey.photo(2).state == DONE
        cover = material.read(survey)
        assert len(cover.data.point) == 6 * 20 - 1 and read_lessons(survey).y.size == 6 * 20 - 1
        assert agreement.annotators(survey)[0].points == 6 * 20 - 1
    result, told = run("checkreef", survey=path, batch=5, tolerance=20)
    with Survey(path) as survey:
        for photo in range(1, 7):
            survey.annotate([(survey.points(photo)[0].point, "POR")], "Ann", ACCEPTED)
    nothing, _ = run("checkreef", survey=path, batch=5, tolerance=20)
    assert "Finish some photos point by point" in nothing.facts["sentence"]
    assert result.facts["checked_photos"] == 5 and result.facts["left_out"]["accepted"] == 1
    assert any("accepted for the whole photo, which proves nothing: 1 photo " in line for _, line in told)


def test_photos_count_in_the_order_in_which_people_finished_them(make, tmp_path):
    path = make([9, 9, 9, 9] + [1, 0] * 3 + [3, 1] * 3, learnt=range(1, 5))
    out, report = str(tmp_path / "batches.csv"), str(tmp_path / "sign.html")
    result, told = run("checkreef", survey=path, batch=6, tolerance=20, output=out, report=report)
    facts = result.facts
    assert facts["checked_photos"] == 12 and facts["left_out"]["learnt_from"] == 4
    assert [batch["photos"] for batch in facts["batches"]] == [6, 6] and facts["pending"] == 0
    first, second = facts["batches"]
    assert first["last"] < second["first"] and first["models"] == ["m"] and first["trained"] == 4
    assert [group["code"] for group in first["groups"]] == ["Coral", "SAND"]  # turf was never met
    # The photos that were finished first have 3 and 1 wrong points of 20, the others 1 and none.
    assert [batch["groups"][0]["error"] for batch in facts["batches"]] == pytest.approx([0.1, 0.025])
    assert first["groups"][0] == pytest.approx(
        {"code": "Coral", "human": 0.5, "machine": 0.6, "error": 0.1, "passes": True} |
        {name: first["groups"][0][name] for name in ("low", "high")}
    )  # fmt: skip
    assert facts["stop"] and facts["more"] == 0 and "You may stop" in facts["sentence"]
    assert any("4 photos that people finished" in text for level, text in told if level == "warning")
    with open(out, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["batch"], row["measure"], row["group"]) for row in rows[:5]] == [
        ("1", "hF", ""), ("1", "hP", ""), ("1", "hR", ""), ("1", "cover error", "Coral"), ("1", "cover error", "SAND"),
    ]  # fmt: skip
    assert float(rows[3]["value"]) == pytest.approx(0.1) and rows[3]["name"] == "Corals"
    page = (tmp_path / "sign.html").read_text(encoding="utf-8")
    assert "<h2>Stop</h2>" in page and "Corals" in page and "<script" not in page


def test_what_is_missing_is_told_with_the_photos_that_wait(make):
    path = make([1, 0] * 8, learnt=[16], finished=14)
    sign = run("checkreef", survey=path, batch=10, tolerance=20)[0].facts
    assert (len(sign["batches"]), sign["pending"], sign["needed"]) == (1, 4, 10)
    assert sign["more"] == 6 and "Check about 6 more photos" in sign["sentence"]
    first = run("checkreef", survey=path, batch=20)[0].facts
    assert first["batches"] == [] and first["more"] == 26 and "6 to fill the first batch" in first["sentence"]
    many = run("checkreef", survey=path, batch=5, tolerance=2)[0].facts
    assert not many["stop"] and many["more"] is None, "an error above the tolerance does not fall by waiting"


def test_target_groups_and_trusted_labels(make):
    path = make([2] * 10, learnt=[], trusted="Coral")
    groups = run("checkreef", survey=path, batch=5, targets="acr, coral")[0].facts["batches"][0]["groups"]
    assert {group["code"]: group["error"] for group in groups} == pytest.approx({"ACR": 0, "Coral": 0.1})
    deep = run("checkreef", survey=path, batch=5, tree_level=2)[0].facts
    assert [group["code"] for group in deep["groups"]] == ["POR", "ACR", "SAND"]
    trusted = run("checkreef", survey=path, batch=5, said="trusted")[0].facts
    assert trusted["batches"][0]["precision"] == 1 and trusted["batches"][0]["recall"] == pytest.approx(10 / 30)
    # Ten of twenty points were given as corals, and all of these are some.
    assert trusted["trust"][0] | {"at_least": 0} == {"level": 1, "given": 0.5, "right": 1.0, "at_least": 0}
    assert 0.9 < trusted["trust"][0]["at_least"] < 1
    with pytest.raises(BadInput, match="'Corl' in the tree of 5 labels"):
        run("checkreef", survey=path, targets="Corl")


def test_what_nobody_knows_the_training_of_is_no_evidence(make):
    path = make([0] * 10, model="imported from a.csv")
    facts = run("checkreef", survey=path, batch=5)[0].facts
    assert facts["checked_photos"] == 0 and not facts["stop"] and facts["more"] is None
    assert facts["left_out"]["elsewhere"] == {"imported from a.csv": 10} and "Train, suggest" in facts["sentence"]
    with Survey(path) as survey, survey.edit() as connection:
        connection.execute("ALTER TABLE photos ADD COLUMN taught TEXT")
        connection.execute("UPDATE photos SET taught = CASE WHEN photo < 4 THEN 'yes' ELSE 'no' END")
    facts = run("checkreef", survey=path, batch=5, learnt_field="taught")[0].facts
    assert (facts["checked_photos"], facts["left_out"]["learnt_from"]) == (7, 3)
    with pytest.raises(BadInput, match="no column 'teached'"):
        run("checkreef", survey=path, learnt_field="teached")


def test_the_sentence_tells_why_there_is_no_evidence(make):
    path = make([0] * 6, learnt=range(1, 7))
    assert "learnt from all photos" in run("checkreef", survey=path)[0].facts["sentence"]
    with Survey(path) as survey:
        survey.connection.execute("DELETE FROM suggestions WHERE point % 20 = 1")
        survey.put_learnt("m", [])
        facts = run("checkreef", survey=path)[0].facts
        assert facts["left_out"]["in_part"] == 6 and "Train, suggest" in facts["sentence"]
        survey.connection.execute("DELETE FROM annotations")
        survey.refresh()
    assert "people have finished no photo" in run("checkreef", survey=path)[0].facts["sentence"]


def test_of_several_labels_of_a_point_the_last_counts_and_annotators_are_chosen(make):
    path = make([0] * 6)
    with Survey(path) as survey:
        for photo in range(1, 7):
            points = [one.point for one in survey.points(photo)]
            survey.annotate([(point, "TURF") for point in points[10:]], "Bea", at="2021-01-01T00:00:00Z")
    both = run("checkreef", survey=path, batch=6)[0].facts["batches"][0]["groups"]
    assert {group["code"]: group["human"] for group in both} == pytest.approx({"Coral": 0.5, "SAND": 0, "TURF": 0.5})
    ann = run("checkreef", survey=path, batch=6, annotators="Ann")[0].facts["batches"][0]
    assert ann["f"] == 1 and run("checkreef", survey=path, annotators="Bea")[0].facts["checked_photos"] == 0
    with pytest.raises(BadInput, match="Nobody named 'Bob'"):
        run("checkreef", survey=path, annotators="Bob")


def test_a_batch_grows_by_what_the_one_before_needed(make):
    path = make(np.tile([0, 4, 0, 0, 2], 12).tolist())
    facts = run("checkreef", survey=path, batch=5, tolerance=10, targets="Coral")[0].facts
    sizes = [batch["photos"] for batch in facts["batches"]]
    assert sizes[0] == 5 and 5 < sizes[1] <= 20 and not facts["batches"][0]["passes"]
    assert facts["batches"][1]["passes"], "as many as the first batch asked for are enough when its error comes again"
