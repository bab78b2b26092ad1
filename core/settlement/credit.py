"""Whose data a layer of cells is made of, to be named wherever it is shown, and what their licences ask."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..bands.recognise import recognise
from ..layersource import parse_source
from ..raster import open_raster
from ..sidecar import read_sidecar

OSM = "© OpenStreetMap contributors (ODbL)"
_BY_NAME = (
    (r"ghs_?built|ghsl", "GHS-BUILT-S, European Commission, Joint Research Centre (CC BY 4.0)"),
    (r"openstreetmap|geofabrik|(?<![a-z])osm(?![a-z])", OSM),
    (r"(?<![a-z])ibge|aglomerados_?subnormais", "IBGE, Instituto Brasileiro de Geografia e Estatística"),
)
"""Pattern of a path in lower case, and whose it is."""
_BY_PRODUCT = (
    (r"^sentinel", "contains modified Copernicus Sentinel data"),
    (r"^landsat", "Landsat, courtesy of the U.S. Geological Survey"),
)
_OSM_FIELD = re.compile(r"osm_(way_)?id")
SHARE_ALIKE = (
    "OpenStreetMap data is under the ODbL: whoever publishes this layer must name its contributors and offer the layer "
    "under the ODbL as well."
)


def known_sources(rasters: Iterable[str], layers: Mapping[str, Iterable[str]]) -> list[str]:
    """Credits that the files tell, each once: by sidecars, names, fields of OpenStreetMap, and the satellite.

    Args:
        rasters: paths.
        layers: names of fields by source.
    """
    found: dict[str, None] = {}
    for source, fields in layers.items():
        found |= dict.fromkeys([*_of_sidecar(source), *_of_path(parse_source(source).path)])
        if any(_OSM_FIELD.fullmatch(str(name).lower()) for name in fields):
            found[OSM] = None
    for path in rasters:
        found |= dict.fromkeys([*_of_sidecar(path), *_of_path(path)])
        with open_raster(path) as reader:
            product = recognise(reader).product
        found |= dict.fromkeys(credit for pattern, credit in _BY_PRODUCT if re.search(pattern, product))
    return list(found)


def shares_alike(text: str) -> bool:
    """Whether a credit names OpenStreetMap or its licence."""
    return bool(re.search(r"openstreetmap|odbl|\bosm\b", text, re.IGNORECASE))


def _of_sidecar(source: str) -> list[str]:
    sidecar = read_sidecar(parse_source(source).path)
    owed = sidecar["facts"].get("credits") if sidecar else None
    return [str(text) for text in owed] if isinstance(owed, list) else []


def _of_path(path: str) -> list[str]:
    name = Path(path).name.lower()
    return [credit for pattern, credit in _BY_NAME if re.search(pattern, name)]
