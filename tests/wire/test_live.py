"""The live loop with the real worker process: taught, looked at, cancelled, killed, and told again."""

import os
import signal
import threading
import time

import numpy as np
import pytest
import rasterio
import shapely
from quadrat.core import protocol
from quadrat.core.errors import BadJob, Cancelled, WorkerDied
from quadrat.core.live.messages import At, Close, Label, Next, Open, Scatter, Score, Teach, View
from quadrat.processing.client import Worker
from quadrat.processing.environment import find_engine

pytestmark = pytest.mark.same_without_torch
NAMES = ("east", "west")


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    """Codes of 16 bands, 1500 x 2000 cells, in whose first bands one half differs from the other."""
    path = tmp_path_factory.mktemp("live") / "einbettung 場.tif"
    codes = np.tile(np.random.default_rng(0).integers(90, 110, (16, 500, 500), dtype=np.uint8), (1, 3, 4))
    codes[:4, :, 1000:] += 100
    profile = {"driver": "GTiff", "width": 2000, "height": 1500, "count": 16, "dtype": "uint8", "tiled": True}
    transform = rasterio.Affine(10, 0, 500_000, 0, -10, 5_400_000)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, nodata=0, compress="zstd", **profile) as file:
        file.write(codes)
    return str(path)


@pytest.fixture(scope="module")
def workers():
    """Those that were started; the libraries of the live loop take longer than all that is asked here."""
    made = []
    yield made
    for one in made:
        one.kill()


@pytest.fixture
def worker(workers):
    """The one that lives, or another when a test killed it."""
    if not workers or not workers[-1].alive:
        workers.append(Worker(find_engine()))
    return workers[-1]


def ask(worker, question, **options):
    return worker.call(question.METHOD, question.to_dict(), **options)


def labels():
    """Ten points in each half, as they go over the wire."""
    rng = np.random.default_rng(1)
    made = []
    for number in range(20):
        row, col = rng.integers(0, 1500), rng.integers(0, 1000) + 1000 * (number % 2)
        shape = shapely.Point(500_005 + 10 * col, 5_399_995 - 10 * row)
        made.append(Label(number, shape.wkb_hex, NAMES[1 - number % 2]).to_dict())
    return tuple(made)


def start(worker, embedding, folder):
    opened = ask(worker, Open(embedding, str(folder)))
    taught = ask(worker, Teach(labels(), classes=NAMES))
    return opened, taught


def test_a_map_is_taught(worker, embedding, tmp_path):
    opened, taught = start(worker, embedding, tmp_path / "live é")
    assert (opened["height"], opened["width"], opened["coded"]) == (1500, 2000, True)
    assert taught["of_class"] == {"east": 10, "west": 10}
    painted = ask(worker, View(600, 900, 200, 200))
    shown = np.fromfile(painted["path"], np.uint8, 2 * 200 * 200).reshape(2, 200, 200)[0]
    assert ((shown == 1) == (np.arange(200) >= 100)).mean() > 0.95
    known = ask(worker, At(700, 1500))
    assert known["probabilities"][0] > 0.5
    assert len(known["nearest"]) == 3
    assert ask(worker, Next())["places"]
    assert ask(worker, Score())["score"] > 0.8
    assert len(ask(worker, Scatter())["x"]) > 100
    assert ask(worker, Close()) == {}
    with pytest.raises(BadJob, match="No embedding is open"):
        ask(worker, View(0, 0, 5, 5))


def test_errors_are_sentences_and_leave_the_session_as_it_is(worker, embedding, tmp_path):
    start(worker, embedding, tmp_path)
    with pytest.raises(BadJob, match="knows no 'zoom'"):
        worker.call(View.METHOD, {"zoom": 1})
    with pytest.raises(BadJob, match="not whole"):
        worker.call(View.METHOD, {"row": 1})
    with pytest.raises(BadJob, match="no strategy"):
        ask(worker, Next(strategy="best"))
    assert ask(worker, View(0, 0, 10, 10))["path"]


def test_a_cancel_stops_a_view_within_a_second_and_the_next_answers(worker, embedding, tmp_path):
    start(worker, embedding, tmp_path)
    ask(worker, View(0, 0, 10, 10))
    begun, stop = threading.Event(), []

    def is_cancelled():
        if begun.is_set() and not stop:
            stop.append(time.monotonic())
        return bool(stop)

    with pytest.raises(Cancelled):
        ask(worker, View(0, 0, 1500, 2000, step=2), on_progress=lambda *_: begun.set(), is_cancelled=is_cancelled)
    assert time.monotonic() - stop[0] < 1.5
    assert ask(worker, View(0, 0, 10, 10))["path"]


def test_ping_is_answered_while_a_view_is_made(worker, embedding, tmp_path):
    start(worker, embedding, tmp_path)
    view = View(0, 0, 1500, 2000, step=2)
    worker._send(protocol.request(900, View.METHOD, view.to_dict()))
    started = time.monotonic()
    worker.call(protocol.PING, timeout_s=5)
    assert time.monotonic() - started < 1
    worker._send(protocol.notification(protocol.CANCEL, {"id": 900}))


def test_a_killed_worker_is_replaced_and_told_again(worker, workers, embedding, tmp_path):
    start(worker, embedding, tmp_path)
    before = ask(worker, View(600, 900, 200, 200))
    expected = np.fromfile(before["path"], np.uint8, 80_000)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        ask(worker, View(0, 0, 10, 10))
    workers.append(Worker(find_engine()))
    start(workers[-1], embedding, tmp_path)
    again = ask(workers[-1], View(600, 900, 200, 200))
    np.testing.assert_array_equal(np.fromfile(again["path"], np.uint8, 80_000), expected)


def test_the_first_answer_of_a_worker_does_not_wait_for_the_live_loop():
    """No library of heads or rasters is loaded before it is asked for."""
    code = (
        "import sys; sys.path.insert(0, {!r}); import conftest; import quadrat.core.worker.server; print(*sys.modules)"
    )
    import subprocess
    import sys
    from pathlib import Path

    root = str(Path(__file__).resolve().parents[2])
    found = subprocess.run([sys.executable, "-c", code.format(root)], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    assert not loaded & {"numpy", "sklearn", "rasterio", "onnxruntime", "torch"}
