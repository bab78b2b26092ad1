"""Composites of several years on small grids, and the job that joins them, for the tests of `prepareseries`."""

import json
from pathlib import Path

import numpy as np
import pytest
from quadrat.core.jobs.poverty.series import PrepareSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from rasterio.transform import Affine

WEST, NORTH, PIXEL = 600_000, 9_000_000, 10
HEIGHT, WIDTH = 40, 50


def place(col=0, row=0, pixel=PIXEL):
    """The transform of a raster that begins so many pixels of 10 m right and below of the first."""
    return Affine(pixel, 0, WEST + PIXEL * col, 0, -pixel, NORTH - PIXEL * row)


def ground(seed, count=1, height=HEIGHT, width=WIDTH, level=0.0, noise=30.0):
    """One scene (the same for all seeds) with noise of its own, (count, height, width) float64 from 200 on."""
    rows, cols = np.mgrid[:height, :width]
    scene = 400 + 150 * np.sin(rows / 6) + 150 * np.cos(cols / 7) + 50 * np.arange(count)[:, None, None]
    rng = np.random.default_rng(seed)
    return scene + rng.normal(0, noise, scene.shape) + level


class Made:
    """What came of a run."""

    def __init__(self, result, log):
        self.path, self.report = result.outputs["output"], result.outputs.get("report", "")
        self.facts, self.log = result.facts, log

    @property
    def warnings(self):
        return " ".join(text for level, text in self.log if level == "warning")

    @property
    def text(self):
        return " ".join(text for _, text in self.log)

    def read(self):
        """Names, values and validity (C, H, W) of the whole series."""
        with open_raster(self.path) as reader:
            values, valid = reader.read_each(reader.grid.whole)
            return list(reader.band_names), values, valid

    @property
    def sidecar(self):
        return read_sidecar(self.path)

    @property
    def numbers(self):
        return json.loads(Path(self.report).with_suffix(".json").read_text(encoding="utf-8"))


@pytest.fixture
def prepare(tmp_path):
    """Run the job on a folder, or on what `fields` name."""

    def go(folder=None, name="out/series é.vrt", report=True, **fields):
        output = tmp_path / name
        output.parent.mkdir(parents=True, exist_ok=True)
        values = {"job": "prepareseries", "output": str(output), **fields}
        if folder is not None:
            values["folder"] = str(folder)
        if report:
            values["report"] = str(output.with_suffix(".html"))
        log = []
        job = PrepareSeries.from_dict(values)
        return Made(run_job(job, Progress(log=lambda level, text: log.append((level, text)))), log)

    return go


@pytest.fixture
def yearly(make_raster, tmp_path):
    """Files of some years in a folder; gives the folder. `values_of(year)` makes (C, H, W)."""

    def go(years=(2017, 2018, 2019), values_of=None, pattern="in/s2_{}.tif", names=("B2", "B3", "B4"), **profile):
        values_of = values_of or (lambda year: ground(year, len(names) or 3))
        for year in years:
            more = {key: value(year) if callable(value) else value for key, value in profile.items()}
            make_raster(pattern.format(year), values_of(year), **{"names": names, "dtype": "uint16", **more})
        return tmp_path / "in"

    return go
