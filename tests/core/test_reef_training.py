"""What training reef labels stands on: heads of others, choices, scores by level, splits, curves; worked by hand."""

import numpy as np
import pytest
from quadrat.core.heads.storage import load_head, save_head
from quadrat.core.progress import Progress
from quadrat.core.reef.learning import networks
from quadrat.core.reef.learning.assessing import trust_table
from quadrat.core.reef.learning.descent import descend
from quadrat.core.reef.learning.fitting import learn_tree
from quadrat.core.reef.learning.headlist import CORALNET, PUBLISHED
from quadrat.core.reef.learning.hierarchy import fit_tree
from quadrat.core.reef.learning.lessons import Lessons
from quadrat.core.reef.learning.local import fit_by, settle
from quadrat.core.reef.learning.numbered import ROOT, NumberedTree
from quadrat.core.reef.learning.page import as_csv
from quadrat.core.reef.learning.photocurve import PhotoCurve, outlook, photo_curve
from quadrat.core.reef.learning.scores import at_level, cover_errors, exact_scores, label_rows, level_scores, mistakes
from quadrat.core.reef.learning.splits import lone_labels, split_of
from quadrat.core.reef.survey import Photo
from quadrat.core.reef.tree import LabelTree
from quadrat.tests.core.reeftrees import nested

pytestmark = pytest.mark.same_without_torch

TREE = LabelTree(nested("Corals{Hard{FAV,POA},Soft},Sand,"))
SMALL = NumberedTree.of(TREE)
CORALS, HARD, FAV, POA, SOFT, SAND = range(6)


def points(n=300, photos=20, seed=0, noise=1.0):
    """Vectors, labels and photos that a linear head tells apart."""
    rng = np.random.default_rng(seed)
    y, photo = rng.choice([HARD, FAV, POA, SOFT, SAND], n), np.arange(n) % photos
    X = np.eye(6)[y] @ np.random.default_rng(9).normal(size=(6, 8)) * 2 + rng.normal(size=(n, 8)) * noise
    return X.astype(np.float32), y, photo


def test_coralnets_schedule(monkeypatch):
    X, y, photo = points()
    small = fit_by(CORALNET)(X, y, photo)
    assert (small.hidden_layer_sizes, small.learning_rate_init) == ((100,), 1e-3)
    assert small.t_ == networks.EPOCHS * len(y)  # each point once in each round
    assert small.classes_.tolist() == [HARD, FAV, POA, SOFT, SAND]
    again = fit_by(CORALNET)(X, y, photo)
    np.testing.assert_array_equal(small.predict_proba(X), again.predict_proba(X))
    monkeypatch.setattr(networks, "LARGE", 300)
    monkeypatch.setattr(networks, "BATCH", 128)
    large = fit_by(CORALNET)(X, y, photo)
    assert (large.hidden_layer_sizes, large.learning_rate_init, large.t_) == ((200, 100), 1e-4, 3000)
    published = fit_by(PUBLISHED)(X, y, photo)
    assert published.hidden_layer_sizes == (200, 100) and published.score(X, y) > 0.9


def test_weighed_networks_find_rare_labels_more_often():
    X, y, photo = points(400, noise=3.0)
    few = (y != FAV) | (np.arange(400) % 5 == 0)
    found = []
    for balance in (False, True):
        head = fit_by(CORALNET, balance=balance)(X[few], y[few], photo[few])
        found.append((head.predict(X[y == FAV]) == FAV).mean())
    assert found[1] > found[0]


