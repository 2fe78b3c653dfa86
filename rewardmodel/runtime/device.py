"""Where a run computes, with how many threads and in which precision."""

import logging
import os
from dataclasses import dataclass

import torch

from rewardmodel.config_parsing import ConfigError

BUSY_LOAD = 0.75
"""A machine counts as busy when more processes than this share of its cores wanted to compute in the last minute."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """The device of a run and the dtype in which its network computes."""

    device: torch.device
    compute_dtype: torch.dtype
    """bfloat16 where the hardware multiplies it faster than float32; weights keep a float32 master either way."""

    @property
    def name(self) -> str:
        """Device and precision for people, for instance `cpu (2 of 4 cores, bfloat16)`."""
        dtype = str(self.compute_dtype).removeprefix("torch.")
        if self.device.type == "cpu":
            return f"cpu ({torch.get_num_threads()} of {_count_cores()} cores, {dtype})"
        return f"{torch.cuda.get_device_name(self.device)} ({dtype})"


def select_device(
    *, device: str = "auto", precision: str = "auto", threads: int | None = None, section: str = "model"
) -> ComputeDevice:
    """The device asked for: `auto` takes a GPU where there is one.

    precision: `auto` (bfloat16 where it pays), `bfloat16` or `float32`. threads: CPU threads; None takes
    OMP_NUM_THREADS, else all cores that this process may use, but for one where others keep the machine busy.
    section: the section of the config in which the device stands.
    Raises: ConfigError where a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError([f"{section}.device: 'cuda' is asked for, but torch finds no GPU; use 'auto' or 'cpu'"])
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if name == "cpu":
        torch.set_num_threads(threads or _default_threads())
    return ComputeDevice(torch.device(name), _compute_dtype(name, precision))


def exact_device() -> ComputeDevice:
    """A GPU where there is one, else the CPU, in float32; leaves the number of threads as it is."""
    return ComputeDevice(torch.device("cuda" if torch.cuda.is_available() else "cpu"), torch.float32)


def restore_threads(compute: ComputeDevice, recorded: int | None) -> None:
    """Compute with as many threads as before the checkpoint: another number rounds otherwise."""
    if recorded is not None and compute.device.type == "cpu" and recorded != torch.get_num_threads():
        log.info("computing with %d threads, as before the checkpoint, so that the run repeats exactly", recorded)
        torch.set_num_threads(recorded)


def choose_threads(*, cores: int, load: float) -> int:
    """Threads for a machine with this many cores and this many processes that want them.

    A thread that waits for its core holds up all the others at the end of every operation, so that one fewer is
    faster than one too many.
    """
    return max(1, cores - 1) if load > BUSY_LOAD * cores else cores


def _default_threads() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    cores, load = _count_cores(), os.getloadavg()[0]
    threads = choose_threads(cores=cores, load=load)
    if threads < cores:
        log.info("the machine is busy (load %.1f): computing with %d of %d cores", load, threads, cores)
    return threads


def _count_cores() -> int:
    return len(os.sched_getaffinity(0))


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
