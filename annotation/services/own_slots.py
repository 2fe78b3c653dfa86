"""Slots that are opened for one person: whoever gets a task with a purpose of its own gets a slot of their own.

Such slots never wait in a queue, so the number of slots of the task does not matter and nobody else can be given one.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Now

from annotation.allocation import shown_order
from annotation.models import Project, Slot, Task, TaskResponse, User
from annotation.quality.drawing import own_slot_numbers


def lock_person(*, project: Project, person: User) -> None:
    """Lets two tabs of one person acquire one after the other, until the end of the transaction.

    The same lock as in the database's annotation_acquire.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"acquire:{project.pk}:{person.pk}"])


def holds_lease(*, project: Project, person: User) -> bool:
    """Whether the queue has something for this person that they were given before."""
    return Slot.objects.filter(
        annotator=person, project=project, state=Slot.State.LEASED, task__state=Task.State.OPEN
    ).exists()


def lease_own_slot(*, task: Task, person: User, project: Project, other_than: Sequence[str] = ()) -> Slot:
    """A lease on a slot of this task that is opened for this person; the one they had, where it ran out.

    other_than: an order of the responses to avoid, where the project's overlap knows another one.
    Part of other services: call it under `lock_person`, for a task that this person has nothing to do with yet.
    """
    Task.objects.select_for_update(no_key=True).get(pk=task.pk)
    lease = {
        "state": Slot.State.LEASED,
        "annotator": person,
        "lease_token": uuid4(),
        "leased_at": Now(),
        "heartbeat_at": Now(),
        "lease_expires_at": Now() + timedelta(seconds=project.lease_seconds),
    }
    mine = Slot.objects.filter(task=task, state=Slot.State.FREE, last_annotator=person).first()
    if mine is not None:
        Slot.objects.filter(pk=mine.pk).update(**lease)
    else:
        number = _choose_number(task, project, other_than)
        mine = Slot.objects.create(project=project, task=task, number=number, priority=task.priority, **lease)
    mine.refresh_from_db()
    return mine


def _choose_number(task: Task, project: Project, other_than: Sequence[str]) -> int:
    rows = TaskResponse.objects.filter(task=task).order_by("position")
    keys = list(rows.values_list("response__key", flat=True))
    highest = Slot.objects.filter(task=task).aggregate(highest=Max("number"))["highest"] or 0
    numbers = own_slot_numbers(highest=highest, responses=len(keys), overlap=project.judgments_per_task)
    differs = (each for each in numbers if shown_order(keys, task_id=task.pk, slot_number=each) != list(other_than))
    return next(differs, numbers[0])