def test_what_is_chosen_is_chosen_once():
    X, y, photo = points()
    choice = settle("linear", X, y, photo)
    assert choice.head == "linear" and choice.strength in (1.0, 0.1, 0.01, 0.001)
    wide = np.concatenate([X, np.random.default_rng(0).normal(size=(300, 192)).astype(np.float32) * 0.01], axis=1)
    assert settle("linear", wide, y, photo).strength is not None
    assert settle("mlp", X, y, photo).strength is None
    alone = settle("linear", X, y, np.zeros(300, np.int64))
    assert alone.strength == 0.01 and "nothing was chosen" in alone.sentence
    some = photo < 8  # too few to compare heads: all are taken
    auto = settle("auto", X[some], y[some], photo[some])
    assert auto.head == "linear+trees+mlp" and auto.strength is not None and "too few to compare" in auto.sentence


def test_scores_at_each_level():
    truth, said = np.array([FAV, FAV, HARD, SOFT, SAND]), np.array([FAV, POA, FAV, SAND, SAND])
    photo = np.array([0, 0, 0, 1, 1])
    assert at_level(SMALL, np.array([FAV, HARD, SOFT, SAND, ROOT]), 2).tolist() == [HARD, HARD, SOFT, SAND, ROOT]
    levels = level_scores(SMALL, truth, said, photo)
    assert [row["level"] for row in levels] == [1, 2, 3]
    assert [row["accuracy"] for row in levels] == [0.8, 0.8, 0.4]
    assert levels[0]["hp"] == levels[0]["hr"] == levels[0]["hf"] == 0.8  # no branches among roots
    # Shared nodes 3, 2, 2, 0, 1; said 3, 3, 3, 1, 1; true 3, 3, 2, 2, 1.
    assert (levels[2]["hp"], levels[2]["hr"]) == (pytest.approx(8 / 11), pytest.approx(8 / 11))
    whole = exact_scores(SMALL, truth, said, photo)
    assert whole["hf"] == levels[2]["hf"] and whole["hf_low"] is None and whole["photos"] == 2
    roots = {row["label"]: row for row in levels[0]["groups"]}
    assert roots["Corals"]["people"] == pytest.approx((1 + 0.5) / 2)
    assert roots["Corals"]["machine"] == pytest.approx((1 + 0) / 2)
    assert roots["Corals"]["error"] == pytest.approx(0.25) and roots["Corals"]["bias"] == pytest.approx(-0.25)
    assert cover_errors(SMALL, photo, truth, said)[0]["label"] == "FAV"  # the most common first
    labels = {row["label"]: row for row in label_rows(SMALL, truth, said, photo)}
    assert labels["FAV"]["recall"] == 0.5 and labels["FAV"]["precision"] == 0.5 and labels["FAV"]["photos"] == 1
    assert labels["HARD".title()]["said"] == 0
    wrong = {(row["label"], row["said"]): row["both"] for row in mistakes(SMALL, truth, said)}
    assert wrong == {("FAV", "POA"): "Hard", ("Hard", "FAV"): "Hard", ("Soft", "Sand"): ""}


def lessons(sites, dates):
    """A point in each photo."""
    photos = tuple(
        Photo(k, f"{k}.jpg", "", 9, 9, (), 0, 1, 1, "done", site, "", "", date)
        for k, (site, date) in enumerate(zip(sites, dates, strict=True))
    )
    every = np.arange(len(photos))
    return Lessons(TREE, photos, every, every, np.full(len(photos), SAND))


def test_what_is_kept_apart():
    some = lessons(["a", "b", "", "a"], ["2019-05-01T10:00", "2019-05-01T11:30", "2019-05-01", "2019-05-01"])
    site, note = split_of(some, "site")
    assert site.rows.tolist() == [0, 1, 3] and site.groups.tolist() == [0, 1, 0]
    assert note == "Without a site, and so not in the test on sites: 1 photo."
    date, note = split_of(some, "date")
    assert date is None and "all photos are of one date" in note
    assert split_of(some, "photo")[0].count == split_of(some, "point")[0].count == 4
    assert lone_labels(np.array([SAND, SAND, FAV, FAV, SOFT]), np.array([0, 1, 2, 2, 2])).tolist() == [FAV, SOFT]


