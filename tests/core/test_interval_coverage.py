"""A short version of `benchmarks/bench_intervals.py`: do intervals hold the truth as often as they say?"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.same_without_torch

SAMPLES = 200
ERRORS = 4.0
"""Standard errors of a simulated share that a bound leaves; with some 100 classes judged, chance alone reaches 3."""


@pytest.fixture(scope="module")
def bench():
    """The benchmark as a module."""
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "bench_intervals.py"
    spec = importlib.util.spec_from_file_location("bench_intervals", path)
    module = importlib.util.module_from_spec(spec)

    sys.modules["bench_intervals"] = module
    spec.loader.exec_module(module)
    return module


def error(share):
    """Standard error of a share of simulated samples."""
    return np.sqrt(share * (1 - share) / SAMPLES)


def judge(outcomes):
    """Each class reaches 0.94 within chance; classes with many labels are not far above either, on average."""
    assert len(outcomes) > 10
    for o in outcomes:
        assert o.covered >= 0.94 - ERRORS * error(0.94), o
    many = [o.covered for o in outcomes if o.expected >= 100]
    if many:
        assert abs(np.mean(many) - 0.95) < 0.01 + ERRORS * error(0.95) / np.sqrt(len(many))


@pytest.mark.data
def test_coverage_on_the_reef(bench):
    population = bench.coral(side=2500)
    if population is None:
        pytest.skip("coral/benthic_map_1cm is not in the folder that QUADRAT_DATA names")
    outcomes = bench.by_strata(population, 200, 20, SAMPLES, 1) + bench.by_strata(population, 4000, 200, SAMPLES, 1)
    outcomes += bench.at_random(population, 200, SAMPLES, 1, with_map=False)
    outcomes += bench.at_random(population, 1000, SAMPLES, 1, with_map=True)
    outcomes += bench.by_quadrats(population, 60, SAMPLES, 1, with_map=False)
    outcomes += bench.by_quadrats(population, 200, SAMPLES, 1, with_map=True)
    judge(outcomes)


def test_coverage_on_a_made_population(bench):
    population = bench.made(side=600)
    outcomes = bench.by_strata(population, 300, 30, SAMPLES, 1)
    outcomes += bench.at_random(population, 1000, SAMPLES, 1, with_map=True)
    judge(outcomes)
