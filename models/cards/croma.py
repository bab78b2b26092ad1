"""Cards of CROMA, for Sentinel-1 and Sentinel-2."""

from ..card import Card, Inputs, Source
from ..spectrum import OPTICAL, RADAR

INPUTS = (
    Inputs("Sentinel-2 L2A and Sentinel-1 GRD", (*OPTICAL, *RADAR)),
    Inputs("Sentinel-2 L2A", OPTICAL),
    Inputs("Sentinel-1 GRD", RADAR),
)
LICENCE = "MIT (TorchGeo's list of weights says CC-BY-4.0)"


def _card(size: str, file_name: str, parameters: int, dim: int, gflop: float) -> Card:
    return Card(
        name=f"croma-{size}",
        title=f"CROMA {size}",
        builder="croma:build",
        summary="Transformer trained on pairs of Sentinel-2 (12 bands, without cirrus) and Sentinel-1 (VV and VH in "
        "dB) at 10 m. Takes either alone, or both jointly.",
        needs_torch=True,
        needs_model=False,
        free_patch=False,
        default_dimensions=0,
        licence=LICENCE,
        source="Fuller et al. 2023, arXiv:2311.00566",
        requirements=("torch",),
        model=size,
        weights=Source(
            name=f"croma-{size}",
            repo_id="antofuller/CROMA",
            file_name=file_name,
            licence=LICENCE,
            licence_url="https://github.com/antofuller/CROMA/blob/main/LICENSE",
            parameters=parameters,
        ),
        inputs=INPUTS,
        measured=True,
        resolution_m=(10.0, 10.0),
        patch_px=8,
        tile_px=120,
        embed_dim=dim,
        gflop=gflop,
    )


CARDS = (
    _card("base", "CROMA_base.pt", 194_365_440, 768, 87.8),
    _card("large", "CROMA_large.pt", 672_557_056, 1024, 307.3),
)
