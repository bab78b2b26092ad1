"""The photos of a folder, and tables that tell what they show, joined by name."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ..errors import BadInput
from ..progress import Progress
from .exif import Exif, read_exif
from .photonames import SUFFIXES, bare, parse_date

DEGREES = CRS.from_epsg(4326)
READERS = 4
NAMED = 6
NAMES = {
    "name": ("name", "photo", "photo name", "image", "image name", "file", "filename", "file name", "picture", "path"),
    "site": ("site", "site name", "location", "reef", "station"),
    "transect": ("transect", "transect name", "transect id", "line"),
    "quadrat": ("quadrat", "quadrat name", "quadrat id", "quad", "plot"),
    "date": ("date", "survey date", "photo date", "date taken", "datetime"),
    "depth_m": ("depth m", "depth", "water depth", "depth metres", "depth meters"),
    "area_m2": ("area m2", "area", "quadrat area", "photo area"),
    "longitude": ("longitude", "lon", "long", "lng", "x"),
    "latitude": ("latitude", "lat", "y"),
}  # fmt: skip
"""Names of columns, as `_plain` spells them, by what they tell; those of CoralNet's metadata among them."""
NUMBERS = ("depth_m", "area_m2", "longitude", "latitude")


@dataclass(frozen=True)
class Found:
    """A photo that is there."""

    path: str
    inside: str
    """Within the folder, with `/`."""
    width: int
    height: int
    exif: Exif


@dataclass
class Folder:
    """The photos of a folder, by path."""

    photos: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """What photos are called: the file's name; with its folder where several have it."""
        lower = [PurePosixPath(one.inside).name.lower() for one in self.photos]
        often = {name for name, count in Counter(lower).items() if count > 1}
        return [
            one.inside if name in often else PurePosixPath(one.inside).name
            for one, name in zip(self.photos, lower, strict=True)
        ]


def read_folder(folder: str, subfolders: bool, progress: Progress) -> Folder:
    """Sizes and notes of all photos.

    Raises:
        BadInput: no folder, or no photo in it.
    """
    if not os.path.isdir(folder):
        raise BadInput(f"There is no folder {folder}.")
    paths = sorted(_paths(folder, subfolders))
    if not paths:
        deeper = "" if subfolders else " Tick 'With subfolders' if they lie deeper."
        raise BadInput(f"The folder {folder} holds no photo (JPEG, PNG or TIFF).{deeper}")
    found, broken = Folder(), []
    with warnings.catch_warnings(), ThreadPoolExecutor(READERS) as pool:
        # Here, not in the threads: all of them share the filters of warnings.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for number, one in enumerate(pool.map(lambda path: _look(path, folder), paths)):
            progress.checkpoint(number / len(paths))
            if isinstance(one, Found):
                found.photos.append(one)
            else:
                broken.append(one)
    if broken:
        found.notes.append(f"Files that cannot be opened as photos, left out: {named(broken)}.")
    turned = [one.inside for one in found.photos if one.exif.orientation > 1]
    if turned:
        found.notes.append(
            f"Photos that their camera marks as turned: {named(turned)}. Rows and columns count in the photo as it is "
            "stored, as CoralNet counts them; programs that turn it show it otherwise."
        )
    return found


