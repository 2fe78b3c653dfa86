from datetime import timedelta

import pytest
from django.db.models import F

from annotation.exceptions import Conflict, NotPermitted
from annotation.models import AuditEvent, Project, Skip, Slot, Task, User
from annotation.services.no_work import NoWork
from annotation.services.skips import add_reserve_slot, give_out_again, skip_task
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_member, make_task

pytestmark = pytest.mark.django_db


def skip_next(project: Project, person: User) -> Skip:
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease), lease
    return skip_task(annotator=person, lease_token=lease.token)


def limit(project: Project, **settings: int | None) -> None:
    Project.objects.filter(pk=project.pk).update(**settings)
    project.refresh_from_db()


def test_a_quota_ends_skipping_for_a_day(campaign: Project, bob: User) -> None:
    limit(campaign, skips_per_day=2)
    for _ in range(4):
        make_task(campaign)
    first = skip_next(campaign, bob)
    skip_next(campaign, bob)
    with pytest.raises(Conflict) as caught:
        skip_next(campaign, bob)
    assert caught.value.code == "skip_quota_used"
    assert caught.value.extra["until"] == first.created_at + timedelta(hours=24)
    assert Slot.objects.filter(annotator=bob, state="leased").count() == 1, "the task stays theirs"
    Skip.objects.update(created_at=F("created_at") - timedelta(hours=25))
    skip_next(campaign, bob)


def test_without_a_quota_everything_may_be_skipped(campaign: Project, bob: User) -> None:
    limit(campaign, skips_per_day=None)
    for _ in range(3):
        make_task(campaign)
        skip_next(campaign, bob)
    assert Skip.objects.count() == 3


def test_what_several_people_skipped_waits_for_a_manager(campaign: Project, alice: User, bob: User) -> None:
    limit(campaign, skips_to_hold=2)
    task = make_task(campaign)
    dora, ernst = make_member(campaign), make_member(campaign)
    skip_next(campaign, bob)
    task.refresh_from_db()
    assert task.state == Task.State.OPEN
    skip_next(campaign, dora)
    task.refresh_from_db()
    assert task.state == Task.State.HELD
    assert acquire_task(project=campaign, annotator=ernst) == NoWork("all_done")
    assert AuditEvent.objects.get(action="hold_task").actor is None
    with pytest.raises(NotPermitted):
        give_out_again(task=task, actor=bob)
    assert give_out_again(task=task, actor=alice).state == Task.State.OPEN
    found = acquire_task(project=campaign, annotator=bob)
    assert isinstance(found, Lease) and found.task == task
    with pytest.raises(Conflict, match="does not wait"):
        give_out_again(task=task, actor=alice)


def test_reserve_slots_ask_for_more_up_to_the_projects_reserve(campaign: Project, alice: User, bob: User) -> None:
    limit(campaign, reserve_slots=1)
    task = make_task(campaign)
    for slot, person in zip(Slot.objects.filter(task=task), (alice, make_member(campaign)), strict=True):
        Slot.objects.filter(pk=slot.pk).update(state="submitted", annotator=person)
    assert acquire_task(project=campaign, annotator=bob) == NoWork("all_done")
    assert add_reserve_slot(task=task, actor=alice).number == 3
    assert isinstance(acquire_task(project=campaign, annotator=bob), Lease)
    with pytest.raises(Conflict) as caught:
        add_reserve_slot(task=task, actor=alice)
    assert caught.value.code == "reserve_used"
    with pytest.raises(NotPermitted):
        add_reserve_slot(task=task, actor=bob)
