"""The same space again: from other files and numbers of bands, but never from numbers that mean something else."""

import importlib.util
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.jobs.export import ExportOnnx
from quadrat.core.jobs.weights import FetchWeights, ManageWeights
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar

from .test_pair import write
from .test_scene import OPTICAL, RADAR, go, of_s1, of_s2, optical, radar, s1, s2, weights  # noqa: F401 - fixtures


def test_numbers_of_other_meaning_share_no_space(go, s2, tmp_path):  # noqa: F811
    picture = write(tmp_path / "picture.tif", (optical() / 4000 * 255).clip(0, 255).astype(np.uint8), names=OPTICAL)
    first = go(picture, "a.tif")
    assert read_sidecar(first.path)["facts"]["space"]["units"] == ["picture"] * 12
    with pytest.raises(BadInput, match=r"held bytes of a picture, but here it holds reflectance"):
        go(s2, "b.tif", like=first.path)


def test_numbers_of_unknown_meaning_share_no_space(go, s2, tmp_path):  # noqa: F811
    odd = write(tmp_path / "odd.tif", (optical().astype(np.float32) * 7).astype(np.uint16), names=OPTICAL)
    first = go(odd, "a.tif")
    assert "it is not known what they mean" in first.text
    with pytest.raises(BadInput, match=r"was not known when .* was made"):
        go(s2, "b.tif", like=first.path)


def test_power_shares_a_space_with_decibels(go, of_s1, tmp_path):  # noqa: F811
    power = write(tmp_path / "power.tif", 10 ** (radar() / 10), names=RADAR)
    again = go(power, "b.tif", like=of_s1.path)
    np.testing.assert_allclose(again.values, of_s1.values, atol=1e-3)


def test_one_raster_or_two_share_a_space(go, s2, s1, of_s2, tmp_path):  # noqa: F811
    both = write(
        tmp_path / "both.tif", np.concatenate([radar(), optical().astype(np.float32)]), names=(*RADAR, *OPTICAL)
    )
    pair = go(s2, "a.tif", second=s1)
    one = go(both, "b.tif", like=pair.path)
    np.testing.assert_allclose(one.values, pair.values, atol=1e-5)
    again = go(s1, "c.tif", second=s2, like=one.path)
    np.testing.assert_allclose(again.values, pair.values, atol=1e-5)
    with pytest.raises(BadInput, match=r"needs the radar VV and radar VH bands"):
        go(s2, "d.tif", like=pair.path)
    with pytest.raises(BadInput, match=r"bands that are all in .*s2.tif. Leave .*s1.tif out"):
        go(s2, "f.tif", second=s1, like=of_s2.path)


def test_fewer_bands_than_there_are_share_a_space(embed, s2, tmp_path, monkeypatch):  # noqa: F811
    if importlib.util.find_spec("timm") is None:
        pytest.skip("needs the full engine")
    from quadrat.models.definitions import smarties
    from quadrat.tests.models import test_smarties

    monkeypatch.setitem(smarties.SIZES, "smarties-base", test_smarties.TINY)
    file = test_smarties.save(tmp_path / "smarties.safetensors", test_smarties.official())
    options = {"backbone": "smarties-base", "weights": file, "storage": "float32", "tile_size_px": 32}
    few = write(tmp_path / "few.tif", optical()[[3, 1, 7]], names=("B04", "B02", "B08"))
    first = embed(few, "a.tif", **options)
    again = embed(s2, "b.tif", like=first.path, **options)
    np.testing.assert_allclose(again.values, first.values, atol=1e-5)


def test_numbers_for_the_second_raster_are_not_passed_over(go, s2, s1):  # noqa: F811
    with pytest.raises(BadInput, match=r"numbers go with one raster only"):
        go(s2, second=s1, second_bands=(2, 1))


def test_a_network_that_was_moved_is_the_same(go, s1, of_s1, embed, tmp_path):  # noqa: F811
    pytest.importorskip("onnx")
    twin, moved = str(tmp_path / "a é.onnx"), str(tmp_path / "b.onnx")
    run_job(ExportOnnx(embedding=of_s1.path, output=twin), Progress())
    options = {"backbone": "onnx", "storage": "float32", "overlap_px": 0}
    first = embed(s1, "b.tif", model=twin, **options)
    os.replace(twin, moved)
    again = embed(s1, "c.tif", model=moved, like=first.path, **options)
    np.testing.assert_array_equal(again.values, first.values)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A function that puts weights of the tiny network into a store, in the place of those that are there."""
    from quadrat.models.registry import BACKBONES

    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))
    card = BACKBONES["croma-base"]
    monkeypatch.setitem(BACKBONES, card.name, replace(card, weights=replace(card.weights, parameters=0)))

    def put(file):
        if (tmp_path / "home" / "weights").exists():
            run_job(ManageWeights(what="delete", name=card.name), Progress())
        run_job(FetchWeights(backbone=card.name, file=str(file)), Progress())

    return put


def test_weights_that_moved_into_the_store_are_found(go, s1, weights, store, tmp_path):  # noqa: F811
    own = shutil.copy(weights, tmp_path / "own.pt")
    first = go(s1, "a.tif", weights=str(own))
    store(own)
    own.unlink()
    again = go(s1, "b.tif", weights="", like=first.path)
    np.testing.assert_array_equal(again.values, first.values)


def test_other_weights_in_the_store_make_another_embedding(go, s1, weights, store, tmp_path):  # noqa: F811
    import torch

    store(weights)
    first = go(s1, "a.tif", weights="")
    assert "up to date" in go(s1, "a.tif", weights="").text
    groups = torch.load(weights, weights_only=True)
    for name, value in groups["s1_encoder"].items():
        groups["s1_encoder"][name] = value * 1.5
    torch.save(groups, tmp_path / "other.pt")
    store(tmp_path / "other.pt")
    again = go(s1, "a.tif", weights="")
    assert "up to date" not in again.text and not np.allclose(again.values, first.values)


def test_numbers_far_from_those_of_the_space_are_warned_of(go, of_s2, tmp_path):  # noqa: F811
    later = write(tmp_path / "later.tif", optical(5), names=OPTICAL)
    assert "lie beyond those" not in go(later, "b.tif", like=of_s2.path).text
    wrong = go(later, "c.tif", like=of_s2.path, values="reflectance").text
    assert "lie beyond those" in wrong and "Do the numbers of both mean the same?" in wrong
