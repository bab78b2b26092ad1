"""The timm path equals timm called by hand, for transformers and convolutions, 3 bands and others."""

import numpy as np
import pytest
from quadrat.models.errors import UnusableModel, WeightsNotFound

torch = pytest.importorskip("torch")

TRANSFORMERS = {"test_vit": 64, "vit_tiny_patch16_dinov3_qkvb": 64, "test_vit3": 64}
"""With a token of the class, with registers and turned positions, with a register alone."""
CONVOLUTIONS = {"test_resnet": 64, "test_convnext": 96, "test_efficientnet": 64}


@pytest.fixture(scope="module")
def timm():
    from quadrat.models.torch_tools import import_timm

    return import_timm()


def by_hand(timm, name, bands, path, tile, options):
    """timm's own model with the same weights, and its normalisation."""
    tensors = torch.load(path, weights_only=True)
    model = timm.create_model(
        name, pretrained=True, pretrained_cfg_overlay={"state_dict": tensors}, in_chans=bands, num_classes=0, **options
    ).eval()
    config = timm.get_pretrained_cfg(name)
    channels = np.arange(bands) % 3
    mean, std = (torch.tensor(np.float32(numbers)[channels])[:, None, None] for numbers in (config.mean, config.std))
    return model, lambda pixels: (torch.from_numpy(pixels) - mean) / std


