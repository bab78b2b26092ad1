"""What the second half of the Reef tab knows: counts, agreement, errands in the background, sign, training, cover."""

import json

import pytest
from qgis.core import QgsApplication, QgsProcessingContext
from qgis.PyQt.QtCore import QObject, pyqtSignal
from quadrat.core.errors import BadInput, QuadratError
from quadrat.core.reef.schema import ACCEPTED
from quadrat.core.reef.survey import Suggestion, Survey
from quadrat.plugin.reef import errand as errands
from quadrat.plugin.reef import retrain
from quadrat.plugin.reef.agreement import AgreementState
from quadrat.plugin.reef.coverchart import CoverState, bars
from quadrat.plugin.reef.errand import Errand, Step
from quadrat.plugin.reef.labelwork import LabelWork
from quadrat.plugin.reef.retrain import Retraining, next_at
from quadrat.plugin.reef.sign import GO_ON, STOP, UNKNOWN, Question, SignState
from quadrat.plugin.reef.state import ReefState
from quadrat.tests.plugin.reefmade import finish, make_survey

FACTS = {
    "stop": False, "more": 12, "sentence": "Check about 12 more photos: reasons.", "pending": 3, "needed": 15,
    "batches": [
        {"photos": 15, "trained": 20, "f": 0.8, "f_low": 0.7, "f_high": 0.9, "passes": False, "worst": "Hard",
         "groups": [
             {"code": "Sand", "human": 0.3, "machine": 0.3, "error": 0.01, "low": 0.0, "high": 0.03, "passes": True},
             {"code": "Hard", "human": 0.4, "machine": 0.5, "error": 0.1, "low": 0.06, "high": 0.14, "passes": False},
         ]},
    ],
}  # fmt: skip


class FakeRun(QObject):
    """An algorithm that does what the test says."""

    progressed = pyqtSignal(float)
    finished = pyqtSignal(bool, dict, str)
    made = []
    refuse = ""

    def __init__(self, algorithm, values):
        super().__init__()
        self.algorithm, self.values, self.cancelled = algorithm, values, False
        FakeRun.made.append(self)

    def start(self):
        if FakeRun.refuse:
            raise QuadratError(FakeRun.refuse)

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def runs(monkeypatch):
    """Runs that were started, in order."""
    FakeRun.made, FakeRun.refuse = [], ""
    monkeypatch.setattr(errands, "Run", FakeRun)
    return FakeRun.made


@pytest.fixture
def state(qgis_app, tmp_path, runs):
    """A survey of four photos: Ana finished two, Ben one of them."""
    path = make_survey(tmp_path / "survey.gpkg")
    with Survey(path) as survey:
        finish(survey, 1, "Por", "Ana")
        finish(survey, 1, "Fav", "Ben")
        finish(survey, 2, "Sand", "Ana")
    state = ReefState()
    state.annotator = "Ana"
    state.open(path)
    yield state
    state.close()


def heard(state):
    """What the state says from now on."""
    said = []
    state.said.connect(lambda level, text: said.append((level, text)))
    return said


# Errands -------------------------------------------------------------------------------------------------------------


def test_an_errand_goes_on_with_what_was_made(qgis_app, runs):
    errand, done, steps = Errand(), [], []
    errand.ended.connect(done.append)
    errand.progressed.connect(lambda percent, what: steps.append((percent, what)))
    errand.start([
        Step("First", "quadrat:a", lambda made: {"X": 1}), Step("Second", "quadrat:b", lambda made: dict(made)),
    ])  # fmt: skip
    runs[0].progressed.emit(50.0)
    with pytest.raises(QuadratError, match="First"):
        errand.start([])
    runs[0].finished.emit(True, {"OUTPUT": "model.qreef"}, "")
    assert runs[1].values == {"output": "model.qreef"} and errand.doing == "Second"
    runs[1].progressed.emit(50.0)
    assert steps == [(0.0, "First"), (25.0, "First"), (50.0, "Second"), (75.0, "Second")]
    runs[1].finished.emit(True, {"REPORT": "r.html"}, "")
    assert done == [{"output": "model.qreef", "report": "r.html"}] and not errand.busy


def test_an_errand_that_fails_is_stopped_or_forgotten(qgis_app, runs):
    errand, failed = Errand(), []
    errand.failed.connect(failed.append)
    step = Step("Work", "quadrat:a", lambda made: {})
    errand.start([step, step])
    runs[0].finished.emit(False, {}, "It broke.")
    errand.start([step, step])
    errand.cancel()
    assert runs[1].cancelled
    runs[1].finished.emit(False, {}, "Stopped.")
    errand.start([step])
    errand.forget()
    runs[2].finished.emit(False, {}, "Stopped.")
    FakeRun.refuse = "There is no engine."
    errand.start([step])
    assert failed == ["It broke.", "", "There is no engine."] and not errand.busy and len(runs) == 4


