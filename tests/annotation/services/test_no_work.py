"""Why there is nothing to do: right at any size, and at a bounded cost."""

import pytest

from annotation.models import Project, Skip, Slot, Task, User
from annotation.services import no_work
from annotation.services.no_work import NoWork
from annotation.services.slots import Lease, acquire_task
from tests.annotation.services.test_lease_plans import rows_read
from tests.factories import make_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(no_work, "SOME_SLOTS", 4)
    no_work.forget_told()


def skip_all(project: Project, person: User) -> None:
    """As if the person had passed every task by long ago."""
    Skip.objects.bulk_create([Skip(task=task, annotator=person) for task in Task.objects.filter(project=project)])


def test_beyond_the_bound_the_reason_is_that_of_all_slots(campaign: Project, bob: User) -> None:
    for _ in range(6):
        make_task(campaign, priority=1, state="paused")
    make_task(campaign)
    skip_all(campaign, bob)
    assert acquire_task(project=campaign, annotator=bob) == NoWork("you_did_all")
    assert acquire_task(project=campaign, annotator=bob) == NoWork("you_did_all")


def test_the_second_poll_looks_at_a_few_slots_only(campaign: Project, bob: User) -> None:
    for _ in range(40):
        make_task(campaign)
    skip_all(campaign, bob)
    no_work.why_nothing(project=campaign, annotator=bob)
    before = rows_read("annotation_skip")
    assert no_work.why_nothing(project=campaign, annotator=bob) == NoWork("you_did_all")
    assert rows_read("annotation_skip") - before <= 3 * no_work.SOME_SLOTS


def test_a_task_behind_the_bound_is_still_found(campaign: Project, bob: User) -> None:
    """So a cursor that stands too far is put right."""
    for _ in range(6):
        make_task(campaign, priority=1)
    skip_all(campaign, bob)
    last = make_task(campaign)
    assert isinstance(acquire_task(project=campaign, annotator=bob), Lease)
    Slot.objects.filter(task=last).update(state="free", annotator=None)
    assert no_work.why_nothing(project=campaign, annotator=bob) is None


def test_a_new_task_is_given_out_whatever_was_told_before(campaign: Project, bob: User) -> None:
    for _ in range(6):
        make_task(campaign)
    skip_all(campaign, bob)
    assert acquire_task(project=campaign, annotator=bob) == NoWork("you_did_all")
    make_task(campaign)
    assert isinstance(acquire_task(project=campaign, annotator=bob), Lease)
