from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.classes import entries
from quadrat.core.colours import MOST, PALETTE, colour_for, colour_of


def test_familiar_names_get_familiar_colours():
    made = {entry.name: entry.colour for entry in entries(["dryout", "forest", "village", "Open water"])}
    assert made["forest"] == "#228833"
    assert made["Open water"] == "#4477aa"
    assert made["village"] == "#ee6677"


def test_a_word_inside_another_is_not_that_word():
    assert entries(["plastic", "seagrass"])[0].colour == PALETTE[0]


@given(st.lists(st.sampled_from(["water", "lake", "river", "forest", "tree", "a", "b", "c"]) | st.text(), max_size=12))
def test_classes_of_a_small_map_never_share_a_colour(names):
    made = entries(names)
    assert [entry.value for entry in made] == list(range(1, len(names) + 1))
    assert len({entry.colour for entry in made}) == len(made)


def test_one_more_class_takes_the_expected_colour_or_the_next_free_one():
    assert colour_for("Lake", []) == "#4477aa"
    assert colour_for("River", ["#4477aa"]) == PALETTE[1]
    assert colour_for("x", list(PALETTE)) not in PALETTE
    assert colour_for("x", {colour_of(number) for number in range(MOST)}), "all are taken: one comes again"