# Labels --------------------------------------------------------------------------------------------------------------


def test_edits_of_labels_are_steps_of_undo(state, qtbot):
    work, said = LabelWork(state), heard(state)
    with qtbot.waitSignals([state.labels_changed, work.changed]):
        work.add("Acr Acropora cervicornis", "Hard")
    assert state.palette.label("Acr").name == "Acropora cervicornis" and work.chosen == "Acr"
    work.merge(["Por", "Fav"], "Hard")
    assert said[-1] == ("info", "10 annotations are now 'Hard'. Undo takes it back.")
    assert {one.label for one in state.sheet.mine.values()} <= {"Hard", "Sand"}
    assert state.stack.undoText() == "Merge Por, Fav into Hard"
    state.undo()
    assert state.palette.label("Por") is not None and state.survey.annotations(1)[0].label == "Por"
    state.undo()
    assert state.palette.label("Acr") is None
    state.redo()
    assert state.palette.label("Acr") is not None
    with pytest.raises(BadInput, match="cannot be the key"):
        work.set_key("Por", "1")
    work.remove_unused()
    assert "2 labels were removed" in said[-1][1]
    work.watch(True)
    qtbot.waitUntil(lambda: work.count("POR") == 5)
    assert work.siblings("Por") == ["Por", "Fav"] and work.above("por") == "Hard"


# Agreement -----------------------------------------------------------------------------------------------------------


def test_agreement_follows_the_survey_while_it_is_seen(state, qtbot, monkeypatch):
    monkeypatch.setattr("quadrat.plugin.reef.agreement.SETTLE_MS", 10)
    agreement = AgreementState(state)
    agreement.note()
    assert not agreement._timer.isActive()
    agreement.watch(True)
    qtbot.waitUntil(lambda: agreement.counted is not None)
    assert agreement.counted.pair == ("Ana", "Ben") and agreement.partners() == [(("Ana", "Ben"), 5)]
    assert [one.agreed for one in agreement.counted.kappas] == [5, 5, 0] and agreement.differing == []
    agreement.set_level(3)
    assert [point.number for point in agreement.differing] == [1, 2, 3, 4, 5]
    with qtbot.waitSignal(agreement.changed):
        state.survey.annotate([(1, "Fav")], "Ana")
        agreement.note()
    qtbot.waitUntil(lambda: len(agreement.differing) == 4)
    state.let_go()
    agreement.refresh()
    assert agreement.counted is None and agreement.differing == []


# Cover ---------------------------------------------------------------------------------------------------------------


def test_cover_is_counted_and_intervals_are_asked_for(state, qtbot, runs, tmp_path):
    cover = CoverState(state)
    cover.watch(True)
    qtbot.waitUntil(lambda: cover.tally is not None)
    assert cover.levels == 3 and bars(cover, 9) == [("Coral", 0.5), ("Sand", 0.5)]
    assert cover.caption() == "Bars: mean of 2 finished photos of 4."
    cover.set_level(3)
    qtbot.waitUntil(lambda: cover.tally.level == 3)
    assert bars(cover, 9) == [("Sand", 0.5), ("Fav", 0.25), ("Por", 0.25)]
    assert bars(cover, 2) == [("Sand", 0.5), ("", 0.5)]

    cover.estimate()
    assert runs[0].algorithm == "quadrat:reefcover" and runs[0].values["GROUPS"] == ["survey"]
    table = tmp_path / "cover.csv"
    table.write_text(
        "level,label,method,cover,low,high,photos,labelled\n3,Por,people,0.3,0.1,0.5,4,2\n"
        "3,Por,powered,0.28,0.2,0.36,4,2\n3,Fav,powered,0.2,,,4,2\n3,Fav,people,0.2,0.1,0.4,4,2\n",
        encoding="utf-8",
    )
    runs[0].finished.emit(True, {"OUTPUT": str(table)}, "")
    found = cover.intervals()
    assert found["Por"] == (0.28, 0.2, 0.36, "powered") and found["Fav"].method == "people"
    assert cover.caption().endswith("by people and machine, with 95 % intervals.")
    finish(state.survey, 3, "Por")
    cover.refresh()
    qtbot.waitUntil(lambda: cover.tally.photos == 3)
    assert cover.caption().endswith("; 1 photo was finished since.")


