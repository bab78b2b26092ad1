"""The one list of methods that learn an indicator from a series of images. Standard library only: forms read it."""

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class SeriesMethod:
    """Facts of one method."""

    name: str
    title: str
    head: str = ""
    """Of `core/heads`, on statistics of each image; empty for a network."""


_CARDS = (
    SeriesMethod("auto", "Automatic on statistics", "auto-columns"),
    SeriesMethod("boosting", "Gradient boosting on statistics", "boosting"),
    SeriesMethod("ridge-log", "Ridge on logarithms of statistics", "linear-log"),
    SeriesMethod("forest", "Random forest on statistics", "forest"),
    SeriesMethod("blend", "Blend of ridge and trees on statistics", "linear-log+trees+boosting"),
    SeriesMethod("st", "Spatio-temporal transformer"),
    SeriesMethod("s", "Spatial transformer"),
    SeriesMethod("tsvit", "Factorised transformer (TSViT)"),
)
SERIES_METHODS: Dict[str, SeriesMethod] = {card.name: card for card in _CARDS}
NETWORKS: Tuple[str, ...] = tuple(card.name for card in _CARDS if not card.head)
DEFAULT_METHOD = "auto"
