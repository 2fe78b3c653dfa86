from typing import Any
from uuid import uuid4

import pytest

from annotation.exceptions import Conflict, NotFound
from annotation.models import Judgment, Project, Skip, User
from annotation.selectors.work import get_project, my_draft, my_judgments, my_progress, my_slot, projects_for
from annotation.services.judgments import amend_judgment, save_draft, submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_project, make_task, ranking

pytestmark = pytest.mark.django_db


def acquire(project: Project, user: User) -> Lease:
    lease = acquire_task(project=project, annotator=user)
    assert isinstance(lease, Lease)
    return lease


def judge_next(project: Project, user: User) -> Judgment:
    lease = acquire(project, user)
    return submit_judgment(
        annotator=user,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer=ranking("a", "b"),
        idempotency_key=str(uuid4()),
    )


def test_people_see_their_own_projects(campaign: Project, alice: User, bob: User, oscar: User) -> None:
    make_project()
    assert list(projects_for(user=bob)) == [campaign]
    assert list(projects_for(user=oscar)) == []
    with pytest.raises(NotFound):
        get_project(user=oscar, slug=campaign.slug)
    oscar.is_superuser = True
    assert projects_for(user=oscar).count() == 2


def test_progress_counts_my_work(campaign: Project, bob: User, carol: User) -> None:
    tasks = [make_task(campaign) for _ in range(4)]
    judge_next(campaign, bob)
    judge_next(campaign, carol)
    Skip.objects.create(task=tasks[3], annotator=bob)
    mine = my_progress(user=bob, project=campaign)
    assert (mine.judgments, mine.today, mine.skipped, mine.waiting) == (1, 1, 1, 2)
    assert mine.last_at is not None


def test_my_judgments_are_current_and_newest_first(
    campaign: Project, bob: User, carol: User, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        make_task(campaign)
    first, second = judge_next(campaign, bob), judge_next(campaign, bob)
    judge_next(campaign, carol)
    amended = amend_judgment(annotator=bob, judgment_id=first.pk, answer=ranking("b", "a"))
    with django_assert_num_queries(1):
        rows = [(row.pk, row.task.prompt.text, row.project.slug) for row in my_judgments(user=bob, project=campaign)]
    assert [pk for pk, *_ in rows] == [amended.pk, second.pk]


def test_my_draft_and_slot_are_mine_alone(campaign: Project, bob: User, carol: User) -> None:
    task = make_task(campaign)
    lease = acquire(campaign, bob)
    save_draft(annotator=bob, task_id=task.pk, lease_token=lease.token, answer={"tiers": [["a"]]}, version=0)
    draft = my_draft(user=bob, task=task)
    assert draft is not None
    assert draft.version == 1
    assert my_draft(user=carol, task=task) is None
    assert my_slot(user=bob, lease_token=lease.token).pk == lease.slot.pk
    with pytest.raises(Conflict):
        my_slot(user=carol, lease_token=lease.token)