# The stop sign -------------------------------------------------------------------------------------------------------


def answer(tmp_path, facts):
    """The table of a check, and what is noted beside it."""
    table = tmp_path / "check.csv"
    (tmp_path / "check.csv.quadrat.json").write_text(json.dumps({"facts": facts}), encoding="utf-8")
    return {"OUTPUT": str(table)}


def test_the_sign_is_asked_after_each_photo_and_remembers_its_question(state, qtbot, runs, tmp_path, monkeypatch):
    sign = SignState(state)
    assert (sign.kind, sign.headline()) == (UNKNOWN, "Not known yet") and "tells whether more" in sign.explanation()
    sign.refresh()
    assert runs[0].algorithm == "quadrat:checkreef" and runs[0].values["SURVEY"] == state.path
    runs[0].finished.emit(True, answer(tmp_path, FACTS), "")
    assert (sign.kind, sign.headline()) == (GO_ON, "Check about 12 more photos")
    assert sign.explanation() == "Reasons."
    batch = sign.verdict.batches[0]
    assert (batch.worst, batch.error, batch.high, batch.passes) == ("Hard", 0.1, 0.14, False)
    sign.ask(tolerance=8.0, targets="Hard")
    assert sign.verdict is None and sign._timer.isActive()
    said = heard(state)
    sign.refresh()
    assert (runs[1].values["TOLERANCE"], runs[1].values["TARGETS"]) == (8.0, "Hard")
    runs[1].finished.emit(True, answer(tmp_path, {**FACTS, "stop": True, "more": 0, "sentence": "You may stop: …"}), "")
    assert (sign.kind, sign.headline()) == (STOP, "You may stop") and said == [("info", "You may stop: …")]
    sign.refresh()
    runs[2].finished.emit(False, {}, "No photo was checked yet.")
    assert sign.kind == UNKNOWN and sign.explanation() == "No photo was checked yet."
    sign.refresh()
    runs[3].finished.emit(True, answer(tmp_path, {"stop": 1}), "")
    assert "cannot be read" in sign.explanation()
    sign.refresh()
    nothing = {**FACTS, "more": None, "batches": [], "sentence": "Nothing can be said yet: nobody checked."}
    runs[4].finished.emit(True, answer(tmp_path, nothing), "")
    assert (sign.kind, sign.headline(), sign.explanation()) == (UNKNOWN, "Not known yet", nothing["sentence"])
    assert SignState(state).question.tolerance == 8.0


def test_the_sign_is_asked_once_more_for_what_came_meanwhile(state, runs, tmp_path):
    sign = SignState(state)
    sign.refresh()
    sign.refresh()
    assert len(runs) == 1
    sign._timer.stop()
    runs[0].finished.emit(True, answer(tmp_path, FACTS), "")
    assert sign._timer.isActive()
    path = state.path
    sign.refresh()
    state.let_go()
    assert runs[1].cancelled and not sign.errand.busy and sign.verdict is None
    state.open(path)
    assert sign._timer.isActive()


# Training ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learnt", "first", "wanted"), [(0, 20, 20), (20, 20, 22), (5, 20, 20), (5, 2, 6), (100, 20, 110), (101, 20, 112)]
)
def test_when_a_model_is_trained_again(learnt, first, wanted):
    assert next_at(learnt, first) == wanted


