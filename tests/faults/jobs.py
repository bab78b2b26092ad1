"""Small jobs to be hurt: each takes a fraction of a second, and keeps its work in many small pieces."""

import numpy as np
import rasterio
import shapely
from quadrat.tests.conftest import waves

TRANSFORM = rasterio.Affine(10, 0, 600_000, 0, -10, 9_000_000)


def write_scene(path, height, width, count=3, seed=0, **profile):
    """A GeoTIFF of waves; strips compressed by deflate, so that a byte that is wrong is noticed."""
    values = waves(count, height, width, seed).clip(1, 255).astype("uint8")
    kind = {"driver": "GTiff", "dtype": "uint8", "crs": "EPSG:32722", "transform": TRANSFORM, "compress": "deflate"}
    shape = {"count": count, "height": height, "width": width}
    with rasterio.open(path, "w", **{**kind, **shape, "photometric": "minisblack", **profile}) as file:
        file.write(values)
    return str(path)


def write_network(path, patch=4, dimensions=512, hidden=0, bands=3):
    """An ONNX network that gives a vector for each patch; `hidden` numbers of a patch make it hungry for memory."""
    from onnx import TensorProto, helper, numpy_helper, save

    rng, value = np.random.default_rng(5), helper.make_tensor_value_info
    first = rng.standard_normal((hidden or dimensions, bands, patch, patch)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["h" if hidden else "y"], kernel_shape=[patch] * 2, strides=[patch] * 2)
    ]
    arrays = [numpy_helper.from_array(first, "v")]
    if hidden:
        nodes.append(helper.make_node("Conv", ["h", "w"], ["y"], kernel_shape=[1, 1]))
        second = rng.standard_normal((dimensions, hidden, 1, 1)).astype(np.float32)
        arrays.append(numpy_helper.from_array(second, "w"))
    graph = helper.make_graph(
        nodes, "tiny",
        [value("x", TensorProto.FLOAT, ["n", bands, "height", "width"])],
        [value("y", TensorProto.FLOAT, ["n", dimensions, "a", "b"])],
        arrays,
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return str(path)


def write_cells(path, height, width, side=6):
    """Polygons of side x side px that fill the scene."""
    import geopandas as gpd

    west, north = TRANSFORM.c, TRANSFORM.f
    shapes = [
        shapely.box(west + 10 * col, north - 10 * (row + side), west + 10 * (col + side), north - 10 * row)
        for row in range(0, height - side + 1, side)
        for col in range(0, width - side + 1, side)
    ]
    gpd.GeoDataFrame({"name": [f"cell {n}" for n in range(len(shapes))]}, geometry=shapes, crs="EPSG:32722").to_file(
        path
    )
    return str(path)


def write_labels(path, height, width):
    """Points of two classes."""
    import geopandas as gpd

    rng = np.random.default_rng(1)
    west, north = TRANSFORM.c, TRANSFORM.f
    rows, cols = rng.integers(0, height, 40), rng.integers(0, width, 40)
    shapes = [shapely.Point(west + 10 * col + 5, north - 10 * row - 5) for row, col in zip(rows, cols, strict=True)]
    gpd.GeoDataFrame({"kind": ["a", "b"] * 20}, geometry=shapes, crs="EPSG:32722").to_file(path)
    return str(path)


def exact(folder, **fields):
    """Embedding by a backbone without tile borders, of 51 blocks and 165 tiles, with overviews."""
    scene = write_scene(folder / "scene.tif", 290, 2100)
    return {
        "job": "embedraster", "input": scene, "backbone": "raw", "patch_size_px": 1, "tile_size_px": 64,
        "batch_size": 1, "threads": 1, "output": str(folder / "exact.tif"), **fields,
    }  # fmt: skip


def blended(folder, **fields):
    """Embedding by a network whose tiles overlap, of 10 blocks."""
    scene, network = write_scene(folder / "pair.tif", 384, 960), write_network(folder / "net.onnx", dimensions=256)
    return {
        "job": "embedraster", "input": scene, "backbone": "onnx", "model": network, "tile_size_px": 64,
        "overlap_px": 8, "batch_size": 4, "storage": "float32", "threads": 1, "device": "cpu",
        "output": str(folder / "blended.tif"), **fields,
    }  # fmt: skip


def hungry(folder, **fields):
    """Embedding by a network that takes 32 MB for a tile, and 1 GB for all 32 at once."""
    scene = write_scene(folder / "square.tif", 256, 512)
    network = write_network(folder / "hungry.onnx", dimensions=8, hidden=32768)
    return {
        "job": "embedraster", "input": scene, "backbone": "onnx", "model": network, "tile_size_px": 64,
        "overlap_px": 0, "batch_size": 32, "threads": 1, "device": "cpu", "output": str(folder / "hungry.tif"),
        **fields,
    }  # fmt: skip


def cells(folder, **fields):
    """Vectors of 900 cells in 25 units."""
    scene = write_scene(folder / "cells.tif", 180, 180)
    return {
        "job": "embedcells", "input": scene, "cells": write_cells(folder / "cells.gpkg", 180, 180), "backbone": "raw",
        "threads": 1, "output": str(folder / "embedded.gpkg"), **fields,
    }  # fmt: skip


def mapped(folder, ward):
    """A map with its confidence, by a head that is learnt here."""
    scene, labels = write_scene(folder / "vectors.tif", 300, 2100), write_labels(folder / "labels.gpkg", 300, 2100)
    head = str(folder / "kind.qhead")
    ran = ward.run(
        {"job": "trainhead", "labels": labels, "field": "kind", "embedding": scene, "head": "prototype", "output": head}
    )
    assert ran.error is None, ran.error
    return {
        "job": "applyhead", "head": head, "embedding": scene, "threads": 1, "output": str(folder / "map.tif"),
        "confidence": str(folder / "map confidence.tif"),
    }  # fmt: skip


def write_mosaic(path, source):
    """A virtual raster of one source."""
    with rasterio.open(source) as file:
        count, height, width = file.count, file.height, file.width
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>{band}</SourceBand>'
        "</SimpleSource></VRTRasterBand>"
        for band in range(1, count + 1)
    )
    place = ", ".join(map(str, TRANSFORM.to_gdal()))
    head = f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32722</SRS>'
    path.write_text(f"{head}<GeoTransform>{place}</GeoTransform>{bands}</VRTDataset>", encoding="utf-8")
    return str(path)
