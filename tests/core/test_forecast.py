"""What a run takes: remembered, foretold, told of parts of a raster, and measured without anything being kept."""

import json
import os
import threading
from dataclasses import asdict, replace

import geopandas
import numpy as np
import pytest
import shapely
from quadrat.core import forecast, meter, speeds
from quadrat.core.errors import BadInput, Cancelled
from quadrat.core.forecast import Asked, Shares, asked_of
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.fewshot import ApplyHead
from quadrat.core.pipelines import foretell
from quadrat.core.pipelines.registry import foretell_job, run_job
from quadrat.core.progress import Progress
from quadrat.core.speeds import Setting, Speed, find, remember
from quadrat.core.wording import duration, no_room
from quadrat.core.wording import forecast as sentence

pytestmark = pytest.mark.same_without_torch
SETTING = Setting("raw", "", "", 4, 4, 0, 0, "auto", "bytes", 0, "auto", 2, "here")
SPEED = Speed("CPU", 4, 4, 64, 8, True, build_s=1.0, settle_s=0.5, loop_s=10.0, stored_share=0.5, forward_share=0.5)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def job(make_raster, tmp_path):
    path = make_raster(height=300, width=400)
    return EmbedRaster.from_dict({"input": path, "output": str(tmp_path / "out.tif"), "backbone": "raw"})


def files_of(home):
    return list((home / speeds.FOLDER).glob("*"))


def test_a_run_is_remembered_and_the_next_one_foretold(job, home):
    assert foretell_job(job, Progress()) == {"known": False, "free": pytest.approx(1e9, abs=1e16)}
    facts = run_job(job, Progress()).facts
    told = foretell_job(job, Progress())
    assert told["known"] and told["cells"] == 300 * 400 and told["device"] == facts["device"]
    assert told["bytes"] == pytest.approx(facts["bytes"], rel=0.01)
    assert 0 < told["seconds"] < 60
    assert not foretell_job(replace(job, patch_size_px=8), Progress())["known"], "another speed"
    assert not foretell_job(replace(job, threads=7), Progress())["known"]
    half = foretell_job(replace(job, extent="600000,602000,8997000,9000000"), Progress())
    assert half["bytes"] == pytest.approx(told["bytes"] / 2, rel=0.01), "the extent decides the size, not the speed"


def test_a_run_that_was_stopped_or_goes_on_is_not_remembered(job, home, monkeypatch):
    stop = threading.Event()
    monkeypatch.setattr(meter.Meter, "settled", lambda *arguments: stop.set())
    with pytest.raises(Cancelled):
        run_job(job, Progress(cancelled=stop))
    assert not files_of(home)


def test_measuring_stops_early_and_keeps_the_speed_alone(job, home, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(foretell, "QUICK_S", 0.0)
    told = foretell_job(replace(job, tile_size_px=32), Progress(), measure=True)
    assert told["known"] and told["bytes"] > 1000
    assert {path.name for path in tmp_path.iterdir()} == {"home", "in.tif"}
    assert len(files_of(home)) == 1


def test_measuring_ends_when_the_user_says_so_and_tells_what_is_wrong(job, home, tmp_path):
    stop = threading.Event()
    progress = Progress(report=lambda *arguments: stop.set(), cancelled=stop)
    with pytest.raises(Cancelled):
        foretell_job(job, progress, measure=True)
    assert not files_of(home)
    with pytest.raises(BadInput, match="There is no file"):
        foretell_job(replace(job, input=str(tmp_path / "none.tif")), Progress(), measure=True)


def test_what_is_known_already_is_not_measured_again(job, monkeypatch):
    run_job(job, Progress())
    monkeypatch.setattr(foretell, "measured", None)
    assert foretell_job(job, Progress(), measure=True)["known"]


def test_a_job_that_nobody_foretells():
    with pytest.raises(Exception, match="cannot be told before"):
        foretell.run(ApplyHead(), Progress())


# The store ------------------------------------------------------------------------------------------------------


@pytest.fixture
def setting(job):
    return asked_of(job).setting


def test_the_newest_counts_most(setting):
    remember(setting, "tif", SPEED)
    remember(setting, "tif", replace(SPEED, loop_s=20.0, stored_share=None))
    found = find(setting, "tif")
    assert found.loop_s == pytest.approx(0.7 * 20 + 0.3 * 10) and found.stored_share == 0.5 and found.times == 2


def test_another_kind_of_file_will_do_only_where_the_backbone_is_slow(setting):
    remember(setting, "tif", SPEED)
    assert find(setting, "tif") and find(setting, "jp2") is None
    remember(setting, "tif", replace(SPEED, forward_share=0.99))
    remember(setting, "tif", replace(SPEED, forward_share=0.99))
    assert find(setting, "jp2") == find(setting, "tif")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"format": 1', '"format": 99'),
        lambda text: text.replace('"loop_s": 10.0', '"loop_s": -1'),
        lambda text: text.replace('"loop_s": 10.0', '"loop_s": "x"'),
        lambda text: text.replace('"patch_px": 4', '"patch_px": 0'),
        lambda text: text.replace('"loop_s"', '"lop_s"'),
        lambda text: "[" * 100_000,
    ],
)
def test_a_damaged_file_counts_as_nothing_known(setting, home, change):
    remember(setting, "tif", SPEED)
    (path,) = files_of(home)
    path.write_text(change(path.read_text()))
    assert find(setting, "tif") is None
    remember(setting, "tif", SPEED)
    assert find(setting, "tif") == SPEED, "and is written anew"


