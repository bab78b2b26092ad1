"""Weights: where they lie, whether they are whole, and reading them without running anything that is in them.

Only tensors are read: safetensors, or torch files through `weights_only`. Nothing is downloaded unless asked for.
"""

import hashlib
import json
import os
import pickle  # nosec B403 - only for the name of its error; nothing is unpickled
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .card import Source
from .errors import UnusableModel, WeightsNotFound

if TYPE_CHECKING:
    import torch

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Keys under which training programs keep the tensors, in timm's order of preference."""


def store() -> Path | None:
    """Quadrat's own folder of weights; None where `QUADRAT_HOME` is not set."""
    home = os.environ.get("QUADRAT_HOME", "")
    return Path(home) / "weights" if home else None


def find_weights(source: Source, path: str, *, download: bool, log: Callable[[str], None]) -> Path:
    """The file that holds the weights.

    Args:
        source: the model.
        path: a file that the user named; empty: Quadrat's store, then the cache of the Hugging Face hub.
        download: fetch what is in neither.
        log: told what is fetched.

    Raises:
        WeightsNotFound: they are nowhere, or could not be fetched.
        UnusableModel: a file of the store is not what was once fetched.
    """
    if path:
        if Path(path).is_file():
            return Path(path)
        raise WeightsNotFound(f"The weights file {path} does not exist. Choose the file of {source.name}.")
    found = _in_store(source.name) or _in_hub_cache(source)
    if found:
        return found
    if download:
        return _fetch(source, log)
    raise WeightsNotFound(_how_to_get(source))


def _in_store(name: str) -> Path | None:
    folder = store()
    for suffix in SUFFIXES if folder else ():
        path = Path(str(folder)) / f"{_file_stem(name)}{suffix}"
        if path.is_file():
            _check_record(path)
            return path
    return None


def _file_stem(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in name)


def _check_record(path: Path) -> None:
    """Compares a file of the store with the hash noted when it was fetched.

    Raises:
        UnusableModel: they differ.
    """
    record = path.with_suffix(".json")
    if not record.is_file():
        return
    expected = json.loads(record.read_text(encoding="utf-8")).get("sha256", "")
    if expected and expected != sha256_of(path):
        raise UnusableModel(
            f"The weights file {path} has changed since it was downloaded (its SHA-256 no longer matches). "
            "Delete it and download it again."
        )


def _in_hub_cache(source: Source) -> Path | None:
    if not source.repo_id:
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    for file_name in source.file_names:
        found = try_to_load_from_cache(source.repo_id, file_name, revision=source.revision or None)
        if isinstance(found, str):
            return Path(found)
    return None


def _how_to_get(source: Source) -> str:
    """One sentence: what is missing, how large it is, under which licence, and the two ways to get it."""
    size = f", about {max(1, source.megabytes)} MB" if source.megabytes else ""
    licence = f", licence {source.licence}" if source.licence else ", licence not stated"
    where = f" ({source.repo_id or source.url})" if source.repo_id or source.url else ""
    folder = store()
    place = f" or put it at {folder / _file_stem(source.name)}.safetensors" if folder else ""
    ways = f"choose a file that you have as 'Weights file'{place}"
    if source.repo_id or source.url:
        ways = f"tick 'Download weights that are missing', or {ways}"
    return f"The weights of {source.name}{size}{licence}{where} are not on this computer: {ways}."


