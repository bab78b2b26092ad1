import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from types import SimpleNamespace

import dask
import numpy as np
import psutil
import pytest
from quadrat.core.cluster import hub, spread
from quadrat.core.cluster.errand import sign_path
from quadrat.core.cluster.spread import ROOT, Hand, Spread
from quadrat.core.errors import BadInput, BadJob, Cancelled, QuadratError, WorkerDied
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.spool import journal_path, part_path

pytestmark = pytest.mark.same_without_torch

TILES = {"backbone": "tilenet", "patch_size_px": 0, "batch_size": 3}


class Watcher(Progress):
    """Does something once, as soon as some of the blocks are written."""

    def __init__(self, do, share=0.3):
        self.event, self.log, self.at = threading.Event(), [], None
        self.do, self.wanted = do, share
        super().__init__(self.report, lambda level, text: self.log.append(text), self.event)

    def report(self, fraction, remaining_s, text):
        if fraction > self.wanted and self.at is None:
            self.at = time.monotonic()
            self.do(self)


@pytest.fixture
def scene(make_raster):
    holes = np.zeros((300, 420), bool)
    holes[40:200, 100:330] = True
    return make_raster(height=300, width=420, missing="nodata", holes=holes)


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def at_home(scene, go, kept):
    """Values and validity of the job with tiles as a run at home makes them, once for all tests."""
    if not kept:
        _, kept["values"], kept["valid"], _ = go(scene, "home.tif", scheduler="", **TILES)
    return kept["values"], kept["valid"]


@pytest.mark.parametrize(
    ("what", "store"),
    [
        ({**TILES, "storage": "bytes"}, False),
        ({**TILES, "storage": "float32"}, True),
        ({"backbone": "localnet", "patch_size_px": 4, "storage": "bytes"}, False),
    ],
    ids=["tiles", "tiles through a store", "exact"],
)
def test_pixels_are_those_of_a_run_at_home(scene, go, tmp_path, what, store):
    facts, values, valid, _ = go(scene, "home.tif", scheduler="", **what)
    shelf = {"store": str(tmp_path / "shelf")} if store else {}
    theirs, their_values, their_valid, log = go(scene, "spread.tif", **what, **shelf)
    assert (their_valid == valid).all() and (their_values == values).all(), log
    same = ("cells_with_vector", "signature", "tiles", "identity", "picture")
    assert {key: theirs[key] for key in same} == {key: facts[key] for key in same}
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["home.tif", "home.tif.quadrat.json", "in.tif", "spread.tif", "spread.tif.quadrat.json"]


def test_a_worker_that_dies_costs_only_its_piece(scene, go, machine, at_home, pace):
    pace.write_text("0.05")
    pid = machine.whole()[0]
    watcher = Watcher(lambda self: (os.kill(pid, signal.SIGKILL), pace.write_text("0")))
    _, values, valid, _ = go(scene, "spread.tif", watcher, **TILES)
    assert any("is gone" in text for text in watcher.log)
    assert (values == at_home[0]).all() and (valid == at_home[1]).all()


