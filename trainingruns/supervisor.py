"""One run from claim to end: start the trainer, follow its files into the database, pass on orders."""

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.db import InterfaceError, OperationalError, close_old_connections

from annotation.exceptions import ApplicationError
from trainingruns.launcher import GRACE_SECONDS, BuildCommand, TrainerProcess, trainer_command
from trainingruns.lifecycle import RunState
from trainingruns.models import Run
from trainingruns.run_directory import prepare_run_directory
from trainingruns.run_files import GrowingFile, read_json, read_tail
from trainingruns.services import claims
from trainingruns.services.asking_people import PeopleWatch
from trainingruns.services.endings import Ending, conclude_run
from trainingruns.services.serving import TaskMaker

FOLLOW_SECONDS = 1.0
log = logging.getLogger(__name__)


class StopSignal(Protocol):
    """Something that can be set once: the worker is going down."""

    def is_set(self) -> bool: ...


@dataclass
class Orders:
    """Why the trainer was asked to stop, and since when."""

    is_cancelled: bool = False
    is_shutting_down: bool = False
    since: float | None = None

    @property
    def are_given(self) -> bool:
        return self.is_cancelled or self.is_shutting_down


def supervise_run(
    *, run_id: int, shutdown: StopSignal | None = None, build_command: BuildCommand = trainer_command
) -> RunState | None:
    """The state in which the run was left, or None when it was, or became, another worker's."""
    run = claims.claim_run(run_id=run_id, worker=claims.worker_name())
    if run is None:
        log.debug("run %s is not waiting: nothing to do", run_id)
        return None
    log.info("%s started, attempt %s of %s", run, run.attempts, run.max_attempts)
    started = time.monotonic()
    try:
        state = _supervise(run, shutdown or threading.Event(), build_command)
    except claims.LeaseLost as loss:
        log.warning("%s: its trainer is stopped, nothing more is written", loss)
        return None
    _say_how_it_went(run, time.monotonic() - started)
    return state


def _supervise(run: Run, shutdown: StopSignal, build_command: BuildCommand) -> RunState:
    try:
        directory = prepare_run_directory(run)
        follower = Follower(run, directory, shutdown)
        ending = follower.follow(build_command(run, directory))
        return conclude_run(run=run, directory=directory, ending=ending)
    except claims.LeaseLost:
        raise
    except KeyboardInterrupt:
        # Ctrl-C where the run is worked on in somebody's terminal; its trainer is gone by now.
        claims.return_run(run=run, reason="Its worker was interrupted.", counts_as_attempt=False)
        raise
    except ApplicationError as error:
        return _end(run, RunState.FAILED, error.message)
    except Exception as error:
        # The edge of the job: whatever broke, the run says so, and its trainer is gone by now.
        log.exception("run %s broke", run.pk)
        fault = f"{type(error).__name__}: {error}"
        return _end(run, RunState.ERROR, f"The site broke while it looked after the run: {fault}")


def _say_how_it_went(run: Run, seconds: float) -> None:
    state, reason = Run.objects.values_list("state", "reason").get(pk=run.pk)
    level = logging.WARNING if state in (RunState.FAILED, RunState.ERROR) else logging.INFO
    why = f" ({reason.splitlines()[0]})" if reason else ""
    log.log(level, "%s is %s after %.0f s%s", run, state, seconds, why)


def _end(run: Run, state: RunState, reason: str) -> RunState:
    claims.finish_run(run=run, state=state, reason=reason, exit_code=None, result={})
    return state


class Follower:
    """Follows one attempt of a run."""

    def __init__(self, run: Run, directory: Path, shutdown: StopSignal) -> None:
        self.run = run
        self.directory = directory
        self.shutdown = shutdown
        self.orders = Orders()
        self.metrics = GrowingFile(directory / "metrics.jsonl")
        self.samples = GrowingFile(directory / "samples.jsonl")
        self.task_maker = TaskMaker(run, directory)
        self.people = PeopleWatch(run, directory)
        self.renewed_at = time.monotonic()
        self.pending = claims.Progress()

    def follow(self, command: list[str]) -> Ending:
        """How the trainer ended. Whatever happens here, no process of it is left behind."""
        trainer = TrainerProcess(command, directory=self.directory, fencing_token=self.run.fencing_token)
        try:
            while (code := trainer.wait(FOLLOW_SECONDS)) is None:
                self._tick(trainer)
            self._store(is_last=True)
            return Ending(code, self.orders.is_cancelled, self.orders.is_shutting_down or self.shutdown.is_set())
        finally:
            trainer.kill()

    def _tick(self, trainer: TrainerProcess) -> None:
        self._store()
        self.orders.is_shutting_down = self.shutdown.is_set()
        if not self.orders.are_given:
            return
        if self.orders.since is None:
            self.orders.since = time.monotonic()
            self._pass_on(trainer)
        elif time.monotonic() - self.orders.since > GRACE_SECONDS:
            log.warning("run %s did not stop within %s s: killed", self.run.pk, GRACE_SECONDS)
            trainer.kill()

    def _pass_on(self, trainer: TrainerProcess) -> None:
        if self.orders.is_cancelled and not self.run.cancel_keeps_checkpoint:
            trainer.kill()
            return
        if self.orders.is_cancelled:
            (self.directory / "cancel").touch()
        trainer.ask_to_stop()

    def _store(self, *, is_last: bool = False) -> None:
        """Bring the files' news into the database. Without a database for a whole lease, the run is no longer ours."""
        self._gather()
        while True:
            try:
                self.orders.is_cancelled |= claims.record_progress(run=self.run, progress=self.pending)
                self.task_maker.make_tasks_so_far()
                self.people.follow()
            except (OperationalError, InterfaceError) as error:
                self._bear_outage(error)
                if not is_last:
                    return
                time.sleep(FOLLOW_SECONDS)
            else:
                self.pending = claims.Progress()
                self.renewed_at = time.monotonic()
                return

    def _bear_outage(self, error: Exception) -> None:
        # The next try needs a new connection; this one may be broken for good.
        close_old_connections()
        log.warning("run %s: the database does not answer: %s", self.run.pk, error)
        if time.monotonic() - self.renewed_at > claims.LEASE_SECONDS:
            raise claims.LeaseLost(f"run {self.run.pk}: no database for {claims.LEASE_SECONDS} s") from error

    def _gather(self) -> None:
        """Add what is new to what could not be stored yet."""
        metrics, samples, kept = self.metrics.read_new(), self.samples.read_new(), self.pending
        self.pending = claims.Progress(
            status=read_json(self.directory / "status.json"),
            metrics=metrics.rows if metrics.is_whole else [*kept.metrics, *metrics.rows],
            metrics_are_whole=metrics.is_whole or kept.metrics_are_whole,
            samples=samples.rows if samples.is_whole else [*kept.samples, *samples.rows],
            samples_are_whole=samples.is_whole or kept.samples_are_whole,
            log_tail=read_tail(self.directory / "log.txt"),
        )
