"""The one-statement submit writes what the long way writes, and steps aside for everything unusual."""

from uuid import uuid4

import pytest
from django.forms.models import model_to_dict

from annotation.models import AuditEvent, Criterion, Draft, Judgment, Preference, Project, Score, Slot, Task, User
from annotation.services.answer_sheets import open_sheet
from annotation.services.filled_slots import fill_slot
from annotation.services.judgments import submit_answer, submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db

ANSWER = ranking(
    "b",
    "ac",
    strength=[2],
    bad=["a", "c"],
    scores={"clear": {"a": 4, "b": None, "c": 2}},
    rationale="ünïcode, 'quotes' and %s",
    confidence=5,
    active_ms=41_000,
)
PASSING = {"id", "task", "slot", "annotator", "idempotency_key", "lease_token", "created_at", "recorded_at"}


def lease(project: Project, person: User) -> Lease:
    found = acquire_task(project=project, annotator=person)
    assert isinstance(found, Lease)
    return found


def submit(found: Lease, person: User, **more: object) -> Judgment:
    return submit_judgment(
        annotator=person,
        task_id=found.task.pk,
        lease_token=found.token,
        answer=ANSWER,
        idempotency_key=str(uuid4()),
        **more,  # type: ignore[arg-type]
    )


def contents(judgment: Judgment) -> dict[str, object]:
    judgment = Judgment.objects.get(pk=judgment.pk)
    own = {name: value for name, value in model_to_dict(judgment).items() if name not in PASSING}
    assert judgment.recorded_at is not None
    pairs = Preference.objects.filter(judgment=judgment).order_by("rejected__key")
    scores = Score.objects.filter(judgment=judgment).order_by("response__key")
    event = AuditEvent.objects.get(action="submit_judgment", object_id=str(judgment.pk))
    return own | {
        "shown_order": sorted(judgment.shown_order),
        "pairs": list(pairs.values_list("chosen__key", "rejected__key", "strength", "derived_from")),
        "scores_rows": list(scores.values_list("criterion__name", "response__key", "value")),
        "event": (event.object_type, event.project_id, event.data, event.address),
    }


def test_both_ways_write_the_same(campaign: Project, bob: User, carol: User) -> None:
    Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    make_task(campaign, keys="abc")
    first, second = lease(campaign, bob), lease(campaign, carol)
    short = submit(first, bob, address="192.0.2.7")
    Task.objects.update(purpose=Task.Purpose.GOLD, gold=ranking("a", "b", "c"))
    long = submit(second, carol, address="192.0.2.7")
    assert contents(short) == contents(long)
    assert set(Slot.objects.values_list("state", flat=True)) == {"submitted"}


def test_a_task_with_a_purpose_goes_the_long_way(
    campaign: Project, bob: User, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def count(judgment: Judgment, *rest: object, **named: object) -> bool:
        calls.append(judgment.task_id)
        return fill_slot(judgment, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("annotation.services.judgments.fill_slot", count)
    Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    make_task(campaign, keys="abc")
    first, second = lease(campaign, bob), lease(campaign, carol)
    submit(first, bob)
    assert len(calls) == 1
    Task.objects.update(purpose=Task.Purpose.GOLD, gold=ranking("a", "b", "c"))
    submit(second, carol)
    assert len(calls) == 1


def test_the_draft_ends_with_the_submit(campaign: Project, bob: User, carol: User) -> None:
    Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    task = make_task(campaign, keys="abc")
    for person in (bob, carol):
        Draft.objects.create(task=task, annotator=person, answer={})
    submit(lease(campaign, bob), bob)
    assert Draft.objects.get().annotator == carol


def test_a_submit_takes_few_statements(campaign: Project, bob: User, django_assert_num_queries: object) -> None:
    Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    make_task(campaign, keys="abc")
    found = lease(campaign, bob)
    with django_assert_num_queries(4):  # type: ignore[operator]  # sheet and fill, in the test's savepoint
        submit(found, bob)


def test_a_sheet_of_another_task_is_our_fault(campaign: Project, bob: User) -> None:
    first, second = make_task(campaign), make_task(campaign)
    sheet = open_sheet(annotator=bob, task_id=first.pk, lease_token=uuid4())
    with pytest.raises(ValueError, match="a sheet of task"):
        submit_answer(
            annotator=bob,
            task_id=second.pk,
            lease_token=uuid4(),
            answer=ranking("a", "b"),
            idempotency_key="k",
            sheet=sheet,
        )
