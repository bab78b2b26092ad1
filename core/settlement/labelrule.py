"""Which cells teach what: the published rule, all of its thresholds, and why a cell teaches nothing.

Source: Hallopeau et al. 2025, arXiv:2510.03725 (labels of cells of 150 m in Rio de Janeiro); of a cell without favela
the share of residential land is asked for only where such polygons are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .names import FAVELA, GHSL, P_FAVELAS, P_VEGETA, RES, RESIDENTIAL, ZI
from .statuses import EXCLUDED, MIXED, NODATA, NOT_BUILT_UP, NOT_RESIDENTIAL, OUTSIDE, TO_MAP, VEGETATION

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

SHARES = (P_FAVELAS, RES, P_VEGETA, GHSL, ZI)
"""What the rule may know of a cell."""


@dataclass(frozen=True)
class Rule:
    """The thresholds, all of shares from 0 to 1."""

    favela_least: float = 0.7
    """Share of favela from which a cell teaches favela: P of the studies."""
    residential_favela_most: float = 0.0
    """Share of favela up to which a cell may teach residential."""
    residential_least: float = 0.5
    """Share of residential land from which a cell without favela teaches residential."""
    vegetation_below: float = 0.95
    built_up_above: float = 0.5
    excluded_most: float = 0.0


@dataclass(frozen=True)
class Labelled:
    """What each of N cells teaches, and why."""

    label: NDArray[np.object_]
    """(N,) `favela`, `residential` or None."""
    status: NDArray[np.object_]
    """(N,) names in `statuses.STATUSES`."""


def label(count: int, shares: Mapping[str, Float], rule: Rule, nodata: "Bool | None" = None) -> Labelled:
    """Labels of N cells.

    A condition whose share is missing is left out. The first reason that applies is told, in this order: nodata,
    vegetation, excluded, not built up, a source without a value here; then the reference decides.

    Args:
        count: N.
        shares: (N,) float64 by name in `SHARES`; absent where there is no source, NaN where a source has no value.
        rule: the thresholds.
        nodata: (N,) True where a cell holds nodata of the raster.
    """
    nothing = np.zeros(count, np.bool_)
    unknown = nothing.copy()
    for values in shares.values():
        unknown |= np.isnan(values)
    with np.errstate(invalid="ignore"):
        reasons: list[tuple[Bool, str]] = [
            (nothing if nodata is None else nodata, NODATA),
            (shares[P_VEGETA] >= rule.vegetation_below if P_VEGETA in shares else nothing, VEGETATION),
            (shares[ZI] > rule.excluded_most if ZI in shares else nothing, EXCLUDED),
            (shares[GHSL] <= rule.built_up_above if GHSL in shares else nothing, NOT_BUILT_UP),
            (unknown, OUTSIDE),
            *_by_reference(shares, rule, count),
        ]
    status = np.full(count, None, dtype=object)
    for where, word in reversed(reasons):
        status[where] = word
    taught = status.copy()
    taught[(status != FAVELA) & (status != RESIDENTIAL)] = None
    return Labelled(taught, status)


def _by_reference(shares: Mapping[str, Float], rule: Rule, count: int) -> list[tuple[Bool, str]]:
    every = np.ones(count, np.bool_)
    if P_FAVELAS not in shares:
        return [(every, TO_MAP)]
    free = shares[P_FAVELAS] <= rule.residential_favela_most
    lived_in = shares[RES] >= rule.residential_least if RES in shares else every
    return [
        (shares[P_FAVELAS] >= rule.favela_least, FAVELA),
        (free & lived_in, RESIDENTIAL),
        (free, NOT_RESIDENTIAL),
        (every, MIXED),
    ]
