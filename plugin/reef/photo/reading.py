"""A photo from its file as a picture of Qt: pixels as stored, by GDAL, so that they are those that the engine sees.

EXIF rotation is not applied. Deep pixels (more than 8 bits) are stretched between their darkest and brightest, all
bands alike, so that colours stay; what has no data is as grey as the surroundings. Knows no windows and no threads.
"""

import os
from array import array
from typing import Any, List, Tuple

from osgeo import gdal
from qgis.PyQt.QtGui import QColor, QImage, QPainter

from ....core.errors import BadInput
from ....processing.i18n import tr
from .shown import Window

GROUND = "#343434"
"""Of what is no photo: dark and without colour, so that eyes judge the photo's own."""
PREVIEW = 8
"""A preview has one pixel for so many by so many; JPEG files give it for less than half of the time."""
LEAST_FOR_PREVIEW = 4_000_000
"""Pixels of a photo from which on a preview is worth its time."""
SAMPLED_PX = 192
"""Side of the sample from which the stretch of deep pixels is told."""
LOW, HIGH = 0.005, 0.995
"""Shares of its pixels that become black and white."""


class PhotoFile:
    """An open photo, or an open window of an orthomosaic. Belongs to the thread that opened it.

    Raises:
        BadInput: no such file, nothing that GDAL reads, or a window beyond it; a sentence.
    """

    def __init__(self, path: str, window: Window = ()) -> None:
        self.path = path
        if not path:
            raise BadInput(tr("The survey does not say where the file of this photo lies. Import its photos again."))
        if not os.path.isfile(path):
            raise BadInput(
                tr(
                    "The photo is not there: {path}. Bring it back, or import the photos of its new folder again."
                ).format(path=path)
            )
        self._dataset = _asked(tr("The photo cannot be read: {path}."), path, gdal.Open, path)
        across, down = self._dataset.RasterXSize, self._dataset.RasterYSize
        row, col, self.height, self.width = window or (0, 0, down, across)
        self._place = (col, row, self.width, self.height)
        if (
            min(row, col) < 0
            or self.height < 1
            or self.width < 1
            or row + self.height > down
            or col + self.width > across
        ):
            raise BadInput(
                tr("This quadrat lies beyond its orthomosaic {path}, which has {width} x {height} pixels.").format(
                    path=path, width=across, height=down
                )
            )
        self._telling = 1
        """Band whose mask tells where there is data."""
        self._bands, self._source = self._prepared(self._dataset)

    def preview(self) -> QImage:
        """A small picture of all of it; null where the whole comes as fast."""
        if self.width * self.height < LEAST_FOR_PREVIEW:
            return QImage()
        return self._read(max(self.width // PREVIEW, 1), max(self.height // PREVIEW, 1))

    def full(self) -> QImage:
        """All pixels, as Format_RGB32."""
        return self._read(self.width, self.height)

    def _prepared(self, dataset: Any) -> Tuple[List[int], Any]:
        """Numbers of the red, green and blue band, and the dataset to read them from, as bytes."""
        first = dataset.GetRasterBand(1)
        if first.GetColorTable() is not None:
            return [1, 2, 3], self._ask(gdal.Translate, "", dataset, format="VRT", rgbExpand="rgb")
        bands = _coloured(dataset)
        self._telling = bands[0]
        if first.DataType == gdal.GDT_Byte:
            return bands, dataset
        low, high = self._range(dataset, bands)
        scale = [[low, high, 0, 255]] * 3
        kind = gdal.GDT_Byte
        stretched = self._ask(
            gdal.Translate, "", dataset, format="VRT", bandList=bands, outputType=kind, scaleParams=scale
        )
        return [1, 2, 3], stretched

    def _range(self, dataset: Any, bands: List[int]) -> Tuple[float, float]:
        side = (min(self.width, SAMPLED_PX), min(self.height, SAMPLED_PX))
        found = array("f")
        for band in sorted(set(bands)):
            block = self._ask(dataset.GetRasterBand(band).ReadRaster, *self._place, *side, buf_type=gdal.GDT_Float32)
            valid = self._valid(dataset, band, *side)
            if block is None:
                raise self._broken()
            values = array("f", bytes(block))
            found.extend(value for value, seen in zip(values, valid) if seen and value == value)
        if not found:
            return 0.0, 1.0
        ordered = sorted(found)
        low, high = (ordered[round(share * (len(ordered) - 1))] for share in (LOW, HIGH))
        return (low, high) if high > low else (low, low + 1.0)

    def _valid(self, dataset: Any, band: int, width: int, height: int) -> bytes:
        """A byte for each pixel, 0 where there is no data."""
        mask = dataset.GetRasterBand(band).GetMaskBand()
        block = self._ask(mask.ReadRaster, *self._place, width, height, buf_type=gdal.GDT_Byte)
        return bytes(block)

    def _read(self, width: int, height: int) -> QImage:
        line = 3 * width
        block = self._ask(
            self._source.ReadRaster, *self._place, width, height, buf_type=gdal.GDT_Byte, band_list=self._bands,
            buf_pixel_space=3, buf_line_space=line, buf_band_space=1,
        )  # fmt: skip
        photo = QImage(block, width, height, line, QImage.Format.Format_RGB888)
        photo = photo.convertToFormat(QImage.Format.Format_RGB32)
        if photo.isNull():
            raise BadInput(tr("There is not enough memory to show {path}.").format(path=self.path))
        if not self._dataset.GetRasterBand(self._telling).GetMaskFlags() & gdal.GMF_ALL_VALID:
            self._grey_out(photo)
        return photo

    def _grey_out(self, photo: QImage) -> None:
        """Cover what has no data, as far as it has none."""
        width, height = photo.width(), photo.height()
        valid = QImage(
            self._valid(self._dataset, self._telling, width, height), width, height, width, QImage.Format.Format_Alpha8
        )
        ground = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        ground.fill(QColor(GROUND))
        mode = QPainter.CompositionMode
        painter = QPainter(ground)
        painter.setCompositionMode(mode.CompositionMode_DestinationOut)
        painter.drawImage(0, 0, valid)
        painter.end()
        painter = QPainter(photo)
        painter.drawImage(0, 0, ground)
        painter.end()

    def _ask(self, function: Any, *values: Any, **named: Any) -> Any:
        return _asked(tr("The photo is damaged or not whole: {path}."), self.path, function, *values, **named)


def _coloured(dataset: Any) -> List[int]:
    """Bands that are called red, green and blue; else the first three; else grey."""
    count = dataset.RasterCount
    called = {dataset.GetRasterBand(band).GetColorInterpretation(): band for band in range(count, 0, -1)}
    wanted = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand)
    if all(colour in called for colour in wanted):
        return [called[colour] for colour in wanted]
    colours = [band for band in range(1, count + 1) if not _is_alpha(dataset.GetRasterBand(band))]
    return colours[:3] if len(colours) >= 3 else [colours[0] if colours else 1] * 3


def _is_alpha(band: Any) -> bool:
    return bool(band.GetColorInterpretation() == gdal.GCI_AlphaBand)


def _asked(refusal: str, path: str, function: Any, *values: Any, **named: Any) -> Any:
    """What GDAL gives, whether it raises (another plugin may have asked for that) or not.

    Raises:
        BadInput: it failed; `refusal` with `{path}`, and what GDAL said.
    """
    gdal.ErrorReset()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        found, why = function(*values, **named), gdal.GetLastErrorMsg()
    except RuntimeError as error:
        found, why = None, str(error)
    finally:
        gdal.PopErrorHandler()
    if found is None:
        said = " ".join(why.split())
        ended = not said or said.endswith(".")
        raise BadInput(f"{refusal.format(path=path)} {said if ended else said + '.'}".strip())
    return found
