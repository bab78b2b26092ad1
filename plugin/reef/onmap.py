"""The map beside the photos: the place of the photo at hand is ringed, photos selected on the map are turned to."""

import os
from typing import Any, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)
from qgis.gui import QgsVertexMarker
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtGui import QColor

from ...core.reef.schema import bounds_of
from ...processing.i18n import tr
from ...processing.reefstyles import photos_map
from ...processing.styles import read_facts
from .layers import photo_layers, source_of
from .state import ReefState

RING_COLOUR, RING_PX, RING_PEN = QColor("#ffd400"), 22, 3
"""Seen on any imagery."""
CRS_OF = (
    "SELECT s.organization, s.organization_coordsys_id, s.definition FROM gpkg_contents c "
    "JOIN gpkg_spatial_ref_sys s ON s.srs_id = c.srs_id WHERE c.table_name = 'photos'"
)


class OnMap(QObject):
    """What a survey shows and hears on the map."""

    def __init__(self, state: ReefState, canvas: Any) -> None:
        super().__init__(state)
        self._state, self._canvas = state, canvas
        self._ring: Optional[QgsVertexMarker] = None
        self._crs = QgsCoordinateReferenceSystem()
        self._layers: List[QgsVectorLayer] = []
        self._drawn: Optional[Tuple[int, str]] = None
        """The photo at hand, and the state in which the map shows it."""
        state.opened.connect(self._on_opened)
        state.photo_chosen.connect(self._on_photo)
        state.annotated.connect(self._on_annotated)
        state.listed.connect(self._repaint)
        state.map_wanted.connect(self.show)
        state.closing.connect(self.remove)
        project = QgsProject.instance()
        project.layersAdded.connect(self._on_layers_added)
        project.layersWillBeRemoved.connect(self._on_layers_going)
        canvas.destinationCrsChanged.connect(self._on_photo)

    def remove(self) -> None:
        """Leave the canvas as it was."""
        project = QgsProject.instance()
        project.layersAdded.disconnect(self._on_layers_added)
        project.layersWillBeRemoved.disconnect(self._on_layers_going)
        self._canvas.destinationCrsChanged.disconnect(self._on_photo)
        self._follow([])
        if self._ring is not None:
            self._canvas.scene().removeItem(self._ring)
            self._ring = None

    def show(self) -> None:
        """Bring the photos of the survey into the project, and the one at hand into the middle of the map."""
        path = self._state.path
        if path and not photo_layers(path):
            layer = QgsVectorLayer(source_of(path), os.path.splitext(os.path.basename(path))[0], "ogr")
            if layer.isValid():
                photos_map(layer, read_facts(path)[0])
                QgsProject.instance().addMapLayer(layer)
        place = self.place()
        if place is None:
            self._state.said.emit("info", tr("This photo has no position."))
            return
        self._canvas.setCenter(place)
        self._canvas.refresh()

    def place(self) -> Optional[QgsPointXY]:
        """Of the photo at hand, in the coordinate system of the map; None where it has no position."""
        survey, photo = self._state.survey, self._state.photo
        if survey is None or photo is None:
            return None
        found = survey.connection.execute("SELECT geom FROM photos WHERE photo = ?", (photo.photo,)).fetchone()
        bounds = bounds_of(found[0]) if found else None
        if bounds is None:
            return None
        west, east, south, north = bounds
        there = QgsPointXY((west + east) / 2, (south + north) / 2)
        turn = QgsCoordinateTransform(self._crs, self._canvas.mapSettings().destinationCrs(), QgsProject.instance())
        try:
            return turn.transform(there) if turn.isValid() else there
        except QgsCsException:  # beyond what the map's system can express
            return None

    def _on_opened(self) -> None:
        survey = self._state.survey
        self._crs = QgsCoordinateReferenceSystem()
        if survey is not None:
            found = survey.connection.execute(CRS_OF).fetchone()
            if found is not None:
                self._crs = QgsCoordinateReferenceSystem(f"{found[0]}:{found[1]}")
                if not self._crs.isValid():
                    self._crs = QgsCoordinateReferenceSystem.fromWkt(str(found[2]))
        self._follow(photo_layers(self._state.path) if self._state.path else [])
        self._on_photo()

    def _on_photo(self, *_: Any) -> None:
        photo = self._state.photo
        self._drawn = (photo.photo, photo.state) if photo is not None else None
        place = self.place()
        if place is None:
            if self._ring is not None:
                self._ring.hide()
            return
        if self._ring is None:
            self._ring = QgsVertexMarker(self._canvas)
            self._ring.setIconType(QgsVertexMarker.IconType.ICON_CIRCLE)
            self._ring.setColor(RING_COLOUR)
            self._ring.setIconSize(RING_PX)
            self._ring.setPenWidth(RING_PEN)
        self._ring.setCenter(place)
        self._ring.show()

    # Layers of the survey -------------------------------------------------------------------------------------------

    def _follow(self, layers: List[QgsVectorLayer]) -> None:
        for layer in self._layers:
            try:
                layer.selectionChanged.disconnect(self._on_selected)
            except (TypeError, RuntimeError):  # the layer was deleted meanwhile
                continue
        self._layers = layers
        for layer in layers:
            layer.selectionChanged.connect(self._on_selected)

    def _on_layers_added(self, layers: Any) -> None:
        self._follow(photo_layers(self._state.path) if self._state.path else [])

    def _on_layers_going(self, ids: Any) -> None:
        self._follow([layer for layer in self._layers if layer.id() not in ids])

    def _on_selected(self, chosen: Any, *_: Any) -> None:
        """The first of what was selected just now; the number of a photo is that of its feature."""
        if chosen:
            self._state.choose_photo(int(min(chosen)))

    def _on_annotated(self, number: int) -> None:
        """Photos are drawn by their state, which few labels change."""
        photo = self._state.photo
        drawn, self._drawn = self._drawn, (photo.photo, photo.state) if photo is not None else None
        if drawn is not None and self._drawn is not None and drawn[0] == self._drawn[0] and drawn[1] != self._drawn[1]:
            self._repaint()

    def _repaint(self) -> None:
        for layer in self._layers:
            layer.triggerRepaint()