def test_a_curve_rises_with_photos_and_is_followed_no_farther_than_it_tells():
    X, y, photo = points(1000, photos=50, noise=2.5)
    found = photo_curve(SMALL, fit_by("linear", strength=0.01), X, y, photo, Progress(), draws=2)
    assert found.sizes.tolist() == [5, 10, 20, 40] and found.scores["hf"].shape == (2, 4)
    mean = found.scores["hf"].mean(axis=0)
    assert mean[-1] > mean[0] and found.scores["cover"].mean(axis=0)[-1] < found.scores["cover"].mean(axis=0)[0]
    few = photo < 9
    assert photo_curve(SMALL, fit_by("prototype"), X[few], y[few], photo[few], Progress()) is None


def test_the_outlook_of_a_known_law():
    sizes = np.array([5, 10, 20, 40, 80])
    curve = PhotoCurve(sizes, {"hf": 1 - (0.9 * sizes**-0.5 + 0.1)[None]})
    found = outlook(curve)
    assert found["hf_twice"] == pytest.approx(1 - (0.9 * 160**-0.5 + 0.1), abs=0.003)
    # 0.9 n^-0.5 falls by 0.01 from 80 photos to n.
    assert found["more"] == pytest.approx((0.9 / (0.9 * 80**-0.5 - 0.01)) ** 2 - 80, rel=0.15)
    assert f"one point more takes about {found['more']:,}" in found["sentence"]
    flat = outlook(PhotoCurve(sizes, {"hf": np.full((1, 5), 0.8)}))
    assert "the curve is flat" in flat["sentence"] and flat["more"] is None


def test_the_table_of_trust_is_judged_on_photos_that_chose_nothing():
    X, y, photo = points(1000, photos=50, noise=1.5)
    learnt = learn_tree(SMALL, fit_by("linear", strength=0.01), X, y, photo, Progress())
    descent = descend(SMALL, learnt.out_of_fold, learnt.head.classes_)
    table = trust_table(SMALL, descent, y, photo, 0.85, 0)
    assert [row["wish"] for row in table["rows"]] == [0.8, 0.85, 0.9, 0.95]
    for row in table["rows"]:
        given = np.array(row["given"])
        assert (np.diff(given) <= 0).all()  # never deeper without the level above
        for share, right in zip(row["apart_given"], row["apart"], strict=True):
            assert (right is None) == (share == 0)
            assert right is None or right > row["wish"] - 0.05
    assert table["rows"][0]["given"][2] >= table["rows"][3]["given"][2]
    assert table["branches"]["coverage"] == 0.85


def test_numbers_as_a_table():
    row = {"hf": 0.5, "hf_low": None, "name": "photo"}
    numbers = {"splits": [row], "arrangements": [{"kind": "tree", "said": "top down", "hf": 0.25}],
               "levels": [{"level": 1, "hf": 1.0, "groups": [{"label": "Sand", "error": 0.125}]}],
               "per_label": [{"label": "a,b", "f1": 0.0}]}  # fmt: skip
    assert as_csv(numbers).splitlines() == [
        "table,of,measure,value", "test,photo,hf,0.5", "test,photo,hf_low,", 'heads,"tree, top down",hf,0.25',
        "level,1,hf,1.0", 'label,"a,b",f1,0.0', "cover at level 1,Sand,error,0.125",
    ]  # fmt: skip


@pytest.mark.parametrize(("head", "own_units"), [(CORALNET, False), (CORALNET, True), (PUBLISHED, True)])
def test_every_head_comes_back_from_its_file(head, own_units, tmp_path):
    X, y, photo = points(60)
    made = fit_tree(SMALL.parents, fit_by(head, own_units=own_units, strength=0.01), X, y, photo)
    path = str(tmp_path / "head.zip")
    save_head(path, {}, made)
    np.testing.assert_array_equal(load_head(path)[1].predict_proba(X), made.predict_proba(X))
