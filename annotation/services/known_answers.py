"""Known answers: a manager makes a task gold, practice or part of the test, or a normal task again."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from annotation.exceptions import ApplicationError, Conflict
from annotation.models import Project, Slot, Task, User
from annotation.permissions import Role, require_role
from annotation.services import audit
from annotation.services.judgment_rows import check_answer, load_sheet
from annotation.services.task_rows import build_slots

Purpose = Task.Purpose
CHOOSABLE = (Purpose.NORMAL, Purpose.GOLD, Purpose.PRACTICE, Purpose.QUALIFICATION)
"""Repeats are made by the product alone."""


@transaction.atomic
def set_purpose(
    *,
    task: Task,
    purpose: str,
    actor: User,
    answer: Mapping[str, Any] | None = None,
    explanation: str | None = None,
    address: str | None = None,
) -> Task:
    """Says what a task is there for, and for a gold, practice or test task what the right answer is.

    answer: in response keys, as a judgment's; None keeps the known answer that is stored, if any. explanation: why it
    is right, in Markdown; None keeps what is stored. What people said stays; from now on it counts, or counts no more.
    Raises: NotPermitted, InvalidAnswer, Conflict(code="is_a_copy"), ApplicationError where no answer is known.
    """
    require_role(user=actor, project=task.project, role=Role.MANAGER)
    if purpose not in CHOOSABLE:
        raise ApplicationError(f"{purpose!r} is no purpose; use {', '.join(CHOOSABLE)}.", extra={"field": "purpose"})
    row = Task.objects.select_for_update(of=("self",)).select_related("project").get(pk=task.pk)
    if row.original_id is not None:
        raise Conflict("This task shows another one again; change that one.", code="is_a_copy")
    row.gold = None if purpose == Purpose.NORMAL else _known(row, answer, explanation)
    row.purpose = purpose
    row.save(update_fields=["gold", "purpose"])
    _fit_slots(row)
    audit.record(
        actor=actor, action="set_purpose", obj=row, project=row.project, data={"purpose": purpose}, address=address
    )
    return row


def _known(task: Task, answer: Mapping[str, Any] | None, explanation: str | None) -> dict[str, Any]:
    given = answer if answer is not None else task.gold
    if given is None:
        raise ApplicationError(
            "Say what the right answer is; a task without one cannot test or teach.", extra={"field": "answer"}
        )
    if explanation is not None:
        given = {**given, "rationale": explanation}
    return check_answer(load_sheet(task), given).as_mapping()


def _fit_slots(task: Task) -> None:
    """A normal task has slots that wait; another one has not. Slots that are held or filled stay."""
    slots = Slot.objects.filter(task=task)
    if task.purpose != Purpose.NORMAL:
        slots.filter(state=Slot.State.FREE).update(state=Slot.State.RELEASED)
        return
    project: Project = task.project
    slots.filter(state=Slot.State.RELEASED, number__lte=project.judgments_per_task).update(
        state=Slot.State.FREE, last_annotator=None, lease_token=None
    )
    known = set(slots.values_list("number", flat=True))
    Slot.objects.bulk_create([slot for slot in build_slots(task, project) if slot.number not in known])
