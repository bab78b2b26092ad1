"""Photos of surveys as files: pixels as stored, sentences for what cannot be read, the next one read ahead."""

# ruff: noqa: F401, F811

import array
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.PyQt.QtGui import QColor, QImage
from quadrat.core.errors import BadInput
from quadrat.plugin.reef.photo.loading import Loader
from quadrat.plugin.reef.photo.pyramid import Pyramid
from quadrat.plugin.reef.photo.reading import GROUND, PhotoFile

from .photowindow import HEIGHT, WIDTH, colour, photo, shown, view

RED, BLUE = QColor(220, 10, 10), QColor(10, 10, 220)


def raster(path, bands, kind=gdal.GDT_Byte, driver="GTiff"):
    """A file of bands, each a list of rows."""
    height, width = len(bands[0]), len(bands[0][0])
    dataset = gdal.GetDriverByName("MEM").Create("", width, height, len(bands), kind)
    code = {gdal.GDT_Byte: "B", gdal.GDT_UInt16: "H", gdal.GDT_Float32: "f"}[kind]
    for number, rows in enumerate(bands, 1):
        flat = array.array(code, [value for row in rows for value in row])
        dataset.GetRasterBand(number).WriteRaster(0, 0, width, height, flat.tobytes())
    return dataset if path is None else gdal.GetDriverByName(driver).CreateCopy(str(path), dataset)


# Reading --------------------------------------------------------------------------------------------------------------


def test_pixels_are_those_of_the_file(photo):
    image = PhotoFile(photo).full()
    assert (image.width(), image.height()) == (WIDTH, HEIGHT)
    for i, j in ((0, 0), (299, 0), (0, 199), (299, 199), (77, 131)):
        assert image.pixelColor(i, j) == colour(i, j)
    part = PhotoFile(photo, (10, 20, 30, 40)).full()
    assert (part.width(), part.height()) == (40, 30)
    assert part.pixelColor(0, 0) == colour(20, 10) and part.pixelColor(39, 29) == colour(59, 39)


def test_exif_rotation_is_not_applied(tmp_path, photo):
    plain = tmp_path / "plain.jpg"
    QImage(photo).save(str(plain))
    data = plain.read_bytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = tmp_path / "turned.jpg"
    turned.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    assert PhotoFile(str(turned)).full() == PhotoFile(str(plain)).full()


def test_deep_pixels_are_stretched_alike_in_all_bands(tmp_path):
    ramp = [[1000 + 10 * i for i in range(64)] for _ in range(64)]
    dark = [[1000 for _ in range(64)] for _ in range(64)]
    raster(tmp_path / "deep.tif", [ramp, dark, ramp], gdal.GDT_UInt16)
    image = PhotoFile(str(tmp_path / "deep.tif")).full()
    row = [image.pixelColor(i, 5).getRgb()[:3] for i in range(64)]
    assert row[0] == (0, 0, 0) and row[-1] == (255, 0, 255)
    assert [red for red, _, _ in row] == sorted(red for red, _, _ in row)


def test_grey_palettes_and_places_without_data(tmp_path):
    raster(tmp_path / "grey.png", [[[7, 200]]], driver="PNG")
    assert PhotoFile(str(tmp_path / "grey.png")).full().pixelColor(1, 0) == QColor(200, 200, 200)
    index = QImage(2, 2, QImage.Format.Format_Indexed8)
    index.setColorTable([RED.rgb(), BLUE.rgb()])
    index.fill(1)
    index.save(str(tmp_path / "palette.png"))
    assert PhotoFile(str(tmp_path / "palette.png")).full().pixelColor(0, 0) == BLUE
    clear = QImage(2, 1, QImage.Format.Format_ARGB32)
    clear.setPixelColor(0, 0, RED)
    clear.setPixelColor(1, 0, QColor(1, 2, 3, 0))
    clear.save(str(tmp_path / "clear.png"))
    image = PhotoFile(str(tmp_path / "clear.png")).full()
    assert (image.pixelColor(0, 0), image.pixelColor(1, 0)) == (RED, QColor(GROUND))


