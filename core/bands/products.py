"""Satellites and cameras: which code stands for which band, and in which order bands lie that bear no names.

To add one: a `Product` here. Standard library only, so that form and command line can name products.

Sources: ESA Sentinel-2 User Handbook and Spectral Response Functions; USGS Landsat Missions, band designations; HLS
User Guide 2.0; MODIS specifications; Planet Imagery Product Specification; NAIP information sheet (USDA).
"""

from dataclasses import dataclass
from typing import Dict, Mapping, Tuple


@dataclass(frozen=True)
class BandOf:
    """One band of a product."""

    code: str
    """As its makers write it, without leading zero: B4, B8A."""
    role: str
    """See `models/spectrum.py`; empty for light that no role stands for."""
    nm: float = 0.0
    title: str = ""
    """For bands without role."""


@dataclass(frozen=True)
class Product:
    """What one satellite or camera delivers."""

    name: str
    """In sidecars; never changes once released."""
    title: str
    bands: Tuple[BandOf, ...]
    files: Tuple[str, ...] = ()
    """Regular expressions, searched in lower-case file names and in the values of tags."""
    pixel_m: Tuple[float, float] = (0.0, 0.0)
    """Sizes of a pixel, smallest and largest, that it is delivered with; 0: any."""
    orders: Mapping[int, Tuple[str, ...]] = ()  # type: ignore[assignment]
    """By number of bands: their codes, where bands bear no names."""
    only_codes: bool = True
    """Its codes (B1, B2, ...) may be all that the names of bands say."""

    def band(self, code: str) -> "BandOf | None":
        """The band of that code, or None."""
        return next((band for band in self.bands if band.code == code), None)


def _bands(text: str) -> Tuple[BandOf, ...]:
    """Bands from `code:role:nm` separated by blanks; a role in brackets is a title only."""
    made = []
    for part in text.split():
        code, role, nm = part.split(":")
        titled = role.startswith("(")
        made.append(BandOf(code, "" if titled else role, float(nm), role.strip("()").replace("_", " ")))
    return tuple(made)


def _codes(text: str) -> Tuple[str, ...]:
    return tuple(text.split())


