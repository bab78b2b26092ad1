"""What cannot be done gets a sentence that says what to do, before hours of work rather than after them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
from quadrat.core.errors import BadInput, BadJob, QuadratError
from quadrat.core.jobs.poverty.assess import AssessSeries
from quadrat.core.jobs.poverty.map import MapChange, MapIndicator
from quadrat.core.jobs.poverty.series import PrepareSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.survey.layer import read_survey
from quadrat.core.progress import Progress

from .test_trainseries import CELL, PIXEL_M, YEARS, asked, images, survey_of, write


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """Folder, series, light, survey and its table."""
    folder = tmp_path_factory.mktemp("ground")
    series, proxy, light = images(folder)
    survey = survey_of(folder, light)
    return folder, series, proxy, light, gpd.read_file(survey)


def refusal(job):
    with pytest.raises(QuadratError) as caught:
        run_job(job, Progress())
    return caught.type, str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("value", "rich", "'value' of .* does not hold numbers"),
        ("year", "soon", "'year' of .* does not hold numbers"),
        ("weight", 0.0, "must be 0 or more, and some above 0"),
        ("weight", -1.0, "must be 0 or more, and some above 0"),
    ],
)
def test_a_survey_that_was_edited_into_something_else(ground, tmp_path, field, value, sentence):
    path = str(tmp_path / "survey.gpkg")
    ground[4].assign(**{field: value}).to_file(path)
    with pytest.raises(BadInput, match=sentence):
        read_survey(path)


def test_a_row_without_a_year_is_of_no_date(ground, tmp_path):
    path = str(tmp_path / "survey.gpkg")
    table = ground[4].astype({"year": float})
    table.loc[0, "year"] = np.nan
    table.to_file(path)
    assert read_survey(path).year[0] == 0


def test_one_value_everywhere_teaches_nothing(ground, tmp_path):
    proxy = str(tmp_path / "light.tif")
    write(proxy, np.full_like(ground[3], 3), [f"light_{year}" for year in YEARS], PIXEL_M * CELL)
    kind, sentence = refusal(asked(tmp_path, ground[1], proxy=proxy))
    assert kind is BadInput
    assert sentence == "All 2,304 values of 'light' are 3, so nothing can be learnt."


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"cell_px": 200}, "No whole cell of 200 px lies in the extent"),
        ({"extent": "500000,500100,9199900,9200000"}, "No whole cell of 4 px lies in the extent"),
        ({"cell_px": 32}, "smaller cells"),
    ],
)
def test_cells_that_do_not_fit(ground, tmp_path, more, sentence):
    assert sentence in refusal(asked(tmp_path, ground[1], proxy=ground[2], **more))[1]


def test_a_proxy_of_two_bands_is_told_what_to_do(ground, tmp_path):
    kind, sentence = refusal(asked(tmp_path, ground[1], proxy=ground[1]))
    assert (kind, "'Prepare series' has 'Bands to take'" in sentence) == (BadInput, True)


@pytest.mark.parametrize(("more", "sentence"), [({"device": "mps"}, "is not available"), ({}, "There is no file")])
def test_transformers_are_refused_before_pixels_are_read(ground, tmp_path, more, sentence):
    pytest.importorskip("torch")
    read = []
    job = asked(tmp_path, ground[1], proxy=ground[2], method="st", start_from=str(tmp_path / "none.qseries"), **more)
    with pytest.raises(BadInput, match=sentence):
        run_job(job, Progress(report=lambda fraction, left, text: read.append(text)))
    assert "Reading cells" not in read


def test_dates_and_files_are_looked_at_before_the_map_is_made(ground, tmp_path):
    folder, series, proxy, *_ = ground
    run_job(asked(folder, series, proxy=proxy, models=1), Progress())
    common = {"model": str(folder / "m.qseries"), "series": series, "output": str(tmp_path / "x.tif")}
    for more, sentence in (
        ({"first": "1999"}, "has no date '1999'"), ({"last": "2010"}, "must be earlier"),
        ({"output": str(tmp_path / "x.png")}, "must be a .tif file"),
    ):  # fmt: skip
        read = []
        job = MapChange.from_dict({**common, **more})
        with pytest.raises(BadJob, match=sentence):
            run_job(job, Progress(report=lambda fraction, left, text, read=read: read.append(text)))
        assert not read
    one = str(tmp_path / "one.tif")
    write(one, np.ones((2, 96, 96), np.uint8), ["red_2010", "nir_2010"], PIXEL_M)
    assert "has one date, 2010" in refusal(MapChange.from_dict({**common, "series": one}))[1]
    lines = []
    run_job(MapIndicator.from_dict({**common, "series": one}), Progress(log=lambda level, text: lines.append(text)))
    assert any("576 cells, 2010: light (a proxy) from" in line for line in lines)


def test_tables_say_what_is_no_number_and_name_only_their_own_fields(tmp_path):
    path, rows = str(tmp_path / "rows.csv"), np.arange(30)
    pd.DataFrame({"wealth": "a", "x": rows, "lat": rows / 10, "lon": rows / 10}).to_csv(path, index=False)
    given = {"samples": path, "feature_fields": ("x",), "value_field": "wealth", "output": str(tmp_path / "x.html")}
    assert refusal(AssessSeries.from_dict(given))[1].endswith("holds 'a', which is not a number.")
    given |= {"value_field": "x", "feature_fields": ("qqq",)}
    assert "It has: wealth, x, lat, lon." in refusal(AssessSeries.from_dict(given))[1]


def test_a_folder_that_is_not_there(tmp_path):
    job = PrepareSeries.from_dict({"folder": str(tmp_path / "none"), "output": str(tmp_path / "x.vrt")})
    assert refusal(job)[1] == f"There is no folder {tmp_path / 'none'}."
