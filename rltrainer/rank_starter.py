"""Starts the processes of a run on this machine and answers for all of them. Standard library only.

torchrun starts ranks in sessions of their own, where the leash of the site could not end them, and turns every exit
code into 1. Ours stay in the starter's process group, die with it, and end with the code of the rank that failed first.
"""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from rewardmodel.runtime.process import EXIT_BUSY, EXIT_DONE
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.rank_environment import RankPlace
from rltrainer.rank_outcome import RankOutcome, forget_outcomes, read_outcome

GRACE_SECONDS = 5.0
"""How long the other ranks may take to end by themselves once one has failed."""
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Rank:
    """One started process."""

    index: int
    process: subprocess.Popen[bytes]
    is_ended_by_us: bool = False

    @property
    def failed(self) -> bool:
        return self.process.poll() not in (None, EXIT_DONE) and not self.is_ended_by_us


def run_ranks(count: int, command: Sequence[str], directory: RunDirectory) -> int:
    """Run the command in `count` processes; gives the exit code that docs/run-directory.md promises."""
    forget_outcomes(directory)
    ranks: list[_Rank] = []
    _pass_on_sigterm(ranks)
    try:
        ranks.extend(_start(count, command))
        _wait(ranks)
        return _conclude(ranks, directory)
    finally:
        _kill(ranks)


def _start(count: int, command: Sequence[str]) -> list[_Rank]:
    port, threads = _free_port(), max(1, len(os.sched_getaffinity(0)) // count)
    started = []
    for index in range(count):
        place = RankPlace(index, count, index)
        # A variable that is set stands: whoever set it knows the machine.
        environment = {"OMP_NUM_THREADS": str(threads), **os.environ, **place.variables(port=port)}
        # Descriptors stay open: the leash's lock must be held by every process that writes in the directory.
        process = subprocess.Popen(command, env=environment, close_fds=False, preexec_fn=_die_with_starter())
        started.append(_Rank(index, process))
    return started


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(ranks: Sequence[_Rank]) -> None:
    """Until all have ended; when one fails the others have a few seconds to follow, and are then killed."""
    deadline: float | None = None
    while any(rank.process.poll() is None for rank in ranks):
        if deadline is None and any(rank.failed for rank in ranks):
            deadline = time.monotonic() + GRACE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            _kill(ranks)
        time.sleep(POLL_SECONDS)


def _kill(ranks: Sequence[_Rank]) -> None:
    # SIGKILL, not SIGTERM: a rank that waits for a lost one can write no checkpoint.
    for rank in ranks:
        if rank.process.poll() is None:
            rank.is_ended_by_us = True
            rank.process.kill()
            rank.process.wait()


def _conclude(ranks: Sequence[_Rank], directory: RunDirectory) -> int:
    """The code of the rank that failed by itself; `status.json` gets its reason where the first rank did not say it."""
    failed = [(rank, _outcome(rank, directory)) for rank in ranks if rank.failed]
    if not failed:
        return EXIT_DONE
    rank, outcome = min(failed, key=lambda pair: (pair[1].follows_another, pair[0].index))
    if rank.index != 0 and outcome.code != EXIT_BUSY:
        reason = f"process {rank.index} of {len(ranks)}: {outcome.reason}"
        log.error("%s", reason)
        with suppress(OSError):
            directory.status.update(state="failed", reason=reason, message=reason)
    return outcome.code


def _outcome(rank: _Rank, directory: RunDirectory) -> RankOutcome:
    code = rank.process.returncode
    if code < 0:
        return RankOutcome(128 - code, f"was ended by {signal.Signals(-code).name}")
    return read_outcome(directory, rank.index) or RankOutcome(code, f"ended with code {code} and said nothing")


def _pass_on_sigterm(ranks: Sequence[_Rank]) -> None:
    """A wish to stop goes to every rank; they agree on the step after which they stop."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        for rank in ranks:
            if rank.process.poll() is None:
                rank.process.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    # Ctrl-C reaches the ranks by itself: they are in this process's group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _die_with_starter() -> Callable[[], None]:
    """A `preexec_fn`: the kernel kills the rank if the starter itself is killed (Linux)."""
    set_option = ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None
    starter = os.getpid()

    def arm() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if set_option is not None:
            set_option(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != starter:
            os._exit(EXIT_BUSY)

    return arm
