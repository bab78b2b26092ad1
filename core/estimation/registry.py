"""The one list of estimators. To add one: a function in a file beside this and a card here.

Standard library only: the toolbox form and the command line read this list.
"""

from dataclasses import dataclass
from typing import Dict


@dataclass(frozen=True)
class EstimatorCard:
    """Facts of one estimator."""

    name: str
    """Name in forms, files and on the command line; never changes once released."""
    title: str
    function: str
    """`module:function` inside `quadrat.core.estimation`: (Evidence, level) -> Estimate."""
    needs: str
    """`sample`: labelled places alone. `prediction`: also what the map or head says, of all places."""
    classes_only: bool
    """False when it takes values and shares within units too."""
    summary: str
    source: str = ""


_CARDS = (
    EstimatorCard(
        name="stratified",
        title="Stratified estimator",
        function="stratified:estimate",
        needs="sample",
        classes_only=False,
        summary="Each stratum counts by its size; strata of a class map take away the bias of pixel counting.",
        source="Olofsson et al. 2014, 10.1016/j.rse.2014.02.015",
    ),
    EstimatorCard(
        name="prediction",
        title="Prediction-powered estimator",
        function="ppi:estimate",
        needs="prediction",
        classes_only=False,
        summary="The prediction of all places, corrected by its mean error on the labelled ones.",
        source="Angelopoulos et al. 2023, 10.1126/science.adi6000; PPI++, arXiv:2311.01453",
    ),
    EstimatorCard(
        name="matrix",
        title="Correction by the confusion matrix",
        function="matrix:estimate",
        needs="prediction",
        classes_only=True,
        summary="Predicted shares turned back through the confusion matrix; unstable where classes are mixed up.",
    ),
)
ESTIMATORS: Dict[str, EstimatorCard] = {card.name: card for card in _CARDS}
