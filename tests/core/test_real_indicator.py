"""From real composites to a map of change by the jobs that a user runs. Few cells: the way, not how good it is."""

import os
from pathlib import Path

import numpy as np
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import rasterio
from quadrat.core.jobs.poverty.map import MapChange, MapIndicator
from quadrat.core.jobs.poverty.series import PrepareSeries
from quadrat.core.jobs.poverty.train import TrainSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress

DATA = Path(os.environ.get("QUADRAT_DATA", "/nonexistent")) / "rasters"
RED, NIR, NODATA = 3, 7, 65535


def folder(name):
    if not (DATA / name).is_dir():
        pytest.skip(f"{name} is not in the folder that QUADRAT_DATA names")
    return DATA / name


def prepared(name, pattern, output):
    run_job(
        PrepareSeries.from_dict({"folder": str(folder(name)), "pattern": pattern, "output": str(output)}), Progress()
    )
    return str(output)


@pytest.fixture(scope="module")
def belgium(tmp_path_factory):
    """The series of twelve months, of which two show nothing, and its NDVI as a proxy."""
    where = tmp_path_factory.mktemp("belgium")
    series = prepared("s1s2_belgium_monthly", "s2_*.tif", where / "s2.vrt")
    sources = sorted(folder("s1s2_belgium_monthly").glob("s2_l2a_*.tif"))
    with rasterio.open(sources[0]) as first:
        profile = {**first.profile, "count": len(sources), "dtype": "float32", "nodata": -9999}
    with rasterio.open(where / "ndvi.tif", "w", **profile) as file:
        for number, source in enumerate(sources, 1):
            with rasterio.open(source) as one:
                red, nir = one.read([RED, NIR]).astype(np.float32)
            ndvi = (nir - red) / np.maximum(nir + red, 1)
            file.write(np.where((red == NODATA) | (nir == NODATA), -9999, ndvi), number)
            file.set_band_description(number, f"ndvi_{source.stem[-7:]}")
    return where, series, str(where / "ndvi.tif")


@pytest.mark.data
@pytest.mark.parametrize(
    ("method", "more"),
    [("ridge", {}), ("st", {"pooling": "mean-over-tokens", "patch_px": 5, "epochs": 10, "models": 1})],
)
def test_months_of_fields_become_a_map_of_change(belgium, method, more):
    if method == "st":
        pytest.importorskip("torch")
    where, series, proxy = belgium
    model, levels, change = (str(where / f"{method}{name}") for name in (".qseries", "_levels.tif", "_change.tif"))
    asked = {"series": series, "proxy": proxy, "bands": "B03 B11 B12", "method": method, "cell_px": 10, "threads": 1,
             "block_size_m": 200.0, "output": model, "beside_random": "no", **more}  # fmt: skip
    facts = run_job(TrainSeries.from_dict(asked), Progress()).facts
    # NDVI lies between 0 and 1: measured in its own units a network of other poolings died in its first steps.
    assert facts["tests"]["blocks"]["r2"] > 0.5
    common = {"model": model, "series": series, "threads": 1}
    run_job(MapIndicator.from_dict({**common, "output": levels}), Progress())
    with rasterio.open(levels) as file, rasterio.open(series) as source:
        data = file.read()
        assert file.bounds == source.bounds and data.shape == (12, 10, 10)
    assert np.isnan(data[1:3]).all() and np.isfinite(data[3:]).mean() > 0.9
    run_job(MapChange.from_dict({**common, "first": "2021-02", "last": "2021-06", "output": change}), Progress())
    with rasterio.open(change) as file:
        np.testing.assert_allclose(file.read(1), data[7] - data[3], atol=1e-6)


@pytest.mark.data
def test_a_series_in_a_system_without_a_code(tmp_path):
    series = prepared("modis_sinop_series", "*.jp2", tmp_path / "ndvi.vrt")
    model, levels = str(tmp_path / "m.qseries"), str(tmp_path / "levels.tif")
    asked = {"series": series, "proxy": series, "method": "ridge", "cell_px": 5, "threads": 1, "models": 2,
             "block_size_m": 5000.0, "output": model}  # fmt: skip
    assert run_job(TrainSeries.from_dict(asked), Progress()).facts["tests"]["blocks"]["r2"] > 0.99
    run_job(MapIndicator.from_dict({"model": model, "series": series, "output": levels, "threads": 1}), Progress())
    with rasterio.open(levels) as file, rasterio.open(series) as source:
        assert (file.crs, file.shape) == (source.crs, (29, 51))
