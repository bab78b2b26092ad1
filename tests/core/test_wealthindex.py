"""The International Wealth Index against sums by hand, and the recoding table that feeds it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.poverty.survey.recoding import SHIPPED, Recoding
from quadrat.core.poverty.survey.wealthindex import CONSTANT, ITEMS, wealth_index
from quadrat.tests.core.surveywork import POOR, RICH

pytestmark = pytest.mark.same_without_torch
NAMES = list(ITEMS)
BEST = [len(levels) - 1 for levels in ITEMS.values()]
ANY = st.tuples(*(st.integers(0, best) for best in BEST))


def index(**levels):
    """Of one household that has the lowest level of all that is not named."""
    ranks = [list(ITEMS[name]).index(levels[name]) if name in levels else 0 for name in NAMES]
    return wealth_index(np.array([ranks]))[0]


class TestIndex:
    def test_the_richest_and_the_poorest_household(self):
        found = wealth_index(np.array([BEST, [0] * 12]))
        assert found[0] == pytest.approx(100, abs=1e-5) and found[1] == pytest.approx(0, abs=1e-5)
        assert found.min() >= 0 and found.max() <= 100

    def test_a_household_by_hand(self):
        """Phone, bicycle and radio, protected well, pit latrine without slab, cement floor, two rooms."""
        by_hand = 25.004470 + 7.127699 + 1.846860 + 4.118394 - 2.302023 - 7.439841 + 1.227531 + 0.384050
        assert by_hand == pytest.approx(29.96714)
        assert index(
            phone="yes", bicycle="yes", cheap_utensil="yes", water="mid", floor="mid", rooms="2"
        ) == pytest.approx(by_hand, abs=1e-9)

    def test_weights_as_published(self):
        """Table 1 of the paper, item by item as a difference to the household that has nothing."""
        nothing = CONSTANT - 6.306477 - 7.439841 - 7.558471 - 3.699681
        assert nothing == pytest.approx(0, abs=1e-9)
        published = {"television": 8.612657, "refrigerator": 8.429076, "phone": 7.127699, "car": 4.651382,
                     "bicycle": 1.846860, "electricity": 8.056664, "cheap_utensil": 4.118394,
                     "expensive_utensil": 6.507283}  # fmt: skip
        for name, weight in published.items():
            assert index(**{name: "yes"}) == pytest.approx(weight, abs=1e-9), name
        steps = {"water": (4.004454, 14.258920), "toilet": (6.349448, 15.580478), "floor": (8.786002, 13.665899)}
        for name, (mid, high) in steps.items():
            assert index(**{name: "mid"}) == pytest.approx(mid, abs=1e-9), name
            assert index(**{name: "high"}) == pytest.approx(high, abs=1e-9), name
        assert index(rooms="2") == pytest.approx(4.083731) and index(rooms="3") == pytest.approx(7.144690)

    @given(ANY, st.integers(0, 11))
    def test_more_is_never_less_and_all_lies_between_0_and_100(self, levels, item):
        lower = np.array([levels])
        higher = lower.copy()
        higher[0, item] = BEST[item]
        assert 0 <= wealth_index(lower)[0] <= wealth_index(higher)[0] <= 100

    @given(ANY, st.integers(0, 11))
    def test_one_unknown_item_stays_within_what_the_household_could_have(self, levels, item):
        known = np.array([levels])
        unknown, least, most = known.copy(), known.copy(), known.copy()
        unknown[0, item], least[0, item], most[0, item] = -1, 0, BEST[item]
        found = wealth_index(unknown)[0]
        assert wealth_index(least)[0] - 1e-5 <= found <= wealth_index(most)[0] + 1e-5

    def test_two_unknown_items_are_too_many(self):
        levels = np.array([BEST, BEST, [0] * 12])
        levels[0, 0] = levels[1, :2] = levels[2, 3] = -1
        found = wealth_index(levels)
        assert (
            found[0] == pytest.approx(100, abs=1e-5) and np.isnan(found[1]) and found[2] == pytest.approx(0, abs=1e-5)
        )


def recoded(rows, path="", **columns):
    table = pd.DataFrame([rows] if isinstance(rows, dict) else rows).assign(**columns)
    return Recoding(path).apply(table)


def words(found, row=0):
    return {
        name: list(ITEMS[name])[rank] if rank >= 0 else "" for name, rank in zip(NAMES, found.levels[row], strict=True)
    }


class TestShippedTable:
    def test_rich_and_poor(self):
        found = recoded([RICH, POOR])
        assert found.levels.tolist() == [BEST, [0] * 12] and not found.lacking and not found.unlisted

    @pytest.mark.parametrize(
        ("field", "code", "item", "level"),
        [
            ("hv201", 12, "water", "high"), ("hv201", 14, "water", "mid"), ("hv201", 32, "water", "low"),
            ("hv201", 71, "water", "high"), ("hv205", 21, "toilet", "mid"), ("hv205", 23, "toilet", "low"),
            ("hv213", 34, "floor", "mid"), ("hv213", 12, "floor", "low"), ("hv216", 0, "rooms", "1"),
            ("hv216", 2, "rooms", "2"), ("hv216", 12, "rooms", "3"), ("hv216", 98, "rooms", ""),
            ("hv208", 9, "television", ""), ("hv208", "yes", "television", "yes"), ("hv201", 555, "water", ""),
        ],
    )  # fmt: skip
    def test_codes(self, field, code, item, level):
        assert words(recoded({**POOR, field: code}))[item] == level

    def test_a_shared_flush_toilet_is_no_private_one(self):
        assert words(recoded({**POOR, "hv205": 12, "hv225": 0}))["toilet"] == "high"
        assert words(recoded({**POOR, "hv205": 12, "hv225": 1}))["toilet"] == "mid"
        assert words(recoded({**POOR, "hv205": 31, "hv225": 1}))["toilet"] == "low"
        assert words(recoded({**POOR, "hv205": 99, "hv225": 1}))["toilet"] == "", "a limit alone says nothing"

    def test_who_owns_more_is_taken_to_own_less(self):
        assert words(recoded({**POOR, "hv208": 1}))["cheap_utensil"] == "yes"
        found = words(recoded({**POOR, "hv212": 1}))
        assert found["cheap_utensil"] == found["expensive_utensil"] == found["car"] == "yes"
        assert words(recoded(POOR))["cheap_utensil"] == "no"
        assert words(recoded({**POOR, "hv207": 9}))["cheap_utensil"] == "", "what is implied says yes or nothing"

    def test_any_of_several_fields_will_do(self):
        assert words(recoded({**POOR, "hv221": 0, "hv243a": 1}))["phone"] == "yes"
        assert words(recoded({**POOR, "hv221": 9, "hv243a": 0}))["phone"] == "no"

    @pytest.mark.parametrize("kind", ["int64", "float64", "str", "object"])
    def test_codes_of_any_type_and_case_of_names(self, kind):
        rows = pd.DataFrame([RICH, POOR]).astype(kind).rename(columns=str.upper)
        assert Recoding().apply(rows).levels.tolist() == [BEST, [0] * 12]

    def test_every_level_is_known_and_every_item_is_told(self):
        table = pd.read_csv(SHIPPED, dtype=str)
        assert set(table["item"]) == set(NAMES)
        for item, level in zip(table["item"], table["level"], strict=True):
            assert level == "-" or level.removeprefix("at most ") in ITEMS[item]
        assert not table.duplicated(["item", "field", "code"]).any()


class TestOwnTable:
    @pytest.fixture
    def own(self, tmp_path):
        def write(text):
            path = tmp_path / "eigene.csv"
            path.write_text(text, encoding="utf-8")
            return str(path)

        return write

    def test_text_codes_ranges_and_semicolons(self, own):
        text = "item;field;code;level;Bemerkung\nwater;q1;Piped into dwelling;high;x\nwater;q1;river;low;y\n"
        text += "rooms;q2;0-1;1;\nrooms;q2;2;2;\nrooms;q2;3-20;3;\n"
        full = "".join(f"{name};{name};{level};{level};\n" for name in NAMES for level in ITEMS[name])
        rows = [{name: list(levels)[-1] for name, levels in ITEMS.items()} | {"Q1": "PIPED into dwelling", "q2": 7.0}]
        rows += [{name: next(iter(levels)) for name, levels in ITEMS.items()} | {"Q1": "River ", "q2": 1.0}]
        found = recoded(rows, own(text + full))
        assert found.levels.tolist() == [BEST, [0] * 12]

    def test_an_exact_code_goes_before_a_range(self, own):
        rest = "".join(f"{name},{name},{level},{level}\n" for name in NAMES[:-1] for level in ITEMS[name])
        path = own("item,field,code,level\nrooms,r,0-90,3\nrooms,r,1,1\n" + rest)
        rows = [{**{name: next(iter(ITEMS[name])) for name in NAMES[:-1]}, "r": rooms} for rooms in (1, 2, 95)]
        assert recoded(rows, path).levels[:, -1].tolist() == [0, 2, -1]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("a,b\n1,2\n", "lacks the columns item, field, code, level"),
            ("item,field,code,level\nboat,x,1,yes\n", "row 2: there is no item 'boat'"),
            (
                "item,field,code,level\ncar,x,0,no\ncar,x,1,maybe\n",
                "row 3: 'maybe' is no level of car. Write one of: no, yes",
            ),
            ("item,field,code,level\nwater,x,1,at most wet\n", "'at most wet' is no level of water"),
        ],
    )
    def test_mistakes_are_named_with_their_row(self, own, text, why):
        with pytest.raises(BadInput) as caught:
            Recoding(own(text))
        assert why in str(caught.value)
