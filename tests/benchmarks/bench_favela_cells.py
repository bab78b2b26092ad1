"""The methods of 'Train favela methods' on six real towns, by their own jobs: cells of 90 m on Landsat 5, three bands.

    .quadrat/test-engine/bin/python tests/benchmarks/bench_favela_cells.py [--quick] [--smooth 240] [--folder DIR]

Needs `favela/landsat5_ibge2010` of the folder in QUADRAT_DATA. Cells are made on the raster (`makecells`), embedded
(`embedcells`, spectral-textural, in the space of the first town), and labelled by the rule, mixed ones left out. One
half of a town teaches, every pixel of the other is tested, both ways; natural frequency everywhere. Lessons: the own
half; the other five towns; both. Lessons of other towns are ranked by town. A map names the surest cells, twice the
share of favela in the half that is known. Prints IoU of slum pixels, AUC and average precision, means of 12 halves and
their standard errors. `--quick`: two towns. `--slow`: the published networks, balanced voting and the graph instead,
which takes an hour; `--all`: both.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from sklearn.metrics import average_precision_score, roc_auc_score

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from quadrat.core.jobs.embedcells import EmbedCells  # noqa: E402
from quadrat.core.jobs.settlement.cells import MakeCells  # noqa: E402
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.settlement.methods.heldout import scores  # noqa: E402

LESSONS = ("own half", "other towns", "both")
TOWNS = ("ibirite", "montes_claros", "vespasiano", "osasco", "coronel_fabriciano", "macae")
METHODS, SLOW = ("auto", "forest-features", "neighbours"), ("network", "balanced-vote", "graph")
CUT = 2.0
"""Share of a map that is called favela, as a multiple of the share among the labels."""
CELL_PX, PIXEL_M = 3, 30.0


def embedded(source: Path, folder: Path, towns: tuple[str, ...]) -> dict[str, gpd.GeoDataFrame]:
    """Cells of each town with labels and vectors; `zone` is the number of the town."""
    found: dict[str, gpd.GeoDataFrame] = {}
    like = ""
    for number, town in enumerate(towns):
        raster, made = str(source / town / "rgb_8bit.tif"), str(folder / f"{town}.gpkg")
        output = folder / f"{town}_e.gpkg"
        run_job(
            MakeCells.from_dict(
                {"raster": raster, "cell_size_m": CELL_PX * PIXEL_M, "nodata": "keep", "output": made,
                 "favelas": str(source / town / "favela_polygons.geojson")}
            ),
            Progress(),
        )  # fmt: skip
        run_job(EmbedCells.from_dict({"input": raster, "cells": made, "like": like, "output": str(output)}), Progress())
        like = like or str(output)
        table = gpd.read_file(output)
        found[town] = table.assign(zone=number + 1, town=town)
    return found


def halves(table: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the left and the right half, without the cells that the border cuts."""
    x = table.centroid.x
    middle = (x.min() + x.max()) / 2
    return (x < middle - CELL_PX * PIXEL_M).to_numpy(), (x > middle + CELL_PX * PIXEL_M).to_numpy()


def asked(lesson: gpd.GeoDataFrame, test: gpd.GeoDataFrame, methods: tuple[str, ...], smooth_m: float, ranks: bool,
          share: float, folder: Path) -> gpd.GeoDataFrame:  # fmt: skip
    """The test cells as methods see them that learnt from the lesson; a share of them is called favela."""
    teach, ask, file, out = (str(folder / name) for name in ("teach.gpkg", "ask.gpkg", "m.qmethods", "map.gpkg"))
    lesson.to_file(teach)
    test.drop(columns=["label", "status"]).to_file(ask)
    # A cut by share asks for the order of cells only, which takes no test.
    common = {"methods": list(methods), "smooth_m": smooth_m, "ranks": ranks, "members": 5, "test": False}
    run_job(TrainSettlement.from_dict({"cells": teach, "output": file, **common}), Progress())
    asked_for = {"methods": file, "cells": ask, "decision": "share", "prevalence": f"{share:.6f}"}
    run_job(MapSettlement.from_dict({**asked_for, "output": out}), Progress())
    return gpd.read_file(out)


