"""Transformers for series: the loop that learns, what is kept, what is taken over, what is predicted."""

import functools
import itertools
import threading

import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.poverty.indicator.evolution import differences, levels, over_folds
from quadrat.core.poverty.teaching.bags import HIGHEST, MEAN, SELECT, Samples
from quadrat.core.poverty.teaching.chipstore import ChipStore
from quadrat.core.progress import Progress
from quadrat.tests.core.seriescells import T, cells

torch = pytest.importorskip("torch")

from quadrat.core.poverty.indicator.ensemble import Ensemble, Held, load_ensemble, save_ensemble  # noqa: E402
from quadrat.core.poverty.methodlist import NETWORKS  # noqa: E402
from quadrat.core.poverty.transformers import loop  # noqa: E402
from quadrat.core.poverty.transformers.predicting import predict, predict_samples  # noqa: E402
from quadrat.core.poverty.transformers.recipe import Recipe  # noqa: E402
from quadrat.core.poverty.transformers.training import Lesson, train  # noqa: E402
from quadrat.models.networks.series_parts import SeriesSize  # noqa: E402

DATES, BANDS = ("2001", "2002", "2003"), ("red", "nir")
TINY = {
    "dim": 8, "heads": 2, "depth": 1, "patch_px": 2, "pooling": "mean-over-tokens", "output": "linear",
    "pixels": "standard", "values": "standard", "learning_rate": 5e-3, "batch": 16, "epochs": 3,
}  # fmt: skip


def lesson(store, samples, start=None, kept="", **recipe):
    places = np.arange(len(samples))
    parts = places[places % 4 > 0], places[places % 4 == 0]
    made, dates = Recipe(**{**TINY, **recipe}), tuple(str(2001 + date) for date in range(store.dates))
    return Lesson(store, samples, *parts, made, dates, BANDS, "proxy", "made", start, "cpu", 1, str(kept))


def taught(store, Y, on_epoch=lambda facts: None, progress=None, **options):
    samples = Y if isinstance(Y, Samples) else Samples.cells(Y)
    return train(lesson(store, samples, **options), progress or Progress(), on_epoch)


def same(one, other):
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# Learning


@pytest.mark.parametrize("method", NETWORKS)
def test_every_method_learns_what_can_be_learnt(method):
    store, Y = cells(80, gaps=0.1)
    said = []
    model = taught(store, Y, said.append, method=method, epochs=12, learning_rate=1e-2)
    assert [one.epoch for one in said] == list(range(1, 13))
    best = min(said, key=lambda one: one.validation)
    assert model.more["best_epoch"] == best.epoch == said[-1].best_epoch
    P = predict(model, store, Progress(), "cpu", 1)
    assert np.array_equal(np.isnan(P), ~store.seen)
    held = np.arange(80) % 4 == 0
    errors = (P - Y)[held & store.seen.any(axis=1)]
    # The loss that is told is the error of what is kept, in the units of the target.
    assert np.nanmean(errors**2) == pytest.approx(best.validation, rel=1e-3)
    assert best.validation < 0.5 * np.var(Y[held])


def test_a_loss_that_is_no_number_any_more_ends_the_learning_and_keeps_what_was_good(monkeypatch):
    store, Y = cells(48)
    validated, said, log = loop.Learner._validated, [], []
    lost = lambda self, progress: np.nan if self.epoch == 2 else validated(self, progress)  # noqa: E731
    monkeypatch.setattr(loop.Learner, "_validated", lost)
    model = taught(store, Y, said.append, Progress(log=lambda *line: log.append(line)), epochs=9)
    assert [one.finite for one in said] == [True, True, False]
    assert len(model.more["losses"]) == 2 and model.more["best_epoch"] == said[1].best_epoch == said[2].best_epoch
    assert np.isfinite(predict(model, store, Progress(), "cpu", 1)).all()
    assert log[-1][0] == "warning" and "epoch 3 is not a number any more" in log[-1][1]
    with pytest.raises(BadInput, match="lower learning rate"):
        taught(store, Y * 1e30, values="raw")


def test_differences_need_the_whole_series():
    """The published pattern: years about alike, those of single images worse than no change."""
    rng, years = np.random.default_rng(0), np.arange(9)
    level, slope = rng.normal(5, 1, (600, 1)), rng.normal(0, 0.08, (600, 1))
    Y = level + slope * (years - 4) + rng.normal(0, 0.1, (600, 9))
    shown = Y + rng.normal(0, 0.6, (600, 1)) + rng.normal(0, 0.55, Y.shape)  # an error that stays, one of each year
    pixels = 20 + 20 * shown[:, :, None, None, None] + rng.normal(0, 8, (600, 9, 2, 2, 2))
    store = ChipStore(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), np.ones(Y.shape, bool))
    found, held = {}, np.arange(600) % 4 == 0
    for method, epochs in (("st", 14), ("s", 2)):
        model = taught(store, Y, method=method, epochs=epochs, dim=16, batch=64, learning_rate=6e-3)
        P = predict(model, store, Progress(), "cpu", 1)[held]
        apart = [differences(Y[held], P, years, k) for k in (1, 4)]
        found[method] = [over_folds([one]).r2[0] for one in (levels(Y[held], P), *(list(a.values()) for a in apart))]
    st, s = found["st"], found["s"]
    assert s[0] < st[0] < s[0] + 0.2
    assert s[1] < st[1] < 0.2 and s[2] < 0 < st[2]


