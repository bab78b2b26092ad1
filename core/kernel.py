"""The one kernel from cells to predictions: what the live map shows is what 'Apply head' writes, bit for bit.

A linear head on 8-bit codes: scale and offset of the codes, scaler and weights are folded into logits = W'c + b'. The
weights become whole numbers, cut into digits of base 127, and their products with the codes are exact (`integers.py`);
so the answer for a cell depends neither on the cells beside it nor on threads or machine up to the logits. Rounding
the weights moves logits by less than `LARGEST_ERROR`, well below what 8 bits of the codes leave out.
Everything else goes through the estimator itself on float32 (`prediction.predict`), in pieces of one fixed size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ..models.crew import Crew, pieces_of
from .classes import ClassEntry
from .heads.build import with_threads
from .heads.calibration import Calibrated
from .heads.committee import Committee, ValueCommittee
from .heads.maps import apply_map
from .integers import BASE, MOST_TERMS, product
from .prediction import PIECE_ROWS, Predicted, chosen, predict
from .quantise import Quantiser

Float = NDArray[np.float64]

LARGEST_ERROR = 1e-5
"""Of a logit, by rounding the weights: four standard errors for codes spread evenly over their range."""
MIDDLE_CODE, CODE_SPREAD = 128, 74
DIGITS = (3, 4, 5, 6)
"""Of a weight. Up to 32 columns of digits cost little more than one."""
EXACT_FLOAT = 2**53
"""Whole numbers up to here are exact in float64, in which the digits are put together."""
LANES = 256
"""Rows are filled up to a multiple, so that no cell is left to the processor's slower way with odd ends, which may
round otherwise."""


@dataclass(frozen=True)
class Linear:
    """C linear functions of codes, whose weights are whole numbers in digits."""

    digits: NDArray[np.int8]
    """(D, C * L), the lowest digit of each column first."""
    places: Float
    """(C, C * L) puts the digits together: powers of the base."""
    step: Float
    """(C, 1) what 1 means in each column."""
    bias: Float
    """(C, 1)"""

    @classmethod
    def of(cls, weights: Float, bias: Float, error: float = LARGEST_ERROR) -> Self | None:
        """Round the weights to as few digits as are good enough; None where sums would not be exact.

        Args:
            weights: (C, D) of the codes.
            bias: (C,)
            error: that rounding may make.
        """
        columns, terms = weights.shape
        if terms > MOST_TERMS or not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            return None
        largest = np.abs(weights).max(axis=1, keepdims=True)
        exact = [count for count in DIGITS if 255 * terms * BASE**count < 2 * EXACT_FLOAT]
        for count in exact:
            half = (BASE**count - 1) // 2
            step = np.where(largest > 0, largest / half, 1.0)
            whole = np.rint(weights / step)
            rest = weights - whole * step
            # Errors for the middle of the codes are known and go into the bias; what is left has either sign.
            if 4 * CODE_SPREAD * np.sqrt((rest**2).sum(axis=1)).max() <= error:
                break
        powers = float(BASE) ** np.arange(count)
        digits = _digits(whole.astype(np.int64), count).transpose(1, 0, 2).reshape(terms, -1)
        middle = bias + MIDDLE_CODE * rest.sum(axis=1)
        return cls(np.ascontiguousarray(digits), np.kron(np.eye(columns), powers), step, middle[:, None])

    def __call__(self, *parts: NDArray[np.uint8]) -> Float:
        """(C, rows) values of the (n, D) codes of all parts; rows are filled up to a multiple of `LANES`.

        Several parts at once take fewer calls, between which Python's threads wait for one another.
        """
        filled = np.zeros((self.digits.shape[1], -(-sum(map(len, parts)) // LANES) * LANES))
        start = 0
        for codes in parts:
            filled[:, start : start + len(codes)] = product(codes, self.digits).T
            start += len(codes)
        whole = self.places @ filled  # exact, so the order in which it is added does not matter
        whole *= self.step
        whole += self.bias
        return np.asarray(whole)


def _digits(whole: NDArray[np.int64], count: int) -> NDArray[np.int8]:
    """Balanced digits, lowest first: an axis of `count` behind those of the numbers."""
    found = []
    for _ in range(count):
        digit = (whole + BASE // 2) % BASE - BASE // 2
        found.append(digit)
        whole = (whole - digit) // BASE
    return np.stack(found, axis=-1).astype(np.int8)


class Kernel:
    """A fitted head made ready for the cells of one raster.

    Attributes:
        quick: True when it works on the codes themselves.
        coding: of the cells; None when cells are float32.
        classes: of the head; empty for values.
    """

    def __init__(self, estimator: Any, classes: tuple[ClassEntry, ...], coding: Quantiser | None) -> None:
        """Fold everything linear.

        Args:
            estimator: fitted.
            classes: of the head.
            coding: of the raster.
        """
        # Members of a forest that add up side by side would do so in any order; pieces go side by side instead.
        self._estimator = with_threads(estimator, 1)
        self.classes, self.coding = classes, coding
        self._linear = None if coding is None else _folded(estimator, coding)
        self.quick = self._linear is not None

    def piece(self, *parts: NDArray[Any]) -> Predicted:
        """What the head says of the cells of all parts, on the thread that calls.

        Args:
            parts: (n, D) contiguous uint8 codes, or float32 where there is no coding; at most `PIECE_ROWS` each.
        """
        if self._linear is None:
            decode = self.coding.decode_rows if self.coding is not None else np.asarray
            return Predicted.joined([predict(self._estimator, decode(cells), self.classes) for cells in parts])
        columns, count = self._linear(*parts), sum(map(len, parts))
        if not self.classes:
            values = _value(self._estimator, iter(columns))
            return Predicted(values[:count].astype(np.float32), None)
        shares = _shares(self._estimator, _Rows(columns)).astype(np.float32)[:count]
        return chosen(self._estimator, shares)

    def __call__(self, cells: NDArray[Any], crew: Crew) -> Predicted:
        """What the head says of any number of cells, (n, D) as in `piece`."""
        pieces = pieces_of(len(cells), PIECE_ROWS) or [slice(0, 0)]
        found: dict[int, Predicted] = {}

        def work(rows: slice) -> None:
            found[rows.start] = self.piece(np.ascontiguousarray(cells[rows]))

        crew.each(work, pieces)
        return Predicted.joined([found[rows.start] for rows in pieces])


class _Rows:
    """Hands out the linear functions of one head after another."""

    def __init__(self, columns: Float) -> None:
        self._columns, self._next = columns, 0

    def take(self, count: int) -> Float:
        """(count, n) of the next one."""
        self._next += count
        return self._columns[self._next - count : self._next]


def _folded(estimator: Any, coding: Quantiser) -> Linear | None:
    """All linear functions of a head, one after another, as functions of codes; None when something is not linear."""
    parts = []
    for leaf in _leaves(estimator):
        if not _is_linear(leaf):
            return None
        scaler, model = leaf[0], leaf[-1]
        weights = np.atleast_2d(np.asarray(model.coef_, np.float64))
        bias = np.broadcast_to(np.asarray(model.intercept_, np.float64), len(weights))
        if scaler.with_std:
            weights = weights / scaler.scale_
        if scaler.with_mean:
            bias = bias - weights @ scaler.mean_
        parts.append((weights * coding.scale.astype(np.float64), bias + weights @ coding.offset.astype(np.float64)))
    error = LARGEST_ERROR / max(1.0, _steepness(estimator))
    return Linear.of(np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts]), error)


def _steepness(estimator: Any) -> float:
    """By how much maps of calibration enlarge an error of the probabilities, at most."""
    if isinstance(estimator, Committee):
        return max(_steepness(member) for member in estimator.members_)
    if not isinstance(estimator, Calibrated):
        return 1.0
    numbers, own = estimator.map_, 1.0
    if "power" in numbers:
        own = float(numbers["power"])
    elif "slope" in numbers:
        own = float(np.abs(numbers["slope"]).max())
    elif numbers:
        curves = [(numbers[f"x{k}"], numbers[f"y{k}"]) for k in range(len(estimator.classes_))]
        own = max(float((np.diff(y) / np.maximum(np.diff(x), 1e-12)).max(initial=0.0)) for x, y in curves)
    return own * _steepness(estimator.estimator_)


def _leaves(estimator: Any) -> Iterator[Any]:
    if isinstance(estimator, Calibrated):
        yield from _leaves(estimator.estimator_)
    elif isinstance(estimator, (Committee, ValueCommittee)):
        for member in estimator.members_:
            yield from _leaves(member)
    else:
        yield estimator


def _is_linear(leaf: Any) -> bool:
    """True for a pipeline of a scaler and a linear model, of the kinds that heads are made of."""
    if not isinstance(leaf, Pipeline) or len(leaf.steps) != 2 or not isinstance(leaf[0], StandardScaler):
        return False
    model = leaf[-1]
    return isinstance(model, Ridge) or (isinstance(model, LogisticRegression) and model.solver != "liblinear")


def _shares(estimator: Any, rows: _Rows) -> Float:
    """(n, K) probabilities, as `predict_proba` of the estimator makes them of its linear functions."""
    if isinstance(estimator, Calibrated):
        return apply_map(estimator.map_, _shares(estimator.estimator_, rows))
    if isinstance(estimator, Committee):
        return estimator.together([_shares(member, rows) for member in estimator.members_])
    model = estimator[-1]
    if len(model.classes_) == 2:
        second = expit(rows.take(1)[0])
        return np.stack([1 - second, second]).T
    return _softmax(rows.take(len(model.classes_))).T


def _softmax(logits: Float) -> Float:
    """(K, n) of logits (K, n).

    Row by row: by columns it takes six times as long, and a sum of many classes would depend on how many cells there
    are.
    """
    most, total = logits[0].copy(), np.zeros(logits.shape[1])
    for row in logits[1:]:
        np.maximum(most, row, out=most)
    shares = np.exp(logits - most)
    for row in shares:
        total += row
    shares /= total
    return np.asarray(shares)


def _value(estimator: Any, columns: Iterator[Float]) -> Float:
    """(n,) values."""
    if isinstance(estimator, ValueCommittee):
        return np.asarray(np.median([_value(member, columns) for member in estimator.members_], axis=0))
    return next(columns)
