"""SMARTIES: numbers of the authors' code on the same weights, bands chosen by role or wavelength, and the contract."""

import functools
import importlib.util

import numpy as np
import pytest
from quadrat.models.cards.smarties import CARDS
from quadrat.models.errors import ModelError, UnusableModel, WeightsNotFound
from quadrat.models.networks.smarties_spectrum import RANGES, ranges_of
from quadrat.models.spectrum import OPTICAL

torch = pytest.importorskip("torch")
if importlib.util.find_spec("timm") is None:
    pytest.skip("timm is not installed", allow_module_level=True)

TINY = (16, 2, 2)
"""Width, depth and heads of the transformer of these tests."""
LANDSAT = ("coastal", "blue", "green", "red", "nir_narrow", "swir1", "swir2", "thermal")
REFERENCE = {
    # First 4 dimensions of the patch in row 3, column 9; last 2 of that in row 12, column 0; first 4 of the mean.
    "Sentinel-2": (
        OPTICAL,
        (-0.62503, 0.57078, -0.3336, -2.97521, -1.81252, -0.44302, -0.12335, 0.10527, -0.18488, -0.15035),
    ),
    "Sentinel-1": (
        ("vv", "vh"),
        (1.59952, 0.04669, 0.90928, -0.88438, 0.08193, -0.1261, -0.20581, 0.0802, -0.05963, -0.08427),
    ),
    "colour": (
        ("red", "green", "blue"),
        (1.44681, -0.63697, 1.04846, -1.11986, -0.02889, 1.60281, -0.27146, 0.17963, -0.03057, -0.08843),
    ),
    "Landsat": (
        LANDSAT,
        (0.97349, 1.02452, -0.06842, -0.24009, -0.43667, -0.36548, -0.08525, -0.00277, -0.13115, -0.13708),
    ),
}


@functools.cache
def positions(dim, side):
    """(1, 1 + side * side, dim) sines and cosines, written down once more."""
    found = np.zeros((1, 1 + side * side, dim), np.float32)
    for row in range(side):
        for col in range(side):
            for number in range(dim // 4):
                frequency = 1 / 10000 ** (number / (dim / 4))
                token = found[0, 1 + row * side + col]
                token[number :: dim // 4] = [f(frequency * p) for p in (col, row) for f in (np.sin, np.cos)]
    return found


def official(size=TINY, decoder=True):
    """Seeded tensors named and shaped as in the official file; its decoder smaller."""
    return dict(_made(size, decoder))


@functools.cache
def _made(size, decoder):
    dim, depth, _ = size
    shapes = {"cls_token": (1, 1, dim), "norm.weight": (dim,), "norm.bias": (dim,)}
    for index in range(17):
        name = f"spectrum_projection.spectrum_embeds.{index}.proj"
        shapes |= {f"{name}.weight": (dim, 256), f"{name}.bias": (dim,)}
    for index in range(depth):
        shapes |= block(f"blocks.{index}", dim)
    if decoder:
        shapes |= {"mask_token": (1, 1, 8), "decoder_embed.weight": (8, dim), "decoder_norm.bias": (8,)}
    rng = np.random.default_rng(11)
    made = {name: rng.standard_normal(shape) * (0.3 if len(shape) > 1 else 0.1) for name, shape in shapes.items()}
    made |= {name: 1 + array for name, array in made.items() if name.endswith(("norm.weight", "1.weight", "2.weight"))
             and array.ndim == 1}  # fmt: skip
    made["pos_embed"] = positions(dim, 14)
    return {name: torch.from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in made.items()}


def block(name, dim):
    shapes = {f"{name}.attn.qkv.weight": (3 * dim, dim), f"{name}.attn.qkv.bias": (3 * dim,)}
    shapes |= {f"{name}.attn.proj.weight": (dim, dim), f"{name}.attn.proj.bias": (dim,)}
    shapes |= {f"{name}.mlp.fc1.weight": (4 * dim, dim), f"{name}.mlp.fc1.bias": (4 * dim,)}
    shapes |= {f"{name}.mlp.fc2.weight": (dim, 4 * dim), f"{name}.mlp.fc2.bias": (dim,)}
    return shapes | {f"{name}.norm{number}.{kind}": (dim,) for number in (1, 2) for kind in ("weight", "bias")}


def waves(bands, side=224):
    """(1, C, side, side) float32, between -1 and 1."""
    row, col = np.mgrid[:side, :side].astype(np.float64)
    waves = [np.sin(row / (3 + band)) * np.cos(col / (5 + 2 * band) + band) for band in range(bands)]
    return np.stack(waves)[None].astype(np.float32)


def save(path, tensors):
    from safetensors.torch import save_file

    save_file(tensors, path)
    return str(path)


@pytest.fixture
def build(tools, tmp_path, monkeypatch):
    """A function that builds the tiny SMARTIES for these roles; options go to the request."""
    from quadrat.models.definitions import smarties

    monkeypatch.setitem(smarties.SIZES, "smarties-base", TINY)
    path = save(tmp_path / "tiny.safetensors", official())

    def make(roles, scene=None, valid=None, **more):
        scene = tools.scene(len(roles)) if scene is None else scene
        given = {"roles": roles, "weights": path, "card": CARDS[0], "patch_size_px": 0, "tile_size_px": 32, **more}
        return smarties.build(tools.request_for(scene, valid, **given))

    return make


@pytest.mark.parametrize("title", REFERENCE)
def test_equals_the_code_of_the_authors(title, build):
    roles, expected = REFERENCE[title]
    backbone = build(roles, scaling="none", tile_size_px=0)
    pixels, valid = waves(len(roles)), np.ones((1, 224, 224), bool)
    found, pooled = backbone(pixels, valid)[0], backbone.pooled(pixels, valid)[0]
    assert (backbone.tile_size_px, backbone.patch_size_px, found.shape) == (224, 16, (16, 14, 14))
    numbers = np.concatenate([found[:4, 3, 9], found[-2:, 12, 0], pooled[:4]])
    np.testing.assert_allclose(numbers, expected, atol=2e-5)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), pooled, atol=1e-5)


