"""The live map is the exported map: every cell, bit for bit; and thinning, panning and pieces change nothing."""

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.live import tiles
from quadrat.core.live.messages import UNSURE
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.tests.core.live import HEIGHT, NAMES, WIDTH, Live, embedding, scene, some_labels, write_labels

pytestmark = pytest.mark.same_without_torch

WINDOWS = ((0, 0, HEIGHT, WIDTH), (13, 37, 90, 101), (-20, -30, 70, 80), (100, 150, 90, 90), (64, 64, 1, 1))


@pytest.fixture
def live(tmp_path):
    """Opens sessions and closes them."""
    made = []

    def go(path, **wishes):
        made.append(Live(path, tmp_path / "live é", **wishes))
        return made[-1]

    yield go
    for one in made:
        one.close()


@pytest.fixture
def exported(tmp_path):
    """Trains and applies as the toolbox does; gives class names (H, W), confidence bytes and the facts of the head."""

    def go(path, labels, unsure=False, train=None, **values):
        layer = write_labels(tmp_path / "labels.gpkg", labels)
        head, out, sure = (str(tmp_path / name) for name in ("a.qhead", "m.tif", "c.tif"))
        job = {"labels": layer, "field": "kind", "embedding": path, "output": head} | (train or {})
        facts = run_job(TrainHead.from_dict(job), Progress()).facts
        wanted = {"output": out} if values.get("target") == "value" else {"output": out, "confidence": sure}
        result = run_job(ApplyHead.from_dict({"head": head, "embedding": path, "unsure": unsure} | wanted), Progress())
        with rasterio.open(out) as file:
            shown = file.read(1)
        if "confidence" not in wanted:
            return shown, None, facts
        names = np.array(["", *(entry["name"] for entry in result.facts["classes"])], dtype=object)
        with rasterio.open(sure) as file:
            return names[shown], file.read(1), facts

    return go


