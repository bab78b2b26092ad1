"""Where a network of torch runs, and the one way through it: pixels of a raster in, numbers of numpy out.

Pixels cross to the device as they were read; there bands are scaled and gaps filled by the same lines that numpy runs
for networks in other files (`scaling.py`), bit by bit equal on the CPU.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .contract import Bool, BuildRequest, Float
from .crew import thread_count
from .errors import UnusableModel
from .torch_tools import choose_device, out_of_memory

Compute = Callable[[Tensor, Tensor | None], Tensor]
"""((B, C, H, W) float32 on the device, (B, H, W) bool or None where all are valid) to any tensor."""


class Runtime:
    """A device, its threads and its precision."""

    def __init__(self, request: BuildRequest) -> None:
        """As the request wishes.

        Raises:
            UnusableModel: the device is not there, or has no use for the precision.
        """
        self.place, self.device = choose_device(request.device, request.threads)
        self._wish = request.threads
        self.half = half_type(self.place) if request.precision == "half" else None
        if self.half is not None:
            self.device += f", {str(self.half).removeprefix('torch.')}"

    def settle(self, network: nn.Module, layout: torch.memory_format = torch.contiguous_format) -> Any:
        """The network on the device, for looking only."""
        settled: Any = network.eval().requires_grad_(requires_grad=False).to(self.place)
        return settled if layout == torch.contiguous_format else settled.to(memory_format=layout)

    def hold(self, numbers: NDArray[Any]) -> Tensor:
        """A copy of an array on the device."""
        return torch.from_numpy(np.array(numbers)).to(self.place)

    def __call__(self, compute: Compute, values: Float, valid: Bool) -> Float:
        """What `compute` gives.

        Args:
            compute: gets the pixels on the device.
            values: (B, C, H, W) float32.
            valid: (B, H, W) bool.

        Returns:
            float32, as laid out by `compute`.

        Raises:
            OutOfMemory: the batch does not fit.
            UnusableModel: half precision does not hold the network's numbers.
        """
        threads = min(self._wish or _own_threads(), thread_count(self._wish))
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        try:
            with torch.inference_mode(), self._precision():
                shown = None if valid.all() else self._sent(valid)
                result = self._fetched(compute(self._sent(values), shown).float().contiguous())
        except (RuntimeError, MemoryError) as error:
            raise out_of_memory(error) or error from error
        if self.half is not None and not np.isfinite(result).all():
            raise UnusableModel("Half precision does not hold this network's numbers. Set the precision to 'float32'.")
        return result

    def _precision(self) -> AbstractContextManager[Any]:
        if self.half is None:
            return nullcontext()
        return torch.autocast(self.place.type, self.half)

    def _sent(self, array: NDArray[Any]) -> Tensor:
        """The array on the device; to CUDA from pinned memory, so that the copy runs while the next is prepared."""
        tensor = torch.from_numpy(np.require(array, requirements=("C", "W")))
        if self.place.type != "cuda":
            return tensor.to(self.place)
        return tensor.pin_memory().to(self.place, non_blocking=True)

    def _fetched(self, found: Tensor) -> Float:
        """The numbers in numpy; from CUDA through pinned memory."""
        if self.place.type != "cuda":
            result: Float = found.cpu().numpy()
            return result
        kept = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
        kept.copy_(found, non_blocking=True)
        torch.cuda.current_stream().synchronize()
        fetched: Float = kept.numpy()
        return fetched


@cache
def _own_threads() -> int:
    """As many as torch chooses, before anybody told it otherwise: cores, not their hyper-threads."""
    return torch.get_num_threads()


def half_type(place: torch.device) -> torch.dtype:
    """The numbers of 16 bits that a device computes with: bfloat16, or float16 where it does not know that.

    Raises:
        UnusableModel: on a CPU, where it costs more than it saves: a ViT-S/16 took 6.5 times as long as in float32
            (CPU seconds, AVX2, no AMX).
    """
    if place.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if place.type == "mps":
        return torch.float16
    raise UnusableModel(
        "Half precision saves time on graphics processors only, and this network would run on the CPU. Set the "
        "precision to 'float32'."
    )
