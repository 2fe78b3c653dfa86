"""As many threads as the machine has cores to spare, looked at again while a run goes on."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

BUSY_CORES = 0.15
"""From this many cores in use by others on, one core is left to them."""
IDLE_CORES = 0.05
"""Below this many in use by others all cores are taken again."""
SHORTEST_SECONDS = 0.5
"""A shorter time tells nothing about the others."""
STAT = Path("/proc/stat")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds used so far."""

    at: float
    """Seconds of a steady clock."""
    everybody: float
    """By all processes of the machine."""
    own: float
    """By this process."""


def read_usage() -> Usage | None:
    """What has been used until now; None where the system does not tell."""
    try:
        fields = [int(field) for field in STAT.read_text().split("\n", 1)[0].split()[1:]]
    except (OSError, ValueError):
        return None
    # Idle and waiting for a disk are the fourth and fifth; what a guest used is already in the first two.
    busy = sum(fields[:8]) - fields[3] - fields[4]
    return Usage(time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), time.process_time())


def threads_beside(*, cores: int, others: float, threads: int) -> int:
    """PURE: threads for a machine where other processes keep `others` of its cores busy and we run `threads`.

    A thread that waits for its core holds up all the others at the end of every operation: one too many costs more
    than one too few. Between the two limits everything stays as it is.
    """
    if others >= BUSY_CORES:
        return max(1, cores - max(1, round(others)))
    return cores if others < IDLE_CORES else min(threads, cores)


class ThreadWatch:
    """Sets torch's threads between steps by what the others used since the last look."""

    def __init__(self, *, pinned: bool, usage: Callable[[], Usage | None] = read_usage) -> None:
        """pinned: the number was chosen by a person, or must not change; then nothing is done."""
        self._usage = usage
        self._last = None if pinned else usage()

    def adjust(self) -> int:
        """Choose anew; gives the number of threads from now on."""
        now, last, threads = self._usage() if self._last else None, self._last, torch.get_num_threads()
        if now is None or last is None or now.at - last.at < SHORTEST_SECONDS:
            return threads
        self._last = now
        others = max(0.0, (now.everybody - last.everybody) - (now.own - last.own)) / (now.at - last.at)
        chosen = threads_beside(cores=len(os.sched_getaffinity(0)), others=others, threads=threads)
        if chosen != threads:
            log.info("others use %.2f cores: computing with %d threads instead of %d", others, chosen, threads)
            torch.set_num_threads(chosen)
        return chosen


def is_pinned(threads: int | None) -> bool:
    """Whether a person chose the number of threads, in a config or by OMP_NUM_THREADS."""
    return threads is not None or os.environ.get("OMP_NUM_THREADS", "").isdigit()
