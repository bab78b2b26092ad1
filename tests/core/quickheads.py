"""Heads made quick, for tests to which it does not matter how many trees, steps and settings there are."""

import functools

from quadrat.core.heads import auto, forest, heldout, inner, linear, mlp, prototype

FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")


def few_trees(monkeypatch, trees=20, rounds=20):
    """Forests of so many trees at most, and networks that stop after so many rounds."""

    def fewer(kind, n_estimators, **rest):
        return kind(n_estimators=min(n_estimators, trees), **rest)

    for name in FORESTS:
        monkeypatch.setattr(forest, name, functools.partial(fewer, getattr(forest, name)))
    monkeypatch.setattr(mlp, "ROUNDS", rounds)


def few_settings(monkeypatch):
    """The fewest inner folds in which anything is compared, as many held out, and three settings of each head."""
    monkeypatch.setattr(heldout, "HELD_OUT_FOLDS", inner.FEWEST_FOLDS)
    monkeypatch.setattr(inner, "INNER_FOLDS", inner.FEWEST_FOLDS)
    monkeypatch.setattr(auto, "INNER_FOLDS", inner.FEWEST_FOLDS)
    monkeypatch.setattr(linear, "STRENGTHS", (1.0, linear.USUAL_STRENGTH, 1e-4))
    monkeypatch.setattr(prototype, "SHARPNESS", (0.1, 1.0, 10.0))


def usual_settings(monkeypatch):
    """Heads take what is good as a rule, as they do where labels are too few to choose by."""
    monkeypatch.setattr(inner, "FEWEST_FOLDS", 99)
