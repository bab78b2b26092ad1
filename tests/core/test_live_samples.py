"""Labels of a session make the samples of 'Train head', whatever came and went before; each cell is read once."""

import threading

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadJob, Cancelled, Stale
from quadrat.core.jobs.fewshot import TrainHead
from quadrat.core.labels import load_samples
from quadrat.core.live.messages import Teach
from quadrat.core.progress import Progress
from quadrat.tests.core.live import HEIGHT, NAMES, WIDTH, Live, box, embedding, point, some_labels, write_labels

FIELDS = ("X", "y", "groups", "group_kind", "grouped", "by_field", "xy", "crs", "cells", "classes", "space")


def equal(one, path, labels, tmp_path, **values):
    """The samples of the session are those of the layer."""
    layer = write_labels(tmp_path / "labels.gpkg", labels)
    job = {"labels": layer, "field": "kind", "embedding": path, "output": "x.qhead"} | values
    expected = load_samples(TrainHead.from_dict(job), Progress())
    found = one.session.labels.samples()
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert found.report.cells == expected.report.cells
    return found


@pytest.fixture
def live(tmp_path):
    made = []

    def go(path, **wishes):
        made.append(Live(path, tmp_path / "live", **wishes))
        return made[-1]

    yield go
    for one in made:
        one.close()


