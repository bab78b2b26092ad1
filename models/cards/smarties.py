"""Cards of SMARTIES, for any optical bands and Sentinel-1."""

from ..card import Card, Inputs, Source
from ..spectrum import OPTICAL, RADAR

INPUTS = (
    Inputs("Sentinel-2 L2A", OPTICAL),
    Inputs("Sentinel-1 GRD", RADAR),
    Inputs("Sentinel-2 L2A and Sentinel-1 GRD", (*OPTICAL, *RADAR)),
    Inputs("colour picture", ("red", "green", "blue")),
    Inputs("Landsat 8-9 L2", ("coastal", "blue", "green", "red", "nir_narrow", "swir1", "swir2", "thermal")),
)


def _card(size: str, letter: str, parameters: int, dim: int, gflop: float) -> Card:
    repo_id = f"gsumbul/SMARTIES-v1-ViT-{letter}"
    return Card(
        name=f"smarties-{size}",
        title=f"SMARTIES {size}",
        builder="smarties:build",
        summary="Transformer for any optical bands, told by their role or wavelength, and for Sentinel-1 in dB. "
        "Trained on colour pictures of less than a metre and on Sentinel-1 and -2; its authors tried it on Landsat.",
        needs_torch=True,
        needs_model=False,
        free_patch=False,
        default_dimensions=0,
        licence="Apache-2.0",
        source="Sumbul et al. 2025, arXiv:2506.19585",
        requirements=("torch", "timm"),
        model=size,
        weights=Source(
            name=f"smarties-{size}",
            repo_id=repo_id,
            file_name=f"smarties-v1-vit{letter.lower()}.safetensors",
            licence="Apache-2.0",
            licence_url="https://github.com/gsumbul/SMARTIES/blob/main/LICENSE",
            parameters=parameters,
        ),
        inputs=INPUTS,
        any_bands=True,
        measured=True,
        resolution_m=(0.3, 30.0),
        patch_px=16,
        tile_px=224,
        embed_dim=dim,
        gflop=gflop,
    )


CARDS = (
    _card("base", "B", 116_511_232, 768, 35.8),
    _card("large", "L", 335_066_880, 1024, 124.0),
)
"""`parameters` count the decoder too, which the files hold and which is not used."""
