"""Who works on a run. Every write names the fencing token of its claim: an old owner's writes match nothing."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from trainingruns.lifecycle import FINISHED, RunState
from trainingruns.models import Metric, Run, Sample

LEASE_SECONDS = 60
"""How long a run stays with a worker that gives no sign of life."""
BATCH_ROWS = 500


class LeaseLost(Exception):
    """The run belongs to another claim now. Stop the trainer and write nothing."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a trainer's files say since the last look."""

    status: Mapping[str, Any] = field(default_factory=dict)
    metrics: Iterable[Mapping[str, Any]] = ()
    metrics_are_whole: bool = False
    samples: Iterable[Mapping[str, Any]] = ()
    samples_are_whole: bool = False
    log_tail: str = ""


@transaction.atomic
def claim_run(*, run_id: int, worker: str) -> Run | None:
    """The run, now running under a new fencing token, or None when it isn't waiting (any more)."""
    claimed = Run.objects.filter(pk=run_id, state=RunState.QUEUED).update(
        state=RunState.RUNNING,
        reason="",
        worker=worker[:200],
        fencing_token=F("fencing_token") + 1,
        attempts=F("attempts") + 1,
        heartbeat_at=Now(),
        lease_expires_at=_lease_end(),
        exit_code=None,
        finished_at=None,
    )
    if not claimed:
        return None
    Run.objects.filter(pk=run_id, started_at=None).update(started_at=Now())
    return Run.objects.select_related("project", "snapshot", "base_version", "reward_version").get(pk=run_id)


@transaction.atomic
def renew_lease(*, run: Run) -> bool:
    """Keep the run for another LEASE_SECONDS. Returns whether somebody asked to cancel it. Raises: LeaseLost."""
    _write(run, heartbeat_at=Now(), lease_expires_at=_lease_end())
    asked_at, keeps = Run.objects.values_list("cancel_requested_at", "cancel_keeps_checkpoint").get(pk=run.pk)
    run.cancel_keeps_checkpoint = keeps
    return asked_at is not None


@transaction.atomic
def record_progress(*, run: Run, progress: Progress) -> bool:
    """Store what the trainer said and renew the lease, all or nothing. Returns whether a cancel was asked for.

    Steps that a resumed trainer repeats replace their rows; steps it has not reached again are forgotten.
    Raises: LeaseLost, with nothing written.
    """
    is_cancelled = renew_lease(run=run)
    status = progress.status
    if status:
        _write(run, **_status_fields(run, status))
    if progress.log_tail:
        _write(run, log_tail=progress.log_tail)
    _store_metrics(run, list(progress.metrics), progress.metrics_are_whole)
    _store_samples(run, list(progress.samples), progress.samples_are_whole)
    return is_cancelled


@transaction.atomic
def finish_run(*, run: Run, state: RunState, reason: str, exit_code: int | None, result: Mapping[str, Any]) -> None:
    """End a running run for good. Raises: LeaseLost when it is somebody else's by now."""
    assert state in FINISHED, "a run that goes on is returned, not finished"
    _write(
        run,
        state=state,
        reason=reason,
        exit_code=exit_code,
        result=dict(result),
        finished_at=Now(),
        lease_expires_at=None,
    )


@transaction.atomic
def return_run(*, run: Run, reason: str, counts_as_attempt: bool = True) -> None:
    """Put a running run back into the queue; it resumes from its checkpoint, or ends when it was lost too often."""
    attempts = run.attempts if counts_as_attempt else run.attempts - 1
    _write(run, **_after_loss(attempts, run.max_attempts, reason))


@transaction.atomic
def requeue_lost_runs() -> list[int]:
    """Runs whose worker gave no sign of life go back to the queue. Returns their ids."""
    lost = Run.objects.select_for_update(skip_locked=True).filter(
        Q(lease_expires_at__lt=Now()) | Q(lease_expires_at=None), state=RunState.RUNNING
    )
    ids = []
    for run in lost:
        reason = f"Its worker {run.worker or 'unknown'} gave no sign of life for {LEASE_SECONDS} seconds."
        changes = _after_loss(run.attempts, run.max_attempts, reason)
        # The token grows here too: a worker that was only asleep finds that the run is no longer its own.
        Run.objects.filter(pk=run.pk).update(fencing_token=F("fencing_token") + 1, **changes)
        ids.append(run.pk)
    return ids


def queued_run_ids() -> list[int]:
    """Runs that wait for a worker, oldest first."""
    return list(Run.objects.filter(state=RunState.QUEUED).order_by("id").values_list("pk", flat=True))


def worker_name() -> str:
    """Where this process runs, for people to find it."""
    return socket.gethostname()


def _owned(run: Run) -> QuerySet[Run]:
    return Run.objects.filter(pk=run.pk, fencing_token=run.fencing_token, state=RunState.RUNNING)


def _write(run: Run, **changes: Any) -> None:
    if not _owned(run).update(**changes):
        raise LeaseLost(f"run {run.pk} is no longer claim {run.fencing_token}'s")


def _lease_end() -> Any:
    return Now() + timedelta(seconds=LEASE_SECONDS)


def _after_loss(attempts: int, max_attempts: int, reason: str) -> dict[str, Any]:
    if attempts >= max_attempts:
        ending = f"{reason} Given up after {attempts} attempts without a new checkpoint."
        return {"state": RunState.ERROR, "reason": ending, "lease_expires_at": None, "finished_at": Now()}
    return {
        "state": RunState.QUEUED,
        "reason": f"{reason} It goes on from its last checkpoint.",
        "lease_expires_at": None,
        "attempts": attempts,
        "worker": "",
    }


def _status_fields(run: Run, status: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "status": dict(status),
        "step": status.get("step") or 0,
        "total_steps": status.get("total_steps") or 0,
        "checkpoint_step": status.get("checkpoint_step"),
    }
    reached = status.get("checkpoint_step")
    if reached is not None and reached > (run.checkpoint_step or 0):
        # Attempts count the tries without progress, so that a long run survives many restarts.
        run.checkpoint_step, run.attempts = reached, 1
        fields["attempts"] = 1
    return fields


def _store_metrics(run: Run, lines: list[Mapping[str, Any]], is_whole: bool) -> None:
    if is_whole:
        last = max((line["step"] for line in lines), default=-1)
        Metric.objects.filter(run=run, step__gt=last).delete()
    # Two lines of one step in one statement would be refused, and the later one is what counts.
    rows = {
        line["step"]: Metric(run=run, step=line["step"], values=line["values"], at=_time(line["time"]))
        for line in lines
    }
    Metric.objects.bulk_create(
        rows.values(),
        batch_size=BATCH_ROWS,
        update_conflicts=True,
        unique_fields=["run", "step"],
        update_fields=["values", "at"],
    )


def _store_samples(run: Run, lines: list[Mapping[str, Any]], is_whole: bool) -> None:
    if is_whole:
        Sample.objects.filter(run=run).delete()
    Sample.objects.bulk_create((_sample(run, line) for line in lines), batch_size=BATCH_ROWS)


def _sample(run: Run, line: Mapping[str, Any]) -> Sample:
    return Sample(
        run=run,
        step=line["step"],
        prompt_id=str(line["prompt_id"])[:200],
        prompt=line["prompt"],
        response=line["response"],
        reward=line.get("reward"),
        source=line["source"],
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.get_default_timezone())
