"""How points and photos are seen in the photo window: on any ground, in any light."""

# ruff: noqa: F401, F811

import math
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qgis.PyQt.QtCore import QPoint, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QImage
from qgis.PyQt.QtTest import QTest
from quadrat.plugin.reef.photo.captions import arranged
from quadrat.plugin.reef.photo.look import AUTO, PICKED
from quadrat.plugin.reef.photo.shown import BY_LABEL, BY_STATE, NUMBERS, OPEN, STATES, PointShown
from quadrat.plugin.reef.photo.symbols import Symbols, look_of
from quadrat.plugin.reef.photo.tone import NEUTRAL, Tone, grey_world, mean_light, tables, toned

from .photowindow import HEIGHT, WIDTH, photo, place, shown, view

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Looks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("current", [False, True], ids=["other", "current"])
@pytest.mark.parametrize("colour", ["", "#102030", "#ffe119"], ids=["by state", "dark label", "bright label"])
@pytest.mark.parametrize("state", STATES)
def test_no_symbol_hides_what_decides_the_label(qgis_app, state, colour, current):
    by = BY_LABEL if colour else BY_STATE
    symbols = Symbols(16.0, 1.0)
    image, middle = symbols.of(look_of(PointShown(1, 1, 0, 0, state, "Porites", colour), by, current))
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            assert image.pixelColor(int(middle) + dx, int(middle) + dy).alpha() == 0
    inked = [image.pixelColor(i, j) for i in range(image.width()) for j in range(image.height())]
    solid = [one for one in inked if one.alpha() > 200]
    assert min(one.lightness() for one in solid) < 60 and max(one.lightness() for one in solid) > 110


def test_states_have_shapes_and_labels_colours(qgis_app):
    point = PointShown(1, 1, 0, 0, OPEN, "Porites", "#102030")
    assert look_of(point, BY_LABEL, False).colour == "#102030"
    assert look_of(point._replace(label=""), BY_LABEL, False).colour == look_of(point, BY_STATE, False).colour
    assert look_of(point._replace(colour="none"), BY_LABEL, False).colour == "#ffffff"
    symbols = Symbols(16.0, 1.0)
    pictures = [
        symbols.of(look_of(PointShown(1, 1, 0, 0, state, "x", "#ff0000"), BY_LABEL, False))[0] for state in STATES
    ]

    assert all(a != b for i, a in enumerate(pictures) for b in pictures[:i]), "told apart without colours"


@quick
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=30, unique=True))
def test_captions_cover_neither_each_other_nor_points(places):
    reach, size = 6.0, (40.0, 14.0)
    offsets = arranged(places, [size] * len(places), reach)
    boxes = [QRectF(x + o[0], y + o[1], *size) for (x, y), o in zip(places, offsets) if o is not None]
    owners = [i for i, offset in enumerate(offsets) if offset is not None]
    for i, box in zip(owners, boxes):
        others = [QRectF(x - reach, y - reach, 12, 12) for j, (x, y) in enumerate(places) if j != i]
        assert not any(box.intersects(one) for one in (*others, *(b for b in boxes if b is not box)))
    if len(places) == 1:
        assert offsets == [(reach, -7.0)]


def test_many_points_are_drawn_with_numbers_or_colours(shown):
    rng = random.Random(0)
    points = [
        PointShown(i, i, rng.randrange(HEIGHT), rng.randrange(WIDTH), STATES[i % 5], "A", "#ff0000") for i in range(60)
    ]
    shown.show_points(points)
    by_state = shown.grab().toImage()
    shown.set_colours(BY_LABEL)
    by_label = shown.grab().toImage()
    shown.set_texts(NUMBERS)
    assert by_state != by_label != shown.grab().toImage()


# Light ----------------------------------------------------------------------------------------------------------------


def test_a_cast_of_water_is_taken_away(qgis_app):
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(QColor(60, 120, 140))
    change = tables(Tone(gains=grey_world(image)))
    red, green, blue = toned(image, change).pixelColor(3, 3).getRgb()[:3]
    assert max(red, green, blue) - min(red, green, blue) <= 1
    light = mean_light(image)
    assert mean_light(toned(image, change))[1] == pytest.approx(
        0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2], rel=0.03
    )


@pytest.mark.parametrize("brightness", [-100, 0, 60])
@pytest.mark.parametrize("contrast", [-80, 0, 100])
def test_light_keeps_the_order_of_shades(brightness, contrast):
    change = tables(Tone(brightness, contrast))
    if change is None:
        assert (brightness, contrast) == (0, 0)
        return
    for table in change:
        assert list(table) == sorted(table)
        assert contrast < 0 or (table[0], table[255]) == (0, 255)
    middle = change[0][128]
    assert math.copysign(1, middle - 128) == math.copysign(1, brightness) or abs(middle - 128) <= 1


def test_white_is_picked_by_a_click(shown):
    shown.pick_white()
    at = place(shown, 150, 60)
    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=place(shown, 0, 0) - QPoint(20, 20))
    assert shown.picking, "beside the photo nothing is white"
    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=at)
    assert not shown.picking and shown.look.white == PICKED and shown.look.gains != NEUTRAL
    full = shown.photo.levels[0]
    around = toned(full.copy(56, 146, 9, 9), tables(Tone(gains=shown.look.gains)))
    light = mean_light(around)
    assert max(light) - min(light) < 0.02


def test_light_is_for_viewing_only(shown, photo):
    before = Path(photo).read_bytes()
    seen = shown.grab().toImage()
    shown.change(brightness=40, white=AUTO)
    assert shown.grab().toImage() != seen
    shown.show_as_taken(True)
    assert shown.grab().toImage() == seen
    shown.show_as_taken(False)
    shown.change(brightness=0, white="taken")
    assert shown.grab().toImage() == seen and Path(photo).read_bytes() == before
