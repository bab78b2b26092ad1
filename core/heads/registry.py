"""The one list of heads. To add one: a file beside this and a card here.

Standard library only: the toolbox form and the command line read this list.
"""

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class HeadCard:
    """Facts of one head."""

    name: str
    """Name in forms, files and on the command line; never changes once released."""
    title: str
    builder: str
    """`module:function` inside `quadrat.core.heads`: called with a `HeadRequest`, gives an unfitted estimator."""
    targets: Tuple[str, ...]
    """`class`, `value` or both."""
    summary: str
    source: str = ""


_CARDS = (
    HeadCard(
        name="linear",
        title="Linear (logistic or ridge)",
        builder="linear:build",
        targets=("class", "value"),
        summary="Logistic regression for classes, ridge for values; strength of regularisation chosen by inner folds.",
    ),
    HeadCard(
        name="linear-log",
        title="Ridge on logarithms",
        builder="linear:build_logs",
        targets=("value",),
        summary="As linear, on logarithms of columns: for light at night, people, distances, which span powers of "
        "ten. The same as linear on an embedding.",
    ),
    HeadCard(
        name="ridge",
        title="Ridge, as published for wealth",
        builder="linear:build_published",
        targets=("value",),
        summary="Standardised columns; the penalty with the least error on inner folds, from 2^-5 to 2^34, for "
        "hundreds of columns such as histograms.",
        source="Yeh et al. 2020, doi:10.1038/s41467-020-16185-w",
    ),
    HeadCard(
        name="prototype",
        title="Nearest prototype",
        builder="prototype:build",
        targets=("class",),
        summary="Mean vector of each class; good with one to five labels a class.",
        source="Snell et al. 2017, arXiv:1703.05175",
    ),
    HeadCard(
        name="knn",
        title="Nearest neighbours",
        builder="knn:build",
        targets=("class", "value"),
        summary="The labelled cells that look most alike decide.",
    ),
    HeadCard(
        name="forest-small",
        title="Random forest, 50 trees of depth 7",
        builder="forest:build_small",
        targets=("class", "value"),
        summary="The forest published for few labels.",
    ),
    HeadCard(
        name="forest",
        title="Random forest",
        builder="forest:build",
        targets=("class", "value"),
        summary="400 trees without limit of depth.",
    ),
    HeadCard(
        name="trees",
        title="Extremely randomised trees",
        builder="forest:build_extra",
        targets=("class", "value"),
        summary="200 trees whose thresholds are drawn at random: steadier than a forest when labels are few.",
        source="Geurts et al. 2006, doi:10.1007/s10994-006-6226-1",
    ),
    HeadCard(
        name="boosting",
        title="Gradient boosting",
        builder="boosting:build",
        targets=("value",),
        summary="150 small trees, each of what those before it left over: for hundreds of samples and more.",
        source="Friedman 2001, doi:10.1214/aos/1013203451; Ke et al. 2017, LightGBM",
    ),
    HeadCard(
        name="mlp",
        title="Small neural network",
        builder="mlp:build",
        targets=("class", "value"),
        summary="One hidden layer.",
    ),
    HeadCard(
        name="auto-columns",
        title="Automatic, for columns of numbers",
        builder="auto:build_columns",
        targets=("value",),
        summary="As auto, among ridge, ridge on logarithms, trees and boosting: for tables, not for embeddings.",
    ),
    HeadCard(
        name="auto",
        title="Automatic",
        builder="auto:build",
        targets=("class", "value"),
        summary="Compares heads on groups held out of your own labels; takes one, or several together that it "
        "cannot tell apart, and says why.",
    ),
)
HEADS: Dict[str, HeadCard] = {card.name: card for card in _CARDS}
DEFAULT_HEAD = _CARDS[0].name
