"""Cards of timm's models say what timm says, and lead to the network that timm builds."""

import functools
import importlib.util

import numpy as np
import pytest
from quadrat.models.cards import photographs
from quadrat.models.cards.photographs import FREE
from quadrat.models.errors import UnusableModel

torch = pytest.importorskip("torch")
if importlib.util.find_spec("timm") is None:
    pytest.skip("timm is not installed", allow_module_level=True)

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SATELLITE = ((0.430, 0.411, 0.296), (0.213, 0.156, 0.143))
NUMBERS = {"sharp-vit-base-16": HALF, "sharp-vit-base-32": HALF, "dinov3-sat-large": SATELLITE}
"""Mean and standard deviation as the makers published them; of all others those of ImageNet."""
FAVELAS = (
    "resnet18.a1_in1k", "resnet152.a1_in1k", "densenet201.tv_in1k", "resnext50_32x4d.ra_in1k",
    "efficientnet_b0.ra_in1k", "vit_small_patch16_224.dino", "vit_base_patch16_224.dino",
    "vit_base_patch32_224.sam_in1k", "vit_base_patch16_224.sam_in1k", "vit_base_patch14_dinov2.lvd142m",
    "samvit_base_patch16.sa1b",
)  # fmt: skip
"""What Hallopeau et al. compared, arXiv:2510.03725."""
CARDS = [card for card in photographs.CARDS if card.needs_torch]
BY_NAME = {card.name: card for card in CARDS}


@pytest.fixture(scope="module")
def timm():
    from quadrat.models.torch_tools import import_timm

    return import_timm()


def test_the_comparison_on_favelas_is_whole():
    models = [card.model for card in CARDS]
    assert set(FAVELAS) < set(models)
    assert len(BY_NAME) == len(set(models)) == len(CARDS)


@functools.cache
def seen(architecture, side):
    """Shape of the map of a tile, billions of operations for it, and the number of weights: of shapes alone."""
    from quadrat.models.definitions.timm_model import _channels_first, _last_tokens
    from quadrat.models.torch_tools import import_timm
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = import_timm().create_model(architecture, pretrained=False, num_classes=0).eval()
        pixels = torch.zeros(1, 3, side, side)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        if hasattr(model, "num_prefix_tokens"):
            found = _last_tokens(model, pixels)
        else:
            found = _channels_first(model.forward_features(pixels), model)
    return tuple(found.shape), counter.get_total_flops() / 1e9, sum(each.numel() for each in model.parameters())


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_says_what_timm_says(card, timm):
    assert card.model in timm.list_pretrained()
    config = timm.get_pretrained_cfg(card.model)
    assert (config.mean, config.std) == NUMBERS.get(card.name, IMAGENET)
    assert config.input_size == (3, card.tile_px, card.tile_px)
    assert config.license == card.licence.lower() == card.weights.licence.lower()
    assert card.weights.must_accept == (card.licence not in FREE)
    shape, gflop, parameters = seen(config.architecture, card.tile_px)
    cells = card.tile_px // card.patch_px
    assert shape == (1, card.embed_dim, cells, cells)
    assert gflop == pytest.approx(card.gflop, rel=0.05, abs=0.05)
    assert card.weights.parameters == parameters


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_is_complete(card):
    assert card.title and card.summary.endswith(".") and "arXiv:" in card.source
    assert card.builder == "timm_model:build" and card.requirements == ("torch", "timm")
    assert card.inputs[0].roles == ("red", "green", "blue") and not card.any_bands
    assert card.weights.name == card.name and card.weights.licence_url.startswith("https://")


@pytest.fixture
def build(tools, tmp_path):
    """A function that builds a card's model with seeded random weights; the path of these is its attribute."""
    from quadrat.models.definitions import timm_model

    def make(name, bands=3, **options):
        card = BY_NAME[name]
        make.path = str(tools.save_weights(card.model, tmp_path / "seeded.pth"))
        given = {"model": card.model, "weights": make.path, "dtype": "uint8", "patch_size_px": 0, **options}
        return timm_model.build(tools.request_for(photograph(bands), card=card, **given))

    return make


def photograph(bands=3, side=224):
    return np.random.default_rng(7).integers(0, 256, (bands, side, side)).astype(np.float32)


def normalised(bands=3, side=224):
    """ImageNet's numbers written out once more, repeated over further bands."""
    mean, std = (np.resize(np.float32(numbers), bands)[:, None, None] for numbers in IMAGENET)
    return torch.from_numpy((photograph(bands, side) / np.float32(255) - mean) / std)[None]


@pytest.mark.parametrize("bands", [3, 4])
def test_a_convolution_is_timms_own_and_adapted_to_more_bands(bands, build, timm):
    backbone = build("resnet18", bands)
    tensors = torch.load(build.path, weights_only=True)
    overlay = {"state_dict": tensors}
    model = timm.create_model(
        "resnet18.a1_in1k", pretrained=True, pretrained_cfg_overlay=overlay, in_chans=bands, num_classes=0
    ).eval()  # fmt: skip
    with torch.inference_mode():
        expected = model(normalised(bands)).numpy()
    found = backbone.pooled(photograph(bands)[None], np.ones((1, 224, 224), bool))
    assert (backbone.tile_size_px, backbone.patch_size_px, backbone.embed_dim) == (224, 32, 512)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_positions_of_dinov2_are_interpolated_for_a_smaller_tile(build, timm):
    """Trained on 518 px, used on tiles of 224 px and less: 37 x 37 positions become 4 x 4."""
    from timm.layers import resample_abs_pos_embed

    backbone = build("dinov2-small", tile_size_px=56)
    model = timm.create_model("vit_small_patch14_dinov2", pretrained=False, num_classes=0, img_size=56).eval()
    tensors = torch.load(build.path, weights_only=True)
    assert tensors["pos_embed"].shape == (1, 1 + 37 * 37, 384)
    tensors["pos_embed"] = resample_abs_pos_embed(tensors["pos_embed"], (4, 4), num_prefix_tokens=1)
    model.load_state_dict(tensors)
    with torch.inference_mode():
        tokens = model.forward_features(normalised(side=56))
    pixels, valid = photograph(side=56)[None], np.ones((1, 56, 56), bool)
    found = backbone(pixels, valid)
    assert found.shape == (1, 384, 4, 4)
    np.testing.assert_allclose(found, tokens[:, 1:].reshape(1, 4, 4, 384).permute(0, 3, 1, 2), atol=1e-4)
    np.testing.assert_allclose(backbone.pooled(pixels, valid), tokens[:, 0], atol=1e-4)


def test_weights_of_another_card_are_refused(tools, tmp_path):
    from quadrat.models.definitions import timm_model

    path = str(tools.save_weights("test_resnet", tmp_path / "other.pth"))
    card = BY_NAME["resnet18"]
    request = tools.request_for(photograph(), model=card.model, weights=path, card=card, patch_size_px=0)
    with pytest.raises(UnusableModel, match=r"does not fit the model resnet18\.a1_in1k"):
        timm_model.build(request)


@pytest.mark.parametrize(
    ("name", "asked"),
    [("vit_large_patch16_dinov3.sat493m", True), ("vit_base_patch16_224.mae", True), ("resnet18.a1_in1k", False)],
)
def test_licences_are_asked_for_by_whatever_way_a_model_is_named(name, asked):
    from quadrat.models.definitions.timm_model import source_of

    known = source_of(name)
    assert known.must_accept == asked
    for card in CARDS:
        if card.model == name:
            assert (known.repo_id, known.parameters) == (card.weights.repo_id, card.weights.parameters)
