"""One sweep over every backbone of the registry: what the rest of Quadrat relies on."""

import re

import numpy as np
import pytest
from quadrat.models import registry
from quadrat.models.spectrum import ROLES

from .small import inputs_of

EXACT = ("spectral-textural", "mosaiks", "raw")
"""Of any bands and cells of any size, and independent of tiling."""
NAMES = tuple({card.builder: name for name, card in reversed(registry.BACKBONES.items())}.values())[::-1]
"""One for each builder: cards of one builder differ in the size or the name of the model."""
DRAWING_NOTHING = ("raw", "galileo-nano")
"""Their vectors do not depend on the raster that they were first built for."""
SIDE_PX = 64
"""Of a tile."""
BUILT = {}
OPTIONS = {
    "spectral-textural": {"dimensions": 12}, "mosaiks": {"dimensions": 16},
}  # fmt: skip


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def small(name, request):
    """Bands of this backbone, and what a request for it needs."""
    return inputs_of(name, request)


@pytest.fixture
def bands(small):
    return small[0]


@pytest.fixture
def ask(name, small, request, tools):
    """A function that makes a request for this backbone; options are passed on."""
    bands, own = small[0], {"tile_size_px": SIDE_PX, **OPTIONS.get(name, {}), **small[1]}
    if name == "timm":
        own |= {"model": tools.tiny, "weights": request.getfixturevalue("tiny_vit")}
    if name == "onnx":
        own |= {"model": request.getfixturevalue("tiny_onnx")}
    patch = 4 if registry.get(name).free_patch else 0

    def make(values=None, valid=None, **more):
        values = tools.scene(bands) if values is None else values
        return tools.request_for(values, valid, **{"patch_size_px": patch, **own, **more})

    return make


@pytest.fixture
def first(name, ask, tools):
    """This backbone with seed 4 and one thread, built once: its vectors are a function of pixels alone."""
    if name not in BUILT:
        BUILT[name] = tools.build(name, ask(seed=4, threads=1))
    return BUILT[name]


def batch(backbone, values, count=2):
    side = backbone.tile_size_px + 2 * backbone.halo_px
    tiles = np.stack([np.resize(np.roll(values, shift, axis=2), (len(values), side, side)) for shift in range(count)])
    return tiles.astype(np.float32), np.ones((count, side, side), bool)


def test_sweep_covers_the_registry():
    assert set(EXACT) == {name for name in NAMES if registry.get(name).free_patch}


def test_shapes_and_facts(name, first, bands, tools):
    backbone = first
    values, valid = batch(backbone, tools.scene(bands))
    cells = backbone.tile_size_px // backbone.patch_size_px
    found = backbone(values, valid)
    assert found.shape == (2, backbone.embed_dim, cells, cells)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.std() > 0
    assert backbone.tile_size_px % backbone.patch_size_px == 0
    assert len(backbone.band_names) == len(set(backbone.band_names)) == backbone.embed_dim
    assert re.fullmatch("[0-9a-f]{64}", backbone.identity)
    assert backbone.exact == (name in (*EXACT, "colour-texture"))
    assert backbone.device.startswith("CPU, ")


def test_pooled_is_one_vector_for_each_window(first, bands, tools):
    backbone = first
    windows = np.stack([tools.scene(bands, 32, 32, seed) for seed in (1, 2)])
    found = backbone.pooled(windows, np.ones((2, 32, 32), bool))
    assert found.shape == (2, backbone.embed_dim)
    assert np.isfinite(found).all()
    assert not np.allclose(found[0], found[1])
    odd = backbone.pooled(windows[:, :, :19, :27], np.ones((2, 19, 27), bool))
    assert odd.shape == (2, backbone.embed_dim)
    assert np.isfinite(odd).all()


def test_state_makes_the_same_backbone_without_the_raster(name, first, ask, bands, tools):
    stored = {key: np.array(array) for key, array in first.state().items()}
    again = tools.build(name, ask(values=tools.scene(bands, seed=9), state=stored, seed=5))
    values, valid = batch(first, tools.scene(bands, seed=3))
    assert again.identity == first.identity
    np.testing.assert_array_equal(again(values, valid), first(values, valid))


def test_seeded_output_is_stable_and_does_not_depend_on_threads(name, first, ask, bands, tools):
    again = tools.build(name, ask(seed=4, threads=2))
    values, valid = batch(first, tools.scene(bands, seed=3))
    assert again.identity == first.identity
    np.testing.assert_allclose(again(values, valid), first(values, valid), rtol=1e-4, atol=1e-5)


def test_another_raster_makes_another_space(name, first, ask, bands, tools):
    if name in DRAWING_NOTHING:
        pytest.skip("nothing is drawn from the raster")
    other = tools.build(name, ask(values=tools.scene(bands, seed=8) * 2, seed=4))
    assert first.identity != other.identity


def test_what_stands_at_invalid_pixels_has_no_influence(name, ask, bands, tools):
    scene = tools.scene(bands)
    valid = np.ones(scene.shape[1:], bool)
    valid[20:33, 11:30] = valid[:, :3] = valid[50, 41] = False
    backbone = tools.build(name, ask(scene, valid))
    values, _ = batch(backbone, scene, 1)
    _, side, _ = values[0].shape
    shown = np.resize(valid, (1, side, side))
    values *= shown[:, None]
    dirty = np.where(shown[:, None], values, np.float32(1e6))
    np.testing.assert_array_equal(backbone(dirty, shown), backbone(values, shown))
    np.testing.assert_array_equal(backbone.pooled(dirty, shown), backbone.pooled(values, shown))


