"""pyqtgraph: QGIS's own where it is there, else the copy that set-up unpacked, else nothing. Imported at first use."""

import importlib
import sys
from typing import Any

from qgis.core import QgsMessageLog

from ...processing.environment import qgis_packages
from ...processing.i18n import tr


def pyqtgraph() -> Any:
    """The module, or None where it cannot be had; asks again each time, since set-up may have brought it meanwhile."""
    module = _imported()
    folder = qgis_packages()
    if module is None and (folder / "pyqtgraph").is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))  # at the end: what QGIS has goes first
        importlib.invalidate_caches()
        module = _imported()
    return module


def _imported() -> Any:
    try:
        return importlib.import_module("pyqtgraph")
    except ImportError as error:  # it is not there, or QGIS's numpy does not suit it
        QgsMessageLog.logMessage(f"pyqtgraph: {error}", "Quadrat", notifyUser=False)
        return None


def why_not() -> str:
    """What to say in the place of a plot."""
    return tr("Plots need the library pyqtgraph. Setting up the engine brings it, in a folder of its own.")
