"""CoralNet's EfficientNet-B0: numbers of pyspacer on the same weights, the official layout, and the contract."""

import functools
import importlib.util

import numpy as np
import pytest
from quadrat.models.cards.coralnet import CARDS
from quadrat.models.errors import ModelError, UnusableModel, WeightsNotFound

torch = pytest.importorskip("torch")
if importlib.util.find_spec("timm") is None:
    pytest.skip("timm is not installed", allow_module_level=True)

STAGES = ((1, 3, 1, 32, 16), (2, 3, 6, 16, 24), (2, 5, 6, 24, 40), (3, 3, 6, 40, 80), (3, 5, 6, 80, 112),
          (4, 5, 6, 112, 192), (1, 3, 6, 192, 320))  # fmt: skip
"""Of EfficientNet-B0: blocks, kernel, expansion, width before and after (Tan & Le 2019, table 1)."""
ORDER = ("red", "green", "blue")
REFERENCE = (3.092749, 0.228194, 0.66071, 2.106654, 2.470644, 2.529526, 1.097066, -0.167833, 1.35142, -0.196902)
"""Of pyspacer 0.14: features 0, 128, 256 ... of the picture below."""


def official():
    """Seeded tensors named and shaped as under `net` of the official file."""
    return dict(_made())


@functools.cache
def _made():
    shapes = {"_conv_stem.weight": (32, 3, 3, 3), "_conv_head.weight": (1280, 320, 1, 1)}
    shapes |= {"_fc.weight": (1275, 1280), "_fc.bias": (1275,), **norm("_bn0", 32), **norm("_bn1", 1280)}
    number = 0
    for count, kernel, expansion, before, after in STAGES:
        for _ in range(count):
            shapes |= block(f"_blocks.{number}", kernel, expansion, before, after)
            number, before = number + 1, after
    rng = np.random.default_rng(4)
    return {name: torch.from_numpy(numbers(rng, name, shape)) for name, shape in shapes.items()}


def block(name, kernel, expansion, before, after):
    wide = before * expansion
    shapes = (
        {f"{name}._expand_conv.weight": (wide, before, 1, 1), **norm(f"{name}._bn0", wide)} if expansion > 1 else {}
    )
    shapes |= {f"{name}._depthwise_conv.weight": (wide, 1, kernel, kernel), **norm(f"{name}._bn1", wide)}
    few = before // 4
    shapes |= {f"{name}._se_reduce.weight": (few, wide, 1, 1), f"{name}._se_reduce.bias": (few,)}
    shapes |= {f"{name}._se_expand.weight": (wide, few, 1, 1), f"{name}._se_expand.bias": (wide,)}
    return shapes | {f"{name}._project_conv.weight": (after, wide, 1, 1), **norm(f"{name}._bn2", after)}


def norm(name, width):
    shapes = {f"{name}.{kind}": (width,) for kind in ("weight", "bias", "running_mean", "running_var")}
    return {**shapes, f"{name}.num_batches_tracked": ()}


