"""Makes `rcf.npz` with torchgeo's own code; run by hand in an environment that holds torch and torchgeo."""

import pathlib

import numpy as np
import torch
from torchgeo.models import RCF

HERE = pathlib.Path(__file__).parent


def main() -> None:
    """Features of a small random image at two biases, with torchgeo's Gaussian filters."""
    rng = np.random.default_rng(7)
    pixels = rng.standard_normal((2, 5, 12, 10)).astype(np.float32)
    arrays = {"pixels": pixels}
    for name, bias in (("zero", 0.0), ("minus_one", -1.0)):
        network = RCF(in_channels=5, features=16, kernel_size=3, bias=bias, seed=11)
        arrays["weights"] = network.weights.numpy()
        arrays[name] = network(torch.from_numpy(pixels)).numpy()
    patches = rng.standard_normal((60, 5, 3, 3)).astype(np.float32)
    arrays["patches"], arrays["whitened"] = patches, network._normalize(patches)
    np.savez_compressed(HERE / "rcf.npz", **arrays)


if __name__ == "__main__":
    main()