def mixed(truth):
    """Points, squares, lines, a large polygon of which a draw is taken, a broken one, and conflicts."""
    labels = some_labels(truth, 30) + [(100 + n, *rest) for n, *rest in some_labels(truth, 10, seed=4, size=3)]
    bow = shapely.Polygon([(600_100, 8_999_900), (600_200, 8_999_800), (600_200, 8_999_900), (600_100, 8_999_800)])
    return [
        *labels, (50, box(60, 100, 40, 40), "field"), (51, box(70, 110, 30, 30), "lake"), (52, bow, "wood"),
        (53, shapely.LineString([point(5, 5).coords[0], point(9, 40).coords[0]]), "wood"),
        (54, shapely.MultiPoint([point(3, 3), point(4, 9)]), "lake"), (55, point(20, 20), "wood"),
        (59, point(20, 20), "lake"),
        (56, point(-9, 400), "wood"), (57, point(40, 70), "lake"),
        (58, shapely.GeometryCollection([point(100, 100), box(101, 101, 2, 2)]), "wood"),
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_samples_are_those_of_the_layer(make_raster, live, tmp_path, dtype):
    truth, path = embedding(make_raster, 3, dtype=dtype)
    labels = mixed(truth)
    one = live(path)
    one.view(50, 90, 30, 30)  # some of the cells come out of the view, others from the file
    told = one.teach(labels)
    found = equal(one, path, labels, tmp_path)
    assert told["labels"] == len(labels)
    assert told["cells"] == len(found.y)
    counts = {entry.name: int((found.y == entry.value).sum()) for entry in found.classes}
    assert told["of_class"] == {name: counts.get(name, 0) for name in NAMES}
    assert set(told["outside"]) == {56, 57}
    assert (20, 20) in {tuple(cell) for cell in told["conflicts"]}


def test_values_are_those_of_the_layer(make_raster, live, tmp_path):
    truth, path = embedding(make_raster, 3)
    labels = [(n, shape, float(len(y)) + n / 100) for n, shape, y in mixed(truth)]
    one = live(path, target="value")
    one.teach(labels, classes=())
    equal(one, path, labels, tmp_path, target="value")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_history_ends_at_the_same_samples(make_raster, tmp_path, data):
    """Labels come, change and go in any order; the draw of a large polygon hangs on how many come before it."""
    truth, path = embedding(make_raster, 3)
    labels = {one[0]: one for one in mixed(truth)}
    every = sorted(labels)
    one = Live(path, tmp_path / "live")
    present = {}
    for _ in range(data.draw(st.integers(1, 6))):
        some = data.draw(st.lists(st.sampled_from(every), max_size=12, unique=True))
        removed = data.draw(st.lists(st.sampled_from(every), max_size=6, unique=True))
        changed = [(n, labels[n][1], data.draw(st.sampled_from(NAMES[:3]))) for n in some if n not in removed]
        clear = data.draw(st.integers(0, 9)) == 0
        present = {} if clear else {n: one for n, one in present.items() if n not in removed}
        present |= {new[0]: new for new in changed}
        one.teach(changed, removed=tuple(removed), clear=clear)
    last = list(labels.values())[:20]
    present |= {new[0]: new for new in last}
    one.teach(last)
    equal(one, path, list(present.values()), tmp_path)
    one.close()


def test_a_cell_is_read_once_and_a_click_reads_one_cell(make_raster, live, monkeypatch):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    read, stored = [], type(one.session.reader)._stored
    monkeypatch.setattr(type(one.session.reader), "_stored", lambda self, w: read.append(w) or stored(self, w))
    labels = some_labels(truth, 30)
    one.teach(labels)
    read.clear()
    one.teach([(500, point(7, 8), "wood")])
    assert [tuple(window) for window in read] == [(7, 8, 1, 1)]
    read.clear()
    one.teach([(501, point(7, 8), "wood")])
    one.teach(labels, clear=True)
    assert not read
    one.view()
    read.clear()
    one.teach([(502, point(11, 12), "lake")])
    assert not read


def test_labels_of_unknown_classes_are_ignored_until_the_class_is_known(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    told = one.teach(some_labels(truth, 30), classes=("wood", "lake"))
    assert set(told["of_class"]) == {"wood", "lake"}
    assert not told["outside"]
    assert one.teach(classes=NAMES)["of_class"]["field"] > 0


def test_why_nothing_is_taught_yet(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    places = {name: [shape for _, shape, y in some_labels(truth, 30) if y == name] for name in NAMES[:3]}

    def why():
        painted = one.view()
        assert not painted["path"]
        return painted["why"]

    assert why() == "Nothing is labelled yet."
    one.teach([(1, point(-5, -5), "wood")])
    assert "No label lies on a valid cell" in why()
    one.teach([(1, places["wood"][0], "wood")])
    assert why() == "All labels are of one class, 'wood'. Label a place of another class."
    one.teach([(2, places["lake"][0], "lake")])
    assert one.view()["path"]
    one.teach(removed=(2,))
    assert "one class" in why()
    one.teach([(2, places["wood"][0], "lake")])  # both on one cell: a tie
    assert "No label lies on a valid cell" in why()


def test_values_need_three_cells_that_differ(make_raster, live):
    _, path = embedding(make_raster, 3)
    one = live(path, target="value")
    one.teach([(1, point(3, 3), 1), (2, point(3, 4), 1.0), (3, point(3, 5), "1")], classes=())
    assert "three cells" in one.view()["why"]
    told = one.teach([(4, point(3, 6), 2), (5, point(3, 7), "x")], classes=())
    assert told["cells"] == 4
    assert one.view()["path"]


def test_what_is_no_label_is_a_sentence(make_raster, live):
    _, path = embedding(make_raster, 3)
    one = live(path)
    for wkb in ("zz", "0101", ""):
        with pytest.raises(BadJob, match="geometry"):
            one.ask(Teach(({"id": 1, "wkb": wkb, "y": "wood"},)))
    with pytest.raises(BadJob, match="not whole"):
        one.ask(Teach(({"id": 1},)))


def test_a_stopped_teach_is_completed_by_the_next(make_raster, live, tmp_path):
    truth, path = embedding(make_raster, 3)
    labels = mixed(truth)
    one = live(path)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        one.teach(labels, progress=Progress(cancelled=stop))
    one.teach()
    equal(one, path, labels, tmp_path)


def test_a_stopped_teach_leaves_the_map_as_it_was(make_raster, live):
    truth, path = embedding(make_raster, 3)
    labels = some_labels(truth, 30)
    one = live(path)
    one.teach(labels)
    before = one.view()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        one.teach(labels[:5], removed=tuple(range(6, 31)), progress=Progress(cancelled=stop))
    after = one.view()
    assert after["version"] == before["version"]
    np.testing.assert_array_equal(after["layers"], before["layers"])
    one.session.labels.samples()
    assert one.teach()["labels"] == 5


def test_hovering_keeps_nothing(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    one.teach(some_labels(truth, 30))
    kept = len(one.session.labels._vectors._row)
    for col in range(50):
        one.at(90, col)
    assert len(one.session.labels._vectors._row) == kept


def test_degrees_written_a_turn_apart_meet(make_raster, live):
    _, path = embedding(make_raster, 3, crs="EPSG:4326", transform=Affine(0.1, 0, 170, 0, -0.1, 5))
    one = live(path)
    assert one.teach([(1, shapely.Point(-175, 0), "wood")])["cells"] == 1


def test_a_raster_that_was_replaced_is_noticed(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    one.teach(some_labels(truth, 20))
    embedding(make_raster, 2)
    with pytest.raises(Stale, match="changed or replaced"):
        one.view()


def test_the_grid_is_told(make_raster, live):
    _, path = embedding(make_raster, 3)
    told = live(path).opened
    assert told["transform"] == (10, 0, 600_000, 0, -10, 9_000_000)
    assert (told["height"], told["width"], told["dimensions"], told["coded"]) == (HEIGHT, WIDTH, 12, True)
    assert "UTM zone 22S" in told["crs"]
    assert not told["signed"]
