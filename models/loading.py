"""Weights: where they lie, whether they are whole, and reading them without running anything that is in them.

Only tensors are read: safetensors, or torch files through `weights_only`. Nothing is downloaded unless asked for.
"""

import pickle  # nosec B403 - only for the name of its error; nothing is unpickled
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .card import Source
from .errors import UnusableModel, WeightsNotFound
from .weights import looks
from .weights import store as weights_store
from .weights.fetching import fetch
from .weights.hashes import known_hash, refuse_other, sha256_of
from .weights.place import store_folder
from .weights.records import check_licence
from .weights.web import addresses

if TYPE_CHECKING:
    import torch

__all__ = ["find_weights", "how_to_get", "read_groups", "read_tensors", "sha256_of", "store"]

WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Keys under which training programs keep the tensors, in timm's order of preference."""


def store() -> Path | None:
    """Quadrat's own folder of weights; None where `QUADRAT_HOME` is not set."""
    return store_folder()


def find_weights(
    source: Source, path: str, *, download: bool, log: Callable[[str], None], look: Callable[[], None] = lambda: None
) -> Path:
    """The file that holds the weights.

    Args:
        source: the model.
        path: a file that the user named, who answers for its licence; empty: Quadrat's store, then the cache of
            the Hugging Face hub.
        download: fetch what is in neither.
        log: told what is fetched.
        look: called at least twice a second while a file is fetched or checked; what it raises ends that.

    Raises:
        WeightsNotFound: they are nowhere, or could not be fetched.
        UnusableModel: a file of the store is not what was once fetched.
        LicenceNotAccepted: it restricts use, and nobody has agreed to it yet.
    """
    if path:
        if Path(path).is_file():
            return Path(path)
        raise WeightsNotFound(f"The weights file {path} does not exist. Choose the file of {source.name}.")

    def tick(done: int, total: int, text: str) -> None:
        look()
        if text:
            log(text)

    found = weights_store.find(source, tick) or _in_hub_cache(source)
    if found:
        return found
    if download and addresses(source):
        log(f"Downloading the weights of {source.name} from {source.repo_id or source.url} ({_licence(source)}).")
        return fetch(source, tick, log)
    raise WeightsNotFound(how_to_get(source))


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
            check_licence(source, store())
            if known_hash(source):
                refuse_other(source, sha256_of(found), found)
            return Path(found)
    return None


def how_to_get(source: Source) -> str:
    """One sentence: what is missing, how large it is, under which licence, and the ways to get it."""
    size = f", about {max(1, source.megabytes)} MB" if source.megabytes else ""
    where = f" ({source.repo_id or source.url})" if source.repo_id or source.url else ""
    ways = "choose a file that you have as 'Weights file', or have 'Get weights' keep it"
    if source.repo_id or source.url:
        ways = f"run 'Get weights', or tick 'Download weights that are missing', or {ways}"
    return f"The weights of {source.name}{size}, {_licence(source)}{where} are not on this computer: {ways}."


def _licence(source: Source) -> str:
    return f"licence {source.licence}" if source.licence else "licence not stated"


def read_tensors(path: Path) -> dict[str, "torch.Tensor"]:
    """The tensors of a weights file, without running any code in it.

    Raises:
        UnusableModel: the file is truncated, holds code, or holds something else than named tensors.
    """
    import torch

    content = _read(path)
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

    content = _read(path)
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


def _read(path: Path) -> Any:
    """What is in a file, read in the way of its kind.

    Raises:
        UnusableModel: it is no file of weights, is named as another kind, is truncated, or holds code.
    """
    try:
        suffix = looks.suffix_of(path)
    except OSError as error:
        raise UnusableModel(f"The weights file {path} cannot be read: {error.strerror or error}.") from error
    return _read_safetensors(path) if suffix == ".safetensors" else read_pickled(path)


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UnusableModel(looks.damaged(path)) from error


def read_pickled(path: Path) -> Any:
    """What is in a file of PyTorch: tensors and plain values, and what the caller has declared safe besides.

    Raises:
        UnusableModel: it is damaged, or holds other objects, which are not made.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights" not in str(error).lower():
            raise UnusableModel(looks.damaged(path)) from error
        raise UnusableModel(
            f"The weights file {path} holds Python code or objects besides tensors. Loading it could run that code, "
            "so it is refused. Save the state_dict alone, best as safetensors."
        ) from error
    except MemoryError:
        raise
    except Exception as error:
        # A damaged file of this kind is a program that ends anywhere: it fails in any way that programs can.
        raise UnusableModel(looks.damaged(path)) from error
