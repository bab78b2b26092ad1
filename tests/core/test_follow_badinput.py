"""Layers of dates that are not as they should be: order of rows and of dates, numbers of cells, names, overwriting."""

import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from quadrat.core.errors import BadJob
from quadrat.core.jobs.settlement.follow import FollowSettlement
from quadrat.core.jobs.settlement.methods import TrainSettlement
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.celltable import read_cells
from quadrat.core.settlement.dates import misnamed
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.samecells import same_cells
from quadrat.tests.core.cities import drifted_city, made_city

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def written(tmp_path):
    def go(table, name):
        table.to_file(tmp_path / name)
        return str(tmp_path / name)

    return go


@pytest.fixture
def two_dates(monkeypatch, tmp_path, written):
    """Paths of methods and of the layers of two dates."""
    monkeypatch.setattr(parts, "TREES", 12)
    layers = [written(layer, f"{year}.gpkg") for layer, year in zip(drifted_city().layers, (2016, 2020), strict=True)]
    methods = str(tmp_path / "m.qmethods")
    job = {"cells": layers[0], "methods": ["forest-features"], "output": methods, "block_size_m": 600.0, "test": False}
    run_job(TrainSettlement.from_dict(job), Progress())
    return methods, layers


def run(methods, cells, output, **values):
    given = {"methods": methods, "cells": list(cells), "output": str(output), **values}
    return run_job(FollowSettlement.from_dict(given), Progress()).facts


def test_a_layer_of_the_input_is_not_written_over_by_its_name(two_dates):
    methods, layers = two_dates
    before = hashlib.sha256(Path(layers[0]).read_bytes()).digest()
    with pytest.raises(BadJob, match="Choose another file"):
        run(methods, [f"{layers[0]}|layername=2016", layers[1]], layers[0], dates="2016, 2020")
    assert hashlib.sha256(Path(layers[0]).read_bytes()).digest() == before


def test_two_dates_may_be_layers_of_one_file(two_dates, tmp_path):
    methods, layers = two_dates
    both = tmp_path / "both.gpkg"
    for path, name in zip(layers, ("y2016", "y2020"), strict=True):
        gpd.read_file(path).to_file(both, layer=name)
    sources = [f"{both}|layername={name}" for name in ("y2016", "y2020")]
    assert run(methods, sources, tmp_path / "o.gpkg")["dates"] == ["2016", "2020"]


def test_the_order_of_rows_changes_nothing(two_dates, written, tmp_path):
    methods, layers = two_dates
    turned = [
        written(gpd.read_file(path).sample(frac=1, random_state=seed), f"turned_{Path(path).name}")
        for seed, path in enumerate(layers)
    ]
    run(methods, layers, tmp_path / "one.gpkg", dates="2016, 2020")
    run(methods, turned, tmp_path / "other.gpkg", dates="2016, 2020")
    one, other = (gpd.read_file(tmp_path / name).set_index("cell") for name in ("one.gpkg", "other.gpkg"))
    other = other.loc[one.index]
    assert (one["change"] == other["change"]).all()
    np.testing.assert_array_equal(one["confidence"], other["confidence"])


def test_dates_that_differ_by_case_would_make_one_column(two_dates, tmp_path):
    methods, layers = two_dates
    with pytest.raises(BadJob, match="columns of one name"):
        run(methods, layers, tmp_path / "o.gpkg", dates="a, A")


def test_dates_against_the_names_of_files_are_pointed_out():
    files = ["/x/c_2016.gpkg", "/x/c_2020.gpkg", "/x/other.gpkg"]
    assert misnamed(["2016", "2020", "2024"], files) == []
    lines = misnamed(["2020", "2016", "2024"], files)
    assert len(lines) == 2 and "c_2016.gpkg is given as 2020, although its name says 2016" in lines[0]
    assert misnamed(["before", "after", "later"], files) == []


def test_numbers_of_another_type_are_the_same_numbers(written):
    city = made_city(6, 6)
    other = city.assign(cell=city["cell"].astype(float), zone=city["zone"].astype(str))
    paths = [written(city, "a.gpkg"), written(other, "b.gpkg")]
    same = same_cells([read_cells(path) for path in paths], paths)
    assert same.how == "by their numbers" and same.rows.shape == (2, 36)


def test_cells_numbered_anew_are_found_where_they_lie(written):
    city = made_city(6, 6)
    paths = [written(city, "a.gpkg"), written(city.assign(cell=city["cell"] + 500_000), "b.gpkg")]
    same = same_cells([read_cells(path) for path in paths], paths)
    assert same.how.startswith("by where they lie") and (same.rows[0] == same.rows[1]).all()
