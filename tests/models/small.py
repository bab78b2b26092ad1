"""Backbones of a few thousand weights that stand for those of a card in sweeps: random, in the official layout."""

import importlib.util

import pytest
from quadrat.models import registry

from . import conftest

KEPT = {}
"""Paths of files of weights by their names."""


def inputs_of(name, request):
    """Bands, roles and options of a request for the backbone of a card, small enough for a sweep.

    Args:
        name: of the card.
        request: pytest's, for fixtures.
    """
    card = registry.get(name)
    for library in card.requirements:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    if not card.inputs:
        return 4, {}
    roles = card.inputs[0].roles
    options = {"roles": roles, "card": card, "model": card.model}
    if card.series:
        roles = card.inputs[-1].roles * 2
        dates = [date for date in ("2021-04", "2021-07") for _ in card.inputs[-1].roles]
        months = [int(date[-2:]) for date in dates]
        options |= {"roles": roles, "dates": tuple(dates), "months": tuple(months), "patch_size_px": 8}
    return len(roles), {**options, **(_weights(card, request) if card.weights else {})}


def _weights(card, request):
    """Options that name the weights. Sizes shrink for one test, files are written once."""
    family = card.builder.split(":")[0]
    makers = {"croma": _croma, "smarties": _smarties, "galileo": _galileo, "coralnet": _coralnet, "timm_model": _timm}
    return makers[family](card, request)


def _kept(name, request, write):
    """Path of a file that `write` makes at the first call."""
    if name not in KEPT:
        KEPT[name] = request.getfixturevalue("tmp_path_factory").mktemp("small") / name
        write(KEPT[name])
    return {"weights": str(KEPT[name])}


def _croma(card, request):
    import torch
    from quadrat.models.definitions import croma

    from . import test_croma

    request.getfixturevalue("monkeypatch").setitem(croma.SIZES, card.model, test_croma.TINY[card.model])
    return _kept(f"{card.name}.pt", request, lambda path: torch.save(test_croma.official(card.model), path))


def _smarties(card, request):
    from quadrat.models.definitions import smarties

    from . import test_smarties

    request.getfixturevalue("monkeypatch").setitem(smarties.SIZES, card.name, test_smarties.TINY)
    return _kept("smarties.safetensors", request, lambda path: test_smarties.save(path, test_smarties.official()))


def _galileo(card, request):
    import torch
    from quadrat.models.definitions import galileo

    from . import test_galileo

    request.getfixturevalue("monkeypatch").setitem(galileo.SIZES, card.model, test_galileo.TINY[card.model])
    return _kept(f"{card.name}.pt", request, lambda path: torch.save(test_galileo.official(card.model), path))


def _coralnet(card, request):
    import torch

    from . import test_coralnet

    return _kept("coralnet.pt", request, lambda path: torch.save({"net": test_coralnet.official()}, path))


def _timm(card, request):
    """Another model, since those of cards are large; that the card names the right one is tested beside the cards."""
    return {"model": conftest.TINY, "weights": request.getfixturevalue("tiny_vit")}
