"""Work in the background steps back where it would slow down the people who use the site."""

import contextlib
import os
from pathlib import Path

from config import env

NICENESS = 10
LEAST = 19


def step_back() -> None:
    """Lets everybody else go first on a busy processor, as far as `WORKER_NICENESS` says; what this process starts too.

    Linux may first share the processor out among sessions ("autogroup"). Niceness then counts only inside of one, and
    a session has a niceness of its own.
    """
    niceness = min(env.read_int("WORKER_NICENESS", NICENESS), LEAST)
    os.nice(max(0, niceness - os.nice(0)))
    with contextlib.suppress(OSError):  # Another system, or a kernel without it.
        Path("/proc/self/autogroup").write_text(str(niceness))
