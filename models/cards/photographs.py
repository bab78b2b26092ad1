"""Cards for pictures in red, green and blue: one without weights, and networks from the library timm.

Mean and standard deviation of the pixels come from timm's own configuration of each model.
"""

from typing import Tuple

from ..card import Card, Inputs, Source

INPUTS = (Inputs("colour picture", ("red", "green", "blue")),)
APACHE = "Apache-2.0"
LICENCES = {
    APACHE: "https://www.apache.org/licenses/LICENSE-2.0",
    "dinov3-license": "https://ai.meta.com/resources/models-and-libraries/dinov3-license/",
}
"""As timm names them, and where they can be read."""
FREE = (APACHE,)
"""Those that restrict no use."""


def _card(
    name: str, title: str, model: str, summary: str, source: str, *,
    gflop: float, parameters: int, dim: int, patch: int, tile: int = 224,
    licence: str = APACHE, resolution_m: Tuple[float, float] = (0.0, 0.0),
) -> Card:  # fmt: skip
    return Card(
        name=name,
        title=title,
        builder="timm_model:build",
        summary=summary,
        needs_torch=True,
        needs_model=False,
        free_patch=False,
        default_dimensions=0,
        licence=licence,
        source=source,
        requirements=("torch", "timm"),
        model=model,
        weights=Source(
            name=name,
            repo_id=f"timm/{model}",
            licence=licence,
            licence_url=LICENCES[licence],
            must_accept=licence not in FREE,
            parameters=parameters,
        ),
        inputs=INPUTS,
        resolution_m=resolution_m,
        patch_px=patch,
        tile_px=tile,
        embed_dim=dim,
        gflop=gflop,
    )


DINO2 = "Transformer trained without labels on 142 million photographs; cells of 14 px. "
DINO2_PAPER = "Oquab et al. 2023, arXiv:2304.07193"
DINO1 = "Transformer trained without labels on ImageNet; cells of 16 px. "
DINO1_PAPER = "Caron et al. 2021, arXiv:2104.14294"
SHARP = (
    "Transformer trained on the classes of ImageNet with sharpness-aware minimisation (called SAM too, yet not Segment "
    "Anything)."
)
SHARP_PAPER = "Chen et al. 2021, arXiv:2106.01548"
CLASSES = "Convolutional network trained on the classes of ImageNet; coarse cells of 32 px. "

COLOUR_TEXTURE = Card(
    name="colour-texture",
    title="Colour and texture",
    builder="colour_texture:build",
    summary="Colour, edges, bars, spots, patterns and random filters at three scales around a point or cell of a "
    "photograph, however it is turned. No weights, nothing to download; quick.",
    needs_torch=False,
    needs_model=False,
    free_patch=False,
    default_dimensions=0,
    licence="GPL-3.0-or-later (part of Quadrat)",
    source="after Leung & Malik 2001, doi:10.1023/A:1011126920638; Beijbom et al. 2012, doi:10.1109/CVPR.2012.6247798",
    inputs=INPUTS,
    patch_px=32,
    tile_px=224,
    embed_dim=852,
)
CARDS = (
    COLOUR_TEXTURE,
    _card(
        "dinov2-small", "DINOv2 small", "vit_small_patch14_dinov2.lvd142m",
        DINO2 + "The quick one, and good for a start with drone and aerial pictures.", DINO2_PAPER,
        gflop=93.4, parameters=22_056_192, dim=384, patch=14, tile=518,
    ),
    _card(
        "dinov2-base", "DINOv2 base", "vit_base_patch14_dinov2.lvd142m",
        DINO2 + "Four times the work of the small one.", DINO2_PAPER,
        gflop=303.1, parameters=86_579_712, dim=768, patch=14, tile=518,
    ),
    _card(
        "dinov2-large", "DINOv2 large", "vit_large_patch14_dinov2.lvd142m",
        DINO2 + "Fourteen times the work of the small one; for a graphics processor.", DINO2_PAPER,
        gflop=1013.6, parameters=304_367_616, dim=1024, patch=14, tile=518,
    ),
    _card(
        "dinov3-sat-large", "DINOv3 satellite, large", "vit_large_patch16_dinov3.sat493m",
        "Transformer trained without labels on 493 million satellite pictures of 0.6 m; cells of 16 px. For a graphics "
        "processor. Its licence must be accepted.",
        "Siméoni et al. 2025, arXiv:2508.10104",
        gflop=164.7, parameters=303_079_424, dim=1024, patch=16, tile=256, licence="dinov3-license",
        resolution_m=(0.6, 0.6),
    ),
    _card(
        "dino-small", "DINO small", "vit_small_patch16_224.dino", DINO1 + "Quick.", DINO1_PAPER,
        gflop=9.2, parameters=21_665_664, dim=384, patch=16,
    ),
    _card(
        "dino-base", "DINO base", "vit_base_patch16_224.dino", DINO1 + "Four times the work of the small one.",
        DINO1_PAPER, gflop=35.1, parameters=85_798_656, dim=768, patch=16,
    ),
    _card(
        "sharp-vit-base-16", "ViT-B/16, sharpness-aware", "vit_base_patch16_224.sam_in1k",
        SHARP + " Cells of 16 px.", SHARP_PAPER, gflop=35.1, parameters=85_798_656, dim=768, patch=16,
    ),
    _card(
        "sharp-vit-base-32", "ViT-B/32, sharpness-aware", "vit_base_patch32_224.sam_in1k",
        SHARP + " Cells of 32 px.", SHARP_PAPER, gflop=8.8, parameters=87_455_232, dim=768, patch=32,
    ),
    _card(
        "segment-anything-base", "Segment Anything, encoder", "samvit_base_patch16.sa1b",
        "Transformer trained to outline things in 11 million photographs; cells of 16 px. Slow: its tiles are of "
        "1024 px.",
        "Kirillov et al. 2023, arXiv:2304.02643",
        gflop=972.1, parameters=89_670_912, dim=256, patch=16, tile=1024,
    ),
    _card(
        "resnet18", "ResNet-18", "resnet18.a1_in1k", CLASSES + "The quickest here.",
        "He et al. 2016, arXiv:1512.03385; Wightman et al. 2021, arXiv:2110.00476",
        gflop=3.6, parameters=11_176_512, dim=512, patch=32,
    ),
    _card(
        "resnet152", "ResNet-152", "resnet152.a1_in1k", CLASSES + "Deep and slow.",
        "He et al. 2016, arXiv:1512.03385; Wightman et al. 2021, arXiv:2110.00476",
        gflop=23.0, parameters=58_143_808, dim=2048, patch=32,
    ),
    _card(
        "densenet201", "DenseNet-201", "densenet201.tv_in1k", CLASSES + "With many connections between its layers.",
        "Huang et al. 2017, arXiv:1608.06993", gflop=8.6, parameters=18_092_928, dim=1920, patch=32,
    ),
    _card(
        "resnext50", "ResNeXt-50", "resnext50_32x4d.ra_in1k", CLASSES + "In between ResNet-18 and -152.",
        "Xie et al. 2017, arXiv:1611.05431", gflop=8.5, parameters=22_979_904, dim=2048, patch=32,
    ),
    _card(
        "efficientnet-b0", "EfficientNet-B0", "efficientnet_b0.ra_in1k", CLASSES + "Small and quick.",
        "Tan & Le 2019, arXiv:1905.11946", gflop=0.8, parameters=4_007_548, dim=1280, patch=32,
    ),
)  # fmt: skip
"""`parameters` count the network without its classifier. The last eight, both of DINO and the middle one of
DINOv2 are the comparison of Hallopeau et al. 2025, arXiv:2510.03725."""
