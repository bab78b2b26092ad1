"""Which heads may learn the labels of photo points. Standard library only, Python 3.9: forms read this list."""

from ...heads.registry import HEADS

PUBLISHED = "mlp-200-100"
"""Network of Blondin et al. 2024 (arXiv:2412.08228): two hidden layers, all else as scikit-learn has it."""
CORALNET = "coralnet"
"""Network of CoralNet (pyspacer 0.14), taught in large batches for ten rounds."""
DEFAULT_HEAD = "linear"
REEF_HEADS = (
    DEFAULT_HEAD, PUBLISHED, CORALNET,
    *(name for name, card in HEADS.items() if "class" in card.targets and name != DEFAULT_HEAD),
)  # fmt: skip
"""Names; but for the first three those of `core/heads/registry.py`."""
TREE, FLAT, BOTH = "tree", "flat", "both"
ARRANGEMENTS = (TREE, FLAT, BOTH)
"""A head at each branching of the label tree; one for all labels; both, compared."""
PHOTO, SITE, DATE, POINT = "photo", "site", "date", "point"
SPLITS = (PHOTO, SITE, DATE, POINT)
"""What is kept apart in a test."""
