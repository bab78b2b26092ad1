"""The guard of the mark `same_without_torch`."""

import importlib.util

import pytest
from quadrat.core.worker.machine import has_torch
from quadrat.tests.conftest import absent


def test_who_goes_near_pytorch_is_told():
    before = has_torch()
    with absent():
        with pytest.raises(AssertionError, match="it asks for torch"):
            importlib.import_module("torch.nn")
        with pytest.raises(AssertionError, match="it asks for torch"):
            has_torch()
        assert importlib.util.find_spec("numpy")
    assert has_torch() == before
