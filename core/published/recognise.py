"""Which product a file holds, told by the names, types, tags and companions that its makers give it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..jobs.embed import OpenEmbedding
from ..raster import RasterReader
from .registry import AUTO, OTHER, PRODUCTS, Product

ALPHAEARTH_BANDS = 64
ALPHAEARTH_NODATA = -128
METADATA_FILE = "tessera_metadata.json"
"""geotessera leaves it in the folder into which it downloads."""
LOOKED_UP = 5
"""Folders above a tile in which its companions are looked for."""
CHOOSE = "Choose it under 'Product'"


@dataclass(frozen=True)
class Recognised:
    """A product, and the variant of it that the file holds."""

    product: Product
    variant: str
    year: str = ""
    """As the file says; no part of the space."""


def recognise_raster(job: OpenEmbedding, reader: RasterReader) -> Recognised:
    """The product in a raster.

    Raises:
        BadInput: it is none that is known, is something else than the job says, or its version cannot be told.
    """
    if reader.tags.get("identity"):
        raise BadInput(f"{reader.path} is an embedding made by Quadrat. It can be used as it is.")
    told = reader.file_tags
    family = _family_of(reader)
    name = job.product if job.product != AUTO else _product_of(family, told, reader.path)
    product = PRODUCTS[name]
    if family and product.family not in (family, OTHER):
        raise BadInput(f"{reader.path} holds {family}, not {product.title}. Choose that product, or auto.")
    _check_version(product, told, reader.path)
    _check_type(product, reader)
    return Recognised(product, _variant_of(job, product, told, reader.path), told.get("TESSERA_YEAR", ""))


def recognise_tile(job: OpenEmbedding, tile: Path) -> Recognised:
    """The product in a TESSERA tile: as the job or geotessera's own note says, since the tile itself does not.

    Raises:
        BadInput: neither does.
    """
    told = tile_facts(tile)
    name = job.product if job.product != AUTO else _product_of("tessera", told, str(tile))
    product = PRODUCTS[name]
    if product.family == "alphaearth":
        raise BadInput(f"{tile} is not of {product.title}, which comes as rasters.")
    _check_version(product, told, str(tile))
    return Recognised(product, _variant_of(job, product, told, str(tile)))


def tile_facts(tile: Path) -> Mapping[str, str]:
    """What geotessera noted of the download that a tile belongs to, under the names of its raster tags."""
    for folder in [*tile.absolute().parents][:LOOKED_UP]:
        try:
            noted = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(noted, dict):
            pairs = (("VERSION", "dataset_version"), ("VARIANT", "dataset_variant"))
            return {f"TESSERA_DATASET_{tag}": str(noted[key]) for tag, key in pairs if noted.get(key)}
    return {}


def code_warning(reader: RasterReader) -> str:
    """A sentence when a raster holds the codes of AlphaEarth as published, else an empty text."""
    if reader.tags.get("identity") or not _holds_codes(reader) or _family_of(reader) != "alphaearth":
        return ""
    return (
        f"{reader.path} holds the codes of AlphaEarth, which are no vectors yet: their steps are uneven. Run 'Open "
        "published embedding' on it first, and use what that makes."
    )


def _family_of(reader: RasterReader) -> str:
    """`alphaearth`, `tessera`, or an empty text."""
    if _are_named(reader.band_names, "A{:02d}", ALPHAEARTH_BANDS):
        return "alphaearth"
    if len(reader.bands) == ALPHAEARTH_BANDS and _holds_codes(reader):
        return "alphaearth"
    named = _are_named(reader.band_names, "Tessera_Band_{}", len(reader.bands))
    return "tessera" if named or "TESSERA_DATASET_VERSION" in reader.file_tags else ""


def _are_named(names: Sequence[str], pattern: str, count: int) -> bool:
    return len(names) == count and all(name == pattern.format(i) for i, name in enumerate(names))


def _holds_codes(reader: RasterReader) -> bool:
    return reader.dtype == "int8" and all(nodata == ALPHAEARTH_NODATA for nodata in reader.nodata)


def _product_of(family: str, told: Mapping[str, str], path: str) -> str:
    if family == "alphaearth":
        return family
    if family == "tessera":
        version = _plain_version(told.get("TESSERA_DATASET_VERSION", ""))
        found = [card.name for card in PRODUCTS.values() if card.family == family and card.version == version]
        if found:
            return found[0]
        told_as = f"is of version {version}, which is not known here" if version else "does not say its version"
        raise BadInput(f"{path} holds TESSERA, but {told_as}. {CHOOSE}: the versions do not compare.")
    raise BadInput(
        f"{path} is no published embedding that is known here. {CHOOSE}; for any other raster of vectors choose "
        "'other' and name its space."
    )


def _check_version(product: Product, told: Mapping[str, str], path: str) -> None:
    version = _plain_version(told.get("TESSERA_DATASET_VERSION", ""))
    if version and product.family == "tessera" and version != product.version:
        raise BadInput(
            f"{path} says that it is TESSERA {version}, not {product.version}. Choose that product, or auto."
        )


def _plain_version(text: str) -> str:
    """`1.0` of `v1`, `1` or `1.0`."""
    match = re.fullmatch(r"v?(\d+)(?:\.(\d+))?", text.strip())
    return f"{match[1]}.{match[2] or 0}" if match else text.strip()


def _variant_of(job: OpenEmbedding, product: Product, told: Mapping[str, str], path: str) -> str:
    """Variant that tells spaces of one version apart: the file's own word, else the user's, else the usual one."""
    own, wish = (text.strip() for text in (told.get("TESSERA_DATASET_VARIANT", ""), job.space))
    if product.family == "alphaearth":
        return product.variant
    if own and wish and own != wish:
        raise BadInput(f"{path} is of the variant '{own}', but the space is to be called '{wish}'. Leave it empty.")
    if not (own or wish or product.variant):
        raise BadInput(
            f"{path} holds {product.title}, but does not say which variant. Give it under 'Name of the space', such as "
            "2B-L: the variants do not compare."
        )
    return own or wish or product.variant


def _check_type(product: Product, reader: RasterReader) -> None:
    kind, count = reader.dtype, len(reader.bands)
    if product.dimensions and count not in product.dimensions:
        wanted = " or ".join(map(str, product.dimensions))
        raise BadInput(f"{product.title} has {wanted} bands; of {reader.path} {count} are chosen.")
    if product.family == OTHER or kind.startswith("float"):
        return
    if product.family == "tessera":
        raise BadInput(
            f"{reader.path} holds codes of TESSERA without the scales that belong to them. Take the .npy tile with its "
            "_scales.npy, or export it as GeoTIFF with geotessera."
        )
    if kind == "uint8":
        raise BadInput(
            f"{reader.path} holds unsigned bytes: an older GDAL made it, which does not know signed ones. Take the "
            "file as it was published, or make the virtual raster anew with GDAL 3.7 or later."
        )
    if kind != "int8" or reader.scaled:
        raise BadInput(
            f"{reader.path} holds {kind}{' with scale and offset' if reader.scaled else ''}; AlphaEarth comes as int8 "
            "or, from Earth Engine, as floats. Take the file as it was published."
        )


def identity_facts(recognised: Recognised, dimensions: int, decoding: Mapping[str, Any]) -> dict[str, Any]:
    """All that tells the space apart from others; the year and how numbers were stored do not.

    Args:
        recognised: product and variant.
        dimensions: of the vectors.
        decoding: what the user said of another product.
    """
    product = recognised.product
    facts = {
        "published": product.family, "version": product.version, "variant": recognised.variant,
        "dimensions": dimensions,
    }  # fmt: skip
    return {**facts, **decoding} if product.family == OTHER else facts
