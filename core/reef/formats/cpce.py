"""Points of CPCe (Coral Point Count with Excel extensions): a .cpc file a photo, one or a folder of them.

Each file is kept whole beside its photo (`cpc_text`), so that it can leave again byte by byte with nothing but its
labels changed: CPCe's heading lines, frame and notes have no place elsewhere.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput, Unwritable
from ..tree import key_of
from . import cpcfile
from .cpcfile import Cpc
from .shape import IMPORTED, Problems, Read, interned, refuse_empty
from .text import read_text

KEPT = ("cpc_file", "cpc_text", "cpc_encoding")
"""Columns of photos that `write` takes up again."""
MOST_NAMED = 5
"""In a sentence."""
Size = tuple[int, int]
Sizes = Callable[[str], "Size | None"]


def read(path: str | Path, sizes: Sizes | Mapping[str, Size] | None = None, *, notes: bool = False) -> Read:
    """Read a .cpc file, or all in a folder and below.

    Args:
        path: of the file or folder.
        sizes: width and height of the stored photo in pixels, by its name as this reader gives it (None when unknown);
            without them files at other than 15 units a pixel can be mistaken for such.
        notes: whether code and note together are the label, `code+note`.

    Returns:
        Points with `notes`; photos with `width` and `height`, and what `write` needs to write the same files again.

    Raises:
        BadInput: no such file, or none that can be used.
    """
    size_of: Sizes = sizes.get if isinstance(sizes, Mapping) else (sizes or (lambda name: None))
    problems, single = Problems(), Path(path).is_file()
    files = list(_files(Path(path), problems))
    names = _names([cpc for _, _, cpc in files])
    points, photos, doubtful = _Gathered(), [], 0
    taken: dict[str, str] = {}
    for (file, encoding, cpc), name in zip(files, names, strict=True):
        where = "" if single else f"{file}: "
        if name.lower() in taken:
            problems.add(
                0, f"{where}has points of {name}, as {taken[name.lower()]} has; left out. Keep one file a photo."
            )
            continue
        try:
            scale, unsure = cpcfile.scale_of(cpc, size_of(name))
        except BadInput as error:
            problems.add(0, f"{where}{error}")
            continue
        doubtful += unsure
        taken[name.lower()] = file
        points.add(cpc, name, scale, notes, where, problems)
        photos.append({"name": name, "width": cpc.width // scale, "height": cpc.height // scale, "cpc_file": file,
                       "cpc_text": cpc.text, "cpc_encoding": encoding})  # fmt: skip
    rows = points.table()
    if rows.empty:
        refuse_empty(path, problems.told())
    if doubtful:
        problems.add(0, f"{doubtful} {'file fits' if doubtful == 1 else 'files fit'} 15 units a pixel as well as 12 "
                        "(screens of 120 dpi); taken as 15. Give the photos, whose sizes settle it.")  # fmt: skip
    return Read(rows, pd.DataFrame(photos), problems=problems.told())


def _files(path: Path, problems: Problems) -> Iterator[tuple[str, str, Cpc]]:
    """Name, encoding and content of each file that is one; problems tell of the others."""
    if not path.exists():
        raise BadInput(f"There is no file or folder {path}.")
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() == ".cpc") if path.is_dir() else [path]
    if not found:
        raise BadInput(f"The folder {path} holds no .cpc files.")
    for file in found:
        try:
            text = read_text(file)
            yield (
                (file.relative_to(path).as_posix() if path.is_dir() else file.name),
                text.encoding,
                cpcfile.parse(text.text),
            )
        except BadInput as error:
            if path.is_file():
                raise BadInput(f"{file} is no .cpc file of CPCe. {error}") from error
            problems.add(0, f"{file.relative_to(path).as_posix()}: {error}")


def _names(files: list[Cpc]) -> list[str]:
    """Names of photos: without folders where that tells them apart, else with as many as it takes."""
    parts = [PureWindowsPath(cpc.image_path).parts for cpc in files]
    lengths = [1] * len(parts)
    for _ in range(max(map(len, parts), default=0)):
        tails = [tuple(p.lower() for p in part[-n:]) for part, n in zip(parts, lengths, strict=True)]
        groups: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for tail, part in zip(tails, parts, strict=True):
            groups.setdefault(tail, set()).add(tuple(p.lower() for p in part))
        lengths = [n + (len(groups[tail]) > 1) for n, tail in zip(lengths, tails, strict=True)]
    return ["/".join(p.strip("\\/") for p in part[-n:]) for part, n in zip(parts, lengths, strict=True)]


class _Gathered:
    """Points of many files, put into one table at the end."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in ("name", "row", "column", "label", "notes")}

    def add(self, cpc: Cpc, name: str, scale: int, notes: bool, where: str, problems: Problems) -> None:
        """Points of one file; those beyond the photo are left out and told."""
        rows, columns, good = _pixels(cpc, scale, where, problems)
        kept = np.flatnonzero(good).tolist()
        codes = [
            f"{cpc.codes[i]}+{cpc.notes[i]}" if notes and cpc.codes[i] and cpc.notes[i] else cpc.codes[i] for i in kept
        ]
        self.columns["name"] += [name] * len(kept)
        self.columns["row"] += rows[kept].tolist()
        self.columns["column"] += columns[kept].tolist()
        self.columns["label"] += codes
        self.columns["notes"] += [cpc.notes[i] for i in kept]

    def table(self) -> pd.DataFrame:
        """All of them."""
        pixels = {axis: pd.Series(self.columns[axis], dtype="int64") for axis in ("row", "column")}
        text = {name: interned(self.columns[name]) for name in ("name", "label", "notes")}
        return pd.DataFrame(
            {"name": text["name"], **pixels, "label": text["label"], "state": IMPORTED, "notes": text["notes"]}
        )