_S2 = _bands(
    "B1:coastal:443 B2:blue:492 B3:green:560 B4:red:665 B5:rededge1:704 B6:rededge2:741 B7:rededge3:783 B8:nir:833 "
    "B8A:nir_narrow:865 B9:water_vapour:945 B10:cirrus:1374 B11:swir1:1614 B12:swir2:2202"
)
_S2_12 = _codes("B1 B2 B3 B4 B5 B6 B7 B8 B8A B9 B11 B12")
_REFLECTIVE = _codes("B1 B2 B3 B4 B5 B7")
_PRODUCTS = (
    Product(
        "sentinel-2", "Sentinel-2", _S2,
        files=(r"(?<![a-z0-9])(?:s2|sen2|sentinel[-_ ]?2)[abcd]?(?![0-9a-z])", r"msil[12][ac]", r"sentinel2",
               r"t\d{2}[a-z]{3}_\d{8}t\d{6}"),
        pixel_m=(7, 65),
        orders={
            13: tuple(band.code for band in _S2), 12: _S2_12, 10: _codes("B2 B3 B4 B5 B6 B7 B8 B8A B11 B12"),
        },
    ),
    Product(
        "landsat-tm", "Landsat 4-5 TM",
        _bands("B1:blue:485 B2:green:560 B3:red:660 B4:nir:830 B5:swir1:1650 B6:thermal:11450 B7:swir2:2215"),
        files=(r"(?<![a-z0-9])l[tm]?0?[45](?![0-9])", r"(?<![a-z0-9])l[tm][45]\d{13}", r"landsat[-_ ]?0?[45]"),
        pixel_m=(25, 35),
        orders={7: _codes("B1 B2 B3 B4 B5 B6 B7"), 6: _REFLECTIVE},
    ),
    Product(
        "landsat-etm", "Landsat 7 ETM+",
        _bands(
            "B1:blue:479 B2:green:561 B3:red:661 B4:nir:835 B5:swir1:1650 B6:thermal:11335 B7:swir2:2208 "
            "B8:(panchromatic):710"
        ),
        files=(r"(?<![a-z0-9])l[e]?0?7(?![0-9])", r"(?<![a-z0-9])le7\d{13}", r"landsat[-_ ]?0?7"),
        pixel_m=(14, 35),
        orders={7: _codes("B1 B2 B3 B4 B5 B6 B7"), 6: _REFLECTIVE},
    ),
    Product(
        "landsat-oli", "Landsat 8-9 OLI",
        _bands(
            "B1:coastal:443 B2:blue:482 B3:green:561 B4:red:655 B5:nir:865 B6:swir1:1609 B7:swir2:2201 "
            "B8:(panchromatic):590 B9:cirrus:1373 B10:thermal:10895 B11:thermal:12005"
        ),
        files=(r"(?<![a-z0-9])l[cot]?0?[89](?![0-9])", r"(?<![a-z0-9])l[cot][89]\d{13}", r"landsat[-_ ]?0?[89]"),
        pixel_m=(14, 35),
        orders={
            11: _codes("B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11"), 7: _codes("B1 B2 B3 B4 B5 B6 B7"),
            6: _codes("B2 B3 B4 B5 B6 B7"),
        },
    ),
    Product(
        "hls-l30", "HLS L30 (Landsat 8-9)",
        _bands(
            "B1:coastal:443 B2:blue:482 B3:green:561 B4:red:655 B5:nir:865 B6:swir1:1609 B7:swir2:2201 B9:cirrus:1373 "
            "B10:thermal:10895 B11:thermal:12005"
        ),
        files=(r"hls[._-]?l30",),
        pixel_m=(25, 35),
        orders={6: _codes("B2 B3 B4 B5 B6 B7"), 7: _codes("B1 B2 B3 B4 B5 B6 B7")},
    ),
    Product(
        "hls-s30", "HLS S30 (Sentinel-2)", _S2, files=(r"hls[._-]?s30",), pixel_m=(25, 35),
        orders={6: _codes("B2 B3 B4 B8A B11 B12"), 13: tuple(band.code for band in _S2)},
    ),
    Product(
        "sentinel-1", "Sentinel-1", (BandOf("VV", "vv"), BandOf("VH", "vh")),
        files=(r"(?<![a-z0-9])(?:s1|sentinel[-_ ]?1)[abcd]?(?![0-9a-z])",),
        orders={2: ("VV", "VH")}, only_codes=False,
    ),
    Product(
        "modis", "MODIS",
        _bands("B1:red:645 B2:nir:858 B3:blue:469 B4:green:555 B5:(shortwave_infrared_at_1240_nm):1240 "
               "B6:swir1:1640 B7:swir2:2130"),
        files=(r"sur_refl", r"modis", r"(?<![a-z0-9])m[oy]d(?:09|13)", r"(?<![a-z0-9])mcd43"),
        pixel_m=(200, 1100), orders={7: _codes("B1 B2 B3 B4 B5 B6 B7")},
    ),
    Product(
        "naip", "NAIP", _bands("R:red:640 G:green:560 B:blue:460 N:nir:830"),
        files=(r"(?<![a-z])naip(?![a-z])", r"(?<![a-z0-9])m_\d{7}_(?:ne|nw|se|sw)_\d{2}_"),
        orders={4: ("R", "G", "B", "N"), 3: ("R", "G", "B")}, only_codes=False,
    ),
    Product(
        "planetscope", "PlanetScope, 4 bands", _bands("B1:blue:490 B2:green:565 B3:red:665 B4:nir:865"),
        files=(r"analyticms(?!.*8b)", r"psscene4"), pixel_m=(2.5, 5.5),
        orders={4: _codes("B1 B2 B3 B4")}, only_codes=False,
    ),
    Product(
        "planetscope-8", "PlanetScope, 8 bands",
        _bands(
            "B1:coastal:443 B2:blue:490 B3:(green_I):531 B4:green:565 B5:(yellow):610 B6:red:665 B7:rededge1:705 "
            "B8:nir:865"
        ),
        files=(r"analyticms.*8b", r"psscene8"), pixel_m=(2.5, 5.5),
        orders={8: _codes("B1 B2 B3 B4 B5 B6 B7 B8")}, only_codes=False,
    ),
)  # fmt: skip
PRODUCTS: Dict[str, Product] = {product.name: product for product in _PRODUCTS}


def code_of(role: str, product: str = "sentinel-2") -> str:
    """Code of the band of a role in a product, for sentences; empty where it has none."""
    return next((band.code for band in PRODUCTS[product].bands if band.role == role), "")
