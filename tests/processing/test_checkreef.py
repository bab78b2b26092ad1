"""The stop sign of a photo survey from the toolbox."""

import csv
from pathlib import Path

from quadrat.core.reef.survey import Suggestion, Survey


def test_the_sign_from_the_toolbox(run, tmp_path, context, feedback):
    points = [f"p{photo}.jpg,{row},1,{'Coral' if row < 3 else 'Sand'}" for photo in range(1, 13) for row in range(9)]
    (tmp_path / "a.csv").write_text("\n".join(["Name,Row,Column,Label", *points]))
    survey, table, page = (str(tmp_path / name) for name in ("s.gpkg", "batches.csv", "sign.html"))
    run("importreef", ANNOTATIONS=[str(tmp_path / "a.csv")], OUTPUT=survey, context=context, feedback=feedback)
    with Survey(survey) as opened:
        told = [(one.point, one.label) for photo in range(1, 13) for one in opened.annotations(photo)]
        opened.suggest(Suggestion(point, 1, label, 0.9, "m") for point, label in told)
        opened.put_learnt("m", [1, 2])
    results = run("checkreef", SURVEY=survey, BATCH=5, TOLERANCE=10.0, OUTPUT=table, REPORT=page, context=context,
                  feedback=feedback)  # fmt: skip
    assert (results["OUTPUT"], results["REPORT"]) == (table, page)
    with open(table, encoding="utf-8", newline="") as file:
        found = {(row["batch"], row["measure"], row["group"]): row["value"] for row in csv.DictReader(file)}
    assert found["2", "hF", ""] == "1" and found["2", "cover error", "Coral"] == "0"
    assert "<h2>Stop</h2>" in Path(page).read_text(encoding="utf-8")
