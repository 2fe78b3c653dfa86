"""Taking up a run that was paused by its brakes or stopped by a person."""

from django.db import transaction

from annotation.exceptions import Conflict
from annotation.models import Membership, User
from annotation.permissions import require_role
from annotation.queueing import enqueue
from annotation.services import audit
from trainingruns.lifecycle import RunState
from trainingruns.models import Run
from trainingruns.services.runs import RUN_JOB


def can_resume(run: Run) -> bool:
    """Whether the run ended with a checkpoint from which it can go on."""
    return run.state == RunState.CANCELLED and bool(run.checkpoint_step) and run.cancel_keeps_checkpoint


@transaction.atomic
def resume_run(*, run: Run, actor: User) -> Run:
    """A cancelled run back in the queue; it goes on from its checkpoint. Asking twice changes nothing.

    Raises: NotFound, NotPermitted; Conflict where there is no checkpoint to go on from.
    """
    require_role(user=actor, project=run.project, role=Membership.Role.MANAGER)
    waiting = Run.objects.filter(
        pk=run.pk, state=RunState.CANCELLED, checkpoint_step__gt=0, cancel_keeps_checkpoint=True
    )
    moved = waiting.update(
        state=RunState.QUEUED,
        reason=f"Taken up again by {actor.username}.",
        cancel_requested_at=None,
        finished_at=None,
        exit_code=None,
        attempts=0,
    )
    run.refresh_from_db()
    if not moved and run.state not in (RunState.QUEUED, RunState.RUNNING):
        raise Conflict(
            f"{run} cannot go on: it is {run.state}, and only a cancelled run with a checkpoint can.",
            code="run_cannot_go_on",
            extra={"state": run.state},
        )
    if moved:
        audit.record(actor=actor, action="resume_run", obj=run, project=run.project)
        enqueue(RUN_JOB, run_id=run.pk)
    return run
