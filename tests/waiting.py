"""Waiting for what other processes do. A shared machine may let them wait for minutes, so patience costs nothing."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 240.0


def wait_until(
    holds: Callable[[], object], *, pause: float = 0.05, process: "subprocess.Popen[str] | None" = None
) -> None:
    """Returns once it holds. process: one that must not end before; its output is the failure's message."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert process is None or process.poll() is None or holds(), process.communicate()[0]
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(pause)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has asked for its exit code does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
