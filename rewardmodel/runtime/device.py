"""Where a run computes, with how many threads and in which precision."""

import os
from dataclasses import dataclass

import torch

from rewardmodel.config_parsing import ConfigError


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """The device of a run and the dtype in which its network computes."""

    device: torch.device
    compute_dtype: torch.dtype
    """bfloat16 where the hardware multiplies it faster than float32; weights keep a float32 master either way."""

    @property
    def name(self) -> str:
        """Device and precision for people, for instance `cpu (2 threads, bfloat16)`."""
        dtype = str(self.compute_dtype).removeprefix("torch.")
        if self.device.type == "cpu":
            return f"cpu ({torch.get_num_threads()} threads, {dtype})"
        return f"{torch.cuda.get_device_name(self.device)} ({dtype})"


def select_device(*, device: str = "auto", precision: str = "auto", threads: int | None = None) -> ComputeDevice:
    """The device asked for: `auto` takes a GPU where there is one.

    precision: `auto` (bfloat16 where it pays), `bfloat16` or `float32`. threads: CPU threads; None takes the
    cores that this process may use, or OMP_NUM_THREADS.
    Raises: ConfigError where a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(["model.device: 'cuda' is asked for, but torch finds no GPU; use 'auto' or 'cpu'"])
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if name == "cpu":
        torch.set_num_threads(threads or _default_threads())
    return ComputeDevice(torch.device(name), _compute_dtype(name, precision))


def exact_device() -> ComputeDevice:
    """A GPU where there is one, else the CPU, in float32; leaves the number of threads as it is."""
    return ComputeDevice(torch.device("cuda" if torch.cuda.is_available() else "cpu"), torch.float32)


def _default_threads() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else len(os.sched_getaffinity(0))


def _compute_dtype(device: str, precision: str) -> torch.dtype:
    if precision != "auto":
        return {"bfloat16": torch.bfloat16, "float32": torch.float32}[precision]
    return torch.bfloat16 if _bfloat16_pays(device) else torch.float32


def _bfloat16_pays(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Without these instructions a CPU emulates bfloat16 and is slower than in float32.
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
