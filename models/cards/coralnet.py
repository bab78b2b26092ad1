"""The card of CoralNet's network for photographs of the sea floor."""

from ..card import Card, Inputs, Source

WEIGHTS = Source(
    name="coralnet-efficientnet-b0",
    file_name="efficientnet_b0_ver1.pt",
    url="https://spacer-tools.s3.us-west-2.amazonaws.com/efficientnet_b0_ver1.pt",
    licence="not stated; ask CoralNet before passing them on",
    licence_url="https://coralnet.ucsd.edu",
    must_accept=True,
    parameters=5_640_823,
)
"""`parameters` count the classifier too, which the file holds and which is not used."""
CARDS = (
    Card(
        name="coralnet-efficientnet-b0",
        title="CoralNet EfficientNet-B0",
        builder="coralnet:build",
        summary="The network with which CoralNet looks at points of reef photographs, trained on 16 million of them. "
        "Red, green, blue as a camera stores them; one vector for a window of 224 px around the point.",
        needs_torch=True,
        needs_model=False,
        free_patch=False,
        default_dimensions=0,
        licence="of the weights not stated (ask CoralNet); reading program pyspacer MIT",
        source="https://github.com/coralnet/pyspacer; Tan & Le 2019, arXiv:1905.11946",
        requirements=("torch", "timm"),
        weights=WEIGHTS,
        inputs=(Inputs("colour photograph", ("red", "green", "blue")),),
        patch_px=32,
        tile_px=224,
        embed_dim=1280,
        gflop=0.8,
    ),
)
