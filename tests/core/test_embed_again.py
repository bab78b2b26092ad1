import hashlib
import json
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import rasterio
from quadrat.core import embedding, spool, tiling
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale
from quadrat.core.pipelines import embedraster
from quadrat.core.progress import Progress
from quadrat.tests.core import nets

ROOT = Path(__file__).parents[2]


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


# ---- the same again


@pytest.mark.parametrize("backbone", ["localnet", "tilenet"])
@pytest.mark.parametrize("storage", ["bytes", "float32"])
def test_same_job_same_bytes(make_raster, embed, backbone, storage):
    path = make_raster(height=70, width=70)
    first = embed(path, "a.tif", backbone=backbone, storage=storage)
    second = embed(path, "b.tif", backbone=backbone, storage=storage)
    assert digest(first.path) == digest(second.path)


def test_asked_again_it_is_not_made_again(make_raster, embed):
    path = make_raster()
    first = embed(path)
    stamp = Path(first.path).stat().st_mtime_ns
    again = embed(path)
    assert "up to date" in again.text
    assert Path(first.path).stat().st_mtime_ns == stamp
    assert again.facts["identity"] == first.facts["identity"]
    changed = embed(path, patch_size_px=5)
    assert "up to date" not in changed.text
    make_raster(seed=9)
    assert "up to date" not in embed(path, patch_size_px=5).text


def test_a_cut_output_is_made_again(make_raster, embed):
    path = make_raster()
    first = embed(path)
    content = Path(first.path).read_bytes()
    Path(first.path).write_bytes(content[:-100])
    assert "up to date" not in embed(path).text
    assert Path(first.path).read_bytes() == content


class Stopper(Progress):
    """Cancels at the n-th checkpoint of the loop."""

    def __init__(self, after):
        self.event = threading.Event()
        super().__init__(cancelled=self.event)
        self.left = after

    def part(self, low, high):
        part = super().part(low, high)
        if low == 0.05:
            check = part.checkpoint

            def counted(*args):
                self.left -= 1
                if self.left < 0:
                    self.event.set()
                check(*args)

            part.checkpoint = counted
        return part


@pytest.mark.parametrize("backbone", ["localnet", "tilenet"])
def test_cancelled_and_asked_again(make_raster, embed, monkeypatch, tmp_path, backbone):
    monkeypatch.setattr(tiling, "BLOCK_BYTES", 150)
    monkeypatch.setattr(embedding, "SAMPLE_TILES", 3)
    options = {"backbone": backbone, "patch_size_px": 4, "batch_size": 2, "overlap_px": 8}
    path = make_raster(height=160, width=140)
    undisturbed = embed(path, "a.tif", **options)
    for after in (1, 6, 14):
        name = f"b{after}.tif"
        with pytest.raises(Cancelled):
            embed(path, name, progress=Stopper(after), **options)
        assert not (tmp_path / name).exists()
        assert spool.part_path(tmp_path / name).exists()
        resumed = embed(path, name, **options)
        assert "Going on" in resumed.text
        assert digest(resumed.path) == digest(undisturbed.path)
        assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(name)) == [name, f"{name}.quadrat.json"]


def test_a_batch_that_was_found_is_kept(make_raster, embed, monkeypatch, tmp_path):
    monkeypatch.setattr(tiling, "BLOCK_BYTES", 150)
    monkeypatch.setattr(embedding, "SAMPLE_TILES", 3)
    options = {"backbone": "tilenet", "overlap_px": 8}
    path = make_raster(height=160, width=140)
    sizes, seen = iter([3, 3, 7]), []
    monkeypatch.setattr(embedraster, "batch_for", lambda *args: next(sizes))
    whole = nets.TileNet.__call__
    monkeypatch.setattr(nets.TileNet, "__call__", lambda self, v, m: (seen.append(len(v)), whole(self, v, m))[1])
    undisturbed = embed(path, "a.tif", **options)
    with pytest.raises(Cancelled):
        embed(path, "b.tif", progress=Stopper(6), **options)
    seen.clear()
    resumed = embed(path, "b.tif", **options)
    assert max(seen) == 3
    assert digest(resumed.path) == digest(undisturbed.path)
    # Another raster may like another batch, though in the same space.
    other = make_raster("other.tif", height=160, width=140, seed=2)
    embed(other, "c.tif", like=resumed.path, backbone="spectral-textural", overlap_px=8)
    assert max(seen) == 7


def test_other_weights_start_anew(make_raster, embed, monkeypatch):
    monkeypatch.setattr(tiling, "BLOCK_BYTES", 150)
    monkeypatch.setattr(embedding, "SAMPLE_TILES", 3)
    path = make_raster(height=160, width=140)
    with pytest.raises(Cancelled):
        embed(path, progress=Stopper(20), batch_size=2, patch_size_px=2)
    monkeypatch.setattr(nets, "build_local", nets.build_greedy)
    again = embed(path, batch_size=2, patch_size_px=2)
    assert "starting anew" in again.text
    assert again.valid.all()


