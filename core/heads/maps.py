"""Maps from the probabilities of a head to better ones, with more to learn from the first to the last.

Temperature is a power and a floor for all classes, Platt two numbers a class, isotonic a rising curve a class.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

Float = NDArray[np.float64]
Map = dict[str, NDArray[np.float64]]
"""Numbers of a fitted map by name: `power` and `floor`; `slope` and `intercept`; or `x<k>` and `y<k>`; none: no map."""

FLOOR = 1e-4
"""Below this a probability says nothing more: a forest gives 0, a linear head 1e-12, and both are sometimes wrong."""
FLOORS = (FLOOR, 1e-3, 1e-2, 0.05)
"""Tried along with the temperature and added to every probability: neighbours and trees give 0 to what they did not
see among a few, and no power makes more of a 0."""
WIDEST = np.log(1e4)
"""Powers between 1/10,000 and 10,000 are tried: prototypes of many dimensions can be as timid as that."""
STEP_ORDER = 1e-3
"""Share of the score that is added to a step of an isotonic curve, so that classes keep their order on it."""
METHODS = ("temperature", "platt", "isotonic")


def fit_map(method: str, shares: Float, codes: NDArray[np.int64], weight: Float, groups: int) -> Map:
    """Learn a map.

    The truth counts as 1 - 1 / (groups + 2) instead of 1, which keeps a handful of groups that are all right from
    claiming certainty.

    Args:
        method: one of `METHODS`.
        shares: (n, K) held-out probabilities.
        codes: (n,) column of the true class.
        weight: (n,) of each sample.
        groups: independent groups among the samples.

    Source: temperature: Guo et al. 2017, arXiv:1706.04599; Platt 1999, softened targets included; isotonic: Zadrozny
    and Elkan 2002, doi:10.1145/775047.775151
    """
    soft = 1.0 / (groups + 2.0)
    return {"temperature": _temperature, "platt": _platt, "isotonic": _isotonic}[method](shares, codes, weight, soft)


def apply_map(numbers: Map, shares: Float) -> Float:
    """(n, K) calibrated probabilities; rows sum to 1."""
    if not numbers:
        return shares
    if "power" in numbers:
        log = np.log(shares + float(numbers["floor"])) * float(numbers["power"])
        mapped = np.exp(log - log.max(axis=1, keepdims=True))
    elif "slope" in numbers:
        mapped = expit(logit(_inside(shares)) * numbers["slope"] + numbers["intercept"])
    else:
        columns = [np.interp(shares[:, k], numbers[f"x{k}"], numbers[f"y{k}"]) for k in range(shares.shape[1])]
        mapped = np.stack(columns, axis=1) + STEP_ORDER * shares
    return np.asarray(mapped / mapped.sum(axis=1, keepdims=True))


def _inside(shares: Float) -> Float:
    return np.asarray(np.clip(shares, FLOOR, 1 - FLOOR))


def _temperature(shares: Float, codes: NDArray[np.int64], weight: Float, soft: float) -> Map:
    classes = shares.shape[1]
    truth = np.full(shares.shape, soft / max(classes - 1, 1))
    truth[np.arange(len(codes)), codes] = 1 - soft

    def loss(log_power: float, log: Float) -> float:
        scaled = log * np.exp(log_power)
        scaled -= scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(weight @ (truth * (total - scaled)).sum(axis=1))

    best = np.inf, 1.0, FLOOR
    for floor in FLOORS:
        options = {"xatol": 1e-4}
        found = minimize_scalar(
            loss, args=(np.log(shares + floor),), bounds=(-WIDEST, WIDEST), method="bounded", options=options
        )
        best = min(best, (float(found.fun), float(np.exp(found.x)), floor))
    return {"power": np.array(best[1]), "floor": np.array(best[2])}


def _platt(shares: Float, codes: NDArray[np.int64], weight: Float, soft: float) -> Map:
    score = logit(_inside(shares))
    slope, intercept = np.ones(shares.shape[1]), np.zeros(shares.shape[1])
    for k in range(shares.shape[1]):
        truth = codes == k
        if not 0 < truth.sum() < len(truth):
            continue
        # Each sample twice, as what it is and, with the soft share, as what it is not.
        twice = np.concatenate([score[:, k], score[:, k]])[:, None]
        shared = np.concatenate([weight * (1 - soft), weight * soft])
        model = LogisticRegression(C=1e6, solver="newton-cholesky")
        model.fit(twice, np.concatenate([truth, ~truth]), sample_weight=shared / weight.mean())
        slope[k], intercept[k] = model.coef_[0, 0], model.intercept_[0]
    return {"slope": slope, "intercept": intercept}


def _isotonic(shares: Float, codes: NDArray[np.int64], weight: Float, soft: float) -> Map:
    numbers: Map = {}
    for k in range(shares.shape[1]):
        truth = codes == k
        if not 0 < truth.sum() < len(truth):
            numbers |= {f"x{k}": np.array([0.0, 1.0]), f"y{k}": np.array([0.0, 1.0])}
            continue
        curve = IsotonicRegression(y_min=soft / 2, y_max=1 - soft / 2, out_of_bounds="clip")
        curve.fit(shares[:, k], truth.astype(np.float64), sample_weight=weight)
        numbers |= {f"x{k}": np.asarray(curve.X_thresholds_), f"y{k}": np.asarray(curve.y_thresholds_)}
    return numbers
