"""Weights into the store, from the network or from a file; and what is done with those that are there."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...models import errors
from ...models.card import Source
from ...models.registry import BACKBONES
from ...models.weights import fetching, moving, records, store
from ...models.weights.place import ready_folder, size_text, store_folder
from ..errors import BadInput, BadJob, EngineTooSmall, QuadratError, Unwritable, WeightsMissing
from ..jobs.declare import Result
from ..jobs.weights import BY_NAME, FetchWeights, ManageWeights
from ..progress import Progress

ALMOST = 0.99
"""What is left for the last look at a file."""
KINDS: tuple[tuple[type[errors.ModelError], type[QuadratError]], ...] = (
    (errors.LicenceNotAccepted, BadJob),
    (errors.WeightsNotFound, WeightsMissing),
    (errors.MissingLibrary, EngineTooSmall),
    (errors.NoRoom, Unwritable),
    (errors.ModelError, BadInput),
)


def run(job: FetchWeights, progress: Progress) -> Result:
    """Bring the weights of a backbone into the store, unless they are there and whole.

    Raises:
        WeightsMissing: they cannot be had; says why.
        BadInput: the file is not what it should be.
        BadJob: the licence must be accepted first.
        Unwritable: the disk is too full or read-only.
    """
    with translated():
        source = source_of(job)
        folder = ready_folder()
        progress.info(_terms(source))
        if job.accept_licence:
            records.accept_licence(source, folder)
        records.check_licence(source, folder)
        path, how = _get(source, job.file, _teller(progress), progress)
        record = store.check(path, source)
    facts = {
        "name": source.name, "path": str(path), "bytes": record.bytes, "sha256": record.sha256, "how": how,
        "licence": source.licence, "origin": record.origin, "revision": record.revision,
        "sentence": f"The weights of {source.name} ({size_text(record.bytes)}) {_WAYS[how]}: {path}",
    }  # fmt: skip
    progress.info(f"{facts['sentence']} (SHA-256 {record.sha256[:16]}…)")
    return Result(job.facts.id, {}, facts)


_WAYS = {"there": "were there already", "copied": "were copied into the store", "downloaded": "were downloaded"}


def run_manage(job: ManageWeights, progress: Progress) -> Result:
    """List, verify, delete or move.

    Raises:
        WeightsMissing: there are none of that name.
        BadInput: the folder does not do.
        Unwritable: the disk is too full or read-only.
    """
    with translated():
        facts: dict[str, Any] = _WORK[job.what](job, progress)
        facts = {"what": job.what, "folder": str(store_folder() or ""), **facts}
    progress.info(facts["sentence"])
    return Result(job.facts.id, {}, facts)


def source_of(job: FetchWeights) -> Source:
    """Whose weights are meant.

    Raises:
        BadJob: the backbone has none.
        ModelError: no such model.
    """
    card = BACKBONES[job.backbone]
    if card.name == BY_NAME:
        missing = [name for name in card.requirements if importlib.util.find_spec(name) is None]
        if missing:
            raise EngineTooSmall('timm needs the full engine: run "Set up the engine" and choose full.')
        from ...models.definitions import timm_model

        return timm_model.source_of(job.model)
    if card.weights is None:
        raise BadJob(f"Backbone {card.name} has no weights to get: it works without, or takes a file of yours.")
    return card.weights


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the store as those that travel to the user."""
    try:
        yield
    except errors.ModelError as error:
        wire = next(wire for model, wire in KINDS if isinstance(error, model))
        raise wire(str(error)) from error


def _get(source: Source, own: str, tick: Callable[[int, int, str], None], progress: Progress) -> tuple[Path, str]:
    """The file in the store, and how it came there."""
    if own:
        return store.take_in(Path(own), source, tick), "copied"
    try:
        there = store.find(source, tick)
    except errors.UnusableModel as error:
        # What is fetched anew is held to the hash of the record, so that a changed file cannot be put in its place.
        progress.warning(f"{error} It is downloaded again.")
        there = None
    if there:
        return there, "there"
    return fetching.fetch(source, tick, progress.info), "downloaded"


def _terms(source: Source) -> str:
    size = f", {size_text(source.bytes or 4 * source.parameters)}" if source.bytes or source.parameters else ""
    where = f", {source.licence_url}" if source.licence_url else ""
    return f"Weights of {source.name}{size}. Licence: {source.licence or 'not stated'}{where}."


def _teller(progress: Progress) -> Callable[[int, int, str], None]:
    """Bytes as progress; what follows the main work (checking the file) does not throw it back."""
    reached = [0.0]

    def tick(done: int, total: int, text: str) -> None:
        reached[0] = max(reached[0], min(done / total, ALMOST) if total else 0.0)
        progress.checkpoint(reached[0], text)

    return tick


def _list(job: ManageWeights, progress: Progress) -> dict[str, Any]:
    found = store.entries()
    for entry in found:
        licence = entry.record.licence if entry.record else ""
        progress.info(f"{entry.name}: {size_text(entry.bytes)}, {licence or 'licence not noted'}, {entry.path.name}")
    have, halves = {entry.name for entry in found}, store.unfinished()
    for name, size in halves.items():
        progress.info(f"{name}: {size_text(size)} of a download that was not finished; 'Get weights' goes on with it.")
    return {
        "files": [_facts(entry) for entry in found],
        "missing": [card.name for card in BACKBONES.values() if card.weights and card.weights.name not in have],
        "unfinished": halves,
        "sentence": f"{_count(found)} in {store_folder()}, {_size(found)} in all.",
    }


def _verify(job: ManageWeights, progress: Progress) -> dict[str, Any]:
    known = {card.weights.name: card.weights for card in BACKBONES.values() if card.weights}
    found = store.entries(_teller(progress), known)
    bad = [entry for entry in found if entry.problem]
    for entry in bad:
        progress.warning(entry.problem)
    words = "all whole and unchanged" if not bad else f"{len(bad)} not as they should be"
    return {
        "files": [_facts(entry) for entry in found],
        "damaged": len(bad),
        "sentence": f"{_count(found)} read ({_size(found)}): {words if found else 'nothing to verify'}.",
    }


def _delete(job: ManageWeights, progress: Progress) -> dict[str, Any]:
    freed = store.delete(job.name)
    return {"bytes": freed, "sentence": f"The weights {job.name} are deleted; {size_text(freed)} are free again."}


def _move(job: ManageWeights, progress: Progress) -> dict[str, Any]:
    moved = moving.move(Path(job.folder), _teller(progress))
    return {"bytes": moved, "sentence": f"The weights lie in {store_folder()} now; {size_text(moved)} were moved."}


_WORK: dict[str, Callable[[ManageWeights, Progress], dict[str, Any]]] = {
    "list": _list, "verify": _verify, "delete": _delete, "move": _move,
}  # fmt: skip


def _facts(entry: store.Entry) -> dict[str, Any]:
    record = entry.record or records.Record(entry.name, entry.path.name, "")
    values = {name: getattr(record, name) for name in ("sha256", "origin", "revision", "licence", "noted")}
    return {"name": entry.name, "path": str(entry.path), "bytes": entry.bytes, **values, "problem": entry.problem}


def _count(found: list[store.Entry]) -> str:
    return f"{len(found)} file{'' if len(found) == 1 else 's'} of weights"


def _size(found: list[store.Entry]) -> str:
    return size_text(sum(entry.bytes for entry in found))
