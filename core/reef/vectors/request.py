"""What is asked of vectors at points: which backbone, how large a patch, and what lies beyond the edge of a photo.

Standard library only, Python 3.9: forms read it.
"""

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from ....models import registry
from ....models.card import Card
from ...errors import BadJob

DEFAULT_BACKBONE = "colour-texture"
"""Needs no weights and no torch."""
MIRROR, WHITE = "mirror", "white"
PADDINGS = (MIRROR, WHITE)
"""Beyond the edge: the photo mirrored (the edge itself not repeated), as CoralNet does it; or white."""
PATCH_PX = 224
SMALLEST_PATCH_PX, LARGEST_PATCH_PX = 32, 1024
COLOURS = ("red", "green", "blue")
_DECIDING = ("backbone", "model", "weights", "patch_px", "padding", "seed")


@dataclass(frozen=True)
class VectorRequest:
    """A wish for vectors; the first group of fields decides them, the second only how they are made.

    Attributes:
        backbone: name of a card, one of `photo_backbones()`.
        model: of the library timm, or an ONNX file, for backbones that need one.
        weights: file of weights; empty: Quadrat's store.
        patch_px: side of the square around a point, in pixels of the stored photo.
        padding: `mirror` or `white`.
        seed: of what is drawn, for backbones that draw.
        download: fetch weights that are missing.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: on the CPU; 0: all cores.
        batch: patches at once; 0: what suits the device.
    """

    backbone: str = DEFAULT_BACKBONE
    model: str = ""
    weights: str = ""
    patch_px: int = PATCH_PX
    padding: str = MIRROR
    seed: int = 0
    download: bool = False
    device: str = "auto"
    threads: int = 0
    batch: int = 0

    @property
    def card(self) -> Card:
        """Of the backbone.

        Raises:
            BadJob: there is none of that name, or it does not take photographs.
        """
        try:
            card = registry.get(self.backbone)
        except KeyError as error:
            raise BadJob(str(error.args[0])) from error
        if not takes_photos(card):
            raise BadJob(
                f"{card.title} does not take colour photographs. Choose one of: {', '.join(photo_backbones())}."
            )
        return card

    def check(self) -> None:
        """Whether it can be done at all.

        Raises:
            BadJob: with what is wrong.
        """
        card = self.card
        if self.padding not in PADDINGS:
            raise BadJob(f"There is no padding '{self.padding}'. Choose one of: {', '.join(PADDINGS)}.")
        if not SMALLEST_PATCH_PX <= self.patch_px <= LARGEST_PATCH_PX:
            raise BadJob(
                f"A patch of {self.patch_px} px cannot be used. Choose a side of {SMALLEST_PATCH_PX} to "
                f"{LARGEST_PATCH_PX} px."
            )
        if card.needs_model and not self.model:
            raise BadJob(f"The backbone {card.name} needs the name of a model or a file as 'Model'.")

    def facts(self) -> Dict[str, Any]:
        """What decides the vectors, as JSON can hold it."""
        return {name: getattr(self, name) for name in _DECIDING}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], **running: Any) -> "VectorRequest":
        """The request of stored `facts`.

        Args:
            facts: as `facts()` gives them; others in it are left aside.
            running: `download`, `device`, `threads`, `batch`; and `model` or `weights` where files have moved.
        """
        return cls(**{**{name: facts[name] for name in _DECIDING if name in facts}, **running})


def takes_photos(card: Card) -> bool:
    """Whether a backbone takes photographs in red, green and blue as a camera stores them."""
    if card.measured or card.series:
        return False
    return not card.inputs or any(one.roles == COLOURS for one in card.inputs)


def photo_backbones() -> Tuple[str, ...]:
    """Names of all backbones for photographs, those that need nothing but this engine first."""
    fit = [card for card in registry.BACKBONES.values() if takes_photos(card)]
    return tuple(card.name for card in sorted(fit, key=lambda card: (card.name != DEFAULT_BACKBONE, card.needs_torch)))