@pytest.mark.parametrize(
    ("name", "bands"), [("test_vit", 3), ("test_resnet", 3), *((name, 11) for name in (*TRANSFORMERS, *CONVOLUTIONS))]
)
def test_equals_timm_by_hand(timm, tools, tmp_path, name, bands):
    path = tools.save_weights(name, tmp_path / "weights.pth")
    tile = {**TRANSFORMERS, **CONVOLUTIONS}[name]
    request = tools.request_for(
        tools.scene(bands), model=name, weights=str(path), tile_size_px=tile, scaling="none", patch_size_px=0
    )
    backbone = tools.build("timm", request)
    options = {"dynamic_img_size": True} if name in TRANSFORMERS else {}
    model, normalise = by_hand(timm, name, bands, path, tile, options)
    pixels = np.random.default_rng(1).random((2, bands, tile, tile)).astype(np.float32)
    valid = np.ones((2, tile, tile), bool)
    with torch.inference_mode():
        whole = model.forward_features(normalise(pixels))
        pooled = model(normalise(pixels)).numpy()
    if name in TRANSFORMERS:
        side = tile // model.patch_embed.patch_size[0]
        tokens = whole[:, model.num_prefix_tokens :]
        assert tokens.shape[1] == side * side
        whole = tokens.reshape(2, side, side, -1).permute(0, 3, 1, 2)
    found = backbone(pixels, valid)
    assert backbone.tile_size_px == tile
    assert found.shape == tuple(whole.shape)
    np.testing.assert_allclose(found, whole.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(backbone.pooled(pixels, valid), pooled, rtol=1e-5, atol=1e-5)


def build(tools, path, bands=3, **options):
    given = {"model": tools.tiny, "weights": str(path), "tile_size_px": 32, "patch_size_px": 0, **options}
    return tools.build("timm", tools.request_for(tools.scene(bands), **given))


def test_own_tile_size(tools, tiny_vit, tmp_path):
    assert build(tools, tiny_vit, tile_size_px=0).tile_size_px == 160
    path = tools.save_weights("vit_small_patch14_reg4_dinov2", tmp_path / "dino.pth")
    large = build(tools, path, tile_size_px=0, model="vit_small_patch14_reg4_dinov2.lvd142m")
    assert (large.tile_size_px, large.patch_size_px) == (224, 14)
    assert build(tools, tiny_vit, tile_size_px=45).tile_size_px == 48


def test_position_of_cells(tools, tiny_vit):
    """A mark in one corner changes the vectors of that corner most."""
    backbone = build(tools, tiny_vit, scaling="none", tile_size_px=64)
    pixels = np.zeros((1, 3, 64, 64), np.float32)
    marked = pixels.copy()
    marked[:, :, 48:, :16] = 1
    valid = np.ones((1, 64, 64), bool)
    change = np.abs(backbone(marked, valid) - backbone(pixels, valid)).sum(axis=1)[0]
    assert np.unravel_index(change.argmax(), change.shape) == (3, 0)


def test_stage_of_a_convolution_is_chosen_by_the_cell(tools, tmp_path):
    path = tools.save_weights("test_resnet", tmp_path / "weights.pth")
    backbone = build(tools, path, model="test_resnet", tile_size_px=64, patch_size_px=8)
    assert backbone.patch_size_px == 8
    assert backbone(np.zeros((1, 3, 64, 64), np.float32), np.ones((1, 64, 64), bool)).shape[2:] == (8, 8)
    with pytest.raises(UnusableModel, match=r"cells of 2, 4, 8, 16, 32 px, not 5"):
        build(tools, path, model="test_resnet", tile_size_px=64, patch_size_px=5)


def test_weights_are_part_of_the_identity(tools, tiny_vit, tmp_path):
    content = torch.load(tiny_vit, weights_only=True)
    content["norm.bias"] = content["norm.bias"] + 1
    torch.save(content, tmp_path / "other.pth")
    assert build(tools, tiny_vit).identity != build(tools, tmp_path / "other.pth").identity
    assert build(tools, tiny_vit).identity != build(tools, tiny_vit, scaling="none").identity


def test_misspelt_name_gets_the_nearest(tools, tiny_vit):
    with pytest.raises(UnusableModel, match="Did you mean vit_small_patch14_dinov2"):
        build(tools, tiny_vit, model="vit_smal_patch14_dinov2")


def test_weights_are_never_random(tools, tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    with pytest.raises(WeightsNotFound, match=r"resnet18\.a1_in1k, about 45 MB, licence apache-2\.0.*timm/resnet18"):
        build(tools, "", model="resnet18")


def test_weights_of_another_model_are_refused(tools, tmp_path):
    path = tools.save_weights("test_resnet", tmp_path / "other.pth")
    with pytest.raises(UnusableModel, match=r"other\.pth does not fit the model test_vit \(Missing key"):
        build(tools, path)
    path = tools.save_weights("test_vit2", tmp_path / "larger.pth")
    with pytest.raises(UnusableModel, match="does not fit the model test_vit3"):
        build(tools, path, model="test_vit3")


def test_weights_for_other_bands(tools, tmp_path):
    path = tools.save_weights(tools.tiny, tmp_path / "five.pth", in_chans=5)
    assert build(tools, path, bands=5).embed_dim == 64
    with pytest.raises(UnusableModel, match="trained on 5 bands, but 4 are given"):
        build(tools, path, bands=4)


def test_device_that_is_not_there_is_refused(tools, tiny_vit):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(UnusableModel, match="'cuda' is not available"):
        build(tools, tiny_vit, device="cuda")


def test_gaps_are_filled_with_the_mean_of_the_band(tools, tiny_vit):
    backbone = build(tools, tiny_vit)
    pixels = tools.scene(3, 32, 32)[None]
    valid = np.ones((1, 32, 32), bool)
    valid[:, 10:20, 5:9] = False
    mean = tools.scene(3).mean(axis=(1, 2))
    # The mean of scaled bands is not the scaled mean where percentiles cut, hence the tolerance.
    by_hand = np.where(valid[:, None], pixels, mean[:, None, None]).astype(np.float32)
    np.testing.assert_allclose(backbone(pixels, valid), backbone(by_hand, np.ones_like(valid)), atol=0.02)


def test_the_pooled_vector_may_be_wider_than_the_map(timm, tools, tmp_path):
    """MobileNetV3 has a layer between map and classifier; what timm gives is given, and its width told."""
    from quadrat.models.contract import pooled_width

    name = "mobilenetv3_small_050"
    path = tools.save_weights(name, tmp_path / "weights.pth")
    request = tools.request_for(
        tools.scene(3), model=name, weights=str(path), tile_size_px=64, scaling="none", patch_size_px=0
    )
    backbone = tools.build("timm", request)
    model, normalise = by_hand(timm, name, 3, path, 64, {})
    pixels = np.random.default_rng(1).random((2, 3, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        expected = model(normalise(pixels)).numpy()
    found = backbone.pooled(pixels, np.ones((2, 64, 64), bool))
    assert pooled_width(backbone) == found.shape[1] == expected.shape[1] != backbone.embed_dim
    np.testing.assert_allclose(found, expected, atol=1e-4)
