"""What is known of the bands of one raster: the answer of `recognise.py`, asked by `fitting.py` and shown in forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...models.spectrum import ROLES
from .names import LIGHT, QUALITY, RADAR
from .products import PRODUCTS

STATED, CONVENTION, GUESSED, UNKNOWN = "stated", "by convention", "guessed", "unknown"
SURE = (UNKNOWN, GUESSED, CONVENTION, STATED)
"""From the weakest to the strongest."""


@dataclass(frozen=True)
class KnownBand:
    """One band of a raster."""

    number: int
    """In the file, counted from 1."""
    name: str
    """As the file describes it; empty where it does not."""
    role: str = ""
    """See `models/spectrum.py`; empty: none or unknown."""
    nm: float = 0.0
    """Centre of its wavelengths; 0: unknown, or no light."""
    how: str = ""
    """How the role is known, in words: `wavelength 665 nm`, `name B4 of Sentinel-2`, `order of NAIP's bands`."""
    sure: str = UNKNOWN
    kind: str = ""
    """`light`, `radar`, `quality` (flags, masks, alpha), `other` (indices, weather, terrain); empty: unknown."""
    title: str = ""
    """What it is, where no role says so."""
    date: str = ""
    """In a series: date or counter; empty for bands of the first or of all dates."""

    @property
    def label(self) -> str:
        """For sentences: `band 4 (B5)`."""
        return f"band {self.number} ({self.name})" if self.name else f"band {self.number}"


@dataclass(frozen=True)
class Recognised:
    """The bands of one raster, how they are known, and what is unsure."""

    path: str
    bands: tuple[KnownBand, ...]
    product: str = ""
    """Name in `products.PRODUCTS`; empty where no one product is known."""
    confidence: str = UNKNOWN
    """The weakest of the bands that have a role: stated, by convention, guessed; unknown where none has."""
    sentences: tuple[str, ...] = ()
    """What is unsure, for the user."""
    pixel_m: float = 0.0
    """Side of a pixel on the ground in metres, also of grids in degrees; 0: no coordinate system."""
    dtype: str = ""
    dates: tuple[str, ...] = ()
    """Of a series, earliest first; empty where there is but one."""
    taken: str = ""
    """When all of it was taken, YYYY-MM or YYYY-MM-DD; empty where the file does not tell, and for a series."""

    @property
    def title(self) -> str:
        """Of the product, for people; empty where it is not known."""
        return PRODUCTS[self.product].title if self.product else ""

    def of_date(self, date: str = "") -> tuple[KnownBand, ...]:
        """Bands of one date; the first, unless another is asked for. Bands that bear no date belong to all."""
        if not self.dates:
            return self.bands
        date = date or self.dates[0]
        return tuple(band for band in self.bands if band.date in ("", date))

    def best(self, role: str, date: str = "") -> "KnownBand | None":
        """The band of a role: of several the surest, then the nearest to the usual wavelength, then the first."""
        found = [band for band in self.of_date(date) if band.role == role]
        # Bands without a date may be those of the first: any other date's own come before them.
        return first_of(role, [band for band in found if date and band.date == date] or found)

    def roles(self, date: str = "") -> tuple[str, ...]:
        """Roles that the raster has, in the order of `ROLES`."""
        there = {band.role for band in self.of_date(date)}
        return tuple(role for role in ROLES if role in there)

    def band(self, number: int) -> "KnownBand | None":
        """The band of that number, or None."""
        return next((band for band in self.bands if band.number == number), None)

    @property
    def measured(self) -> tuple[KnownBand, ...]:
        """Bands that are not masks, flags or alpha."""
        return tuple(band for band in self.bands if band.kind != QUALITY)

    @property
    def is_radar(self) -> bool:
        """Whether there is radar and no light."""
        kinds = {band.kind for band in self.bands}
        return RADAR in kinds and LIGHT not in kinds

    def to_json(self) -> dict[str, Any]:
        """For sidecars and forms: plain JSON values."""
        return {
            "product": self.product,
            "confidence": self.confidence,
            "pixel_m": round(self.pixel_m, 4),
            "dates": list(self.dates),
            "sentences": list(self.sentences),
            "bands": [
                {"number": b.number, "role": b.role, "wavelength_nm": b.nm, "how": b.how, "date": b.date}
                for b in self.bands
            ],
        }


def first_of(role: str, bands: Sequence[KnownBand]) -> "KnownBand | None":
    """Of several bands of a role the surest, then the nearest to the usual wavelength, then the first."""
    typical = ROLES[role].typical_nm
    return min(
        bands,
        key=lambda band: (-SURE.index(band.sure), abs(band.nm - typical) if band.nm else 0.0, band.number),
        default=None,
    )


def weakest(bands: Sequence[KnownBand]) -> str:
    """The weakest word among bands that have a role; unknown where none has."""
    words = [band.sure for band in bands if band.role]
    return min(words, key=SURE.index, default=UNKNOWN)


def listed(parts: Sequence[str], joint: str = "and") -> str:
    """`a, b and c`."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {joint} {parts[-1]}" if parts else ""
