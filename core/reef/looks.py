"""How the points and quadrats of a survey look in QGIS, stored in the file itself: its style file is that of photos.

QGIS takes the default style of a layer of a GeoPackage from the table `layer_styles` first. Standard library only.
"""

import sqlite3

from .schema import NO_TIME, POINTS, QUADRATS

TABLE = """CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""
"""As QGIS itself makes it."""
QML = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis styleCategories="Symbology|Labeling" labelsEnabled="0">
 <renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0">
  <symbols><symbol type="{kind}" name="0" alpha="1" clip_to_extent="1" force_rhr="0">
{layers}
  </symbol></symbols>
 </renderer-v2>
</qgis>
"""
CROSS = {"name": "cross", "size": "2.6", "size_unit": "MM", "joinstyle": "bevel", "color": "0,0,0,0"}
LINE = {"style": "no", "outline_style": "solid", "outline_width_unit": "MM", "joinstyle": "miter"}
DARK, BRIGHT = "31,45,58,255", "255,253,245,255"
LOOKS = {
    POINTS: ("marker", "SimpleMarker", [{**CROSS, "outline_color": DARK, "outline_width": "0.9"},
                                        {**CROSS, "outline_color": BRIGHT, "outline_width": "0.4"}]),
    QUADRATS: ("fill", "SimpleFill", [{**LINE, "outline_color": DARK, "outline_width": "0.9"},
                                      {**LINE, "outline_color": BRIGHT, "outline_width": "0.45"}]),
}  # fmt: skip
"""Bright on dark, so that both show on any reef."""


def store_looks(connection: sqlite3.Connection) -> None:
    """Add the table of styles to a survey that has none."""
    connection.execute(TABLE)
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', ?, 0)", (NO_TIME,),
    )  # fmt: skip
    put = (
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
        "styleQML, styleSLD, useAsDefault, description, owner, update_time) "
        "VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', ?)"
    )
    for table, (kind, layer, looks) in LOOKS.items():
        layers = "\n".join(
            f'   <layer class="{layer}" enabled="1" pass="0" locked="0">'
            + "".join(f'<prop k="{key}" v="{value}"/>' for key, value in look.items())
            + "</layer>"
            for look in looks
        )
        connection.execute(put, (table, table, QML.format(kind=kind, layers=layers), NO_TIME))