def test_the_spatial_one_learns_from_each_pair_of_cell_and_date():
    store, Y = cells(48)
    assert taught(store, Y, method="s").more["rows"] == {"train": 36 * T, "validation": 12 * T}
    assert taught(store, Y, method="st").more["rows"] == {"train": 36, "validation": 12}


def test_targets_that_are_not_known_teach_nothing():
    store, Y = cells(48)
    sparse = Y.copy()
    sparse[::2, 0] = np.nan
    odd = store.values.copy()
    weight = np.ones(48)
    weight[5] = 0
    odd[5] = 255
    same_again = Samples.cells(np.where(np.arange(48)[:, None] == 5, 1e6, sparse), weight)
    one = taught(store, Samples.cells(sparse, weight), pixels="raw")
    other = taught(ChipStore(odd, store.seen), same_again, pixels="raw", kept="")
    assert same(one, other)


def test_seed_decides_and_torch_is_left_as_it_was():
    store, Y = cells()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one, other, third = taught(store, Y), taught(store, Y), taught(store, Y, seed=1)
    assert same(one, other) and not same(one, third)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("stop", [1, 4, 8])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path, stop):
    store, Y = cells(64)
    whole, kept = taught(store, Y), tmp_path / "unfinished.part"
    cancelled, calls = threading.Event(), itertools.count(1)

    class Stopping(Progress):
        def checkpoint(self, fraction=None, text=""):
            if fraction is not None and not text and next(calls) > stop:  # a step of a batch
                cancelled.set()
            super().checkpoint(fraction, text)

    with pytest.raises(Cancelled):
        taught(store, Y, progress=Stopping(cancelled=cancelled), kept=kept)
    assert kept.is_file() and kept.read_bytes()[:2] == b"PK"
    said = []
    again = taught(store, Y, said.append, kept=kept)
    assert same(whole, again)
    assert [one.epoch for one in said] == [1, 2, 3]
    assert [one["training"] for one in again.more["losses"]] == [one["training"] for one in whole.more["losses"]]
    # Another lesson does not take what is kept for its own.
    assert same(taught(store, Y, kept=kept, seed=2), taught(store, Y, seed=2))


def test_it_ends_when_the_validation_loss_has_stopped_falling():
    store, Y = cells(32)
    model = taught(store, np.random.default_rng(1).permutation(Y), epochs=200, patience=4, learning_rate=0.02)
    assert len(model.more["losses"]) == model.more["best_epoch"] + 4 < 200


def test_pieces_of_a_batch_give_the_gradients_of_the_whole(monkeypatch):
    store, Y = cells(32, gaps=0.2)
    options = {"epochs": 1, "batch": 64}
    monkeypatch.setattr(loop, "SeriesSize", functools.partial(SeriesSize, dropout=0.0))
    one = taught(store, Y, **options)
    monkeypatch.setitem(loop.TOKENS_AT_ONCE, "cpu", 4 * T * 3)
    other = taught(store, Y, **options)
    for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_negative_targets_need_a_linear_output():
    store, Y = cells()
    with pytest.raises(BadJob, match="output 'linear'"):
        taught(store, Y - 20, output="relu")


@pytest.mark.parametrize("some", [False, True])
def test_a_dead_output_is_told(some):
    """Of all dates, or of those for which the start was unlucky."""
    store, Y = cells(32)
    told = []
    progress = Progress(log=lambda level, text: told.append(text) if level == "warning" else None)
    Y = np.where(np.arange(T) < 2, Y, 0.0) if some else 0.0 * Y
    taught(store, Y, progress=progress, output="relu", pooling="class-token", start_at_mean=True, epochs=20)
    assert len(told) == 1 and "softplus" in told[0]
    assert ("1 of 3 dates" if some else "everywhere") in told[0]


@pytest.mark.parametrize("output", ["relu", "softplus", "linear"])
def test_head_starts_at_the_mean_target(output):
    store, Y = cells()
    options = {"pooling": "token-mean-over-dim", "output": output, "epochs": 1, "learning_rate": 1e-9}
    # As the published pooling sees nothing at the start, the first values are those of the bias alone.
    P = predict(taught(store, Y, **options, start_at_mean=True), store, Progress(), "cpu", 1)
    np.testing.assert_allclose(P, np.broadcast_to(Y[np.arange(48) % 4 > 0].mean(axis=0), P.shape), rtol=1e-3)


