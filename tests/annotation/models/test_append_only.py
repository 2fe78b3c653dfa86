"""The database refuses what no service may do either."""

import pytest
from django.db import IntegrityError, transaction

from annotation.models import AuditEvent, Judgment, Project, Slot, User
from annotation.services import audit
from tests.factories import make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def judgment(campaign: Project, bob: User) -> Judgment:
    return Judgment.objects.create(
        project=campaign, task=make_task(campaign), annotator=bob, kind="ranking", tiers=[["a"], ["b"]]
    )


@pytest.mark.parametrize("change", [{"tiers": [["b"], ["a"]]}, {"rationale": "no"}, {"revision": 2}, {"confidence": 1}])
def test_a_judgment_cannot_be_rewritten(judgment: Judgment, change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Judgment.objects.filter(pk=judgment.pk).update(**change)


def test_only_the_mark_of_the_current_revision_moves(judgment: Judgment) -> None:
    assert Judgment.objects.filter(pk=judgment.pk).update(is_current=False) == 1


def test_a_person_has_one_current_judgment_a_task(judgment: Judgment) -> None:
    with pytest.raises(IntegrityError, match="judgment_one_current"), transaction.atomic():
        Judgment.objects.create(
            project=judgment.project, task=judgment.task, annotator=judgment.annotator, kind="ranking", revision=2
        )


def test_an_audit_event_stays_as_it_is(alice: User, campaign: Project) -> None:
    event = audit.record(actor=alice, action="create_project", obj=campaign, project=campaign)
    with pytest.raises(IntegrityError, match="cannot be changed or deleted"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(action="something else")
    with pytest.raises(IntegrityError, match="cannot be changed or deleted"), transaction.atomic():
        event.delete()


def test_nobody_holds_two_slots_of_a_task(campaign: Project, bob: User) -> None:
    first, second = make_task(campaign).slots.order_by("number")
    Slot.objects.filter(pk=first.pk).update(state="submitted", annotator=bob)
    with pytest.raises(IntegrityError, match="slot_once_a_task_and_annotator"), transaction.atomic():
        Slot.objects.filter(pk=second.pk).update(state="submitted", annotator=bob)


@pytest.mark.parametrize("values", [{"state": "leased"}, {"state": "submitted"}])
def test_a_slot_that_is_taken_has_a_holder(campaign: Project, values: dict[str, str]) -> None:
    slot = make_task(campaign).slots.first()
    assert slot is not None
    with pytest.raises(IntegrityError, match="slot_state_matches_holder"), transaction.atomic():
        Slot.objects.filter(pk=slot.pk).update(**values)
