"""Readers of what was learnt: heads, models of photo points, favela methods, models of an indicator."""

import functools
import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from quadrat.core.heads.build import plain
from quadrat.core.heads.storage import HEAD, load_head, save_head
from quadrat.tests.core.fuzzing import Reader
from quadrat.tests.core.fuzzing_files import EVIL, EVIL_ARRAY, made


def zipped(**members):
    """An archive of these members, `_` standing for a dot and `__` for a slash."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return packed.getvalue()


def with_members(data, **members):
    """A copy of an archive with other contents of some members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.replace("/", "__").replace(".", "_"), old.read(name)))
    return packed.getvalue()


def _vectors():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)), np.arange(60) % 2 + 1


FACTS = {
    "task": "class", "head": "linear", "conformal": None, "prevalence": {"a": 0.5, "b": 0.5},
    "classes": [{"value": 1, "name": "a", "colour": "#ff0000"}, {"value": 2, "name": "b", "colour": "#00ff00"}],
    "features": {"identity": "x", "names": ["1", "2", "3"], "D": 3, "backbone": "", "source": "table", "signed": False},
    "applicability": {"threshold": 1.0}, "job": {"labels": "a.gpkg"},
}  # fmt: skip


@functools.cache
def heads():
    """Heads of the kinds whose insides are arrays of places: trees and layers, and a plain one."""
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    X, y = _vectors()
    boosted = HistGradientBoostingRegressor(max_iter=2, early_stopping=False, random_state=0)
    some = (
        LogisticRegression().fit(X, y), RandomForestClassifier(2, max_depth=3, random_state=0).fit(X, y),
        MLPClassifier((4,), solver="lbfgs", max_iter=300, random_state=0).fit(X, y), boosted.fit(X, y),
    )  # fmt: skip
    arrays = {
        "kept": np.arange(3), "centre": np.zeros(3, np.float32), "factor": np.ones(3, np.float32),
        "vectors": X.astype(np.float32), "scale": np.ones(2),
    }  # fmt: skip
    found = [made(lambda path, one=one: save_head(str(path), FACTS, plain(one), arrays), "a.qhead") for one in some]
    whole = found[0]
    return [
        *found, with_members(whole, head_skops=EVIL), with_members(whole, training__centre_npy=EVIL_ARRAY), EVIL,
        with_members(whole, head_skops=_pickled(whole)),
    ]  # fmt: skip


def _pickled(whole):
    """The estimator with one of its arrays pickled."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        body = archive.read(HEAD)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    return with_members(body, **{names[0].replace(".", "_"): EVIL_ARRAY})


def _head(path):
    """As a map reads and asks it."""
    from quadrat.core.errors import QuadratError
    from quadrat.core.estimation.filled import _labels_of
    from quadrat.core.trained import Head

    _labels_of(path)
    facts, estimator = load_head(path)
    head = Head.read(path, 1)
    estimator.predict(_vectors()[0]) if facts.get("features") == FACTS["features"] else None
    for ask in (head.conformal, head.trained_shares, head.applicability):
        try:
            ask()
        except QuadratError as error:
            if not str(error).rstrip().endswith("."):
                raise


@functools.cache
def reef():
    """A model of photo points."""
    from quadrat.tests.core.test_reef_stored import made as model_of

    return made(lambda path: model_of()[0].save(str(path)), "a.qreef")


def _reef(path):
    from quadrat.core.reef.learning.stored import ReefModel

    model = ReefModel.load(path)
    model.shares(np.zeros((3, 6), np.float32))
    model.thresholds(0.9)
    model.sets(0.8)


@functools.cache
def methods():
    """Favela methods, as far as they are one classifier."""
    from quadrat.core.settlement.methods.registry import METHODS
    from quadrat.core.settlement.methods.stored import TASK
    from sklearn.linear_model import LogisticRegression

    X, y = _vectors()
    name, card = next((name, card) for name, card in METHODS.items() if len(card.parts) == 1)
    facts = {
        "task": TASK, "methods": [name], "prevalence": 0.3, "features": ["1", "2", "3"], "variables": [],
        "readings": {}, "smooth_m": 0.0, "ranks": False, "space": "",
    }  # fmt: skip
    content = {"members": {card.parts[0]: [LogisticRegression().fit(X, y)]}, "nodes": None}
    return made(lambda path: save_head(str(path), facts, content), "a.qmethods")


def _methods(path):
    from quadrat.core.settlement.methods.stored import Methods

    found = Methods.read(path, 1)
    return found.names, found.prevalence


@functools.cache
def indicator():
    """A model of an indicator without network."""
    from quadrat.tests.core.indicatormodels import saved

    with tempfile.TemporaryDirectory() as folder:
        return Path(saved(Path(folder))).read_bytes()


def _indicator(path):
    from quadrat.core.poverty.indicator.ensemble import load_ensemble

    return load_ensemble(path)


def of_heads():
    """All of them."""
    return [
        Reader("head", _head, heads, "zip", ".qhead"),
        Reader("model of photo points", _reef, lambda: [reef()], "zip", ".qreef"),
        Reader("favela methods", _methods, lambda: [methods()], "zip", ".qmethods"),
        Reader("model of an indicator", _indicator, lambda: [indicator()], "zip", ".qseries"),
    ]
