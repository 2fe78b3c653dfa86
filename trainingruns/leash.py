"""A trainer's leash: holds the run directory for its process tree, and ends the tree when the starter is gone.

Started as a script of its own in a new session: `python leash.py RUN_DIR FENCING_TOKEN GRACE_SECONDS COMMAND...`.
The starter keeps the other end of stdin open and never writes; its end closes when the starter dies, even by kill -9.
Standard library only, so that it starts in a few milliseconds and shares nothing with the site.

Exit: the trainer's own code; 128 + n when signal n ended it; 75 when the directory is held by a newer claim.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

BUSY = 75
POLL_SECONDS = 0.1
PR_SET_PDEATHSIG = 1


class Leash:
    """One trainer, its lock and its end."""

    def __init__(self, directory: str, fencing_token: int, grace_seconds: float) -> None:
        self.fencing_token = fencing_token
        self.grace_seconds = grace_seconds
        self.lock = os.open(f"{directory}/.leash", os.O_RDWR | os.O_CREAT, 0o644)
        self.trainer: subprocess.Popen[bytes] | None = None
        self.is_asked_to_stop = False

    def take(self) -> bool:
        """Hold the directory, ending an older claim's tree if one is still there. False: a newer claim holds it."""
        steps = [(0.0, None), (self.grace_seconds, signal.SIGTERM), (self.grace_seconds, signal.SIGKILL)]
        for seconds, number in steps:
            if number is not None and not self._signal_holder(number):
                return False
            if self._wait_for_lock(seconds):
                os.ftruncate(self.lock, 0)
                holder = {"host": socket.gethostname(), "group": os.getpgrp(), "fence": self.fencing_token}
                os.pwrite(self.lock, json.dumps(holder).encode(), 0)
                return True
        return False

    def _wait_for_lock(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline or self.is_asked_to_stop or starter_is_gone(POLL_SECONDS):
                    return False
            else:
                return True

    def _signal_holder(self, number: int) -> bool:
        """SIGTERM goes to the holder's leash, which passes it on once; SIGKILL to the whole group."""
        try:
            holder = json.loads(os.pread(self.lock, 4096, 0))
        except ValueError:
            return True
        if holder["fence"] >= self.fencing_token:
            return False
        if holder["host"] == socket.gethostname():
            send = os.killpg if number == signal.SIGKILL else os.kill
            # Where the leash alone is gone, its trainer, tied to it, is about to go.
            with contextlib.suppress(ProcessLookupError):
                send(holder["group"], number)
        return True

    def run(self, command: list[str]) -> int:
        """Start the command with the lock in its hands and stay until it has ended."""
        signal.signal(signal.SIGTERM, self._on_sigterm)
        if not self.take():
            return BUSY
        self.trainer = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=[self.lock], preexec_fn=die_with_leash()
        )
        if self.is_asked_to_stop:
            self.trainer.terminate()
        while self.trainer.poll() is None:
            if starter_is_gone(POLL_SECONDS):
                return self._end()
        code = self.trainer.returncode
        return code if code >= 0 else 128 - code

    def _end(self) -> int:
        if not self.is_asked_to_stop:
            self._on_sigterm()
        assert self.trainer is not None
        try:
            self.trainer.wait(self.grace_seconds)
        finally:
            os.killpg(os.getpgrp(), signal.SIGKILL)
        return BUSY

    def _on_sigterm(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        # Passed on once: trainers take a second SIGTERM as the order to leave without a checkpoint.
        if self.trainer is not None and not self.is_asked_to_stop:
            self.trainer.terminate()
        self.is_asked_to_stop = True


def starter_is_gone(seconds: float) -> bool:
    """Wait up to `seconds`; True as soon as the other end of stdin is closed."""
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable) and os.read(0, 1) == b""


def die_with_leash() -> Callable[[], None]:
    """A `preexec_fn`: the kernel kills the trainer if the leash itself is killed (Linux)."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    set_option = ctypes.CDLL(None, use_errno=True).prctl
    leash = os.getpid()

    def arm() -> None:
        set_option(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != leash:
            os._exit(BUSY)

    return arm


if __name__ == "__main__":
    directory, fence, grace, *trainer_command = sys.argv[1:]
    sys.exit(Leash(directory, int(fence), float(grace)).run(trainer_command))
