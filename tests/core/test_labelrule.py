"""The rule of labels as a truth table: every share below, at and above its threshold, missing, and without a source."""

import itertools

import numpy as np
import pytest
from quadrat.core.settlement.labelrule import SHARES, Rule, label
from quadrat.core.settlement.names import GHSL, P_FAVELAS, P_VEGETA, RES, ZI
from quadrat.core.settlement.statuses import DISCARDED, STATUSES

pytestmark = pytest.mark.same_without_torch

NAN, ABSENT = float("nan"), None
VALUES = {
    P_FAVELAS: (0.0, 1e-6, 0.69, 0.7, 0.71, 1.0, NAN, ABSENT),
    RES: (0.0, 0.49, 0.5, 1.0, NAN, ABSENT),
    P_VEGETA: (0.0, 0.94, 0.95, 1.0, NAN, ABSENT),
    GHSL: (0.0, 0.5, 0.51, 1.0, NAN, ABSENT),
    ZI: (0.0, 1e-6, 1.0, NAN, ABSENT),
}


def by_words(f, res, veg, built, zi):
    """The rule as the study's specification tells it, for one cell; shares without a source are None."""

    def unknown(share):
        return share is not None and np.isnan(share)

    if veg is not None and veg >= 0.95:
        return "vegetation"
    if zi is not None and zi > 0:
        return "excluded"
    if built is not None and not unknown(built) and not built > 0.5:
        return "not built up"
    if any(unknown(share) for share in (f, res, veg, built, zi)):
        return "outside sources"
    if f is None:
        return "to be mapped"
    if f >= 0.7:
        return "favela"
    if f > 0:
        return "mixed"
    return "residential" if res is None or res >= 0.5 else "not residential"


def test_every_combination_around_the_thresholds():
    by_sources = {}
    for shares in itertools.product(*VALUES.values()):
        by_sources.setdefault(tuple(share is not None for share in shares), []).append(shares)
    seen = set()
    for given, rows in by_sources.items():
        columns = {
            name: np.array([row[at] for row in rows], dtype=float)
            for at, name in enumerate(VALUES)
            if given[at]
        }  # fmt: skip
        found = label(len(rows), columns, Rule())
        wanted = [by_words(*row) for row in rows]
        assert found.status.tolist() == wanted
        assert found.label.tolist() == [word if word in ("favela", "residential") else None for word in wanted]
        seen |= set(wanted)
    assert seen == set(STATUSES) - {"nodata"}


def test_nodata_is_told_first():
    found = label(2, {P_VEGETA: np.array([1.0, 1.0])}, Rule(), np.array([True, False]))
    assert found.status.tolist() == ["nodata", "vegetation"]
    assert label(2, {}, Rule(), np.array([True, False])).status.tolist() == ["nodata", "to be mapped"]


@pytest.mark.parametrize("least", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_every_published_p(least):
    shares = np.array([0.0, least - 0.01, least, 1.0])
    found = label(4, {P_FAVELAS: shares}, Rule(favela_least=least))
    assert found.status.tolist() == ["residential", "mixed", "favela", "favela"]


def test_all_thresholds_can_be_moved():
    shares = {name: np.array([0.2]) for name in SHARES}
    rule = Rule(
        residential_favela_most=0.2, residential_least=0.2, vegetation_below=0.3, built_up_above=0.1, excluded_most=0.2
    )
    assert label(1, shares, rule).label.tolist() == ["residential"]
    for name, value, word in (
        ("residential_favela_most", 0.1, "mixed"), ("residential_least", 0.3, "not residential"),
        ("vegetation_below", 0.2, "vegetation"), ("built_up_above", 0.2, "not built up"),
        ("excluded_most", 0.1, "excluded"), ("favela_least", 0.2, "favela"),
    ):  # fmt: skip
        assert label(1, shares, Rule(**{**rule.__dict__, name: value})).status.tolist() == [word]


def test_what_is_discarded_is_never_taught():
    assert not set(DISCARDED) & {"favela", "residential", "mixed", "to be mapped"}
    assert len({status.colour for status in STATUSES.values()}) == len(STATUSES)
