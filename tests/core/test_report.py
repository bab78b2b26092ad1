import copy
import csv
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from quadrat.core.classes import class_text, entries, entries_from, sorted_names
from quadrat.core.colours import PALETTE, colour_of
from quadrat.core.report import curve, leak, maps, svg, tables, words
from quadrat.core.report.advice import advice
from quadrat.core.report.rows import as_csv


def tree(picture):
    return ElementTree.fromstring(picture)


def test_matrix_names_truth_in_rows_and_hides_nothing():
    counts = np.array([[8, 2], [0, 30]])
    picture = svg.matrix(["a<b", "c&d"], counts, repeats=2)
    titles = [node.text for node in tree(picture).iter("title")]
    assert titles[1] == "a<b seen as c&d: 1.0 cells, 20.0 % of a<b"
    assert titles[2].startswith("c&d seen as a<b: 0.0 cells")
    words_shown = [node.text for node in tree(picture).iter("text")]
    assert words_shown.index("What it is") > words_shown.index("What the head says")
    assert "20 %" in words_shown


def test_large_matrix_has_no_numbers_but_all_cells():
    picture = svg.matrix([f"class {n}" for n in range(40)], np.eye(40, dtype=int), 1)
    assert len(list(tree(picture).iter("title"))) == 1600
    assert "100 %" not in picture


def test_map_has_north_up():
    xy = np.array([[0.0, 0.0], [100.0, 100.0]])
    picture = maps.places(xy, [("good", np.array([True, False])), ("bad", np.array([False, True]))], "t")
    paths = {node.get("class"): node.get("d") for node in tree(picture).iter("path")}

    def corner(text):
        return [float(part) for part in text[1:].split("h")[0].split()]

    assert corner(paths["good"])[0] < corner(paths["bad"])[0]
    assert corner(paths["good"])[1] > corner(paths["bad"])[1]


def test_places_far_apart_are_drawn_side_by_side():
    rng = np.random.default_rng(0)
    near = rng.random((100, 2)) * 1000
    assert len(maps.clusters(near)) == 1
    far = np.concatenate([near, near + 500_000])
    assert [len(one) for one in maps.clusters(far)] == [100, 100]
    left = np.arange(200) < 100
    picture = tree(maps.places(far, [("good", left), ("bad", ~left)], "t", "m"))
    assert len(list(picture.iter("rect"))) == 2
    assert [node.text for node in picture.iter("text")] == ["200 m", "200 m"]


def test_a_spot_shows_what_most_of_its_samples_are():
    xy = np.concatenate([np.zeros((9, 2)), np.full((1, 2), 100.0)])
    wrong = np.arange(10) >= 6
    picture = maps.places(xy, [("good", ~wrong), ("bad", wrong)], "t")
    assert picture.count('class="good"') == 1
    assert picture.split('class="bad"')[1].count("M") == 1


def test_scatter_and_reliability_are_well_formed():
    tree(svg.scatter(np.array([[1.0, 2.0], [3.0, 3.0]]), "NDVI <x>"))
    tree(svg.scatter(np.array([[1.0, 1.0]]), "one"))
    after, before = ([{"confidence": one, "right": 0.5, "count": 3}] for one in (0.5, 0.7))
    assert len(list(tree(svg.reliability(after)).iter("circle"))) == 1
    both = tree(svg.reliability(after, before))
    assert [node.get("class") for node in both.iter("circle")] == ["bad dot", "good dot", "bad", "good"]


def numbers():
    row = {"title": "Accuracy", "mean": 0.76, "sd": 0.01, "values": [0.76], "low": 0.6, "high": 0.9}
    groups = {
        "name": "groups", "title": "Folds of polygons", "sentence": "Whole polygons.", "folds": 5, "repetitions": 5,
        "groups": 40, "tested": 100, "untested": [], "gaps": 0,
        "metrics": {"accuracy": row, "calibration_error": {**row, "mean": 0.2}},
        "confusion": [[10, 30], [2, 58]],
        "per_class": [{"recall": 0.25, "precision": 0.8, "f1": 0.38, "support": 40},
                      {"recall": 0.97, "precision": 0.66, "f1": 0.8, "support": 60}],
        "reliability": [{"confidence": 0.9, "right": 0.7, "count": 100}],
    }  # fmt: skip
    classes = [
        {"name": "reed", "samples": 40, "groups": 4, "value": 1, "colour": "#000000"},
        {"name": "sedge", "samples": 60, "groups": 9, "value": 2, "colour": "#ffffff"},
    ]
    head = {"metric": "accuracy", "scheme": "groups", "honest": True, "score": 0.76, "random": 0.95, "leakage": 0.19}
    return {
        "target": "class", "samples": 100, "groups": 40, "group_kind": "polygons", "classes": classes,
        "headline": head, "schemes": [groups], "fall": [],
        "left_out": [{"name": "blocks", "title": "Blocks", "reason": "No."}],
    }  # fmt: skip


