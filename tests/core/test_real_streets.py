"""The street variables on real geometry: Ali Sabieh, Djibouti, from OpenStreetMap.

The layer holds blocks, not streets: what is called a street here is the line midway between two neighbouring blocks,
which lie 1.1 m apart. Dead ends within a block are not among them.
"""

import os
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.jobs.settlement.cells import MakeCells
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement
from quadrat.core.jobs.settlement.variables import CellVariables
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.overlay import shares
from quadrat.core.settlement.streets import street_graph
from scipy.spatial import Voronoi

pytestmark = pytest.mark.same_without_torch

UTM, REACH_M, GAP_M, CELL_M = 32638, 600.0, 3.0, 120.0


@pytest.fixture(scope="module")
def town():
    """Buildings, and lines midway between blocks, of the middle of the town."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        pytest.skip("QUADRAT_DATA does not name the folder with real data")
    path = Path(folder) / "favela/osm_djibouti/ali_sabieh_osm.gpkg"
    buildings = gpd.read_file(path, layer="buildings").to_crs(UTM)
    blocks = gpd.read_file(path, layer="blocks_complexity").to_crs(UTM).geometry.array
    middle = np.median(shapely.get_coordinates(shapely.centroid(buildings.geometry.array)), axis=0)
    box = shapely.box(*(middle - REACH_M), *(middle + REACH_M))
    near = shapely.intersection(blocks[shapely.intersects(blocks, box)], box)
    points, block = shapely.get_coordinates(shapely.segmentize(shapely.boundary(near), 1.0), return_index=True)
    points, first = np.unique(np.round(points, 6), axis=0, return_index=True)
    cells = Voronoi(points)
    a, b = cells.ridge_points.T
    ends = np.array(cells.ridge_vertices)
    between = (block[first[a]] != block[first[b]]) & (np.linalg.norm(points[a] - points[b], axis=1) < GAP_M)
    places = np.round(cells.vertices, 3)
    pieces = shapely.linestrings(places[ends[between & (ends >= 0).all(axis=1)]])
    return buildings, pieces, box


@pytest.mark.data
def test_the_graph_is_that_of_geos_and_of_its_faces(town):
    """Streets, ends and degrees against lines merged by GEOS; and Euler's formula: cycles are blocks closed in."""
    _, pieces, _ = town
    made = street_graph(pieces, tolerance_m=0)
    streets = shapely.get_parts(shapely.line_merge(shapely.union_all(pieces)))
    ends = Counter(tuple(np.round(street.coords[k], 4)) for street in streets for k in (0, -1))
    expected = {place: count for place, count in ends.items() if count != 2}
    assert {tuple(place): int(d) for place, d in zip(np.round(made.nodes, 4), made.degree, strict=True)} == expected
    assert made.length_m == pytest.approx(shapely.length(streets).sum(), rel=1e-6)
    assert (made.degree >= 3).sum() > 30
    whole = street_graph(streets, tolerance_m=0)
    assert sorted(whole.degree) == sorted(made.degree), "drawn in one line or in thousands"
    parts = len(shapely.get_parts(shapely.node(shapely.union_all(pieces)))) - len(np.unique(
        np.round(shapely.get_coordinates(pieces), 4), axis=0))  # fmt: skip
    joined = shapely.get_parts(shapely.union_all(shapely.buffer(streets, 0.01)))
    assert len(shapely.get_parts(shapely.polygonize(pieces))) == parts + len(joined)


