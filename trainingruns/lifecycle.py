"""PURE: the states of a run and the moves between them."""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands. `failed`: the job said no (bad config, bad data, diverged). `error`: we broke."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERROR = "error"
    CANCELLED = "cancelled"


ACTIVE = frozenset({RunState.QUEUED, RunState.RUNNING})
FINISHED = frozenset(RunState) - ACTIVE

_MOVES: dict[RunState, frozenset[RunState]] = {
    # A queued run can be cancelled without ever starting; one that was lost too often is given up.
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED, RunState.ERROR}),
    # Back to queued: its worker was lost or shut down, and it resumes from the checkpoint.
    RunState.RUNNING: frozenset(RunState) - {RunState.RUNNING},
    # A person takes up what a brake or a person stopped; it goes on from the checkpoint.
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
}


def can_move(source: RunState, target: RunState) -> bool:
    """Whether a run may go from one state to the other. Of finished runs only a cancelled one can be taken up again."""
    return target in _MOVES.get(source, frozenset())


def state_for_exit(code: int) -> RunState:
    """The state that a trainer's exit code stands for (see docs/run-directory.md)."""
    if code == 0:
        return RunState.SUCCEEDED
    if code == 130:
        return RunState.CANCELLED
    return RunState.FAILED if code in (2, 3, 4) else RunState.ERROR
