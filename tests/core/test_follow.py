"""Favelas over dates as a job: layers in, changes out; what drift does without stable cells; what is refused."""

import json

import geopandas as gpd
import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob, Stale
from quadrat.core.jobs.estimate import DrawSample, EstimateArea
from quadrat.core.jobs.settlement.follow import FollowSettlement
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.names import BECAME, NO_LONGER, SIX, UNDETECTED
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core.cities import drifted_city, made_city

pytestmark = pytest.mark.same_without_torch


@pytest.fixture(autouse=True, scope="module")
def quick_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "TREES", 40)
        yield


def save(folder, layers):
    paths = [str(folder / f"cidade_{2016 + 4 * number}.gpkg") for number in range(len(layers))]
    for layer, path in zip(layers, paths, strict=True):
        layer.to_file(path)
    return paths


def train(folder, cells, **values):
    job = {
        "cells": cells, "methods": ["forest-features", "forest-variables"], "block_size_m": 600.0,
        "output": str(folder / "city.qmethods"), "threads": 1,
    }  # fmt: skip
    run_job(TrainSettlement.from_dict({**job, **values}), Progress())
    return job["output"]


def changes(folder, methods, cells, **values):
    log = []
    job = FollowSettlement.from_dict(
        {"methods": methods, "cells": cells, "output": str(folder / "changes.gpkg"), "threads": 1, **values}
    )
    result = run_job(job, Progress(log=lambda level, text: log.append(text)))
    return gpd.read_file(job.output), result.facts, "\n".join(log)