def test_cancelled_at_once_and_taken_up_at_home_and_back(scene, go, machine, at_home, pace, tmp_path):
    pace.write_text("0.1")
    watcher = Watcher(lambda self: self.event.set())
    with pytest.raises(Cancelled):
        go(scene, "b.tif", watcher, **TILES)
    assert time.monotonic() - watcher.at < 1.0
    until = time.monotonic() + 15
    while any(machine.on_workers("busy").values()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(machine.on_workers("busy").values())
    assert set(machine.on_workers("held").values()) == {(0, 0, 0)}
    assert part_path(tmp_path / "b.tif").exists() and not sign_path(str(tmp_path / "b.tif")).exists()
    half = Watcher(lambda self: self.event.set(), 0.6)
    with pytest.raises(Cancelled):
        go(scene, "b.tif", half, scheduler="", **TILES)
    pace.write_text("0")
    _, values, _, log = go(scene, "b.tif", **TILES)
    assert "Going on with an earlier run" in log
    assert (values == at_home[0]).all()


def test_a_network_that_fails_is_tried_elsewhere_and_then_told(scene, go, pace):
    pace.write_text("0.05")
    with pytest.raises(WorkerDied, match=r"failed 3 times.*RuntimeError: the network fell over"):
        go(scene, "spread.tif", Watcher(lambda self: pace.write_text("fail")), **TILES)


def test_a_folder_that_workers_do_not_see(scene, go, tmp_path, monkeypatch):
    monkeypatch.setattr(spread, "sign_path", lambda output: tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=r"^Worker \d+ cannot help: the folder .* is not the one.*same path"):
        go(scene, "spread.tif", **TILES)


def test_a_worker_of_another_version(scene, go, monkeypatch):
    monkeypatch.setattr(spread, "libraries", lambda names: {"quadrat": "0.0.1", "numpy": np.__version__})
    with pytest.raises(QuadratError, match=r"Worker \d+ cannot help: it has other versions.*wanted: 0\.0\.1"):
        go(scene, "spread.tif", **TILES)


def test_an_input_that_workers_do_not_see(scene, go, monkeypatch, tmp_path):
    """The raster goes away after the driver has looked at it."""
    real = spread.Errand

    def moved(run, job, space, scene, *rest):
        return real(run, job, space, type(scene)(**{**vars(scene), "input": str(tmp_path / "gone.tif")}), *rest)

    monkeypatch.setattr(spread, "Errand", moved)
    with pytest.raises(BadInput, match=r"Worker \d+ cannot help: There is no file .*gone\.tif"):
        go(scene, "spread.tif", **TILES)


def test_no_scheduler_where_one_is_named(scene, go, monkeypatch):
    monkeypatch.setattr(hub, "CONNECT_S", 0.5)
    with pytest.raises(BadInput, match=r"No scheduler of Dask answers at tcp://127\.0\.0\.1:9"):
        go(scene, "spread.tif", scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize("scheduler", ["local", "local:0", "host:8786", "tcp://host", "2"])
def test_what_names_no_scheduler(scene, tmp_path, scheduler):
    with pytest.raises(BadJob, match="names no scheduler"):
        run_job(EmbedRaster(input=scene, output=str(tmp_path / "o.tif"), scheduler=scheduler), Progress())
    with pytest.raises(BadJob, match="A store is for work with a scheduler"):
        run_job(EmbedRaster(input=scene, output=str(tmp_path / "o.tif"), store="s3://b"), Progress())


def test_scheduler_gone_keeps_what_is_written(scene, go, at_home, pace, tmp_path):
    from distributed import LocalCluster

    pace.write_text("0.1")
    options = {"n_workers": 1, "processes": False, "dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), LocalCluster(**options) as cluster:
        end = lambda self: cluster.sync(cluster.scheduler.close)  # noqa: E731
        with pytest.raises(WorkerDied, match=r"does not answer any more\. What was finished is kept"):
            go(scene, "spread.tif", Watcher(end), scheduler=cluster.scheduler_address, **TILES)
    assert journal_path(tmp_path / "spread.tif").read_bytes().count(b"\n") > 1
    pace.write_text("0")
    _, values, _, log = go(scene, "spread.tif", scheduler="", **TILES)
    assert "Going on" in log
    assert (values == at_home[0]).all()


def test_killed_with_workers_of_its_own(make_raster, tmp_path):
    """None of its processes outlives it, and the same job goes on at home."""
    path = make_raster(height=900, width=900)
    job = ["--input", path, "--backbone", "raw", "--patch-size-px", "1", "--threads", "2"]
    output = tmp_path / "o.tif"
    command = [
        sys.executable,
        str(ROOT / "__main__.py"),
        "embed",
        *job,
        "--output",
        str(output),
        "--scheduler",
        "local:2",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as driver:
        until = time.monotonic() + 60
        while not sign_path(str(output)).exists() and driver.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        children = [child.pid for child in psutil.Process(driver.pid).children(recursive=True)]
        time.sleep(0.5)
        driver.kill()
    assert len(children) >= 2
    until = time.monotonic() + 10
    while any(map(psutil.pid_exists, children)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(psutil.pid_exists, children))
    fields = {"input": path, "backbone": "raw", "patch_size_px": 1, "threads": 2}
    values = []
    for name in ("o.tif", "home.tif"):
        run_job(EmbedRaster(output=str(tmp_path / name), **fields), Progress())
        with open_raster(str(tmp_path / name)) as reader:
            values.append(reader.read(reader.grid.whole)[0])
    assert (values[0] == values[1]).all()
    assert not sign_path(str(output)).exists()


def test_the_last_pieces_are_kept_for_who_is_free_first(monkeypatch):
    """One worker loads its libraries longer: it gets its share nonetheless."""
    given = []
    run = Spread.__new__(Spread)  # its bookkeeping alone
    run._hands = {name: Hand(name, ready=name != "slow") for name in ("quick", "slow")}
    run._todo, run._tries = deque(range(2)), dict.fromkeys(range(2), 0)
    monkeypatch.setattr(run, "_submit", lambda address, what, key, number: given.append((address, number)))
    monkeypatch.setattr(run, "_when_done", lambda future, then: None)
    run._errand = SimpleNamespace(run="x")
    run._hand_out()
    assert given == [("quick", 0)]
    run._hands["slow"].ready = True
    run._hand_out()
    assert given == [("quick", 0), ("slow", 1)]
    run._todo.extend(range(4, 9))
    run._tries |= dict.fromkeys(range(4, 9), 0)
    run._hand_out()
    assert given[2:] == [("quick", 4), ("slow", 5)], "with much to do each has a second one waiting"
