from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F
from django.utils import timezone

from annotation.exceptions import Conflict, NotFound
from annotation.models import AuditEvent, Flag, KeptAnswer, Project, Skip, Slot, User
from annotation.services.judgments import submit_judgment
from annotation.services.no_work import NoWork
from annotation.services.skips import skip_task
from annotation.services.slots import (
    Lease,
    acquire_task,
    flag_task,
    heartbeat,
    release_expired_leases,
    release_task,
)
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db


def acquire(project: Project, user: User) -> Lease:
    lease = acquire_task(project=project, annotator=user)
    assert isinstance(lease, Lease), lease
    return lease


def submit(lease: Lease, user: User) -> None:
    submit_judgment(
        annotator=user,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer=ranking("a", "b"),
        idempotency_key=str(uuid4()),
    )


def let_run_out(lease: Lease) -> None:
    Slot.objects.filter(pk=lease.slot.pk).update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))


def test_a_lease_holds_a_task_for_the_projects_time(campaign: Project, bob: User) -> None:
    task = make_task(campaign)
    lease = acquire(campaign, bob)
    assert lease.task == task
    assert lease.is_new
    assert sorted(lease.shown_order) == ["a", "b"]
    left = (lease.expires_at - timezone.now()).total_seconds()
    assert campaign.lease_seconds - 5 < left <= campaign.lease_seconds
    slot = Slot.objects.get(pk=lease.slot.pk)
    assert (slot.state, slot.annotator, slot.lease_token) == ("leased", bob, lease.token)


def test_my_live_lease_comes_again(campaign: Project, bob: User) -> None:
    make_task(campaign)
    make_task(campaign)
    first, second = acquire(campaign, bob), acquire(campaign, bob)
    assert (second.slot.pk, second.token, second.expires_at) == (first.slot.pk, first.token, first.expires_at)
    assert not second.is_new
    assert Slot.objects.filter(state="leased").count() == 1


def test_my_lease_that_ran_out_is_renewed_under_its_token(campaign: Project, bob: User) -> None:
    make_task(campaign)
    first = acquire(campaign, bob)
    let_run_out(first)
    again = acquire(campaign, bob)
    assert (again.slot.pk, again.token, again.is_new) == (first.slot.pk, first.token, False)
    assert again.expires_at > timezone.now()


def test_tasks_of_high_priority_go_first(campaign: Project, bob: User) -> None:
    make_task(campaign)
    urgent = make_task(campaign, priority=5)
    make_task(campaign, priority=1)
    assert acquire(campaign, bob).task == urgent


def test_two_people_share_a_task_in_different_slots_and_orders(campaign: Project, bob: User, carol: User) -> None:
    make_task(campaign)
    mine, yours = acquire(campaign, bob), acquire(campaign, carol)
    assert mine.task == yours.task
    assert mine.slot.pk != yours.slot.pk
    assert mine.shown_order == yours.shown_order[::-1]


def test_nobody_gets_a_task_twice(campaign: Project, bob: User) -> None:
    make_task(campaign)
    submit(acquire(campaign, bob), bob)
    assert acquire_task(project=campaign, annotator=bob) == NoWork("you_did_all")


def test_a_skipped_task_goes_to_others_only(campaign: Project, bob: User, carol: User) -> None:
    make_task(campaign)
    skip_task(annotator=bob, lease_token=acquire(campaign, bob).token, reason=" too long ")
    assert Skip.objects.get().reason == "too long"
    assert acquire_task(project=campaign, annotator=bob) == NoWork("you_did_all")
    assert acquire(campaign, carol).slot.number == 1


def test_a_released_task_may_come_back(campaign: Project, bob: User) -> None:
    task = make_task(campaign)
    token = acquire(campaign, bob).token
    release_task(annotator=bob, lease_token=token)
    again = acquire(campaign, bob)
    assert (again.task, again.is_new) == (task, True)
    assert again.token != token


def test_a_task_with_my_kept_answer_is_not_offered(campaign: Project, bob: User) -> None:
    task = make_task(campaign)
    KeptAnswer.objects.create(task=task, annotator=bob, answer=ranking("a", "b"), reason="late")
    assert acquire_task(project=campaign, annotator=bob) == NoWork("you_did_all")


def test_a_closed_project_gives_nothing(campaign: Project, bob: User) -> None:
    make_task(campaign)
    Project.objects.filter(pk=campaign.pk).update(is_open=False)
    campaign.refresh_from_db()
    assert acquire_task(project=campaign, annotator=bob) == NoWork("closed")


def test_paused_tasks_are_not_given_out(campaign: Project, bob: User) -> None:
    make_task(campaign, state="paused")
    assert acquire_task(project=campaign, annotator=bob) == NoWork("all_done")


def test_an_empty_project_is_all_done(campaign: Project, bob: User) -> None:
    assert acquire_task(project=campaign, annotator=bob) == NoWork("all_done")


