"""Suggestions of a model in a survey: what is trusted, what people said, and what sign and cover make of it."""

import shutil

import numpy as np
import pytest
import rasterio
from quadrat.core.errors import BadInput, BadJob, Stale
from quadrat.core.pipelines import suggestreef
from quadrat.core.progress import Progress
from quadrat.core.reef import build, schema
from quadrat.core.reef.learning.fitting import learn_tree
from quadrat.core.reef.learning.local import fit_by
from quadrat.core.reef.learning.numbered import NumberedTree
from quadrat.core.reef.learning.stored import ReefModel
from quadrat.core.reef.survey import Label, Survey
from quadrat.core.reef.tree import Label as TreeLabel
from quadrat.core.reef.tree import LabelTree
from quadrat.core.reef.vectors.points import point_vectors
from quadrat.core.reef.vectors.request import VectorRequest
from quadrat.tests.core.reefwork import run

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

LABELS = (Label("Coral", "Corals"), Label("POR", parent="Coral"), Label("ACR", parent="Coral"), Label("SAND"))
CODES = ("POR", "ACR", "SAND")
TREE = LabelTree(TreeLabel(one.code, one.name, one.parent) for one in LABELS)
COLOURS = {"POR": (150, 90, 60), "ACR": (150, 90, 60), "SAND": (215, 205, 170)}
"""Corals look alike: nobody can tell which one it is."""
PHOTOS, POINTS, LEARNT, SIDE = 30, 4, 20, 32


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A survey of 30 photos and a model of the first 20, which a person finished; truth by point."""
    folder = tmp_path_factory.mktemp("suggest")
    path, rng = str(folder / "survey.gpkg"), np.random.default_rng(1)
    truth = {}
    with build.changing("", path) as survey:
        survey.put_labels(LABELS)
        put = "INSERT INTO photos (name, path, width, height) VALUES (?, ?, 64, 64)"
        for photo in range(1, PHOTOS + 1):
            codes = rng.choice(CODES, POINTS)
            pixels = np.zeros((3, 64, 64))
            for k, code in enumerate(codes):
                part = (slice(None), slice(k // 2 * SIDE, (k // 2 + 1) * SIDE), slice(k % 2 * SIDE, (k % 2 + 1) * SIDE))
                pixels[part] = np.array(COLOURS[code])[:, None, None] + rng.normal(0, 15, (3, SIDE, SIDE))
            file = folder / f"p{photo:02d}.png"
            with rasterio.open(file, "w", driver="PNG", width=64, height=64, count=3, dtype="uint8") as out:
                out.write(pixels.clip(0, 255).astype(np.uint8))
            survey.connection.execute(put, (file.name, file.name))
            places = [(16 + SIDE * (k // 2), 16 + SIDE * (k % 2)) for k in range(POINTS)]
            points = [one.point for one in survey.add_points(photo, places)]
            truth.update(zip(points, codes.tolist(), strict=True))
            if photo <= LEARNT:
                survey.annotate([(p, truth[p]) for p in points], "Ann", at="2020-01-01T00:00:00Z")
    request = VectorRequest(patch_px=SIDE, threads=1)
    with Survey(path) as survey:
        vectors = point_vectors(survey, survey.photos()[:LEARNT], request, Progress())
    tree = NumberedTree.of(TREE)
    y = tree.numbers(truth[p] for p in vectors.point.tolist())
    found = learn_tree(tree, fit_by("prototype"), vectors.X, y, vectors.photo - 1, Progress())
    features = {"request": request.facts(), "identity": vectors.identity, "dimensions": vectors.X.shape[1]}
    names = tuple(f"p{photo:02d}.png" for photo in range(1, LEARNT + 1))
    model = ReefModel("tree 1", found.head, TREE.labels, features, vectors.state, names, found.out_of_fold, y,
                      vectors.photo - 1)  # fmt: skip
    model.save(str(folder / "m.qreef"))
    return folder, truth, model


@pytest.fixture
def again(learnt, tmp_path):
    """Path of a fresh copy of that survey, and of the model; truth by point."""
    folder, truth, _ = learnt
    shutil.copytree(folder, tmp_path / "s")
    return str(tmp_path / "s" / "survey.gpkg"), str(tmp_path / "s" / "m.qreef"), truth


def test_each_label_is_as_deep_as_it_is_trusted(again):
    path, model, truth = again
    result, told = run("suggestreef", survey=path, model=model, threads=1)
    assert (result.facts["photos"], result.facts["points"]) == (PHOTOS - LEARNT, 40)
    assert result.outputs == {"output": path} and result.facts["learnt_photos"] == LEARNT
    with Survey(path) as survey:
        assert survey.learnt("tree 1") == set(range(1, LEARNT + 1)) and survey.suggestions(1) == {}
        for photo in range(LEARNT + 1, PHOTOS + 1):
            five, trusted = survey.suggestions(photo), survey.trusted(photo)
            for point, rows in five.items():
                assert [one.rank for one in rows] == [1, 2, 3] and rows[0].model == "tree 1"
                assert sum(one.confidence for one in rows) == pytest.approx(1)
                wanted = "SAND" if truth[point] == "SAND" else "Coral"
                assert trusted[point].label == wanted and trusted[point].confidence >= rows[0].confidence - 1e-9
    assert result.facts["trusted_points"] == {"1": 40}
    assert "Trusted at 90 % accuracy, of all points: level 1: 100 %." in [text for _, text in told]


def test_what_is_accepted_is_the_machines_and_never_a_persons(again):
    path, model, truth = again
    points = {photo: range(4 * photo - 3, 4 * photo + 1) for photo in range(1, PHOTOS + 1)}
    with Survey(path) as survey:
        survey.annotate([(points[21][0], "POR")], "Ann", at="2020-01-02T00:00:00Z")
        survey.annotate([(points[22][0], "SAND")], "machine", state=schema.MACHINE)  # of a model before
    facts = run("suggestreef", survey=path, model=model, accept="points", threads=1)[0].facts
    sand = sum(truth[p] == "SAND" for photo in range(21, 31) for p in points[photo] if p != points[21][0])
    assert facts["accepted_points"] == sand  # which coral it is nobody knows
    with Survey(path) as survey:
        assert {(one.annotator, one.label, one.state) for one in survey.annotations(21)} <= {
            ("Ann", "POR", schema.CONFIRMED), ("machine", "SAND", schema.MACHINE),
        }  # fmt: skip
        found = {one.point for one in survey.annotations(22)}
        assert found == {p for p in points[22] if truth[p] == "SAND"}, "what an earlier model accepted is gone"
    whole = run("suggestreef", survey=path, model=model, accept="whole photos", threads=1)[0].facts
    assert whole["accepted_points"] == 4 * whole["accepted_photos"] == 4 * sum(
        all(truth[p] == "SAND" for p in points[photo]) for photo in range(22, 31)
    )  # fmt: skip
    every = run("suggestreef", survey=path, model=model, accept="points", accept_level=1, threads=1)[0].facts
    assert every["accepted_points"] == 39 and every["accepted_photos"] == 10
    with Survey(path) as survey:
        assert survey.photo(22).state == schema.BY_MACHINE and survey.photo(1).state == schema.DONE
    with pytest.raises(BadJob, match="name of an annotator"):
        run("suggestreef", survey=path, model=model, accept="points", accepted_by=" ")


def test_people_go_on_while_it_runs(again, monkeypatch):
    path, model, truth = again
    monkeypatch.setattr(suggestreef, "PIECE_PHOTOS", 4)
    tell = suggestreef.Teller.tell
    turns = []

    def busy(teller, X):
        if not turns:
            with Survey(path) as beside:  # a person finishes one photo and takes a point away from another
                beside.annotate([(p, truth[p]) for p in range(81, 85)], "Ann")
                beside.connection.execute("DELETE FROM points WHERE point = 85")
        turns.append(len(X))
        return tell(teller, X)

    monkeypatch.setattr(suggestreef.Teller, "tell", busy)
    facts = run("suggestreef", survey=path, model=model, threads=1)[0].facts
    assert turns == [16, 16, 8] and facts["finished_meanwhile"] == 1
    assert (facts["photos"], facts["points"]) == (9, 35)
    with Survey(path) as survey:
        assert survey.suggestions(21) == {} and sorted(survey.suggestions(22)) == [86, 87, 88]
        assert survey.photo(21).state == schema.DONE


def test_from_suggestions_to_the_sign_and_to_cover(again, tmp_path):
    path, model, truth = again
    run("suggestreef", survey=path, model=model, photos="all", threads=1)
    with Survey(path) as survey:
        for photo in range(21, 29):
            survey.annotate([(p, truth[p]) for p in range(4 * photo - 3, 4 * photo + 1)], "Ann")
    facts = run("checkreef", survey=path, batch=5)[0].facts
    assert facts["checked_photos"] == 8 and facts["left_out"]["learnt_from"] == LEARNT
    assert [group["code"] for group in facts["groups"]] == ["Coral", "SAND"]
    assert facts["batches"][0]["trained"] == LEARNT and facts["trust"][0]["right"] == 1


def test_the_limits_of_trust_are_told(again):
    path, model, _ = again
    held = ReefModel.load(model)
    held.facts["splits"] = {"photo": {"hf": 0.91}, "site": {"hf": 0.78}}
    held.save(model)
    with Survey(path) as survey, survey.edit() as connection:
        connection.execute("UPDATE photos SET name = 'renamed.png' WHERE photo = 3")
    result, _ = run("suggestreef", survey=path, model=model, threads=1)
    told = "\n".join(result.facts["warnings"])
    assert "learnt from 20 photos, of which 1 are not in this survey by name" in told
    assert "had never seen hF was 78.0 %, on other photos of sites that it knew 91.0 %" in told


def test_photos_learnt_from_count_by_what_was_said_while_they_were_held_out(again, tmp_path):
    path, model, truth = again
    held = ReefModel.load(model)
    wrong = sum(
        held.tree.codes[label] != truth[point]
        for point, label in enumerate(held.classes[held.out_of_fold.argmax(axis=1)].tolist(), 1)
    )
    with Survey(path) as survey:
        for photo in range(21, 26):
            survey.annotate([(p, truth[p]) for p in range(4 * photo - 3, 4 * photo + 1)], "Ann")
        survey.annotate([(1, "SAND" if truth[1] != "SAND" else "POR")], "Ann")  # another label than it learnt

    def cover():
        run("suggestreef", survey=path, model=model, photos="all", threads=1)
        values = {"groups": ["survey"], "methods": ["powered"], "output": str(tmp_path / "c.csv")}
        result, told = run("reefcover", survey=path, **values)
        assert not any("learnt from none" in text for _, text in told)
        with Survey(path) as survey:
            kept = survey.held_out("tree 1")
        return result.facts["both"], len(kept), sum(label != truth[point] for point, label in kept.items())

    assert cover()[:2] == (5 + LEARNT - 1, 4 * (LEARNT - 1))
    with Survey(path) as survey:
        survey.annotate([(1, truth[1])], "Ann")
    assert cover() == (5 + LEARNT, 4 * LEARNT, wrong)
    assert wrong > 10, "nobody can tell these corals apart, and what was said of known photos would hide it"
    with Survey(path) as survey:
        survey.connection.execute("UPDATE heldout SET label = 'gone' WHERE point = 9")
        assert len(survey.held_out("tree 1")) == 80 and survey.held_out("another") == {}
    facts = run("reefcover", survey=path, groups=["survey"], output=str(tmp_path / "c.csv"))[0].facts
    assert facts["both"] == 5 + LEARNT, "photos are not chosen by what the machine said, as of labels listed no more"


def test_photos_and_copies_and_what_is_refused(again, tmp_path):
    path, model, _ = again
    copy = str(tmp_path / "copy.gpkg")
    run("suggestreef", survey=path, model=model, output=copy, trust="coverage", wish=80, threads=1)
    with Survey(path) as survey, Survey(copy) as other:
        assert survey.suggestions(30) == {} and len(other.suggestions(30)) == 4 and other.trusted(30)
        connection = other.connection
        connection.execute("DELETE FROM suggestions WHERE point = 120")
        connection.execute("UPDATE labels SET parent = '' WHERE code = 'ACR'")
        connection.execute("DELETE FROM labels WHERE code = 'SAND'")
    result, told = run("suggestreef", survey=copy, model=model, photos="without suggestions", wish=99, threads=1)
    assert result.facts["photos"] == 1 and result.facts["trusted_points"] == {}
    assert any("No label can be trusted at 99 % accuracy" in text for _, text in told)
    assert any("added: 1 (SAND)" in text for _, text in told) and any("elsewhere in the tree" in t for _, t in told)
    none = run("suggestreef", survey=copy, model=model, photos="without suggestions", threads=1)[0].facts
    assert none["photos"] == 0 and "nothing to suggest" in none["sentences"][0]
    with Survey(path) as survey:
        survey.connection.execute("DELETE FROM points")
    with pytest.raises(BadInput, match="has no points"):
        run("suggestreef", survey=path, model=model)
    with pytest.raises(BadInput, match="is no model of photo points"):
        run("suggestreef", survey=copy, model=path)


def test_vectors_of_another_backbone_are_refused(again, learnt):
    path, model, _ = again
    other = ReefModel(**{**vars(learnt[2]), "features": {**learnt[2].features, "identity": "another"}})
    other.save(model)
    with pytest.raises(Stale, match="Train the model again"):
        run("suggestreef", survey=path, model=model)