def test_without_a_folder_of_its_own_nothing_is_kept(setting, monkeypatch, home):
    monkeypatch.delenv("QUADRAT_HOME")
    remember(setting, "tif", SPEED)
    assert find(setting, "tif") is None
    home.write_text("a file where the folder should be")
    monkeypatch.setenv("QUADRAT_HOME", str(home))
    remember(setting, "tif", SPEED)
    assert find(setting, "tif") is None


def test_only_the_newest_settings_stay(setting, home, monkeypatch):
    monkeypatch.setattr(speeds, "MOST_FILES", 3)
    for bands in range(5):
        remember(replace(setting, bands=bands), "tif", SPEED)
        for path in files_of(home):
            os.utime(path, (path.stat().st_mtime - 10, path.stat().st_mtime - 10))
    assert {json.loads(path.read_text())["setting"]["bands"] for path in files_of(home)} == {2, 3, 4}
    assert asdict(setting)["bands"] == 3


# Reckoning ------------------------------------------------------------------------------------------------------


def _asked(height, width, shares=Shares()):  # noqa: B008 - frozen
    return Asked(SETTING, "", height, width, SPEED, shares)


def test_reckoning_by_hand(monkeypatch):
    """Tiles of 64 px with 8 px around them: 80 squared, at the edge 80 x 48; two rows of four."""
    found = forecast.forecast(EmbedRaster(), _asked(128, 224), SPEED)
    mpx = 160 * (3 * 80 + 48) / 1e6
    assert found.seconds == pytest.approx(1.5 + 10 * mpx) and found.start_s == 1.5
    assert found.bytes == 32 * 56 * 4 * 0.5 and found.cells == 32 * 56
    half = forecast.forecast(EmbedRaster(), _asked(128, 224, Shares(0.5, 0.25)), SPEED)
    assert half.seconds == pytest.approx(1.5 + 5 * mpx) and half.bytes == found.bytes / 4
    floats = forecast.forecast(EmbedRaster(storage="float32"), _asked(128, 224), SPEED)
    assert floats.bytes == 4 * found.bytes
    sampled = replace(SPEED, sample_s=100.0, sample_mpx=mpx / 4)
    assert forecast.forecast(EmbedRaster(), _asked(128, 224), sampled).seconds == pytest.approx(1.5 + 32.5 * mpx)
    blended = replace(SPEED, exact=False, halo_px=0)
    assert forecast.forecast(EmbedRaster(overlap_px=32), _asked(128, 224), blended).seconds == pytest.approx(
        1.5 + 10 * (3 * 6) * 64 * 64 / 1e6
    )


def test_building_takes_longer_where_libraries_must_be_loaded_first(monkeypatch):
    job, asked, speed = EmbedRaster(), _asked(128, 224), replace(SPEED, cold_s=9.0)
    warm = forecast.forecast(job, asked, speed)
    monkeypatch.setattr(forecast, "unloaded", lambda backbone: ["torch"])
    assert forecast.forecast(job, asked, speed).seconds == pytest.approx(warm.seconds + 8.0)
    assert forecast.forecast(job, asked, SPEED).seconds == warm.seconds, "the other one where it alone is known"


def test_polygons_and_holes_leave_tiles_out(job, make_raster, tmp_path):
    holes = np.zeros((512, 512), bool)
    holes[:, 256:] = True
    path = make_raster("holes.tif", height=512, width=512, holes=holes, missing="nodata")
    whole = replace(job, input=path, patch_size_px=1)
    remember(asked_of(whole).setting, asked_of(whole).reading, replace(SPEED, patch_px=1, halo_px=0))
    assert asked_of(whole).shares == Shares(pytest.approx(0.5, abs=0.1), pytest.approx(0.5, abs=0.1))
    mask = tmp_path / "mask.gpkg"
    corner = shapely.box(600_000, 9_000_000 - 1280, 600_000 + 1280, 9_000_000)
    geopandas.GeoDataFrame(geometry=[corner], crs="EPSG:32722").to_file(mask)
    shares = asked_of(replace(whole, mask=str(mask))).shares
    assert 4 / 64 <= shares.tiles <= 9 / 64, "those that touch the border of the polygon count too"
    assert shares.cells == pytest.approx(1 / 16, abs=0.02)


def test_the_sentences():
    assert sentence({"known": False}) == "Not yet measured on this computer."
    facts = {"known": True, "seconds": 230.0, "bytes": 210e6, "free": 100e6}
    assert sentence(facts) == "About 4 min and 210 MB on this computer."
    assert "room for 100 MB only" in no_room(facts)
    assert not no_room({**facts, "free": 1e12}) and not no_room({**facts, "free": None})
    assert sentence({**facts, "bytes": None}) == "About 4 min on this computer." and not no_room(
        {**facts, "bytes": None}
    )
    assert [duration(s) for s in (0.2, 89, 91, 3599, 7500)] == ["1 s", "89 s", "2 min", "1 h 00 min", "2 h 05 min"]
