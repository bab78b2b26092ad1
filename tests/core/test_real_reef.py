"""Real files of reef surveys: Kiritimati (CoralNet), Moorea (points), CATAMI."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quadrat.core.reef.formats import coralnet, covers, recognising, shape
from quadrat.tests.core.reefwork import some_of_kiritimati

pytestmark = [pytest.mark.data, pytest.mark.same_without_torch]

DATA = Path(os.environ.get("QUADRAT_DATA", "/nonexistent")) / "coral"
SOFT = ("Loph", "Sinu", "Trans", "Sarco", "Clad", "B_Sarco", "B_Loph", "SHAD", "Unc")
"""What is not masked as `Unidentified` in the points."""


def file(path):
    """A file of the real data, or a visible skip."""
    if not (DATA / path).exists():
        pytest.skip(f"coral/{path} is not in the folder that QUADRAT_DATA names")
    return DATA / path


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    return some_of_kiritimati(tmp_path_factory.mktemp("kiritimati"))


@pytest.fixture(scope="module")
def kiritimati(points):
    return coralnet.read(points[0])


def test_points_of_kiritimati(points, kiritimati, tmp_path):
    path, photos, count = points
    assert (len(kiritimati.rows), len(kiritimati.photos), kiritimati.problems) == (count, photos, [])
    assert photos == 373 and count > 40_000
    coralnet.write(tmp_path / "o.csv", kiritimati.rows, label="legacy", line_end="\n")
    with gzip.open(path) as before:
        assert (tmp_path / "o.csv").read_bytes() == before.read()


def test_cover_of_kiritimati_is_the_published_one(kiritimati):
    published = covers.read(file("kiritimati_coralnet/softcoral_large_quad.csv"))
    counted = covers.counted(kiritimati.rows)
    ours = pd.DataFrame(counted.shares, counted.photos["name"], counted.labels)
    theirs = pd.DataFrame(published.shares, published.photos["name"], published.labels)
    quadrats = counted.photos["name"][counted.photos["points"] == 100]
    assert len(quadrats) == 364 and set(ours) == {*SOFT, "Unidentified"} and published.problems == []
    assert np.array_equal(ours.loc[quadrats, list(SOFT)], theirs.loc[quadrats, list(SOFT)])


def test_labels_of_kiritimati(kiritimati):
    read = recognising.opened(file("kiritimati_coralnet/coral_labelset.csv"))
    tree = shape.tree_of(read.labels)
    assert len(tree) == 143 and len(tree.roots) == 10 and read.problems == []
    assert tree.path("Sinu") == ("Soft_coral", "Sinu") and tree.unknown(shape.used_codes(kiritimati)) == ()


def test_points_of_moorea(tmp_path):
    path = file("mlc_moorea/annotations_coralnet.csv")
    read = recognising.opened(path)
    assert len(read.rows) == 400 and len(read.photos) == 2
    coralnet.write(tmp_path / "o.csv", read.rows, label="legacy", line_end="\n")
    assert (tmp_path / "o.csv").read_bytes() == path.read_bytes()


def test_catami():
    path = file("label_hierarchies/catami_classification_tree.json")
    tree = shape.tree_of(recognising.opened(path).labels)
    assert (len(tree), tree.roots, tree.depth) == (274, ("NC",), 9)
    assert tree.path("W") == ("NC", "BIOTA", "W") and tree.label("W").name == "Worms"
