"""From a raster of the project to an embedding that can be taught on: one that is there, or one that is made.

A new embedding is made of what the map shows first, so that teaching starts within seconds, and of the whole raster
after that. Both run through the ordinary algorithm.
"""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.errors import QuadratError
from ...processing.environment import home
from ...processing.i18n import tr
from ...processing.runner import Run
from ...processing.sources import SIDECAR
from ...processing.styles import kind_of, read_facts

EMBED = "quadrat:embedraster"
FOUND, COMPUTE, NONE = "found", "compute", "none"
FINE_BELOW_PX = 4_000_000
"""Up to here each pixel gets a vector of its own, above every square of 4; as the job decides for a whole raster."""
COARSE_PX = 4
FIRST_CELLS = 700
"""Cells a side of the piece that is made first."""
PIECES_KEPT_S = 2 * 24 * 3600
PIECE_WORTH = 2.0
"""A raster this many times larger than the piece is worth making in two goes."""


@dataclass(frozen=True)
class Proposal:
    """What can be taught on for a raster."""

    kind: str
    """`found`, `compute` or `none`."""
    path: str
    """Of the embedding: there already, or where it will be written."""
    sentence: str

    def to_dict(self) -> Dict[str, str]:
        """For panels."""
        return {"kind": self.kind, "path": self.path, "sentence": self.sentence}


def propose(layer: Optional[QgsRasterLayer]) -> Proposal:
    """The best that is there for a raster, or where one would be made."""
    if layer is None:
        return Proposal(NONE, "", tr("Choose a raster."))
    if not layer.isValid() or layer.providerType() != "gdal":
        return Proposal(
            NONE, "", tr("'{name}' is not a raster file. Export it as GeoTIFF first.").format(name=layer.name())
        )
    path = layer.source().partition("|")[0]
    if is_embedding(path):
        return Proposal(FOUND, path, tr("This is an embedding: you can start at once."))
    there = embeddings_of(path)
    if there:
        name = os.path.basename(there[0])
        return Proposal(FOUND, there[0], tr("An embedding of it is there: {name}").format(name=name))
    return Proposal(
        COMPUTE,
        output_for(path, "_embedding.tif"),
        tr("An embedding is made first: what the map shows within seconds, the rest while you teach."),
    )


def is_embedding(path: str) -> bool:
    """True for a raster that Quadrat wrote as an embedding."""
    facts, job = read_facts(path)
    return kind_of(path, facts, job) == "embedding"


def embeddings_of(raster: str) -> List[str]:
    """Embeddings of a whole raster that lie beside it and are not older than it, the newest first."""
    try:
        made = os.path.getmtime(raster)
        beside = [str(path)[: -len(SIDECAR)] for path in Path(raster).parent.glob(f"*{SIDECAR}")]
        beside += [output_for(raster, "_embedding.tif")]
        fresh = {path: os.path.getmtime(path) for path in beside if os.path.exists(path)}
    except OSError:
        return []
    good = [path for path, when in fresh.items() if when >= made and _is_of(path, raster)]
    return sorted(good, key=lambda path: -fresh[path])


def _is_of(path: str, raster: str) -> bool:
    facts, job = read_facts(path)
    if kind_of(path, facts, job) != "embedding" or job.get("extent"):
        return False
    source = str(job.get("input", ""))
    return os.path.normcase(os.path.abspath(source)) == os.path.normcase(os.path.abspath(raster))


def output_for(raster: str, ending: str) -> str:
    """Where a file that belongs to a raster goes: beside it, or into Quadrat's folder where that may not be written."""
    path = Path(raster)
    beside = path.with_name(path.stem + ending)
    if path.parent.is_dir() and os.access(path.parent, os.W_OK):
        return str(beside)
    mark = hashlib.blake2b(str(path.absolute()).encode("utf-8"), digest_size=4).hexdigest()
    folder = home() / "taught"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / f"{path.stem}-{mark}{ending}")


