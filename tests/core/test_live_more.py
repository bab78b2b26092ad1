"""What a session tells besides the map: one cell, where to label next, how good it is, the plot."""

import json
import threading
import time

import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.live.messages import ASKS, Close, Open, Painted, View
from quadrat.core.live.session import Desk
from quadrat.core.progress import Progress
from quadrat.tests.core.live import HEIGHT, NAMES, WIDTH, Live, embedding, point, scene, some_labels


@pytest.fixture
def live(tmp_path):
    made = []

    def go(path, **wishes):
        made.append(Live(path, tmp_path / "live", **wishes))
        return made[-1]

    yield go
    for one in made:
        one.close()


@pytest.fixture
def taught(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    one.teach(some_labels(truth, 40))
    return one, truth


@pytest.mark.parametrize("head", ["linear", "knn"])
@pytest.mark.parametrize("seen", [True, False])
def test_a_cell_tells_what_the_map_shows(make_raster, live, head, seen):
    truth, path = embedding(make_raster, 3)
    one = live(path, head=head)
    labels = some_labels(truth, 40)
    one.teach(labels)
    view = one.view()
    if not seen:
        one.view(0, 0, 2, 2)
    for row, col in ((5, 7), (80, 100), (149, 3)):
        told = one.at(row, col)
        assert told["valid"]
        best = int(np.argmax(told["probabilities"]))
        assert best + 1 == view["shown"][row, col]
        assert len(told["probabilities"]) == len(NAMES)
        assert told["probabilities"][best] == pytest.approx((view["sure"][row, col] - 1) / 254, abs=0.5 / 254 + 1e-6)
        assert sum(told["probabilities"]) == pytest.approx(1)
        assert told["value"] is None


def test_the_most_alike_labels_come_first_and_each_once(taught):
    one, truth = taught
    one.teach([(900, point(5, 5), NAMES[truth[5, 5] - 1])])
    told = one.at(5, 5, nearest=4)["nearest"]
    assert told[0]["id"] == 900
    assert told[0]["likeness"] == pytest.approx(1, abs=1e-3)
    assert (told[0]["row"], told[0]["col"]) == (5, 5)
    alike = [entry["likeness"] for entry in told]
    assert alike == sorted(alike, reverse=True)
    assert len({entry["id"] for entry in told}) == 4
    assert sum(entry["y"] == NAMES[truth[5, 5] - 1] for entry in told) >= 3


def test_a_cell_without_data_or_beside_the_raster_is_not_valid(taught):
    one, _ = taught
    for row, col in ((40, 70), (-1, 5), (HEIGHT, 5), (5, WIDTH)):
        assert not one.at(row, col)["valid"]


def test_a_cell_before_anything_is_taught(make_raster, live):
    _, path = embedding(make_raster, 3)
    told = live(path).at(3, 3)
    assert told["valid"]
    assert not told["probabilities"]
    assert not told["nearest"]


def test_values_of_a_cell(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path, target="value")
    one.teach([(n, shape, float(NAMES.index(y))) for n, shape, y in some_labels(truth, 40)], classes=())
    assert one.at(5, 5)["value"] == pytest.approx(truth[5, 5] - 1, abs=0.8)
    place = one.next()["places"][0]
    assert isinstance(place["guess"], float)
    assert one.score()["metric"] == "r2"
    assert one.score()["score"] > 0.5
    assert set(one.scatter(count=50)["mapped"]) == {""}


@pytest.mark.parametrize("strategy", ["mix", "typical", "coverage", "margin", "disagreement", "random"])
def test_next_is_neither_labelled_nor_skipped(taught, strategy):
    one, truth = taught
    one.view(20, 20, 60, 60)
    labelled = {tuple(cell) for cell in one.session.labels.known_cells().tolist()}
    found = one.next(count=5, strategy=strategy)["places"]
    cells = [(place["row"], place["col"]) for place in found]
    assert len(set(cells)) == 5
    assert not labelled & set(cells)
    assert all(truth[cell] > 0 for cell in cells)
    assert {place["guess"] for place in found} <= set(NAMES[:3])
    assert all(0 <= place["probability"] <= 1 and place["reason"] for place in found)
    again = one.next(count=5, strategy=strategy, skipped=tuple(cells))["places"]
    assert not set(cells) & {(place["row"], place["col"]) for place in again}


def test_next_stays_in_the_window(taught):
    one, _ = taught
    one.view(20, 20, 60, 60)
    for place in one.next(count=8, window=(30, 40, 20, 25))["places"]:
        assert 30 <= place["row"] < 50
        assert 40 <= place["col"] < 65
    assert "no cell left" in one.next(window=(33, 63, 10, 10))["why"]


def test_next_begins_without_any_label(make_raster, live):
    _, path = embedding(make_raster, 3)
    one = live(path)
    place = one.next()["places"][0]
    assert place["guess"] is None
    assert "typical" in place["reason"]
    assert "at least two classes" in one.next(strategy="margin")["why"]
    with pytest.raises(BadJob, match="no strategy 'best'"):
        one.next(strategy="best")


def test_the_score_is_of_labels_kept_apart(taught):
    one, _ = taught
    told = one.score()
    assert told["labels"] == told["cells"] == 40
    assert told["metric"] == "accuracy"
    assert told["low"] <= told["score"] <= told["high"]
    assert told["score"] > 0.8
    assert told["classes"] == NAMES
    table = np.array(told["confusion"])
    assert table.shape == (5, 5)
    assert table.sum() <= 40
    assert not table[3:].any()
    assert not table[:, 3:].any()
    assert np.trace(table) / table.sum() == pytest.approx(told["score"])
    assert "folds" in told["scheme"]


def test_rows_of_the_confusion_are_labels_and_columns_the_map(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    labels = some_labels(truth, 60)
    labels += [(500 + n, shape, "lake") for n, shape, y in some_labels(truth, 40, seed=5) if y == "wood"]
    one.teach(labels, classes=("field", "lake", "wood"))
    table = np.array(one.score()["confusion"])
    assert table[1, 2] > 5 > table[2, 0]


def test_too_few_labels_cannot_be_tested(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    assert one.score()["why"] == "Nothing is labelled yet."
    two = [one for one in some_labels(truth, 30) if one[2] in NAMES[:2]]
    one.teach([next(x for x in two if x[2] == name) for name in NAMES[:2]])
    told = one.score()
    assert told["score"] is None
    assert "at least two labels" in told["why"]


def test_the_plot_holds_labels_and_view(taught):
    one, truth = taught
    one.view(20, 20, 60, 60)
    told = one.scatter(count=300)
    assert {len(told[name]) for name in ("x", "y", "row", "col", "labelled", "mapped")} == {len(told["x"])}
    assert sum(bool(name) for name in told["labelled"]) == 40
    assert 280 < len(told["x"]) <= 340
    assert 0.2 < told["explained"] <= 1
    rest = [place for place, name in enumerate(told["labelled"]) if not name]
    assert all(20 <= told["row"][at] < 80 and 20 <= told["col"][at] < 80 for at in rest)
    right = np.mean([told["mapped"][at] == NAMES[truth[told["row"][at], told["col"][at]] - 1] for at in rest])
    assert right > 0.8
    before = {(r, c): x for r, c, x in zip(told["row"], told["col"], told["x"])}
    one.view(40, 40, 60, 60)
    after = one.scatter(count=300)
    for r, c, x in zip(after["row"], after["col"], after["x"]):
        assert before.get((r, c), x) == x


def test_a_raster_without_data_gives_sentences(make_raster, live):
    codes = np.zeros((4, 30, 30), np.uint8)
    one = live(make_raster("empty.tif", codes, nodata=0))
    one.teach([(1, point(3, 3), "wood"), (2, point(9, 9), "lake")])
    assert "No label lies" in one.view()["why"]
    assert one.scatter()["why"]
    assert one.next()["why"]
    assert not one.at(3, 3)["valid"]


def test_quick_fits_keep_what_was_settled(taught):
    one, truth = taught
    first = one.view()
    assert not first["settled"]
    settled = one.view(settle=True)
    assert settled["settled"]
    assert settled["version"] > first["version"]
    assert one.view()["version"] == settled["version"]
    one.teach([(700, point(90, 90), NAMES[truth[90, 90] - 1])])
    quick = one.view()
    assert not quick["settled"]
    assert quick["head"].split(",")[:2] == settled["head"].split(",")[:2]
    assert one.view(settle=True)["settled"]


@pytest.mark.parametrize("target", ["class", "value"])
def test_auto_is_quick_before_and_after_it_was_settled(make_raster, live, target):
    truth, path = embedding(make_raster, 3)
    one = live(path, head="auto", target=target)
    y = {"class": lambda name: name, "value": lambda name: float(NAMES.index(name))}[target]
    labels = [(n, shape, y(name)) for n, shape, name in some_labels(truth, 12)]
    one.teach(labels)
    assert one.view(0, 0, 20, 20)["head"].startswith("linear")
    settled = one.view(0, 0, 20, 20, settle=True)
    assert "trees" in settled["head"]
    one.teach(removed=(1,))
    assert one.view(0, 0, 20, 20)["head"].split(",")[0] == settled["head"].split(",")[0]


def test_one_session_at_a_time(make_raster, tmp_path):
    desk = Desk()
    with pytest.raises(BadJob, match="No embedding is open"):
        desk.answer(View(0, 0, 5, 5), Progress())
    _, path = embedding(make_raster, 3)
    for _ in range(2):
        desk.answer(Open(path, str(tmp_path / "live")), Progress())
    assert desk.answer(Close(), Progress()) == {}
    with pytest.raises(BadJob, match="No embedding is open"):
        desk.answer(View(0, 0, 5, 5), Progress())
    with pytest.raises(BadInput, match="nowhere"):
        desk.answer(Open(str(tmp_path / "nowhere.tif"), str(tmp_path / "live")), Progress())
    with pytest.raises(BadJob, match="does not estimate a value"):
        desk.answer(Open(path, str(tmp_path / "live"), target="value", head="prototype"), Progress())


def test_a_cancel_is_heard_while_a_view_is_read(make_raster, live):
    codes = np.repeat(np.repeat(scene(bands=24)[1], 8, axis=1), 8, axis=2)
    path = make_raster("large.tif", codes, nodata=0)
    one = live(path)
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    progress = Progress(cancelled=stop)

    def look_around():
        for turn in range(1000):
            one.view(0, 0, codes.shape[1], codes.shape[2], step=2 + turn % 2, progress=progress)

    with pytest.raises(Cancelled):
        look_around()
    assert time.monotonic() - started < 1.5


def test_answers_are_plain_json(taught):
    one, _ = taught
    answers = [one.opened, one.ask(View(0, 0, 50, 50, coverage=0.9)), one.at(3, 3), one.next(), one.score()]
    for answer in [*answers, one.scatter(), one.teach()]:
        json.dumps(answer, allow_nan=False)
    assert Painted.from_dict(json.loads(json.dumps(answers[1]))).height == 50
    assert len({ask.METHOD for ask in ASKS}) == len(ASKS)


def test_too_many_classes_and_silly_views_are_refused(taught):
    one, _ = taught
    with pytest.raises(BadJob, match="at most 254 classes"):
        one.teach(classes=[f"c{n}" for n in range(255)])
    for wrong in ({"step": 0}, {"height": -1}):
        with pytest.raises(BadJob, match="step of at least 1"):
            one.view(**wrong)
