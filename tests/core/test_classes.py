from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.classes import PALETTE, entries


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