def test_nothing_valid_gives_numbers(name, ask, bands, tools):
    backbone = tools.build(name, ask(valid=np.zeros((72, 60), bool)))
    values, valid = batch(backbone, np.zeros((bands, 40, 40), np.float32), 1)
    assert np.isfinite(backbone(values, np.zeros_like(valid))).all()
    assert np.isfinite(backbone.pooled(values, np.zeros_like(valid))).all()


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("patch", [1, 3, 4])
def test_exact_backbones_do_not_depend_on_tiling(name, patch, ask, tools):
    scene = tools.scene(4, 60, 60)
    valid = np.ones(scene.shape[1:], bool)
    valid[30:41, 20:50] = False
    backbone = tools.build(name, ask(scene, valid, patch_size_px=patch))
    whole = tools.embed(backbone, scene, valid)
    halo = backbone.halo_px
    padded = np.pad(np.where(valid, scene, 0), ((0, 0), (halo, halo), (halo, halo)))
    known = np.pad(valid, halo)
    for top, left, height, width in ((0, 0, 5, 6), (7, 4, 8, 9), (whole.shape[1] - 4, whole.shape[2] - 7, 4, 7)):
        rows = slice(top * patch, (top + height) * patch + 2 * halo)
        cols = slice(left * patch, (left + width) * patch + 2 * halo)
        part = backbone(padded[None, :, rows, cols], known[None, rows, cols])[0]
        expected = whole[:, top : top + height, left : left + width]
        np.testing.assert_allclose(part, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize(
    ("bands", "height", "width"), [(1, 40, 40), (60, 12, 10), (3, 3, 3), (2, 1, 1), (4, 2, 30), (5, 1, 7)]
)
def test_odd_rasters(name, bands, height, width, ask, tools):
    scene = tools.scene(bands, height, width)
    for patch in (1, 4):
        backbone = tools.build(name, ask(scene, patch_size_px=patch))
        found = tools.embed(backbone, scene)
        assert found.shape == (backbone.embed_dim, -(-height // patch), -(-width // patch))
        assert np.isfinite(found).all()


@pytest.mark.parametrize("name", EXACT)
def test_constant_bands_say_nothing(name, ask, tools):
    scene = tools.scene(3)
    flat = np.concatenate([scene, np.full((1, *scene.shape[1:]), 0.1, np.float32)])
    found = tools.embed(tools.build(name, ask(flat)), flat)
    assert np.isfinite(found).all()
    all_flat = np.full((2, 20, 20), 7.3, np.float32)
    found = tools.embed(tools.build(name, ask(all_flat)), all_flat)
    assert np.isfinite(found).all()
    assert np.ptp(found, axis=(1, 2)).max() == 0


def test_another_number_of_bands_is_refused(name, first, ask, tools):
    if name == "raw":
        pytest.skip("raw bands have no state")
    state = first.state()
    with pytest.raises(Exception, match=r"bands") as caught:
        tools.build(name, ask(values=tools.scene(7), state=state))
    assert type(caught.value).__name__ == "UnusableModel"


@pytest.mark.parametrize("name", registry.BACKBONES)
def test_a_card_says_what_the_network_is(name):
    card = registry.get(name)
    assert card.summary.endswith(".") and card.licence and (card.source or name == "raw")
    assert {role for one in card.inputs for role in one.roles} <= set(ROLES)
    if not card.inputs:
        return
    if card.requirements:
        assert card.weights is not None and card.weights.name == name and card.weights.megabytes
        assert card.weights.repo_id or card.weights.url
    assert card.patch_px and card.tile_px and card.tile_px % card.patch_px == 0 and card.embed_dim


def test_the_onnx_twin_agrees(name, first, bands, tools, tmp_path):
    """Told by components in random directions, in which a difference in any dimension would show."""
    pytest.importorskip("onnx")
    backbone = first
    if not hasattr(backbone, "module"):
        assert registry.get(name).builder.split(":")[0] not in (
            "timm_model",
            "croma",
            "smarties",
            "galileo",
            "coralnet",
        )
        pytest.skip("not a network of torch")
    from quadrat.models import twin

    values, valid = batch(backbone, tools.scene(bands), 3)
    valid[:, :9, :11] = False
    values *= valid[:, None]
    expected, module = backbone(values, valid), backbone.module()
    axes = np.random.default_rng(0).normal(size=(5, backbone.embed_dim)).astype(np.float32)
    middle = expected.mean(axis=(0, 2, 3))
    expected = np.einsum("kd,bdhw->bkhw", axes, expected - middle[:, None, None])
    module = twin.Projected(module, middle, axes)
    side, path = backbone.tile_size_px, tmp_path / "twin.onnx"
    twin.export(module, path, (bands, side, side), twin.notes_of(backbone.raw_fill(), side, {}))
    again = tools.build("onnx", tools.request_for(values[0], model=str(path)))
    np.testing.assert_allclose(again(values, valid), expected, atol=1e-4 * max(1, np.abs(expected).max()))
