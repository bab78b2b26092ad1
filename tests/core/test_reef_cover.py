"""Cover of photos: counts at levels of the tree, estimates with intervals, correction, diversity."""

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.reef.cover import corrected, counts, diversity, estimates
from quadrat.core.reef.tree import Label, LabelTree

pytestmark = pytest.mark.same_without_torch

TREE = LabelTree(
    [Label("Coral"), Label("Hard", parent="Coral"), Label("POR", parent="Hard"), Label("SAND"), Label("FRAME")]
)
LABELS = ("POR", "Hard", "SAND", "FRAME")
POR, HARD, SAND, FRAME = range(4)


def labelled(people, machine):
    """Points of photos from lists of labels, None where nothing is said."""
    photo = np.repeat(np.arange(len(machine)), [len(row) for row in machine])
    said = [label for row in machine for label in row]
    told = [label for row in people for label in row]
    point = np.array([at for at, label in enumerate(told) if label is not None], np.int64)
    label = np.array([label for label in told if label is not None], np.int64)
    said = np.array([counts.NOBODY if label is None else label for label in said], np.int64)
    return counts.Labelled(len(machine), LABELS, photo, said, point, label)


def photos_of(people, machine, *, points=25, learnt=None, beyond=True):
    """Photos with cover given."""
    people, machine = np.array(people, float), np.array(machine, float)
    learnt = np.zeros(len(people), bool) if learnt is None else np.array(learnt)
    names = tuple("abcdef"[: people.shape[1]])
    return estimates.Photos(people, machine, np.full(len(people), float(points)), learnt, names, beyond)


def made(seed, photos=60, checked=20, right=0.8):
    """Photos of three classes of which people labelled some, and the machine, which errs, all."""
    rng = np.random.default_rng(seed)
    truth = np.array([rng.multinomial(25, p) for p in rng.dirichlet([4, 2, 1], photos)])
    table = right * np.eye(3) + (1 - right) / 2 * (1 - np.eye(3))
    joint = np.array([[rng.multinomial(row[k], table[k]) for k in range(3)] for row in truth])
    people = np.where(np.arange(photos)[:, None] < checked, truth / 25, np.nan)
    return truth / 25, photos_of(people, joint.sum(axis=1) / 25), joint


def test_levels_roll_labels_up_and_leave_inner_ones_where_they_are():
    data = labelled([[POR, HARD, SAND, FRAME], [POR, POR, None, SAND]], [[POR, POR, SAND, SAND], [HARD] * 4])
    deep = counts.shares(data, counts.classes_at(TREE, LABELS, 3))
    assert deep.classes.codes == ("Hard", "POR", "SAND", "FRAME")
    np.testing.assert_allclose(deep.people[0], [0.25, 0.25, 0.25, 0.25])
    assert deep.checked.tolist() == [True, False]  # one point of the second photo waits for a person
    np.testing.assert_allclose(deep.machine, [[0, 0.5, 0.5, 0], [1, 0, 0, 0]])
    top = counts.shares(data, counts.classes_at(TREE, LABELS, 1))
    assert top.classes.codes == ("Coral", "SAND", "FRAME")
    np.testing.assert_allclose(top.people[0], [0.5, 0.25, 0.25])


def test_labels_left_out_do_not_count_among_the_points():
    data = labelled([[POR, SAND, FRAME, FRAME], [FRAME, FRAME]], [[POR, POR, SAND, FRAME], [SAND, SAND]])
    found = counts.shares(data, counts.classes_at(TREE, LABELS, 1, ["frame"]))
    assert found.classes.codes == ("Coral", "SAND")
    np.testing.assert_allclose(found.people[0], [0.5, 0.5])
    assert found.counted.tolist() == [2.0, 2.0]  # of the second by the machine, since people count none
    assert found.checked.tolist() == [True, False]
    # Of the first photo two points count for both: POR as POR, SAND as POR.
    np.testing.assert_array_equal(found.joint.toarray()[0].reshape(2, 2), [[1, 0], [1, 0]])


def test_a_point_counts_once_however_many_people_spoke_of_it():
    data = counts.Labelled(
        1, LABELS, np.zeros(2, np.int64), np.array([-1, -1]), np.array([0, 0, 1]), np.array([POR, SAND, SAND])
    )
    found = counts.shares(data, counts.classes_at(TREE, LABELS, 1))
    np.testing.assert_allclose(found.people, [[0.25, 0.75, 0.0]])
    assert not found.read.any()


def test_photos_are_the_unit():
    """Photos that are all of one class each tell as much as yes or no, not as 25 points would."""
    people = np.repeat(np.eye(2), [24, 36], axis=0)
    found = estimates.by_people(photos_of(people, np.full((60, 2), np.nan)))
    assert found.value.tolist() == pytest.approx([0.4, 0.6])
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.96 * np.sqrt(0.4 * 0.6 / 60), rel=0.1)