def test_headline_says_score_interval_and_leak():
    first, interval, gap = words.headline_sentences(numbers())
    assert first == "On polygons that it had never seen, the head named 76 of 100 labelled cells right."
    assert "60 % to 90 %" in interval
    assert "claimed 95 %. The 19 points" in gap


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"random": 0.77, "leakage": 0.01}, "hardly any leakage"),
        ({"random": 0.6, "leakage": -0.16}, "the draw of the folds decides"),
        ({"score": 0.998, "leakage": 0.0}, "more than 99 of 100"),
        ({"score": 1.0, "leakage": 0.0}, "named 100 of 100"),
        ({"honest": False, "leakage": None}, "No honest test was possible"),
    ],
)
def test_headline_fits_the_case(change, sentence):
    given = numbers()
    given["headline"] |= change
    assert sentence in " ".join(words.headline_sentences(given))


def test_few_groups_are_said_to_be_few():
    given = numbers()
    given["schemes"][0]["groups"] = 6
    assert "so wide because there are only 6 polygons" in " ".join(words.headline_sentences(given))


def test_advice_names_the_weak_class_its_rival_and_overconfidence():
    tips = " ".join(advice(numbers()))
    assert "reed is the weakest class: 25 % of it is found, and it is mostly taken for sedge" in tips
    assert "more sure than it is right, by 20 points" in tips
    assert "reed (4)" in tips
    assert "Add labels in new places" in tips
    modest = copy.deepcopy(numbers())
    modest["schemes"][0]["reliability"][0] |= {"confidence": 0.5}
    assert "less sure than it is right" in " ".join(advice(modest))


def test_how_it_was_tested_tells_what_spread_is_not():
    lines = " ".join(words.how_tested(numbers(), {"head": "linear"}))
    assert "it is not the uncertainty" in lines
    assert "Blocks were left out: No." in lines


def falling():
    """As `numbers`, with random folds and two regions, of which one alone has reed."""
    given = numbers()
    groups = given["schemes"][0]
    random = {
        **groups,
        "name": "random",
        "title": "Random folds",
        "metrics": {"accuracy": {**groups["metrics"]["accuracy"], "mean": 0.95}},
    }
    row = {"low": 0.4, "high": 0.8, "tested": 50, "absent": [], "unseen": [], "unseen_samples": 0}
    rows = [
        {**row, "region": "North", "trained_on": ["South"], "scores": {"accuracy": 0.5, "balanced_accuracy": 0.4},
         "scores_seen": {"accuracy": 0.8}, "unseen": ["reed"], "unseen_samples": 40},
        {**row, "region": "South", "trained_on": ["North"], "scores": {"accuracy": 0.7, "balanced_accuracy": 0.6},
         "scores_seen": {"accuracy": 0.7}},
    ]  # fmt: skip
    only = [{"class": "reed", "region": "North"}]
    regions = {**groups, "name": "regions", "title": "Leave one region out",
               "regions": {"rows": rows, "only_in": only, "dropped": 0, "scores_seen": {}}}  # fmt: skip
    given["schemes"] = [groups, regions, random]
    given["headline"]["regions"] = 0.6
    given["fall"] = [
        {"name": "random", "title": "Random folds", "from": [], "score": 0.95},
        {"name": "groups", "title": "Folds of polygons", "from": [], "score": 0.76},
        {"name": "regions", "title": "North", "from": ["South"], "score": 0.5},
        {"name": "regions", "title": "South", "from": ["North"], "score": 0.7},
    ]
    return given


def test_the_fall_cannot_be_missed():
    picture = leak.fall(falling())
    assert "The score falls from 95 % to 50 % where the head has not been" in picture
    for said in ("95 %", "76 %", "−19 points", "50 %", "−45 points", "taught by South only"):
        assert said in picture
    heights = [part.split("%")[0] for part in picture.split('class="fill')[1:]]
    assert [float(one.split("--v:")[1]) for one in heights] == [95.0, 76.0, 50.0, 70.0]
    level = falling()
    for step in level["fall"]:
        step["score"] = 0.8
    assert "The score holds" in leak.fall(level)
    assert 'class="lost"' not in leak.fall(level)
    assert "Orange" not in leak.fall(level), "there is none to be seen"
    assert leak.fall({**numbers(), "fall": level["fall"][:1]}) == ""


def test_a_score_that_holds_near_by_and_not_in_other_regions_is_not_said_to_hold():
    given = falling()
    for step, score in zip(given["fall"], (0.68, 0.75, 0.67, 0.7), strict=True):
        step["score"] = score
    assert "The score holds near the labels, and falls from 75 % to 67 % elsewhere" in leak.fall(given)


