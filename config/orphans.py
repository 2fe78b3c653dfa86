"""Grandchildren whose parent died come to us instead of to init, so that the site can end them too (Linux)."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on, processes below this one that lose their parent become its children."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans(*, spare: Collection[int], grace_seconds: float = 5.0) -> None:
    """Ends every child of this process but `spare`: politely, then by force."""
    deadline = time.monotonic() + grace_seconds
    number = signal.SIGTERM
    while left := living_children() - set(spare):
        for pid in left:
            _signal_and_reap(pid, number)
        number = signal.SIGKILL if time.monotonic() > deadline else number
        time.sleep(0.1)


def living_children() -> set[int]:
    """Process ids whose parent is this process, zombies included; empty where there is no /proc."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(after_name[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


def _signal_and_reap(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
        os.waitpid(pid, os.WNOHANG)
    except (ProcessLookupError, ChildProcessError):
        return