def test_resuming_skips_what_is_done(make_raster, embed, monkeypatch):
    monkeypatch.setattr(tiling, "BLOCK_BYTES", 150)
    monkeypatch.setattr(embedding, "SAMPLE_TILES", 1)
    path = make_raster(height=208, width=200)
    made = []
    original = nets.LocalNet.__call__
    monkeypatch.setattr(nets.LocalNet, "__call__", lambda self, *a: made.append(len(a[0])) or original(self, *a))
    with pytest.raises(Cancelled):
        embed(path, progress=Stopper(78), patch_size_px=2, batch_size=1)
    before, made[:] = sum(made), []
    total = embed(path, patch_size_px=2, batch_size=1).facts["tiles"]
    assert before > 50
    assert sum(made) < total - 40


# ---- one space for several rasters


@pytest.mark.parametrize("dimensions", [0, 2])
def test_like_gives_the_same_space(make_raster, embed, dimensions):
    a, b = make_raster("a.tif"), make_raster("b.tif", seed=4)
    first = embed(a, "ea.tif", dimensions=dimensions)
    second = embed(b, "eb.tif", like=first.path)
    assert second.facts["identity"] == first.facts["identity"]
    assert second.facts["picture"] == first.facts["picture"]
    with rasterio.open(first.path) as one, rasterio.open(second.path) as two:
        assert (one.scales, one.offsets) == (two.scales, two.offsets)
        assert one.tags(ns="QUADRAT")["identity"] == two.tags(ns="QUADRAT")["identity"]
    same = embed(a, "ea2.tif", like=first.path)
    assert (same.values == first.values).all()


def test_like_refuses_contradictions(make_raster, embed, tmp_path):
    a = make_raster("a.tif")
    first = embed(a, "ea.tif", patch_size_px=2)
    for field, value, words in (
        ("backbone", "tilenet", "Backbone is tilenet"), ("patch_size_px", 5, "Pixels to a cell is 5"),
        ("dimensions", 2, "Dimensions is 2"), ("scaling", "none", "Scaling of the bands is none"),
    ):  # fmt: skip
        options = {"backbone": "spectral-textural", "like": first.path, field: value}
        with pytest.raises(BadJob, match=words):
            embed(a, **options)
    with pytest.raises(BadInput, match="3 bands, but 2"):
        embed(a, like=first.path, bands=(1, 2), backbone="spectral-textural")
    with pytest.raises(BadInput, match=r"has no file .*quadrat\.json"):
        embed(a, like=a)
    sidecar = Path(first.path + ".quadrat.json")
    content = json.loads(sidecar.read_text())
    content["facts"]["signature"] = "0"
    sidecar.write_text(json.dumps(content))
    with pytest.raises(Stale, match="do not belong together"):
        embed(a, like=first.path)


def test_like_with_other_weights_is_stale(make_raster, embed, monkeypatch):
    a = make_raster("a.tif")
    first = embed(a, "ea.tif")
    monkeypatch.setattr(nets, "build_local", nets.build_greedy)
    with pytest.raises(Stale, match="not the one"):
        embed(a, "eb.tif", like=first.path)


KILLED = """
    import sys, time
    sys.path.insert(0, sys.argv[3])
    import conftest, pytest
    from quadrat.core import embedding, tiling
    from quadrat.core.jobs.embed import EmbedRaster
    from quadrat.core.pipelines.embedraster import run
    from quadrat.core.progress import Progress
    from quadrat.tests.core import nets
    nets.install(pytest.MonkeyPatch())
    tiling.BLOCK_BYTES, embedding.SAMPLE_TILES = 150, 3
    whole = nets.TileNet.__call__
    nets.TileNet.__call__ = lambda self, *a: (time.sleep(0.03), whole(self, *a))[1]
    run(EmbedRaster(input=sys.argv[1], output=sys.argv[2], backbone="tilenet", batch_size=2, overlap_px=8), Progress())
"""


def test_killed_and_asked_again(make_raster, embed, monkeypatch, tmp_path):
    monkeypatch.setattr(tiling, "BLOCK_BYTES", 150)
    monkeypatch.setattr(embedding, "SAMPLE_TILES", 3)
    path, output = make_raster(height=200, width=190), tmp_path / "b.tif"
    undisturbed = embed(path, "a.tif", backbone="tilenet", batch_size=2)
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), path, output, ROOT])
    journal = spool.journal_path(output)
    while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert not output.exists()
    resumed = embed(path, "b.tif", backbone="tilenet", batch_size=2)
    assert "Going on" in resumed.text
    assert digest(resumed.path) == digest(undisturbed.path)
