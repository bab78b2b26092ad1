"""The loop in which a transformer for series learns. Needs PyTorch; use it through `training.train`.

Order, dropout and start follow from seed, epoch and step alone, so that a run that was stopped anywhere and gone on
with gives, on a processor, the very weights of one that was not.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ....models.networks.series_parts import SeriesSize, initialise
from ....models.torch_tools import choose_device, out_of_memory
from ...epochs import EpochFacts
from ...errors import BadInput, Cancelled, QuadratError
from ...progress import Progress
from ...spool import digest
from ..indicator.tensorzip import pack, unpack
from ..teaching.bags import MEAN, SELECT, Batch, Rows, shares
from .recipe import HEAD, HEAD_THEN_ALL
from .seriesmodel import Scaling, SeriesModel, build

if TYPE_CHECKING:
    from .training import Lesson, OnEpoch

TOKENS_AT_ONCE = {"cpu": 8 * 336, "cuda": 128 * 336, "mps": 32 * 336}
"""So many go through the network together; gradients of a batch are summed over its pieces, which changes nothing."""
KEEP_EVERY_S = 60.0
KERAS_EPSILON = 1e-7
"""Of Adam, as published; PyTorch's own is a tenth of it."""


class Learner:
    """A network while it learns.

    Attributes:
        size: of the network.
        losses: of each epoch, as plain objects.
        best_epoch: counted from 1.
        device_name: in words.
        parameters: of the network.
        started_from: what became of the weights of the model to start from, or None.
    """

    def __init__(self, lesson: "Lesson", scaling: Scaling, rows: Rows, held: Rows) -> None:
        """Start, or read what an equal run kept.

        Raises:
            BadInput: the model to start from is of other bands, pixels or sizes.
            UnusableModel: sizes that cannot be, or a device that is not there.
        """
        from .training import signature

        self.lesson, self.recipe, self.scaling, self.rows, self.held = lesson, lesson.recipe, scaling, rows, held
        self.size = size_of(lesson)
        self.device, self.device_name = choose_device(lesson.device, lesson.threads)
        network = build(self.recipe.method, self.size)
        initialise(network, self.recipe.seed)
        self.started_from = None if lesson.start is None else take_over(network, lesson.start, self.recipe.new_head)
        if self.recipe.start_at_mean and (self.started_from is None or "head.bias" in self.started_from["new"]):
            _start_at(network, rows.means(), self.recipe.output)
        self.network = network.to(self.device)
        self.parameters = sum(each.numel() for each in network.parameters())
        self.optimiser = torch.optim.Adam(network.parameters(), self.recipe.learning_rate, eps=KERAS_EPSILON)
        self.losses: list[dict[str, Any]] = []
        self.best_epoch, self.best_loss = 0, math.inf
        self.highest: NDArray[np.float32] | None = None
        self.best = self._copied()
        self.epoch, self.step, self.sums = 0, 0, [0.0, 0.0]
        tokens = self.size.patches * (1 if self.recipe.by_date else self.size.dates)
        self.at_once = max(1, TOKENS_AT_ONCE[self.device.type] // tokens)
        self._signature, self._kept = digest(signature(lesson, scaling)), time.monotonic()
        self._read()

    def run(self, progress: Progress, on_epoch: "OnEpoch") -> None:
        """Learn until the last epoch, or until the validation loss has stopped falling.

        Raises:
            Cancelled: after what was done was kept.
            OutOfMemory: one piece is too large for the device.
        """
        for done in self.losses:
            on_epoch(EpochFacts(**done))
        with self._own_chance():
            try:
                while self.epoch < self.recipe.epochs and not self._stale:
                    facts = self._one_epoch(progress)
                    if not facts.finite:
                        on_epoch(facts)
                        self._give_up(progress)
                        break
                    self.losses.append(asdict(facts))
                    on_epoch(facts)  # says in the log what is worth a line
                    progress.checkpoint(self.epoch / self.recipe.epochs)
            except Cancelled:
                self.keep()
                raise
            except QuadratError:
                raise
            except Exception as error:
                raise out_of_memory(error) or error from error
        self.keep()
        self._tell_of_death(progress)

    def finished(self) -> nn.Module:
        """The network with the weights of the best epoch, on the processor."""
        network = self.network.to("cpu")
        network.load_state_dict(self.best)
        return network.requires_grad_(True).eval()

    def _give_up(self, progress: Progress) -> None:
        """After an epoch whose loss is no number: nothing that is learnt from then on is one.

        Raises:
            BadInput: there is no better epoch.
        """
        told = f"The loss of epoch {self.epoch} is not a number any more"
        if not self.best_epoch:
            raise BadInput(
                f"{told}: this network learns nothing. Train again with a lower learning rate; if that does not help, "
                "look for values that are far too large in series and targets."
            )
        progress.warning(
            f"{told}. Learning ends there with the weights of epoch {self.best_epoch}; with a lower learning rate it "
            "would go on."
        )

    def _tell_of_death(self, progress: Progress) -> None:
        """A ReLU that is 0 for all places learns nothing any more."""
        dead = np.zeros(1) if self.highest is None else self.highest == 0
        if self.recipe.output == "relu" and dead.any():
            where = "everywhere" if dead.all() else f"at {dead.sum()} of {len(dead)} dates for every place"
            progress.warning(
                f"The network says 0 {where}: its ReLU output has died there, as happens where targets are near 0, or "
                "by bad luck or with large steps. Train again with another seed, a smaller learning rate, or the last "
                "layer 'softplus'."
            )

    @property
    def _stale(self) -> bool:
        return bool(self.recipe.patience and len(self.held) and self.epoch - self.best_epoch >= self.recipe.patience)

    @contextlib.contextmanager
    def _own_chance(self) -> Iterator[None]:
        """Dropout draws from torch's generators; others find them afterwards as they were."""
        with torch.random.fork_rng([torch.cuda.current_device()] if self.device.type == "cuda" else []):
            yield

    def _one_epoch(self, progress: Progress) -> EpochFacts:
        """From the step at which it stands to the end."""
        started, batch = time.monotonic(), self.recipe.batch
        order = np.random.default_rng([self.recipe.seed, 3, self.epoch]).permutation(len(self.rows))
        steps = -(-len(order) // batch)
        self._thaw()
        while self.step < steps:
            progress.checkpoint((self.epoch + self.step / steps) / self.recipe.epochs)
            chance = np.random.SeedSequence([self.recipe.seed, 5, self.epoch, self.step]).generate_state(1, np.uint64)
            torch.manual_seed(int(chance[0] >> 1))
            found = self._learn(self.rows.batch(order[self.step * batch : (self.step + 1) * batch]), progress)
            self.sums = [self.sums[0] + found[0], self.sums[1] + found[1]]
            self.step += 1
            if time.monotonic() - self._kept > KEEP_EVERY_S:
                self.keep()
        validation = self._validated(progress)
        training = self.sums[0] / self.sums[1]
        self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0, 0.0]
        unit = self.scaling.value_gain**2
        told = None if validation is None else validation * unit
        seconds = round(time.monotonic() - started, 3)
        facts = EpochFacts(self.epoch, self.recipe.epochs, training * unit, told, self.best_epoch, seconds)
        if not facts.finite or (validation is not None and validation >= self.best_loss):
            return facts
        self.best_epoch, self.best_loss, self.best = self.epoch, validation or 0.0, self._copied()
        return replace(facts, best_epoch=self.best_epoch)

    def _learn(self, batch: Batch, progress: Progress) -> tuple[float, float]:
        """One step; gives the weighted sum of squared errors and the sum of weights."""
        total, found = float(batch.weight.sum()), 0.0
        self.optimiser.zero_grad(set_to_none=True)
        for piece in batch.pieces(self.at_once):
            progress.checkpoint()
            squared, _ = self._squared(piece, self.recipe.bags)
            (squared / total).backward()  # type: ignore[no-untyped-call]
            found += float(squared.detach())
        self.optimiser.step()
        return found, total

    def _squared(self, batch: Batch, how: str) -> tuple[Tensor, Tensor]:
        """Sum of weighted squared errors, and what the network says for each bag (n, T)."""
        pixels = torch.from_numpy(batch.pixels(self.lesson.store)).to(self.device)
        whole = self.recipe.by_date or batch.seen.all()
        seen = None if whole else torch.from_numpy(batch.seen).to(self.device)
        said: Tensor = self.network(self.scaling.scaled(pixels), seen)
        looked = np.zeros(0) if how == MEAN else said.detach().cpu().numpy()
        share = shares(looked, batch, how)
        reached = np.zeros(batch.target.shape, np.float32)
        np.add.at(reached, batch.bag, share)
        mixed = torch.zeros(batch.target.shape, device=self.device)
        bag = torch.from_numpy(batch.bag).to(self.device)
        mixed = mixed.index_add(0, bag, said * torch.from_numpy(share).to(self.device))
        weight = torch.from_numpy(batch.weight * (reached > 0)).to(self.device)
        return (weight * (mixed - torch.from_numpy(batch.target).to(self.device)) ** 2).sum(), mixed

    def _validated(self, progress: Progress) -> float | None:
        """Loss of the validation places; a choice that looks at their targets would flatter, so the mean stands in."""
        if not len(self.held):
            return None
        how = MEAN if self.recipe.bags == SELECT else self.recipe.bags
        found, total, step = 0.0, 0.0, max(self.at_once, self.recipe.batch)
        highest = []
        self.network.eval()
        with torch.no_grad():
            for start in range(0, len(self.held), step):
                batch = self.held.batch(np.arange(start, min(start + step, len(self.held))))
                for piece in batch.pieces(self.at_once):
                    progress.checkpoint()
                    squared, said = self._squared(piece, how)
                    found += float(squared)
                    highest.append(said.amax(dim=0).cpu().numpy())
                total += float(batch.weight.sum())
        self.highest = np.max(highest, axis=0)
        return found / total

    def _thaw(self) -> None:
        """What learns in this epoch; a frozen encoder looks without dropout."""
        transfer, epoch = self.recipe.transfer, self.epoch
        frozen = transfer == HEAD or (transfer == HEAD_THEN_ALL and epoch < self.recipe.head_epochs)
        frozen = frozen and self.lesson.start is not None
        self.network.train(not frozen)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not frozen or name.startswith(_of_outputs(self.network)))

    def _copied(self) -> dict[str, Tensor]:
        return {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}

    def keep(self) -> None:
        """Write all that is needed to go on."""
        if not self.lesson.kept:
            return
        tensors = {f"net.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in state.items()}
        facts = {
            "signature": self._signature, "epoch": self.epoch, "step": self.step, "sums": self.sums,
            "losses": self.losses, "best_epoch": self.best_epoch,
            "best_loss": None if math.isinf(self.best_loss) else self.best_loss,
        }  # fmt: skip
        pack(self.lesson.kept, facts, tensors)
        self._kept = time.monotonic()

    def _read(self) -> None:
        """Go on with what an equal run kept; anything else is left to be written over."""
        if not self.lesson.kept or not Path(self.lesson.kept).is_file():
            return
        try:
            facts, tensors = unpack(self.lesson.kept)
        except BadInput:
            return
        if facts.get("signature") != self._signature:
            return
        parts: dict[str, dict[str, Tensor]] = {"net": {}, "best": {}, "adam": {}}
        for name, value in tensors.items():
            group, _, rest = name.partition(".")
            parts[group][rest] = value
        self.network.load_state_dict(parts["net"])
        self.best = parts["best"]
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["adam"].items():
            number, _, rest = name.partition(".")
            states.setdefault(int(number), {})[rest] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})
        self.epoch, self.step, self.sums = facts["epoch"], facts["step"], facts["sums"]
        self.losses, self.best_epoch = facts["losses"], facts["best_epoch"]
        self.best_loss = math.inf if facts["best_loss"] is None else facts["best_loss"]