@pytest.mark.parametrize("raising", [False, True], ids=["errors returned", "errors raised"])
def test_what_cannot_be_shown_is_told_in_a_sentence(tmp_path, photo, raising):
    (tmp_path / "notes.jpg").write_text("no photo")
    whole = Path(photo).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    was = gdal.GetUseExceptions()
    (gdal.UseExceptions if raising else gdal.DontUseExceptions)()
    try:
        for path, window in (
            ("", ()),
            (str(tmp_path / "gone.jpg"), ()),
            (str(tmp_path / "notes.jpg"), ()),
            (str(tmp_path / "half.png"), ()),
            (photo, (150, 0, 100, 100)),
            (photo, (-1, 0, 10, 10)),
        ):
            with pytest.raises(BadInput) as told:
                PhotoFile(path, window).full()
            assert str(told.value).endswith(".") and path in str(told.value)
    finally:
        (gdal.UseExceptions if was else gdal.DontUseExceptions)()


# Loading --------------------------------------------------------------------------------------------------------------


def test_what_was_read_ahead_is_there_at_once(photo, qtbot):
    loader = Loader()
    with qtbot.waitSignal(loader.came) as came:
        loader.ahead((photo, ()))
    assert came.args[0] == (photo, ())
    assert loader.want((photo, ())) is came.args[1]
    loader.end()


def test_the_next_photo_comes_whatever_befell_the_last(photo, qtbot, monkeypatch):
    loader = Loader()
    with monkeypatch.context() as broken:
        broken.setattr(PhotoFile, "full", lambda file: {}["no such driver"])
        with qtbot.waitSignal(loader.refused) as told:
            loader.want((photo, ()))
    assert "no such driver" in told.args[1] and told.args[1].endswith(".")
    with qtbot.waitSignal(loader.came):
        loader.want((photo, ()))
    loader.end()


def test_memory_has_an_end(photo, qtbot):
    one = Pyramid(PhotoFile(photo).full(), WIDTH, HEIGHT).bytes
    loader = Loader(memory=2 * one)
    keys = [(photo, (0, 0, HEIGHT, WIDTH - i)) for i in range(5)]
    for key in keys:
        with qtbot.waitSignal(loader.came):
            assert loader.want(key) is None
    assert loader.want(keys[4]) is not None and loader.want(keys[3]) is not None
    assert loader.want(keys[0]) is None
    loader.end()


def test_large_photos_are_seen_small_first(tmp_path, qtbot, qgis_app):
    large = QImage(2400, 2000, QImage.Format.Format_RGB32)
    large.fill(RED)
    large.save(str(tmp_path / "large.jpg"))
    loader, came = Loader(), []
    loader.came.connect(lambda key, photo: came.append(photo))
    loader.want((str(tmp_path / "large.jpg"), ()))
    qtbot.waitUntil(lambda: len(came) == 2)
    assert [photo.whole for photo in came] == [False, True]
    assert all(photo.size == (2400, 2000) for photo in came)
    assert came[0].least.pixelColor(5, 5).red() > 200
    loader.end()


def test_a_photo_that_is_no_longer_wanted_is_not_shown(view, photo, tmp_path, qtbot):
    with qtbot.waitSignal(view.failed) as told:
        view.show_photo(str(tmp_path / "gone.jpg"))
    assert view.sentence == told.args[0] and "gone.jpg" in view.accessibleDescription()
    view.show_photo(str(tmp_path / "gone.jpg"))
    with qtbot.waitSignal(view.loaded):
        view.show_photo(photo)
    qtbot.wait(20)
    assert view.photo is not None and not view.sentence
    view.clear("Choose a photo.")
    assert view.photo is None and view.sentence == "Choose a photo."
