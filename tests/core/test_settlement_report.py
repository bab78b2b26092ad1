"""Compare favela methods as a job: page, CSV, JSON and the map of errors."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.settlement.methods import CompareSettlement
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.comparerows import COLUMNS
from quadrat.core.settlement.methods import parts
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core.cities import made_city

pytestmark = pytest.mark.same_without_torch

ZONES = ("Norte <b>", "Sul & Mar", "Oeste")
QUICK = ("forest-variables", "weighted")


def compare(folder, cells=None, name="report.html", **values):
    log, reports = [], []
    if cells is None:
        cells = str(folder / "cidade à mão.gpkg")
        if not Path(cells).exists():
            city = made_city(16, 18, zones=3)
            city["zone"] = np.array(ZONES)[city["zone"] - 1]
            city.to_file(cells)
    values = {"methods": list(QUICK), "block_size_m": 600.0, "folds": 2, "repeats": 2, "inner_folds": 2} | values
    job = CompareSettlement.from_dict({"cells": cells, "output": str(folder / name), **values})
    progress = Progress(lambda *told: reports.append(told), lambda level, text: log.append(text))
    result = run_job(job, progress)
    return job, result, log, reports


@pytest.fixture(autouse=True, scope="module")
def quick_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "TREES", 3)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    return folder, compare(folder, errors=str(folder / "errors.gpkg"))


class Outside(HTMLParser):
    """Whatever a page would load."""

    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href", "action")]


def test_page_opens_offline_and_escapes_names(done):
    folder, _ = done
    page = (folder / "report.html").read_text(encoding="utf-8")
    found = Outside()
    found.feed(page)
    assert not {"script", "link", "img", "iframe"} & set(found.tags) and not found.links
    assert "url(" not in page and "@import" not in page
    assert "Norte &lt;b&gt;" in page and "Norte <b>" not in page and "Sul &amp; Mar" in page
    assert page.count("<svg viewBox") == 1 + len(QUICK), "scores, and a map of errors of each method"
    for words in ("Random folds", "Spatial blocks", "Left-out zones", "Everything is favela", "Nothing is favela"):
        assert words in page


def test_first_sentence_names_the_best_method_under_honest_folds(done):
    folder, (_, result, log, _) = done
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    blocks = next(one for one in numbers["schemes"] if one["name"] == "blocks")
    ious = {name: blocks["tests"]["learnt"][name]["iou"]["mean"] for name in QUICK}
    best = max(ious, key=ious.get)
    assert numbers["headline"]["best"] == best and numbers["headline"]["scheme"] == "blocks"
    first = result.facts["sentences"][0]
    assert f"{100 * ious[best]:.1f} %" in first and first in log
    assert "standard error" in result.facts["sentences"][1]


def test_table_as_csv(done):
    folder, _ = done
    rows = list(csv.DictReader(io.StringIO((folder / "report.csv").read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == COLUMNS
    table = [row for row in rows if not row["zone"]]
    assert len(table) == 3 * 3 * (len(QUICK) + 2), "schemes x tests x methods and trivial answers"
    assert {(row["test"], row["rule"]) for row in table} == {
        ("balanced", "published"), ("natural", "published"), ("natural", "learnt"),
    }  # fmt: skip
    for row in table:
        assert 0 <= float(row["iou"]) <= float(row["f1"]) <= 1 and float(row["iou_sd"]) >= 0
        assert (row["auc"] == "") == (row["test"] == "balanced")
    runs = {row["scheme"]: row["runs"] for row in table if row["rule"] == "published"}
    assert runs == {"random": "4", "blocks": "4", "zones": "6"}, "repetitions x folds, and x zones"
    assert {row["zone"] for row in rows} == {"", *ZONES}


def test_numbers_hold_each_run_and_their_population_spread(done):
    folder, _ = done
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for scheme in numbers["schemes"]:
        for test in scheme["tests"].values():
            for found in test.values():
                for one in found.values():
                    assert one["sd"] == pytest.approx(np.std(one["values"], ddof=0))
    assert numbers["job"]["job"] == "comparesettlement" and numbers["version"]


def test_map_of_errors(done):
    folder, _ = done
    table = gpd.read_file(folder / "errors.gpkg")
    assert len(table) == 286, "labelled cells"
    columns = [f"right_{name.replace('-', '_')}" for name in QUICK]
    assert {*columns, "right_mean", "right_worst", "favela", "label", "cell"} <= set(table)
    assert not [name for name in table if name.startswith("emb_") or name in ("slope", "p_vegeta")]
    assert table["right_mean"].to_numpy() == pytest.approx(table[columns].mean(axis=1).to_numpy())
    assert (table["right_worst"] == table[columns].min(axis=1)).all()
    assert set(np.unique(table[columns])) <= {0.0, 0.5, 1.0}, "of two repetitions"
    assert (table["favela"] == (table["label"] == "favela")).all()
    assert read_sidecar(str(folder / "errors.gpkg"))["facts"]["result"] == "methoderrors"


def test_progress_rises_and_tells_the_scheme(done):
    _, (_, _, _, reports) = done
    fractions = [fraction for fraction, _, _ in reports]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert [text for _, _, text in reports if text] == [
        f"Testing: {name}" for name in ("Random folds", "Spatial blocks", "Left-out zones")
    ]


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    city = tmp_path / "city.gpkg"
    made_city(12, 12, zones=1).to_file(city)
    for threads in (1, 3):
        compare(tmp_path, str(city), f"{threads}.html", threads=threads, repeats=1, folds=2, methods=["weighted"])
    for end in ("csv", "json", "html"):
        one, other = ((tmp_path / f"{threads}.{end}").read_text(encoding="utf-8") for threads in (1, 3))
        assert _without_job(one, end) == _without_job(other, end), "threads must not change results"


def _without_job(text, end):
    if end == "json":
        return {name: value for name, value in json.loads(text).items() if name != "job"}
    return re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)


def test_without_zones_and_without_a_cut(tmp_path):
    city = made_city(12, 12, zones=1)
    city.to_file(tmp_path / "one.gpkg")
    _, result, log, _ = compare(tmp_path, str(tmp_path / "one.gpkg"), inner_folds=0, repeats=1)
    numbers = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in numbers["schemes"]] == ["random", "blocks"]
    assert all("learnt" not in one["tests"] for one in numbers["schemes"])
    assert any("by left-out zones: The labelled cells lie in one zone only" in line for line in log)
    assert result.facts["headline"]["test"] == "natural"
    assert "No cut was learnt" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_makes_no_sense_is_refused_before_the_work(tmp_path):
    with pytest.raises(BadJob, match=r"must be a \.html"):
        compare(tmp_path, name="report.txt")
    with pytest.raises(BadJob, match="0, or 2 and more"):
        compare(tmp_path, inner_folds=1)
    with pytest.raises(BadJob, match="written as"):
        compare(tmp_path, errors=str(tmp_path / "errors.xyz"))
    with pytest.raises(BadInput, match="no field 'district'"):
        compare(tmp_path, zone_field="district")
    with pytest.raises(BadJob):
        compare(tmp_path, errors=str(tmp_path / "report.csv"))