def test_regions_are_told_with_the_classes_that_one_alone_has():
    text = " ".join(words.headline_sentences(falling()))
    assert "In whole regions that gave no labels the share right was 50 % in North and 70 % in South." in text
    assert "reed occurs in North only" in text
    table = tables.regions(falling())
    assert "1 class occurs in North only: reed" in table
    assert "80.0 %" in table
    assert "label some cells there" in " ".join(advice(falling()))
    assert tables.regions(numbers()) == ""


def labelled(needed=40, rising=0.0):
    given = numbers()
    one = {"scheme": "groups", "title": "Folds of polygons", "labels": [5, 10, 100, 400], "mean": [0.4, 0.5, 0.7, 0.76],
           "low": [0.3, 0.4, 0.65, 0.75], "high": [0.5, 0.6, 0.75, 0.77], "draws": [[0.4, 0.5, 0.7, 0.76]]}  # fmt: skip
    given["curve"] = {
        "metric": "accuracy", "draws": 10, "bounded": "", "share": 0.95, "needed": needed, "needed_low": 30,
        "needed_high": 60, "still_rising": rising, "classes_first": 2, "curves": [one, {**one, "scheme": "random"}],
    }  # fmt: skip
    return given


def test_curve_says_how_many_labels_are_enough():
    text = " ".join(curve.sentences(labelled()))
    assert (
        "95 % of the full-label score (76 % right with about 400) is reached with about 40 labels (30 to 60 had" in text
    )
    assert "flat" in text
    text = " ".join(curve.sentences(labelled(rising=0.04)))
    assert "still rising: the last doubling of the labels gained 4 points" in text
    assert "hardly tells anything" in " ".join(curve.sentences(labelled(needed=None)))
    assert "More labels still pay" in " ".join(advice(labelled(rising=0.04)))


def test_curve_picture_rises_to_the_right_and_hides_nothing():
    picture = tree(curve.picture(labelled()["curve"]))
    dots = [(float(node.get("cx")), float(node.get("cy"))) for node in picture.iter("circle")]
    assert len(dots) == 4
    assert dots == sorted(dots)
    assert [y for _, y in dots] == sorted((y for _, y in dots), reverse=True)
    words_shown = [node.text for node in picture.iter("text")]
    assert "all (400)" in words_shown
    assert "95 % with about 40" in words_shown
    gappy = labelled()["curve"]
    gappy["curves"][0]["mean"][0] = gappy["curves"][0]["low"][0] = gappy["curves"][0]["high"][0] = None
    assert len(list(tree(curve.picture(gappy)).iter("circle"))) == 3


def test_stated_shares_change_precision_and_say_so():
    given = numbers()
    given["prevalence"] = {
        "accuracy": 0.9,
        "per_class": [
            {"name": "reed", "share": 0.02, "tested_share": 0.4, "precision": 0.12},
            {"name": "sedge", "share": 0.98, "tested_share": 0.6, "precision": 0.99},
        ],
    }
    text = " ".join(words.prevalence_sentences(given))
    assert "Where reed makes up 2 % (in the test 40 %), 12 of 100 cells shown as reed are right, not 80." in text
    assert "12.0 %" in tables.classes(given)
    given["prevalence"]["per_class"][0]["tested_share"] = 0.03
    given["prevalence"]["per_class"][1]["tested_share"] = 0.97
    assert "much like the stated ones" in " ".join(words.prevalence_sentences(given))


def test_csv_is_one_long_table():
    given = labelled() | {"prevalence": {"per_class": []}}
    given["schemes"][0]["metrics"]["accuracy"]["low"] = None
    rows = list(csv.DictReader(io.StringIO(as_csv(given))))
    assert {row["table"] for row in rows} == {"scheme", "class", "confusion", "curve", "curve draw"}
    accuracy = next(row for row in rows if row["table"] == "scheme" and row["metric"] == "accuracy")
    assert (accuracy["value"], accuracy["low"], accuracy["high"]) == ("0.76", "", "0.9")
    seen = next(row for row in rows if row["metric"] == "seen as sedge" and row["name"] == "reed")
    assert float(seen["value"]) == 6.0
    assert sum(row["table"] == "curve" for row in rows) == 8


def test_class_names_and_colours():
    assert len({colour_of(n) for n in range(60)}) == 60
    assert all(colour_of(n).startswith("#") and len(colour_of(n)) == 7 for n in range(60))
    assert colour_of(0) == PALETTE[0]
    classes = entries(["a", "b"])
    assert entries_from([entry.to_dict() for entry in classes]) == classes
    assert classes[0].rgba == (0x44, 0x77, 0xAA, 255)
    given = [None, float("nan"), 3.0, np.int64(4), 2.5, True, " x ", "<NA>"]
    assert [class_text(v) for v in given] == ["", "", "3", "4", "2.5", "true", "x", ""]
    assert sorted_names(["10", "9", "9"]) == ["9", "10"]
    assert sorted_names(["b", "10", "a"]) == ["10", "a", "b"]
