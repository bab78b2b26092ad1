"""Cells of real places: slum clusters of Mumbai; buildings, no favelas, of Ali Sabieh in Djibouti."""

import os
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.jobs.settlement.cells import MakeCells
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress

pytestmark = [pytest.mark.data, pytest.mark.same_without_torch]

DATA = Path(os.environ.get("QUADRAT_DATA", "/nonexistent")) / "favela"
MUMBAI = "mumbai_slum_clusters/mumbai_slum_clusters.gpkg"
DJIBOUTI = "osm_djibouti/ali_sabieh_osm.gpkg"


def file(path):
    """A file of the real data, or a visible skip."""
    if not (DATA / path).exists():
        pytest.skip(f"favela/{path} is not in the folder that QUADRAT_DATA names")
    return str(DATA / path)


@pytest.fixture
def make(tmp_path):
    """Run the job; gives the layer, the log and the seconds of the processor."""

    def go(**values):
        log, started, path = [], time.process_time(), str(tmp_path / "cells.gpkg")
        job = MakeCells.from_dict({"output": path, **values})
        run_job(job, Progress(log=lambda level, text: log.append(text)))
        return gpd.read_file(path), " ".join(log), time.process_time() - started

    return go


def test_mumbai(make):
    path = file(MUMBAI)
    cells, log, seconds = make(extent="72.77,72.98,18.89,19.27 [EPSG:4326]", favelas=path)
    assert cells.crs.to_epsg() == 32643 and len(cells) > 40_000
    assert seconds < 20, "40,000 cells with 2,500 polygons take a second"
    shapes = gpd.read_file(path).to_crs(32643).geometry
    shapes = shapes[shapes.area > 0]
    covered = (cells["p_favelas"] * cells.area).sum()
    assert covered == pytest.approx(shapely.union_all(shapely.make_valid(np.asarray(shapes.array))).area, rel=1e-4)
    assert cells["p_favelas"].between(0, 1).all() and "1 features of" in log
    counts = cells["status"].value_counts()
    assert 600 < counts["favela"] < 750 and counts["mixed"] > 4000
    some = cells[cells["p_favelas"] > 0].sample(40, random_state=0)
    tree = shapely.STRtree(np.asarray(shapes.array))
    for _, cell in some.iterrows():
        near = shapely.union_all(shapely.make_valid(tree.geometries[tree.query(cell.geometry)]))
        assert cell["p_favelas"] == pytest.approx(near.intersection(cell.geometry).area / 22500, abs=2e-6)


def test_the_larger_p_the_fewer_favelas(make, tmp_path):
    some = str(tmp_path / "some.gpkg")
    gpd.read_file(file(MUMBAI), bbox=(72.84, 19.02, 72.90, 19.08)).to_file(some)
    cells, *_ = make(boundary=some, favelas=some, partial="centre")
    counts = []
    for least in (0.3, 0.5, 0.9):
        kept = str(tmp_path / "kept.gpkg")
        cells.to_file(kept)
        again, *_ = make(cells=kept, favela_least=least)
        counts.append(int((again["label"] == "favela").sum()))
        assert counts[-1] == (cells["p_favelas"] >= least).sum()
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1] > 0


def test_buildings_of_ali_sabieh(make):
    path = file(DJIBOUTI)
    town = "42.69,42.73,11.13,11.17 [EPSG:4326]"
    cells, log, _ = make(extent=town, favelas=f"{path}|layername=buildings", favela_least=0.2, cell_size_m=100)
    assert cells.crs.to_epsg() == 32638
    assert "OpenStreetMap contributors (ODbL)" in log and "offer the layer under the ODbL" in log
    shapes = gpd.read_file(path, layer="buildings").to_crs(32638).geometry.make_valid()
    inside = shapely.union_all(np.asarray(shapes.array)).intersection(shapely.box(*cells.total_bounds))
    assert (cells["p_favelas"] * cells.area).sum() == pytest.approx(inside.area, rel=1e-4)
    assert (cells["label"] == "favela").sum() > 10