@pytest.fixture(scope="module")
def city():
    return drifted_city(32, 32, seed=3, changed=0.08)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of what no test changes."""
    return tmp_path_factory.mktemp("follow")


@pytest.fixture(scope="module")
def paths(folder, city):
    """Both dates of the city."""
    return save(folder, city.layers)


@pytest.fixture(scope="module")
def methods(folder, paths):
    """Learnt on its first date; all drifted cities are alike then, whatever their seed."""
    return train(folder, paths[0])


@pytest.fixture(scope="module")
def followed(folder, paths, methods):
    """Changes of the city, layers given last date first."""
    return changes(folder, methods, paths[::-1])


@pytest.fixture
def saved(tmp_path):
    return lambda layers: save(tmp_path, layers)


@pytest.fixture
def follow(tmp_path, methods):
    def go(cells, **values):
        return changes(tmp_path, **{"methods": methods, "cells": cells, **values})

    return go


def false_and_found(table, city):
    """Share of unchanged cells said to have changed, and of changed ones that are said so."""
    said = table["change"].isin([BECAME, NO_LONGER]).to_numpy()
    return said[city.unchanged].mean(), said[city.became].mean()


def test_from_two_dates_to_changes(followed, paths, city, folder):
    table, facts, log = followed
    false, found = false_and_found(table, city)
    assert false < 0.01 and found > 0.7
    assert facts["dates"] == ["2016", "2020"] and facts["reference"] == "2016", "in time, however layers are given"
    known = table["change"] != ""
    assert known.sum() == len(table) - 1 and table["status"][0] == "vegetation", "discarded cells have no change"
    assert set(table) >= {"cell", "row", "col", "class_2016", "p_2016", "class_2020", "p_2020", "q_value"}
    assert not [name for name in table if name.startswith("emb_")]
    changed = table["change"].isin([BECAME, NO_LONGER])
    assert (table["q_value"][changed] <= 0.05).all() and (table["confidence"][changed] > 0.95).all()
    assert ((table["class_2016"] != table["class_2020"]) == (changed | (table["change"] == UNDETECTED)))[known].all()
    assert f"{(table['change'] == BECAME).sum()} cells became favela" in log
    assert "expected to be false" in log and "matched by their numbers" in log and "Estimate area" in log
    sidecar = read_sidecar(str(folder / "changes.gpkg"))
    assert [one["path"] for one in sidecar["inputs"].values()][1:] == paths[::-1]
    assert sidecar["facts"]["pairs"][0]["counts"][BECAME] == (table["change"] == BECAME).sum()


def test_drift_floods_a_map_that_is_not_brought_to_the_reference(saved, methods, follow, tmp_path):
    """Another season that makes all of the city look more like favela."""
    city = drifted_city(32, 32, seed=3, changed=0.08, drift=False)
    names = [name for name in city.layers[1] if name in SIX or name.startswith("emb_")]
    season = {name: 1.3 * city.layers[1][name] + 1.5 for name in names}
    paths = saved([city.layers[0], city.layers[1].assign(**season)])
    classes = []
    for number, path in enumerate(paths):
        output = str(tmp_path / f"map{number}.gpkg")
        run_job(MapSettlement.from_dict({"methods": methods, "cells": path, "output": output}), Progress())
        classes.append(gpd.read_file(output)["class"].to_numpy())
    flood = (classes[0] != classes[1])[city.unchanged].mean()
    table, _, _ = follow(paths, control="each cell")
    assert flood > 0.1 and false_and_found(table, city)[0] < 0.02


def test_nothing_changed_is_said(saved, follow):
    city = drifted_city(24, 24, seed=5, changed=0.0)
    table, facts, log = follow(saved(city.layers))
    assert table["change"].isin([BECAME, NO_LONGER]).sum() <= 1
    assert "0 cells became favela" in log or facts["pairs"][0]["counts"][BECAME] <= 1


def test_three_dates_and_a_reference_in_the_middle(saved, follow):
    city = drifted_city(24, 24, seed=2, dates=3, changed=0.1)
    undrifted, drifted, last = city.layers  # the first two show the same favelas
    paths = saved([drifted, undrifted, last])
    table, facts, _ = follow(paths, reference="2020", decides="forest-features")
    assert [(one["from"], one["to"]) for one in facts["pairs"]] == [
        ("2016", "2024"), ("2016", "2020"), ("2020", "2024"),
    ]  # fmt: skip
    assert false_and_found(table, city)[1] > 0.6
    early = table["change_2016_2020"].isin([BECAME, NO_LONGER])
    assert early.sum() <= 2, "what changed by 2024 had not changed by 2020"
    assert table["change_2020_2024"].isin([BECAME])[city.became].mean() > 0.6


def test_stable_cells_that_are_known_are_used(saved, follow, city):
    known = np.flatnonzero(city.unchanged)[::4]
    first = city.layers[0].assign(estável=np.isin(np.arange(len(city.layers[0])), known).astype(int))
    paths = saved([first, city.layers[1]])
    table, _, log = follow(paths, stable_field="estável")
    false, found = false_and_found(table, city)
    assert false < 0.02 and found > 0.4 and f"by {len(known) - 1} stable cells" in log
    with pytest.raises(BadInput, match="no field 'estavel'"):
        follow(paths, stable_field="estavel")
    with pytest.raises(BadInput, match="Write 1 for stable cells"):
        follow(paths, stable_field="label")
    paths = saved([first.assign(estável=np.arange(len(first)) < 30), city.layers[1]])
    with pytest.raises(BadInput, match="Only 29 stable cells"):
        follow(paths, stable_field="estável")


def test_cells_alone_call_more_than_all_together(follow, followed, paths):
    alone, _, log = follow(paths, control="each cell")
    counts = [table["change"].isin([BECAME, NO_LONGER]).sum() for table in (followed[0], alone)]
    assert counts[0] <= counts[1] and "if nothing had changed" in log
    strict, _, _ = follow(paths, control="each cell", level=0.999)
    assert strict["change"].isin([BECAME, NO_LONGER]).sum() < counts[1]


def test_columns_that_stay_are_left_alone_and_one_with_nothing_in_common_is_told(saved, follow, city):
    first, second = city.layers
    second = second.assign(len_roads=first["len_roads"], slope=first["slope"], emb_8=-first["emb_8"])
    _, _, log = follow(saved([first, second]))
    assert "2 of 14 columns are the same on both" in log
    assert "1 of 14 columns have nothing in common" in log and "emb_8" in log


def test_the_share_of_favela_is_settled_once(follow, paths):
    few, many = (follow(paths, prevalence=share)[0] for share in ("2%", "0.5"))
    assert (few["p_2020"] < many["p_2020"])[few["p_2020"].notna()].all()
    assert follow(paths, prevalence="estimate")[2].count("share of favela estimated") == 2, "once a method"


def test_cells_discarded_on_one_date_have_no_change_unless_asked(saved, follow, city):
    second = city.layers[1].copy()
    second.loc[5:9, "status"] = "not built up"
    paths = saved([city.layers[0], second])
    table, _, log = follow(paths)
    assert (table["change"][5:10] == "").all() and (table["class_2016"][5:10] != "").all()
    assert "5 cells are discarded" in log
    table, _, _ = follow(paths, classify_all=True)
    assert (table["change"] != "").all()


def test_all_cells_changed_is_refused(saved, follow):
    one, other = made_city(24, 24, seed=1), made_city(24, 24, seed=2)
    with pytest.raises(BadInput, match="has too little in common"):
        follow(saved([one, other]))


def test_the_same_layer_twice_is_refused(saved, follow):
    city = made_city(24, 24)
    with pytest.raises(BadInput, match="pictures of their own"):
        follow(saved([city, city]))


def test_bad_layers_are_a_sentence(follow, paths, city, tmp_path):
    with pytest.raises(BadJob, match="two dates at least"):
        follow(paths[:1])
    other = str(tmp_path / "other_2024.gpkg")
    city.layers[1].drop(columns="emb_3").to_file(other)
    with pytest.raises(BadInput, match="no field 'emb_3'"):
        follow([paths[0], other])
    city.layers[1].set_geometry(city.layers[1].translate(1e5, 0)).to_file(other)
    with pytest.raises(BadInput, match="Make the cells once"):
        follow([paths[0], other])
    city.layers[1].assign(slope=np.nan).to_file(other)
    with pytest.raises(BadInput, match="Only 0 cells are wanted and have all numbers"):
        follow([paths[0], other])
    city.layers[1].iloc[:80].to_file(other)
    with pytest.raises(BadInput, match="100 are needed"):
        follow([paths[0], other])
    with pytest.raises(BadJob, match="none of the dates: 2016, 2020"):
        follow(paths, reference="1999")
    with pytest.raises(BadJob, match="does not hold the method graph"):
        follow(paths, decides="graph")


def test_another_space_is_refused(saved, follow, tmp_path):
    paths = saved(drifted_city(12, 12).layers)
    for path, space in zip(paths, "ab", strict=True):
        (tmp_path / f"{path}.quadrat.json").write_text(json.dumps({"facts": {"space_identity": space * 32}}))
    methods = train(tmp_path, paths[0], methods=["forest-features"], test=False)
    with pytest.raises(Stale, match="cidade_2020"):
        follow(paths, methods=methods)


def test_the_same_job_says_the_same(follow, followed, paths):
    one, (other, _, _) = followed[0], follow(paths, threads=2)
    assert one.drop(columns="geometry").equals(other.drop(columns="geometry"))


def test_the_area_of_change_has_an_interval_from_a_sample_of_cells(followed, folder, city, tmp_path):
    """The way that the log tells: cells as units, changes as strata, both dates looked at in each drawn cell."""
    sample = str(tmp_path / "sample.gpkg")
    run_job(
        DrawSample.from_dict({
            "units": str(folder / "changes.gpkg"), "unit_field": "cell", "stratum_field": "change", "size": 300,
            "output": sample,
        }),
        Progress(),
    )  # fmt: skip
    drawn = gpd.read_file(sample, layer="sample")
    assert "change" not in drawn and 0 not in set(drawn["cell"]), "blind, and without the discarded cell"
    truth = np.where(city.became, 1, np.where(city.ceased, -1, 0))
    drawn.assign(reference=truth[drawn["cell"].astype(int)]).to_file(sample, layer="sample")
    job = {"sample": sample, "field": "reference", "target": "value", "output": str(tmp_path / "area.html")}
    rows = run_job(EstimateArea.from_dict(job), Progress()).facts["rows"]
    assert 0 < rows[0]["low"] <= truth[1:].mean() <= rows[0]["high"] < 0.15, rows


def test_a_share_that_is_the_same_on_all_dates_is_refused():
    values = {"methods": "a.qmethods", "cells": ["a.gpkg", "b.gpkg"], "output": "c.gpkg", "decision": "share"}
    with pytest.raises(BadJob, match="decision"):
        FollowSettlement.from_dict(values)
