"""The International Wealth Index of households: twelve items, published weights, 0 (nothing) to 100 (everything).

Source: Smits and Steendijk 2015, Social Indicators Research 122, 65-85 (DOI 10.1007/s11205-014-0683-x), table 1;
https://globaldatalab.org/iwi. What survey codes mean is not known here: see `wealthrecoding.py`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

NAME = "International Wealth Index"
CONSTANT = 25.004470
MOST_UNKNOWN = 1
"""Items that may be unknown; the authors' own form allows as many."""


def _owned(weight: float) -> dict[str, float]:
    return {"no": 0.0, "yes": weight}


ITEMS: Mapping[str, Mapping[str, float]] = {
    "television": _owned(8.612657),
    "refrigerator": _owned(8.429076),
    "phone": _owned(7.127699),
    "car": _owned(4.651382),
    "bicycle": _owned(1.846860),
    "electricity": _owned(8.056664),
    "cheap_utensil": _owned(4.118394),
    "expensive_utensil": _owned(6.507283),
    "water": {"low": -6.306477, "mid": -2.302023, "high": 7.952443},
    "toilet": {"low": -7.439841, "mid": -1.090393, "high": 8.140637},
    "floor": {"low": -7.558471, "mid": 1.227531, "high": 6.107428},
    "rooms": {"1": -3.699681, "2": 0.384050, "3": 3.445009},
}
"""Weight of each level of each item, levels from worst to best. Cheap utensils cost less than 50 USD, expensive ones
more than 300; rooms are those for sleeping, at most one, two, three or more."""


def wealth_index(levels: NDArray[np.integer]) -> NDArray[np.float64]:
    """The index of each household.

    One item may be unknown. What the authors' form does then is not published; here the others are stretched to 0 to
    100, so that a household with the best, or the worst, of all that is known keeps 100, or 0.

    Args:
        levels: (H, 12) place of the level among those of the item in `ITEMS`, from 0; -1 where it is unknown.

    Returns:
        (H,) float64, 0 to 100; NaN where more than one item is unknown.
    """
    total, least, most = (np.full(len(levels), CONSTANT) for _ in range(3))
    for column, weights in zip(levels.T, ITEMS.values(), strict=True):
        known, each = column >= 0, np.array(list(weights.values()))
        total += np.where(known, each[column], 0.0)
        least += np.where(known, each[0], 0.0)
        most += np.where(known, each[-1], 0.0)
    unknown = (levels < 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        stretched = 100.0 * (total - least) / (most - least)
    # The published sum of a household without anything is zero but for rounding, which may fall below.
    found = np.clip(np.where(unknown == 0, total, stretched), 0.0, 100.0)
    return np.where(unknown <= MOST_UNKNOWN, found, np.nan)
