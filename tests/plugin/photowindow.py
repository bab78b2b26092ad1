"""A made photo whose pixels tell where they are, and the view that shows it."""

import pytest
from qgis.PyQt.QtCore import QPoint
from qgis.PyQt.QtGui import QColor, QImage
from quadrat.plugin.reef.photo.shown import PointShown
from quadrat.plugin.reef.photo.view import PhotoView

WIDTH, HEIGHT = 300, 200


def colour(i, j):
    """Of the made photo: each pixel tells where it is."""
    return QColor(i % 256, j % 256, (i + 2 * j) % 256)


@pytest.fixture(scope="session")
def photo(tmp_path_factory, qgis_app):
    """A PNG whose pixels tell where they are."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    for j in range(HEIGHT):
        for i in range(WIDTH):
            image.setPixelColor(i, j, colour(i, j))
    path = tmp_path_factory.mktemp("photo of a réef") / "Q 1.png"
    assert image.save(str(path))
    return str(path)


@pytest.fixture
def view(qtbot, fresh_settings):
    view = PhotoView()
    qtbot.addWidget(view)
    view.resize(400, 320)
    view.show()
    yield view
    view.dismiss()


@pytest.fixture
def shown(view, photo, qtbot):
    """The photo with three points; none is current."""
    with qtbot.waitSignal(view.loaded):
        view.show_photo(photo)
    view.show_points(
        [PointShown(11, 1, 20, 30), PointShown(12, 2, 100, 150, label="Porites"), PointShown(13, 3, 199, 299)]
    )
    return view


def place(view, row, col):
    """Where a pixel is seen, widget pixels."""
    ratio = view.devicePixelRatioF()
    x, y = view.camera.to_screen(col + 0.5, row + 0.5)
    return QPoint(int(x / ratio), int(y / ratio))