@pytest.mark.parametrize("how", [MEAN, SELECT, HIGHEST])
def test_places_of_several_squares_are_learnt_and_predicted(how):
    store, level = cells(90)
    place = np.repeat(np.arange(30), 3)
    Y = {MEAN: level.reshape(30, 3, T).mean(1), HIGHEST: level.reshape(30, 3, T).max(1)}.get(how, level[::3])
    samples = Samples(Y, np.ones(30), place, np.arange(90), np.ones(90))
    model = taught(store, samples, bags=how, epochs=15, learning_rate=1e-2)
    said = predict_samples(predict(model, store, Progress(), "cpu", 1), store, samples, how)
    assert said.shape == (30, T)
    P = predict(model, store, Progress(), "cpu", 1)
    # Who chose among squares was never told which is the true one, the first of each three.
    true = P[::3] if how == SELECT else said
    assert np.corrcoef(true.mean(1), Y.mean(1))[0, 1] > 0.8
    alone = Samples.cells(Y)
    np.testing.assert_allclose(predict_samples(P, store, alone, how), P[:30], rtol=1e-6)


# Transfer and files


def test_transfer_teaches_the_head_alone_then_all(tmp_path):
    store, Y = cells()
    start = taught(store, Y)
    before = {name: value.clone() for name, value in start.network.state_dict().items()}

    def moved(model):
        return {n.split(".")[0] for n, v in model.network.state_dict().items() if not torch.equal(v, before[n])}

    everything = {"patches", "encoder", "norm", "head"}
    assert moved(taught(store, Y * 2, start=start, transfer="head")) == {"head"}
    later = {"transfer": "head-then-all", "head_epochs": 2}
    with_all = taught(store, Y * 2, start=start, **later)
    assert moved(with_all) == everything or with_all.more["best_epoch"] <= 2
    assert moved(taught(store, Y * 2, start=start, **later, epochs=2)) == {"head"}
    assert moved(taught(store, Y * 2, start=start, transfer="all")) == everything
    # Pixels stay in the units that the encoder knows.
    darker = ChipStore(store.values // 2, store.seen)
    assert taught(darker, Y, start=start).scaling.shift == start.scaling.shift


def test_a_head_of_another_number_of_dates_starts_anew():
    store, Y = cells()
    start = taught(store, Y, pooling="token-mean-over-dim")
    short = ChipStore(store.values[:, :2], store.seen[:, :2])
    given = lesson(store, Samples.cells(Y), start, pooling="token-mean-over-dim", transfer="head")
    shorter = Lesson(
        short, Samples.cells(Y[:, :2]), given.train, given.validation, given.recipe, DATES[:2], BANDS, "survey",
        "wealth", start, "cpu", 1,
    )  # fmt: skip
    model = train(shorter, Progress())
    assert model.more["started_from"]["new"] == ["head.weight", "head.bias"]
    assert torch.equal(model.network.norm.weight, start.network.norm.weight)
    assert model.network.head.out_features == 2 and model.predicted == "survey"
    with pytest.raises(BadInput, match="does not fit"):
        taught(store, Y, start=start, pooling="token-mean-over-dim", dim=10)


def kept_in(path, model):
    """The model alone in a file, with nothing held apart."""
    nothing, nobody = np.zeros((0, T)), np.zeros(0, np.int64)
    held = Held(nothing, nothing, nobody, nobody, np.zeros((0, 2)), nobody)
    save_ensemble(path, Ensemble(model.facts, (model,), {"blocks": held}))


@pytest.mark.parametrize("method", NETWORKS)
def test_a_model_from_its_file_says_the_same(tmp_path, method):
    store, Y = cells()
    model, path = taught(store, Y, method=method, epochs=1), str(tmp_path / "modèle.qseries")
    kept_in(path, model)
    again = load_ensemble(path).members[0]
    assert again.facts == model.facts and again.dates == DATES and again.predicted == "proxy"
    P = predict(model, store, Progress(), "cpu", 1)
    np.testing.assert_array_equal(predict(again, store, Progress(), "cpu", 1), P)
    first = (tmp_path / "modèle.qseries").read_bytes()
    kept_in(path, again)
    assert (tmp_path / "modèle.qseries").read_bytes() == first
    short = ChipStore(store.values[:, 1:], store.seen[:, 1:])
    if method == "s":
        np.testing.assert_allclose(predict(again, short, Progress(), "cpu", 1), P[:, 1:], rtol=1e-5)
    else:
        with pytest.raises(BadInput, match="3 dates as a whole"):
            predict(again, short, Progress(), "cpu", 1)
    with pytest.raises(BadInput, match="2 bands"):
        predict(again, ChipStore(store.values[:, :, :1], store.seen), Progress(), "cpu", 1)


def test_files_that_are_no_models_are_refused(tmp_path):
    path = tmp_path / "x.qseries"
    for content in (b"", b"PK\x03\x04 cut", b'{"format": 1}'):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="not a model"):
            load_ensemble(str(path))
    with pytest.raises(BadInput, match="no file"):
        load_ensemble(str(tmp_path / "none.qseries"))


def test_words_and_numbers_that_mean_nothing_are_refused():
    for wrong in ({"method": "lstm"}, {"bags": "max"}, {"batch": 0}, {"learning_rate": 0.0}, {"dark_cells": -2}):
        with pytest.raises(BadJob):
            Recipe(**wrong)
    assert Recipe() == Recipe(learning_rate=5e-4, batch=64, epochs=200) and Recipe().patch_of(32) == 8
