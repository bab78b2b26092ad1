"""Methods that learn an indicator from a series of images.

Those for columns of numbers, on statistics of each image, and networks. Standard library only: forms read it.
"""

from typing import Dict

from .learning.registry import METHODS, MethodCard

_NETWORKS = (
    MethodCard("st", "Spatio-temporal transformer", "", "All dates as one sequence."),
    MethodCard("s", "Spatial transformer", "", "One date at a time."),
    MethodCard("tsvit", "Factorised transformer (TSViT)", "", "Dates first, then places.", "arXiv:2301.04944"),
)
NETWORKS: Dict[str, MethodCard] = {card.name: card for card in _NETWORKS}
SERIES_METHODS: Dict[str, MethodCard] = {**METHODS, **NETWORKS}
DEFAULT_METHOD = "auto"
