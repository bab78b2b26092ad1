"""Draw sample and Estimate area on tables of units."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.tests.core.samplework import places, rewrite


class TestUnits:
    @pytest.fixture
    def photos(self, tmp_path):
        """300 photos of 20 points in two zones; true classes, and predictions with errors."""
        rng = np.random.default_rng(1)
        rows = []
        for photo in range(300):
            cover = rng.beta(1, 2 if photo < 200 else 6)
            real = rng.random(20) < cover
            said = np.where(rng.random(20) < 0.15, ~real, real)
            rows += [
                (f"P{photo:03d}", "deep" if photo < 200 else "shallow", r, s) for r, s in zip(real, said, strict=True)
            ]
        frame = pd.DataFrame(rows, columns=["photo", "zone", "real", "said"])
        for name in ("real", "said"):
            frame[name] = np.where(frame[name], "coral", "other")
        path = str(tmp_path / "points.csv")
        frame.drop(columns="real").to_csv(path, index=False)
        return frame, path

    def drawn(self, sample, frame, field="reference"):
        table = pyogrio.read_dataframe(sample, layer=0)
        real = frame.groupby("photo")["real"].apply(list).to_dict()
        table[field] = [
            real[place][k] for place, k in zip(table["place"], table.groupby("place").cumcount(), strict=True)
        ]
        rewrite(sample, table)
        return table

    def test_photos_are_drawn_whole_and_are_the_unit(self, photos, draw, estimate):
        frame, path = photos
        sample, facts, _ = draw(units=path, unit_field="photo", size=60)
        table = self.drawn(sample, frame)
        assert facts["places"] == 60
        assert len(table) == 60 * 20
        assert table.groupby("place").size().eq(20).all()
        numbers, *_ = estimate(sample)
        assert numbers["labelled"] == 60
        assert numbers["population"] == 300
        coral = next(row for row in numbers["rows"] if row["name"] == "coral")
        assert coral["share"]["low"] < (frame["real"] == "coral").mean() < coral["share"]["high"]
        as_points = np.sqrt(coral["share"]["value"] * (1 - coral["share"]["value"]) / 1200)
        assert coral["share"]["se"] > 1.3 * as_points  # points of one photo are not independent
        assert "of the 300 units" in numbers["sentences"][0]

    def test_predictions_of_all_photos_narrow_the_interval(self, photos, draw, estimate):
        frame, path = photos
        sample, *_ = draw(units=path, unit_field="photo", size=60)
        self.drawn(sample, frame)
        plain, *_ = estimate(sample, of_class="coral")
        helped, *_ = estimate(sample, of_class="coral", prediction_field="said")
        a, b = (n["rows"][n["headline"]] for n in (plain, helped))
        assert helped["estimator"] == "prediction"
        assert b["half"] < 0.8 * a["half"]
        assert b["share"]["low"] < (frame["real"] == "coral").mean() < b["share"]["high"]
        assert b["counted"] == pytest.approx(100 * (frame["said"] == "coral").mean())
        wider, *_ = estimate(sample, of_class="coral", prediction_field="said", population="beyond")
        assert wider["rows"][wider["headline"]]["half"] > b["half"]
        assert "larger whole" in wider["sentences"][0]

    def test_strata_of_units(self, photos, draw, estimate):
        frame, path = photos
        sample, facts, _ = draw(units=path, unit_field="photo", stratum_field="zone", size=60, minimum=20)
        assert [(s["name"], s["count"]) for s in facts["design"]["strata"]] == [("deep", 200), ("shallow", 100)]
        self.drawn(sample, frame)
        numbers, *_ = estimate(sample, of_class="coral")
        row = numbers["rows"][numbers["headline"]]
        assert row["share"]["low"] < (frame["real"] == "coral").mean() < row["share"]["high"]
        assert numbers["in_stratum"] == [s["drawn"] for s in facts["design"]["strata"]]

    def test_one_table_partly_labelled(self, photos, estimate, tmp_path):
        frame, _ = photos
        rng = np.random.default_rng(4)
        chosen = {f"P{k:03d}" for k in rng.choice(300, 80, replace=False)}
        frame = frame.assign(reference=np.where(frame["photo"].isin(chosen), frame["real"], ""))
        path = str(tmp_path / "t.csv")
        frame.to_csv(path, index=False)
        values = {"design": "simple", "unit_field": "photo", "of_class": "coral"}
        numbers, *_ = estimate(path, **values, prediction_field="said")
        row = numbers["rows"][numbers["headline"]]
        assert (numbers["labelled"], numbers["population"]) == (80, 300)
        assert row["share"]["low"] < (frame["real"] == "coral").mean() < row["share"]["high"]
        weighed, *_ = estimate(path, **values, prediction_field="said", unit_weight="by-rows")
        other = weighed["rows"][weighed["headline"]]
        assert other["share"]["value"] == pytest.approx(row["share"]["value"], abs=1e-6)  # as many rows in each photo
        only = str(tmp_path / "only.csv")
        frame[frame["reference"] != ""].to_csv(only, index=False)
        alone, *_ = estimate(only, **values)
        assert alone["beyond"]
        assert any("larger whole" in note for note in alone["notes"])

    def test_unequal_units_by_rows(self, estimate, tmp_path):
        rng = np.random.default_rng(0)
        sizes = rng.integers(1, 40, 400)
        village = np.repeat(np.arange(400), sizes)
        value = 10 + 0.2 * sizes[village] + rng.normal(0, 2, len(village))
        known = np.isin(village, rng.choice(400, 120, replace=False))
        frame = pd.DataFrame({"village": village, "reference": np.where(known, value, np.nan)})
        path = str(tmp_path / "v.csv")
        frame.to_csv(path, index=False)
        values = {"design": "simple", "unit_field": "village", "target": "value"}
        alike, by_rows = (estimate(path, **values, unit_weight=w)[0]["rows"][0]["share"] for w in ("alike", "by-rows"))
        means = pd.Series(value).groupby(village).mean()
        assert alike["low"] < means.mean() < alike["high"]
        assert by_rows["low"] < value.mean() < by_rows["high"]
        assert by_rows["value"] > alike["value"] + 0.5  # larger villages have larger values

    def test_polygons_are_units_too(self, make_polygons, draw, estimate):
        squares = [(500_000 + 10 * i, 0, 500_010 + 10 * i, 10) for i in range(90)]
        path = make_polygons(squares, kind=["roof" if i % 3 else "yard" for i in range(90)])
        sample, *_ = draw(units=path, size=40)
        table = places(sample)
        assert isinstance(table, gpd.GeoDataFrame)
        assert table.geom_type.eq("Polygon").all()
        assert "kind" not in table, "hidden from who labels"
        table["reference"] = ["roof" if (int(place) - 1) % 3 else "yard" for place in table["place"]]
        rewrite(sample, table)
        numbers, *_ = estimate(sample)
        roof = next(row for row in numbers["rows"] if row["name"] == "roof")
        assert roof["share"]["low"] < 2 / 3 < roof["share"]["high"]
        assert roof["share"]["method"] in ("exact", "jeffreys"), "all of one size: counts, as before"
        assert numbers["area_m2"] == pytest.approx(9_000)

    def test_what_is_drawn_of_shapeless_units_keeps_its_entries_but_not_the_stratum(self, photos, draw):
        _, path = photos
        sample, _, log = draw(units=path, unit_field="photo", stratum_field="zone", size=60, minimum=20)
        assert list(places(sample).columns) == ["place", "order", "reference", "photo", "said"]
        assert any("To be seen are still: said" in line for line in log)

    def test_bad_tables_are_sentences(self, photos, draw, estimate, tmp_path):
        frame, path = photos
        with pytest.raises(BadInput, match="has no field 'foto'"):
            draw(units=path, unit_field="foto")
        mixed = frame.assign(zone=np.where(np.arange(len(frame)) % 2, "deep", "shallow"))
        mixed.to_csv(tmp_path / "m.csv", index=False)
        with pytest.raises(BadInput, match="lies in two strata"):
            draw(units=str(tmp_path / "m.csv"), unit_field="photo", stratum_field="zone")
        frame.assign(photo=frame["photo"].where(np.arange(len(frame)) != 7)).to_csv(tmp_path / "g.csv", index=False)
        with pytest.raises(BadInput, match="no entry in 'photo'"):
            draw(units=str(tmp_path / "g.csv"), unit_field="photo")
        holed = frame.assign(reference=np.where(np.arange(len(frame)) < 900, frame["real"], ""))
        holed["said"] = holed["said"].where(holed["photo"] != "P250", "")
        holed.to_csv(tmp_path / "h.csv", index=False)
        with pytest.raises(BadInput, match="have no prediction"):
            estimate(str(tmp_path / "h.csv"), design="simple", unit_field="photo", prediction_field="said")
        with pytest.raises(BadInput, match="needs the stratum field"):
            estimate(str(tmp_path / "h.csv"), design="stratified", unit_field="photo")
        with pytest.raises(BadJob, match="not both"):
            estimate(str(tmp_path / "h.csv"), prediction_field="said", map="m.tif")
