"""Readers of files that are no text: rasters, layers, surveys, photos, arrays, weights, networks, journals."""

import functools
import io
import json
import pickle
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from quadrat.core.spool import Spool, kept
from quadrat.models.onnxnotes import notes_of_file
from quadrat.models.weights import looks
from quadrat.tests.core.fuzzing import CANARY, Reader


class Evil:
    """What runs when somebody unpickles it."""

    def __reduce__(self):
        return open, (CANARY, "w")


EVIL = pickle.dumps(Evil())


def npy(array, allow_pickle=False):
    """The bytes of a .npy file."""
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=allow_pickle)
    return packed.getvalue()


EVIL_ARRAY = npy(np.array([Evil()], object), allow_pickle=True)


def made(write, name):
    """What `write(path)` makes, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return path.read_bytes()


# Rasters --------------------------------------------------------------------------------------------------------------


@functools.cache
def tiff():
    """A small GeoTIFF with names, tags, nodata and a mask in the file."""
    import rasterio
    from rasterio.transform import Affine

    def write(path):
        profile = {
            "driver": "GTiff", "count": 2, "height": 16, "width": 16, "dtype": "uint8", "crs": "EPSG:32722",
            "transform": Affine(10, 0, 600_000, 0, -10, 9_000_000), "nodata": 0, "compress": "deflate",
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as file:
            file.write(np.arange(512, dtype=np.uint8).reshape(2, 16, 16))
            file.descriptions = ("B4_2020", "wavelength 842 nm")
            file.update_tags(SENSOR="S2", category_names='["", "a"]')
            file.update_tags(ns="QUADRAT", signature="0" * 32, identity="x", backbone="raw")

    return made(write, "a.tif")


ENVI = b"""ENVI
description = {a}
samples = 4
lines = 4
bands = 2
header offset = 0
file type = ENVI Standard
data type = 1
interleave = bsq
byte order = 0
wavelength units = Nanometers
wavelength = {665.0, 842.0}
band names = {red, nir}
map info = {UTM, 1, 1, 600000, 9000000, 10, 10, 22, South, WGS-84}
data ignore value = 0
"""
VRT = b"""<VRTDataset rasterXSize="16" rasterYSize="16">
<SRS>EPSG:32722</SRS>
<GeoTransform>600000, 10, 0, 9000000, 0, -10</GeoTransform>
<Metadata><MDI key="SENSOR">S2</MDI></Metadata>
<VRTRasterBand dataType="Byte" band="1">
<Description>B4</Description><NoDataValue>0</NoDataValue><Offset>1</Offset><Scale>2</Scale>
<SimpleSource><SourceFilename relativeToVRT="1">source.tif</SourceFilename><SourceBand>1</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="16" ySize="16"/><DstRect xOff="0" yOff="0" xSize="16" ySize="16"/></SimpleSource>
</VRTRasterBand>
</VRTDataset>
"""
VRT_CODE = b"""<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"
subClass="VRTDerivedRasterBand"><PixelFunctionType>f</PixelFunctionType>
<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode><![CDATA[
def f(in_ar, out_ar, *more, **rest):
    open("canary", "w")
]]></PixelFunctionCode></VRTRasterBand></VRTDataset>
"""


def _raster(path):
    """As jobs open a raster: what it is, what its bands are, a window of it."""
    from quadrat.core.bands.recognise import recognise
    from quadrat.core.estimation.mapclasses import _category_names
    from quadrat.core.grid import Window
    from quadrat.core.labels import space_of
    from quadrat.core.published.recognise import code_warning
    from quadrat.core.raster import environment, open_raster
    from quadrat.core.sidecar import fingerprint

    folder = Path(path).parent
    (folder / "source.tif").write_bytes(tiff())
    (folder / "cube").write_bytes(bytes(range(32)))
    path = path.removesuffix(".hdr")
    fingerprint(path)
    with environment(), open_raster(path) as reader:
        recognise(reader)
        space_of(reader)
        code_warning(reader)
        _category_names(reader.tags)
        if len(reader.bands) <= 16:
            reader.read(Window(-1, -1, 6, 6))


def of_rasters():
    """Rasters and what goes for one."""
    return [
        Reader("GeoTIFF", _raster, lambda: [tiff()], "bytes", ".tif"),
        Reader("VRT", _raster, lambda: [VRT, VRT_CODE], "text", ".vrt"),
        Reader("ENVI header", _raster, lambda: [ENVI], "text", name_of_file="cube.hdr"),
    ]


# Layers ---------------------------------------------------------------------------------------------------------------

GEOJSON = json.dumps({"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"class": "a", "value": 1.5},
     "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}},
    {"type": "Feature", "properties": {"class": "b", "value": None},
     "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]}},
    {"type": "Feature", "properties": {"class": "b"}, "geometry": {"type": "Point", "coordinates": [2, 2]}},
    {"type": "Feature", "properties": {"class": "b"},
     "geometry": {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}},
]}).encode()  # fmt: skip


@functools.cache
def geopackage():
    """A layer of polygons with a class."""
    import geopandas as gpd
    import shapely
    from quadrat.core.vector import write_geopackage

    shapes = [shapely.box(0, 0, 4, 4), shapely.Point(2, 2).buffer(1), shapely.box(6, 6, 9, 9)]
    table = gpd.GeoDataFrame({"class": ["a", "b", "a"], "value": [1.0, 2.0, 3.0]}, geometry=shapes, crs="EPSG:4326")
    return made(lambda path: write_geopackage({"labels": table}, path), "a.gpkg")


def _layer(path):
    """As labels and as polygons that bound a job."""
    from affine import Affine
    from pyproj import CRS
    from quadrat.core.errors import BadInput
    from quadrat.core.grid import Grid, Window
    from quadrat.core.labels import shapes_on
    from quadrat.core.region import PolygonMask
    from quadrat.core.samples import LabelReport, read_targets
    from quadrat.core.vector import read_vector

    grid = Grid(Affine(1, 0, 0, 0, -1, 10), CRS.from_epsg(4326).to_wkt(), 10, 10)
    table = read_vector(path)
    read_targets(table, "class", "class", path)
    shapes_on(table, path, grid, LabelReport())
    try:
        PolygonMask(path, grid).cells(Window(0, 0, 10, 10))
    except BadInput as error:
        assert str(error)  # noqa: PT017 - no polygons may be left


def of_layers():
    """Layers with geometry."""
    return [
        Reader("GeoJSON layer", _layer, lambda: [GEOJSON], "json", ".geojson"),
        Reader("GeoPackage layer", _layer, lambda: [geopackage()], "sqlite", ".gpkg"),
    ]


# Surveys of photos ----------------------------------------------------------------------------------------------------


@functools.cache
def survey():
    """A survey with a photo, points, annotations, suggestions and labels."""
    from quadrat.core.reef import build
    from quadrat.core.reef.survey import Label, Suggestion, Survey

    def write(path):
        build.create(path)
        with Survey(str(path)) as one:
            with one.edit() as connection:
                for number in (1, 2):
                    connection.execute(
                        'INSERT INTO photos (photo, name, path, width, height, "window", points) '
                        "VALUES (?, ?, 'a.jpg', 100, 80, '', 0)", (number, f"{number}.jpg"),
                    )  # fmt: skip
            one.put_labels([Label("A", "a"), Label("B", "b", "A", "#ff0000")])
            points = [*one.add_points(1, [(1, 2), (3, 4)]), *one.add_points(2, [(5, 6)])]
            one.annotate([(point.point, "B") for point in points[:2]], "me")
            one.suggest([Suggestion(points[2].point, 1, "A", 0.5, "m"), Suggestion(points[2].point, 0, "A", 0.5, "m")])

    return made(write, "a.gpkg")


def _survey(path):
    """Everything that dock and jobs ask of a survey."""
    from quadrat.core.reef.survey import Survey

    with Survey(path) as one:
        for photo in one.photos():
            one.photo_path(photo), one.points(photo.photo), one.annotations(photo.photo)
            one.suggestions(photo.photo), one.trusted(photo.photo)
        one.annotators(), one.learnt("m"), one.labels(), one.counts(), one.learners(), one.held_out("m")
        one.refresh()


@functools.cache
def vectors():
    """Vectors kept beside a survey."""
    from quadrat.core.reef.vectors.store import Looked, VectorStore

    def write(path):
        with VectorStore(str(path).removesuffix(".vectors")) as store:
            space = store.space("x", {"a": 1}, 3, {"mean": np.arange(3, dtype=np.float32)})
            store.put(space, [Looked("c", (), np.array([[1, 2], [3, 4]]), np.ones((2, 3), np.float32))])

    return made(write, "a.gpkg.vectors")


def _vectors(path):
    from quadrat.core.reef.vectors.store import Looked, VectorStore

    with VectorStore(path.removesuffix(".vectors")) as store:
        store.state_of({"a": 1})
        space = store.space("x", {"a": 1}, 3, {"mean": np.arange(3, dtype=np.float32)})
        store.get(space, "c", ())
        store.content_of("a.jpg", path)
        store.put(space, [Looked("c", (), np.array([[9, 9]]), np.ones((1, 3), np.float32))])


def of_surveys():
    """SQLite files of ours that people hand on."""
    return [
        Reader("survey of photos", _survey, lambda: [survey()], "sqlite", ".gpkg"),
        Reader("vectors of photos", _vectors, lambda: [vectors()], "sqlite", name_of_file="a.gpkg.vectors"),
    ]


# Photos, arrays, weights, networks, journals --------------------------------------------------------------------------


@functools.cache
def photos():
    """JPEG, PNG and TIFF with the notes of a camera."""
    from quadrat.tests.core.reefwork import exif_block

    notes = exif_block(taken="2020:05:01 07:30:00", offset="+08:00", position=(103.5, 1.5), orientation=6, heading=90,
                       utc="2020:04:30 23:30:00")  # fmt: skip
    jpeg = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(notes) + 8) + b"Exif\0\0" + notes + b"\xff\xda"
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">L", len(notes)) + b"eXIf" + notes + struct.pack(">L", zlib.crc32(notes))
    return jpeg, png, notes


def _exif(path):
    from quadrat.core.reef.exif import read_exif

    return read_exif(path)


def _tile(path):
    """A tile of vectors with its scales, its place and the note of its download."""
    from contextlib import ExitStack

    from quadrat.core.grid import Window
    from quadrat.core.jobs.embed import OpenEmbedding
    from quadrat.core.published.sources import open_source

    tile = Path(path)
    tile.with_name("grid_scales.npy").write_bytes(npy(np.ones((16, 16), np.float32)))
    tile.with_name("grid.tif").write_bytes(tiff())
    with ExitStack() as stack:
        job = OpenEmbedding(input=path, output="x.tif", product="tessera-v1")
        open_source(job, stack).source.read(Window(0, 0, 4, 4))


def _tile_note(path):
    from quadrat.core.published.recognise import tile_facts

    return tile_facts(Path(path).with_name("grid.npy"))


@functools.cache
def safetensors():
    """A small state dict."""
    head = {
        "a.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"format": "pt"},
        "b": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]},
    }  # fmt: skip
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(32)


def onnx(notes, field=7):
    """Metadata as an ONNX file holds them, behind some other field."""

    def entry(number, body):
        return bytes([number << 3 | 2, len(body)]) + body

    pairs = b"".join(entry(14, entry(1, key) + entry(2, text)) for key, text in notes.items())
    return bytes([1 << 3, 8]) + entry(field, b"abc") + pairs


def _twin(path):
    from quadrat.core.space import Space
    from quadrat.core.twincard import card_of

    notes_of_file(Path(path))
    return card_of(Space("onnx", model=path))


def _card(path):
    """A card inside of an ONNX file, the file itself being whole."""
    text = Path(path).read_bytes()
    body = b"\x0a\x0cquadrat_card\x12" + _varint(len(text)) + text
    Path(path).write_bytes(b"\x08\x08\x72" + _varint(len(body)) + body)
    return _twin(path)


def _varint(number):
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


SIGNATURE = {"a": 1}


@functools.cache
def journal():
    """The journal of an unfinished run."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder, "a.tif"), SIGNATURE, "x", {"state": 1})
        for number in range(3):
            spool.append(number, [b"abc", b"defg"])
        spool.close()
        return Path(folder, "a.tif.part.journal").read_bytes()


