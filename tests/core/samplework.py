"""A made-up map with its truth, and the hands that label a sample; for tests of 'Draw sample' and 'Estimate area'."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pyogrio
from scipy.ndimage import gaussian_filter

NAMES = {1: "water", 2: "wood", 3: "reed"}


def scene(height=180, width=240, seed=0):
    """Truth and a map of it with errors: (h, w) of 1, 2 and, rarely, 3."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(height, width)), 9)
    field /= field.std()
    truth = np.where(field < -0.3, 1, np.where(field < 1.7, 2, 3)).astype(np.uint8)
    noisy = field + 0.5 * gaussian_filter(rng.normal(size=(height, width)), 2) * 5
    return truth, np.where(noisy < -0.5, 1, np.where(noisy < 1.6, 2, 3)).astype(np.uint8)


def name_classes(path, names=NAMES):
    """The sidecar that 'Apply head' writes beside a class map."""
    classes = [{"value": value, "name": name, "colour": "#4477aa"} for value, name in names.items()]
    content = {"format": 1, "version": "0", "job": {"job": "applyhead"}, "inputs": {}, "facts": {"classes": classes}}
    Path(f"{path}.quadrat.json").write_text(json.dumps(content), encoding="utf-8")


def places(path):
    return pyogrio.read_dataframe(f"{path}", layer=0)


def designed(path):
    return pyogrio.read_dataframe(path, layer="design")


def cells(frame):
    return np.array([[int(n) - 1 for n in re.fullmatch(r"r(\d+)c(\d+)", place).groups()] for place in frame["place"]])


def rewrite(path, frame):
    """The sample as QGIS leaves it after editing: the layer changed, the table of the design as it was."""
    design = designed(path)
    os.remove(path)
    pyogrio.write_dataframe(frame, path, layer=Path(path).stem, driver="GPKG")
    pyogrio.write_dataframe(design, path, layer="design", driver="GPKG", append=True)


def fill(path, truth, names=NAMES, only=None, field="reference"):
    """Label the sample as a person would, in place; `only` says which rows, by order."""
    frame = places(path)
    at = cells(frame)
    said = [names[int(value)] for value in truth[at[:, 0], at[:, 1]]]
    frame[field] = [s if only is None or only(o) else None for s, o in zip(said, frame["order"], strict=True)]
    rewrite(path, frame)
    return frame
