"""The speed test: what runs, what cannot and why, cells of the user's raster; it stops when asked and keeps nothing."""

import threading
from pathlib import Path

import pytest
import rasterio
from quadrat.core import speeds
from quadrat.core.errors import BadJob, Cancelled
from quadrat.core.forecast import Asked, Shares
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.engine import EACH, SpeedTest
from quadrat.core.pipelines import speedtest
from quadrat.core.pipelines.registry import run_job
from quadrat.core.pipelines.speedtest import make_raster, reckon, why_not
from quadrat.core.progress import Progress
from quadrat.core.speeds import Setting, Speed
from quadrat.models.registry import BACKBONES

SETTING = Setting("raw", "", "", 4, 4, 0, 0, "auto", "bytes", 0, "auto", 2, "here")
SPEED = Speed("CPU", 4, 4, 256, 0, True, build_s=2.0, settle_s=0.5, loop_s=10.0, stored_share=0.5)
QUICK = {"side_px": 128, "seconds": 1}


def test_it_embeds_and_says_how_fast():
    said = []
    job = SpeedTest.from_dict({"backbone": "raw", "columns": 100, "rows": 100, "bands": 3, **QUICK})
    result = run_job(job, Progress(log=lambda level, text: said.append(text)))
    facts = result.facts
    assert facts["cells_per_second"] > 1000
    assert facts["patch_size_px"] == 1, "ten thousand pixels get one cell each"
    assert facts["sentence"] in said
    assert "100 x 100 px" in facts["sentence"]
    assert result.outputs == {}


def test_cells_are_those_of_the_users_raster():
    job = SpeedTest.from_dict({"backbone": "raw", "columns": 9000, "rows": 9000, "bands": 2, **QUICK})
    facts = run_job(job, Progress()).facts
    assert facts["patch_size_px"] == 4, "81 million pixels get one cell for 4 x 4"


def test_each_that_can_run_is_measured_and_the_others_are_listed(monkeypatch, tmp_path, make_raster):
    """On a raster of the user; of the page the bars are as long as the times."""
    cards = {name: BACKBONES[name] for name in ("raw", "colour-texture", "timm", "croma-base", "onnx")}
    monkeypatch.setattr(speedtest.registry, "BACKBONES", cards)
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    page = tmp_path / "page.html"
    job = SpeedTest.from_dict({"input": make_raster("mine.tif", count=5), "seconds": 1, "output": str(page)})
    facts = run_job(job, Progress()).facts
    assert [one["backbone"] for one in facts["backbones"]] == ["raw"]
    why = {one["name"]: one["why"] for one in facts["others"]}
    assert set(why) == {"colour-texture", "timm", "croma-base", "onnx"}
    assert why["timm"].startswith("Needs a model")
    assert "red" in why["colour-texture"], "as the embedding itself would say"
    text = page.read_text(encoding="utf-8")
    assert "mine.tif" in text and "<rect" in text and cards["timm"].title in text
    assert len(list((tmp_path / speeds.FOLDER).iterdir())) == 1, "what was measured is remembered"


def test_why_one_cannot_run(monkeypatch, tmp_path):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    monkeypatch.setattr(speedtest.importlib.util, "find_spec", lambda name: None)
    assert why_not(BACKBONES["croma-base"]) == "Needs the full engine."
    monkeypatch.setattr(speedtest.importlib.util, "find_spec", lambda name: name)
    assert why_not(BACKBONES["croma-base"]) == "Its weights are not on this computer."
    assert why_not(BACKBONES["mosaiks"]) == ""


def _reckoned(columns, rows):
    job = SpeedTest(backbone="raw", columns=columns, rows=rows)
    return reckon(job, EmbedRaster(), Asked(SETTING, "", rows, columns, SPEED, Shares()), SPEED)


def test_reckoning_by_hand():
    told = _reckoned(512, 256)
    working = 512 * 256 / 1e6 * 10.0
    assert told["seconds_estimated"] == pytest.approx(2.5 + working, abs=0.05)
    assert told["cells_per_second"] == pytest.approx(128 * 64 / working, abs=0.1)
    assert told["megapixels_per_second"] == pytest.approx(0.1)
    assert told["bytes_estimated"] == 128 * 64 * 4 / 2
    assert "4 s" in told["sentence"]


def test_long_times_are_told_in_hours():
    assert "444 h 27 min" in _reckoned(400_000, 400_000)["sentence"]


def test_the_made_raster_is_as_asked_and_repeats_itself(tmp_path):
    job = SpeedTest(backbone="raw", side_px=300, bands=5)
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
    assert list(Path(tmp_path).iterdir()) == []


def test_a_model_is_asked_for_and_belongs_to_one_backbone():
    with pytest.raises(BadJob, match="needs a model"):
        SpeedTest.from_dict({"backbone": "timm"})
    with pytest.raises(BadJob, match="Choose the backbone"):
        SpeedTest.from_dict({"backbone": EACH, "model": "vit"})


def test_a_network_for_certain_bands_gets_as_many(monkeypatch, tmp_path):
    """Weights are small and random, in the official layout."""
    torch = pytest.importorskip("torch")
    from quadrat.models.definitions import croma
    from quadrat.tests.models import test_croma

    monkeypatch.setitem(croma.SIZES, "base", test_croma.TINY["base"])
    torch.save(test_croma.official(), tmp_path / "CROMA_base.pt")
    options = {"backbone": "croma-base", "weights": str(tmp_path / "CROMA_base.pt"), **QUICK}
    for bands in (2, 12):
        facts = run_job(SpeedTest(bands=bands, **options), Progress()).facts
        assert facts["patch_size_px"] == 8 and facts["cells_per_second"] > 0
