"""The work that cards state for one tile, against torch's own counter on networks without weights."""

import importlib.util
import warnings

import pytest
from quadrat.models import registry

torch = pytest.importorskip("torch")
if importlib.util.find_spec("timm") is None:
    pytest.skip("timm is not installed", allow_module_level=True)

WITH_WORK = [card for card in registry.BACKBONES.values() if card.gflop]
OWN = [card for card in WITH_WORK if card.builder != "timm_model:build"]
"""The work of timm's own models is told where their shapes are."""


def network(card):
    """The architecture of a card and the number of its bands."""
    from quadrat.models.torch_tools import import_timm

    timm, family = import_timm(), card.builder.split(":")[0]
    if family == "croma":
        from quadrat.models.definitions.croma import SIZES
        from quadrat.models.networks.croma import Croma

        size = SIZES[card.model]
        return Croma(size.dim, size.depth, size.heads, "joint"), 14
    if family == "galileo":
        return OneDate(card), 12
    if family == "smarties":
        from quadrat.models.definitions.smarties import SIZES

        dim, depth, heads = SIZES[card.name]
        sizes = {"embed_dim": dim, "depth": depth, "num_heads": heads, "in_chans": 12}
        return timm.create_model("vit_base_patch16_224", num_classes=0, **sizes), 12
    assert family == "coralnet"
    return timm.create_model("tf_efficientnet_b0", pretrained=False, num_classes=0), 3


class OneDate(torch.nn.Module):
    """Galileo on one date of all its bands, each patch of the card's size a window of its own."""

    def __init__(self, card):
        from quadrat.models.definitions.galileo import SIZES
        from quadrat.models.networks.galileo import Galileo, Size

        super().__init__()
        self.patch, self.network = card.patch_px, Galileo(Size(*SIZES[card.model]))

    def forward(self, tile):
        from quadrat.models.networks.galileo import CHANNELS, Group

        side = self.patch
        cut = tile.reshape(12, tile.shape[2] // side, side, tile.shape[3] // side, side).permute(1, 3, 0, 2, 4)
        windows = cut.reshape(-1, 1, 12, side, side)
        groups = [Group(name, (0,), windows[:, :, :count]) for name, count in CHANNELS.items()]
        return self.network.tokens(groups, (1,), self.patch, 10.0)


@pytest.mark.parametrize("card", OWN, ids=lambda card: card.name)
def test_the_work_of_a_tile_is_as_stated(card):
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, bands = network(card)
        tile = torch.zeros(1, bands, card.tile_px, card.tile_px)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        getattr(model.eval(), "forward_features", model)(tile)
    assert counter.get_total_flops() / 1e9 == pytest.approx(card.gflop, rel=0.05, abs=0.05)


def test_every_card_with_weights_states_its_work():
    assert {card.name for card in WITH_WORK} == {c.name for c in registry.BACKBONES.values() if c.weights}
