"""News of a network that learns: from the real worker to whoever runs the job, and odd numbers on the wire."""

import json
import math

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core import protocol
from quadrat.core.epochs import EpochFacts, EpochNews
from quadrat.core.errors import BadFrame

losses = st.floats(allow_nan=False)


def news(training=1.0, validation=2.0):
    return EpochNews(
        "Transformer", "Licht é", "blocks", 2, 5, "CPU, 2 threads", EpochFacts(3, 9, training, validation, 1, 0.1)
    )


@given(losses, st.none() | losses)
def test_news_survive_the_wire(training, validation):
    sent = news(training, validation)
    frame = protocol.encode(protocol.notification(protocol.EPOCH, {"id": 1, "news": sent.to_dict()}))
    assert EpochNews.from_dict(json.loads(frame)["params"]["news"]) == sent


def test_a_loss_that_is_no_number_any_more_arrives_as_that():
    found = EpochNews.from_dict(json.loads(json.dumps(news(math.nan, math.nan).to_dict(), allow_nan=False))).facts
    assert math.isnan(found.training) and math.isnan(found.validation)


@pytest.mark.parametrize("spoil", [{"model": "x", "more": 1}, {"facts": None}, {"facts": {"epoch": 1}}])
def test_news_in_another_form_are_refused(spoil):
    with pytest.raises(BadFrame, match="another form"):
        EpochNews.from_dict({**news().to_dict(), **spoil})


def raster(path, bands, names, pixel_m):
    kind = {"driver": "GTiff", "crs": "EPSG:32736", "transform": rasterio.Affine(pixel_m, 0, 5e5, 0, -pixel_m, 9.2e6)}
    count, height, width = bands.shape
    with rasterio.open(path, "w", count=count, height=height, width=width, dtype=bands.dtype, **kind) as file:
        file.write(bands)
        file.descriptions = names
    return str(path)


@pytest.fixture
def lesson(tmp_path):
    """Two dates of one band on 8 x 8 cells of 4 px, and a light that follows it."""
    light = np.random.default_rng(0).uniform(10, 200, (2, 8, 8)).astype(np.float32)
    series = raster(
        tmp_path / "series.tif", np.kron(light, np.ones((1, 4, 4))).astype("u1"), ("red_2010", "red_2011"), 250
    )
    proxy = raster(tmp_path / "light.tif", light, ("light_2010", "light_2011"), 1000)
    return {
        "job": "trainseries", "series": series, "proxy": proxy, "method": "s", "cell_px": 4, "patch_px": 2, "models": 2,
        "epochs": 3, "block_size_m": 1000.0, "device": "cpu", "threads": 1, "dark_cells": -1,
        "output": str(tmp_path / "m.qseries"),
    }  # fmt: skip


def test_each_epoch_of_each_model_is_told_by_the_worker(pool, lesson):
    pytest.importorskip("torch")
    told = []
    result = pool.run(lesson, on_epoch=told.append)
    assert [(one.model, one.facts.epoch) for one in told] == [(m, e) for m in (1, 2) for e in (1, 2, 3)]
    assert {(one.method, one.indicator, one.test, one.models) for one in told} == {
        ("Spatial transformer", "light", "blocks", 2)
    }
    assert all(one.device == "CPU, 1 thread" for one in told)
    kept = [epoch for losses_of_model in result["facts"]["losses"] for epoch in losses_of_model]
    assert [one.facts for one in told] == [EpochFacts(**epoch) for epoch in kept]
