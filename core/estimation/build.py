"""Estimators by name."""

import importlib
from collections.abc import Callable

from .evidence import Estimate, Evidence
from .registry import ESTIMATORS


def estimator(name: str) -> Callable[[Evidence, float], Estimate]:
    """The function of a card."""
    module, function = ESTIMATORS[name].function.split(":")
    found: Callable[[Evidence, float], Estimate] = getattr(importlib.import_module(f".{module}", __package__), function)
    return found


def choose(evidence: Evidence) -> str:
    """The estimator that makes most of what is known.

    A prediction helps where it varies within strata; where strata are the classes of the map it says nothing new.
    """
    if evidence.F is None or evidence.mapped is None:
        return "stratified"
    spread = evidence.moments(evidence.F)[1]
    rounding = 1e-12 * float((evidence.F**2).max())
    return "prediction" if spread.max() > rounding else "stratified"
