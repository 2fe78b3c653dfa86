import pytest

from annotation.exceptions import Conflict, NotFound, NotPermitted
from annotation.models import AuditEvent, Project, Slot, User
from annotation.services.judgments import submit_judgment
from annotation.services.lease_ends import end_lease
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_project, make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(campaign: Project, bob: User) -> Lease:
    make_task(campaign)
    lease = acquire_task(project=campaign, annotator=bob)
    assert isinstance(lease, Lease)
    return lease


def test_an_ended_lease_is_free_for_others(campaign: Project, held: Lease, alice: User, carol: User) -> None:
    end_lease(project=campaign, slot_id=held.slot.pk, actor=alice)
    Slot.objects.exclude(pk=held.slot.pk).update(state="released")
    taken = acquire_task(project=campaign, annotator=carol)
    assert isinstance(taken, Lease)
    assert taken.slot.pk == held.slot.pk
    event = AuditEvent.objects.get(action="end_lease")
    assert (event.actor, event.data["holder"]) == (alice, held.slot.annotator_id)


def test_its_holder_may_still_submit_while_nobody_took_it(
    campaign: Project, held: Lease, alice: User, bob: User
) -> None:
    end_lease(project=campaign, slot_id=held.slot.pk, actor=alice)
    judgment = submit_judgment(
        annotator=bob, task_id=held.task.pk, lease_token=held.token, answer=ranking("a", "b"), idempotency_key="k"
    )
    assert judgment.slot_id == held.slot.pk


def test_ending_twice_says_that_nobody_holds_it(campaign: Project, held: Lease, alice: User) -> None:
    end_lease(project=campaign, slot_id=held.slot.pk, actor=alice)
    with pytest.raises(Conflict, match="Nobody holds"):
        end_lease(project=campaign, slot_id=held.slot.pk, actor=alice)


def test_only_managers_end_leases_of_their_own_project(
    campaign: Project, held: Lease, alice: User, rita: User, oscar: User
) -> None:
    with pytest.raises(NotPermitted):
        end_lease(project=campaign, slot_id=held.slot.pk, actor=rita)
    with pytest.raises(NotFound):
        end_lease(project=campaign, slot_id=held.slot.pk, actor=oscar)
    other = make_project()
    other.memberships.create(user=alice, role="manager")
    with pytest.raises(NotFound):
        end_lease(project=other, slot_id=held.slot.pk, actor=alice)
    assert Slot.objects.get(pk=held.slot.pk).state == "leased"