def test_when_others_hold_everything_the_first_end_is_told(bob: User, carol: User) -> None:
    project = make_project(judgments_per_task=1)
    make_task(project)
    dora, ernst = make_member(project), make_member(project)
    lease = acquire(project, dora)
    assert acquire_task(project=project, annotator=ernst) == NoWork("all_leased_until", lease.expires_at)


def test_a_lease_that_ran_out_goes_to_the_next_person(bob: User) -> None:
    project = make_project(judgments_per_task=1)
    make_task(project)
    dora, ernst = make_member(project), make_member(project)
    first = acquire(project, dora)
    let_run_out(first)
    second = acquire(project, ernst)
    assert second.slot.pk == first.slot.pk
    assert second.token != first.token
    assert Slot.objects.get(pk=first.slot.pk).last_annotator == dora


def test_free_slots_go_before_leases_that_ran_out(campaign: Project, bob: User, carol: User) -> None:
    make_task(campaign)
    late = make_task(campaign)
    let_run_out(acquire(campaign, bob))
    Slot.objects.filter(task__lt=late, state="free").update(state="released")
    assert acquire(campaign, carol).task == late


def test_expired_leases_are_released_and_keep_their_token(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    assert release_expired_leases() == 0
    let_run_out(lease)
    assert release_expired_leases() == 1
    slot = Slot.objects.get(pk=lease.slot.pk)
    assert (slot.state, slot.annotator, slot.last_annotator, slot.lease_token) == ("free", None, bob, lease.token)


def test_release_of_expired_leases_respects_its_limit(campaign: Project, bob: User, carol: User) -> None:
    make_task(campaign)
    for user in (bob, carol):
        let_run_out(acquire(campaign, user))
    assert [release_expired_leases(limit=1) for _ in range(3)] == [1, 1, 0]


def test_leases_follow_the_databases_clock(campaign: Project, bob: User, carol: User, time_machine: object) -> None:
    """A web server whose clock runs an hour ahead must not see everybody's lease as ended."""
    make_task(campaign)
    lease = acquire(campaign, bob)
    time_machine.move_to(timezone.now() + timedelta(hours=1))  # type: ignore[attr-defined]
    assert release_expired_leases() == 0
    assert acquire(campaign, carol).slot.pk != lease.slot.pk


def test_heartbeat_prolongs_up_to_the_limit(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    Slot.objects.filter(pk=lease.slot.pk).update(lease_expires_at=F("lease_expires_at") - timedelta(minutes=10))
    until = heartbeat(annotator=bob, lease_token=lease.token)
    assert abs((until - lease.expires_at).total_seconds()) < 5
    Slot.objects.filter(pk=lease.slot.pk).update(leased_at=F("leased_at") - timedelta(minutes=119))
    slot = Slot.objects.get(pk=lease.slot.pk)
    assert heartbeat(annotator=bob, lease_token=lease.token) == slot.leased_at + timedelta(hours=2)


def test_heartbeat_takes_up_a_freed_slot_nobody_wanted(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    let_run_out(lease)
    release_expired_leases()
    assert heartbeat(annotator=bob, lease_token=lease.token) > timezone.now()
    assert Slot.objects.get(pk=lease.slot.pk).annotator == bob


def test_heartbeat_of_a_lost_lease_says_so(bob: User) -> None:
    project = make_project(judgments_per_task=1)
    make_task(project)
    dora, ernst = make_member(project), make_member(project)
    lease = acquire(project, dora)
    let_run_out(lease)
    acquire(project, ernst)
    with pytest.raises(Conflict) as caught:
        heartbeat(annotator=dora, lease_token=lease.token)
    assert caught.value.code == "lease_lost"


def test_nobody_can_use_the_token_of_somebody_else(campaign: Project, bob: User, carol: User) -> None:
    make_task(campaign)
    token = acquire(campaign, bob).token
    for use in (heartbeat, release_task, skip_task):
        with pytest.raises(Conflict):
            use(annotator=carol, lease_token=token)
    assert Slot.objects.filter(state="leased", annotator=bob).count() == 1


def test_a_flag_reaches_the_managers_and_the_audit(campaign: Project, bob: User) -> None:
    task = make_task(campaign)
    flag_task(annotator=bob, task=task, reason="personal data")
    flag_task(annotator=bob, task=task, reason="personal data, an address")
    assert Flag.objects.get().reason == "personal data, an address"
    assert AuditEvent.objects.filter(action="flag_task", actor=bob).count() == 2


def test_outsiders_find_no_project(campaign: Project, oscar: User) -> None:
    task = make_task(campaign)
    with pytest.raises(NotFound):
        acquire_task(project=campaign, annotator=oscar)
    with pytest.raises(NotFound):
        flag_task(annotator=oscar, task=task, reason="")


def test_acquire_costs_the_same_whatever_the_queue(
    campaign: Project, bob: User, django_assert_max_num_queries: object
) -> None:
    for _ in range(5):
        make_task(campaign)
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        acquire(campaign, bob)
