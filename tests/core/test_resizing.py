"""Windows in another size, as PyTorch would resize them."""

import numpy as np
import pytest
from quadrat.core.resizing import resized


@pytest.mark.parametrize(("size", "wanted"), [(15, 120), (15, 15), (15, 224), (120, 15), (33, 7), (1, 8), (8, 1)])
def test_resizing_is_that_of_pytorch(size, wanted):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(size=(2, 3, size, size + 1)).astype(np.float32)
    ours, valid = resized(values, np.ones((2, size, size + 1), bool), wanted, wanted + 2)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(values), (wanted, wanted + 2), mode="bilinear", antialias=True
    )
    assert np.abs(ours - theirs.numpy()).max() < 1e-5 and valid.all()  # torch rounds its weights to float32