def numbers(rng, name, shape):
    """Such that the picture still shows after 16 blocks."""
    if name.endswith("num_batches_tracked"):
        return np.array(7, np.int64)
    if len(shape) > 1:
        return (0.8 * rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
    centre, spread = {"_var": (0.27, 0.05), "ight": (1, 0.1)}.get(name[-4:], (0, 0.1))
    return (centre + spread * rng.standard_normal(shape)).clip(0.1 if centre else -9).astype(np.float32)


def picture(side=224):
    """(3, side, side) float32, whole numbers of a byte."""
    row, col = np.mgrid[:side, :side]
    waves = [127 + 60 * np.sin(row / (4 + band)) + 60 * np.cos((row + (2 + band) * col) / 9) for band in range(3)]
    return np.floor(waves).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The official file: tensors of a network in parallel, and numbers of numpy beside them."""
    path = tmp_path_factory.mktemp("coralnet") / "efficientnet_b0_ver1.pt"
    net = {f"module.{name}": tensor for name, tensor in official().items()}
    torch.save({"net": net, "epoch": np.int64(3), "acc": np.float64(0.8), "lr": 1e-3}, path)
    return str(path)


@pytest.fixture
def build(tools, weights):
    """A function that builds the network; options go to the request."""
    from quadrat.models.definitions import coralnet

    def make(scene=None, valid=None, **more):
        scene = picture(64) if scene is None else scene
        given = {
            "weights": weights, "roles": ORDER, "dtype": "uint8", "patch_size_px": 0, "card": CARDS[0],
            "tile_size_px": 64, **more,
        }  # fmt: skip
        return coralnet.build(tools.request_for(scene, valid, **given))

    return make


def test_equals_pyspacer(build):
    backbone = build(picture(), tile_size_px=0)
    valid = np.ones((1, 224, 224), bool)
    pooled = backbone.pooled(picture()[None], valid)
    found = backbone(picture()[None], valid)
    assert (backbone.tile_size_px, backbone.patch_size_px, backbone.embed_dim) == (224, 32, 1280)
    assert found.shape == (1, 1280, 7, 7)
    np.testing.assert_allclose(pooled[0, ::128], REFERENCE, atol=3e-5)
    np.testing.assert_allclose(found.mean(axis=(2, 3)), pooled, atol=1e-5)


def test_contract(build, tools):
    scene = tools.scene(3, 64, 64)
    valid = np.ones((64, 64), bool)
    valid[20:33, 11:30] = valid[:, :3] = False
    options = {"dtype": "float32", "tile_size_px": 32}
    first = build(scene, valid, **options)
    assert (first.tile_size_px, first.patch_size_px) == (32, 32)
    values, known = (scene * valid)[None], valid[None]
    found = first(values, known)
    assert found.shape == (1, 1280, 2, 2) and np.isfinite(found).all() and found.std() > 0
    assert len(set(first.band_names)) == first.embed_dim == CARDS[0].embed_dim
    np.testing.assert_array_equal(first(values, known), found)
    dirty = np.where(valid, scene, np.float32(1e6))[None]
    np.testing.assert_array_equal(first(dirty, known), found)
    np.testing.assert_array_equal(first.pooled(dirty, known), first.pooled(values, known))
    assert first.pooled(values[:, :, :50, :41], known[:, :50, :41]).shape == (1, 1280)
    again = build(scene * 2, state=first.state(), **options)
    assert again.identity == first.identity
    np.testing.assert_array_equal(again(values, known), found)
    assert build(scene * 2, valid, **options).identity != first.identity


def test_bytes_are_divided_by_255_and_nothing_else(build):
    bytewise, pixels = build(), picture(64)
    state = bytewise.state()
    assert (set(state["low"]), set(state["high"])) == ({0.0}, {255.0})
    unit = build(pixels / 255, dtype="float32", scaling="none")
    valid = np.ones((1, 64, 64), bool)
    expected = bytewise.pooled(pixels[None], valid)
    np.testing.assert_allclose(unit.pooled(pixels[None] / np.float32(255), valid), expected, atol=1e-6)


@pytest.mark.parametrize("roles", [("blue", "green", "red"), ("red", "green", "nir"), ("red", "green", "blue", "nir")])
def test_other_bands_are_refused(roles, build, tools):
    with pytest.raises(UnusableModel, match=f"reads red, green and blue, in this order, but it is given {roles[0]}"):
        build(tools.scene(len(roles)), roles=roles)
    with pytest.raises(UnusableModel, match="it is given 1 bands"):
        build(tools.scene(1), roles=())


def test_files_of_old_torch_and_without_classifier(build, tmp_path):
    from safetensors.torch import save_file

    lean = {name: tensor for name, tensor in official().items() if "num_batches" not in name and "_fc." not in name}
    save_file(lean, tmp_path / "lean.safetensors")
    pixels, valid = picture(64)[None], np.ones((1, 64, 64), bool)
    found = build(weights=str(tmp_path / "lean.safetensors"))(pixels, valid)
    np.testing.assert_array_equal(found, build()(pixels, valid))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"_blocks.15._bn2.running_var": None}, "lacks '_blocks.15._bn2.running_var'"),
        ({"_blocks.16._bn2.weight": torch.zeros(320)}, "holds '_blocks.16._bn2.weight' besides"),
        ({"_fc.bias": torch.zeros(1000)}, r"'_fc.bias' is \(1000,\), not \(1275,\)"),
    ],
)
def test_other_weights_are_refused(change, said, build, tmp_path):
    tensors = {name: tensor for name, tensor in {**official(), **change}.items() if tensor is not None}
    torch.save({"net": tensors}, tmp_path / "odd.pt")
    with pytest.raises(UnusableModel, match=rf"{said}.*efficientnet_b0_ver1\.pt"):
        build(weights=str(tmp_path / "odd.pt"))


class Evil:
    """What a hostile pickle would do at loading."""

    def __init__(self, flag):
        self.flag = flag

    def __reduce__(self):
        return open, (str(self.flag), "w")


def test_code_and_cut_files_are_refused(build, weights, tmp_path):
    path, flag = tmp_path / "evil.pt", tmp_path / "ran"
    torch.save({"net": {"_fc.bias": torch.zeros(3)}, "epoch": Evil(flag)}, path)
    with pytest.raises(UnusableModel, match="Python code"):
        build(weights=str(path))
    assert not flag.exists()
    torch.save({"net": {"_fc.bias": 3}}, path)
    with pytest.raises(UnusableModel, match=r"'_fc\.bias', which is not a tensor"):
        build(weights=str(path))
    with open(weights, "rb") as whole:
        path.write_bytes(whole.read(5_000_000))
    with pytest.raises(UnusableModel, match="damaged or cut short"):
        build(weights=str(path))


def test_weights_are_never_random(build, tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    with pytest.raises(WeightsNotFound, match=r"coralnet-efficientnet-b0, about 23 MB, licence not stated"):
        build(weights="")


def test_card():
    from quadrat.models.definitions import coralnet
    from quadrat.models.torch_tools import import_timm

    card = CARDS[0]
    with torch.device("meta"):
        network = import_timm().create_model(coralnet.ARCHITECTURE, num_classes=1275)
    assert sum(each.numel() for each in network.parameters()) == card.weights.parameters
    assert network.num_features == card.embed_dim
    network.reset_classifier(0)
    assert {*coralnet.official_names(network), "_fc.weight", "_fc.bias"} == set(official())
    assert card.inputs[0].roles == ORDER and card.tile_px == 224 and card.patch_px == 32


@pytest.mark.parametrize("scaling", ["batch", "published"])
def test_scalings_of_other_networks_are_refused(scaling, build):
    with pytest.raises(ModelError, match="is not for this backbone"):
        build(scaling=scaling)
