"""Quadrat: maps taught by a few labels. QGIS calls `classFactory`; everything else lives in the rooms."""


def classFactory(iface):  # noqa: N802, ANN001, ANN201 - name and shape are fixed by QGIS
    """The plugin object that QGIS loads."""
    from .plugin.plugin import QuadratPlugin

    return QuadratPlugin(iface)
