"""Whatever happens, the cursor finds what a look through the whole queue would find."""

from datetime import timedelta
from random import Random

import pytest
from django.db.models import F

from annotation.models import Judgment, Project, Skip, Slot, Task, User, WorkCursor
from annotation.services.judgments import submit_judgment
from annotation.services.no_work import NoWork
from annotation.services.skips import skip_task
from annotation.services.slots import (
    Lease,
    acquire_task,
    release_expired_leases,
    release_task,
)
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db


def best_for(project: Project, person: User) -> Task | None:
    """The first open task with a free slot that the person has nothing to do with, by looking at all of them."""
    touched = {
        *Slot.objects.filter(annotator=person, state__in=["leased", "submitted"]).values_list("task", flat=True),
        *Judgment.objects.filter(annotator=person).values_list("task", flat=True),
        *Skip.objects.filter(annotator=person).values_list("task", flat=True),
    }
    free = Task.objects.filter(project=project, state="open", slots__state="free").exclude(pk__in=touched)
    return min(free.distinct(), key=lambda task: (-task.priority, task.jitter, task.pk), default=None)


class Office:
    """A few people who do all that can be done to a queue."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.project = make_project(judgments_per_task=2)
        self.people = [make_member(self.project) for _ in range(3)]
        self.leases: dict[int, Lease] = {}
        for _ in range(6):
            self.add_task()

    def add_task(self) -> None:
        make_task(self.project, priority=self.dice.choice([0, 1, 2]), jitter=self.dice.random())

    def take(self) -> None:
        person = self.dice.choice(self.people)
        if person.pk in self.leases:
            return
        wanted = best_for(self.project, person)
        found = acquire_task(project=self.project, annotator=person)
        if wanted is not None:
            assert isinstance(found, Lease), (found, wanted.pk)
            assert found.task == wanted
        if isinstance(found, Lease):
            self.leases[person.pk] = found

    def give_back(self) -> None:
        if self.leases:
            person_id = self.dice.choice(sorted(self.leases))
            lease = self.leases.pop(person_id)
            person = next(each for each in self.people if each.pk == person_id)
            self.dice.choice([self._submit, self._submit, self._release, self._skip, self._expire])(person, lease)

    def _submit(self, person: User, lease: Lease) -> None:
        submit_judgment(
            annotator=person,
            task_id=lease.task.pk,
            lease_token=lease.token,
            answer=ranking("a", "b"),
            idempotency_key=str(lease.token),
        )

    def _release(self, person: User, lease: Lease) -> None:
        release_task(annotator=person, lease_token=lease.token)

    def _skip(self, person: User, lease: Lease) -> None:
        skip_task(annotator=person, lease_token=lease.token)

    def _expire(self, person: User, lease: Lease) -> None:
        Slot.objects.filter(pk=lease.slot.pk).update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
        release_expired_leases()

    def manage(self) -> None:
        task = self.dice.choice(list(Task.objects.filter(project=self.project).order_by("pk")))
        change = self.dice.choice([self.add_task, self._pause, self._reopen, self._raise])
        change() if change == self.add_task else change(task)

    def _pause(self, task: Task) -> None:
        if not Slot.objects.filter(task=task, state="leased").exists():
            Task.objects.filter(pk=task.pk).update(state="paused")

    def _reopen(self, task: Task) -> None:
        Task.objects.filter(project=self.project, state="paused").update(state="open")

    def _raise(self, task: Task) -> None:
        Task.objects.filter(pk=task.pk).update(priority=self.dice.choice([0, 3]))


@pytest.mark.parametrize("seed", range(4))
def test_acquire_gives_what_a_whole_search_would_give(seed: int) -> None:
    office = Office(seed)
    for _ in range(120):
        office.dice.choice([office.take, office.take, office.give_back, office.give_back, office.manage])()
    assert WorkCursor.objects.filter(project=office.project).exists()


def test_a_cursor_passes_by_what_is_done(campaign: Project, bob: User) -> None:
    tasks = [make_task(campaign) for _ in range(3)]
    for task in tasks[:2]:
        lease = acquire_task(project=campaign, annotator=bob)
        assert isinstance(lease, Lease) and lease.task == task
        submit_judgment(
            annotator=bob,
            task_id=task.pk,
            lease_token=lease.token,
            answer=ranking("a", "b"),
            idempotency_key=str(task.pk),
        )
    acquire_task(project=campaign, annotator=bob)
    assert WorkCursor.objects.get(annotator=bob).task_id == tasks[2].pk


def test_a_cursor_that_lies_is_found_out(campaign: Project, bob: User) -> None:
    task = make_task(campaign)
    lease = acquire_task(project=campaign, annotator=bob)
    assert isinstance(lease, Lease)
    Slot.objects.filter(pk=lease.slot.pk).update(state="submitted", annotator=bob)
    Slot.objects.filter(task=task).update(state="free", annotator=None, returned_at=None)
    WorkCursor.objects.filter(annotator=bob).update(task_id=task.pk + 1)
    found = acquire_task(project=campaign, annotator=bob)
    assert isinstance(found, Lease) and found.task == task


def test_nothing_is_nothing(campaign: Project, bob: User) -> None:
    assert acquire_task(project=campaign, annotator=bob) == NoWork("all_done")
