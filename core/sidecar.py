"""`<output>.quadrat.json` beside a result: which job, version and inputs made it, and what is worth knowing of it."""

import base64
import binascii
import hashlib
import html
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic import replacing
from .errors import BadInput
from .jobs.declare import Job
from .vector import parse_source
from .version import VERSION

FORMAT = 1
SUFFIX = ".quadrat.json"
WHOLE_BELOW_BYTES = 256 * 2**20
"""Files up to this size are hashed whole, about half a second; of larger ones a sixteenth, evenly spread."""
PIECE_BYTES = 2**16
STRIDE_BYTES = 2**20
SQLITE_HEADER = b"SQLite format 3\x00"
_VRT_SOURCE = re.compile(r"<(?:SourceFilename|SourceDataset)([^>]*)>([^<]+)<")


def sidecar_path(output: str) -> Path:
    """Where the sidecar of a result lies."""
    return Path(f"{output}{SUFFIX}")


def write_sidecar(
    output: str,
    job: Job,
    facts: Mapping[str, Any],
    *,
    inputs: Mapping[str, str],
    prints: Mapping[str, str] | None = None,
) -> None:
    """Write the sidecar of a result under a temporary name and rename it.

    Credits that licences ask for are handed on from the sidecars of the inputs: `facts.credits`.

    Args:
        output: path of the result.
        job: that made it.
        facts: plain JSON values; arrays go through `encode_arrays` first.
        inputs: paths of the files that decided the result, by field name of the job.
        prints: their fingerprints where they were taken before the work began.

    Raises:
        Unwritable: the folder cannot be written.
    """
    prints = {name: fingerprint(path) for name, path in inputs.items()} if prints is None else prints
    content = {
        "format": FORMAT,
        "version": VERSION,
        "job": job.to_dict(),
        "inputs": {name: {"path": path, "fingerprint": prints[name]} for name, path in inputs.items()},
        "facts": {**facts, **_credits(facts, inputs)},
    }
    with replacing(sidecar_path(output)) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def _credits(facts: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, list[str]]:
    """What must be named where the result is shown: its own credit, and those of what it was made of."""
    found: dict[str, None] = {}
    if facts.get("credit"):
        found[f"{facts['credit']} ({facts['licence']})" if facts.get("licence") else str(facts["credit"])] = None
    for path in inputs.values():
        sidecar = read_sidecar(parse_source(path).path)
        owed = sidecar["facts"].get("credits") if sidecar else None
        found |= dict.fromkeys(map(str, owed)) if isinstance(owed, list) else {}
    return {"credits": list(found)} if found else {}


def read_sidecar(output: str) -> dict[str, Any] | None:
    """The sidecar of a result, or None when there is none that can be read."""
    try:
        content = json.loads(sidecar_path(output).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("facts"), dict) else None


def inputs_unchanged(sidecar: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
    """True when the sidecar was made of files with the same content as these."""
    stored = sidecar.get("inputs")
    if not isinstance(stored, dict) or set(stored) != set(inputs):
        return False
    return all(stored[name].get("fingerprint") == fingerprint(path) for name, path in inputs.items())


def fingerprint(path: str) -> str:
    """Hash of a file's content; its folder, name and time stamp do not matter.

    A virtual raster counts with its sources, a shapefile with its companions. What SQLite changes in a GeoPackage
    when it is merely opened does not count.

    Raises:
        BadInput: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    file = Path(parse_source(path).path)
    try:
        for part in (file, *_companions(file)):
            digest.update(f"{part.suffix.lower()} {part.stat().st_size}\n".encode())
            for piece in _pieces(part):
                digest.update(piece)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    size = file.stat().st_size
    with open(file, "rb") as stream:
        head = stream.read(100)
        if head.startswith(SQLITE_HEADER):
            # Bytes 18 to 99 hold change counters and the journal mode, which a reader may change.
            yield head[:18]
        else:
            stream.seek(0)
        if size <= WHOLE_BELOW_BYTES:
            while piece := stream.read(STRIDE_BYTES):
                yield piece
            return
        for offset in (*range(0, size, STRIDE_BYTES), max(size - PIECE_BYTES, 0)):
            stream.seek(offset)
            yield stream.read(PIECE_BYTES)


def _companions(file: Path, deep: bool = True) -> list[Path]:
    suffix = file.suffix.lower()
    if suffix == ".vrt":
        found = []
        for attributes, name in _VRT_SOURCE.findall(file.read_text(encoding="utf-8", errors="replace")):
            source = Path(html.unescape(name))
            found.append(file.parent / source if 'relativeToVRT="1"' in attributes else source)
        there = {path for path in found if path.is_file() and path != file}
        # A series is a virtual raster, some of whose sources may be virtual rasters that bring a file onto its grid.
        if deep:
            nested = [path for path in there if path.suffix.lower() == ".vrt"]
            there |= {inner for path in nested for inner in _companions(path, False)}
        return sorted(there - {file})
    if suffix == ".shp":
        return [path for end in (".dbf", ".prj") if (path := file.with_suffix(end)).is_file()]
    log = file.with_name(file.name + "-wal")
    return [log] if suffix == ".gpkg" and log.is_file() and log.stat().st_size else []


def encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Arrays as base64 text of compressed .npy, without pickle."""
    texts = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(array, order="C"), allow_pickle=False)
        texts[name] = base64.b64encode(zlib.compress(buffer.getvalue(), 6)).decode("ascii")
    return texts


def decode_arrays(texts: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Arrays from `encode_arrays`.

    Raises:
        BadInput: damaged.
    """
    try:
        return {
            name: np.load(io.BytesIO(zlib.decompress(base64.b64decode(text, validate=True))), allow_pickle=False)
            for name, text in texts.items()
        }
    except (binascii.Error, zlib.error, ValueError, EOFError, AttributeError, TypeError) as error:
        raise BadInput("The arrays stored with an embedding are damaged; make the embedding again.") from error
