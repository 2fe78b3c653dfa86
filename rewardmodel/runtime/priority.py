"""Computing for hours beside people who wait for pages: how a trainer lets them go first."""

import ctypes
import logging
import os
import platform
import struct
from pathlib import Path

NICENESS = 5
LONG_SLICE_NANOSECONDS = 100_000_000
"""The longest slice that Linux grants."""
CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""The numbers of sched_setattr and sched_getattr, for which Python has no functions."""
ATTRIBUTES = struct.Struct("=IIQiIQQQII")
"""Linux' `struct sched_attr`: size, policy, flags, niceness, priority, runtime (the slice), deadline, period, clamp."""
SLICE = 5
log = logging.getLogger(__name__)


def lower_priority() -> None:
    """Give way to whatever else wants the processor: hours of computing share it with a web server."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        if os.getsid(0) == os.getpid():
            # Where the kernel groups processes by session, niceness counts within a group; the group has its own.
            Path("/proc/self/autogroup").write_text(str(NICENESS))
        take_long_slices()
    except OSError as error:
        log.debug("this system does not let a process lower its priority: %s", error)


def take_long_slices() -> None:
    """Ask the kernel for the processor seldom and for long, for this thread and all that it will start.

    From 6.12 on Linux lets whoever asks for shorter slices interrupt whoever asks for longer ones; niceness alone
    decides about shares of time, and lets a request wait at each of its wake-ups for the end of a slice. Elsewhere
    nothing happens. Raises: OSError where the kernel refuses.
    """
    attributes = _read_attributes()
    # Where the kernel has no slices to ask for it tells of none.
    if attributes and attributes[SLICE]:
        wanted = [*attributes[:SLICE], LONG_SLICE_NANOSECONDS, *attributes[SLICE + 1 :]]
        _call(0, ctypes.create_string_buffer(ATTRIBUTES.pack(*wanted), ATTRIBUTES.size))


def read_slice() -> int:
    """The slice that this thread asks for, nanoseconds; 0 where that is not known."""
    attributes = _read_attributes()
    return attributes[SLICE] if attributes else 0


def _read_attributes() -> tuple[int, ...] | None:
    if platform.system() != "Linux" or platform.machine() not in CALLS:
        return None
    buffer = ctypes.create_string_buffer(ATTRIBUTES.size)
    _call(1, buffer, ATTRIBUTES.size)
    return ATTRIBUTES.unpack(buffer.raw)


def _call(which: int, buffer: "ctypes.Array[ctypes.c_char]", *size: int) -> None:
    """One of `CALLS` for this thread. Raises: OSError."""
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.syscall(CALLS[platform.machine()][which], 0, buffer, *size, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
