"""A small graph network over a cell and the eight around it.

Source: Hallopeau et al. 2025, arXiv:2509.26171; graph convolution: Kipf & Welling 2017, arXiv:1609.02907.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from .around import STEPS

Float = NDArray[np.float32]
NODES = 1 + len(STEPS)
WIDTH = 64


def adjacency(present: NDArray[np.bool_]) -> Float:
    """(n, 9, 9) normalised adjacency with self-loops, D^-1/2 (A + I) D^-1/2, of the cells that are there.

    Args:
        present: (n, 9) bool: the cell itself, then its neighbours in the order of `STEPS`.
    """
    place = np.array([(0, 0), *STEPS])
    touch = np.abs(place[:, None] - place[None]).max(axis=2) <= 1
    edges = (touch & present[:, :, None] & present[:, None, :]).astype(np.float32)
    degree = np.maximum(edges.sum(axis=2), 1)
    return np.asarray(edges / np.sqrt(degree[:, :, None] * degree[:, None, :]), dtype=np.float32)


class GraphNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Two graph convolutions with ReLU and a linear layer on the middle cell, trained by Adam on cross-entropy.

    Training needs PyTorch; what is kept are plain arrays, so that applying needs numpy alone. X is (n, 9 (d + 1)): the
    rows of `around.around`, flattened.

    Args:
        epochs: int. Passes over the samples.
        batch: int. Samples of a step.
        learning_rate: float.
        weight_decay: float. As in Adam.
        seed: int. Decides weights at the start, and the order of samples.

    Attributes:
        weights_: list of ndarray: (d, 64), (64,), (64, 64), (64,), (64, 2), (2,).
        classes_: ndarray of shape (2,)
    """

    def __init__(
        self, epochs: int = 400, batch: int = 32, learning_rate: float = 5e-3, weight_decay: float = 5e-4, seed: int = 0
    ) -> None:
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to X of shape (n_samples, n_features) and two classes."""
        import torch

        self.classes_, codes = np.unique(y, return_inverse=True)
        self.n_features_in_ = X.shape[1]
        inputs, edges = (torch.from_numpy(array) for array in _split(X))
        truth = torch.from_numpy(codes.astype(np.int64))
        weights = _start(inputs.shape[2], len(self.classes_), self.seed)
        optimiser = torch.optim.Adam(weights, self.learning_rate, weight_decay=self.weight_decay)
        rng = np.random.default_rng([self.seed, 7])
        for _ in range(self.epochs):
            order = torch.from_numpy(rng.permutation(len(truth)))
            for at in torch.split(order, self.batch):
                optimiser.zero_grad()
                said = _forward(inputs[at], edges[at], weights, torch)
                loss: Any = torch.nn.functional.cross_entropy(said, truth[at])
                loss.backward()
                optimiser.step()
        self.weights_ = [weight.detach().numpy() for weight in weights]
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class: (n_samples, n_classes)."""
        found = []
        for start in range(0, len(X), 4096):
            inputs, edges = _split(X[start : start + 4096])
            said = _forward(inputs, edges, self.weights_, np).astype(np.float64)
            odds = np.exp(said - said.max(axis=1, keepdims=True))
            found.append(odds / odds.sum(axis=1, keepdims=True))
        return np.concatenate(found) if found else np.zeros((0, len(self.classes_)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Class of each row of X."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def _split(X: Any) -> tuple[Float, Float]:
    """Numbers of the nodes (n, 9, d), and the normalised adjacency (n, 9, 9)."""
    rows = np.asarray(X, np.float32).reshape(len(X), NODES, -1)
    return np.ascontiguousarray(rows[:, :, :-1]), adjacency(rows[:, :, -1] > 0)


def _start(width: int, classes: int, seed: int) -> list[Any]:
    """Weights at the start: Glorot's uniform draw, biases 0."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    weights = []
    for rows, columns in ((width, WIDTH), (WIDTH, WIDTH), (WIDTH, classes)):
        limit = (6 / (rows + columns)) ** 0.5
        weights += [torch.empty(rows, columns).uniform_(-limit, limit, generator=generator), torch.zeros(columns)]
    return [weight.requires_grad_() for weight in weights]


def _forward(inputs: Any, edges: Any, weights: Any, library: Any) -> Any:
    """(n, classes) of the middle cells; the same arithmetic in numpy and in torch."""
    first, a, second, b, last, c = weights
    hidden = edges @ (inputs @ first) + a
    hidden = library.maximum(hidden, library.zeros_like(hidden))
    hidden = edges[:, :1] @ (hidden @ second) + b
    hidden = library.maximum(hidden, library.zeros_like(hidden))
    return hidden[:, 0] @ last + c
