"""Made-up models of an indicator with what they said of places that they had not seen."""

from functools import lru_cache

import numpy as np
from quadrat.core.poverty.indicator.ensemble import Ensemble, Held, save_ensemble
from quadrat.core.poverty.indicator.report.told import Entry
from quadrat.core.poverty.indicator.tested import all_tested
from sklearn.linear_model import Ridge

YEARS = tuple(str(year) for year in range(2000, 2012))
PLACES, SIDE = 150, 4000.0


def light(seed=0, places=PLACES, dates=12, dark=0.3):
    """(N, T) of places that grow each at its own pace, some of them always dark."""
    rng = np.random.default_rng(seed)
    truth = rng.gamma(2.0, 10.0, places)[:, None] + np.arange(dates) * rng.uniform(0, 4, places)[:, None]
    truth[: int(dark * places)] = 0.0
    return truth[rng.permutation(places)]


def held(truth, noise, seed=1, turns=5, west=0.0, turn=None):
    """Answers that are off by `noise`; squares of ten places."""
    rng = np.random.default_rng(seed)
    count = len(truth)
    block = np.arange(count) // 10
    xy = np.stack([west + rng.uniform(0, 40_000, count), rng.uniform(0, 40_000, count)], axis=1)
    said = truth + rng.normal(0, noise, truth.shape) if noise is not None else np.zeros(truth.shape)
    turn = block % turns if turn is None else turn
    return Held(truth, said, turn.astype(np.int64), block, xy, (block % 2).astype(np.int64))


def three_tests(noise, truth=None, dates=YEARS, flatter=0.5):
    """Squares kept apart, random places with smaller errors, and a region that two models told."""
    truth = light(dates=len(dates)) if truth is None else truth
    inside = np.tile(light(5, 30, len(dates), 0.0), (2, 1))
    return {
        "blocks": held(truth, noise),
        "random": held(truth, noise * flatter, 2),
        "region": held(inside, noise * 1.5, 3, west=60_000.0, turn=np.repeat([0, 1], 30)),
    }


@lru_cache
def scored(noise, dates):
    tests = three_tests(noise, dates=dates)
    return tests, all_tested(tests, dates, ["A", "B"])


def entry(name="m", tests=None, dates=YEARS, noise=5.0, **facts):
    """A model as a report needs it."""
    own = None if tests is None else all_tested(tests, dates, facts.get("regions", ["A", "B"]))
    tests, scores = scored(noise, dates) if tests is None else (tests, own)
    told = {
        "method": "ridge-log", "title": "Ridge on logarithms", "predicted": "proxy", "indicator": "light",
        "dates": list(dates), "bands": ["red"], "cell_px": 8, "places": PLACES, "values": PLACES * len(dates),
        "models": 5, "apart": "blocks", "block_size_m": SIDE, "guard_m": SIDE, "displacement": "", "bags": "mean",
        "draws": False, "regions": ["A", "B"], "losses": [], "device": "CPU, 1 threads", "version": "0",
        "headline": next(iter(tests)),
    }  # fmt: skip
    told |= {"tests": scores, **facts}
    return Entry(f"/somewhere/{name}.qseries", told, tests)


def saved(folder, name="m", **more):
    """The path of a model."""
    made = entry(name, **more)
    path = str(folder / f"{name}.qseries")
    head = Ridge().fit(np.eye(5), np.arange(5.0))
    save_ensemble(path, Ensemble({**made.facts, "job": {}}, (head,), dict(made.tests)))
    return path
