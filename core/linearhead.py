"""A linear head as plain numbers, for programs that know no scikit-learn."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from ..models.contract import Float
from .classes import ClassEntry
from .errors import BadInput
from .heads.calibration import Calibrated
from .heads.maps import FLOOR

if TYPE_CHECKING:
    from ..models.twin import Linear

CURVES = "x0"
"""Of a calibration by curves, which has no twin."""


@dataclass(frozen=True)
class LinearHead:
    """A fitted head that is linear but for its calibration."""

    estimator: Any
    leaf: Pipeline
    names: tuple[str, ...]
    """Of the classes, in the order of the numbers that come out; empty for a value."""

    @property
    def words(self) -> str:
        """What comes out."""
        return f"probabilities of {len(self.names)} classes" if self.names else "a value"

    def numbers(self) -> "Linear":
        """Weights of vectors as they are, the scaler folded in."""
        from ..models.twin import Linear

        scaler, model = self.leaf[0], self.leaf[-1]
        weight = np.atleast_2d(np.asarray(model.coef_, np.float64))
        bias = np.broadcast_to(np.asarray(model.intercept_, np.float64), len(weight))
        if scaler.with_std:
            weight = weight / scaler.scale_
        if scaler.with_mean:
            bias = bias - weight @ scaler.mean_
        map_ = self.estimator.map_ if isinstance(self.estimator, Calibrated) else {}
        numbers = {name: np.asarray(values, np.float32) for name, values in map_.items()}
        return Linear(weight.astype(np.float32), bias.astype(np.float32), len(self.names), numbers, FLOOR)

    def of_map(self, vectors: Float) -> Float:
        """(B, K, h, w) of (B, D, h, w), by the head itself."""
        rows = vectors.transpose(0, 2, 3, 1).reshape(-1, vectors.shape[1])
        found = self.estimator.predict_proba(rows) if self.names else self.estimator.predict(rows)[:, None]
        shape = (len(vectors), *vectors.shape[2:], found.shape[1])
        return np.ascontiguousarray(found.reshape(shape).transpose(0, 3, 1, 2), np.float32)


def linear_head(estimator: Any, classes: tuple[ClassEntry, ...], path: str) -> LinearHead:
    """A head that was read from a file.

    Raises:
        BadInput: it is of a kind that is not linear, or calibrated by curves.
    """
    leaf = estimator.estimator_ if isinstance(estimator, Calibrated) else estimator
    linear = isinstance(leaf, Pipeline) and len(leaf.steps) == 2 and isinstance(leaf[-1], (LogisticRegression, Ridge))
    if not linear or (isinstance(estimator, Calibrated) and CURVES in estimator.map_):
        raise BadInput(
            f"The head {path} cannot be written as ONNX: only linear heads can, calibrated by temperature or Platt. "
            "Train one with the head 'linear', or export the network alone."
        )
    by_value = {entry.value: entry.name for entry in classes}
    names = tuple(by_value[int(value)] for value in estimator.classes_) if classes else ()
    return LinearHead(estimator, leaf, names)
