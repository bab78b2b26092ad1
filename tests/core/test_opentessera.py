"""Opening TESSERA: tiles with scales and a place of their own, and exports that name version and variant."""

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.tests.core.published import NORTH, WEST, write, write_tile


def test_tiles_of_tessera(tmp_path, opened):
    rng = np.random.default_rng(0)
    codes = rng.integers(-128, 128, (30, 25, 128)).astype(np.int8)
    scales = rng.uniform(0.01, 0.05, (30, 25)).astype(np.float32)
    scales[4, 5] = np.nan
    got = opened(write_tile(tmp_path, codes, scales), storage="float32")
    expected = np.moveaxis(codes * scales[..., None], 2, 0)
    assert not got.valid[4, 5] and got.valid.sum() == 749
    np.testing.assert_allclose(got.values[:, got.valid], expected[:, got.valid], rtol=1e-6)
    assert got.facts["backbone"] == "tessera-v1" and got.grid.transform.c == WEST and got.grid.transform.f == NORTH
    assert got.facts["licence"] == "CC0-1.0"


def test_tessera_means_keep_their_length(tmp_path, opened):
    rng = np.random.default_rng(1)
    codes = rng.integers(-128, 128, (12, 12, 128)).astype(np.int8)
    scales = np.full((12, 12), 0.02, np.float32)
    got = opened(write_tile(tmp_path, codes, scales), storage="float32", cell_size_px=3)
    expected = (codes * np.float32(0.02)).reshape(4, 3, 4, 3, 128).mean(axis=(1, 3))
    np.testing.assert_allclose(np.moveaxis(got.values, 0, 2), expected, atol=1e-5)


def test_tessera_exports_name_version_and_variant(tmp_path, opened):
    vectors = np.random.default_rng(2).normal(size=(128, 10, 10)).astype(np.float32)
    names = [f"Tessera_Band_{i}" for i in range(128)]

    def of(version, variant, count=128, **fields):
        tags = {"TESSERA_DATASET_VERSION": version, "TESSERA_YEAR": "2023"}
        tags |= {"TESSERA_DATASET_VARIANT": variant} if variant else {}
        path = write(tmp_path / "t.tif", vectors[:count], names=names[:count], tags=tags)
        return opened(path, f"{version}{variant}{count}.tif", **fields)

    found = [of("v1", ""), of("1.1", "cam"), of("2.0", "2B-L"), of("2.0", "2B-S"), of("2.0", "2B-L", 64)]
    assert len({got.tags["identity"] for got in found}) == 5
    assert [got.facts["backbone"] for got in found[:3]] == ["tessera-v1", "tessera-v1.1", "tessera-v2"]
    assert found[0].facts["variant"] == "vultr" and found[0].facts["year"] == "2023"
    with pytest.raises(BadInput, match=r"does not say which variant"):
        of("2.0", "")
    assert of("2.0", "", space="2B-L").tags["identity"] == found[2].tags["identity"]
    with pytest.raises(BadInput, match="is to be called"):
        of("2.0", "2B-L", space="2B-S")
    with pytest.raises(BadInput, match=r"says that it is TESSERA 1.1"):
        of("1.1", "cam", product="tessera-v1")
    with pytest.raises(BadInput, match=r"version 3.0, which is not known"):
        of("3.0", "")


def test_tessera_without_version_asks_for_it(tmp_path, opened):
    vectors = np.random.default_rng(2).normal(size=(128, 10, 10)).astype(np.float32)
    path = write(tmp_path / "t.tif", vectors, names=[f"Tessera_Band_{i}" for i in range(128)])
    with pytest.raises(BadInput, match="does not say its version"):
        opened(path)
    assert opened(path, product="tessera-v1").facts["variant"] == "vultr"


def test_tiles_that_cannot_be_used_say_why(tmp_path, opened):
    codes = np.ones((8, 8, 128), np.int8)
    scales = np.ones((8, 8), np.float32)

    def folder(name):
        (tmp_path / name).mkdir()
        return tmp_path / name

    with pytest.raises(BadInput, match="does not say where it lies"):
        opened(write_tile(folder("a"), codes, scales, landmask=False))
    with pytest.raises(BadInput, match="does not say its version"):
        opened(write_tile(folder("b"), codes, scales, version=""))
    with pytest.raises(BadInput, match=r"_scales.npy beside it"):
        opened(write_tile(folder("c"), codes, None))
    with pytest.raises(BadInput, match="does not fit"):
        opened(write_tile(folder("d"), codes, scales[:7]))
    with pytest.raises(BadInput, match="has 64"):
        opened(write_tile(folder("e"), codes[:, :, :64], scales))
    path = write_tile(folder("f"), codes, scales)
    with pytest.raises(BadInput, match="Choose the tile itself"):
        opened(path.replace(".npy", "_scales.npy"))
    with pytest.raises(BadInput, match="do not belong together"):
        opened(path, place=write(tmp_path / "other.tif", np.ones((1, 9, 8), np.uint8)))
    with open(path, "rb+") as file:
        file.truncate(500)
    with pytest.raises(BadInput, match="cut off"):
        opened(path)


def test_pickles_are_never_opened(tmp_path, opened):
    path = write_tile(tmp_path, np.ones((4, 4, 128), np.int8), np.ones((4, 4), np.float32))
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match="no whole"):
        opened(path)
