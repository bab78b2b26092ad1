"""A session on a small embedding, driven as the dock drives it."""

import geopandas as gpd
import numpy as np
import shapely
from quadrat.core.live.messages import At, Close, Label, Next, Open, Scatter, Score, Teach, View
from quadrat.core.live.session import Desk
from quadrat.core.progress import Progress

WEST, NORTH, CELL = 600_000, 9_000_000, 10
"""Of the rasters that `make_raster` makes."""
NAMES = ("wood", "lake", "field", "road", "roof")
HEIGHT, WIDTH = 150, 210


def scene(classes=5, bands=12, seed=0, noise=9.0):
    """(H, W) class 1..K in wavy stripes, and (D, H, W) uint8 codes in which it shows; 0 where nothing is."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:HEIGHT, :WIDTH]
    truth = ((rows + 12 * np.sin(cols / 17) + cols / 2) // 23).astype(int) % classes + 1
    centres = rng.uniform(80, 170, (classes, bands))
    codes = centres[truth - 1].transpose(2, 0, 1) + rng.normal(0, noise, (bands, HEIGHT, WIDTH))
    codes = np.clip(codes, 1, 255).astype(np.uint8)
    holes = (rows - 40) ** 2 + (cols - 70) ** 2 < 150
    holes |= (rows > 120) & (cols > 190)
    codes[:, holes] = 0
    return np.where(holes, 0, truth), codes


def embedding(make_raster, classes=5, name="einbettung 場.tif", dtype="uint8", bands=12, **more):
    """Path of an embedding with scale and offset by band, or of plain numbers, and the truth."""
    truth, codes = scene(classes, bands)
    if dtype != "uint8":
        return truth, make_raster(name, codes.astype(dtype), dtype=dtype, nodata=0, **more)
    rng = np.random.default_rng(3)
    coding = {"scales": rng.uniform(0.01, 0.1, bands).tolist(), "offsets": rng.normal(0, 3, bands).tolist()}
    return truth, make_raster(name, codes, nodata=0, **coding, **more)


def point(row, col):
    """Middle of a cell."""
    return shapely.Point(WEST + CELL * (col + 0.5), NORTH - CELL * (row + 0.5))


def box(row, col, height, width):
    """Polygon over cells."""
    west, north = WEST + CELL * col, NORTH - CELL * row
    return shapely.box(west, north - CELL * height, west + CELL * width, north)


def label(number, shape, y):
    """As it goes over the wire."""
    return Label(number, shape.wkb_hex, y).to_dict()


def some_labels(truth, count=40, seed=1, size=1):
    """Points (or squares) with the class under their first cell: a list of (id, shape, name)."""
    rng = np.random.default_rng(seed)
    places = np.argwhere(truth[: HEIGHT - size, : WIDTH - size] > 0)
    chosen = places[rng.permutation(len(places))[:count]]
    shapes = [point(*cell) if size == 1 else box(*cell, size, size) for cell in chosen]
    return [(n + 1, shape, NAMES[truth[tuple(cell)] - 1]) for n, (cell, shape) in enumerate(zip(chosen, shapes))]


def write_labels(path, labels):
    """The same labels as a layer; its features are in the order of their ids."""
    ordered = sorted(labels, key=lambda one: one[0])
    frame = {"kind": [y for _, _, y in ordered]}
    gpd.GeoDataFrame(frame, geometry=[shape for _, shape, _ in ordered], crs="EPSG:32722").to_file(path)
    return str(path)


class Live:
    """A desk with one embedding open."""

    def __init__(self, path, folder, **wishes):
        self.desk = Desk()
        self.opened = self.ask(Open(str(path), str(folder), threads=2, **wishes))

    def ask(self, ask, progress=None):
        """The answer as a dict."""
        return self.desk.answer(ask, progress or Progress())

    def teach(self, labels=(), classes=NAMES, progress=None, **more):
        """Labels as (id, shape, y)."""
        return self.ask(Teach(tuple(label(*one) for one in labels), classes=tuple(classes), **more), progress)

    def view(self, row=0, col=0, height=HEIGHT, width=WIDTH, progress=None, **more):
        """The answer, with `classes` and `confidence` (height, width) as they were written."""
        found = self.ask(View(row, col, height, width, **more), progress)
        if found["path"]:
            shape = (2, found["height"], found["width"])
            layers = np.fromfile(found["path"], np.uint8, int(np.prod(shape))).reshape(shape)
            found["layers"], found["shown"], found["sure"] = layers, *layers
        return found

    def at(self, row, col, **more):
        return self.ask(At(row, col, **more))

    def next(self, **more):
        return self.ask(Next(**more))

    def score(self):
        return self.ask(Score())

    def scatter(self, **more):
        return self.ask(Scatter(**more))

    def close(self):
        self.ask(Close())

    @property
    def session(self):
        return self.desk._session
