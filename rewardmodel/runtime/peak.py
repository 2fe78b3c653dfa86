"""How many operations a second the device can do at best: what a trainer's speed is held against."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from rewardmodel.runtime.device import ComputeDevice

SIZES = {"cpu": 1024, "cuda": 4096}
"""Edge of the square matrices that are multiplied: large enough for full speed, small enough to take no time."""
REPEATS = 5
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DevicePeak:
    """Floating-point operations a second of a device, or of all devices of a run."""

    tflops: float | None
    """10^12 operations a second; None where that is not known."""
    source: Literal["configured", "measured", "unknown"]
    note: str
    """How it is known, or why it is not."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"tflops": self.tflops, "source": self.source, "note": self.note}


def find_peak(compute: ComputeDevice, configured: float | None) -> DevicePeak:
    """What the config says, else what the best of a few large matrix products reaches in the compute precision."""
    if configured is not None:
        return DevicePeak(configured, "configured", "as the config says")
    kind = compute.device.type
    if kind not in SIZES:
        known = " and ".join(SIZES)
        return DevicePeak(None, "unknown", f"nothing is measured on {kind!r}, only on {known}; set model.peak_tflops")
    tflops = _measure(compute)
    log.info("%s multiplies matrices at %.3g TFLOP/s", compute.name, tflops)
    return DevicePeak(
        tflops, "measured", f"best of {REPEATS} products of {SIZES[kind]}x{SIZES[kind]} on {compute.name}"
    )


@torch.no_grad()
def _measure(compute: ComputeDevice) -> float:
    size = SIZES[compute.device.type]
    # No random numbers: those of the run must not depend on a measurement.
    left = torch.linspace(-1, 1, size * size, device=compute.device).view(size, size).to(compute.compute_dtype)
    seconds = [_time_product(left) for _ in range(REPEATS + 1)]
    # The first one pays for what is set up once.
    return 2 * size**3 / min(seconds[1:]) / 1e12


def _time_product(matrix: Tensor) -> float:
    if matrix.is_cuda:
        torch.cuda.synchronize(matrix.device)
    begin = time.perf_counter()
    torch.mm(matrix, matrix)
    if matrix.is_cuda:
        torch.cuda.synchronize(matrix.device)
    return time.perf_counter() - begin
