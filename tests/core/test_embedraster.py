import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from quadrat.core import tiling
from quadrat.core.errors import BadInput, BadJob, EngineTooSmall
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.conftest import MISSING
from quadrat.tests.core import nets
from rasterio.transform import Affine


def expected_local(path, patch=2, halo=3):
    """What `LocalNet` gives for each cell, in plain loops over the whole raster."""
    with open_raster(path) as reader:
        values, valid = reader.read(reader.grid.whole)
    _, height, width = values.shape
    rows, cols = -(-height // patch), -(-width // patch)
    result, cells = np.zeros((len(values), rows, cols)), np.zeros((rows, cols), bool)
    for r in range(rows):
        for c in range(cols):
            own = valid[r * patch : (r + 1) * patch, c * patch : (c + 1) * patch]
            cells[r, c] = 2 * own.sum() >= own.size and own.any()
            top, left = max(r * patch - halo, 0), max(c * patch - halo, 0)
            near = np.s_[top : (r + 1) * patch + halo, left : (c + 1) * patch + halo]
            if valid[near].any():
                result[:, r, c] = values[(slice(None), *near)][:, valid[near]].astype(float).mean(axis=1)
    return result, cells


# ---- the grid: peers lose the last row and column, or fail on small rasters


@pytest.mark.parametrize(
    ("height", "width", "missing"),
    [(16, 16, "none"), (15, 17, "nodata"), (17, 15, "none"), (1, 1, "none"), (3, 40, "nodata"), (40, 3, "none"),
     (49, 55, "nodata")],
)  # fmt: skip
def test_exact_backbone_is_right_everywhere(make_raster, embed, height, width, missing):
    holes = np.zeros((height, width), bool)
    holes[: height // 3, width // 2 :] = missing != "none"
    path = make_raster(height=height, width=width, missing=missing, holes=holes)
    answer = embed(path, storage="float32", patch_size_px=2)
    expected, cells = expected_local(path)
    assert (answer.valid == cells).all()
    np.testing.assert_allclose(answer.values[:, cells], expected[:, cells], rtol=1e-5)
    assert answer.grid.transform.almost_equals(Affine(20, 0, 600_000, 0, -20, 9_000_000), 1e-9)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (31, 33), (5, 70), (70, 60), (1, 1)])