def pixels(
    table: gpd.GeoDataFrame, values: np.ndarray, shape: tuple[int, int], transform: rasterio.Affine
) -> np.ndarray:
    """(h, w) of the raster: the value of the cell that each pixel lies in, NaN beside all."""
    made = np.full(shape, np.nan)
    middle = table.geometry.representative_point()
    cols, rows = ~transform @ (middle.x.to_numpy(), middle.y.to_numpy())
    for row, col, value in zip(rows.astype(int) // CELL_PX, cols.astype(int) // CELL_PX, values, strict=True):
        made[row * CELL_PX : (row + 1) * CELL_PX, col * CELL_PX : (col + 1) * CELL_PX] = value
    return made


def main() -> None:
    """Print the table."""
    options = _options()
    source = Path(os.environ["QUADRAT_DATA"]) / "favela" / "landsat5_ibge2010"
    towns = TOWNS[:2] if options.quick else TOWNS
    methods = (*METHODS, *SLOW) if options.all else SLOW if options.slow else METHODS
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(options.folder or name)
        tables = embedded(source, folder, towns)
        for town in towns:
            rows += _town(source, tables, town, methods, options, folder)
    frame = pd.DataFrame(rows)
    grouped = frame.groupby(["lesson", "method"], sort=False)[["auc", "ap", "iou"]]
    print(
        f"{len(towns)} towns, cells of {CELL_PX * PIXEL_M:g} m, smoothing {options.smooth:g} m; mean and standard error"
    )
    print(pd.concat([grouped.mean().round(3), grouped.sem().round(3).add_suffix("_se")], axis=1).to_string())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--lesson", choices=LESSONS, action="append", help="only these; all by default")
    parser.add_argument("--smooth", type=float, default=240.0)
    parser.add_argument("--folder", default="")
    return parser.parse_args()


def _town(source: Path, tables: dict[str, gpd.GeoDataFrame], town: str, methods: tuple[str, ...],
          options: argparse.Namespace, folder: Path) -> list[dict[str, object]]:  # fmt: skip
    with rasterio.open(source / town / "favela_mask.tif") as data:
        truth, transform = data.read(1) > 0, data.transform
    table, rows = tables[town], []
    others = pd.concat([one.to_crs(table.crs) for name, one in tables.items() if name != town])
    for mine, test in (sides := halves(table)), sides[::-1]:
        both = pd.concat([others, table[mine]])
        lessons = {"own half": (table[mine], False), "other towns": (others, True), "both": (both, True)}
        for lesson, (cells, ranks) in lessons.items():
            if options.lesson and lesson not in options.lesson:
                continue
            share = CUT * float((table[mine] if lesson != "other towns" else others)["p_favelas"].mean())
            lesson_cells = gpd.GeoDataFrame(cells, crs=table.crs)
            found = asked(lesson_cells, table[test], methods, options.smooth, ranks, share, folder)
            for method in ("majority", *methods):
                if method == "majority":
                    said, favela = found["probability"], found["class"] == "favela"
                else:
                    said = found[f"p_{method.replace('-', '_')}"]
                    favela = said.rank(ascending=False, method="first") <= round(share * len(said))
                scored = _scores(found, said, favela, truth, transform)
                rows.append({"town": town, "lesson": lesson, "method": method, **scored})
        there = np.isfinite(pixels(table[test], np.zeros(int(test.sum())), truth.shape, transform))
        rows.append({"town": town, "lesson": "none", "method": "everything", "auc": 0.5, "ap": truth[there].mean(),
                     "iou": truth[there].mean()})  # fmt: skip
        print(town, pd.DataFrame(rows[-1:]).to_dict("records"), flush=True)
    return rows


def _scores(found: gpd.GeoDataFrame, said: pd.Series, favela: pd.Series, truth: np.ndarray,
            transform: rasterio.Affine) -> dict[str, float]:  # fmt: skip
    """Of the pixels of the tested half."""
    ranked = pixels(found, said.to_numpy(), truth.shape, transform)
    there = np.isfinite(ranked)
    called = pixels(found, favela.to_numpy().astype(float), truth.shape, transform) > 0
    mine = truth[there]
    if mine.all() or not mine.any():
        return {"auc": np.nan, "ap": np.nan, "iou": np.nan}
    return {
        "auc": roc_auc_score(mine, ranked[there]),
        "ap": average_precision_score(mine, ranked[there]),
        "iou": scores(mine, called[there])["iou"],
    }


if __name__ == "__main__":
    main()
