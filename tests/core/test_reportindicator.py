"""A report on models: what its tables, pictures and sentences say of answers whose errors are known."""

import csv
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.poverty.report import ReportIndicator
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.indicator.margins import of_changes
from quadrat.core.poverty.indicator.report import heat, losses, tables, words
from quadrat.core.poverty.indicator.report.page import page
from quadrat.core.poverty.indicator.report.told import names, numbers_of, span_of
from quadrat.core.poverty.indicator.tested import times_of
from quadrat.core.progress import Progress
from sklearn.metrics import r2_score

from .indicatormodels import YEARS, entry, held, light, saved, three_tests
from .test_trainseries import asked, images

CURVE = [{"epoch": k, "epochs": 9, "training": 9.0 / k, "validation": 10.0 / min(k, 4) + k / 9, "best_epoch": min(k, 4)}
         for k in range(1, 10)]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Two models on one page: the page, its numbers, its rows, and the messages."""
    folder = tmp_path_factory.mktemp("report")
    files = [saved(folder, "near", noise=2.0), saved(folder, "far", noise=12.0, title="Forest", method="forest")]
    lines = []
    job = ReportIndicator.from_dict({"models": files, "output": str(folder / "page.html")})
    result = run_job(job, Progress(log=lambda level, text: lines.append((level, text))))
    with open(folder / "page.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = json.loads((folder / "page.json").read_text(encoding="utf-8"))
    return (folder / "page.html").read_text(encoding="utf-8"), numbers, rows, lines, result


def said_of(*entries, level=0.9):
    return words.sentences(numbers_of(entries, level))


def whole(numbers, entries):
    """The page, which must be well-formed XML from the body on."""
    text = page(numbers, entries, {"job": "reportindicator"})
    body = re.sub(r"<style>.*?</style>", "", text[text.index("<main>") : text.index("</main>")], flags=re.S)
    ET.fromstring(body + "</main>")
    return text


def test_the_best_model_its_test_and_what_it_must_beat_come_first(report):
    html, numbers, _, lines, result = report
    assert numbers["headline"] == {"test": "blocks", "honest": True, "best": "Ridge on logarithms"}
    first = numbers["sentences"][0]
    assert "(a proxy, not a survey)" in first
    assert "in squares of 4 km kept apart" in first
    assert "the same answer everywhere by" in first or "the mean of each region by" in first
    assert ("info", first) in lines
    assert any(level == "warning" and "is a proxy" in text for level, text in lines)
    assert result.facts["headline"]["best"] == "Ridge on logarithms"
    for told in (
        "Squares of 4 km kept apart",
        "Held-out region",
        "Places drawn at random",
        "No change at all",
        "10 years apart",
    ):
        assert told in html


def test_nothing_comes_from_elsewhere_and_nothing_runs(report):
    html = report[0]
    assert not re.search(r"<script|https?://|<link|@import|src=", html)


def test_rows_are_the_scores_of_what_was_said(report):
    _, _, rows, _, _ = report
    mine = [row for row in rows if row["model"] == "Ridge on logarithms" and row["test"] == "blocks"]
    test = three_tests(2.0)["blocks"]
    value = next(row for row in mine if row["score"] == "values" and row["answer"] == "model")
    assert float(value["r2"]) == pytest.approx(r2_score(test.truth.ravel(), test.said.ravel()))
    of_ten = next(
        row for row in mine if row["score"] == "difference:10" and row["places"] == "lit" and row["answer"] == "model"
    )
    assert float(of_ten["r2"]) == pytest.approx(by_hand(test, 10, lit=True))
    unchanged = next(
        row
        for row in mine
        if row["score"] == "difference:10" and row["places"] == "all" and row["answer"] == "unchanged"
    )
    change = np.mean(
        [
            np.abs(test.truth[test.turn == k, t + 10] - test.truth[test.turn == k, t]).mean()
            for k in range(5)
            for t in (0, 1)
        ]
    )
    assert float(unchanged["mae"]) == pytest.approx(change)
    cells = {
        (row["first"], row["last"]): float(row["r2"])
        for row in mine
        if row["score"] == "matrix" and row["places"] == "lit"
    }
    assert len(cells) == 12 * 11 / 2
    pair = [r2_score(*lit_pair(test, k, 3, 8)) for k in range(5)]
    assert cells["2003", "2008"] == pytest.approx(np.mean(pair))


def lit_pair(test, turn, i, j):
    mine = test.turn == turn
    truth, said = test.truth[mine, j] - test.truth[mine, i], test.said[mine, j] - test.said[mine, i]
    return truth[truth != 0], said[truth != 0]


def by_hand(test, apart, lit):
    pairs = [(i, i + apart) for i in range(test.truth.shape[1] - apart)]
    return np.mean([np.mean([r2_score(*lit_pair(test, k, i, j)) for i, j in pairs]) for k in range(5)])


def test_what_must_change_is_the_margin_of_differences():
    made = entry(noise=3.0)
    rows = {row["apart"]: row for row in numbers_of([made], 0.8)["models"][0]["tellable"]}
    assert set(rows) == {None, 1.0, 5.0, 10.0}
    test = made.tests["blocks"]
    margin = of_changes(test, times_of(YEARS), 10.0, 0.8).margin
    typical = float(margin.around(np.median(test.said[test.truth.any(axis=1)])))
    assert rows[10.0]["typical"] == pytest.approx(typical)
    change, level = test.truth[:, 10:] - test.truth[:, :-10], (test.said[:, 10:] + test.said[:, :-10]) / 2
    assert rows[10.0]["changed"] == pytest.approx((np.abs(change) > margin.around(level)).mean())
    assert rows[1.0]["changed"] < rows[10.0]["changed"]
    assert any(f"must change by more than {words.digits(typical)} before" in line for line in said_of(made, level=0.8))


@pytest.mark.parametrize(
    ("noise", "told"),
    [(500.0, "Do not make maps with it."), (2.0, "explains 9")],
)
def test_what_is_no_better_than_trivial_says_so(noise, told):
    assert told in said_of(entry(noise=noise))[0]


def test_errors_that_outweigh_changes_are_called_so():
    lines = " ".join(said_of(entry(noise=3.0)))
    assert "Over 1 year the errors of two dates outweigh what changed: to say that nothing changed anywhere" in lines
    assert "do not map changes" in " ".join(said_of(entry(noise=500.0)))


def test_random_places_are_said_to_flatter_and_the_region_may_be_lost():
    tests = three_tests(8.0, flatter=0.1)
    lost = tests["region"]
    tests["region"] = held(lost.truth, 400.0, turn=lost.turn)
    lines = " ".join(said_of(entry(tests=tests)))
    assert "is what neighbours give away" in lines
    assert "does not carry over to that region" in lines
    alone = {"random": tests["random"]}
    lines = " ".join(said_of(entry(tests=alone, apart="random", block_size_m=0.0)))
    assert "Only places drawn at random were tested" in lines


def test_models_of_other_indicators_are_not_ranked():
    wealth = entry("w", indicator="wealth", predicted="survey", title="Forest")
    numbers = numbers_of([entry(), wealth], 0.9)
    assert numbers["headline"] == {}
    lines = words.sentences(numbers)
    assert "cannot be compared" in lines[0]
    assert "'wealth' at" in " ".join(lines[1:])
    whole(numbers, [entry(), wealth])


def test_other_places_are_said():
    other = entry("o", tests=three_tests(5.0, light(9)), title="Forest")
    assert "same places" in " ".join(words.warnings(numbers_of([entry(), other], 0.9)))
    again = entry("again", noise=12.0, title="Forest")
    assert "same places" not in " ".join(words.warnings(numbers_of([entry(), again], 0.9)))


def test_names_tell_models_apart():
    assert names([entry("a"), entry("b")]) == ["Ridge on logarithms (a)", "Ridge on logarithms (b)"]
    assert len(set(names([entry("a"), entry("a"), entry("b", title="Forest")]))) == 3


def test_without_dark_places_there_is_one_table_and_one_matrix():
    truth = light(dark=0.0)
    made = entry(tests={"blocks": held(truth, 2.0)}, regions=[], predicted="survey", indicator="<i>&\"wealth'")
    numbers = numbers_of([made], 0.9)
    text = whole(numbers, [made])
    assert "Lit places</th>" not in text
    assert "next to none, are dark" in text
    assert text.count('aria-label="R2 of differences') == 1
    assert "There was one test only" in text
    assert '<i>&"' not in text
    assert not words.warnings(numbers)


def test_a_survey_that_asked_in_two_years_has_its_own_span():
    truth = light(dark=0.0)
    truth[:, [0, 1, 2, 4, 5, 6, 7, 8, 10, 11]] = np.nan
    dates = tuple(str(year) for year in range(2000, 2012))
    made = entry(tests={"blocks": held(truth, 2.0)}, dates=dates, predicted="survey")
    numbers = numbers_of([made], 0.9)
    text = whole(numbers, [made])
    assert "no place is known at two such dates" in " ".join(words.sentences(numbers))
    assert text.count("not known</title>") == 12 * 13 / 2 - 3


def test_too_few_places_are_a_sentence_and_a_page():
    made = entry(tests={"blocks": held(np.full((3, 2), np.nan), 1.0)}, dates=("2000", "2001"))
    numbers = numbers_of([made], 0.9)
    assert "nothing can be said" in words.sentences(numbers)[0]
    whole(numbers, [made])


@pytest.mark.parametrize("count", [1, 3, 12, 21, 30, 90])
def test_a_matrix_of_any_size_is_drawn(count):
    rng = np.random.default_rng(count)
    dates = [f"20{10 + k // 12}-{1 + k % 12:02d}" for k in range(count)]
    matrix = [
        [float(v) if j >= i else None for j, v in enumerate(row)]
        for i, row in enumerate(rng.uniform(-3, 1, (count, count)))
    ]
    root = ET.fromstring(heat.heat(dates, matrix, "a & b"))
    titles = [one.text for one in root.iter("title")]
    assert len(titles) == (count * (count + 1) // 2 if count <= heat.MOST_TIPS else 0)
    right, bottom = map(float, root.attrib["viewBox"].split()[2:])
    for one in root.iter("rect"):
        x, y, side, high = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= right - side
        assert 0 <= y <= bottom - high
        assert 0 <= float(one.attrib.get("fill-opacity", 1)) <= 1
        for label in (one for one in root.iter("text") if "small" in one.attrib.get("class", "")):
            assert 5.7 * len(label.text) <= side + 3


@given(st.none() | st.floats(-1e6, 1))
def test_colour_is_clipped_and_the_number_is_not(value):
    root = ET.fromstring(heat.heat(["2000", "2010"], [[0.5, value], [None, 1.0]], ""))
    found = next(one.text for one in root.iter("title") if one.text.startswith("2000 to 2010"))
    if value is None:
        assert found.endswith("not known")
        return
    assert float(found.rpartition("R2 ")[2].replace("−", "-")) == pytest.approx(value, abs=6e-4)
    filled = [float(one.attrib["fill-opacity"]) for one in root.iter("rect") if "fill-opacity" in one.attrib]
    assert sorted(filled) == pytest.approx(sorted([0.5, 1.0, *([min(value, 1.0)] if value > 0 else [])]), abs=6e-4)


def test_loss_curves_are_drawn_and_read():
    made = entry(method="st", losses=[CURVE, CURVE[:5]])
    numbers = numbers_of([made], 0.9)
    text = whole(numbers, [made])
    assert text.count('aria-label="Losses by epoch"') == 2
    assert "The weights of epoch 4 were kept" in text
    late = [{"training": [3.0, 2.0, 1.0], "validation": [3.0, 2.0, 1.0], "best_epoch": 3, "epochs": 3}] * 3
    assert "more epochs may help" in losses.advice(late)
    early = [{"training": [1.0] * 40, "validation": [1.0] * 40, "best_epoch": 2, "epochs": 40}]
    assert "fewer epochs" in losses.advice(early)
    without = [{"training": [3.0], "validation": [None], "best_epoch": 1, "epochs": 1}]
    ET.fromstring(losses.picture(without[0], 3.0, 3.0, 1))


@given(st.floats(-8, 8), st.floats(0.1, 12))
def test_ticks_lie_inside(bottom, span):
    found = losses.ticks(bottom, bottom + span)
    assert 2 <= len(found) <= 14
    assert all(bottom - 1e-6 <= np.log10(one) <= bottom + span + 1e-6 for one in found)


def test_spans_are_years_or_months():
    assert [span_of(one) for one in ("1", 5.0, 0.5, 1 / 12)] == ["1 year", "5 years", "6 months", "1 month"]


def test_trivial_answers_stand_once_where_they_are_the_same(report):
    models = report[1]["models"]
    rows = tables.trivial_rows(models, "blocks", "per_year")
    assert [name for name, _ in rows] == ["The same answer everywhere", "The mean of each region"]
    assert "No change at all" in [name for name, _ in tables.trivial_rows(models, "blocks", "5")]


def test_training_writes_the_page_that_a_report_on_its_model_is(tmp_path):
    series, proxy, _ = images(tmp_path)
    with pytest.raises(BadJob, match=r"must be a \.html file"):
        run_job(asked(tmp_path, series, proxy=proxy, report=str(tmp_path / "p.txt")), Progress())
    with pytest.raises(BadJob, match="given as proxy and as the numbers beside the report"):
        run_job(asked(tmp_path, series, proxy=str(tmp_path / "t.csv"), report=str(tmp_path / "t.html")), Progress())
    run_job(asked(tmp_path, series, proxy=proxy, models=2, report=str(tmp_path / "t.html")), Progress())
    given = {"models": [str(tmp_path / "m.qseries")], "output": str(tmp_path / "again.html")}
    run_job(ReportIndicator.from_dict(given), Progress())
    one, two = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("t", "again"))
    assert one.pop("job")["job"] == "trainseries"
    two.pop("job")
    assert one == two
    assert set(one["models"][0]["tests"]) == {"blocks"}
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()


def test_what_cannot_be_reported_on_is_a_sentence(tmp_path):
    path = saved(tmp_path)

    def refused(error, **more):
        given = {"models": [path], "output": str(tmp_path / "p.html"), **more}
        with pytest.raises(error) as caught:
            run_job(ReportIndicator.from_dict(given), Progress())
        return str(caught.value)

    (tmp_path / "other.txt").write_text("no model")
    (tmp_path / "broken.qseries").write_text("no model")
    assert "twice" in refused(BadJob, models=[path, path])
    assert "needs a value" in refused(BadJob, models=[])
    assert ".html" in refused(BadJob, output=str(tmp_path / "p.txt"))
    assert "no model of 'Train indicator'" in refused(BadInput, models=[str(tmp_path / "other.txt")])
    assert "no file" in refused(BadInput, models=[str(tmp_path / "gone.qseries")])
    assert "broken" in refused(BadInput, models=[path, str(tmp_path / "broken.qseries")])
    assert not (tmp_path / "p.html").exists()
