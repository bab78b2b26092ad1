"""Trees of labels: what they tell, what they refuse, and edits that give new ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.reef.tree import Label, LabelTree, faults
from quadrat.tests.core.reeftrees import nested, rio

pytestmark = pytest.mark.same_without_torch


def test_rio_do_fogo():
    tree = rio()
    assert (len(tree), len(tree.leaves()), tree.depth) == (97, 68, 5)
    assert tree.roots == (
        "FISH", "Rock", "Unk", "SHAD", "Cyanobacteria", "Substrates", "Other invertebrates", "Algae", "Corals"
    )  # fmt: skip
    assert tree.path("pac") == ("Corals", "Soft", "Zoanthidae", "Palythoa", "PAC")
    assert tree.ancestors("PAC") == ("Palythoa", "Zoanthidae", "Soft", "Corals")
    assert tree.ancestors("FISH") == ()
    assert tree.parent("C") == "Corals" and tree.is_leaf("C") and tree.level("C") == 2
    assert tree.children("Corals") == ("C", "Soft", "Hydro-corals", "Hard", "Bleached")
    assert tree.leaves("Hydro-corals") == ("MIL", "MIA")
    assert tree.leaves("MIL") == ("MIL",)
    assert {len(tree.path(leaf)) for leaf in tree.leaves()} == {1, 2, 3, 4, 5}  # ragged
    assert tree.unknown(["PAC", "ZOA", "zoa", "Corals"]) == ("ZOA",)
    with pytest.raises(BadInput, match=r"no label 'ZOA'.*Did you mean 'ZO"):
        tree.label("ZOA")


def test_roll_up():
    tree = rio()
    second = tree.rolled_up(2)
    assert second["PAC"] == "Soft" and second["FISH"] == "FISH"
    assert second["Corals"] == "Corals"  # nobody knows which child was meant
    assert tree.rolled_up(tree.depth) == {code: code for code in tree}
    assert tree.at_level(1) == tree.roots
    hard = tree.grouped(["Hard", "Corals"])
    assert (hard["FAV"], hard["PAC"], hard["Hard"], hard["Sand"]) == ("Hard", "Corals", "Hard", "")
    assert tree.common(["PAC", "ZO"]) == "Zoanthidae"
    assert tree.common(["PAC", "PAC"]) == "PAC" and tree.common(["PAC", "Sand"]) == ""
    with pytest.raises(BadInput, match="count from 1"):
        tree.rolled_up(0)


def test_a_list_without_parents_is_a_tree():
    tree = LabelTree([Label("A"), Label("B")])
    assert tree.codes == tree.roots == tree.leaves() == ("A", "B") and tree.depth == 1
    assert LabelTree().depth == 0 and LabelTree().codes == ()


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([Label("A", parent="B"), Label("B", parent="C"), Label("C", parent="B")], "B < C < B go round"),
        ([Label("A", parent="a")], "'A' is its own parent"),
        ([Label("B"), Label("C"), Label("A", parent="B"), Label("a", parent="C")], "'A' has two parents, 'B' and 'C'"),
        ([Label("A", parent="Hrad"), Label("Hard")], "parent 'Hrad', which is no label. Did you mean 'Hard'"),
        ([Label("A", "Acropora"), Label("A", "Algae")], "'A' stands for two labels, 'Acropora' and 'Algae'"),
        ([Label("Sand"), Label("SAND")], "stands for two labels, 'Sand' and 'SAND'"),
        ([Label(" ", "Acropora")], "named 'Acropora' has no code"),
    ],
)
def test_what_is_no_tree(labels, sentence):
    with pytest.raises(BadInput, match=sentence):
        LabelTree(labels)


def test_the_same_label_twice_is_one():
    tree = LabelTree([Label("B"), Label("A", "x", "B"), Label("A", "x", "b")])
    assert tree.codes == ("B", "A")


def test_edits_give_new_trees():
    tree = LabelTree(nested("Corals{Hard{FAV,POA},Soft},Sand,"))
    assert tree.moved("POA", "soft").children("Soft") == ("POA",)
    assert tree.moved("Hard", "").roots == ("Corals", "Hard", "Sand")
    assert tree.removed("Hard").children("Corals") == ("FAV", "POA", "Soft")
    assert tree.changed("hard", code="HC", colour="#ff0000").children("HC") == ("FAV", "POA")
    assert tree.added(Label("SID", parent="hard")).path("SID") == ("Corals", "Hard", "SID")
    assert tree.children("Hard") == ("FAV", "POA")
    with pytest.raises(BadInput, match="go round in a circle"):
        tree.moved("Corals", "FAV")
    with pytest.raises(BadInput, match="a label 'Sand' already"):
        tree.added(Label("sand"))
    with pytest.raises(BadInput, match="a label 'Sand' already"):
        tree.changed("Soft", code="SAND")


def test_parents_by_code():
    tree = LabelTree.of_parents({"FAV": "Hard", "Hard": "Corals", "SAND": ""})
    assert tree.codes == ("Corals", "Hard", "FAV", "SAND")


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", *"abcdefgh"])), max_size=12))
def test_a_tree_or_sentences(pairs):
    labels = [Label(code, parent=parent) for code, parent in pairs]
    wrong = faults(labels)
    if wrong:
        assert all(0 <= place < len(labels) and text[-1] in ".?" for place, text in wrong)
        with pytest.raises(BadInput):
            LabelTree(labels)
        return
    tree = LabelTree(labels)
    assert sorted(tree.codes) == sorted({label.code for label in labels})
    assert sum(len(tree.leaves(root)) for root in tree.roots) == len(tree.leaves())
    for code in tree:
        assert tree.path(code)[-1] == code and tree.path(code)[0] in tree.roots
        assert all(code in tree.ancestors(below) for below in tree.descendants(code))
        assert sum(code in tree.ancestors(other) for other in tree) == len(tree.descendants(code))
