"""Children that do not outlive their parent, even when the parent is killed with -9 (Linux; elsewhere a no-op)."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_SECONDS = 1.0


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


def end_after_parent(*, grace_seconds: float) -> None:
    """From now on this process ends at the latest so long after its parent, whatever it is doing then.

    Nothing happens where init started it: that never ends.
    """
    parent = os.getppid()
    if parent > 1:
        threading.Thread(target=_outlive, args=(parent, grace_seconds), name="parent-watch", daemon=True).start()


def _outlive(parent: int, grace_seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_SECONDS)
    time.sleep(grace_seconds)
    os._exit(1)
