"""The one list of published embeddings. To add one: a card here, and its formula in `formulas.py` if it is a new one.

Standard library only: the toolbox form and the command line read the names.
"""

from dataclasses import dataclass
from typing import Dict, Tuple

ALPHAEARTH_CREDIT = "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google and Google DeepMind."
TESSERA_CREDIT = "TESSERA embeddings, University of Cambridge."
AUTO, OTHER = "auto", "other"


@dataclass(frozen=True)
class Product:
    """What is known of one published embedding. Two cards are two spaces: their vectors do not compare."""

    name: str
    """In forms, files and on the command line; never changes once released."""
    title: str
    family: str
    """Whose names, tags and formula it shares."""
    version: str
    """As the files of the family write it; empty where there is but one."""
    dimensions: Tuple[int, ...]
    """Numbers of bands that it can have; empty takes any."""
    band_name: str
    """How its bands are called, with the number counted from 0; empty keeps the names of the file."""
    formula: str
    """Name in `formulas.FORMULAS`: how stored whole numbers become values. Floats are values already."""
    unit_length: bool
    """Its vectors have length 1, and means of them are brought back to it."""
    own_units: bool
    """Its bands differ in spread, so heads standardise them one by one."""
    variant: str
    """The variant of files that name none; empty where it must be named."""
    needs_variant: bool
    licence: str
    credit: str
    """Text that the licence asks for, or that is fair."""
    source: str


_CARDS = (
    Product(
        name="alphaearth",
        title="AlphaEarth Foundations Satellite Embedding, V1 annual",
        family="alphaearth",
        version="",
        dimensions=(64,),
        band_name="A{:02d}",
        formula="square",
        unit_length=True,
        own_units=False,
        variant="v1-annual",
        needs_variant=False,
        licence="CC-BY-4.0",
        credit=ALPHAEARTH_CREDIT,
        source="https://developers.google.com/earth-engine/datasets/catalog/GOOGLE_SATELLITE_EMBEDDING_V1_ANNUAL",
    ),
    Product(
        name="tessera-v1",
        title="TESSERA 1.0",
        family="tessera",
        version="1.0",
        dimensions=(128,),
        band_name="Tessera_Band_{}",
        formula="scaled",
        unit_length=False,
        own_units=True,
        variant="vultr",
        needs_variant=False,
        licence="CC0-1.0",
        credit=TESSERA_CREDIT,
        source="https://github.com/ucam-eo/geotessera",
    ),
    Product(
        name="tessera-v1.1",
        title="TESSERA 1.1",
        family="tessera",
        version="1.1",
        dimensions=(128,),
        band_name="Tessera_Band_{}",
        formula="scaled",
        unit_length=False,
        own_units=True,
        variant="cam",
        needs_variant=False,
        licence="CC0-1.0",
        credit=TESSERA_CREDIT,
        source="https://github.com/ucam-eo/geotessera",
    ),
    Product(
        name="tessera-v2",
        title="TESSERA 2.0",
        family="tessera",
        version="2.0",
        dimensions=(16, 32, 64, 128),
        band_name="Tessera_Band_{}",
        formula="scaled",
        unit_length=False,
        own_units=True,
        variant="",
        needs_variant=True,
        licence="CC0-1.0",
        credit=TESSERA_CREDIT,
        source="https://github.com/ucam-eo/geotessera",
    ),
    Product(
        name=OTHER,
        title="Another embedding",
        family=OTHER,
        version="",
        dimensions=(),
        band_name="",
        formula="linear",
        unit_length=False,
        own_units=True,
        variant="",
        needs_variant=True,
        licence="",
        credit="",
        source="",
    ),
)
PRODUCTS: Dict[str, Product] = {card.name: card for card in _CARDS}
