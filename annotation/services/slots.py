"""Leases: the time-limited right of one annotator to fill one slot.

Every comparison of times uses the database's clock, so web servers whose clocks differ or jump agree on every lease.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction

from annotation.allocation import shown_order
from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import Flag, Project, Skip, Slot, Task, TaskResponse, User, WorkCursor
from annotation.permissions import Role, require_role
from annotation.services import audit
from annotation.services.slot_queries import ACQUIRE, EXPIRE, HEARTBEAT, WHY_NOTHING
from annotation.services.special_tasks import lease_special_slot

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


@dataclass(frozen=True, slots=True)
class NoWork:
    """Why there is nothing to do."""

    reason: str
    """closed | all_done | you_did_all | all_leased_until | qualification_missing."""
    until: datetime | None = None
    """With all_leased_until: when the first lease of somebody else ends. With qualification_missing: when the first
    task that this person qualifies for is offered to them too; null if all ask for more than they have."""


def acquire_task(*, project: Project, annotator: User) -> Lease | NoWork:
    """The task this person should do now, leased to them; the lease they hold already, if any, comes again.

    Then special tasks have a say (see services.special_tasks). Then free slots go by priority, of all queues whose
    skill the person has, then slots whose lease ran out. Nobody gets a task that they hold, judged, skipped or gave a
    kept answer to.
    """
    require_role(user=annotator, project=project, role=Role.ANNOTATOR)
    if not project.is_open:
        return NoWork("closed")
    slot = lease_special_slot(project=project, annotator=annotator)
    if slot is not None:
        return _lease(slot, is_new=True)
    for _ in range(ATTEMPTS):
        claim = _claim_slot(project, annotator)
        if claim.slot_id is not None:
            return _lease(Slot.objects.get(pk=claim.slot_id), is_new=claim.is_new)
        if claim.is_busy:
            continue  # a slot that this person could have was locked for a moment by somebody else's transaction
        nothing = _why_nothing(project, annotator)
        if nothing is not None:
            return nothing
        # Something became free in between, or lies where the cursor does not look: the next search begins in front.
        WorkCursor.objects.filter(project=project, annotator=annotator).delete()
    return NoWork("all_leased_until", _now())


class _Claim(NamedTuple):
    slot_id: int | None
    is_new: bool
    is_busy: bool


def _claim_slot(project: Project, annotator: User) -> _Claim:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(ACQUIRE, [project.pk, annotator.pk, uuid4()])
            return _Claim(*cursor.fetchone())
    except IntegrityError:
        return _Claim(None, False, True)  # the same person got this task another way in this very moment; look again


def _lease(slot: Slot, *, is_new: bool) -> Lease:
    task = Task.objects.select_related("prompt", "project").get(pk=slot.task_id)
    assert slot.lease_token is not None  # the statement has set both
    assert slot.lease_expires_at is not None
    order = shown_order(response_keys(task), task_id=task.pk, slot_number=slot.number)
    return Lease(slot, task, slot.lease_token, slot.lease_expires_at, order, is_new=is_new)


def response_keys(task: Task) -> list[str]:
    """The keys of a task's responses in stored order."""
    rows = TaskResponse.objects.filter(task=task).order_by("position")
    return list(rows.values_list("response__key", flat=True))


def _why_nothing(project: Project, annotator: User) -> NoWork | None:
    """Why nothing could be claimed; None when there is something after all."""
    with connection.cursor() as cursor:
        cursor.execute(WHY_NOTHING, {"project": project.pk, "annotator": annotator.pk})
        open_slots, for_me_now, leased_until, asking_more, opens_at = cursor.fetchone()
    if for_me_now:
        return None
    if leased_until is not None:
        return NoWork("all_leased_until", leased_until)
    if asking_more:
        return NoWork("qualification_missing", opens_at)
    return NoWork("you_did_all" if open_slots else "all_done")


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
    _free(held_slot(annotator=annotator, lease_token=lease_token))


@transaction.atomic
def skip_task(*, annotator: User, lease_token: UUID | str, reason: str = "") -> Skip:
    """Passes a task by: the slot is free for others, and this person is not offered the task again."""
    slot = held_slot(annotator=annotator, lease_token=lease_token)
    _free(slot)
    skip, _ = Skip.objects.update_or_create(
        task_id=slot.task_id, annotator=annotator, defaults={"reason": _checked_reason(reason)}
    )
    audit.record(actor=annotator, action="skip_task", obj=skip, project=slot.project, data={"task": slot.task_id})
    return skip


@transaction.atomic
def flag_task(*, annotator: User, task: Task, reason: str) -> Flag:
    """Tells the managers that something is wrong with a task."""
    require_role(user=annotator, project=task.project, role=Role.ANNOTATOR)
    flag, _ = Flag.objects.update_or_create(
        task=task, annotator=annotator, defaults={"reason": _checked_reason(reason), "resolved_at": None}
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


def _free(slot: Slot) -> None:
    """Unlike an expiry, giving a slot back by hand also ends the right to a late submit: the token goes."""
    Slot.objects.filter(pk=slot.pk).update(
        state=Slot.State.FREE,
        annotator=None,
        last_annotator=slot.annotator_id,
        lease_token=None,
        lease_expires_at=None,
        leased_at=None,
        heartbeat_at=None,
    )


def _checked_reason(reason: str) -> str:
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
