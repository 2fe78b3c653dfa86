"""Tasks that come before the queue: the one place where practice, the test, gold and repeated tasks step in.

The order: who is paused gets nothing; then practice, then the test; then, at the project's rates and only where the
queue has a task for this person, gold or a repeat in its place.
"""

from dataclasses import dataclass
from random import SystemRandom
from uuid import uuid4

import orjson
from django.db import IntegrityError, connection, transaction

from annotation.models import Project, QualificationAttempt, Slot, Task, User
from annotation.quality.drawing import GOLD as GOLD_DRAWN
from annotation.quality.drawing import draw_silent
from annotation.services.own_slots import holds_lease, lease_own_slot, lock_person
from annotation.services.qualification import next_test_task
from annotation.services.special_queries import GOLD, PRACTICE, REPEAT, STANDING
from annotation.services.task_copies import copy_task

LUCK = SystemRandom()
"""What decides when a silent task comes; nobody can work it out from what they were given before."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a person stands in a project."""

    is_paused: bool
    holds_lease: bool
    practice_is_due: bool
    test: str | None
    """State of the last attempt."""
    has_gold: bool
    """Whether the project has any."""


class _TakenBack(Exception):
    """Ends a transaction that was only there to see what it would do."""

    def __init__(self, had_a_task: bool) -> None:
        super().__init__()
        self.had_a_task = had_a_task


def lease_special_slot(*, project: Project, annotator: User, luck: float | None = None) -> Slot | str | None:
    """A slot of a special task, leased to this person now; None where the queue decides; a word where there is no work.

    Called for every acquire, before the queue and before the lease that the person may hold. One query for whom
    nothing special is due.
    luck: given by tests; uniform over 0 to 1 otherwise.
    Returns: `paused` or `qualification_missing` for the word.
    """
    standing = _standing(project, annotator)
    if standing.is_paused:
        return "paused"
    if standing.holds_lease:
        return None
    if standing.practice_is_due:
        slot = _lease_first(PRACTICE, project, annotator)
        if slot is not None:
            return slot
    if project.qualification_tasks and standing.test != QualificationAttempt.State.PASSED:
        slot_or_word = _lease_test(project, annotator)
        if slot_or_word is not None:
            return slot_or_word
    luck = LUCK.random() if luck is None else luck
    drawn = draw_silent(luck, gold_rate=project.gold_rate, repeat_rate=project.repeat_rate)
    if drawn is None or (drawn == GOLD_DRAWN and not standing.has_gold):
        return None
    return _lease_silent(drawn, project, annotator)


def _standing(project: Project, annotator: User) -> _Standing:
    with connection.cursor() as cursor:
        cursor.execute(
            STANDING,
            {
                "project": project.pk,
                "annotator": annotator.pk,
                "practice": project.practice_tasks,
                "test": project.qualification_tasks,
            },
        )
        return _Standing(*cursor.fetchone())


@transaction.atomic
def _lease_first(query: str, project: Project, annotator: User) -> Slot | None:
    """The first task that the query finds; None where there is none, or another tab of this person was faster."""
    lock_person(project=project, person=annotator)
    if holds_lease(project=project, person=annotator):
        return None
    found = _find(query, project, annotator)
    if found is None:
        return None
    return lease_own_slot(task=Task.objects.get(pk=found[0]), person=annotator, project=project)


@transaction.atomic
def _lease_test(project: Project, annotator: User) -> Slot | str | None:
    lock_person(project=project, person=annotator)
    if holds_lease(project=project, person=annotator):
        return None
    due = next_test_task(project=project, person=annotator)
    return lease_own_slot(task=due, person=annotator, project=project) if isinstance(due, Task) else due


@transaction.atomic
def _lease_silent(drawn: str, project: Project, annotator: User) -> Slot | None:
    """Gold or a repeat in the place of the task that the queue would give.

    Where the queue has nothing there is nothing silent either: a task that comes out of an empty queue would give
    itself away.
    """
    lock_person(project=project, person=annotator)
    if not _queue_has_a_task(project, annotator):
        return None
    found = _find(GOLD if drawn == GOLD_DRAWN else REPEAT, project, annotator)
    if found is None:
        return None
    task = Task.objects.get(pk=found[0])
    if drawn == GOLD_DRAWN:
        return lease_own_slot(task=task, person=annotator, project=project)
    repeat = copy_task(original=task, purpose=Task.Purpose.REPEAT, suffix="repeat")
    return lease_own_slot(task=repeat, person=annotator, project=project, other_than=found[1])


def _queue_has_a_task(project: Project, annotator: User) -> bool:
    """Acquires from the queue as usual, and takes that back: the queue's own rules say what it has."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT slot_id, is_new FROM annotation_acquire(%s, %s, %s)", [project.pk, annotator.pk, uuid4()]
            )
            slot_id, is_new = cursor.fetchone()
            raise _TakenBack(slot_id is not None and is_new)
    except _TakenBack as told:
        return told.had_a_task
    except IntegrityError:
        return False  # this person got the task another way in this very moment


def _find(query: str, project: Project, annotator: User) -> tuple[int, list[str]] | None:
    """(task id, order in which it was shown before, if asked for) of the first row."""
    parameters = {"project": project.pk, "annotator": annotator.pk, "after": project.repeat_after}
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    return row[0], _read_order(row[1]) if len(row) > 1 else []


def _read_order(value: object) -> list[str]:
    """Django's connections hand JSON over as text."""
    return list(orjson.loads(value)) if isinstance(value, str) else list(value)  # type: ignore[call-overload]