def window_of(array, row, col, height, width, step=1, fill=0):
    """What a view of it shows."""
    rows = np.arange(-(-row // step) * step, row + height, step)
    cols = np.arange(-(-col // step) * step, col + width, step)
    inside = np.ix_(np.clip(rows, 0, HEIGHT - 1), np.clip(cols, 0, WIDTH - 1))
    out = ((rows < 0) | (rows >= HEIGHT))[:, None] | ((cols < 0) | (cols >= WIDTH))[None]
    return np.where(out, fill, array[inside])


def names_of(layer):
    table = np.array(["", *NAMES] + [""] * (UNSURE - len(NAMES) - 1) + ["unsure"], dtype=object)
    return table[layer]


@pytest.mark.parametrize(
    ("classes", "calibrated", "dtype"),
    [(2, False, "uint8"), (2, True, "float32"), (5, False, "float32"), (5, True, "uint8")],
)
def test_a_settled_view_is_the_exported_map(make_raster, live, exported, classes, calibrated, dtype):
    truth, path = embedding(make_raster, classes, dtype=dtype)
    wrong = some_labels(truth, 60, seed=9)
    # Some labels are wrong, so that calibration has something to mend and places are unsure.
    count, size = (120, 2) if calibrated else (60, 1)
    labels = some_labels(truth, count, size=size)
    labels += [(1000 + n, shape, NAMES[(NAMES.index(y) + 1) % classes]) for n, shape, y in wrong[: count // 4]]
    shown, sure, facts = exported(path, labels, unsure=True, train={"calibration": "auto"})
    one = live(path)
    assert one.opened["coded"] == (dtype == "uint8")
    one.teach(labels)
    painted = one.view(settle=True, coverage=0.9)
    assert painted["settled"]
    assert (facts["calibration"]["method"] != "none") == ("calibrated" in painted["head"])
    for window in WINDOWS:
        view = one.view(*window, coverage=0.9)
        assert view["version"] == painted["version"]
        np.testing.assert_array_equal(names_of(view["shown"]), window_of(shown, *window, fill=""))
        np.testing.assert_array_equal(view["sure"], window_of(sure, *window))
    assert (painted["shown"] == UNSURE).any()
    assert (painted["shown"] == 0).sum() == (truth == 0).sum()


@pytest.mark.parametrize("head", ["knn", "prototype", "forest-small", "mlp"])
def test_heads_that_are_not_linear_agree_too(make_raster, live, exported, head):
    truth, path = embedding(make_raster, 3)
    labels = some_labels(truth, 30)
    shown, sure, _ = exported(path, labels, train={"head": head})
    one = live(path, head=head)
    one.teach(labels)
    one.view(0, 0, 40, 40, settle=True)
    for window in WINDOWS[:3]:
        view = one.view(*window)
        np.testing.assert_array_equal(names_of(view["shown"]), window_of(shown, *window, fill=""))
        np.testing.assert_array_equal(view["sure"], window_of(sure, *window))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_values_agree_within_a_byte(make_raster, live, exported, dtype):
    truth, path = embedding(make_raster, 5, dtype=dtype)
    labels = [(n, shape, 2.5 * NAMES.index(y)) for n, shape, y in some_labels(truth, 40)]
    shown, _, _ = exported(path, labels, train={"target": "value"}, target="value")
    one = live(path, target="value")
    one.teach(labels, classes=())
    view = one.view(settle=True)
    assert (view["low"], view["high"]) == (0, 10)
    assert not view["sure"].any()
    np.testing.assert_array_equal(view["shown"] == 0, np.isnan(shown))
    told = view["low"] + (view["shown"].astype(float) - 1) / 254 * (view["high"] - view["low"])
    known = ~np.isnan(shown)
    expected = np.clip(shown, view["low"], view["high"])
    assert np.abs(told - expected)[known].max() <= 0.5 / 254 * 10 + 1e-5


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A session with a quick head, and its whole map; for many windows."""
    folder = tmp_path_factory.mktemp("taught")
    found = {}
    for dtype in ("uint8", "float32"):
        truth, codes = scene()
        path = folder / f"{dtype}.tif"
        profile = {
            "driver": "GTiff",
            "width": WIDTH,
            "height": HEIGHT,
            "count": len(codes),
            "dtype": dtype,
            "nodata": 0,
        }
        transform = rasterio.Affine(10, 0, 600_000, 0, -10, 9_000_000)
        with rasterio.open(path, "w", crs="EPSG:32722", transform=transform, **profile) as file:
            file.write(codes.astype(dtype))
        one = Live(path, folder / dtype)
        one.teach(some_labels(truth))
        found[dtype] = one, one.view()["layers"]
    yield found
    for one, _ in found.values():
        one.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from(("uint8", "float32")), row=st.integers(-80, 170), col=st.integers(-80, 230),
    height=st.integers(0, 190), width=st.integers(0, 190), step=st.integers(1, 9),
)  # fmt: skip
def test_every_cell_of_any_view_is_that_of_the_whole(taught, dtype, row, col, height, width, step):
    """Views come one after another, so that each finds what the one before left."""
    one, whole = taught[dtype]
    view = one.view(row, col, height, width, step=step)
    assert (view["row"], view["col"]) == (-(-row // step) * step, -(-col // step) * step)
    assert view["step"] == step
    for layer, expected in zip(view["layers"], whole, strict=True):
        np.testing.assert_array_equal(layer, window_of(expected, row, col, height, width, step))


def test_panning_reads_and_predicts_only_what_is_new(taught, monkeypatch):
    one, _ = taught["uint8"]
    reader_type = type(one.session.reader)
    read, painted = [], []
    stored = reader_type._stored
    monkeypatch.setattr(reader_type, "_stored", lambda self, window: read.append(window) or stored(self, window))
    one.view(0, 0, 60, 60)
    kernel = one.session._kernel[1]
    piece = kernel.piece
    monkeypatch.setattr(kernel, "piece", lambda *parts: painted.append(sum(map(len, parts))) or piece(*parts))
    read.clear()
    one.view(2, 3, 60, 60)
    assert not read  # the tile that begins at 0, 0 holds 64 cells a side
    assert sum(painted) == 60 * 3 + 57 * 2
    painted.clear()
    one.view(2, 3, 60, 60)
    assert not painted


def test_a_view_that_memory_does_not_hold_is_thinned(make_raster, live, monkeypatch):
    truth, path = embedding(make_raster, 3, dtype="float32")
    one = live(path)
    one.teach(some_labels(truth, 30))
    whole = one.view()["layers"]
    monkeypatch.setattr(tiles, "HELD_BYTES", 12 * 4 * HEIGHT * WIDTH // 4)
    view = one.view()
    assert view["step"] == 2
    np.testing.assert_array_equal(view["layers"], whole[:, ::2, ::2])


def test_shares_and_confidence_are_counted(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    one.teach(some_labels(truth, 30))
    view = one.view()
    known = view["shown"] > 0
    for number, share in enumerate(view["shares"], 1):
        assert share == pytest.approx((view["shown"][known] == number).mean())
    assert len(view["shares"]) == len(NAMES)
    assert sum(view["confidence"]) == known.sum()
    top = (view["sure"][known].astype(float) - 1) / 254
    assert view["confidence"][-1] == (top >= 0.95).sum()
    assert set(view["ms"]) == {"read", "fit", "predict", "write"}


def test_the_answer_before_is_not_touched(make_raster, live):
    truth, path = embedding(make_raster, 3)
    one = live(path)
    one.teach(some_labels(truth, 30))
    first = one.view()
    second = one.view(5, 5, 50, 50)
    assert first["path"] != second["path"]
    again = np.fromfile(first["path"], np.uint8).reshape(2, HEIGHT, WIDTH)
    np.testing.assert_array_equal(again, first["layers"])
