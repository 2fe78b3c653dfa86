"""Leases: the time-limited right of one annotator to fill one slot.

Every comparison of times uses the database's clock, so web servers whose clocks differ or jump agree on every lease.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from annotation.allocation import shown_order
from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import Draft, Flag, Project, Slot, Task, TaskResponse, User, WorkCursor
from annotation.permissions import Role, require_role
from annotation.selectors.pauses import explain_pause
from annotation.services import audit
from annotation.services.no_work import NoWork, why_nothing
from annotation.services.slot_queries import ACQUIRE, EXPIRE, HEARTBEAT, ClaimRow, read_claim
from annotation.services.special_tasks import lease_special_slot
from annotation.statements import write_row

ATTEMPTS = 20
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Lease:
    """One annotator's right to one slot."""

    slot: Slot
    task: Task
    token: UUID
    expires_at: datetime
    shown_order: list[str]
    """Response keys in the order to show them; give people letters instead (annotation.blinding)."""
    is_new: bool
    """False when this lease was already held."""
    texts: dict[str, str]
    """The task's responses in stored order, by key."""
    draft: Draft | None
    """The person's unfinished answer, where the task was theirs before."""


def acquire_task(
    *, project: Project, annotator: User, luck: float | None = None, claim: ClaimRow | None = None
) -> Lease | NoWork:
    """The task this person should do now, leased to them; the lease they hold already, if any, comes again.

    Then special tasks have a say (see services.special_tasks). Then free slots go by priority, of all queues whose
    skill the person has, then slots whose lease ran out. Nobody gets a task that they hold, judged, skipped or gave a
    kept answer to.
    luck: decides whether something silent comes, from 0 to 1; for simulations, which can be repeated.
    claim: what ACQUIRE gave just now for this project and person, where the caller has it at hand.
    """
    require_role(user=annotator, project=project, role=Role.ANNOTATOR)
    if not project.is_open:
        return NoWork("closed")
    # Where the caller has read the project together with that, a project without special tasks costs no look.
    if getattr(project, "has_special_tasks", True):
        special = lease_special_slot(project=project, annotator=annotator, luck=luck)
        if isinstance(special, Slot):
            return _lease_of(special, project)
        if special is not None:
            told = explain_pause(project=project, person=annotator) if special == "paused" else ""
            return NoWork(special, explanation=told)
    for attempt in range(ATTEMPTS):
        row = claim if claim is not None and attempt == 0 else _claim_slot(project, annotator)
        if row is None or row.is_busy:
            continue  # a slot that this person could have was locked for a moment by somebody else's transaction
        if row.slot_id is not None:
            return _lease(row, project, annotator)
        nothing = why_nothing(project=project, annotator=annotator)
        if nothing is not None:
            return nothing
        # Something became free in between, or lies where the cursor does not look: the next search begins in front.
        WorkCursor.objects.filter(project=project, annotator=annotator).delete()
    return NoWork("all_leased_until", _now())


def _claim_slot(project: Project, annotator: User) -> ClaimRow | None:
    """What the statement found, with the task's texts; None when the same person got a task another way just now."""
    try:
        row = write_row(ACQUIRE, {"project": project.pk, "annotator": annotator.pk})
    except IntegrityError:
        return None
    assert row is not None, "the function always gives a row"
    return read_claim(row)


def _lease(row: ClaimRow, project: Project, annotator: User) -> Lease:
    slot = Slot(
        id=row.slot_id,
        project=project,
        number=row.number,
        state=Slot.State.LEASED,
        annotator=annotator,
        lease_token=row.token,
        lease_expires_at=row.expires_at,
    )
    slot._state.adding = False
    if row.task is None:
        slot.refresh_from_db()
        return _lease_of(slot, project, is_new=row.is_new)
    slot.task, row.task.project = row.task, project
    order = shown_order(list(row.texts), task_id=row.task.pk, slot_number=row.number)
    return Lease(slot, row.task, row.token, row.expires_at, order, row.is_new, row.texts, row.draft)