def _fetch(source: Source, log: Callable[[str], None]) -> Path:
    """Downloads into the store under a temporary name, notes hash and revision, and renames.

    Raises:
        WeightsNotFound: no address is known, or the network or the hub refused.
    """
    folder = store()
    if folder is None:
        raise WeightsNotFound(
            f"The weights of {source.name} cannot be downloaded because QUADRAT_HOME, the folder to keep them in, is "
            "not set. Set it, or choose a weights file."
        )
    if not (source.repo_id or source.url):
        raise WeightsNotFound(_how_to_get(source))
    folder.mkdir(parents=True, exist_ok=True)
    log(f"Downloading the weights of {source.name} from {source.repo_id or source.url} (licence: {source.licence}).")
    try:
        fetched, revision = _from_hub(source, folder) if source.repo_id else (_from_url(source, folder), "")
    except Exception as error:
        # The hub's client raises classes of several HTTP libraries; none of them is known here.
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsNotFound(
            f"The weights of {source.name} could not be downloaded from {source.repo_id or source.url}: {reason}. "
            "Check the network and the proxy; if the model asks for it, accept its licence on its page first; or "
            "choose a weights file."
        ) from error
    target = folder / f"{_file_stem(source.name)}{fetched.suffix}"
    facts = {"sha256": sha256_of(fetched), "repo_id": source.repo_id, "url": source.url, "revision": revision}
    record = target.with_suffix(".json")
    record.write_text(json.dumps({**facts, "licence": source.licence}, indent=1), encoding="utf-8")
    os.replace(fetched, target)
    return target


def _from_hub(source: Source, folder: Path) -> tuple[Path, str]:
    """File and commit."""
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().model_info(source.repo_id, revision=source.revision or None)
    present = {sibling.rfilename for sibling in info.siblings or ()}
    name = next((name for name in source.file_names if name in present), source.file_names[0])
    path = hf_hub_download(source.repo_id, name, revision=info.sha, local_dir=folder / "fetching" / source.name)
    return Path(path), str(info.sha)


def _from_url(source: Source, folder: Path) -> Path:
    from torch.hub import download_url_to_file

    suffix = Path(source.url.split("?")[0]).suffix
    target = folder / "fetching" / f"{_file_stem(source.name)}{suffix if suffix in SUFFIXES else '.pth'}"
    target.parent.mkdir(parents=True, exist_ok=True)
    download_url_to_file(source.url, str(target), progress=False)
    return target


def sha256_of(path: str | Path) -> str:
    """Sha256 of a file, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_tensors(path: Path) -> dict[str, "torch.Tensor"]:
    """The tensors of a weights file, without running any code in it.

    Raises:
        UnusableModel: the file is truncated, holds code, or holds something else than named tensors.
    """
    import torch

    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content:
        raise UnusableModel(f"The file {path} holds no named tensors, so it cannot be the weights of a network.")
    tensors = {str(key).removeprefix("module."): value for key, value in content.items()}
    odd = [key for key, value in tensors.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise UnusableModel(f"The file {path} holds '{odd[0]}', which is not a tensor; a file of weights is needed.")
    return tensors


def read_groups(path: Path) -> dict[str, dict[str, "torch.Tensor"]]:
    """The tensors of a file that keeps several networks, each under a name of its own.

    Either state dicts in a dict, or one flat state dict whose names begin with that of the network and a dot.

    Raises:
        UnusableModel: the file is truncated, holds code, or holds something else than such groups of tensors.
    """
    import torch

    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if not isinstance(content, Mapping) or not content:
        raise UnusableModel(f"The file {path} holds no named tensors, so it cannot be the weights of a network.")
    groups: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in content.items():
        inside = value if isinstance(value, Mapping) else {"": value}
        for name, tensor in inside.items():
            full = f"{key}.{name}" if name else str(key)
            if not isinstance(tensor, torch.Tensor):
                raise UnusableModel(f"The file {path} holds '{full}', which is not a tensor; weights are needed.")
            group, _, rest = full.partition(".")
            groups.setdefault(group, {})[rest] = tensor
    return groups


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UnusableModel(_damaged(path)) from error


def _read_torch(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights" not in str(error).lower():
            raise UnusableModel(_damaged(path)) from error
        raise UnusableModel(
            f"The weights file {path} holds Python code or objects besides tensors. Loading it could run that code, "
            "so it is refused. Save the state_dict alone, best as safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, struct.error, KeyError) as error:
        raise UnusableModel(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"The weights file {path} is damaged or cut short. Copy or download it again."