def test_training_then_suggesting_in_the_background(state, qtbot, runs):
    training, said = Retraining(state), heard(state)
    qtbot.waitUntil(lambda: training.standing is not None)
    assert training.standing == (2, 0, False, 2)
    assert training.sentence() == "2 photos are finished; there is no model yet."
    assert not training.has_model
    with pytest.raises(QuadratError, match="no model"):
        training.suggest()
    training.train()
    first = runs[0]
    assert first.algorithm == "quadrat:trainreef" and first.values["OUTPUT"].endswith("survey.qreef")
    assert first.values["TESTS"] == [] and first.values["CURVE"] == 0
    with pytest.raises(QuadratError, match="Wait"):
        training.train()
    with open(first.values["OUTPUT"] + ".quadrat.json", "w", encoding="utf-8") as file:
        job = {
            "job": "trainreef",
            "survey": "elsewhere.gpkg",
            "head": "coralnet",
            "tests": ["site"],
            "output": "x.qreef",
        }
        json.dump({"job": job, "facts": {"splits": {"photo": {"hf": 0.8, "hf_low": 0.75, "hf_high": 0.86}}}}, file)
    first.finished.emit(True, {"OUTPUT": first.values["OUTPUT"]}, "")
    assert runs[1].algorithm == "quadrat:suggestreef" and runs[1].values["MODEL"] == first.values["OUTPUT"]
    with Survey(state.path) as survey:  # what the job would write
        survey.suggest([Suggestion(11, 1, "Por", 0.9, "m1")])
        survey.put_learnt("m1", [1, 2])
    runs[1].finished.emit(True, {}, "")
    assert said[-1] == ("info", "New suggestions are there. Agreement (hF) on photos kept apart: 80.0 % (75 to 86 %).")
    qtbot.waitUntil(lambda: training.standing.learnt == 2)
    assert "the model learnt from 2." in training.sentence()
    training.train()
    assert runs[2].values["HEAD"] == "coralnet" and runs[2].values["SURVEY"] == state.path  # as it was trained last
    assert runs[2].values["TESTS"] == [] and "TESTS" not in training.form()
    training.cancel()
    runs[2].finished.emit(False, {}, "Cancelled.")
    assert training.result.startswith("Stopped.")
    training.train()
    runs[3].finished.emit(True, {"OUTPUT": first.values["OUTPUT"]}, "")
    runs[4].finished.emit(True, {}, "")
    assert training.result.endswith("Agreement (hF) on photos kept apart: 80.0 % (75 to 86 %). Before: 80.0 %.")


def test_photos_accepted_whole_do_not_make_it_train(state):
    before = retrain.look(state.path)
    state.survey.annotate([(point.point, "Por") for point in state.survey.points(3)], "Ana", ACCEPTED)
    after = retrain.look(state.path)
    assert (after.finished, after.left) == (before.finished, before.left - 1), "done, but nothing new to learn from"


def test_it_trains_by_itself_when_enough_is_new_and_not_again_after_a_failure(state, qtbot, runs, monkeypatch):
    monkeypatch.setattr(retrain, "SETTLE_MS", 0)
    training = Retraining(state)
    training.first = 3
    training.automatic = True
    qtbot.waitUntil(lambda: training.standing is not None)
    assert not runs and training.sentence().endswith("Trains after 1 more.")
    finish(state.survey, 3, "Por")
    state.photo_finished.emit(3)
    qtbot.waitUntil(lambda: len(runs) == 1)
    runs[0].finished.emit(False, {}, "Too few points.")
    training.refresh()
    qtbot.waitUntil(lambda: not training._asking)
    assert len(runs) == 1 and training.result == "Too few points."
    survey = state.survey
    survey.annotate([(point.point, "") for point in survey.points(1)], "Ana")
    survey.annotate([(point.point, "") for point in survey.points(1)], "Ben")
    finish(survey, 4, "Sand")
    training.refresh()
    qtbot.waitUntil(lambda: training.standing.left == 1 and not training._asking)
    assert len(runs) == 1  # three photos are finished, as when it failed
    training.first = 2
    training._failed_at = 0
    training.refresh()
    qtbot.waitUntil(lambda: len(runs) == 2)
    runs[1].finished.emit(True, {"OUTPUT": runs[1].values["OUTPUT"]}, "")
    runs[2].finished.emit(True, {}, "")
    training.refresh()
    qtbot.waitUntil(lambda: not training._asking)
    assert len(runs) == 3  # nobody noted what the model learnt from, and still it is not trained over and over
    finish(survey, 1, "Por")
    training.refresh()
    qtbot.waitUntil(lambda: training.standing.left == 0)
    assert len(runs) == 3  # all are finished: there is nothing left to suggest
    training.train()
    state.let_go()
    assert runs[3].cancelled and training.standing is None


def test_the_toolbox_takes_what_is_asked(plugin, state, runs, tmp_path):
    cover, sign, training = CoverState(state), SignState(state), Retraining(state)
    sign.question = Question("Hard, Soft", 2, 3.5, 20)
    cover.estimate()
    sign.refresh()
    training.train()
    (tmp_path / "survey.qreef").write_bytes(b"")
    runs[-1].finished.emit(True, {"OUTPUT": training.model}, "")
    asked = [(run.algorithm, run.values) for run in runs]
    asked += [("quadrat:checkreef", sign.form()), ("quadrat:trainreef", training.form())]
    assert [name for name, _ in asked][:4] == [
        "quadrat:reefcover", "quadrat:checkreef", "quadrat:trainreef", "quadrat:suggestreef",
    ]  # fmt: skip
    for name, values in asked:
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(name)
        assert not set(values) - {one.name() for one in algorithm.parameterDefinitions()}
        assert algorithm.checkParameterValues(values, QgsProcessingContext()) == (True, ""), name
