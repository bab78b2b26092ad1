"""Facts and arrays of a network in one zip, `facts.json` and `weights.safetensors`: no pickle, no code, equal bytes."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arrays import BAD_ARCHIVE
from ...atomic import replacing
from ...errors import BadInput

if TYPE_CHECKING:
    import torch

FACTS, WEIGHTS = "facts.json", "weights.safetensors"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamp of both members, so that equal networks are equal files."""
MOST_BYTES = 2 * 2**30
"""Unpacked size above which a file is not read."""


def pack(path: str, facts: Mapping[str, Any], tensors: "Mapping[str, torch.Tensor]") -> None:
    """Write under a temporary name and rename.

    Args:
        path: of the zip.
        facts: plain JSON values.
        tensors: of any device.

    Raises:
        Unwritable: the folder cannot be written.
    """
    from safetensors.torch import save

    # One at a time from the card to the processor, in the order of names, as safetensors would sort them itself.
    body = save({name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)})
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content, how in ((FACTS, text.encode(), zipfile.ZIP_DEFLATED), (WEIGHTS, body, zipfile.ZIP_STORED)):
            member = zipfile.ZipInfo(name, date_time=EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, compress_type=how, compresslevel=6)


def read_facts(path: str) -> dict[str, Any]:
    """The facts alone; needs no PyTorch.

    Raises:
        BadInput: missing, cut off, or no such file.
    """
    return _read(path, weights=False)[0]


def unpack(path: str) -> "tuple[dict[str, Any], dict[str, torch.Tensor]]":
    """Facts, and arrays on the processor.

    Raises:
        BadInput: missing, cut off, damaged, or no such file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    facts, body = _read(path, weights=True)
    try:
        return facts, load(body)
    except (SafetensorError, ValueError) as error:
        raise BadInput(f"The weights in {path} are damaged ({error}). Train the model again.") from error


def _read(path: str, weights: bool) -> tuple[dict[str, Any], bytes]:
    if not Path(path).is_file():
        raise BadInput(f"There is no file {path}.")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                raise BadInput(f"{path} unpacks to more than {MOST_BYTES // 2**30} GB; that is no model of Quadrat.")
            facts = json.loads(archive.read(FACTS))
            body = archive.read(WEIGHTS) if weights else b""
    except BAD_ARCHIVE as error:
        raise BadInput(f"{path} is not a model for series, or it is cut off ({error}).") from error
    if not isinstance(facts, dict):
        raise BadInput(f"{path} is not a model for series: its {FACTS} is no object.")
    return facts, body
