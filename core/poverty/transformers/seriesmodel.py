"""A trained transformer for series: its network, what its numbers mean, and its file `.qseries`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ....models.errors import ModelError
from ...errors import BadInput, EngineTooSmall
from ..methodlist import NETWORKS
from .recipe import BY_DATE

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ....models.networks.series_parts import SeriesSize

FORMAT = 1
PREDICTED = ("proxy", "survey")


@dataclass(frozen=True)
class Scaling:
    """What pixels and targets are measured in.

    Attributes:
        shift: of each band, taken off its pixels; empty: raw values, as published.
        gain: of each band, by which they are then divided.
        value_shift: targets are `value_shift + value_gain * output`.
        value_gain: see there.
    """

    shift: tuple[float, ...] = ()
    gain: tuple[float, ...] = ()
    value_shift: float = 0.0
    value_gain: float = 1.0

    def scaled(self, pixels: "torch.Tensor") -> "torch.Tensor":
        """(E, T, C, h, w) as the network takes them."""
        if not self.shift:
            return pixels
        shift, gain = (pixels.new_tensor(part)[:, None, None] for part in (self.shift, self.gain))
        return (pixels - shift) / gain


@dataclass(frozen=True)
class SeriesModel:
    """What maps and assessments need.

    Attributes:
        method: one of `NETWORKS`.
        size: of the network.
        network: with its weights, on any device.
        scaling: of pixels and targets.
        dates: of the series, earliest first, as in `bands/series.py`.
        bands: names, in order.
        predicted: `proxy` (such as night lights) or `survey`: what legends must say.
        indicator: what is predicted, in words.
        more: further facts, plain values: recipe, losses, sources.
    """

    method: str
    size: "SeriesSize"
    network: "nn.Module"
    scaling: Scaling
    dates: tuple[str, ...]
    bands: tuple[str, ...]
    predicted: str
    indicator: str
    more: dict[str, Any] = field(default_factory=dict)

    def check_dates(self, count: int) -> None:
        """Refuse a series of another length, unless dates are seen one by one.

        Raises:
            BadInput: says what to do.
        """
        if self.method not in BY_DATE and count != len(self.dates):
            raise BadInput(
                f"The model reads {len(self.dates)} dates as a whole ({self.dates[0]} to {self.dates[-1]}); this "
                f"series has {count}. Prepare a series of as many dates, or train on this one. Only the spatial "
                "transformer, which looks at one date at a time, takes any number."
            )

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the weights, as it stands in the file."""
        return {
            "format": FORMAT, "predicted": self.predicted, "indicator": self.indicator, "method": self.method,
            "dates": list(self.dates), "bands": list(self.bands), "cell_px": self.size.cell_px,
            "patch_px": self.size.patch_px, "scale": asdict(self.scaling), "size": asdict(self.size), **self.more,
        }  # fmt: skip


def need_torch() -> None:
    """Say in a sentence that the engine is too small.

    Raises:
        EngineTooSmall: it holds no PyTorch.
    """
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise EngineTooSmall(
            "The transformers need PyTorch, which the light engine does not hold. Set up the full engine, or use "
            "ridge, forest or gradient boosting."
        )


def build(method: str, size: "SeriesSize") -> "nn.Module":
    """The network of a method, its weights not started.

    Raises:
        BadInput: no such method.
    """
    import torch

    from ....models.networks.series_factorised import Factorised
    from ....models.networks.series_transformer import Spatial, SpatioTemporal

    kinds: dict[str, type[nn.Module]] = {"st": SpatioTemporal, "s": Spatial, "tsvit": Factorised}
    if method not in kinds:
        raise BadInput(f"There is no transformer '{method}'. Known: {', '.join(NETWORKS)}.")
    with torch.random.fork_rng([]):  # layers draw weights that are thrown away
        return kinds[method](size)


def model_of(facts: Mapping[str, Any], tensors: "Mapping[str, torch.Tensor]", path: str) -> SeriesModel:
    """A model from what stands in a file.

    Raises:
        BadInput: facts and weights do not belong together.
    """
    from ....models.networks.series_parts import SeriesSize

    try:
        size = SeriesSize(**facts["size"])
        network = build(facts["method"], size)
        network.load_state_dict(tensors)
        scale: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in facts["scale"].items()
        }
        plain = {name: facts[name] for name in ("method", "predicted", "indicator")}
        return SeriesModel(
            **plain, size=size, network=network.eval(), scaling=Scaling(**scale), dates=tuple(facts["dates"]),
            bands=tuple(facts["bands"]), more=_rest(facts),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, RuntimeError, ModelError) as error:
        raise BadInput(f"The model {path} is damaged or of another kind ({error}). Train it again.") from error


def _rest(facts: Mapping[str, Any]) -> dict[str, Any]:
    known: Sequence[str] = (
        "format", "predicted", "indicator", "method", "dates", "bands", "cell_px", "patch_px", "scale", "size",
    )  # fmt: skip
    return {name: value for name, value in facts.items() if name not in known}