def first_piece(layer: QgsRasterLayer, seen: QgsRectangle, patch_px: int) -> Optional[QgsRectangle]:
    """What to embed first: the part of the raster that is seen, cut to its middle; None when the whole is little more.

    Args:
        layer: the raster.
        seen: what the map shows, in the CRS of the raster.
        patch_px: pixels to a cell.
    """
    extent = layer.extent()
    width, height = (abs(size) for size in (layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()))
    most_x, most_y = FIRST_CELLS * patch_px * width, FIRST_CELLS * patch_px * height
    piece = extent.intersect(seen)
    if piece.isEmpty():
        piece = extent
    middle = piece.center()
    wide, high = min(piece.width(), most_x), min(piece.height(), most_y)
    piece = QgsRectangle(
        middle.x() - wide / 2, middle.y() - high / 2, middle.x() + wide / 2, middle.y() + high / 2
    ).intersect(extent)
    larger = extent.width() * extent.height() > PIECE_WORTH * piece.width() * piece.height()
    return piece if larger else None


def sweep(folder: Path) -> None:
    """Delete the pieces that were made days ago: each was of use until its whole was made."""
    for path in folder.glob("*-view-*"):
        try:
            if time.time() - path.stat().st_mtime > PIECES_KEPT_S:
                path.unlink()
        except OSError:  # held open by another QGIS, or gone meanwhile
            continue


def patch_for(layer: QgsRasterLayer) -> int:
    """Pixels to a cell, the same for the piece and for the whole."""
    return 1 if layer.width() * layer.height() <= FINE_BELOW_PX else COARSE_PX


class Making(QObject):
    """Makes an embedding of a raster: a piece first, then the whole."""

    ready = pyqtSignal(str, bool)
    """Path of an embedding that can be taught on, and whether it is of the whole raster."""
    progressed = pyqtSignal(float, str)
    """0 to 100, and what is being done."""
    failed = pyqtSignal(str)

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._run: Optional[Run] = None
        self._whole: Optional[Tuple[Dict[str, Any], str]] = None
        self._output = ""
        self._doing = ""

    @property
    def busy(self) -> bool:
        """True while something is made."""
        return self._run is not None

    def start(self, layer: QgsRasterLayer, output: str, seen: QgsRectangle, crs: Any) -> None:
        """Begin; `seen` is what the map shows, in `crs`."""
        self.stop()
        source, patch = layer.source(), patch_for(layer)
        whole = {"INPUT": source, "PATCH_SIZE_PX": patch, "OUTPUT": output}
        piece = first_piece(layer, _in_crs_of(layer, seen, crs), patch)
        if piece is None:
            self._begin(whole, output, tr("Making the embedding"))
            return
        self._whole = (whole, output)
        first = str(home() / "taught" / f"{Path(source).stem}-view-{os.getpid()}.tif")
        Path(first).parent.mkdir(parents=True, exist_ok=True)
        sweep(Path(first).parent)
        extent = f"{piece.xMinimum()},{piece.xMaximum()},{piece.yMinimum()},{piece.yMaximum()}"
        values = {**whole, "EXTENT": f"{extent} [{layer.crs().authid()}]" if layer.crs().isValid() else extent}
        self._begin({**values, "OUTPUT": first}, first, tr("Making the embedding of what the map shows"))

    def stop(self) -> None:
        """Stop what runs; nothing is told of it any more."""
        run, self._run, self._whole = self._run, None, None
        if run is not None:
            run.finished.disconnect(self._on_finished)
            run.progressed.disconnect(self._on_progressed)
            run.cancel()

    def _begin(self, values: Dict[str, Any], output: str, doing: str) -> None:
        self._output, self._doing = output, doing
        try:
            run = Run(EMBED, values)
            run.progressed.connect(self._on_progressed)
            run.finished.connect(self._on_finished)
            self._run = run
            run.start()
        except QuadratError as error:
            self._run = self._whole = None
            self.failed.emit(str(error))
            return
        self.progressed.emit(0.0, doing)

    def _on_progressed(self, percent: float) -> None:
        self.progressed.emit(percent, self._doing)

    def _on_finished(self, successful: bool, results: Dict[str, Any], why: str) -> None:
        self._run = None
        whole, self._whole = self._whole, None
        if not successful:
            self.failed.emit(why)
            return
        self.ready.emit(str(results.get("OUTPUT", self._output)), whole is None)
        if whole is not None:
            self._begin(*whole, tr("Making the embedding of the whole raster"))


def _in_crs_of(layer: QgsRasterLayer, seen: QgsRectangle, crs: Any) -> QgsRectangle:
    if not layer.crs().isValid() or not crs.isValid() or layer.crs() == crs:
        return seen
    try:
        return QgsCoordinateTransform(crs, layer.crs(), QgsProject.instance()).transformBoundingBox(seen)
    except QgsCsException:  # the map shows what the raster's system cannot express
        return layer.extent()