def _paths(folder: str, subfolders: bool) -> Iterable[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")] if subfolders else []
        for name in files:
            # macOS leaves ._photo.jpg beside photo.jpg on other disks.
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.join(place, name)


def _look(path: str, folder: str) -> Found | str:
    inside = Path(path).relative_to(folder).as_posix()
    size = photo_size(path)
    return inside if size is None else Found(path, inside, *size, read_exif(path))


def photo_size(path: str) -> tuple[int, int] | None:
    """Width and height in px as stored; None for what GDAL cannot open."""
    try:
        with rasterio.open(path) as dataset:
            return int(dataset.width), int(dataset.height)
    except (RasterioError, OSError):
        return None


class Matches(NamedTuple):
    """Which photo each name of a file means."""

    photo: list[int]
    """Place in the list of photos, -1 where none fits."""
    notes: list[str]


def match(names: Sequence[str], photos: Sequence[str], what: str) -> Matches:
    """Names against names: exactly, then without regard to case, folder, and extension; two that fit are none.

    Args:
        names: of a file or table.
        photos: names of photos, different ones.
        what: the file, for the notes.
    """
    steps: tuple[Callable[[str], str], ...] = (
        str,
        lambda name: _slashed(name).lower(),
        lambda name: PurePosixPath(_slashed(name)).name.lower(),
        stem_of,
    )
    found, unclear = [-1] * len(names), set()
    notes: list[str] = []
    for step, how in zip(steps, ("", "but for case", "but for the folder", "but for the extension"), strict=True):
        places: dict[str, list[int]] = {}
        for place, photo in enumerate(photos):
            places.setdefault(step(photo), []).append(place)
        fitting: dict[str, None] = {}
        for number, name in enumerate(names):
            if found[number] < 0 and len(places.get(step(name), ())) == 1:
                found[number] = places[step(name)][0]
                fitting[name] = None
            elif found[number] < 0 and len(places.get(step(name), ())) > 1:
                unclear.add(name)
        if fitting and how:
            notes.append(f"{what}: names that are those of photos {how}: {named(list(fitting))}.")
    left = dict.fromkeys(name for name, place in zip(names, found, strict=True) if place < 0)
    several = [name for name in left if name in unclear]
    if several:
        notes.append(f"{what}: names that fit several photos, so none is taken: {named(several)}.")
    return Matches(found, notes)


def sizes_of(photos: Iterable[tuple[str, int, int]]) -> Callable[[str], tuple[int, int] | None]:
    """A function that gives width and height of a photo by a name or path, which may end otherwise than ours.

    Of photos that share a file name those count whose folders agree farthest; where these are of several sizes nothing
    is known.

    Args:
        photos: name or path, width and height in px; 0 where unknown.
    """
    by_stem: dict[str, list[tuple[list[str], tuple[int, int]]]] = {}
    for name, width, height in photos:
        if width and height:
            by_stem.setdefault(stem_of(name), []).append((_folders(name), (width, height)))

    def size(name: str) -> tuple[int, int] | None:
        wanted = _folders(name)
        found = [(_alike(wanted, folders), one) for folders, one in by_stem.get(stem_of(name), ())]
        nearest = {one for alike, one in found if alike == max(count for count, _ in found)}
        return nearest.pop() if len(nearest) == 1 else None

    return size


def _folders(name: str) -> list[str]:
    """Folders of a path, small, the last one first."""
    return [part.lower() for part in PurePosixPath(_slashed(name)).parts[-2::-1]]


def _alike(one: list[str], other: list[str]) -> int:
    """How many folders agree, counted from the file."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def stem_of(name: str) -> str:
    """The name without folder and extension, small."""
    return bare(PurePosixPath(_slashed(name)).name.lower())


def _slashed(name: str) -> str:
    return name.strip().replace("\\", "/")


def named(names: Sequence[str]) -> str:
    """`12 (a, b, c, …)`."""
    return f"{len(names):,} ({', '.join(names[:NAMED])}{', …' if len(names) > NAMED else ''})"


@dataclass
class PhotoTable:
    """What a table tells of photos."""

    names: list[str]
    facts: pd.DataFrame
    """A row a name: those of `NAMES` that it has (text, or float64), the rest under their own names."""
    position: NDArray[np.float64]
    """(names, 2) longitude and latitude, NaN where unknown."""
    notes: list[str] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    """What is told by which column."""


def read_facts(table: pd.DataFrame, source: str, chosen: dict[str, str], crs: str) -> PhotoTable:
    """A table of photos with its columns understood.

    Args:
        table: as it was read, with or without geometry.
        source: for messages.
        chosen: column by role of `NAMES`, where the user says it.
        crs: of its coordinates, where they are columns and not in degrees.

    Raises:
        BadInput: no column of names, a chosen one that is not there, or an unknown coordinate system.
    """
    geometry = getattr(table, "geometry", None) if hasattr(table, "to_crs") else None
    plain = pd.DataFrame(table.drop(columns=[geometry.name]) if geometry is not None else table)
    roles = roles_of(plain, chosen, source)
    if "name" not in roles:
        raise BadInput(
            f"No column of {source} names photos. Choose it. It has: {', '.join(map(str, plain.columns)) or 'none'}."
        )
    plain = plain[plain[roles["name"]].notna()].copy()
    notes, facts = [], pd.DataFrame(index=plain.index)
    for role, column in roles.items():
        if role in NUMBERS:
            numbers = pd.to_numeric(plain[column], errors="coerce")
            if (wrong := numbers.isna() & plain[column].notna()).any():
                notes.append(f"{source}: values of '{column}' that are no numbers: {int(wrong.sum()):,}.")
            facts[role] = numbers.astype(float)
        elif role == "date":
            facts[role] = _dates(plain[column], column, source, notes)
        else:
            facts[role] = [_text(value) for value in plain[column]]
    position = _position(facts, None if geometry is None else geometry.loc[plain.index], roles, crs, source, notes)
    # At once: tables of tens of thousands of columns would take minutes one by one.
    others = {str(column): plain[column] for column in plain.columns if column not in roles.values()}
    facts = pd.concat([facts, pd.DataFrame({name: others[name] for name in others if name not in facts})], axis=1)
    names = [_text(value) for value in plain[roles["name"]]]
    facts = facts.drop(columns=["name", "longitude", "latitude"], errors="ignore").reset_index(drop=True)
    return PhotoTable(names, facts, position, notes, roles)


def roles_of(table: pd.DataFrame, chosen: dict[str, str], source: str) -> dict[str, str]:
    """Which column tells what: the chosen one, or the first that is called so.

    Raises:
        BadInput: a chosen column is not there.
    """
    by_name = {_plain(str(column)): str(column) for column in reversed(table.columns)}
    roles: dict[str, str] = {}
    for role, names in NAMES.items():
        column = chosen.get(role, "")
        if column and column not in table.columns:
            raise BadInput(f"{source} has no field '{column}'. It has: {', '.join(map(str, table.columns))}.")
        column = column or next((by_name[name] for name in names if name in by_name), "")
        if column and column not in roles.values():
            roles[role] = column
    return roles


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def _text(value: object) -> str:
    """Whole numbers without decimals whatever their type; nothing for what is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _dates(column: "pd.Series[object]", name: str, source: str, notes: list[str]) -> list[str]:
    texts = [_text(value) for value in column]
    read = [parse_date(text) for text in texts]
    wrong = [text for text, date in zip(texts, read, strict=True) if text and not date]
    if wrong:
        notes.append(
            f"{source}: values of '{name}' that are no dates, or could be read in two ways: "
            f"{named(list(dict.fromkeys(wrong)))}. Write year-month-day."
        )
    return read


def _position(
    facts: pd.DataFrame, geometry: "pd.Series[object] | None", roles: dict[str, str], crs: str, source: str,
    notes: list[str],
) -> NDArray[np.float64]:  # fmt: skip
    """(rows, 2) degrees from points, or from columns of coordinates."""
    if geometry is not None:
        shapes = np.array(getattr(geometry, "array"), dtype=object)  # noqa: B009 - of a GeoSeries
        point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
        own = getattr(geometry, "crs", None)
        xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
        if point.any() and (own is not None or crs):
            return to_degrees(xy, str(own.to_wkt()) if own is not None else crs)
        if point.any():
            notes.append(f"{source} has no coordinate system, so its points place no photo. Choose it.")
    if "longitude" not in roles or "latitude" not in roles:
        return np.full((len(facts), 2), np.nan)
    xy = facts[["longitude", "latitude"]].to_numpy(np.float64, na_value=np.nan)
    if _plain(roles["longitude"]) == "x" and not crs:
        notes.append(f"{source}: the coordinate system of x and y is not known, so they place no photo. Choose it.")
        return np.full((len(facts), 2), np.nan)
    if not crs and (np.abs(xy[np.isfinite(xy).all(axis=1)]) > (180, 90)).any():
        raise BadInput(f"The coordinates in {source} are no degrees. Choose their coordinate system.")
    return to_degrees(xy, crs or "EPSG:4326")


def to_degrees(xy: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """(N, 2) longitude and latitude; (0, 0) and what cannot be are nothing.

    Raises:
        BadInput: no coordinate system.
    """
    return projected(np.where((xy == 0).all(axis=1, keepdims=True), np.nan, xy), crs, "EPSG:4326")


def projected(xy: NDArray[np.float64], source: str, target: str) -> NDArray[np.float64]:
    """(N, 2) coordinates in another system; NaN where there are none.

    Raises:
        BadInput: no coordinate system.
    """
    try:
        one, other = CRS.from_user_input(source), CRS.from_user_input(target)
        if one == other:
            return xy
        made = np.column_stack(Transformer.from_crs(one, other, always_xy=True).transform(xy[:, 0], xy[:, 1]))
    except (CRSError, ProjError) as error:
        raise BadInput(f"'{source}' is no coordinate system, or one that leads nowhere: {error}.") from error
    made[~np.isfinite(made).all(axis=1)] = np.nan
    return made
