from typing import Any

import pytest

from annotation.models import Flag, Judgment, KeptAnswer, Project, User
from annotation.selectors.boards import kept_answers, project_overview, task_judgments
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_member, make_task, ranking

pytestmark = pytest.mark.django_db


def judge_next(project: Project, user: User) -> Judgment:
    lease = acquire_task(project=project, annotator=user)
    assert isinstance(lease, Lease)
    return submit_judgment(
        annotator=user,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer=ranking("a", "b"),
        idempotency_key=f"{user.pk}-{lease.task.pk}",
    )


@pytest.fixture
def busy(campaign: Project, bob: User, carol: User) -> Project:
    """Four open tasks: one complete, one begun and held by Carol, two untouched; one paused."""
    for number in range(4):
        make_task(campaign, external_id=f"q-{number}", text=f"Why is {number} a number?")
    make_task(campaign, external_id="later", state="paused")
    judge_next(campaign, bob)
    judge_next(campaign, carol)
    judge_next(campaign, bob)
    acquire_task(project=campaign, annotator=carol)
    return campaign


def test_the_overview_counts_tasks_by_how_far_they_came(busy: Project, bob: User) -> None:
    task = busy.tasks.get(external_id="q-3")
    Flag.objects.create(task=task, annotator=bob)
    KeptAnswer.objects.create(task=task, annotator=bob, answer={}, reason="late")
    found = project_overview(project=busy)
    assert (found.tasks, found.waiting, found.in_progress, found.complete, found.paused) == (4, 2, 1, 1, 1)
    assert (found.judgments, found.wanted, found.people, found.last_hour, found.leases) == (3, 5, 2, 3, 1)
    assert (found.flags, found.kept_answers, found.simulated_judgments) == (1, 1, 0)
    assert [row.task for row in kept_answers(project=busy)] == [task]


def test_an_empty_project_has_an_overview(campaign: Project) -> None:
    found = project_overview(project=campaign)
    assert (found.tasks, found.judgments, found.wanted, found.leases) == (0, 0, 0, 0)


def test_judgments_of_a_task_come_with_their_people(busy: Project, django_assert_num_queries: Any) -> None:
    task = busy.tasks.get(external_id="q-0")
    with django_assert_num_queries(1):
        assert len({row.annotator.pseudonym for row in task_judgments(task=task)}) == 2


def test_the_overview_costs_four_queries(busy: Project, django_assert_num_queries: Any) -> None:
    make_member(busy)
    with django_assert_num_queries(4):
        project_overview(project=busy)
