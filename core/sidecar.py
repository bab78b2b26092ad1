"""`<output>.quadrat.json` beside a result: which job, version and inputs made it, and what is worth knowing of it."""

import base64
import binascii
import contextlib
import hashlib
import html
import json
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from .arrays import array_of, npy_of
from .atomic import replacing
from .blocktable import block_table
from .errors import BadInput
from .jobs.addresses import is_remote
from .jobs.declare import Job
from .layersource import parse_source
from .remote import evidence
from .version import VERSION

FORMAT = 1
SUFFIX = ".quadrat.json"
WHOLE_BELOW_BYTES = 256 * 2**20
"""Files up to this size are hashed whole, about half a second; of larger ones a sixteenth, see `fingerprint`."""
PIECE_BYTES = 2**16
STRIDE_BYTES = 2**20
MOST_BYTES = 2**29
"""Of one array in a sidecar."""
TABLE_BLOCKS = 20_000
"""Blocks of a large GeoTIFF whose place and length are looked at: a tenth of a second."""
MOST_ASKED = 64
"""Files on servers that are asked for, of those in one virtual raster."""
TIFF_HEADERS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
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
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("facts"), dict) else None


def inputs_unchanged(sidecar: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
    """True when the sidecar was made of files with the same content as these."""
    stored = sidecar.get("inputs")
    if not isinstance(stored, dict) or set(stored) != set(inputs):
        return False
    noted = {name: one.get("fingerprint") if isinstance(one, dict) else None for name, one in stored.items()}
    return all(noted[name] == fingerprint(path) for name, path in inputs.items())


def fingerprint(path: str) -> str:
    """Hash of a file's content; its folder, name and time stamp do not matter, so that copies count as equal.

    A virtual raster counts with its sources, a shapefile with its companions. What SQLite changes in a GeoPackage
    when it is merely opened does not count. Of what lies on a server see `remote.evidence`.

    Files up to `WHOLE_BELOW_BYTES` are hashed whole. Of a larger one 64 kB of each MB are, and its size; of a GeoTIFF
    also where its blocks lie and how long they are. So a change is missed only when it keeps the size and lies between
    two pieces: with 15 of 16 where a single pixel of an uncompressed file is changed in place, with (15 - n/64 kB) of
    16 for n bytes in a row, never from 960 kB on; n bytes in each of many lines come near never at some 50 lines. In a
    compressed GeoTIFF a changed block keeps its length about once in a thousand times.

    Raises:
        BadInput: a file cannot be read.
    """
    source = parse_source(path).path
    if is_remote(source):
        return evidence(source)
    digest = hashlib.blake2b(digest_size=16)
    file = Path(source)
    try:
        for part in files_of(source):
            digest.update(f"{part.suffix.lower()} {part.stat().st_size}\n".encode())
            for piece in _pieces(part):
                digest.update(piece)
            for address in _sources_elsewhere(part):
                digest.update(evidence(address).encode())
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def files_of(path: str) -> list[Path]:
    """The file and those here that count with it.

    Raises:
        OSError: a virtual raster cannot be read.
    """
    return [Path(path), *_companions(Path(path))]


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
    if head.startswith(TIFF_HEADERS):
        yield "\n".join(_blocks(file)).encode()


def _blocks(file: Path) -> Iterator[str]:
    """Of a file that is no whole TIFF nothing: whoever reads it will say so."""
    with contextlib.suppress(RasterioError), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(file) as dataset:
            yield from block_table(dataset, TABLE_BLOCKS)


def _sources_elsewhere(file: Path) -> list[str]:
    """Some of the files on servers that a virtual raster is made of: asking for all of a large mosaic takes long."""
    if file.suffix.lower() != ".vrt":
        return []
    names = {html.unescape(name) for _, name in _VRT_SOURCE.findall(file.read_text("utf-8", "replace"))}
    there = sorted(name for name in names if is_remote(name))
    return there[:: -(-len(there) // MOST_ASKED)] if there else []


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
        texts[name] = base64.b64encode(zlib.compress(npy_of(array), 6)).decode("ascii")
    return texts


def _inflated(packed: bytes) -> bytes:
    """Raises ValueError for what would fill the memory."""
    inflator = zlib.decompressobj()
    body = inflator.decompress(packed, MOST_BYTES)
    if not inflator.eof:
        raise ValueError("cut off, or larger than any array of an embedding")
    return body


def decode_arrays(texts: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Arrays from `encode_arrays`.

    Raises:
        BadInput: damaged.
    """
    try:
        return {
            name: array_of(_inflated(base64.b64decode(text, validate=True)), "biufU") for name, text in texts.items()
        }
    except (binascii.Error, zlib.error, ValueError, EOFError, AttributeError, TypeError) as error:
        raise BadInput("The arrays stored with an embedding are damaged; make the embedding again.") from error