def test_positions_are_computed_for_other_grids(build):
    """A tile of another size is not told interpolated positions: its corner gets those of any corner."""
    from quadrat.models.networks.smarties import sine_positions

    np.testing.assert_allclose(sine_positions(16, 14, 14), positions(16, 14), atol=1e-6)
    wide = sine_positions(16, 3, 5)
    assert wide.shape == (1, 16, 16)
    np.testing.assert_array_equal(
        wide[0, 1:].reshape(3, 5, 16), sine_positions(16, 14, 14)[0, 1:].reshape(14, 14, 16)[:3, :5]
    )
    for wish, side in ((0, 224), (32, 32), (45, 48), (5, 16), (160, 160)):
        backbone = build(("vv", "vh"), tile_size_px=wish)
        assert backbone.tile_size_px == side
        assert backbone(waves(2, side), np.ones((1, side, side), bool)).shape == (1, 16, side // 16, side // 16)


def names(roles, wavelengths=(), **options):
    return [band.name for band in ranges_of(len(roles), roles, wavelengths, **options)]


def read_as(backbone):
    return [list(RANGES)[place] for place in backbone.state()["ranges"]]


def test_values_tell_pictures_from_reflectance(build, tools):
    colours, waves_nm = ("red", "green", "blue"), (665, 560, 492)
    scene = np.abs(tools.scene(3)) / 4
    options = {"wavelengths_nm": waves_nm}
    assert read_as(build(colours, scene, **options)) == ["red_1", "green_1", "blue_3"]
    assert read_as(build(colours, scene * 100, **options)) == ["red_2", "green_2", "blue_1"]
    assert read_as(build(colours, scene * 100)) == ["red_1", "green_1", "blue_3"]
    landsat = build(("blue", "nir"), wavelengths_nm=(482, 865))
    again = build(("blue", "nir"), state=landsat.state())
    assert read_as(again) == read_as(landsat) == ["blue_2", "near_infrared_3"]
    assert again.identity == landsat.identity


def test_roles_choose_projections():
    assert [RANGES[name].mix[0][0] for name in names(OPTICAL)] == [0, 1, 4, 6, 7, 8, 10, 9, 11, 12, 13, 14]
    assert [RANGES[name].mix[0][0] for name in names(("vh", "vv"))] == [16, 15]
    assert names(("blue", "red", "green")) == ["blue_3", "red_1", "green_1"]
    assert names(("blue", "red", "green", "nir")) == ["blue_1", "red_2", "green_2", "near_infrared_1"]
    assert names(("blue", "red", "green"), (492, 665, 560)) == ["blue_1", "red_2", "green_2"]
    assert names(("blue", "red", "green"), (460, 640, 560), picture=True) == ["blue_3", "red_1", "green_1"]
    assert names(("blue", "red", "nir"), (460, 640, 830), picture=True) == ["blue_1", "red_2", "near_infrared_1"]
    assert names(LANDSAT)[1] == "blue_2"
    assert names(("blue", "nir"), (482, 865)) == ["blue_2", "near_infrared_3"]
    assert names(("blue", "nir_narrow"), (460, 830)) == ["blue_1", "near_infrared_1"]


def test_wavelengths_choose_projections():
    sentinel = (443, 492, 560, 665, 704, 741, 783, 833, 865, 945, 1614, 2202)
    assert names([""] * 12, sentinel) == names(OPTICAL)
    assert names([""] * 3, (610, 482, 10895)) == ["red_1", "blue_2", "thermal_infrared_1"]


def test_mixed_projections_count_the_farther_one_more_as_published():
    assert RANGES["blue_2"].mix == ((0, pytest.approx(0.79)), (1, pytest.approx(0.21)))
    thermal = dict(RANGES["thermal_infrared_1"].mix)
    assert thermal[15] > 0.999
    assert sum(thermal.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("roles", "wavelengths", "said"),
    [
        (("red", "cirrus"), (), r"Band 2 \('b2'\) is cirrus, for which SMARTIES has no projection"),
        (("red", ""), (), r"Band 2 \('b2'\) has neither a role nor a wavelength"),
        (("", ""), (665, 1240), r"Band 2 \('b2'\), of 1240 nm, lies in none of the ranges"),
        (("red",), (), "1 roles are given for 2 bands"),
    ],
)
def test_bands_that_it_cannot_read_are_named(roles, wavelengths, said):
    with pytest.raises(UnusableModel, match=said):
        ranges_of(2, roles, wavelengths, ("b1", "b2"))


def test_an_order_of_bands_does_not_matter_if_roles_tell_it(build, tools):
    scene = tools.scene(5, 32, 32)
    roles = ("red", "nir", "swir1", "vv", "vh")
    order = [3, 0, 4, 2, 1]
    valid = np.ones((1, 32, 32), bool)
    straight = build(roles, scene)(scene[None], valid)
    mixed = build(tuple(roles[index] for index in order), scene[order])(scene[order][None], valid)
    np.testing.assert_allclose(mixed, straight, atol=2e-5)


def test_statistics_of_the_layer(build, tools):
    scene = tools.scene(2)
    state = build(("vv", "vh"), scene).state()
    low, high = np.percentile(scene, (1, 99), axis=(1, 2))
    inside = np.clip((scene - low[:, None, None]) / (high - low)[:, None, None], 0, 1)
    for name, expected in (("low", low), ("high", high), ("mean", inside.mean((1, 2))), ("std", inside.std((1, 2)))):
        np.testing.assert_allclose(state[name], expected, rtol=1e-4)


def test_published_statistics(build, tools):
    scene = 1000 + 300 * np.random.default_rng(2).standard_normal((12, 32, 32)).astype(np.float32)
    backbone = build(OPTICAL, scene, scaling="published")
    assert backbone.state()["high"][7] == pytest.approx(5529.2628)
    assert backbone.state()["std"][0] == pytest.approx(0.14282256)
    with pytest.raises(ModelError, match=r"optical bands lie outside .* reflectance x 10000"):
        build(OPTICAL, scene / 10000, scaling="published")
    with pytest.raises(ModelError, match=r"'batch' is not for this backbone"):
        build(OPTICAL, scene, scaling="batch")
    with pytest.raises(ModelError, match=r"radar bands lie outside .* decibels"):
        build(("vv", "vh"), scene[:2] / 1000, scaling="published")
    assert build(("vv", "vh"), scene[:2] / -60, scaling="published").state()["low"][0] == pytest.approx(-29.519697)
    colours, bytewise = ("red", "green", "blue"), np.clip(scene[:3] / 8, 0, 255)
    as_bytes = build(colours, bytewise, dtype="uint8", scaling="published")
    as_shares = build(colours, bytewise / 255, scaling="published")
    assert as_bytes.state()["high"][0] == pytest.approx(254.82548)
    np.testing.assert_allclose(as_shares.state()["high"] * 255, as_bytes.state()["high"], rtol=1e-6)
    with pytest.raises(ModelError, match=r"no statistics of the blue band from 452 to 512 nm\."):
        build(LANDSAT, scene[:8], scaling="published")


def test_contract(build, tools):
    scene = tools.scene(3)
    valid = np.ones(scene.shape[1:], bool)
    valid[20:33, 11:30] = valid[:, :3] = False
    first = build(("red", "nir", "vv"), scene, valid)
    values = np.where(valid, scene, 0)[None, :, :64, :32].reshape(2, 3, 32, 32)
    known = np.stack([valid[:32, :32]] * 2)
    values = values * known[:, None]
    found = first(values, known)
    assert found.shape == (2, 16, 2, 2) and np.isfinite(found).all() and found.std() > 0
    assert len(first.band_names) == first.embed_dim == CARDS[0].embed_dim // 48
    np.testing.assert_array_equal(first(values, known), found)
    dirty = np.where(known[:, None], values, np.float32(1e6))
    np.testing.assert_array_equal(first(dirty, known), found)
    np.testing.assert_array_equal(first.pooled(dirty, known), first.pooled(values, known))
    assert np.isfinite(first.pooled(values[:, :, :19, :27], known[:, :19, :27])).all()
    again = build(("red", "nir", "vv"), tools.scene(3, seed=9), state=first.state())
    assert again.identity == first.identity
    np.testing.assert_array_equal(again(values, known), found)
    assert build(("red", "nir", "vh"), scene, valid).identity != first.identity
    assert build(("red", "nir", "vv"), tools.scene(3, seed=9)).identity != first.identity
    with pytest.raises(UnusableModel, match="made from 3 bands, but the raster has 2"):
        build(("vv", "vh"), state=first.state())


def test_nothing_valid_gives_numbers(build, tools):
    backbone = build(("vv", "vh"), valid=np.zeros((72, 60), bool))
    assert np.isfinite(backbone(waves(2, 32), np.zeros((1, 32, 32), bool))).all()


def test_prefix_and_half_precision_are_accepted(build, tools, tmp_path):
    wrapped = save(tmp_path / "w.safetensors", {f"smarties.{name}": tensor for name, tensor in official().items()})
    pixels, valid = waves(2, 32), np.ones((1, 32, 32), bool)
    whole = build(("vv", "vh"))(pixels, valid)
    np.testing.assert_array_equal(build(("vv", "vh"), weights=wrapped)(pixels, valid), whole)
    half = save(tmp_path / "h.safetensors", {name: tensor.bfloat16() for name, tensor in official().items()})
    np.testing.assert_allclose(build(("vv", "vh"), weights=half)(pixels, valid), whole, atol=0.2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"blocks.1.norm1.bias": None}, "lacks 'blocks.1.norm1.bias'"),
        ({"head.weight": torch.zeros(5, 16)}, "holds 'head.weight' besides"),
        ({"spectrum_projection.spectrum_embeds.16.proj.weight": torch.zeros(16, 9)}, r"is \(16, 9\), not \(16, 256\)"),
        ({"pos_embed": torch.zeros(1, 197, 16)}, "positions are not the fixed ones"),
    ],
)  # fmt: skip
def test_other_weights_are_refused(change, said, build, tmp_path):
    tensors = {name: tensor for name, tensor in {**official(), **change}.items() if tensor is not None}
    with pytest.raises(UnusableModel, match=rf"{said}.*smarties-v1-vitb\.safetensors"):
        build(("vv", "vh"), weights=save(tmp_path / "odd.safetensors", tensors))