def test_network_leaves_no_cell_out(make_raster, embed, height, width):
    """One exact tile, one pixel more, one less, smaller than a tile: each cell gets its own patch's mean."""
    path = make_raster(height=height, width=width)
    answer = embed(path, backbone="tilenet", storage="float32")
    assert answer.valid.all()
    assert answer.values.shape == (5, -(-height // 4), -(-width // 4))
    with open_raster(path) as reader:
        values, _ = reader.read(reader.grid.whole)
    mirrored = np.pad(values, ((0, 0), (0, -height % 4), (0, -width % 4)), "symmetric")
    own = mirrored.reshape(3, mirrored.shape[1] // 4, 4, mirrored.shape[2] // 4, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(answer.values[:3], own, rtol=1e-5)


def test_tiles_are_blended_without_seams(make_raster, embed):
    """The place within the tile rises by 1 a row; a hard seam would be a step of several."""
    answer = embed(make_raster(height=200, width=64), backbone="tilenet", storage="float32", overlap_px=16)
    place = answer.values[4, :, 3]
    assert np.abs(np.diff(place)).max() < 2.0
    assert place.min() >= 0.5
    assert place.max() <= 7.5


@pytest.mark.parametrize("backbone", ["localnet", "tilenet"])
def test_lanes_do_not_show(make_raster, embed, monkeypatch, backbone):
    path = make_raster(height=60, width=200)
    wide = embed(path, "wide.tif", backbone=backbone, storage="float32", patch_size_px=1)
    monkeypatch.setattr(tiling, "LANE_BYTES", 1)
    monkeypatch.setattr(tiling, "BLOCK_BYTES", 500)
    narrow = embed(path, "narrow.tif", backbone=backbone, storage="float32", patch_size_px=1)
    np.testing.assert_allclose(wide.values, narrow.values, rtol=1e-5)
    assert narrow.facts["tiles"] >= wide.facts["tiles"]


def test_extent_equals_the_same_part_of_the_whole(make_raster, embed):
    """Context beyond the extent is real, so that an exact backbone gives the very same cells."""
    path = make_raster(height=60, width=70)
    whole = embed(path, "whole.tif", storage="float32", patch_size_px=2, seed=3)
    extent = "600100,600400,8999600,8999900"
    part = embed(path, "part.tif", storage="float32", patch_size_px=2, extent=extent, seed=3)
    assert part.values.shape == (3, 15, 15)
    np.testing.assert_array_equal(part.values, whole.values[:, 5:20, 5:20])
    assert part.grid.transform.almost_equals(Affine(20, 0, 600_100, 0, -20, 8_999_900), 1e-9)


def test_mask_keeps_cells_with_their_centre_inside(make_raster, make_polygons, embed):
    path = make_raster(height=60, width=60)
    polygons = make_polygons([(600_100, 8_999_700, 600_300, 8_999_950)])
    answer = embed(path, mask=f"{polygons}|layername=polygons", patch_size_px=2)
    rows, cols = np.nonzero(answer.valid)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (2, 14, 5, 14)
    assert answer.valid.sum() == 13 * 10


# ---- what is missing must not leak


@pytest.mark.parametrize(
    ("backbone", "missing"), [*(("tilenet", kind) for kind in MISSING if kind != "none"), ("localnet", "nodata")]
)
def test_holes_stay_holes_and_change_nothing_beyond(make_raster, embed, backbone, missing):
    holes = np.zeros((96, 96), bool)
    holes[:, 60:] = True
    path = make_raster(height=96, width=96, dtype="float32", missing=missing, holes=holes, nodata=-9999 if
                       missing == "nodata" else None)  # fmt: skip
    answer = embed(path, backbone=backbone, patch_size_px=4)
    assert (answer.valid == ~holes[::4, ::4]).all()
    clean = embed(make_raster("clean.tif", height=96, width=96, dtype="float32"), "c.tif", backbone=backbone,
                  patch_size_px=4)  # fmt: skip
    inner = np.s_[:3, :, :14]
    assert np.abs(answer.values[inner] - clean.values[inner]).max() < 0.02 * np.ptp(clean.values[inner])


def test_statistics_left_by_others_do_not_matter(make_raster, embed):
    path = make_raster()
    first = embed(path, "a.tif")
    with rasterio.open(path, "r+") as file:
        file.update_tags(1, STATISTICS_MEAN="1000", STATISTICS_STDDEV="1", STATISTICS_MINIMUM="-5")
    Path(path + ".aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MEAN">999</MDI></Metadata>'
        "</PAMRasterBand></PAMDataset>"
    )
    second = embed(path, "b.tif")
    assert (first.values == second.values).all()


def test_a_twin_in_a_subfolder_is_not_touched(make_raster, embed):
    path = make_raster("in.tif")
    first = embed(path, "a.tif")
    make_raster("sub/in.tif", seed=5)
    assert (embed(path, "b.tif").values == first.values).all()


@pytest.mark.parametrize("backbone", ["localnet", "tilenet"])
def test_dead_band(make_raster, embed, backbone):
    values = np.stack([np.full((40, 40), 7.0), np.random.default_rng(0).normal(0, 1, (40, 40))])
    answer = embed(make_raster(values=values, dtype="float32"), backbone=backbone)
    assert answer.valid.all()
    np.testing.assert_allclose(answer.values[0], 7.0, rtol=1e-5)
    assert np.ptp(answer.values[1]) > 0


def test_all_missing_is_a_sentence(make_raster, make_polygons, embed, tmp_path):
    everything = np.ones((40, 50), bool)
    for missing in ("nodata", "alpha", "msk"):
        with pytest.raises(BadInput, match="no valid pixel"):
            embed(make_raster(missing=missing, holes=everything))
    with pytest.raises(BadInput, match="no valid pixel"):
        embed(make_raster(dtype="float32", missing="nan", holes=everything))
    far = make_polygons([(0, 0, 10, 10)])
    with pytest.raises(BadInput, match="valid pixel"):
        embed(make_raster(), mask=far)
    assert not (tmp_path / "out.tif").exists()


# ---- storage, components, picture


@pytest.mark.parametrize("backbone", ["localnet", "tilenet"])
def test_bytes_lose_little(make_raster, embed, backbone):
    path = make_raster(height=90, width=90)
    exact = embed(path, "f.tif", backbone=backbone, storage="float32")
    coarse = embed(path, "b.tif", backbone=backbone, storage="bytes")
    steps = np.ptp(exact.values, axis=(1, 2)) * 1.3 / 254
    assert (np.abs(exact.values - coarse.values).max(axis=(1, 2)) <= steps).all()
    with rasterio.open(coarse.path) as file:
        assert file.dtypes[0] == "uint8"
        assert file.nodata == 0
        assert file.read().min() >= 1


def test_components(make_raster, embed):
    path = make_raster(height=90, width=90)
    plain = embed(path, "f.tif", storage="float32")
    reduced = embed(path, "r.tif", storage="float32", dimensions=2)
    assert reduced.values.shape[0] == 2
    flat = plain.values.reshape(3, -1) - plain.values.reshape(3, -1).mean(axis=1, keepdims=True)
    _, strength, _ = np.linalg.svd(flat, full_matrices=False)
    spread = reduced.values.reshape(2, -1).std(axis=1)
    np.testing.assert_allclose(spread, strength[:2] / np.sqrt(flat.shape[1]), rtol=0.05)
    assert reduced.facts["picture"]["bands"] == [1, 2, 2]


def test_tags_and_sidecar_say_how_it_was_made(make_raster, embed):
    path = make_raster(names=("red", "green", "blue"))
    answer = embed(path, bands=(3, 1))
    with rasterio.open(answer.path) as file:
        tags = file.tags(ns="QUADRAT")
        assert file.descriptions == ("net 1", "net 2")
    sidecar = read_sidecar(answer.path)
    facts = sidecar["facts"]
    assert {k: tags[k] for k in ("format", "backbone", "dimensions", "patch_size_px", "in_chans")} == {
        "format": "1", "backbone": "localnet", "dimensions": "2", "patch_size_px": "1", "in_chans": "2",
    }  # fmt: skip
    assert (tags["identity"], tags["signature"]) == (facts["identity"], facts["signature"])
    assert sidecar["job"]["bands"] == [3, 1]
    assert facts["result"] == "embedding"
    assert facts["cells_with_vector"] == 2000
    low, high = facts["picture"]["ranges"][0]
    assert low < np.median(answer.values[0]) < high
    assert "space" not in answer.facts


# ---- memory, devices, and other trouble


def test_out_of_memory_halves_the_batch(make_raster, embed):
    path = make_raster(height=60, width=60)
    answer = embed(path, backbone="greedynet", patch_size_px=2, batch_size=8, storage="float32")
    plain = embed(path, "p.tif", backbone="localnet", patch_size_px=2, batch_size=8, storage="float32")
    assert "Memory ran out with" in answer.text
    assert (answer.values == plain.values).all()


def test_an_error_of_the_backbone_comes_through(make_raster, embed, monkeypatch, tmp_path):
    def broken(self, values, valid):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(nets.LocalNet, "__call__", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        embed(make_raster())
    assert not (tmp_path / "out.tif").exists()


def test_a_backbone_without_numbers_is_a_sentence_and_leaves_nothing(make_raster, embed, monkeypatch, tmp_path):
    plain = nets.LocalNet.__call__
    monkeypatch.setattr(nets.LocalNet, "__call__", lambda self, values, valid: plain(self, values, valid) * np.nan)
    path = make_raster()
    with pytest.raises(BadInput, match="gives no number"):
        embed(path)
    assert {file.name for file in tmp_path.iterdir()} == {Path(path).name}


def test_a_raster_that_breaks_while_it_is_read(make_raster, embed, tmp_path):
    whole = Path(make_raster("whole.tif", height=300, width=300)).read_bytes()
    (tmp_path / "half.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="cannot be read at row"):
        embed(str(tmp_path / "half.tif"))


def test_bad_paths(make_raster, embed, tmp_path):
    path = make_raster("in.tif")
    with pytest.raises(BadJob, match="is the raster itself"):
        embed(path, "in.tif")
    with pytest.raises(BadJob, match=r"must be a \.tif file"):
        embed(path, "out.gpkg")
    with pytest.raises(BadInput, match="There is no file"):
        embed(str(tmp_path / "nowhere.tif"))


def test_needs_a_model_or_a_library(make_raster, embed, monkeypatch):
    from quadrat.models import registry
    from quadrat.models.card import Card

    with pytest.raises(BadJob, match="needs a model"):
        EmbedRaster.from_dict({"input": make_raster(), "backbone": "onnx", "output": "out.tif"})
    card = Card("x", "x", "nets_for_tests:build_local", "", True, False, False, 0, "", "", ("no_such_library",))
    monkeypatch.setitem(registry.BACKBONES, "x", card)
    with pytest.raises(EngineTooSmall, match="full engine"):
        embed(make_raster(), backbone="x")


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(9e-5, 0, -56.3, 0, -9e-5, -1.4), "EPSG:4326"),
        (Affine.translation(5e5, 5e6) @ Affine.rotation(30) @ Affine.scale(10, -10), "EPSG:32722"),
        (Affine(10, 0, 5e5, 0, -4, 5e6), "EPSG:32722"),
        (Affine(10, 0, 5e5, 0, 10, 5e6), None),
    ],
)
def test_degrees_rotation_oblong_cells_and_no_crs(make_raster, embed, transform, crs):
    path = make_raster(transform=transform, crs=crs)
    answer = embed(path, patch_size_px=3)
    assert answer.grid.transform.almost_equals(transform @ Affine.scale(3), 1e-9)
    assert answer.values.shape == (3, 14, 17)
    assert answer.valid.all()
    assert ("no coordinate system" in answer.text) == (crs is None)


def test_free_patch_grows_with_the_raster(make_raster, embed, monkeypatch):
    from quadrat.core import space

    monkeypatch.setattr(space, "FREE_PATCH_BELOW_PX", 2500)
    assert embed(make_raster(height=50, width=50)).facts["patch_size_px"] == 1
    assert embed(make_raster(height=50, width=51), "b.tif").facts["patch_size_px"] == 4


def test_names_with_spaces_and_other_letters(make_raster, embed, tmp_path):
    (tmp_path / "größe 東").mkdir()
    answer = embed(make_raster("été/карта 1.tif"), "größe 東/ébène.tif")
    assert answer.valid.all()


@pytest.mark.data
@pytest.mark.parametrize(
    ("place", "share"),
    [
        ("drone_ortho/pix4d_alpha_nodata.tif", 0.876),
        ("s2_lahinch_series/s2_l1c_2017-09-18.tif", 0.987),
        ("presto_chip_togo/98-togo_2019-02-06_2020-02-01.tif", 0.623),
        ("modis_sinop_series/TERRA_MODIS_012010_NDVI_2013-09-14.jp2", 1.0),
        ("landsat7_olinda/olinda_dem_utm25s.tif", 1.0),
    ],
)
def test_real_rasters(embed, place, share):
    """Alpha, NaN, 206 bands of float64 in degrees, JPEG2000 on a grid without EPSG code, a CRS that GDAL misnames."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        pytest.skip("QUADRAT_DATA does not name the folder with real data")
    answer = embed(str(Path(folder) / "rasters" / place), backbone="raw", patch_size_px=1)
    assert answer.valid.mean() == pytest.approx(share, abs=0.002)
    assert np.isfinite(answer.values).all()