def _journal(path):
    output = Path(path.removesuffix(".part.journal"))
    Path(f"{output}.part").write_bytes(b"QUADRAT SPOOL 1\n" + b"abcdefg" * 3)
    kept(output, SIGNATURE)
    Spool(output, SIGNATURE, "x", {"state": 1}).close()


def of_files():
    """All others."""
    codes = np.ones((16, 16, 128), np.int8)
    card = {"title": "x", "bands": ["red", "nir"], "units": ["", ""], "dates": ["2020", "2020"], "months": [4, 4]}
    noted = b'{"dataset_version": "v1", "dataset_variant": "x"}'
    weights = [safetensors(), EVIL, b"\x80\x02}q\x00.", b"<!doctype html><html>", b"version https://git-lfs.github.com"]
    return [
        Reader("notes of a camera", _exif, photos, "bytes", ".jpg"),
        Reader("TESSERA tile", _tile, lambda: [npy(codes), EVIL_ARRAY, EVIL], "npy", name_of_file="grid.npy"),
        Reader("note of a tile", _tile_note, lambda: [noted], "json", name_of_file="tessera_metadata.json"),
        Reader("look of weights", lambda path: looks.suffix_of(Path(path)), lambda: weights, "bytes", ".pt"),
        Reader(
            "look of safetensors",
            lambda path: looks.suffix_of(Path(path)),
            lambda: [safetensors()],
            "safetensors",
            ".safetensors",
        ),
        Reader("ONNX notes", _twin, lambda: [onnx({b"quadrat_card": json.dumps(card).encode()})], "bytes", ".onnx"),
        Reader("ONNX card", _card, lambda: [json.dumps(card).encode()], "json", ".onnx"),
        Reader("journal of a run", _journal, lambda: [journal()], "text", name_of_file="a.tif.part.journal"),
    ]
