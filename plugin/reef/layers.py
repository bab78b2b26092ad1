"""Surveys in the project of QGIS: which layers are photos of which file."""

import os
from typing import List

from qgis.core import QgsProject, QgsVectorLayer

from ...core.reef.schema import PHOTOS

MARK, SUFFIX = f"layername={PHOTOS}", ".gpkg"
FIELDS = {"name", "window", "annotated", "state"}
"""That the photos of every survey have."""


def same(one: str, other: str) -> bool:
    """Whether two paths are of one file; QGIS turns the strokes of paths round on Windows."""
    return bool(one and other) and os.path.normcase(os.path.abspath(one)) == os.path.normcase(os.path.abspath(other))


def path_of(layer: QgsVectorLayer) -> str:
    """The file that a layer shows."""
    return str(layer.source().partition("|")[0])


def photo_layers(path: str = "") -> List[QgsVectorLayer]:
    """Layers of photos in the project: of this survey, or of all."""
    every = QgsProject.instance().mapLayers().values()
    found = [layer for layer in every if isinstance(layer, QgsVectorLayer) and _of_photos(layer)]
    return [layer for layer in found if not path or same(path_of(layer), path)]


def _of_photos(layer: QgsVectorLayer) -> bool:
    """The toolbox loads a survey by its file alone, which is its first layer, the photos."""
    source = layer.source()
    named = MARK in source if "layername=" in source else source.lower().endswith(SUFFIX)
    return named and set(layer.fields().names()) >= FIELDS


def source_of(path: str) -> str:
    """The photos of a survey as QGIS names them."""
    return f"{path}|{MARK}"
