"""The photo window of surveys: points that come to the middle, are clicked, and followed by keyboard."""

# ruff: noqa: F401, F811

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from qgis.PyQt.QtTest import QSignalSpy, QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QAbstractSpinBox, QSlider
from quadrat.plugin.reef.photo.camera import LARGEST, Camera
from quadrat.plugin.reef.photo.dock import PhotoDock
from quadrat.plugin.reef.photo.look import AUTO
from quadrat.plugin.reef.photo.shown import BY_LABEL, PointShown
from quadrat.plugin.reef.photo.view import PhotoView

from .photowindow import colour, photo, place, shown, view

NO_KEY = Qt.KeyboardModifier.NoModifier
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def dock(qtbot, fresh_settings):
    dock = PhotoDock()
    qtbot.addWidget(dock)
    dock.show()
    yield dock
    dock.dismiss()


# Camera ---------------------------------------------------------------------------------------------------------------


@st.composite
def cameras(draw):
    camera = Camera()
    camera.resize(draw(st.integers(1, 3000)), draw(st.integers(1, 3000)))
    camera.look_at(draw(st.integers(1, 20000)), draw(st.integers(1, 20000)))
    if draw(st.booleans()):
        x, y = draw(st.floats(0, 1)), draw(st.floats(0, 1))
        camera.zoom_to(draw(st.floats(0.001, 200)), x * camera.photo[0], y * camera.photo[1])
    return camera


@quick
@given(cameras(), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_the_camera_finds_back(camera, x, y):
    back = camera.to_screen(*camera.to_photo(x, y))
    assert back == pytest.approx((x, y), abs=1e-6)
    left, top, right, bottom = camera.seen()
    assert 0 <= left <= right <= camera.photo[0] and 0 <= top <= bottom <= camera.photo[1]


@quick
@given(cameras(), st.floats(0.1, 10), st.floats(0, 1), st.floats(0, 1))
def test_zooming_keeps_the_place_under_the_mouse(camera, factor, x, y):
    at = x * camera.screen[0], y * camera.screen[1]
    before = camera.to_photo(*at)
    camera.zoom(camera.scale * factor, at)
    least = min(camera._fitting(), 1.0)
    assert least * (1 - 1e-9) <= camera.scale <= LARGEST
    centre = camera.centre
    if not camera.fitted and 0 < centre[0] < camera.photo[0] and 0 < centre[1] < camera.photo[1]:
        far = [abs(a - b) * camera.scale for a, b in zip(camera.to_photo(*at), before)]
        assert max(far) <= 1.01  # whole screen pixels, before and after


def test_all_of_the_photo_follows_the_window():
    camera = Camera()
    camera.resize(100, 100)
    camera.look_at(1000, 500)
    assert camera.scale == 0.1 and camera.sees_all() and camera.origin == (0, 25)
    camera.resize(200, 200)
    assert camera.scale == 0.2
    camera.centre_on(10, 10)
    assert camera.centre == (500, 250), "nothing moves while all is seen"
    camera.zoom(1.0, (100, 100))
    camera.centre_on(0, 0)
    assert camera.centre == (0, 0), "a point at the corner comes to the middle, too"
    camera.look_at(800, 800)
    assert (camera.scale, camera.centre) == (1.0, (400, 400)), "the scale stays with the next photo"
    camera.zoom(0.0001, (0, 0))
    assert camera.fitted


# The view -------------------------------------------------------------------------------------------------------------


def test_each_pixel_is_seen_where_points_say(shown):
    shown.set_points_visible(False)
    shown.actual_size()
    image = shown.grab().toImage()
    ratio = image.devicePixelRatio()
    for row, col in ((20, 30), (100, 151), (180, 280)):
        x, y = shown.camera.to_screen(col + 0.5, row + 0.5)
        assert image.pixelColor(int(x), int(y)) == colour(col, row), f"at a ratio of {ratio}"
    shown.camera.zoom_to(8.0, 150.5, 100.5)
    shown.change(overview=False)
    image = shown.grab().toImage()
    x, y = shown.camera.to_screen(150, 100)
    seen = {image.pixelColor(int(x + dx), int(y + dy)).name() for dx in (0, 7) for dy in (0, 7)}
    assert seen == {colour(150, 100).name()}


def test_the_next_point_comes_to_the_middle_and_the_zoom_stays(shown):
    shown.set_current(11)
    assert shown.camera.fitted and shown.current == 11
    shown.camera.zoom_to(3.0, 0, 0)
    shown.set_current(13)
    assert shown.camera.scale == 3.0
    assert (place(shown, 199, 299) - shown.rect().center()).manhattanLength() <= 3
    shown.show_points([PointShown(13, 3, 199, 299, label="Sand"), PointShown(14, 4, 0, 0)])
    assert shown.current == 13 and shown.overlay.current.label == "Sand"
    shown.show_points([PointShown(14, 4, 0, 0)])
    assert shown.current is None
    assert "Sand" not in shown.accessibleDescription()


def test_clicks_choose_points_and_drags_move(shown, qtbot):
    chosen = QSignalSpy(shown.point_chosen)
    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=place(shown, 100, 150) + QPoint(3, -3))
    assert [list(one) for one in chosen] == [[12]] and shown.current is None
    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=place(shown, 60, 220))
    assert len(chosen) == 1
    shown.camera.zoom_to(4.0, 150, 100)
    shown.refresh()
    before = place(shown, 100, 150)
    button = Qt.MouseButton.LeftButton
    QTest.mousePress(shown, button, pos=before)
    for step in (10, 30, 50):
        here = QPointF(before + QPoint(step, 0))
        kind, held = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
        QgsApplication.sendEvent(
            shown, QMouseEvent(kind, here, QPointF(shown.mapToGlobal(here.toPoint())), held, button, NO_KEY)
        )
    QTest.mouseRelease(shown, button, pos=before + QPoint(50, 0))
    assert len(chosen) == 1
    assert (place(shown, 100, 150) - before - QPoint(50, 0)).manhattanLength() <= 2
    QTest.mouseDClick(shown, Qt.MouseButton.LeftButton, pos=QPoint(200, 100))
    assert shown.camera.fitted


