"""Transformers for series: the published sizes and numbers, what a date without pixels may change, every pooling."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from quadrat.models.errors import UnusableModel  # noqa: E402
from quadrat.models.networks.series_factorised import Factorised  # noqa: E402
from quadrat.models.networks.series_parts import OVER_DIM, POOLINGS, SeriesSize, initialise, positions  # noqa: E402
from quadrat.models.networks.series_transformer import Spatial, SpatioTemporal  # noqa: E402

OUTPUTS = Path(__file__).parents[1] / "data" / "series_parity" / "outputs.npz"
PUBLISHED = {"st": (SpatioTemporal, 1, 286_941), "s": (Spatial, 2, 279_881)}
SMALL = {"bands": 2, "dates": 4, "cell_px": 4, "patch_px": 2, "dim": 6, "heads": 2, "depth": 2, "output": "linear"}
IN_KERAS = {"projection": (8, 8, 6, 72), "out": (4, 72, 72), "dense1": (72, 288), "dense2": (288, 72)}


def ours(name, shape, values):
    """An array of Keras in the layout of torch."""
    if name.endswith("projection.weight"):
        return values.transpose(3, 2, 0, 1)
    return values.reshape(shape[::-1]).T if len(shape) == 2 else values.reshape(shape)


def weights(net, seed):
    """As the README beside the outputs says."""
    rng, found = np.random.RandomState(seed), {}
    for name, parameter in net.named_parameters():
        shape, layer = tuple(parameter.shape), name.split(".")[-2]
        kernel = len(shape) > 1
        keras = IN_KERAS.get(layer, shape[::-1]) if kernel else shape
        u = rng.uniform(-1, 1, keras)
        if name == "head.weight":
            values = 2 * u
        elif layer == "projection" and kernel:
            values = u / 1000
        elif kernel:
            values = u * np.sqrt(3 / shape[1])
        else:
            values = u / 2 + (name == "head.bias" or (layer.startswith("norm") and name.endswith("weight")))
        found[name] = torch.from_numpy(np.ascontiguousarray(ours(name, shape, values), np.float32))
    return found


def small(kind, **changes):
    net = kind(SeriesSize(**{**SMALL, **changes}))
    initialise(net, 3)
    # Keras starts with norms that make every mean over a token's numbers 0: move what is alike.
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return net.eval().requires_grad_(False)


def series(count=3, dates=4, seed=0):
    return torch.randn((count, dates, 2, 4, 4), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_have_the_published_size_and_numbers(name):
    kind, seed, parameters = PUBLISHED[name]
    net = kind(SeriesSize()).eval().requires_grad_(False)
    assert sum(each.numel() for each in net.parameters()) == parameters
    net.load_state_dict(weights(net, seed))
    pixels = np.random.RandomState(11).randint(0, 256, (3, 21, 6, 32, 32)).astype(np.float32)
    with np.load(OUTPUTS) as stored:
        np.testing.assert_allclose(net(torch.from_numpy(pixels)), stored[name], atol=1e-5)


def test_parts_have_the_published_sizes():
    net = SpatioTemporal(SeriesSize())
    counts = {name: sum(each.numel() for each in part.parameters()) for name, part in net.named_children()}
    assert counts == {"patches": 27_720, "encoder": 2 * 126_000, "norm": 144, "head": 7_077}


def test_positions_run_over_the_whole_sequence():
    found = positions(336, 72)
    assert found.shape == (336, 72)
    for place, number in ((0, 0), (0, 1), (1, 0), (335, 70), (335, 71), (17, 34)):
        angle = place / 10_000 ** (2 * (number // 2) / 72)
        assert found[place, number] == pytest.approx(np.cos(angle) if number % 2 else np.sin(angle), abs=1e-6)


def test_tokens_are_time_major_and_row_by_row():
    net = small(SpatioTemporal)
    pixels = torch.zeros(1, 4, 2, 4, 4)
    still = net.tokens(pixels, None)[0]
    pixels[0, 2, :, 0, 3] = 1.0  # third date, upper right patch
    moved = (net.tokens(pixels, None)[0] - still).abs().sum(dim=2)[0]
    assert torch.nonzero(moved).flatten().tolist() == [2 * 4 + 1]


@pytest.mark.parametrize("kind", [SpatioTemporal, Factorised])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_dates_that_are_not_seen_change_nothing(kind, pooling):
    net, one, other = small(kind, pooling=pooling), series(), series()
    other[:, 1] = 1e6
    other[2, 3] = torch.nan
    seen = torch.tensor([[True, False, True, True]] * 2 + [[True, False, True, False]])
    found = net(one, seen)
    assert found.shape == (3, 4)
    torch.testing.assert_close(net(other, seen), found)
    assert not torch.allclose(net(one), found)
    torch.testing.assert_close(net(one, torch.ones(3, 4, dtype=torch.bool)), net(one))


@pytest.mark.parametrize("kind", [SpatioTemporal, Spatial, Factorised])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_pooling_gives_a_value_for_each_date(kind, pooling):
    """Each of its own: a change at one date moves that date most directly, and S moves nothing else."""
    net, pixels = small(kind, pooling=pooling), series()
    before = net(pixels)
    pixels[:, 2] += 1.0
    moved = (net(pixels) - before).abs()
    assert before.shape == (3, 4) and (moved[:, 2] > 0).all()
    assert (before.std(dim=1) > 0).all()
    if kind is Spatial:
        assert (moved[:, [0, 1, 3]] == 0).all()


@pytest.mark.parametrize("output", ["relu", "softplus"])
def test_bounded_outputs_are_not_negative(output):
    values, bounded = small(SpatioTemporal)(series(40)), small(SpatioTemporal, output=output)(series(40))
    assert values.min() < 0 <= bounded.min()
    assert (output == "softplus") == bool(bounded.min() > 0)


def test_number_of_dates_is_free_for_the_spatial_one_alone():
    net = small(Spatial)
    torch.testing.assert_close(net(series(3, 4))[:, :2], net(series(3, 4)[:, :2]))
    for kind in (SpatioTemporal, Factorised):
        with pytest.raises(UnusableModel, match="trained on 4 dates"):
            small(kind)(series(3, 3))


def test_dropout_is_of_attention_and_in_training_alone():
    net = small(SpatioTemporal, dropout=0.5)
    pixels = series()
    torch.testing.assert_close(net(pixels), net(pixels))
    net.train()
    assert not torch.allclose(net(pixels), net(pixels))


def test_start_is_that_of_keras():
    net = SpatioTemporal(SeriesSize())
    initialise(net, 0)
    bounds = {"patches.projection": 78 * 64, "encoder.blocks.0.dense1": 360, "head": 357}
    bounds |= {"encoder.blocks.1.attention.query": 72 * 76, "encoder.blocks.1.attention.out": 4 * 144}
    for name, fans in bounds.items():
        largest = float(net.get_submodule(name).weight.detach().abs().max())
        assert 0.98 * np.sqrt(6 / fans) < largest <= np.sqrt(6 / fans)
        assert not net.get_submodule(name).bias.any()
    again = SpatioTemporal(SeriesSize())
    initialise(again, 0)
    assert all(torch.equal(one, other) for one, other in zip(net.parameters(), again.parameters()))
    # Hence, before training, the published pooling sees nothing at all.
    assert SeriesSize().pooling == OVER_DIM
    pooled = net.norm(net.encoder(net.tokens(torch.full((1, 21, 6, 32, 32), 90.0), None)[0])).mean(dim=2)
    assert float(pooled.detach().abs().max()) < 1e-5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"patch_px": 3}, "divides"), ({"dim": 5}, "even"), ({"pooling": "max"}, "Poolings"), ({"dates": 0}, "at least")],
)
def test_sizes_that_cannot_be_are_refused(wrong, said):
    with pytest.raises(UnusableModel, match=said):
        SeriesSize(**{**SMALL, **wrong})


def test_other_bands_or_pixels_are_refused():
    with pytest.raises(UnusableModel, match="2 bands of 4 x 4 px"):
        small(SpatioTemporal)(torch.zeros(1, 4, 3, 4, 4))