def test_all_listed_photos_labelled_leave_the_doubt_of_their_points_alone():
    truth, photos, _ = made(0, photos=40, checked=40)
    few = estimates.by_people(estimates.replace(photos, beyond=False))
    many = estimates.by_people(estimates.replace(photos, beyond=False, points=np.full(40, 1e9)))
    np.testing.assert_allclose(few.value, truth.mean(axis=0))
    assert (many.high - many.low < (few.high - few.low) / 100).all()


def test_the_machine_narrows_the_interval_and_does_not_shift_it():
    gains, errors, biased = [], [], []
    for seed in range(40):
        truth, photos, _ = made(seed, photos=200, checked=30, right=0.9)
        people, both = estimates.by_people(photos), estimates.powered(photos)
        gains.append((both.high - both.low) / (people.high - people.low))
        errors.append(both.value - truth.mean(axis=0))
        biased.append(estimates.by_machine(photos).value - truth.mean(axis=0))
        assert (both.low <= both.value).all()
        assert (both.value <= both.high).all()
    assert np.mean(gains) < 0.8
    assert np.abs(np.mean(errors, axis=0)).max() < 0.005 < np.abs(np.mean(biased, axis=0)).max()


def test_a_useless_machine_does_no_harm():
    _, photos, _ = made(3, checked=30)
    blind = estimates.replace(photos, machine=np.full_like(photos.machine, 1 / 3))
    np.testing.assert_allclose(estimates.powered(blind).value, estimates.by_people(photos).value)


def test_photos_that_the_machine_learnt_from_count_by_people_alone():
    truth, photos, _ = made(4, photos=100, checked=40)
    learnt = np.arange(100) < 15
    memory = np.where(learnt[:, None], truth, photos.machine)  # it knows them by heart
    found = estimates.powered(estimates.replace(photos, machine=memory, learnt=learnt))
    spoilt = estimates.replace(photos, machine=np.where(learnt[:, None], 0.0, photos.machine), learnt=learnt)
    np.testing.assert_allclose(found.value, estimates.powered(spoilt).value)
    rest = estimates.powered(photos.only(~learnt))
    np.testing.assert_allclose(
        found.value, 0.15 * truth[:15].mean(axis=0) + 0.85 * rest.value, atol=0.01
    )  # lambda is tuned to the whole


def test_too_few_photos_are_refused_with_their_number():
    _, photos, joint = made(5, checked=1)
    for estimator in (estimates.by_people, estimates.powered):
        with pytest.raises(BadInput, match="1 photos"):
            estimator(photos)
    joint[3:] = 0
    with pytest.raises(BadInput, match="3 photos"):
        corrected.confusions(counts.sparse.csr_array(joint.reshape(60, -1)), ("a", "b", "c"))


def corrected_of(photos, joint, checked):
    """By the table of the first photos."""
    seen = joint.reshape(len(joint), -1).astype(float)
    seen[checked:] = 0
    table = corrected.confusions(counts.sparse.csr_array(seen), photos.names)
    return corrected.by_confusion(photos.machine, photos.points, table)


def test_the_table_of_confusions_takes_the_bias_out():
    truth, photos, joint = made(6, photos=400, checked=100)
    found = corrected_of(photos, joint, 100)
    assert np.abs(photos.machine.mean(axis=0) - truth.mean(axis=0)).max() > 0.04
    assert np.abs(found.value - truth.mean(axis=0)).max() < 0.02
    assert found.value.sum() == pytest.approx(1)
    assert ((found.low <= truth.mean(axis=0)) & (truth.mean(axis=0) <= found.high)).all()


def test_of_classes_that_nobody_met_and_of_few_photos_no_more_is_said_than_is_known():
    _, photos, joint = made(7)
    joint[:, 2] = 0
    found = corrected_of(photos, joint, 30)
    assert np.isnan([found.value[2], found.low[2], found.high[2]]).all()
    assert not np.isnan(found.high[:2]).any()
    few = corrected_of(photos, joint, 8)
    assert not np.isnan(few.value[:2]).any()
    assert np.isnan(few.high).all()


def test_diversity_by_worked_example():
    found = dict(zip(diversity.INDICES, diversity.indices(np.array([0.5, 0.25, 0.25, 0.0])), strict=True))
    assert found["shannon"] == pytest.approx(1.5 * np.log(2))
    assert found["simpson"] == pytest.approx(1 - 0.375)
    assert found["evenness"] == pytest.approx(1.5 * np.log(2) / np.log(3))
    assert found["richness"] == 3
    assert np.isnan(diversity.indices(np.zeros(3))).all()
    one = diversity.indices(np.array([2.0, 0.0]))
    assert one[0] == 0
    assert np.isnan(one[2])


def test_the_jackknife_of_labels_is_that_of_heltshe_and_forrester():
    """S + (n - 1) / n times the number of labels in one photo only."""
    cover = np.array([[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.2, 0, 0.8, 0], [0.9, 0, 0, 0.1]])
    found = diversity.diversity(cover)["richness"]
    assert found.value == 4
    assert found.corrected == pytest.approx(4 + 3 / 4 * 3)
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    shannon = diversity.diversity(cover)["shannon"]
    assert shannon.low < shannon.corrected < shannon.high
    assert np.isnan(diversity.diversity(cover[:1])["shannon"].low)
