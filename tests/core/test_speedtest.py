"""The speed test: it does real work, reckons with the cells of the user's raster, and stops when asked."""

import threading

import pytest
import rasterio
from quadrat.core.errors import BadJob, Cancelled
from quadrat.core.jobs.engine import SpeedTest
from quadrat.core.pipelines.registry import run_job
from quadrat.core.pipelines.speedtest import make_raster, reckon
from quadrat.core.progress import Progress

FACTS = {
    "backbone": "raw", "device": "CPU", "dimensions": 4, "patch_size_px": 4, "width": 100, "height": 50,
    "bytes": 20_000, "seconds": {"backbone": 2.0, "sample": 0.5, "embedding": 1.5, "file": 0.5},
}  # fmt: skip


def test_it_embeds_and_says_how_fast(tmp_path):
    said = []
    job = SpeedTest.from_dict({"backbone": "raw", "side_px": 128, "columns": 100, "rows": 100, "bands": 3})
    result = run_job(job, Progress(log=lambda level, text: said.append(text)))
    facts = result.facts
    assert facts["cells_per_second"] > 1000
    assert facts["patch_size_px"] == 1, "ten thousand pixels get one cell each"
    assert facts["sentence"] == said[-1]
    assert "100 x 100 px" in facts["sentence"]
    assert result.outputs == {}


def test_cells_are_those_of_the_users_raster():
    job = SpeedTest.from_dict({"backbone": "mosaiks", "side_px": 128, "columns": 9000, "rows": 9000, "bands": 2})
    facts = run_job(job, Progress()).facts
    assert facts["patch_size_px"] == 4, "81 million pixels get one cell for 4 x 4"


def test_reckoning_by_hand():
    told = reckon(SpeedTest(columns=401, rows=400), FACTS)
    assert told["cells_per_second"] == 2000
    assert told["seconds_estimated"] == pytest.approx(2.0 + 101 * 100 / 2000, abs=0.05)
    assert told["bytes_estimated"] == 101 * 100 * 4
    assert "7 s" in told["sentence"]


def test_long_times_are_told_in_hours():
    told = reckon(SpeedTest(columns=400_000, rows=400_000), FACTS)
    assert "1,388 h 53 min and 40.0 GB" in told["sentence"]


def test_the_made_raster_is_as_asked_and_repeats_itself(tmp_path):
    job = SpeedTest(side_px=300, bands=5)
    for name in "ab":
        make_raster(tmp_path / f"{name}.tif", job, Progress())
    with rasterio.open(tmp_path / "a.tif") as first, rasterio.open(tmp_path / "b.tif") as second:
        assert (first.count, first.width, first.height) == (5, 300, 300)
        assert (first.read() == second.read()).all()
        assert first.read(1).std() > 10


def test_cancel_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        run_job(SpeedTest(), Progress(cancelled=stop))
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_asked_for():
    with pytest.raises(BadJob, match="needs a model"):
        SpeedTest.from_dict({"backbone": "timm"})


def test_a_network_for_certain_bands_gets_as_many(monkeypatch, tmp_path):
    """Weights are small and random, in the official layout."""
    torch = pytest.importorskip("torch")
    from quadrat.models.definitions import croma
    from quadrat.tests.models import test_croma

    monkeypatch.setitem(croma.SIZES, "base", test_croma.TINY["base"])
    torch.save(test_croma.official(), tmp_path / "CROMA_base.pt")
    options = {"backbone": "croma-base", "weights": str(tmp_path / "CROMA_base.pt"), "side_px": 128}
    for bands in (2, 5, 12):
        facts = run_job(SpeedTest(bands=bands, **options), Progress()).facts
        assert facts["patch_size_px"] == 8 and facts["cells_per_second"] > 0
