"""Asks SQLite, over a connection of its own, what QGIS's connections cannot be asked without waiting for seconds.

GDAL lets each of some four statements of a write wait 5 s for another program that holds a GeoPackage, whatever its
options say (tried with GDAL 3.6): QGIS's window would stand still for 20 s. So it is asked beforehand.
"""

from typing import Any, Optional

from qgis.core import QgsMessageLog

WAIT_MS = 250
"""A program that writes one thing is done by then."""
NOTHING = "UPDATE gpkg_contents SET identifier = identifier WHERE 0"
"""Takes the lock for writing and lets go of it at once; no byte is written."""


class LockProbe:
    """A connection to a GeoPackage that asks whether somebody else is writing to it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._source: Optional[Any] = None

    def free(self) -> bool:
        """True when the file can be written now; waits for at most a quarter of a second."""
        if self._source is None:
            self._source = _opened(self._path)
        if self._source is None or not _done(self._source, f"PRAGMA busy_timeout = {WAIT_MS}"):
            return True  # no GeoPackage, or one that can be read only: whoever writes is told so
        return _done(self._source, NOTHING)

    def close(self) -> None:
        """Let go of the file."""
        self._source = None


def complete(path: str) -> None:
    """Bring what lies in the log into the GeoPackage itself; safe from any thread, left undone when it is busy."""
    source = _opened(path)
    if source is not None:
        _done(source, f"PRAGMA busy_timeout = {WAIT_MS}")
        _done(source, "PRAGMA wal_checkpoint(TRUNCATE)")


def _opened(path: str) -> Optional[Any]:
    from osgeo import gdal

    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        return gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_UPDATE, ["GPKG"])
    except RuntimeError as error:  # where somebody has switched GDAL's exceptions on
        QgsMessageLog.logMessage(f"{path}: {error}", "Quadrat")
        return None
    finally:
        gdal.PopErrorHandler()


def _done(source: Any, statement: str) -> bool:
    from osgeo import gdal

    gdal.PushErrorHandler("CPLQuietErrorHandler")
    gdal.ErrorReset()
    try:
        answer = source.ExecuteSQL(statement)
        good = gdal.GetLastErrorType() < gdal.CE_Failure
        if answer is not None:
            source.ReleaseResultSet(answer)
    except RuntimeError:  # where somebody has switched GDAL's exceptions on
        good = False
    finally:
        gdal.PopErrorHandler()
    return good
