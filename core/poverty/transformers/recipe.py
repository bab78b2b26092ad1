"""How a transformer for series is built and taught; every default is the published one."""

from dataclasses import asdict, dataclass
from typing import Any

from ...errors import BadJob
from ..methodlist import NETWORKS
from ..teaching.bags import COMBINATIONS, MEAN

BY_DATE = ("s",)
"""Methods that see one date at a time."""
HEAD, HEAD_THEN_ALL, ALL = "head", "head-then-all", "all"
TRANSFERS = (HEAD, HEAD_THEN_ALL, ALL)
RAW, STANDARD = "raw", "standard"
SCALES = (RAW, STANDARD)


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, beside the data.

    Attributes:
        method: one of `NETWORKS`.
        patch_px: side of a token's square; 0: a quarter of the cell, as published.
        dim: numbers of a token.
        heads: of attention.
        depth: blocks.
        pooling: `token-mean-over-dim` (published), `mean-over-tokens` or `class-token`.
        output: `relu` (published), `softplus` or `linear`; only the last can tell negative values.
        pixels: `raw` (published) or `standard`: each band by its mean and spread in the cells to train on.
        start_at_mean: start the head's bias at the mean target of each date instead of 0 (published), so that a ReLU
            cannot be dead from the start.
        values: `raw` (published) or `standard`: targets by their spread, and by their mean too if the output is linear.
        learning_rate: of Adam, constant.
        batch: samples a step.
        epochs: at most.
        patience: epochs without a lower validation loss after which it ends; 0: never.
        dark_cells: places that are dark throughout and stay in the lesson, 500 as published; -1: all.
        bags: one of `COMBINATIONS`, while learning.
        seed: of weights, order and dropout.
        transfer: with a model to start from: `head` teaches the head alone, `head-then-all` so for `head_epochs`.
        head_epochs: see `transfer`.
        new_head: start the head anew even where that of the other model fits.
    """

    method: str = "st"
    patch_px: int = 0
    dim: int = 72
    heads: int = 4
    depth: int = 2
    pooling: str = "token-mean-over-dim"
    output: str = "relu"
    pixels: str = RAW
    values: str = RAW
    start_at_mean: bool = False
    learning_rate: float = 5e-4
    batch: int = 64
    epochs: int = 200
    patience: int = 0
    dark_cells: int = -1
    bags: str = MEAN
    seed: int = 0
    transfer: str = ALL
    head_epochs: int = 20
    new_head: bool = False

    def __post_init__(self) -> None:
        """Refuse words and numbers that mean nothing.

        Raises:
            BadJob: names the first.
        """
        for name, known in (
            ("method", tuple(NETWORKS)), ("pixels", SCALES), ("values", SCALES), ("bags", COMBINATIONS),
            ("transfer", TRANSFERS),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise BadJob(f"There is no {name} '{getattr(self, name)}'. Choose {', '.join(known)}.")
        for name, least in (("batch", 1), ("epochs", 1), ("patience", 0), ("dark_cells", -1), ("head_epochs", 0)):
            if getattr(self, name) < least:
                raise BadJob(f"{name} is {getattr(self, name)}; it must be {least} at least.")
        if not self.learning_rate > 0:
            raise BadJob(f"The learning rate is {self.learning_rate}; it must be above 0.")

    @property
    def by_date(self) -> bool:
        """Whether the network learns from single images."""
        return self.method in BY_DATE

    def patch_of(self, cell_px: int) -> int:
        """Side of a patch in a cell of this size."""
        return self.patch_px or max(1, cell_px // 4)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
