"""'What next?' and what is said of the place under the cursor."""

from qgis.PyQt.QtCore import Qt
from quadrat.core.live.messages import Known

Key = Qt.Key


# What next -----------------------------------------------------------------------------------------------------------


def test_next_is_asked_for_and_answered_from_the_keyboard(taught, state, qtbot):
    taught.activateWindow()
    qtbot.mouseClick(taught.asking.button, Qt.MouseButton.LeftButton)
    assert state.calls[-1] == ("next",)
    state.ask()
    box = taught.asking.box
    assert box.isVisible() and not taught.asking.button.isVisible()
    assert box.question.text() == "Is this pasture? (62 %)"
    assert box.reason.text() == "The map wavers here between pasture and bare soil."
    assert taught.focusWidget() is box
    for key, call in ((Key.Key_Return, ("accept",)), (Key.Key_Space, ("skip",)), (Key.Key_Escape, ("end_next",))):
        qtbot.keyClick(box, key)
        assert state.calls[-1] == call
    qtbot.keyClick(box, "3")
    assert state.calls[-1] == ("correct", "village")
    count = len(state.calls)
    qtbot.keyClick(box, "x")
    assert len(state.calls) == count, "a key without a class does nothing"


def test_space_on_a_button_of_the_box_is_never_an_accept(taught, state):
    state.ask()
    for button in (taught.asking.box.accept, taught.asking.box.skip, taught.asking.box.stop):
        assert button.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_a_place_without_a_guess_cannot_be_accepted(taught, state, qtbot):
    state.ask(guess="", probability=None)
    assert taught.asking.box.question.text() == "What is this?"
    assert not taught.asking.box.accept.isEnabled()
    qtbot.keyClick(taught.asking.box, Key.Key_Return)
    assert ("accept",) not in state.calls


def test_a_value_is_typed_and_entered(panel, state, qtbot):
    state.begin()
    state.set_target("value")
    state.ask(guess=4.5, probability=None)
    box = panel.asking.box
    assert box.value.value() == 4.5
    edit = box.value.lineEdit()
    edit.selectAll()
    qtbot.keyClicks(edit, "12")
    qtbot.keyClick(edit, Key.Key_Return)
    assert state.calls[-1] == ("correct", 12.0)
    qtbot.keyClick(edit, Key.Key_Space)
    assert state.calls[-1] == ("skip",)


def test_strategy_goes_both_ways(taught, state):
    combo = taught.asking.strategy
    combo.setCurrentIndex(combo.findData("margin"))
    combo.activated.emit(combo.currentIndex())
    assert state.strategy == "margin"
    state.strategy = "random"
    assert combo.currentText() == "At random"


# Under the cursor ----------------------------------------------------------------------------------------------------


def test_hover_tells_class_bars_and_neighbours(taught, state):
    state.point()
    hover = taught.hover
    assert hover.title.text() == "village, 83 % sure"
    assert [(name, share) for name, _, share in hover.bars.bars()] == [
        ("village", 0.83), ("pasture", 0.09), ("bare soil", 0.04), ("forest", 0.03),
    ]  # fmt: skip
    assert [e.likeness.text() for e in hover.examples] == ["97 % alike", "93 % alike", "71 % alike"]
    assert "village 83 %" in hover.bars.accessibleDescription()
    state.known.emit(Known(1, 1, False))
    assert hover.hint.text() == "There is no data here." and not hover.title.isVisible()
    state.known.emit(None)
    assert hover.hint.isVisible()


def test_hover_of_values_has_no_bars(taught, state):
    state.known.emit(Known(1, 1, True, (), 3.14159))
    assert taught.hover.title.text() == "Value: 3.142"
    assert not taught.hover.bars.isVisible()


def test_thumbnails_show_the_raster_around_the_example(panel, state, raster, qtbot):
    state.begin(raster)
    state.teach()
    made = []
    panel.hover._thumbnails.made.connect(lambda cell, picture: made.append((cell, picture)))
    state.point()
    qtbot.waitUntil(lambda: len(made) == 3, timeout=20_000)
    cells = {cell for cell, _ in made}
    assert cells == {(40, 50), (60, 20), (10, 90)}
    image = made[0][1].toImage()
    seen = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
    assert len(seen) > 5, "it is a picture, not a plain square"
    assert all(not example.picture.pixmap().isNull() for example in panel.hover.examples)
    state.point()  # known already: no new rendering
    assert len(made) == 6
    state.raster = None
    state.changed.emit()
    assert panel.hover.hint.isVisible()
