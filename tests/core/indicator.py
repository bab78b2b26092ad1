"""Made-up places with an indicator, and the job that assesses it."""

import json

import numpy as np
import pandas as pd
from quadrat.core.jobs.poverty.assess import AssessSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress

COLUMNS = ["light", "roads", "noise"]


def survey(path, places=48, years=(2010, 2015), seed=0, spread=1.0):
    """Places of three countries, asked twice: wealth follows light within countries, and countries differ."""
    rng = np.random.default_rng(seed)
    country = np.repeat(["A", "B", "C"], places // 3)
    light = 10 ** rng.uniform(-1, 1, places)
    lon, lat = rng.uniform(0, 4, places) + 6 * (country == "B") - 6 * (country == "C"), rng.uniform(0, 4, places)
    rows = []
    for year in years:
        now = light * (1 + 0.5 * (year > years[0]) * rng.random(places))
        wealth = np.log10(now) + spread * np.array([{"A": 0, "B": 2, "C": -2}[one] for one in country])
        rows.append(
            pd.DataFrame(
                {"wealth": wealth + rng.normal(0, 0.1, places), "year": year, "country": country, "lon": lon,
                 "lat": lat, "light": now, "roads": rng.normal(size=places), "noise": rng.normal(size=places),
                 "kind": np.where(light > 1, "urban", "rural"), "fold": np.arange(places) % 3}
            )
        )  # fmt: skip
    table = pd.concat(rows, ignore_index=True).sample(frac=1, random_state=seed)
    table.to_csv(path, index=False)
    return table


def job(tmp_path, **more):
    given = {"samples": str(tmp_path / "s.csv"), "feature_fields": COLUMNS, "value_field": "wealth", "repeats": 1,
             "methods": ["ridge", "ridge-log"], "folds": 3, "output": str(tmp_path / "page.html")}  # fmt: skip
    return AssessSeries.from_dict({**given, **more})


def numbers_of(tmp_path, **more):
    run_job(job(tmp_path, **more), Progress())
    return json.loads((tmp_path / "page.json").read_text())


def scheme_of(numbers, name):
    return next(one for one in numbers["schemes"] if one["name"] == name)
