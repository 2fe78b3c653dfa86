"""The promises of the slot protocol under real concurrency: threads with connections of their own, real commits."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier
from time import sleep
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F

from annotation.exceptions import Conflict
from annotation.models import Judgment, KeptAnswer, Project, Slot, User
from annotation.services.judgments import submit_judgment
from annotation.services.no_work import NoWork
from annotation.services.slots import Lease, acquire_task, release_expired_leases
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)

Result = TypeVar("Result")


def run_at_once(calls: list[Callable[[], Result]]) -> list[Result]:
    """The results of calls that start together, each in a thread with a database connection of its own."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        try:
            barrier.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, call) for call in calls]]


def work_off(project: Project, user: User) -> NoWork:
    """Acquires and submits until there is nothing left; waits for what others hold."""
    while True:
        lease = acquire_task(project=project, annotator=user)
        if isinstance(lease, NoWork):
            if lease.reason != "all_leased_until":
                return lease
            continue
        submit_judgment(
            annotator=user,
            task_id=lease.task.pk,
            lease_token=lease.token,
            answer=ranking("a", "b"),
            idempotency_key=str(uuid4()),
        )


def test_eight_people_drain_sixty_tasks_three_times_each() -> None:
    project = make_project(judgments_per_task=3)
    tasks = [make_task(project) for _ in range(60)]
    people = [make_member(project) for _ in range(8)]
    ends = run_at_once([lambda user=user: work_off(project, user) for user in people])
    judged = Judgment.objects.filter(project=project)
    assert judged.count() == 180
    assert Counter(judged.values_list("task", flat=True)) == {task.pk: 3 for task in tasks}
    assert len(set(judged.values_list("task", "annotator"))) == 180
    assert set(Slot.objects.values_list("state", flat=True)) == {"submitted"}
    # Who has judged all 60 tasks ends before the others have handed in their last ones.
    assert {end.reason for end in ends} <= {"all_done", "you_did_all"}


def test_leases_that_end_during_the_work_leave_exactly_what_was_wanted() -> None:
    project = make_project(judgments_per_task=3, lease_seconds=1, lease_limit_seconds=5)
    tasks = [make_task(project) for _ in range(12)]
    people = [make_member(project) for _ in range(6)]

    def work(number: int) -> int:
        """Judges until nothing is left, now and then too late, and sends some submits twice; tells what was kept."""
        dice, kept = Random(number), 0
        while True:
            lease = acquire_task(project=project, annotator=people[number])
            if isinstance(lease, NoWork):
                if lease.reason != "all_leased_until":
                    return kept
                sleep(0.1)
                continue
            sleep(1.3 if dice.random() < 0.15 else 0)
            release_expired_leases()
            for _ in range(1 + (dice.random() < 0.3)):
                try:
                    submit_judgment(
                        annotator=people[number],
                        task_id=lease.task.pk,
                        lease_token=lease.token,
                        answer=ranking("a", "b"),
                        idempotency_key=str(lease.token),
                    )
                except Conflict as error:
                    kept += {"lease_lost": 1}[error.code]

    kept = run_at_once([lambda number=number: work(number) for number in range(6)])
    judged = Judgment.objects.filter(project=project)
    counts = Counter(judged.values_list("task", flat=True))
    wanting = {task.pk: 3 - counts[task.pk] for task in tasks if counts[task.pk] != 3}
    # A person whose late answer to a task is kept gets that task no more, so a task may end short by as many.
    assert all(0 < short <= KeptAnswer.objects.filter(task=pk).count() for pk, short in wanting.items()), wanting
    assert len(set(judged.values_list("task", "annotator"))) == judged.count()
    assert KeptAnswer.objects.count() <= sum(kept)


def test_the_same_submit_five_times_at_once_is_one_row() -> None:
    project = make_project()
    make_task(project)
    user = make_member(project)
    lease = acquire_task(project=project, annotator=user)
    assert isinstance(lease, Lease)

    def submit() -> int:
        return submit_judgment(
            annotator=user,
            task_id=lease.task.pk,
            lease_token=lease.token,
            answer=ranking("b", "a"),
            idempotency_key="one",
        ).pk

    assert len(set(run_at_once([submit] * 5))) == 1
    assert Judgment.objects.count() == 1


def test_two_tabs_of_one_person_get_one_lease() -> None:
    project = make_project()
    for _ in range(4):
        make_task(project)
    user = make_member(project)
    leases = run_at_once([lambda: acquire_task(project=project, annotator=user)] * 6)
    assert len({lease.token for lease in leases if isinstance(lease, Lease)}) == 1
    assert Slot.objects.filter(state="leased").count() == 1


def test_one_slot_goes_to_one_of_many() -> None:
    project = make_project(judgments_per_task=1)
    make_task(project)
    people = [make_member(project) for _ in range(6)]
    found = run_at_once([lambda user=user: acquire_task(project=project, annotator=user) for user in people])
    assert sum(isinstance(each, Lease) for each in found) == 1
    assert {each.reason for each in found if isinstance(each, NoWork)} == {"all_leased_until"}


def test_an_answer_for_a_stolen_lease_is_committed_although_the_call_fails() -> None:
    project = make_project(judgments_per_task=1)
    make_task(project)
    slow, quick = make_member(project), make_member(project)
    lease = acquire_task(project=project, annotator=slow)
    assert isinstance(lease, Lease)
    Slot.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
    assert isinstance(acquire_task(project=project, annotator=quick), Lease)

    def submit() -> Conflict:
        with pytest.raises(Conflict) as caught:
            submit_judgment(
                annotator=slow,
                task_id=lease.task.pk,
                lease_token=lease.token,
                answer=ranking("b", "a"),
                idempotency_key="late",
            )
        return caught.value

    errors = run_at_once([submit] * 3)
    assert {error.code for error in errors} == {"lease_lost"}
    assert {error.extra["kept_answer"] for error in errors} == {KeptAnswer.objects.get().pk}


def test_late_answer_and_new_lease_never_fill_a_slot_twice() -> None:
    for _ in range(5):
        project = make_project(judgments_per_task=1)
        make_task(project)
        slow, quick = make_member(project), make_member(project)
        lease = acquire_task(project=project, annotator=slow)
        assert isinstance(lease, Lease)
        Slot.objects.filter(project=project).update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))

        def answer_late(lease: Lease = lease, slow: User = slow) -> str:
            try:
                submit_judgment(
                    annotator=slow,
                    task_id=lease.task.pk,
                    lease_token=lease.token,
                    answer=ranking("b", "a"),
                    idempotency_key=str(uuid4()),
                )
            except Conflict as error:
                return error.code
            return "submitted"

        def take_over(project: Project = project, quick: User = quick) -> str:
            # While the late answer holds the row, all is leased, and whoever wants work asks again.
            while not isinstance(found := acquire_task(project=project, annotator=quick), Lease):
                if found.reason != "all_leased_until":
                    return found.reason
            return "leased"

        def reap() -> str:
            release_expired_leases()
            return "reaped"

        late, other, _ = run_at_once([answer_late, take_over, reap])
        assert (late, other) in {("submitted", "all_done"), ("lease_lost", "leased")}
        assert Slot.objects.filter(project=project).count() == 1
