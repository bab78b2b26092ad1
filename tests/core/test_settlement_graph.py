"""The graph network, which takes PyTorch to be trained and none to be used."""

import numpy as np
import pytest
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.methods.graph import GraphNetwork, _forward, _split
from quadrat.tests.core.test_settlement_methods import check_method

torch = pytest.importorskip("torch")


def test_learns_stores_and_says_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "EPOCHS_AROUND", 15)
    check_method("graph", tmp_path)


def test_arithmetic_of_numpy_is_that_of_pytorch():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 9 * 5)).astype(np.float32)
    network = GraphNetwork(epochs=2).fit(X, np.arange(20) % 2)
    inputs, edges = _split(X)
    weights = [torch.from_numpy(weight) for weight in network.weights_]
    theirs = _forward(torch.from_numpy(inputs), torch.from_numpy(edges), weights, torch).numpy()
    assert np.abs(_forward(inputs, edges, network.weights_, np) - theirs).max() < 1e-5


def test_the_same_seed_gives_the_same_network():
    X = np.random.default_rng(0).normal(size=(20, 9 * 4)).astype(np.float32)
    one, other = (GraphNetwork(epochs=3, seed=4).fit(X, np.arange(20) % 2) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.weights_, other.weights_))
