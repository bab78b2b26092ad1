"""How common the classes are: as in training, as a user knows them, or as a map tells by itself.

Probabilities of a head refer to the frequencies of its training (equal ones when it was balanced). Where classes are
rarer or commoner than that, they are corrected before class and confidence are taken from them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from .errors import BadJob

ESTIMATE = "estimate"
ROUNDS = 200
CLOSE_ENOUGH = 1e-5
"""Change of every share below which the estimate stands."""
LEAST = 1e-6
"""Share of a class that is never taken to be quite absent by an estimate."""


def parse(text: str, names: Sequence[str]) -> NDArray[np.float64]:
    """Shares of the classes from text like `favela=0.03, other=97%`.

    Classes that are not named share what is left evenly. Numbers may be shares or percentages with a percent sign.

    Args:
        text: pairs divided by commas; or by semicolons, where names hold commas.
        names: of the K classes.

    Returns:
        (K,) float64, positive, sum 1.

    Raises:
        BadJob: says which part is wrong and what would be right.
    """
    given: dict[str, float] = {}
    for pair in text.split(";" if ";" in text else ","):
        if not pair.strip():
            continue
        name, equals, number = (part.strip() for part in pair.rpartition("="))
        if not equals or not name:
            raise BadJob(f"Prevalence: '{pair.strip()}' is no pair. Write name=share, as in '{names[0]}=0.1'.")
        known = _matched(name, names)
        if known in given:
            raise BadJob(f"Prevalence: '{known}' is given twice.")
        given[known] = _share(known, number)
    total = sum(given.values())
    rest = [name for name in names if name not in given]
    if not given:
        raise BadJob(f"Prevalence: no share is given. Write name=share, as in '{names[0]}=0.1', or '{ESTIMATE}'.")
    if rest and not total < 1:
        raise BadJob(f"Prevalence: the shares sum to {total:g}, which leaves nothing for {', '.join(rest)}.")
    if not rest and not math.isclose(total, 1, abs_tol=0.005):
        raise BadJob(f"Prevalence: the shares sum to {total:g}, not to 1.")
    shares = np.array([given.get(name, (1 - total) / max(len(rest), 1)) for name in names], dtype=np.float64)
    return np.asarray(shares / shares.sum())


def _matched(name: str, names: Sequence[str]) -> str:
    """The class meant: the very name, or the only one that differs in case alone."""
    if name in names:
        return name
    alike = [one for one in names if one.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names)}."
    raise BadJob(f"Prevalence: there is no class '{name}'. {hint}")


def _share(name: str, text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise BadJob(f"Prevalence: the share of '{name}' must lie between 0 and 1, not '{text}'.")
    return value


def correct(
    probabilities: NDArray[np.floating], old: NDArray[np.float64], new: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities as they are where the classes are as common as `new` says.

    Args:
        probabilities: (n, K), right for classes as common as `old`.
        old: (K,) shares, positive.
        new: (K,) shares.

    Source: Saerens, Latinne and Decaestecker 2002, doi:10.1162/089976602753284446, eq. 2.4
    """
    odds = np.asarray(probabilities, dtype=np.float64) * (new / old)
    total = odds.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(odds, total, out=np.full(odds.shape, 1 / len(old)), where=total > 0))


def estimate(
    probabilities: NDArray[np.floating], old: NDArray[np.float64], checkpoint: Callable[[], None] = lambda: None
) -> NDArray[np.float64]:
    """How common the classes are where these probabilities come from, by expectation and maximisation.

    Args:
        probabilities: (n, K) of places drawn evenly, right for classes as common as `old`.
        old: (K,) shares.
        checkpoint: called in each round.

    Returns:
        (K,) shares.

    Source: Saerens, Latinne and Decaestecker 2002, doi:10.1162/089976602753284446, eq. 2.9
    """
    shares = old
    for _ in range(ROUNDS):
        checkpoint()
        better = np.maximum(correct(probabilities, old, shares).mean(axis=0), LEAST)
        better /= better.sum()
        if np.abs(better - shares).max() < CLOSE_ENOUGH:
            return np.asarray(better)
        shares = better
    return shares


def trained_shares(balanced: bool, counts: Mapping[str, int]) -> dict[str, float]:
    """The frequencies that probabilities of a head refer to, by class."""
    total = sum(counts.values())
    return {name: 1 / len(counts) if balanced else count / total for name, count in counts.items()}


def sentence(names: Sequence[str], shares: NDArray[np.float64], how: str) -> str:
    """For the log."""
    listed = ", ".join(f"{name} {100 * share:.3g} %" for name, share in zip(names, shares, strict=True))
    return f"Classes taken to be as common as {how}: {listed}."