def size_of(lesson: "Lesson") -> SeriesSize:
    """What the recipe makes of these pixels.

    Raises:
        UnusableModel: a size that cannot be.
    """
    recipe, store = lesson.recipe, lesson.store
    return SeriesSize(
        bands=store.bands, dates=store.dates, cell_px=store.cell_px, patch_px=recipe.patch_of(store.cell_px),
        dim=recipe.dim, heads=recipe.heads, depth=recipe.depth, pooling=recipe.pooling, output=recipe.output,
    )  # fmt: skip


def take_over(network: nn.Module, start: SeriesModel, new_head: bool) -> dict[str, Any]:
    """Start with the weights of another model; what depends on the number of outputs starts anew where it differs.

    Args:
        network: started from a seed.
        start: the other model.
        new_head: start the head anew even where it fits.

    Returns:
        Facts: what was predicted there, and which weights are new.

    Raises:
        BadInput: anything else differs.
    """
    given, own, new = start.network.state_dict(), network.state_dict(), []
    for name, value in own.items():
        of_outputs = name.startswith(_of_outputs(network))
        other = given.get(name)
        if of_outputs and (other is None or other.shape != value.shape or (new_head and name.startswith("head."))):
            new.append(name)
            given[name] = value
        elif other is None or other.shape != value.shape:
            raise BadInput(
                f"The model to start from ({start.method}, {start.size.bands} bands, cells of {start.size.cell_px} px, "
                f"patches of {start.size.patch_px} px, {start.size.dim} numbers a token, depth {start.size.depth}) "
                f"does not fit this one at '{name}'. Train with the same bands and sizes."
            )
    network.load_state_dict({name: given[name] for name in own})
    return {"predicted": start.predicted, "indicator": start.indicator, "method": start.method, "new": new}


def _start_at(network: nn.Module, means: NDArray[np.float64], output: str) -> None:
    """Set the head's bias so that the first values are about the mean targets (T,), or one mean for all dates."""
    bias = cast(Tensor, cast(nn.Linear, network.head).bias)
    wanted = means if bias.numel() == len(means) else np.array([means.mean()])
    if output == "softplus":
        wanted = np.log(np.expm1(np.clip(wanted, 1e-3, 30)))
    with torch.no_grad():
        bias.copy_(torch.from_numpy(wanted))


def _of_outputs(network: nn.Module) -> tuple[str, ...]:
    return cast(tuple[str, ...], network.FOLLOWS_OUTPUTS)
