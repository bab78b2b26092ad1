"""The door for the plugin's own windows: signals, cancel, refusals, and nothing left running."""

import os

import pytest
from quadrat.core.errors import BadJob
from quadrat.processing.runner import Run, cancel_all, running


def record(run):
    said, ends = [], []
    run.said.connect(lambda level, text: said.append((level, text)))
    run.finished.connect(lambda ok, results, why: ends.append((ok, results, why)))
    return said, ends


def test_a_run_tells_what_it_does_and_ends(provider, make_raster, qtbot, tmp_path):
    output = str(tmp_path / "a.tif")
    run = Run("quadrat:embedraster", {"INPUT": make_raster(), "BACKBONE": "raw", "OUTPUT": output})
    percents = []
    run.progressed.connect(percents.append)
    said, ends = record(run)
    run.start()
    assert running() == 1
    qtbot.waitUntil(lambda: bool(ends), timeout=30_000)
    assert ends == [(True, {"OUTPUT": output}, "")]
    assert os.path.isfile(output)
    assert percents[-1] == 100
    assert any('"job": "embedraster"' in text for _, text in said)
    assert running() == 0


def test_a_run_need_not_be_held_by_its_caller(provider, make_raster, qtbot, tmp_path):
    ends = []

    def begin():
        run = Run("quadrat:embedraster", {"INPUT": make_raster(), "BACKBONE": "raw", "OUTPUT": str(tmp_path / "a.tif")})
        run.finished.connect(lambda ok, results, why: ends.append(ok))
        run.start()

    begin()
    qtbot.waitUntil(lambda: bool(ends), timeout=30_000)
    assert ends == [True]


def test_wrong_parameters_and_ids_are_refused_before_anything_starts(provider, tmp_path):
    with pytest.raises(BadJob, match="needs a value for: Raster"):
        Run("quadrat:embedraster", {"OUTPUT": str(tmp_path / "a.tif")}).start()
    with pytest.raises(BadJob, match="no algorithm 'quadrat:embedrastr'"):
        Run("quadrat:embedrastr", {})
    assert running() == 0


def test_failure_brings_the_sentence(provider, make_raster, qtbot, tmp_path):
    model = tmp_path / "broken.onnx"
    model.write_text("no network")
    values = {"INPUT": make_raster(), "BACKBONE": "onnx", "MODEL": str(model), "OUTPUT": str(tmp_path / "a.tif")}
    run = Run("quadrat:embedraster", values)
    _, ends = record(run)
    run.start()
    qtbot.waitUntil(lambda: bool(ends), timeout=30_000)
    ok, _, why = ends[0]
    assert not ok
    assert "broken.onnx" in why
    assert "Traceback" not in why


def test_cancel(provider, long_raster, qtbot, tmp_path):
    run = Run("quadrat:embedraster", {"INPUT": long_raster, "OUTPUT": str(tmp_path / "a.tif")})
    _, ends = record(run)
    with qtbot.waitSignal(run.stepped, timeout=20_000):
        run.start()
    cancel_all()
    assert run.cancelled
    qtbot.waitUntil(lambda: bool(ends), timeout=3_000)
    assert not ends[0][0]
    assert running() == 0