@pytest.mark.data
def test_streets_of_cells_add_up_and_lie_where_the_buildings_are(town, tmp_path):
    buildings, pieces, box = town
    west, south, east, north = box.bounds
    x, y = (
        axis.ravel() for axis in np.meshgrid(np.arange(west, east - 1, CELL_M), np.arange(south, north - 1, CELL_M))
    )
    squares = shapely.box(x, y, x + CELL_M, y + CELL_M)
    gpd.GeoDataFrame(geometry=squares, crs=UTM).to_file(tmp_path / "cells.gpkg")
    streets = shapely.get_parts(shapely.line_merge(shapely.union_all(pieces)))
    gpd.GeoDataFrame(geometry=streets, crs=UTM).to_crs(4326).to_file(tmp_path / "streets.gpkg")
    values = {"cells": str(tmp_path / "cells.gpkg"), "streets": str(tmp_path / "streets.gpkg"), "variables": "nine",
              "output": str(tmp_path / "out.gpkg")}  # fmt: skip
    facts = run_job(CellVariables.from_dict(values), Progress()).facts
    cells = gpd.read_file(tmp_path / "out.gpkg")
    inside = shapely.length(shapely.intersection(streets, shapely.union_all(squares))).sum()
    assert cells["len_roads"].sum() == pytest.approx(inside, rel=1e-4)
    graph = street_graph(streets)
    there = shapely.contains(shapely.union_all(squares), shapely.points(graph.nodes))
    assert facts["streets"]["nodes"] == len(there) and there.sum() > 100
    assert cells["nb_connect"].sum() == there.sum()
    assert (cells["nb_connect"] * cells["mean_conne"]).sum() == pytest.approx(graph.degree[there].sum())
    assert (cells["min_connec"] <= cells["mean_conne"] + 1e-9).all()
    assert (cells["mean_conne"] <= cells["max_connec"] + 1e-9).all()
    built = shares(squares, shapely.make_valid(buildings.geometry.array))
    assert cells["len_roads"][built > 0.05].median() > 2 * cells["len_roads"][built == 0].median()


@pytest.mark.data
def test_from_real_geometry_to_a_map_of_places_hard_to_reach(town, tmp_path, monkeypatch):
    """All steps. Blocks whose buildings lie deepest behind one another (k above 5) stand in for favelas."""
    monkeypatch.setattr(parts, "TREES", 50)
    monkeypatch.setattr(parts, "EPOCHS_AROUND", 10)
    _, pieces, box = town
    path = Path(os.environ["QUADRAT_DATA"]) / "favela/osm_djibouti/ali_sabieh_osm.gpkg"
    blocks = gpd.read_file(path, layer="blocks_complexity").to_crs(UTM)
    names = ("hard", "boundary", "streets", "cells", "variables", "map")
    paths = {name: str(tmp_path / f"{name}.gpkg") for name in names}
    blocks[blocks["complexity"] > 5].to_file(paths["hard"])
    gpd.GeoDataFrame(geometry=[box], crs=UTM).to_file(paths["boundary"])
    gpd.GeoDataFrame(geometry=pieces, crs=UTM).to_file(paths["streets"])
    jobs = (
        MakeCells.from_dict({"boundary": paths["boundary"], "cell_size_m": 60.0, "favelas": paths["hard"],
                             "output": paths["cells"]}),
        CellVariables.from_dict(
            {"cells": paths["cells"], "streets": paths["streets"], "variables": "nine", "output": paths["variables"]}
        ),
        TrainSettlement.from_dict({"cells": paths["variables"], "methods": ["forest-variables", "neighbours"],
                                   "output": str(tmp_path / "m.qmethods")}),
        MapSettlement.from_dict(
            {"methods": str(tmp_path / "m.qmethods"), "cells": paths["variables"], "output": paths["map"]}
        ),
    )  # fmt: skip
    facts = [run_job(job, Progress()).facts for job in jobs]
    table = gpd.read_file(paths["map"])
    hard = shares(table.geometry.to_numpy(), shapely.make_valid(gpd.read_file(paths["hard"]).geometry.to_numpy()))
    assert ((table["label"] == "favela") == (hard >= 0.7)).all() and facts[2]["counts"]["favela"] > 50
    assert set(facts[2]["variables"]) == {"len_roads", "nb_connect", "min_connec", "mean_conne", "max_connec"}
    tested = facts[2]["tested"]["forest-variables"]["best"]
    assert tested["iou"] > facts[2]["prevalence"], "better than to call everything hard to reach"
    assert table["class"].isin(["favela", "other"]).all() and len(table) > 350
