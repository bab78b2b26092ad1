"""The one list of metrics. To add one: a pure function in a file beside this and a card here.

Standard library only: report and reference page read this list.
"""

from dataclasses import dataclass
from typing import Dict


@dataclass(frozen=True)
class MetricCard:
    """Facts of one metric."""

    name: str
    title: str
    function: str
    """`module:function` inside `quadrat.core.metrics`: (y_true, y_pred) or, with `needs`, probabilities."""
    target: str
    """`class` or `value`."""
    perfect: float
    lowest: float
    greater_is_better: bool = True
    needs: str = "labels"
    """`labels` or `probabilities` (N, K)."""
    percent: bool = False
    help: str = ""


_CARDS = (
    MetricCard("accuracy", "Accuracy", "classes:accuracy", "class", 1.0, 0.0, percent=True,
               help="Share of labelled cells that are right."),
    MetricCard("balanced_accuracy", "Balanced accuracy", "classes:balanced_accuracy", "class", 1.0, 0.0, percent=True,
               help="Mean over classes of the share that is found; rare classes count as much as common ones."),
    MetricCard("f1_macro", "F1, mean of classes", "classes:f1_macro", "class", 1.0, 0.0, percent=True,
               help="Harmonic mean of precision and recall, averaged over classes."),
    MetricCard("kappa", "Cohen's kappa", "classes:kappa", "class", 1.0, -1.0,
               help="Agreement beyond what chance would give."),
    MetricCard("calibration_error", "Expected calibration error", "classes:calibration_error", "class", 0.0, 0.0,
               greater_is_better=False, needs="probabilities", percent=True,
               help="Mean gap between stated confidence and share right, in ten bins."),
    MetricCard("r2", "R2 (coefficient of determination)", "values:r2", "value", 1.0, float("-inf"),
               help="Share of variance explained; below 0 when worse than the mean."),
    MetricCard("pearson_r2", "r2 (squared correlation)", "values:pearson_r2", "value", 1.0, 0.0,
               help="Squared Pearson correlation; blind to bias and scale."),
    MetricCard("mae", "Mean absolute error", "values:mae", "value", 0.0, 0.0, greater_is_better=False),
    MetricCard("rmse", "Root mean squared error", "values:rmse", "value", 0.0, 0.0, greater_is_better=False),
)  # fmt: skip
METRICS: Dict[str, MetricCard] = {card.name: card for card in _CARDS}
