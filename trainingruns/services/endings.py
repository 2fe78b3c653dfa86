"""What becomes of a run when its trainer has ended: the exit code, read together with what had been asked of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from trainingruns.launcher import describe_signal
from trainingruns.lifecycle import RunState, state_for_exit
from trainingruns.models import Run
from trainingruns.run_files import read_json, read_tail
from trainingruns.services import claims
from trainingruns.services.outcomes import record_success

BUSY = 75


@dataclass(frozen=True, slots=True)
class Ending:
    """How a trainer ended."""

    exit_code: int
    was_cancelled: bool = False
    was_shut_down: bool = False


def conclude_run(*, run: Run, directory: Path, ending: Ending) -> RunState:
    """Move the run to where its trainer's end puts it. Raises: LeaseLost."""
    code = ending.exit_code
    if code == 0:
        record_success(run=run, directory=directory)
        return RunState.SUCCEEDED
    if ending.was_cancelled:
        return _finish(run, RunState.CANCELLED, code, _settle_cancel(run, directory))
    if ending.was_shut_down:
        claims.return_run(run=run, reason="Its worker was shut down.", counts_as_attempt=False)
        return RunState.QUEUED
    if (interruption := _interruption(code)) is not None:
        claims.return_run(run=run, reason=interruption)
        return RunState.QUEUED
    return _finish(run, state_for_exit(code), code, _failure_reason(directory, code))


def _finish(run: Run, state: RunState, code: int, reason: str) -> RunState:
    claims.finish_run(run=run, state=state, reason=reason, exit_code=code, result={})
    return state


def _interruption(code: int) -> str | None:
    """Plain words when the end says nothing about the run itself, so that another try makes sense."""
    if code == BUSY:
        return "Another process was still at work in its run directory."
    if code == 130:
        return None
    name = describe_signal(code)
    if name is None:
        return None
    hint = " (out of memory, or somebody's hand)" if name == "SIGKILL" else ""
    return f"Its trainer was ended by {name}{hint}."


def _settle_cancel(run: Run, directory: Path) -> str:
    if not run.cancel_keeps_checkpoint:
        shutil.rmtree(directory / "checkpoints", ignore_errors=True)
        return "Cancelled; its checkpoints are thrown away."
    reached = read_json(directory / "status.json").get("checkpoint_step")
    return f"Stopped on request; the checkpoint of step {reached} is kept." if reached else "Stopped on request."


def _failure_reason(directory: Path, code: int) -> str:
    said = read_json(directory / "status.json").get("reason")
    if said:
        return str(said)
    last_words = read_tail(directory / "log.txt").strip().rpartition("\n")[2]
    return f"The trainer ended with exit code {code}: {last_words or 'it left no word'}"
