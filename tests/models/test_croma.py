"""CROMA behind the contract: what it gives, and that it takes the official file and nothing else."""

import dataclasses
import functools
import importlib.util

import numpy as np
import pytest
from quadrat.models import registry, spectrum
from quadrat.models.cards.croma import CARDS
from quadrat.models.contract import BuildRequest
from quadrat.models.errors import MissingLibrary, OutOfMemory, UnusableModel, WeightsNotFound
from quadrat.models.spectrum import OPTICAL, RADAR

torch = pytest.importorskip("torch")

from quadrat.models.definitions import croma  # noqa: E402
from quadrat.models.networks.croma import MODALITIES, Croma  # noqa: E402

TINY = {"base": croma.Size(16, 2, 4), "large": croma.Size(32, 4, 4)}
BANDS = {"radar": 2, "optical": 12, "joint": 14}


def official(size="base", seed=0):
    """Names and shapes of the published files, written out apart from the network: dict of state dicts."""
    return {group: dict(named) for group, named in _made(size, seed).items()}


@functools.cache
def _made(size, seed):
    dim, depth = TINY[size].dim, TINY[size].depth
    norm = {"weight": (dim,), "bias": (dim,)}
    linear = {"weight": (dim, dim), "bias": (dim,)}

    def under(prefix, shapes):
        return {f"{prefix}.{name}": shape for name, shape in shapes.items()}

    def own(place):
        to_qkv = {f"{place}.to_qkv.weight": (3 * dim, dim)}
        return {**to_qkv, **under(f"{place}.to_out", linear), **under(f"{place}.input_norm", norm)}

    def feed(place):
        wide = {"net.0.weight": (4 * dim, dim), "net.0.bias": (4 * dim,), "net.3.weight": (dim, 4 * dim)}
        return under(place, {**wide, "net.3.bias": (dim,), **under("input_norm", norm)})

    def cross(place):
        three = {f"to_{name}.weight": (dim, dim) for name in "qkv"}
        return under(place, {**three, **under("to_out", linear), **under("input_norm", norm)})

    def encoder(bands, blocks):
        shapes = {"linear_input.weight": (dim, 64 * bands), "linear_input.bias": (dim,)}
        for block in range(blocks):
            shapes |= own(f"transformer.layers.{block}.0") | feed(f"transformer.layers.{block}.1")
        return shapes | under("transformer.norm_out", norm)

    joint = under("norm_out", norm)
    for block in range(depth // 2):
        joint |= own(f"layers.{block}.0") | cross(f"layers.{block}.1") | feed(f"layers.{block}.2")
    head = {**under("0", norm), "1.weight": (4 * dim, dim), "1.bias": (4 * dim,)}
    head |= {"3.weight": (dim, 4 * dim), "3.bias": (dim,)}
    groups = {"s1_encoder": encoder(2, depth // 2), "s2_encoder": encoder(12, depth), "joint_encoder": joint}
    groups |= {"s1_GAP_FFN": head, "s2_GAP_FFN": head}
    random = torch.Generator().manual_seed(seed)
    return {
        group: {name: torch.randn(shape, generator=random) * 2 / shape[-1] ** 0.5 for name, shape in shapes.items()}
        for group, shapes in groups.items()
    }


@pytest.fixture
def tiny(monkeypatch):
    for size, facts in TINY.items():
        monkeypatch.setitem(croma.SIZES, size, facts)


@pytest.fixture
def file(tmp_path, tiny):
    """Path of tiny weights in the official layout."""
    path = tmp_path / "CROMA_base.pt"
    torch.save(official(), path)
    return path


@pytest.fixture
def ask(file, tools):
    """A function that makes a request; options are passed on."""

    def make(modality="joint", values=None, valid=None, **options):
        values = tools.scene(BANDS[modality]) if values is None else values
        standard = {"patch_size_px": 0, "tile_size_px": 24, "weights": str(file), "card": CARDS[0], "device": "cpu"}
        return tools.request_for(values, valid, **{**standard, **options})

    return make


def batch(tools, modality="joint", side=24, count=2):
    tiles = np.stack([tools.scene(BANDS[modality], side, side, seed) for seed in range(count)])
    return tiles, np.ones((count, side, side), bool)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards_are_complete(card):
    assert [len(each.roles) for each in card.inputs] == list(MODALITIES.values())
    assert card.inputs[0].roles == OPTICAL + RADAR
    assert all(role in spectrum.ROLES for each in card.inputs for role in each.roles)
    assert card.weights.name == card.name
    assert card.licence.startswith("MIT") and "2311.00566" in card.source
    assert (card.patch_px, card.tile_px) == (croma.PATCH_PX, croma.TILE_PX)
    assert card.builder == "croma:build"
    if card.name in registry.BACKBONES:
        assert registry.get(card.name) is card


@pytest.mark.parametrize(("modality", "tile"), [("radar", 160), ("optical", 64), ("joint", 120)])
def test_any_multiple_of_eight(modality, tile, ask, tools):
    backbone = croma.build(ask(modality, tile_size_px=tile))
    assert (backbone.tile_size_px, backbone.patch_size_px, backbone.embed_dim) == (tile, 8, 16)
    values, valid = batch(tools, modality, tile)
    maps = backbone(values, valid)
    assert maps.shape == (2, 16, tile // 8, tile // 8) and maps.dtype == np.float32
    assert np.isfinite(maps).all() and maps.std() > 0.1
    oblong = backbone(values[:, :, :24], valid[:, :24])
    assert oblong.shape == (2, 16, 3, tile // 8)
    assert backbone.pooled(values[:, :, :19, :3], valid[:, :19, :3]).shape == (2, 16)
    assert croma.build(ask(modality, tile_size_px=0)).tile_size_px == 120


def test_tokens_lie_where_their_pixels_do(ask, tools):
    backbone = croma.build(ask("optical"))
    values, valid = batch(tools, "optical", 40, 1)
    changed = values.copy()
    changed[:, :, 8:16, 24:32] += 1
    effect = np.abs(backbone(changed, valid) - backbone(values, valid)).sum(axis=(0, 1))
    assert np.unravel_index(effect.argmax(), effect.shape) == (1, 3)


def test_mean_of_the_joint_map_is_its_vector_and_heads_serve_the_others(ask, tools):
    for modality in BANDS:
        backbone = croma.build(ask(modality))
        values, valid = batch(tools, modality)
        mean, pooled = backbone(values, valid).mean(axis=(2, 3)), backbone.pooled(values, valid)
        assert np.allclose(mean, pooled, atol=1e-5) == (modality == "joint")


def test_one_sensor_alone_gives_what_it_gives_within_both(ask, tools):
    values, valid = batch(tools)
    joint = croma.build(ask())
    scaled = torch.from_numpy(joint._scale(values, valid))
    found = joint._network.encodings(scaled)
    for modality, bands in (("optical", slice(0, 12)), ("radar", slice(12, 14))):
        alone = croma.build(ask(modality, values=tools.scene(14)[bands]))
        tokens = found[modality].transpose(1, 2).reshape(2, 16, 3, 3)
        np.testing.assert_allclose(alone(values[:, bands], valid), tokens, atol=1e-5)
        np.testing.assert_allclose(alone.pooled(values[:, bands], valid), found[f"{modality}_pooled"], atol=1e-5)


@pytest.mark.parametrize("scaling", ["auto", "batch"])
def test_repeats_and_is_restored_from_its_state(scaling, ask, tools):
    first = croma.build(ask(scaling=scaling))
    stored = {name: np.array(array) for name, array in first.state().items()}
    values, valid = batch(tools)
    for again in (
        croma.build(ask(scaling=scaling, threads=2, seed=5)),
        croma.build(ask(values=tools.scene(14, seed=9), state=stored)),
    ):
        assert again.identity == first.identity
        np.testing.assert_allclose(again(values, valid), first(values, valid), atol=1e-5)
    np.testing.assert_array_equal(first(values, valid), first(values, valid))


def test_identity_tells_modality_statistics_and_weights_apart(ask, tools, tmp_path):
    other = tmp_path / "other.pt"
    torch.save(official(seed=1), other)
    scene = tools.scene(14)
    requests = [ask(), ask(scaling="batch"), ask("optical", values=scene[:12]), ask("radar", values=scene[12:])]
    requests += [ask(values=scene * 2), ask(weights=str(other)), ask("radar", scaling="batch")]
    assert len({croma.build(each).identity for each in requests}) == len(requests)
    assert croma.build(ask(tile_size_px=64)).identity == croma.build(ask()).identity


def test_layer_statistics_reach_from_minus_to_plus_two_deviations(ask, tools):
    scene, valid = tools.scene(2), np.ones((72, 60), bool)
    valid[:30] = False
    state = croma.build(ask("radar", scene, valid)).state()
    inside = scene[:, valid].astype(np.float64)
    mean, spread = inside.mean(axis=1), inside.std(axis=1, ddof=1)
    np.testing.assert_allclose(state["low"], mean - 2 * spread, rtol=1e-5)
    np.testing.assert_allclose(state["high"], mean + 2 * spread, rtol=1e-5)
    scale = croma.band_range(ask("radar", scene, valid))
    levels = np.stack([mean - 3 * spread, mean, mean + spread, mean + 3 * spread], axis=1)[None, :, None]
    shown = scale(levels.astype(np.float32), np.ones((1, 1, 4), bool))[0, :, 0]
    np.testing.assert_allclose(shown, [[0, 0.5, 0.75, 1]] * 2, atol=1e-5)


def test_published_scaling_is_of_the_batch_and_cut_to_eight_bits(ask, tools):
    values, _ = batch(tools, "radar")
    scale = croma.band_range(ask("radar", scaling="batch")).on(torch.from_numpy)
    assert scale.eight_bit and scale.per_batch
    found = scale(torch.from_numpy(values), None).numpy()
    mean, spread = values.mean(axis=(0, 2, 3), dtype=float), values.std(axis=(0, 2, 3), dtype=float, ddof=1)
    exact = (values - (mean - 2 * spread)[:, None, None]) / (4 * spread)[:, None, None]
    smooth = dataclasses.replace(scale, eight_bit=False)(torch.from_numpy(values), None).numpy()
    np.testing.assert_allclose(smooth, np.clip(exact, 0, 1), atol=1e-5)
    steps = np.round(found * 255)
    np.testing.assert_allclose(found * 255, steps, atol=1e-4)
    assert (steps <= smooth * 255 + 1e-3).all() and (steps > smooth * 255 - 1.001).all()


@pytest.mark.parametrize("scaling", ["auto", "batch"])
def test_invalid_pixels_and_constant_bands_are_the_mean(scaling, ask, tools):
    values, valid = batch(tools, "radar")
    values[:, 0] = 0.1
    valid[:, 5:15, 3:] = False
    backbone = croma.build(ask("radar", values[0], valid[0], scaling=scaling))
    scaled = backbone._scaled(torch.from_numpy(values), torch.from_numpy(valid)).numpy()
    half = 127 / 255 if scaling == "batch" else 0.5
    np.testing.assert_allclose(scaled[:, 0][valid], half, atol=1e-6)
    assert (scaled[:, :, 5:15, 3:] == 0.5).all()
    dirty = np.where(valid[:, None], values, np.float32(1e6))
    np.testing.assert_array_equal(backbone(dirty, valid), backbone(values, valid))
    nothing = np.zeros_like(valid)
    one = nothing.copy()
    one[0, 3, 4] = True
    for few in (nothing, one):
        lost = croma.build(ask("radar", values[0], few[0], scaling=scaling))
        for mask in (few, valid):
            assert np.isfinite(lost(values, mask)).all() and np.isfinite(lost.pooled(values, mask)).all()


def test_official_layout_round_trips(file, tmp_path, ask, tools):
    from safetensors.torch import save_file

    groups = official()
    flat = {f"{group}.{name}": value for group, named in groups.items() for name, value in named.items()}
    assert {name: tuple(value.shape) for name, value in flat.items()} == croma._shapes("base")
    for name, value in croma._load("base", "joint", file).state_dict().items():
        assert torch.equal(value, flat[name])
    save_file(flat, tmp_path / "CROMA_base.safetensors")
    torch.save(flat, tmp_path / "flat.pt")
    values, valid = batch(tools)
    expected = croma.build(ask())(values, valid)
    for name in ("CROMA_base.safetensors", "flat.pt"):
        copy = croma.build(ask(weights=str(tmp_path / name)))
        np.testing.assert_array_equal(copy(values, valid), expected)
    torch.save({group: {name: each.half() for name, each in named.items()} for group, named in groups.items()}, file)
    np.testing.assert_allclose(croma.build(ask())(values, valid), expected, atol=0.1)


def spoil(how):
    """Groups with one thing wrong, and what the sentence must say."""
    groups = official("large" if how == "large" else "base")
    if how == "no part":
        del groups["joint_encoder"]
    elif how == "foreign part":
        groups["decoder"] = {"a": torch.ones(1)}
    elif how == "missing":
        del groups["s2_encoder"]["transformer.layers.1.0.to_qkv.weight"]
    elif how == "foreign":
        groups["s1_encoder"]["position"] = torch.ones(1)
    elif how == "shape":
        groups["s1_GAP_FFN"]["3.bias"] = torch.ones(15)
    elif how == "whole numbers":
        groups["s1_GAP_FFN"]["3.bias"] = torch.ones(16, dtype=torch.int64)
    return groups


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("large", r"holds CROMA large, but CROMA base is asked for\. Choose the backbone croma-large, or .*base\.pt"),
        ("no part", r"lacks the part 'joint_encoder'\. Choose the file CROMA_base\.pt"),
        ("foreign part", r"holds a foreign part 'decoder'"),
        ("missing", r"lacks the tensor 's2_encoder\.transformer\.layers\.1\.0\.to_qkv\.weight'"),
        ("foreign", r"holds a foreign tensor 's1_encoder\.position'"),
        ("shape", r"its 's1_GAP_FFN\.3\.bias' is 15 instead of 16"),
        ("whole numbers", r"its 's1_GAP_FFN\.3\.bias' holds whole numbers"),
    ],
)
@pytest.mark.parametrize("modality", ["radar", "joint"])
def test_other_weights_are_refused(how, sentence, modality, file, ask):
    torch.save(spoil(how), file)
    with pytest.raises(UnusableModel, match=sentence) as caught:
        croma.build(ask(modality))
    assert str(caught.value).count("\n") == 0 and str(file) in str(caught.value)


def test_base_given_for_large_is_refused(ask):
    with pytest.raises(UnusableModel, match=r"holds CROMA base, but CROMA large is asked for"):
        croma.build(ask(card=CARDS[1]))


class Evil:
    def __init__(self, flag):
        self.flag = flag

    def __reduce__(self):
        return open, (str(self.flag), "w")


def test_damaged_files_and_code_are_refused(file, ask, tmp_path):
    whole = file.read_bytes()
    for share in (0.0, 0.4, 0.95):
        file.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnusableModel, match="damaged or cut short"):
            croma.build(ask())
    flag = tmp_path / "ran"
    torch.save(official() | {"more": Evil(flag)}, file)
    with pytest.raises(UnusableModel, match="refused"):
        croma.build(ask())
    assert not flag.exists()
    for content, sentence in (([1], "no named tensors"), ({}, "no named tensors"), ({"epoch": 3}, "'epoch'")):
        torch.save(content, file)
        with pytest.raises(UnusableModel, match=sentence):
            croma.build(ask())
    torch.save(official() | {"s1_encoder": {"note": "text"}}, file)
    with pytest.raises(UnusableModel, match=r"'s1_encoder\.note', which is not a tensor"):
        croma.build(ask())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tile_size_px": 100}, r"multiple of 8 px, not 100\. Set 96, or 0 for 120"),
        ({"tile_size_px": 5}, r"multiple of 8 px, not 5\. Set 8,"),
        ({"patch_size_px": 4}, r"cells of 8 px, not 4\. Choose 8 or 0"),
        ({"scaling": "percentiles"}, r"scaling 'percentiles' does not fit it\. Set .* 'auto'"),
        ({"scaling": "dtype"}, r"scaling 'dtype' does not fit"),
        ({"scaling": "none"}, r"scaling 'none' does not fit"),
        ({"model": "huge"}, r"no CROMA 'huge'\. Choose base or large"),
        ({"card": None}, r"no CROMA ''\. Choose base or large"),
        ({"roles": (*OPTICAL[:3], "nir", *OPTICAL[4:], *RADAR)}, r"Band 4 must be 'red' for CROMA, but it is 'nir'"),
        ({"roles": (*RADAR, *OPTICAL)}, r"Band 1 must be 'coastal' for CROMA, but it is 'vv'\. Give the bands in"),
        ({"state": {"low": np.zeros(12), "high": np.ones(12)}}, r"made from 12 bands, but the raster has 14"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(options, sentence, ask):
    with pytest.raises(UnusableModel, match=sentence):
        croma.build(ask(**options))


@pytest.mark.parametrize("bands", [1, 3, 10, 13])
def test_other_numbers_of_bands_are_refused(bands, ask, tools):
    with pytest.raises(UnusableModel, match=rf"12 bands of Sentinel-2.*vv, vh.*but {bands} are given\. Choose"):
        croma.build(ask(values=tools.scene(bands)))


def test_missing_weights_name_size_and_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    request = BuildRequest(in_chans=2, sample=lambda: iter(()), patch_size_px=0, card=CARDS[1])
    with pytest.raises(WeightsNotFound, match=r"croma-large, about 2690 MB, licence MIT .*antofuller/CROMA.*"):
        croma.build(request)


def test_unknown_roles_and_a_name_instead_of_a_card_will_do(ask):
    roles = ("", *OPTICAL[1:], "vv", "")
    named = croma.build(ask(card=None, model="base", roles=roles))
    assert named.identity == croma.build(ask()).identity


def test_no_torch_and_no_memory_are_sentences(ask, tools, monkeypatch):
    backbone = croma.build(ask("radar"))

    def full(self, pixels):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    with monkeypatch.context() as patch:
        patch.setattr(Croma, "forward", full)
        with pytest.raises(OutOfMemory, match="do not fit into memory"):
            backbone(*batch(tools, "radar"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match="needs torch"):
        croma.build(ask())
