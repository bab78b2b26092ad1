"""What a network says of itself while it learns: one epoch, and which model of which lesson it was.

The engine tells it, QGIS draws it. Standard library only, Python 3.9 and later.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Dict, Optional

from .errors import BadFrame


@dataclass(frozen=True)
class EpochFacts:
    """What a plot of losses shows; losses are mean squared errors in squared units of the indicator.

    Attributes:
        epoch: counted from 1.
        epochs: at most.
        training: mean over the epoch, with dropout, while weights changed.
        validation: after it; None without validation places.
        best_epoch: whose weights would be kept now.
        seconds: that it took.
    """

    epoch: int
    epochs: int
    training: float
    validation: Optional[float]
    best_epoch: int
    seconds: float

    @property
    def finite(self) -> bool:
        """False once the loss is not a number any more, after which nothing is learnt."""
        return math.isfinite(self.training) and (self.validation is None or math.isfinite(self.validation))

    @property
    def sentence(self) -> str:
        """For log and progress."""
        told = f"Epoch {self.epoch} of {self.epochs}: loss {self.training:.5g}"
        if self.validation is None:
            return told
        return f"{told}, validation {self.validation:.5g} (lowest at epoch {self.best_epoch})"


@dataclass(frozen=True)
class EpochNews:
    """An epoch on its way to whoever watches.

    Attributes:
        method: title of what learns.
        indicator: what it learns, in words.
        test: how the places that test its models are kept apart, `blocks` or `random`.
        model: counted from 1.
        models: of this test.
        device: that it learns on, in words.
        facts: of the epoch; a loss that is no number any more is NaN.
    """

    method: str
    indicator: str
    test: str
    model: int
    models: int
    device: str
    facts: EpochFacts

    def to_dict(self) -> Dict[str, Any]:
        """For the wire, which knows finite numbers only: a loss that is none goes as text."""
        values = dataclasses.asdict(self)
        for name in ("training", "validation"):
            loss = values["facts"][name]
            if loss is not None and not math.isfinite(loss):
                values["facts"][name] = str(loss)
        return values

    @classmethod
    def from_dict(cls, values: Dict[str, Any]) -> "EpochNews":
        """From the wire.

        Raises:
            BadFrame: a value is missing, unknown or of another kind.
        """
        try:
            facts = dict(values["facts"])
            facts["training"] = float(facts["training"])
            facts["validation"] = None if facts["validation"] is None else float(facts["validation"])
            return cls(**{**values, "facts": EpochFacts(**facts)})
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadFrame(f"The engine told of an epoch in another form than expected ({error}).") from error
