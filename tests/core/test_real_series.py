"""Transformers for series on real months, of which two were never seen. Few cells: the way, not how good it is."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from quadrat.core.bands.series import dates_of, in_order
from quadrat.core.poverty.teaching.bags import Samples
from quadrat.core.poverty.teaching.chipstore import all_squares, chips_on_disk
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster

torch = pytest.importorskip("torch")

from quadrat.core.poverty.methodlist import NETWORKS  # noqa: E402
from quadrat.core.poverty.transformers.predicting import predict  # noqa: E402
from quadrat.core.poverty.transformers.recipe import Recipe  # noqa: E402
from quadrat.core.poverty.transformers.training import Lesson, train  # noqa: E402

MONTHS = (*(f"2020-{month}" for month in (11, 12)), *(f"2021-{month:02}" for month in range(1, 11)))
BANDS = ("B02", "B03", "B04", "B08")
NUMBERS = (1, 2, 3, 7)
DATA = Path(os.environ.get("QUADRAT_DATA", "/nonexistent")) / "rasters" / "s1s2_belgium_monthly"


@pytest.fixture
def stack(tmp_path):
    """One raster with a band for each band and month."""
    sources = [DATA / f"s2_l2a_{month}.tif" for month in MONTHS]
    if not sources[0].exists():
        pytest.skip(f"{DATA.name} is not in the folder that QUADRAT_DATA names")
    with rasterio.open(sources[0]) as first:
        profile = {**first.profile, "count": len(MONTHS) * len(BANDS)}
    path = str(tmp_path / "series.tif")
    with rasterio.open(path, "w", **profile) as file:
        for number, (month, source) in enumerate(zip(MONTHS, sources, strict=True)):
            with rasterio.open(source) as one:
                for band, (name, values) in enumerate(zip(BANDS, one.read(NUMBERS), strict=True)):
                    at = number * len(BANDS) + band + 1
                    file.write(values, at)
                    file.set_band_description(at, f"{name}_{month}")
    return path


@pytest.mark.data
@pytest.mark.parametrize("method", NETWORKS)
def test_months_that_nobody_saw_are_masked(stack, tmp_path, method):
    epochs = 2 if method == "s" else 8  # each date of a cell is a row of its own to the spatial one
    with open_raster(stack) as reader:
        places, (names, dates) = all_squares(reader.grid, 10), dates_of(reader.band_names)
    assert tuple(in_order(dates)) == MONTHS and names[:4] == list(BANDS)
    bands = np.arange(1, len(names) + 1).reshape(len(MONTHS), len(BANDS))
    with chips_on_disk(stack, bands, places, tmp_path, Progress()) as store:
        assert store.values.dtype == np.uint16 and len(store) == 100
        assert not store.seen[:, 1:3].any() and store.seen[:, [0, *range(3, 12)]].mean() > 0.9
        red, nir = (store.values[:, :, band].mean(axis=(2, 3)) for band in (2, 3))
        with np.errstate(invalid="ignore"):
            ndvi = np.clip((nir - red) / (nir + red), 0, 1)
        recipe = Recipe(
            method=method, patch_px=5, dim=16, depth=1, epochs=epochs, pixels="standard", values="standard", batch=16,
            pooling="mean-over-tokens", output="linear", learning_rate=6e-3,
        )  # fmt: skip
        at = np.arange(100)
        lesson = Lesson(
            store, Samples.cells(ndvi), at[at % 3 > 0], at[at % 3 == 0], recipe, MONTHS, BANDS, "proxy",
            "NDVI of the same pixels", None, "cpu", 1,
        )  # fmt: skip
        model = train(lesson, Progress())
        P = predict(model, store, Progress(), "cpu", 1)
        assert np.array_equal(np.isnan(P), ~store.seen)
        errors = (P - ndvi)[at % 3 == 0]
        assert np.nanmean(errors**2) < 0.7 * np.nanvar(ndvi[at % 3 == 0])
