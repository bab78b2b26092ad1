"""What 'Train indicator' asks where a backbone tells each date of a series. Standard library only."""

from dataclasses import fields

from ....models.card import Card
from ....models.registry import BACKBONES
from ..declare import Job, Kind, param, shared
from ..embedcells import AUTO, CONTEXTS
from ..source import EmbedJob

STATISTICS = "statistics"
"""In place of a backbone: five numbers of each band."""


class DatedEmbedding(Job):
    """A series in, a vector of each cell at each date out, all by one backbone."""

    series: str = param(Kind.RASTER, "Series")
    backbone: str = param(
        Kind.BACKBONE,
        "What tells each date",
        parent="series",
        default=STATISTICS,
        choices=(STATISTICS, *BACKBONES),
        help="statistics: mean, spread and shares of the pixels of each band. A backbone: its vector of each cell at "
        "each date, as published for MOSAIKS; then ridge, trees and the like learn from vectors. mosaiks and "
        "spectral-textural need nothing; the others need weights, and the bands that they were made for. Not for "
        "transformers, which see the pixels.",
    )
    model: str = param(
        Kind.TEXT,
        "Model of the backbone",
        optional=True,
        advanced=True,
        help="Backbone timm: a timm name such as vit_small_patch14_dinov2.lvd142m. Backbone onnx: path of the file.",
    )
    dimensions: int = param(
        Kind.INTEGER,
        "Dimensions of the vectors (0: automatic)",
        default=0,
        minimum=0,
        maximum=4096,
        advanced=True,
        help="mosaiks: features that are drawn, 0 for 1,024. spectral-textural: components, 0 for 64. Others: "
        "principal components, told from the places that teach; 0: all, or 128 before trees.",
    )
    band_roles: str = param(
        Kind.ROLES,
        "Which band is what",
        parent="series",
        optional=True,
        advanced=True,
        help="For backbones made for certain bands, by the bands of any one date, as in blue=2 green=3 red=4: those of "
        "the same name are taken at the other dates. Empty: as recognised.",
    )
    values: str = shared(EmbedJob, "values")
    context: str = param(
        Kind.CHOICE,
        "What the backbone sees",
        default=AUTO,
        choices=CONTEXTS,
        advanced=True,
        help="cell: the pixels of the cell alone, brought to the size that a network was trained with. window: as many "
        "pixels around it as that, three times the cell for others, as one whole. centre: the same, but only what is "
        "said of the cell itself is kept. auto: cell for networks, centre for others.",
    )
    weights: str = shared(EmbedJob, "weights")
    download: bool = shared(EmbedJob, "download")

    @property
    def embeds(self) -> bool:
        """Whether there is a backbone."""
        return self.backbone != STATISTICS

    def problem(self) -> str:
        """A backbone that cannot do it, or what belongs to one without any."""
        if not self.embeds:
            given = [name for name in ("model", "dimensions", "band_roles", "weights") if getattr(self, name)]
            label = self.params()[given[0]].label.split(" (")[0] if given else ""
            return f"'{label}' is given, but no backbone: choose one under 'What tells each date'." if given else ""
        card = BACKBONES[self.backbone]
        if card.series:
            return several_dates(card)
        return embed_job(self).problem().replace("'Model'", "'Model of the backbone'")

    @classmethod
    def of(cls, job: Job) -> "DatedEmbedding":
        """What another job says of it."""
        return cls(**{one.name: getattr(job, one.name) for one in fields(cls)})


def several_dates(card: Card) -> str:
    """Why a backbone for series is of no use here."""
    return (
        f"{card.title} takes several dates as one, but here each date is told by itself, so that changes can be told. "
        "Choose a backbone that takes one date, or a transformer as method."
    )


def embed_job(asked: DatedEmbedding, device: str = "auto", threads: int = 0, seed: int = 0) -> EmbedJob:
    """The same as any other job that makes vectors says it."""
    return EmbedJob(
        input=asked.series, backbone=asked.backbone, model=asked.model, band_roles=asked.band_roles,
        values=asked.values, dimensions=asked.dimensions, weights=asked.weights, download=asked.download,
        device=device, threads=threads, seed=seed,
    )  # fmt: skip
