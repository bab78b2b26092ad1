"""Files as AlphaEarth and TESSERA publish them, made small; for tests of opening them."""

import json

import numpy as np
import rasterio
from affine import Affine

WEST, NORTH, PIXEL = 600_000, 9_000_000, 10
CRS = "EPSG:32722"
NAMES = tuple(f"A{i:02d}" for i in range(64))


def unit_vectors(height, width, depth=64, seed=0):
    """(D, H, W) float64 of length 1; neighbours resemble each other a little."""
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(depth, 1, 1)) + 0.8 * rng.normal(size=(depth, height, width))
    return field / np.linalg.norm(field, axis=0)


def codes_of(vectors):
    """The int8 codes whose values come nearest."""
    return np.clip(np.round(np.sign(vectors) * np.sqrt(np.abs(vectors)) * 127.5), -127, 127).astype(np.int8)


def values_of(codes):
    """The published formula, in the plainest way."""
    q = codes.astype(np.float64)
    return np.sign(q) * (np.abs(q) / 127.5) ** 2


def write(path, array, *, bottom_up=False, nodata=None, names=(), tags=None, crs=CRS, pixel=PIXEL, tiled=False):
    """(D, H, W), north first, as GeoTIFF; bottom-up files hold the southernmost row first."""
    count, height, width = array.shape
    transform = Affine(pixel, 0, WEST, 0, -pixel, NORTH)
    if bottom_up:
        array = array[:, ::-1]
        transform = Affine(pixel, 0, WEST, 0, pixel, NORTH - pixel * height)
    profile = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": array.dtype.name}
    if tiled:
        profile |= {"tiled": True, "blockxsize": 16, "blockysize": 16}
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as dataset:
        dataset.write(array)
        if names:
            dataset.descriptions = names
        if tags:
            dataset.update_tags(**tags)
    return str(path)


def write_alphaearth(path, codes, bottom_up=True, **more):
    """As in the bucket: int8, nodata -128, named bands, southernmost row first."""
    return write(path, codes, bottom_up=bottom_up, nodata=-128, names=NAMES, **more)


def write_tile(folder, codes, scales, *, stem="grid_0.15_52.05", version="1.0", variant="vultr", landmask=True):
    """(H, W, D) codes and scales as geotessera loads them down; gives the path of the tile."""
    place = folder / "global_0.1_degree_representation" / "2024" / stem
    place.mkdir(parents=True, exist_ok=True)
    np.save(place / f"{stem}.npy", codes)
    if scales is not None:
        np.save(place / f"{stem}_scales.npy", scales)
    if version:
        noted = {"dataset_version": version, "dataset_variant": variant}
        (folder / "tessera_metadata.json").write_text(json.dumps(noted))
    if landmask:
        (folder / "global_0.1_degree_tiff_all").mkdir(exist_ok=True)
        mask = np.ones((1, *codes.shape[:2]), np.uint8)
        write(folder / "global_0.1_degree_tiff_all" / f"{stem}.tiff", mask)
    return str(place / f"{stem}.npy")
