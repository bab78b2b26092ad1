"""The network of CROMA gives the published numbers, has the published size, and agrees with its ONNX export."""

import warnings

import numpy as np
import pytest
from quadrat.models.cards.croma import CARDS

torch = pytest.importorskip("torch")

from quadrat.models.definitions import croma  # noqa: E402
from quadrat.models.networks.croma import MODALITIES, Croma, distance_bias  # noqa: E402

# Of the network below, by the authors' program (revision 59505a6 of their repository) with the same weights and
# pixels: the first two dimensions of the second tile's map, and the first six of its vector.
PUBLISHED = {
    "radar": (
        [
            [[-1.791109, -1.96256, -1.428424], [-1.690095, -1.962849, -1.842036], [-1.238276, -1.970665, -1.659856]],
            [[0.163588, 0.304025, 0.484758], [0.213207, 0.434105, 1.06676], [-0.431946, 0.762239, 0.933275]],
        ],
        [1.430612, -0.373364, 0.386422, 5.1774, -0.724084, 1.865064],
    ),
    "optical": (
        [
            [[-0.071327, -0.344432, 0.022295], [-0.000281, -0.528889, -0.139326], [-0.355855, 0.104514, -0.407219]],
            [[0.092574, 0.264396, 0.259501], [0.266129, -0.100647, 0.186785], [0.344431, -0.262172, -0.183795]],
        ],
        [-1.554875, -0.15618, -1.134798, -0.208247, 0.068714, 4.385764],
    ),
    "joint": (
        [
            [[1.089663, 1.038886, 1.234582], [1.154317, 1.049839, 1.119668], [1.386944, 1.056742, 1.098288]],
            [[0.517016, 0.539999, 0.489238], [0.524222, 0.549562, 0.668236], [0.372219, 0.632639, 0.629342]],
        ],
        [1.136548, 0.546941, -0.693052, 0.008749, -1.554583, 1.566955],
    ),
}


def numbers(shape, phase=0):
    """-1..1, the same on every machine."""
    place = np.arange(np.prod(shape, dtype=int))
    return ((31 * place * place + 7 * place + phase) % 1009 / 504 - 1).reshape(shape)


def weight(name, shape):
    values = numbers(shape, sum(name.encode()))
    values = values * 3 / np.sqrt(shape[-1]) if len(shape) > 1 else values * 0.3 + name.endswith("weight")
    return torch.from_numpy(values.astype(np.float32))


def pixels(modality):
    every = (numbers((2, 14, 24, 24)) + 1) / 2 * np.linspace(0, 1, 24)
    first = 12 if modality == "radar" else 0
    return torch.from_numpy(every[:, first : first + MODALITIES[modality]].astype(np.float32))


def network(modality):
    net = Croma(16, 2, 4, modality).eval().requires_grad_(False)
    net.load_state_dict({name: weight(name, value.shape) for name, value in net.state_dict().items()})
    return net


@pytest.mark.parametrize("modality", MODALITIES)
def test_network_gives_the_published_numbers(modality):
    maps, pooled = network(modality)(pixels(modality))
    assert maps.shape == (2, 16, 3, 3) and pooled.shape == (2, 16)
    expected_map, expected_pooled = PUBLISHED[modality]
    np.testing.assert_allclose(maps[1, :2], expected_map, atol=1e-5)
    np.testing.assert_allclose(pooled[1, :6], expected_pooled, atol=1e-5)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_number_of_parameters(card):
    facts = croma.SIZES[card.model]
    with torch.device("meta"):
        whole = Croma(facts.dim, facts.depth, facts.heads)
    assert sum(each.numel() for each in whole.parameters()) == card.weights.parameters
    assert card.weights.parameters == {"base": 194_365_440, "large": 672_557_056}[card.model]
    assert not list(whole.buffers())
    assert card.embed_dim == facts.dim


def test_bias_falls_with_distance_and_depends_on_the_grid_only():
    slopes = 2.0 ** (-np.arange(1, 17) / 2)
    bias = distance_bias(16, 15, 15)
    np.testing.assert_allclose(bias[:, 0, 1], -slopes, rtol=1e-6)
    np.testing.assert_allclose(bias[:, 0, 16], -slopes * np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(bias[:, 0, 224], -slopes * 14 * np.sqrt(2), rtol=1e-6)
    np.testing.assert_array_equal(bias, bias.transpose(0, 2, 1))
    # The upper left 8 x 8 patches of a larger grid see one another as those of a grid of 8 x 8 do.
    corner = bias.reshape(16, 15, 15, 15, 15)[:, :8, :8, :8, :8].reshape(16, 64, 64)
    np.testing.assert_array_equal(corner, distance_bias(16, 8, 8))
    assert distance_bias(4, 2, 3)[0, 0, 3] == -0.25


def test_onnx_agrees(tmp_path):
    """Of one sensor; that both agree is told by the contract."""
    modality = "radar"
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    net, path = network(modality), str(tmp_path / "croma.onnx")
    names = ["pixels", "map", "pooled"]
    with warnings.catch_warnings():
        # The tile's size is meant to be constant; the exporter warns of that, and of being the older one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (pixels(modality)[:1],), path, input_names=names[:1], output_names=names[1:], opset_version=17,
            dynamic_axes={name: {0: "n"} for name in names}, dynamo=False,
        )  # fmt: skip
    found = onnxruntime.InferenceSession(path).run(None, {"pixels": pixels(modality).numpy()})
    for one, other in zip(found, net(pixels(modality))):
        np.testing.assert_allclose(one, other, atol=1e-4)
