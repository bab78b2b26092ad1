"""A model of photo points: written, read, and asked."""

from functools import cache

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.heads.storage import save_head
from quadrat.core.progress import Progress
from quadrat.core.reef.learning.fitting import learn_tree
from quadrat.core.reef.learning.local import fit_by
from quadrat.core.reef.learning.numbered import NumberedTree
from quadrat.core.reef.learning.stored import ReefModel, kept_points, model_name
from quadrat.core.reef.learning.trust import choose_thresholds
from quadrat.core.reef.tree import Label, LabelTree
from sklearn.linear_model import LogisticRegression

pytestmark = pytest.mark.same_without_torch

LABELS = (Label("Corals", "Corals", "", "#ff0000"), Label("Hard", parent="Corals"), Label("Soft", parent="Corals"),
          Label("Sand", "Sand", "", "#ffff00"))  # fmt: skip


@cache
def made(seed=0):
    rng = np.random.default_rng(seed)
    tree = NumberedTree.of(LabelTree(LABELS))
    y, photo = rng.integers(0, 4, 240), np.repeat(np.arange(24), 10)
    X = (np.eye(4)[y] @ rng.normal(size=(4, 6)) + rng.normal(size=(240, 6))).astype(np.float32)
    learnt = learn_tree(tree, fit_by("linear", strength=0.01), X, y, photo, Progress())
    features = {"request": {"backbone": "made", "patch_px": 224}, "identity": "made 1", "dimensions": 6}
    name = model_name("linear", "tree", learnt.head.classes_, learnt.out_of_fold, features)
    names = tuple(f"photo {number}.jpg" for number in range(24))
    state = {"mean": rng.normal(size=6).astype(np.float32), "knee": np.array(3.0, np.float32)}
    model = ReefModel(name, learnt.head, LABELS, features, state, names, learnt.out_of_fold, y, photo, {"head": "x"})
    return model, X


def test_what_is_read_is_what_was_written(tmp_path):
    model, X = made()
    path = tmp_path / "m.qreef"
    model.save(str(path))
    found = ReefModel.load(str(path))
    np.testing.assert_array_equal(found.shares(X), model.shares(X))
    assert (found.name, found.labels, found.photos) == (model.name, model.labels, model.photos)
    assert (found.features, found.facts) == (model.features, model.facts)
    for name in ("mean", "knee"):  # a number stays a number
        assert found.state[name].shape == np.shape(model.state[name])
        np.testing.assert_array_equal(found.state[name], model.state[name])
    np.testing.assert_allclose(found.out_of_fold, model.out_of_fold, atol=1e-6)
    assert found.thresholds(0.9).n_photos == 24
    assert found.tree == NumberedTree.of(LabelTree(LABELS))
    first = path.read_bytes()
    model.save(str(path))
    assert path.read_bytes() == first


def test_thresholds_are_chosen_when_it_is_used():
    model, _ = made()
    strict, loose = model.thresholds(0.95), model.thresholds(0.5)
    assert loose.given[1] > strict.given[1]
    by_hand = choose_thresholds(model.tree, model.descent(model.out_of_fold), model.truth, model.photo, 0.95)
    assert strict == by_hand or str(strict) == str(by_hand)  # NaN where a level is never given
    sets = model.sets(0.9)
    assert sets is not None and sets.n_photos == 24
    assert model.sets(0.99) is None  # needs 99 photos


def test_vectors_of_another_length_and_other_files_are_refused(tmp_path):
    model, X = made()
    assert model.shares(X[:0]).shape == (0, 4)
    with pytest.raises(BadInput, match="learnt from vectors of 6 numbers, and these have 5"):
        model.shares(X[:, :5])
    path = str(tmp_path / "other.qhead")
    save_head(path, {}, LogisticRegression().fit(X, X[:, 0] > 0))
    with pytest.raises(BadInput, match="no model of photo points"):
        ReefModel.load(path)


def test_names_tell_fits_apart():
    (one, _), (other, _) = made(0), made(1)
    assert one.name != other.name
    assert one.name == made.__wrapped__(0)[0].name
    assert one.name.startswith("tree linear ")


def test_only_whole_photos_are_kept():
    photo = np.repeat(np.arange(50), np.arange(1, 51))
    kept = kept_points(photo, 0, 400)
    assert 200 < len(kept) <= 400
    sizes = np.bincount(photo[kept], minlength=50)
    assert set(sizes - np.bincount(photo)) <= {0, *(-np.bincount(photo))}
    np.testing.assert_array_equal(kept_points(photo, 0, 10**6), np.arange(len(photo)))
    assert len(kept_points(np.zeros(20, np.int64), 0, 5)) == 20
