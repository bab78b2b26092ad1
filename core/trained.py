"""A head read from its file, with everything that its file tells of classes, probabilities and training samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .applicability import Applicability
from .classes import ClassEntry, entries_from
from .conformal import Conformal
from .errors import BadInput, Stale
from .heads.build import with_threads
from .heads.storage import load_arrays, load_head
from .progress import Progress
from .samples import FeatureSpace

OLDER = "Train it again to have that."


@dataclass(frozen=True)
class Head:
    """A loaded head."""

    path: str
    facts: Mapping[str, Any]
    estimator: Any

    @classmethod
    def read(cls, path: str, threads: int) -> Self:
        """Load and check a head.

        Raises:
            BadInput: the file is damaged.
            QuadratError: as `load_head`.
        """
        facts, estimator = load_head(path)
        check_facts(facts, estimator, path)
        _try(estimator, len(facts["features"]["names"]), path)
        return cls(path, facts, with_threads(estimator, threads))

    @property
    def classes(self) -> tuple[ClassEntry, ...]:
        """Empty for values."""
        return entries_from(self.facts["classes"])

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        return [entry.name for entry in self.classes]

    def conformal(self) -> Conformal:
        """The threshold of conformal sets.

        Raises:
            BadInput: the head has none; says why.
        """
        known = self.facts.get("conformal")
        if known is None:
            why = self.facts.get("conformal_why") or f"it was made by an older version. {OLDER}"
            raise BadInput(f"The head {self.path} cannot tell unsure places: {why}")
        try:
            return Conformal.from_dict(known)
        except (KeyError, TypeError) as error:
            raise damaged(self.path) from error

    def trained_shares(self) -> NDArray[np.float64]:
        """(K,) how common the classes are to which its probabilities refer.

        Raises:
            BadInput: the head does not say.
        """
        known = self.facts.get("prevalence")
        if known is None:
            raise BadInput(
                f"The head {self.path} does not say to which prevalence its probabilities refer: it was made by an "
                f"older version. {OLDER}"
            )
        try:
            shares = np.array([float(known[name]) for name in self.names])
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(self.path) from error
        if not (shares > 0).all():
            raise damaged(self.path)
        return shares

    def applicability(self) -> Applicability:
        """Its training samples and their threshold.

        Raises:
            BadInput: the head holds none; says why.
        """
        if self.facts.get("applicability") is None:
            why = self.facts.get("applicability_why") or f"it was made by an older version. {OLDER}"
            raise BadInput(f"The head {self.path} cannot tell how unlike its training samples a place is: {why}")
        try:
            return Applicability.of(load_arrays(self.path), int(self.facts["features"]["D"]))
        except (ValueError, TypeError) as error:
            raise damaged(self.path) from error


def _try(estimator: Any, dimensions: int, path: str) -> None:
    """Ask once, so that a map does not find out in its middle that the parts of a head do not belong together.

    Raises:
        BadInput: it has no answer.
    """
    try:
        answer = estimator.predict(np.zeros((1, dimensions), np.float32))
        if np.shape(answer) != (1,):
            raise ValueError(np.shape(answer))
    except Exception as error:
        raise damaged(path) from error


def damaged(path: str) -> BadInput:
    """The error for a file whose parts do not belong together."""
    return BadInput(
        f"The head {path} is damaged: what it says of its classes or features is not whole. Train it again."
    )


def check_facts(facts: Mapping[str, Any], estimator: Any, path: str) -> None:
    """Refuse facts that lack what a map needs, or tell of other classes than the estimator knows.

    Raises:
        BadInput: the file is damaged, or was put together by hand.
    """
    if facts.get("task") == "settlement":
        raise BadInput(f"{path} holds favela methods, not a head. Give it to 'Map favelas'.")
    try:
        features = facts["features"]
        known = [features[name] for name in ("identity", "backbone", "source", "signed", "names", "D")]
        classes = entries_from(facts["classes"])
        whole = len(known[4]) == known[5] and bool(facts["task"]) and bool(facts["head"])
        whole &= len([entry.rgba for entry in classes]) == len(getattr(estimator, "classes_", ()))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        whole = False
    if not whole:
        raise damaged(path)


def check_space(head: Mapping[str, Any], here: FeatureSpace, path: str, progress: Progress) -> None:
    """Refuse vectors that mean something else than those the head was trained on.

    Raises:
        BadInput: the head wants the columns of a table.
        Stale: another space; the sentence names both and the way out.
    """
    wanted = head["features"]
    if wanted["source"] == "table":
        raise BadInput("This head was trained on columns of a table. Give a table with the same columns instead.")
    if wanted["identity"] == here.identity:
        return
    if wanted["signed"] or here.signed:
        theirs = f"the embedding space {wanted['identity'][:12]} ({wanted['backbone'] or 'plain bands'})"
        ours = f"{here.identity[:12]} ({here.backbone or 'plain bands'})"
        raise Stale(
            f"The head was trained in {theirs}; {path} is of the space {ours}. Make the embedding again with 'Same "
            "space as this embedding' set to the one used for training, or train a head on this one."
        )
    if wanted["D"] != len(here.names):
        raise Stale(
            f"The head was trained on {wanted['D']} bands; {path} has {len(here.names)}. Choose a raster with the same "
            "bands in the same order."
        )
    pairs = [(a, b) for a, b in zip(wanted["names"], here.names, strict=True) if a != b]
    progress.warning(
        f"Bands have other names than in training ({pairs[0][0]} there, {pairs[0][1]} here). The map is right only if "
        "they mean the same, in the same order and units."
    )
