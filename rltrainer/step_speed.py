"""How fast a step was, and how much memory the process holds."""

import resource
import sys
from pathlib import Path

import torch

from rltrainer.rollouts.dynamic import Collected
from rltrainer.stopwatch import Stopwatch

STATM = Path("/proc/self/statm")
"""Sizes of this process in pages, the resident ones second; Linux only."""


def describe_speed(collected: Collected, tokens: int, watch: Stopwatch) -> dict[str, float]:
    """Seconds of the step's parts, tokens a second, threads and memory.

    tokens: completion tokens that were learned from; 0 where there were none.
    """
    times = watch.values()
    sampled = sum(len(completion.token_ids) for group in collected.all_groups for completion in group.completions)
    memory = {"peak_memory_mib": peak_memory_mib(), **resident_memory(), **device_memory()}
    measured = {**times, "threads": torch.get_num_threads(), **memory}
    if collected.batches:
        measured["tokens_per_second_generate"] = sampled / times["seconds_generate"]
        measured["tokens_per_second_score"] = sampled / times["seconds_score"]
    if tokens and "seconds_train" in times:
        measured["tokens_per_second_train"] = tokens / times["seconds_train"]
    return measured


def peak_memory_mib() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def resident_memory() -> dict[str, float]:
    """Resident memory of this process now; nothing where the system does not tell."""
    try:
        pages = int(STATM.read_text().split()[1])
    except OSError:
        return {}
    return {"resident_memory_mib": pages * resource.getpagesize() / 2**20}


def device_memory() -> dict[str, float]:
    """Highest memory that tensors have held on this process's GPU so far; nothing without one."""
    if not torch.cuda.is_initialized():
        return {}
    return {"peak_device_memory_mib": torch.cuda.max_memory_allocated() / 2**20}
