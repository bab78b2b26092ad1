import copy
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from quadrat.core.classes import PALETTE, class_text, colour_of, entries, entries_from, sorted_names
from quadrat.core.report import svg, words


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


def test_bars_stay_inside_for_any_score():
    rows = [("a", 0.5, 0.2, 0.9, True), ("b", -3.0, None, None, True), ("c", 1.0, 1.0, 1.0, False)]
    picture = tree(svg.bars(rows, -1.0, 1.0, ""))
    for rect in picture.iter("rect"):
        assert 190 <= float(rect.get("x")) <= 610
        assert 0 < float(rect.get("width")) <= 420


def test_map_has_north_up():
    xy = np.array([[0.0, 0.0], [100.0, 100.0]])
    picture = svg.places(xy, [("good", np.array([True, False])), ("bad", np.array([False, True]))], "t")
    paths = {node.get("class"): node.get("d") for node in tree(picture).iter("path")}

    def corner(text):
        return [float(part) for part in text[1:].split("h")[0].split()]

    assert corner(paths["good"])[0] < corner(paths["bad"])[0]
    assert corner(paths["good"])[1] > corner(paths["bad"])[1]


def test_scatter_and_reliability_are_well_formed():
    tree(svg.scatter(np.array([[1.0, 2.0], [3.0, 3.0]]), "NDVI <x>"))
    tree(svg.scatter(np.array([[1.0, 1.0]]), "one"))
    tree(svg.reliability([{"confidence": 0.7, "right": 0.5, "count": 3}]))


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
        "headline": head, "schemes": [groups], "left_out": [{"name": "blocks", "title": "Blocks", "reason": "No."}],
    }  # fmt: skip


def test_headline_says_score_interval_and_leak():
    first, interval, leak = words.headline_sentences(numbers())
    assert first == "On polygons that it had never seen, the head named 76 of 100 labelled cells right."
    assert "60 % to 90 %" in interval
    assert "claimed 95 %. The 19 points" in leak


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
    assert "only 6 polygons even that is too narrow" in " ".join(words.headline_sentences(given))


def test_advice_names_the_weak_class_its_rival_and_overconfidence():
    tips = " ".join(words.advice(numbers()))
    assert "reed is the weakest class: 25 % of it is found, and it is mostly taken for sedge" in tips
    assert "more sure than it is right, by 20 points" in tips
    assert "reed (4)" in tips
    assert "Add labels in new places" in tips
    modest = copy.deepcopy(numbers())
    modest["schemes"][0]["reliability"][0] |= {"confidence": 0.5}
    assert "less sure than it is right" in " ".join(words.advice(modest))


def test_how_it_was_tested_tells_what_spread_is_not():
    lines = " ".join(words.how_tested(numbers(), {"head": "linear"}))
    assert "it is not the uncertainty" in lines
    assert "Blocks were left out: No." in lines


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