def _lease_of(slot: Slot, project: Project, *, is_new: bool = True) -> Lease:
    """The lease on a slot that is known by its row alone."""
    task = Task.objects.select_related("prompt").get(pk=slot.task_id)
    task.project = project
    rows = TaskResponse.objects.filter(task=task).order_by("position").values_list("response__key", "response__text")
    texts = dict(rows)
    assert slot.lease_token is not None  # a leased slot has both
    assert slot.lease_expires_at is not None
    order = shown_order(list(texts), task_id=task.pk, slot_number=slot.number)
    draft = Draft.objects.filter(task=task, annotator=slot.annotator).first()
    return Lease(slot, task, slot.lease_token, slot.lease_expires_at, order, is_new, texts, draft)


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def heartbeat(*, annotator: User, lease_token: UUID | str) -> datetime:
    """Prolongs a lease and tells its new end, never past the project's lease limit.

    A lease that ran out goes on while nobody else has taken the slot.
    Raises: Conflict(code="lease_lost").
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(HEARTBEAT, {"token": lease_token, "annotator": annotator.pk})
            row = cursor.fetchone()
    except IntegrityError:
        row = None  # the person holds another slot of this task by now
    if row is None:
        raise lease_lost()
    return row[0]


def lease_lost() -> Conflict:
    """What a holder of a stale token is told."""
    return Conflict("This task is no longer yours: the lease ended and somebody else has it.", code="lease_lost")


@transaction.atomic
def release_task(*, annotator: User, lease_token: UUID | str) -> None:
    """Gives a task back undone; it may be offered to the same person again."""
    free_slot(held_slot(annotator=annotator, lease_token=lease_token))


@transaction.atomic
def flag_task(*, annotator: User, task: Task, reason: str) -> Flag:
    """Tells the managers that something is wrong with a task."""
    require_role(user=annotator, project=task.project, role=Role.ANNOTATOR)
    flag, _ = Flag.objects.update_or_create(
        task=task, annotator=annotator, defaults={"reason": checked_reason(reason), "resolved_at": None}
    )
    audit.record(actor=annotator, action="flag_task", obj=flag, project=task.project, data={"task": task.pk})
    return flag


def held_slot(*, annotator: User, lease_token: UUID | str) -> Slot:
    """The slot leased under this token, locked. Raises: Conflict(code="lease_lost")."""
    slot = (
        Slot.objects.select_for_update(of=("self",))
        .select_related("project")
        .filter(lease_token=lease_token, annotator=annotator, state=Slot.State.LEASED)
        .first()
    )
    if slot is None:
        raise lease_lost()
    return slot


def free_slot(slot: Slot) -> None:
    """Ends a lease. Unlike an expiry, giving it back by hand also ends the right to a late submit: the token goes."""
    Slot.objects.filter(pk=slot.pk).update(
        state=Slot.State.FREE,
        annotator=None,
        last_annotator=slot.annotator_id,
        lease_token=None,
        lease_expires_at=None,
        leased_at=None,
        heartbeat_at=None,
    )


def checked_reason(reason: str) -> str:
    """The reason without blanks around it. Raises: ApplicationError if it is too long."""
    reason = reason.strip()
    if len(reason) > REASON_CHARACTERS:
        raise ApplicationError(
            f"The reason has {len(reason)} characters, at most {REASON_CHARACTERS} fit.", extra={"field": "reason"}
        )
    return reason


def release_expired_leases(*, limit: int = 1000) -> int:
    """Frees slots whose lease ran out and tells how many. Their last holder may still submit while nobody took over."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(EXPIRE, {"limit": limit})
        return cursor.rowcount


def find_task(*, annotator: User, task_id: int) -> Task:
    """A task of a project that this person belongs to. Raises: NotFound."""
    task = Task.objects.select_related("project", "prompt").filter(pk=task_id).first()
    if task is None:
        raise NotFound("There is no such task.")
    require_role(user=annotator, project=task.project, role=Role.ANNOTATOR)
    return task
