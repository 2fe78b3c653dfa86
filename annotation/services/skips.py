"""Passing tasks by: within a quota, and not for ever. What several people passed by, a manager looks at."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from annotation import permissions
from annotation.exceptions import Conflict
from annotation.models import Project, Skip, Slot, Task, User
from annotation.services import audit
from annotation.services.slots import checked_reason, free_slot, held_slot

DAY = timedelta(hours=24)


@transaction.atomic
def skip_task(*, annotator: User, lease_token: UUID | str, reason: str = "") -> Skip:
    """Passes a task by: the slot is free for others, and this person is not offered the task again.

    A task that as many people passed by as the project says is held: nobody gets it until a manager decides.
    Raises: Conflict with the code lease_lost, or skip_quota_used with the time from which on skipping is possible.
    """
    slot = held_slot(annotator=annotator, lease_token=lease_token)
    reason = checked_reason(reason)
    _check_quota(slot.project, annotator, slot.task_id)
    free_slot(slot)
    skip, _ = Skip.objects.update_or_create(task_id=slot.task_id, annotator=annotator, defaults={"reason": reason})
    audit.record(actor=annotator, action="skip_task", obj=skip, project=slot.project, data={"task": slot.task_id})
    _hold_if_many_skipped(slot)
    return skip


def _check_quota(project: Project, annotator: User, task_id: int) -> None:
    if project.skips_per_day is None:
        return
    lately = Skip.objects.filter(
        annotator=annotator, task__project=project, created_at__gt=timezone.now() - DAY
    ).exclude(task_id=task_id)
    if lately.count() < project.skips_per_day:
        return
    oldest = lately.order_by("created_at").values_list("created_at", flat=True).first()
    again = None if oldest is None else oldest + DAY
    raise Conflict(
        f"You may skip {project.skips_per_day} tasks in 24 hours here. Judge this one, give it back, or flag it.",
        code="skip_quota_used",
        extra={"until": again},
    )


def _hold_if_many_skipped(slot: Slot) -> None:
    # The lock lets two people who skip at once count one after the other.
    task = Task.objects.select_for_update().get(pk=slot.task_id)
    skips = Skip.objects.filter(task=task).count()
    if task.state == Task.State.OPEN and task.purpose == Task.Purpose.NORMAL and skips >= slot.project.skips_to_hold:
        task.state = Task.State.HELD
        task.save(update_fields=["state"])
        audit.record(actor=None, action="hold_task", obj=task, project=slot.project, data={"skips": skips})


@transaction.atomic
def give_out_again(*, task: Task, actor: User, address: str | None = None) -> Task:
    """A manager's word that a held task is all right: it is offered again, also to those who skipped it.

    Raises: Conflict(code="not_held").
    """
    permissions.require_role(user=actor, project=task.project, role=permissions.Role.MANAGER)
    row = Task.objects.select_for_update().get(pk=task.pk)
    if row.state != Task.State.HELD:
        raise Conflict("This task does not wait for a manager.", code="not_held")
    forgotten, _ = Skip.objects.filter(task=row).delete()
    row.state = Task.State.OPEN
    row.save(update_fields=["state"])
    audit.record(
        actor=actor,
        action="give_out_again",
        obj=row,
        project=task.project,
        data={"skips": forgotten},
        address=address,
    )
    return row


@transaction.atomic
def add_reserve_slot(*, task: Task, actor: User, address: str | None = None) -> Slot:
    """Asks for one more judgment of a task, as far as the project's reserve goes.

    Raises: Conflict(code="reserve_used").
    """
    permissions.require_role(user=actor, project=task.project, role=permissions.Role.MANAGER)
    Task.objects.select_for_update().get(pk=task.pk)
    slots = Slot.objects.filter(task=task).exclude(state=Slot.State.RELEASED)
    most = task.project.judgments_per_task + task.project.reserve_slots
    if slots.count() >= most:
        raise Conflict(
            f"This task has {slots.count()} slots; the project allows {most} with its reserve.", code="reserve_used"
        )
    withdrawn = Slot.objects.filter(task=task, state=Slot.State.RELEASED).order_by("number").first()
    slot = withdrawn or Slot(
        project=task.project,
        task=task,
        number=1 + max(Slot.objects.filter(task=task).values_list("number", flat=True), default=0),
        priority=task.priority,
    )
    slot.state = Slot.State.FREE
    slot.returned_at = timezone.now()  # everybody's search finds it, however far their cursor is
    slot.save()
    audit.record(
        actor=actor,
        action="add_reserve_slot",
        obj=slot,
        project=task.project,
        data={"task": task.pk, "number": slot.number},
        address=address,
    )
    return slot
