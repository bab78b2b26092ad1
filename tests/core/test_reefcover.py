"""The job that tells the cover of a photo survey, on a made one."""

import csv
import re
import shutil

import geopandas as gpd
import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.reef import build, schema
from quadrat.core.reef.cover import pictures
from quadrat.core.reef.cover.pictures import Dot
from quadrat.core.reef.formats import covers
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.tests.core.reefwork import run

pytestmark = pytest.mark.same_without_torch

CODES = ("POR", "ACR", "SAND", "FRAME")
LABELS = (
    Label("Coral", "Corals", colour="#ee8866"), Label("POR", "Porites", "Coral"), Label("ACR", "Acropora", "Coral"),
    Label("SAND", "Sand"), Label("FRAME"),
)  # fmt: skip
PHOTOS, POINTS, CHECKED = 64, 10, 32


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """64 photos at two sites and two years; people labelled every other one, the machine, which errs, all."""
    path = str(tmp_path_factory.mktemp("cover") / "survey.gpkg")
    rng = np.random.default_rng(0)
    put = (
        "INSERT INTO photos (name, path, width, height, site, transect, date, points, annotated, state, orientation, "
        "geom) VALUES (?, '', 100, 100, ?, 'T1', ?, 0, 0, 'no points', 0, ?)"
    )
    with build.changing("", path) as opened:
        opened.put_labels(LABELS)
        for at in range(PHOTOS):
            place = schema.point_blob(151.0 + at // 32, -4.0, 4326)
            opened.connection.execute(
                put, (f"p{at:02d}.jpg", f"site {'AB'[at // 32]}", f"201{at % 4 // 2}-05-01", place)
            )
        for photo in range(1, PHOTOS + 1):
            points = opened.add_points(photo, [(row, photo) for row in range(POINTS)])
            truth = rng.choice(4, POINTS, p=rng.dirichlet([4, 1, 3, 1]))
            said = np.where(rng.random(POINTS) < 0.8, truth, 2)
            opened.suggest([Suggestion(p.point, 1, CODES[k], 0.8, "m") for p, k in zip(points, said, strict=True)])
            if photo % 2:
                opened.annotate([(p.point, CODES[k]) for p, k in zip(points, truth, strict=True)], "Ann")
    return path


def rows_of(path):
    """Rows of a table as dictionaries."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_outputs_agree_with_the_points(survey, tmp_path):
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("output", "wide", "diversity")}
    paths |= {"sites": str(tmp_path / "sites.gpkg"), "report": str(tmp_path / "report.html")}
    result, told = run("reefcover", survey=survey, period="year", left_out="frame", **paths)
    assert result.facts["labelled_photos"] == CHECKED and result.facts["both"] == CHECKED
    rows = rows_of(paths["output"])
    with Survey(survey) as opened:
        shares = []
        for photo in range(1, PHOTOS + 1, 2):
            said = [one.label for one in opened.annotations(photo) if one.label != "FRAME"]
            shares.append(np.mean([label in ("POR", "ACR") for label in said]))
    whole = {r["method"]: r for r in rows if r["per"] == "survey" and r["label"] == "Coral"}
    assert float(whole["people"]["cover"]) == pytest.approx(np.mean(shares), abs=1e-5)
    assert {r["label"] for r in rows} == {"Coral", "POR", "ACR", "SAND"}
    for method in ("powered", "people", "corrected", "machine"):
        one = whole[method]
        assert float(one["low"]) <= float(one["cover"]) <= float(one["high"])
    assert float(whole["machine"]["cover"]) < float(whole["people"]["low"])  # it says sand too often
    for per, groups in (("site", 2), ("date", 2), ("site and date", 4), ("transect", 2), ("photo", PHOTOS)):
        assert len({(r["site"], r["date"], r["photo"]) for r in rows if r["per"] == per}) == groups
    wide = covers.read(paths["wide"])
    np.testing.assert_allclose(wide.shares.sum(axis=1), 1, atol=1e-4)
    assert (wide.photos["status"] == "Confirmed").sum() == CHECKED
    assert {r["index"] for r in rows_of(paths["diversity"])} == {"shannon", "simpson", "evenness", "richness"}
    sites = gpd.read_file(paths["sites"])
    assert sites["site"].tolist() == ["site A", "site B"] and sites.geometry.x.tolist() == [151.0, 152.0]
    fields = [one["field"] for one in result.facts["classes"]]
    assert sites[fields].sum(axis=1).tolist() == pytest.approx([1, 1], abs=0.05)  # each label has its own lambda
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "By site" in page and "Over time" in page and "<script" not in page
    assert any("on trust" in text for _, text in told)


def test_photos_that_people_chose_speak_for_no_others(survey, tmp_path):
    output = str(tmp_path / "out.csv")
    result, _ = run("reefcover", survey=survey, groups=["survey"], checked="chosen", output=output)
    rows = rows_of(output)
    assert {r["method"] for r in rows} == {"people", "corrected", "machine"}
    assert all(r["low"] == "" for r in rows if r["method"] == "people")
    assert any("speak for no others" in text for text in result.facts["warnings"])


def test_what_the_machine_learnt_from_and_what_another_model_said_prove_nothing(survey, tmp_path):
    path, output = str(tmp_path / "copy.gpkg"), str(tmp_path / "out.csv")
    shutil.copy(survey, path)

    def told():
        facts = run("reefcover", survey=path, groups=["survey"], output=output)[0].facts
        notes = " ".join(facts["warnings"])
        return facts["both"], "taken on trust. Where it did" in notes, "another model" in notes

    assert told() == (CHECKED, True, False), "nobody noted what m learnt from"
    with Survey(path) as opened:
        opened.put_learnt("m", range(1, 11))
        assert told() == (CHECKED - 5, False, False)
        opened.connection.execute(
            "UPDATE suggestions SET model = 'n' WHERE point IN (SELECT point FROM points WHERE photo BETWEEN 60 AND 63)"
        )
        opened.put_learnt("n", [])
    # Photos 61 and 63 are labelled by people; of 60 and 62, which are not, another model spoke than of most.
    assert told() == (CHECKED - 7, False, True)


def test_what_cannot_be_told_is_refused(survey, tmp_path):
    output = str(tmp_path / "out.csv")
    with pytest.raises(BadInput, match="There is no label 'FRAMES'"):
        run("reefcover", survey=survey, left_out="FRAMES", output=output)
    with pytest.raises(BadInput, match="Nobody named 'Bob'"):
        run("reefcover", survey=survey, annotators="Bob", output=output)
    with pytest.raises(BadInput, match="no column 'zone'"):
        run("reefcover", survey=survey, group_field="zone", output=output)
    with pytest.raises(BadJob, match="map of sites"):
        run("reefcover", survey=survey, groups=["date"], output=output, sites=str(tmp_path / "s.gpkg"))


def test_dates_stand_to_scale_and_names_do_not_lie_on_one_another():
    def row(cover):
        return {"cover": cover, "low": cover / 2, "high": cover * 1.5}

    dates = ["2020", "2021", "2021-07-20", "2030"]
    picture = pictures.over_time("Coral <x>", [Dot(name, row(0.2)) for name in dates])
    at = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', picture)]
    assert (at[1] - at[0]) / (at[3] - at[0]) == pytest.approx(0.1, abs=0.005) and "Coral &lt;x&gt;" in picture
    assert ">2021<" in picture and ">2021-07-20<" not in picture and "2021-07-20: 20.0 %" in picture
    even = pictures.over_time("C", [Dot(name, row(0.2)) for name in ("spring", "2021", "2030")])
    first, second, third = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', even))
    assert second - first == pytest.approx(third - second, abs=0.11)
    # A site that was not visited in a year has no dot and no line there; sites share the scale of dates.
    sites = [("N", [Dot("2020", row(0.1)), Dot("2030", row(0.3))]), ("S", [Dot("2020", row(0.1)), Dot("2030", None)])]
    wide = pictures.by_place_over_time("C", sites)
    assert wide.count("<circle") == 3 and wide.count('stroke="var(--muted)"') == 1