def test_weights_are_never_random(build, tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    with pytest.raises(WeightsNotFound, match=r"smarties-base, about 466 MB, licence Apache-2\.0.*gsumbul"):
        build(("vv", "vh"), weights="")


@pytest.mark.parametrize(("card", "size"), [(CARDS[0], (768, 12, 12)), (CARDS[1], (1024, 24, 16))])
def test_cards(card, size):
    from quadrat.models.definitions.smarties import SIZES
    from quadrat.models.torch_tools import import_timm

    import_timm()
    from quadrat.models.networks.smarties import Size, official_shapes

    assert SIZES[card.name] == size
    count = sum(int(np.prod(shape)) for shape in official_shapes(Size(*size)).values())
    # The decoder of pretraining: 8 blocks of width 512, a layer in, positions, a mask, a norm, 17 layers out.
    dim = 512
    decoder = 8 * sum(int(np.prod(shape)) for shape in block("", dim).values()) + (size[0] + 1) * dim + 198 * dim
    assert count + decoder + 2 * dim + 17 * 256 * (dim + 1) == card.weights.parameters
    assert (card.embed_dim, card.patch_px, card.tile_px, card.any_bands) == (size[0], 16, 224, True)
    for inputs in card.inputs:
        assert len(ranges_of(len(inputs.roles), inputs.roles, ())) == len(inputs.roles)
