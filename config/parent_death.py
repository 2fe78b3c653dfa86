"""Children that do not outlive their parent, even when the parent is killed with -9 (Linux; elsewhere a no-op)."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `signal_number` to the child when this process dies.

    The kernel watches the *thread* that started the child, so start such children from the main thread.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    # Loaded here, because between fork and exec only plain calls are safe.
    set_option = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        set_option(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal_number)

    return arm
