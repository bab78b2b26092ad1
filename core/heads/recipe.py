"""How a head is fitted, in one value: the same in training, assessment, learning curves and suggestions."""

from dataclasses import dataclass, replace
from typing import Self

from ..jobs.fewshot import LabelledJob


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a fit besides the data."""

    head: str
    """One of `HEADS`, `auto` included."""
    target: str
    """`class` or `value`."""
    balance: bool = True
    """Each class weighs the same."""
    seed: int = 0
    own_units: bool = True
    """True when features are bands or columns of different units; False for dimensions of an embedding."""
    ensemble: str = "none"
    """How members of a balanced ensemble get their samples: `none`, `draws` or `split`."""
    members: int = 10
    combine: str = "mean"
    """How members agree: `mean` of probabilities or `vote`."""
    calibration: str = "none"
    """`none`, `auto`, `platt`, `isotonic` or `temperature`; fitted out of fold."""
    strength: float | None = None
    """Of the linear head, alone or in a committee; None: it chooses."""

    @classmethod
    def of(cls, job: LabelledJob, own_units: bool) -> Self:
        """What a job asks for."""
        return cls(
            job.head, job.target, job.balance, job.seed, own_units, job.ensemble, job.members, job.combine,
            job.calibration if job.target == "class" else "none",
        )  # fmt: skip

    def uncalibrated(self) -> Self:
        """The same without calibration: where only the ranking of classes matters, and for out-of-fold fits."""
        return replace(self, calibration="none")
