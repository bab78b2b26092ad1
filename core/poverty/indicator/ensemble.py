"""Models taught on different parts of the places, together in one file `.qseries`, and what they said elsewhere.

Every place that was tested was told by a model that had not seen it; from these answers come scores and errors.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput, VersionMismatch
from ...heads.storage import HEAD, load_arrays, load_head, save_head
from ...jobs.poverty.train import BLOCKS, RANDOM
from ...progress import Progress
from ..methodlist import NETWORKS
from ..teaching.chipstore import ChipStore
from ..teaching.columns import Columns
from ..teaching.statistics import names, statistics
from ..transformers.seriesmodel import FORMAT, SeriesModel, model_of, need_torch
from .tensorzip import pack, read_facts, unpack

Float = NDArray[np.float64]
Int = NDArray[np.int64]
HELD = "held"
"""Before the names of tensors that hold tests."""
REGION = "region"
TESTS = (BLOCKS, RANDOM, REGION)
"""In order of trust: whole squares kept apart; places drawn at random; a region that no model learnt from."""


@dataclass(frozen=True)
class Held:
    """What was said of N places by models that had not seen them.

    Of squares and of random places each is there once; of a held-out region once for each model.

    Attributes:
        truth: (N, T) NaN where not known.
        said: (N, T) NaN where never tested, or not seen.
        turn: (N,) which model said it; -1 where none.
        block: (N,) what was kept together.
        xy: (N, 2) metres, in which distances are true only roughly; NaN where not known.
        region: (N,) code into `facts["regions"]`; -1 where not known.
    """

    truth: Float
    said: Float
    turn: Int
    block: Int
    xy: Float
    region: Int

    @property
    def whole(self) -> bool:
        """Whether all are of the same places and dates."""
        places = len(self.turn)
        one_each = all(
            part.shape == (places,) and part.dtype.kind == "i" for part in (self.turn, self.block, self.region)
        )
        two = self.truth.ndim == 2 and self.truth.shape == self.said.shape and self.xy.shape == (places, 2)
        return bool(one_each and two and len(self.truth) == places)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True)
class Ensemble:
    """One to five models.

    Attributes:
        facts: plain JSON values that all share: method, predicted, indicator, dates, bands, cell_px, regions, tests,
            headline, job.
        members: networks, or heads on columns of numbers: statistics of each image, or where the facts hold an
            `embedding` vectors of that backbone.
        tests: by name, in the order of `TESTS`; at least one.
    """

    facts: dict[str, Any]
    members: tuple[Any, ...]
    tests: dict[str, Held]

    @property
    def held(self) -> Held:
        """The most trusted test."""
        return next(iter(self.tests.values()))

    @property
    def embedding(self) -> dict[str, Any]:
        """Of the backbone whose vectors the heads take; empty where there is none."""
        found: dict[str, Any] = self.facts.get("embedding") or {}
        return found

    def predict(self, store: ChipStore, progress: Progress, device: str = "auto", threads: int = 0) -> Float:
        """(M, N, T) of each member; NaN at dates that are not seen.

        Raises:
            BadInput: other dates, bands or pixels than the models'.
            Cancelled: the user stopped it.
        """
        if self.facts["method"] in NETWORKS:
            from ..transformers.predicting import predict

            parts = [
                progress.part(k / len(self.members), (k + 1) / len(self.members)) for k in range(len(self.members))
            ]
            return np.stack([predict(m, store, p, device, threads) for m, p in zip(self.members, parts, strict=True)])
        self._check(store)
        told = statistics(store, progress)
        columns = Columns.of(told)
        return np.stack([columns.told_by(member) for member in self.members])

    def _check(self, store: ChipStore) -> None:
        wanted = len(self.facts["bands"]), self.facts["cell_px"]
        if (store.bands, store.cell_px) != wanted:
            raise BadInput(
                f"The model takes {wanted[0]} bands ({', '.join(self.facts['bands'])}) of cells of {wanted[1]} px; "
                f"these are {store.bands} bands of cells of {store.cell_px} px. Choose the bands that it learnt from."
            )


def save_ensemble(path: str, ensemble: Ensemble) -> None:
    """Write under a temporary name and rename.

    Raises:
        Unwritable: the folder cannot be written.
    """
    facts = {"format": FORMAT, **ensemble.facts}
    if ensemble.facts["method"] not in NETWORKS:
        if not ensemble.facts.get("embedding"):
            facts["columns"] = names(ensemble.facts["bands"])
        save_head(path, facts, list(ensemble.members), _arrays(ensemble.tests))
        return
    import torch

    tensors = {
        f"{HELD}.{name}": torch.from_numpy(np.ascontiguousarray(array))
        for name, array in _arrays(ensemble.tests).items()
    }
    for number, member in enumerate(ensemble.members):
        tensors |= {f"{number}.{name}": value for name, value in member.network.state_dict().items()}
    pack(path, {**facts, "members": [member.facts for member in ensemble.members]}, tensors)


def load_ensemble(path: str) -> Ensemble:
    """Read a `.qseries`.

    Raises:
        BadInput: missing, damaged, or of another kind.
        VersionMismatch: written by a newer Quadrat.
        EngineTooSmall: networks without PyTorch.
    """
    if _is_head(path):
        facts, members = load_head(path)
        _check_format(facts, path)
        if not isinstance(members, (list, tuple)):
            raise BadInput(f"{path} is no model of 'Train indicator'.")
        return Ensemble(facts, tuple(members), _tests(load_arrays(path), path))
    _check_format(read_facts(path), path)
    need_torch()
    facts, tensors = unpack(path)
    try:
        members = [
            model_of(
                one, {key.partition(".")[2]: value for key, value in tensors.items() if key.startswith(f"{k}.")}, path
            )
            for k, one in enumerate(facts["members"])
        ]
    except (KeyError, TypeError) as error:
        raise BadInput(f"The model {path} is damaged or of another kind ({error}). Train it again.") from error
    arrays = {key.partition(".")[2]: value.numpy() for key, value in tensors.items() if key.startswith(f"{HELD}.")}
    return Ensemble(facts, tuple(members), _tests(arrays, path))


def first_network(path: str) -> SeriesModel:
    """A network to start from: the first of a model.

    Raises:
        BadInput: as `load_ensemble`, or a model of heads.
    """
    found = load_ensemble(path)
    if found.facts["method"] not in NETWORKS:
        raise BadInput(f"{path} is a model of the method {found.facts['method']}, which no transformer can start from.")
    return found.members[0]  # type: ignore[no-any-return]


def _is_head(path: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return HEAD in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _check_format(facts: Mapping[str, Any], path: str) -> None:
    if not isinstance(facts.get("format"), int) or facts["format"] > FORMAT:
        raise VersionMismatch(f"The model {path} was made by a newer version of Quadrat. Update the plugin.")
    if not {"method", "predicted", "dates", "bands", "cell_px"} <= set(facts):
        raise BadInput(f"{path} is no model of 'Train indicator'.")


def _arrays(tests: Mapping[str, Held]) -> dict[str, NDArray[Any]]:
    return {f"{test}.{name}": array for test, held in tests.items() for name, array in held.arrays().items()}


def _tests(arrays: Mapping[str, NDArray[Any]], path: str) -> dict[str, Held]:
    there = [test for test in TESTS if any(name.startswith(f"{test}.") for name in arrays)]
    try:
        found = {test: Held(**{one.name: arrays[f"{test}.{one.name}"] for one in fields(Held)}) for test in there}
    except KeyError as error:
        raise BadInput(f"The model {path} is damaged: it lacks {error}. Train it again.") from error
    if not found:
        raise BadInput(f"The model {path} is damaged: it lacks its tests. Train it again.")
    if not all(held.whole for held in found.values()):
        raise BadInput(f"The model {path} is damaged: its tests do not belong together. Train it again.")
    return found