def _pixels(
    cpc: Cpc, scale: int, where: str, problems: Problems
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Row, column, and whether it lies within the photo, of each point: (N,) each."""
    pixels, good = {}, np.ones(len(cpc.x), bool)
    for axis, values, units in (("row", cpc.y, cpc.height), ("column", cpc.x, cpc.width)):
        lengths = np.asarray(values)
        cells = np.rint(np.clip(lengths, -1e9, 1e9) / scale).astype(np.int64)
        edge = (cells == units // scale) & (lengths <= units)
        cells[edge] -= 1  # the very edge is of the last pixel
        beyond = (cells < 0) | (cells >= units // scale)
        for place in np.flatnonzero(beyond & good):
            problems.add(7 + int(place), f"{where}the {axis} of the point, {lengths[place]:g} units or pixel "
                         f"{cells[place]}, lies beyond the photo of {units // scale} px; left out.")  # fmt: skip
        good &= ~beyond
        pixels[axis] = cells
    return pixels["row"], pixels["column"], good


def write(
    folder: str | Path, rows: pd.DataFrame, photos: pd.DataFrame, *, code_path: str = "", image_folder: str = "",
    notes: bool = False,
) -> list[str]:  # fmt: skip
    """Write a .cpc file a photo, with all of its points.

    A photo that came from a .cpc file and has the same points still gets that file again with nothing changed but
    labels; others get a new one at 15 units a pixel.

    Args:
        folder: where to; folders in the names of photos are made below.
        rows: as `Read.rows`, points of a photo in their order.
        photos: `name`; `width` and `height` in pixels; and `KEPT` where they came from such files.
        code_path: of CPCe's code file on the computer where it runs.
        image_folder: with the photos on that computer.
        notes: whether a label `code+note` is split into code and note.

    Returns:
        What whoever opens the files must know, in sentences.

    Raises:
        BadInput: a photo of unknown size, or two that would share a file; then nothing is written.
        Unwritable: a file cannot be written.
    """
    told: list[str] = []
    changed: list[str] = []
    odd: list[str] = []
    points = dict(list(rows.groupby("name", sort=False)))
    files: dict[str, str] = {}
    contents: dict[Path, bytes] = {}
    for photo in photos.to_dict("records"):
        name = str(photo["name"])
        if name not in points:
            continue
        text, encoding = _text(photo, points[name], code_path, image_folder, notes, changed, odd)
        target = file_name(photo)
        if target.lower() in files:
            raise BadInput(f"{name} and {files[target.lower()]} would both be written as {target}. Rename one of them.")
        files[target.lower()] = name
        contents[Path(folder, target)] = text.encode(encoding)
    for path, content in contents.items():
        _put(path, content)
    homeless = [name for name in points if name not in files.values()]
    if homeless:
        told.append(f"{len(homeless)} photos with points are not in the table of photos, '{homeless[0]}' for one; "
                    "nothing is written for them.")  # fmt: skip
    return told + _told_of(changed, odd, [label for label in rows["label"].unique() if '"' in str(label)])


def _told_of(changed: list[str], odd: list[str], quoted: list[str]) -> list[str]:
    """One sentence for all photos: a survey has thousands."""
    told = []
    if changed:
        have, it = ("has", "a new file is written") if len(changed) == 1 else ("have", "new files are written")
        their = "its .cpc file" if len(changed) == 1 else "their .cpc files"
        told.append(f"{_some(changed)} {have} other points than {their} had; {it}.")
    if odd:
        they = "The file of {} holds" if len(odd) == 1 else "The files of {} hold"
        are = "it is" if len(odd) == 1 else "they are"
        told.append(f"{they.format(_some(odd))} letters that CPCe may not show; {are} written as UTF-8.")
    if quoted:
        told.append(f"CPCe's files cannot hold quotation marks: those of {_some(quoted)} are left out. Rename the "
                    "labels if others are called the same without.")  # fmt: skip
    return told


def _some(names: list[str]) -> str:
    """The first, and how many more."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _put(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all. There are thousands: none waits for the disk, as `replacing` does."""
    part = path.with_name(f"{path.stem}.part{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise Unwritable(f"{path} cannot be written: {error.strerror or error}.") from error


def file_name(photo: Mapping[object, object]) -> str:
    """What the file of a photo is called: as it was, or else as CPCe does, .cpc in place of the extension."""
    before = str(photo.get("cpc_file") or "")
    path = PureWindowsPath(before or str(photo["name"]))
    parts = [part for part in path.parts if part not in (path.anchor, "..", ".")]
    return PureWindowsPath(*parts).with_suffix(".cpc" if not before else path.suffix).as_posix()


def _text(
    photo: Mapping[object, object],
    points: pd.DataFrame,
    code_path: str,
    image_folder: str,
    notes: bool,
    changed: list[str],
    odd: list[str],
) -> tuple[str, str]:
    """Text and encoding of the file of one photo."""
    labels = points["label"].tolist()
    split = [[*label.split("+", 1), ""][:2] if notes else [label, ""] for label in labels]
    codes = [code for code, _ in split]
    before = _same_points(photo, points)
    if before is not None:
        # A survey spells a code in one way, whatever its files do.
        codes = [old if key_of(old) == key_of(new) else new for old, new in zip(before.codes, codes, strict=True)]
        text = cpcfile.relabelled(before, codes, [note for _, note in split] if notes else None)
        return text, _encoding(text, str(photo.get("cpc_encoding") or "cp1252"), photo, odd)
    width, height = (_side(photo.get(side)) for side in ("width", "height"))
    if not width or not height:
        raise BadInput(f"The size of {photo['name']} is unknown, and a .cpc file must tell it. Import the photo first.")
    if photo.get("cpc_text"):
        changed.append(str(photo["name"]))
    own = points["notes"].tolist() if "notes" in points and not notes else [note for _, note in split]
    image = str(PureWindowsPath(image_folder, str(photo["name"])))
    text = cpcfile.made(
        image, code_path, (width, height), points["row"].tolist(), points["column"].tolist(), codes, own
    )
    return text, _encoding(text, "cp1252", photo, odd)


def _same_points(photo: Mapping[object, object], points: pd.DataFrame) -> Cpc | None:
    """The file that the photo came from, if it still has the same points."""
    if not isinstance(photo.get("cpc_text"), str) or not photo["cpc_text"]:
        return None
    cpc = cpcfile.parse(str(photo["cpc_text"]))
    width = _side(photo.get("width"))
    if len(cpc.x) != len(points) or not width or cpc.width % width:
        return None
    rows, columns, good = _pixels(cpc, cpc.width // width, "", Problems())
    same = good.all() and np.array_equal(rows, points["row"]) and np.array_equal(columns, points["column"])
    return cpc if same else None


def _side(value: object) -> int:
    """Pixels; 0 when unknown."""
    try:
        number = float(str(value))
    except ValueError:
        return 0
    return int(number) if 0 < number < np.inf else 0


def _encoding(text: str, wanted: str, photo: Mapping[object, object], odd: list[str]) -> str:
    """The encoding wanted if it has all letters, else UTF-8."""
    try:
        text.encode(wanted)
    except UnicodeEncodeError:
        odd.append(str(photo["name"]))
        return "utf-8"
    return wanted
