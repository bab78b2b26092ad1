"""Favela methods as jobs: from labelled cells to a file, from the file to a map."""

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob, Stale
from quadrat.core.jobs.fewshot import ApplyHead
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.mapping import Verdict, estimated_share, moved, together, verdict
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.methods.heldout import Reading
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core.cities import made_city

pytestmark = pytest.mark.same_without_torch

QUICK = ("forest-variables", "forest-features", "weighted")


@pytest.fixture(autouse=True, scope="module")
def quick_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "TREES", 12)
        patch.setattr(parts, "EPOCHS_AROUND", 10)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of what no test changes."""
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def city(folder):
    path = folder / "cidade à mão.gpkg"
    made_city(24, 24).to_file(path)
    return str(path)


@pytest.fixture(scope="module")
def bare(folder):
    """Cells with variables only."""
    made_city(24, 24, features=0).to_file(folder / "bare.gpkg")
    return str(folder / "bare.gpkg")


def learn(cells, output, **values):
    """Gives the file, the facts and the log."""
    log = []
    job = TrainSettlement.from_dict(
        {"cells": cells, "methods": list(QUICK), "block_size_m": 600.0, "output": str(output), "threads": 1, **values}
    )
    result = run_job(job, Progress(log=lambda level, text: log.append(text)))
    return job.output, result.facts, log


@pytest.fixture(scope="module")
def trained(folder, city):
    return learn(city, folder / "city.qmethods")


@pytest.fixture
def train(tmp_path, city):
    def go(cells=city, name="other.qmethods", **values):
        return learn(cells, tmp_path / name, **values)

    return go


@pytest.fixture
def mapped(tmp_path, city):
    def go(methods, cells=city, name="map.gpkg", **values):
        log = []
        job = MapSettlement.from_dict({"methods": methods, "cells": cells, "output": str(tmp_path / name), **values})
        result = run_job(job, Progress(log=lambda level, text: log.append((level, text))))
        return gpd.read_file(job.output), result.facts, [text for _, text in log]

    return go


def test_from_cells_to_a_map(trained, mapped, city):
    path, facts, log = trained
    assert sum(facts["counts"].values()) == 574 and facts["prevalence"] == pytest.approx(0.2, abs=0.01)
    assert set(facts["tested"]) == set(QUICK) and any("F1" in line for line in log)
    table, told, _ = mapped(path)
    cells = gpd.read_file(city)
    assert len(table) == len(cells) and (table["cell"] == cells["cell"]).all()
    assert not [name for name in table if name.startswith("emb_")], "the map carries no vectors"
    assert table["class"][0] == "" or table["class"][0] is None, "vegetation gets no class"
    assert np.isnan(table["probability"][0]) and table["status"][0] == "vegetation"
    known = table["class"].isin(["favela", "other"])
    assert known.sum() == len(table) - 1 and told["discarded"] == 1 and told["discarded_statuses"] == ["vegetation"]
    assert ((table["votes"] >= 0) & (table["votes"] <= table["methods"]))[known].all()
    right = (table["class"] == "favela") == (cells["label"] == "favela")
    assert right[known].mean() > 0.85
    assert {"p_forest_variables", "p_forest_features", "p_weighted"} <= set(table)


def test_the_same_job_learns_the_same(trained, train):
    (one, _, _), (other, _, _) = trained, train(threads=2)
    first, second = (zipfile.ZipFile(path).read("head.skops") for path in (one, other))
    assert first == second, "threads must not change what is learnt"


def test_decisions_go_from_many_to_few(trained, mapped):
    path, _, _ = trained
    counts = {}
    for decision in ("published", "learnt", "likely"):
        counts[decision] = mapped(path, decides="forest-variables", decision=decision)[1]["counts"]["favela"]
    assert counts["published"] > counts["learnt"] >= counts["likely"] > 0


def test_a_share_names_the_surest_cells(trained, mapped):
    path, facts, _ = trained
    table, told, _ = mapped(path, decides="forest-variables", decision="share")
    known = table["class"].isin(["favela", "other"])
    assert told["counts"]["favela"] == round(facts["prevalence"] * known.sum())
    favela = table["class"] == "favela"
    assert table["probability"][favela].min() >= table["probability"][known & ~favela].max()
    asked = mapped(path, decides="forest-variables", decision="share", prevalence="40%")[1]["counts"]["favela"]
    assert asked == round(0.4 * known.sum())


def test_share_of_favela_can_be_put_in(trained, mapped):
    path, _, _ = trained
    few, many = (mapped(path, prevalence=share)[0]["probability"] for share in ("1%", "0.5"))
    assert few.mean() < many.mean()
    told = mapped(path, prevalence="estimate")[1]
    assert 0.05 < told["share"] < 0.4
    with pytest.raises(BadJob, match="Prevalence"):
        mapped(path, prevalence="often")


def test_where_methods_disagree_is_a_layer_of_its_own(trained, mapped, tmp_path):
    path, _, _ = trained
    table, _, _ = mapped(path, disagreement=str(tmp_path / "split.gpkg"))
    split = gpd.read_file(tmp_path / "split.gpkg")
    assert (split["disagree"].dropna() == table["disagree"].dropna()).all()
    assert read_sidecar(str(tmp_path / "split.gpkg"))["facts"]["result"] == "disagreement"


def test_methods_without_their_numbers_are_left_out_and_said(train, bare):
    _, facts, log = train(bare, methods=["forest-features", "forest-variables"], test=False)
    assert facts["methods"] == ["forest-variables"] and any("Embed cells" in line for line in log)
    with pytest.raises(BadInput, match="Embed cells"):
        train(bare, methods=["forest-features"])


def test_what_cannot_be_learnt_from_is_said(train, tmp_path):
    city = made_city(6, 6)
    city["label"] = "residential"
    city.to_file(tmp_path / "one.gpkg")
    with pytest.raises(BadInput, match=r"No cell of .* is labelled 'favela'"):
        train(str(tmp_path / "one.gpkg"))
    city.drop(columns="label").to_file(tmp_path / "none.gpkg")
    with pytest.raises(BadInput, match="no field 'label'"):
        train(str(tmp_path / "none.gpkg"))
    city[["cell", "geometry"]].to_file(tmp_path / "bare.gpkg")
    with pytest.raises(BadInput, match="neither an embedding nor variables"):
        train(str(tmp_path / "bare.gpkg"))


def test_without_a_test_the_published_rule_decides(train, mapped):
    path, facts, _ = train(test=False)
    assert facts["tested"] == {}
    table, _, log = mapped(path, decides="forest-variables")
    known = table["class"] != ""
    assert ((table["class"] == "favela") == (table["probability"] >= 0.5))[known].all()
    assert any("published rule" in line for line in log)


def test_files_are_not_mistaken(trained, mapped, tmp_path):
    path, _, _ = trained
    with pytest.raises(BadInput, match="Map favelas"):
        run_job(
            ApplyHead.from_dict({"head": path, "table": path, "output_table": str(tmp_path / "x.gpkg")}), Progress()
        )
    (tmp_path / "cut.qmethods").write_bytes(Path(path).read_bytes()[:2000])
    with pytest.raises(BadInput, match=r"cut.qmethods is not a head|damaged"):
        mapped(str(tmp_path / "cut.qmethods"))


def test_other_columns_and_spaces_are_refused(trained, mapped, tmp_path):
    path, _, _ = trained
    made_city(8, 8, features=4).to_file(tmp_path / "other.gpkg")
    with pytest.raises(BadInput, match="emb_5"):
        mapped(path, str(tmp_path / "other.gpkg"))


def test_decides_must_be_in_the_file(trained, mapped):
    path, _, _ = trained
    with pytest.raises(BadJob, match="does not hold the method graph"):
        mapped(path, decides="graph")


def test_verdict_moves_the_cut_with_the_prevalence():
    ranked = np.array([0.1, 0.4, 0.9, np.nan])
    reading = Reading({"power": np.array(1.0), "floor": np.array(0.0)}, 0.4)
    same = verdict(ranked, ranked >= 0.5, reading, "learnt", 0.2, None)
    assert same.favela.tolist() == [False, True, True, False]
    rarer = verdict(ranked, ranked >= 0.5, reading, "learnt", 0.2, 0.02)
    assert (rarer.favela == same.favela).all(), "the order of cells and the cut move together"
    assert rarer.probability[2] < same.probability[2] and np.isnan(rarer.probability[3])


def test_moving_there_and_back():
    p = np.linspace(0.01, 0.99, 9)
    assert moved(moved(p, 0.5, 0.1), 0.1, 0.5) == pytest.approx(p)
    assert estimated_share(np.full(50, 0.3), 0.3) == pytest.approx(0.3)


def test_together_counts_votes_and_breaks_ties_by_the_mean():
    one = Verdict(np.array([0.9, 0.6, 0.2, np.nan]), np.array([True, True, False, False]))
    other = Verdict(np.array([0.8, 0.3, np.nan, np.nan]), np.array([True, False, False, False]))
    found = together({"a": one, "b": other})
    assert found.votes.tolist() == [2, 1, 0, 0] and found.methods.tolist() == [2, 2, 1, 0]
    assert found.disagreement[:3].tolist() == [0, 1, 0] and np.isnan(found.disagreement[3])
    assert found.favela.tolist() == [True, False, False, False]


def test_cells_are_read_with_the_columns_of_training_and_no_others(train, mapped, bare):
    path, _, _ = train(bare, methods=["forest-variables", "neighbours"], test=False)
    without, with_vectors = mapped(path, bare)[0], mapped(path)[0]
    assert with_vectors["probability"].notna().sum() == without["probability"].notna().sum() > 500


def test_an_embedding_of_another_space_is_refused_and_one_of_the_same_taken(train, mapped, tmp_path):
    told = {"facts": {"space_identity": "a" * 32}}
    for seed, name in enumerate(("here.gpkg", "next.gpkg")):
        made_city(12, 12, seed=seed).to_file(tmp_path / name)
        Path(f"{tmp_path / name}.quadrat.json").write_text(json.dumps(told))
    path, facts, _ = train(str(tmp_path / "here.gpkg"), test=False)
    assert facts["space"] == "a" * 32
    mapped(path, str(tmp_path / "next.gpkg"))
    Path(f"{tmp_path / 'next.gpkg'}.quadrat.json").write_text(json.dumps({"facts": {"space_identity": "b" * 32}}))
    with pytest.raises(Stale, match="Same space as"):
        mapped(path, str(tmp_path / "next.gpkg"))