def test_the_wheel_zooms_at_the_mouse(shown):
    ratio = shown.devicePixelRatioF()
    at = QPointF(place(shown, 60, 90))
    for _ in range(4):
        QgsApplication.sendEvent(
            shown,
            QWheelEvent(
                at, QPointF(shown.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NO_KEY,
                Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip
    x, y = shown.camera.to_photo(at.x() * ratio, at.y() * ratio)
    assert not shown.camera.fitted and abs(x - 90.5) < 1.5 and abs(y - 60.5) < 1.5


def test_hidden_points_are_not_clicked(shown):
    shown.set_current(12)
    shown.set_points_visible(False)
    assert shown.point_at(place(shown, 20, 30)) is None
    assert shown.point_at(place(shown, 100, 150)).point == 12


def key_event(kind, key, modifiers=NO_KEY):
    return QKeyEvent(kind, key, modifiers)


def test_keys_of_the_photo_and_keys_of_others(shown):
    control = Qt.KeyboardModifier.ControlModifier
    scale = shown.camera.scale
    QTest.keyClick(shown, Qt.Key.Key_Plus)
    assert shown.camera.scale > scale
    QTest.keyClick(shown, Qt.Key.Key_1, control)
    assert shown.camera.scale == 1.0
    QTest.keyClick(shown, Qt.Key.Key_0, control)
    assert shown.camera.fitted
    magnifier = shown.look.magnifier
    QTest.keyClick(shown, Qt.Key.Key_3, control)
    assert shown.look.magnifier is not magnifier
    override = key_event(QEvent.Type.ShortcutOverride, Qt.Key.Key_1, control)
    override.ignore()
    QgsApplication.sendEvent(shown, override)
    assert override.isAccepted(), "QGIS takes Ctrl+1 for a panel otherwise"
    for key in (
        Qt.Key.Key_A,
        Qt.Key.Key_1,
        Qt.Key.Key_Return,
        Qt.Key.Key_Left,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Escape,
        Qt.Key.Key_Space,
    ):
        for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            event = key_event(kind, key)
            event.ignore()
            QgsApplication.sendEvent(shown, event)
            assert not event.isAccepted(), "keys that annotate are for others"


@pytest.mark.parametrize("how", ["key", "mouse"])
def test_the_photo_alone_is_seen_while_something_is_held(shown, how):
    shown.set_current(12)
    at = (place(shown, 100, 150) + QPoint(0, -round(0.66 * shown.unit))) * shown.devicePixelRatioF()
    down, up = {
        "key": (
            lambda: QTest.keyPress(shown, Qt.Key.Key_F8),
            lambda: QTest.keyRelease(shown, Qt.Key.Key_F8),
        ),
        "mouse": (
            lambda: QTest.mousePress(shown, Qt.MouseButton.RightButton),
            lambda: QTest.mouseRelease(shown, Qt.MouseButton.RightButton),
        ),
    }[how]
    with_points = shown.grab().toImage()
    down()
    alone = shown.grab().toImage()
    assert alone.pixelColor(at) != with_points.pixelColor(at)
    up()
    assert shown.grab().toImage() == with_points


class Annotating(QObject):
    """Takes every key of the photo, as the Reef tab takes some."""

    taken = 0

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.KeyPress:
            self.taken += 1
            return True
        return False


def test_esc_gives_up_what_was_begun_here_before_others_hear_it(dock, qtbot):
    others = Annotating()
    dock.view.installEventFilter(others)
    dock.view.pick_white()
    dock.toggle_full_screen()
    QTest.keyClick(dock.view, Qt.Key.Key_Escape)
    assert not dock.view.picking and dock.view.window() is not dock
    QTest.keyClick(dock.view, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: dock.widget() is dock.body)
    assert others.taken == 0
    QTest.keyClick(dock.view, Qt.Key.Key_Escape)
    assert others.taken == 1


def test_the_magnifier_hides_nothing_needed(shown):
    shown.resize(700, 600)
    shown.set_current(12)
    glass = shown._magnifier
    assert glass.isVisible()
    corner = glass.geometry()
    inside = corner.center()
    shown.follow_pointer(inside)
    assert not glass.geometry().contains(inside)
    shown.follow_pointer(None)
    shown.zoom_by(20)
    assert not glass.isVisible(), "nearer than it, it shows nothing more"
    shown.fit()
    for point in (11, 12, 13):
        shown.set_current(point)
        current = shown.overlay.current
        assert not glass.isVisible() or not glass.geometry().contains(place(shown, current.row, current.col))
    assert not any(glass.put(QSize(400, 400), 12.0, [QRectF(0, 0, 400, 400)]) for _ in range(2))


def test_the_overview_comes_with_the_zoom_and_moves_it(shown):
    assert not shown._overview.isVisible()
    shown.camera.zoom_to(6.0, 150, 100)
    shown.refresh()
    assert shown._overview.isVisible()
    QTest.mouseClick(shown._overview, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert shown.camera.centre[0] < 10 and shown.camera.centre[1] < 10


# The window -----------------------------------------------------------------------------------------------------------


def test_every_control_says_what_it_is(dock):
    controls = [
        one
        for kind in (QAbstractButton, QAbstractSpinBox, QSlider)
        for one in dock.body.findChildren(kind)
        if one.objectName() != "qt_spinbox_lineedit"
    ]
    assert len(controls) >= 14
    for control in controls:
        assert control.accessibleName() and control.toolTip().endswith((".", "F11", "0", "1", "2", "3")), (
            control.objectName()
        )
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.objectName()
    assert dock.view.accessibleName() == "Photo"
    assert dock.body.minimumSizeHint().width() <= 420


def test_toolbar_and_view_follow_each_other(dock):
    dock.view.change(patch_px=64, magnifier=False, brightness=10)
    assert dock.bar.patch.value() == 64 and not dock.bar.magnifier.isChecked()
    assert dock.light.brightness.value() == 10 and dock.light.reset.isEnabled()
    dock.bar.patch.setValue(0)
    dock.bar.magnifier.setChecked(True)
    dock.light.contrast.setValue(-30)
    assert (dock.view.look.patch_px, dock.view.look.magnifier, dock.view.look.contrast) == (0, True, -30)
    dock.light.auto.click()
    assert dock.view.look.white == AUTO
    dock.light.pick.click()
    assert dock.view.picking
    dock.light.reset.click()
    look = dock.view.look
    assert (look.brightness, look.contrast, look.white) == (0, 0, "taken") and not dock.view.picking


def test_what_was_chosen_is_remembered_and_nonsense_is_not(dock, qtbot):
    from qgis.core import QgsSettings

    dock.view.change(patch_px=128, colours=BY_LABEL, brightness=50)
    QgsSettings().setValue("quadrat/photo_texts", "shouted")
    other = PhotoView()
    qtbot.addWidget(other)
    assert (other.look.patch_px, other.look.colours, other.look.texts) == (128, BY_LABEL, "labels")
    assert other.look.brightness == 0
    other.dismiss()


@pytest.mark.parametrize("how", ["key", "closed"])
def test_full_screen_and_back(dock, qtbot, how):
    dock.toggle_full_screen()
    assert dock.view.window() is not dock
    if how == "key":
        QTest.keyClick(dock.view, Qt.Key.Key_Escape)
    else:
        dock.view.window().close()
    qtbot.waitUntil(lambda: dock.widget() is dock.body)
    assert dock.view.isVisibleTo(dock)
    dock.say("Q 1.png, point 3 of 25")
    assert dock.words.text() == dock.words.toolTip() == "Q 1.png, point 3 of 25"


@pytest.mark.parametrize("floating", [False, True], ids=["docked", "floating"])
def test_the_window_finds_a_place_beside_another(qgis_iface, qtbot, floating, fresh_settings):
    from qgis.PyQt.QtWidgets import QDockWidget

    beside = QDockWidget()
    qgis_iface.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, beside)
    beside.setFloating(floating)
    dock = PhotoDock(qgis_iface.mainWindow())
    dock.settle(qgis_iface, beside)
    assert dock.parent() is qgis_iface.mainWindow()
    dock.dismiss()
    beside.deleteLater()
