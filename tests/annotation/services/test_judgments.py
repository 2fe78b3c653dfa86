from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F

from annotation.exceptions import ApplicationError, Conflict, InvalidAnswer, NotFound, NotPermitted
from annotation.models import (
    AuditEvent,
    Criterion,
    Draft,
    Judgment,
    KeptAnswer,
    Preference,
    Project,
    Score,
    Slot,
    User,
)
from annotation.services.judgments import (
    accept_kept_answer,
    amend_judgment,
    dismiss_kept_answer,
    save_draft,
    submit_judgment,
)
from annotation.services.slots import Lease, acquire_task, release_expired_leases
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db


def acquire(project: Project, user: User) -> Lease:
    lease = acquire_task(project=project, annotator=user)
    assert isinstance(lease, Lease), lease
    return lease


def submit(lease: Lease, user: User, answer: Mapping[str, Any] | None = None, key: str = "") -> Judgment:
    return submit_judgment(
        annotator=user,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer=ranking("b", "a") if answer is None else answer,
        idempotency_key=key or str(uuid4()),
    )


def let_run_out(lease: Lease) -> None:
    Slot.objects.filter(pk=lease.slot.pk).update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))


def lose_lease() -> tuple[Lease, User]:
    """A lease that ran out and was taken by somebody else, and who lost it."""
    project = make_project(judgments_per_task=1)
    make_task(project)
    loser, winner = make_member(project), make_member(project)
    lease = acquire(project, loser)
    let_run_out(lease)
    acquire(project, winner)
    return lease, loser


def test_a_judgment_is_stored_with_all_that_follows_from_it(campaign: Project, bob: User) -> None:
    criterion = Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    make_task(campaign, keys="abc")
    lease = acquire(campaign, bob)
    answer = ranking(
        "b",
        "ac",
        strength=[2],
        bad=["a", "c"],
        scores={"clear": {"a": 4, "b": None}},
        rationale="b cites its source",
        confidence=5,
        active_ms=41_000,
    )
    judgment = submit(lease, bob, answer)
    judgment.refresh_from_db()
    assert (judgment.tiers, judgment.bad, judgment.strength) == ([["b"], ["a", "c"]], ["a", "c"], [2])
    assert (judgment.shown_order, judgment.lease_token) == (lease.shown_order, lease.token)
    assert (judgment.rationale, judgment.confidence, judgment.active_ms) == ("b cites its source", 5, 41_000)
    pairs = Preference.objects.filter(judgment=judgment).values_list("chosen__key", "rejected__key", "strength")
    assert sorted(pairs) == [("b", "a", 2.0), ("b", "c", 2.0)]
    assert [(row.criterion, row.response.key, row.value) for row in Score.objects.all()] == [(criterion, "a", 4.0)]
    slot = Slot.objects.get(pk=lease.slot.pk)
    assert (slot.state, slot.annotator) == ("submitted", bob)
    assert AuditEvent.objects.filter(action="submit_judgment", actor=bob, object_id=str(judgment.pk)).exists()


def test_the_same_submit_gives_the_same_row(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    assert submit(lease, bob, key="k1").pk == submit(lease, bob, key="k1").pk
    assert Judgment.objects.count() == 1
    assert AuditEvent.objects.filter(action="submit_judgment").count() == 1


def test_a_key_with_another_answer_is_refused(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    submit(lease, bob, key="k1")
    with pytest.raises(Conflict) as caught:
        submit(lease, bob, ranking("a", "b"), key="k1")
    assert caught.value.code == "idempotency_key_reused"


def test_a_key_of_another_task_is_refused(campaign: Project, bob: User) -> None:
    make_task(campaign)
    make_task(campaign)
    submit(acquire(campaign, bob), bob, key="k1")
    with pytest.raises(Conflict) as caught:
        submit(acquire(campaign, bob), bob, key="k1")
    assert caught.value.code == "idempotency_key_reused"


def test_a_second_answer_to_a_task_is_sent_to_amend(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    first = submit(lease, bob)
    with pytest.raises(Conflict) as caught:
        submit(lease, bob, ranking("a", "b"))
    assert (caught.value.code, caught.value.extra["judgment"]) == ("already_submitted", first.pk)


@pytest.mark.parametrize("reaped", [False, True])
def test_a_late_answer_counts_while_nobody_took_the_slot(campaign: Project, bob: User, reaped: bool) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    let_run_out(lease)
    if reaped:
        assert release_expired_leases() == 1
    judgment = submit(lease, bob)
    assert judgment.slot_id == lease.slot.pk
    assert Slot.objects.get(pk=lease.slot.pk).state == "submitted"


def test_an_answer_for_a_lost_lease_is_kept() -> None:
    lease, loser = lose_lease()
    with pytest.raises(Conflict) as caught:
        submit(lease, loser, key="late")
    assert (caught.value.code, caught.value.status) == ("lease_lost", 409)
    kept = KeptAnswer.objects.get(pk=caught.value.extra["kept_answer"])
    assert (kept.annotator, kept.answer["tiers"], kept.state) == (loser, [["b"], ["a"]], "kept")
    assert Judgment.objects.count() == 0


def test_a_lost_answer_sent_again_is_kept_once() -> None:
    lease, loser = lose_lease()
    kept = set()
    for _ in range(3):
        with pytest.raises(Conflict) as caught:
            submit(lease, loser, key="late")
        kept.add(caught.value.extra["kept_answer"])
    assert len(kept) == KeptAnswer.objects.count() == 1
    with pytest.raises(Conflict) as caught:
        submit(lease, loser, ranking("a", "b"), key="late")
    assert caught.value.code == "idempotency_key_reused"


def test_an_accepted_answer_is_surplus_where_no_slot_is_free(alice: User) -> None:
    lease, loser = lose_lease()
    manager = make_member(lease.task.project, "manager")
    with pytest.raises(Conflict) as caught:
        submit(lease, loser)
    judgment = accept_kept_answer(manager=manager, kept_answer_id=caught.value.extra["kept_answer"])
    assert (judgment.annotator, judgment.slot, judgment.tiers) == (loser, None, [["b"], ["a"]])
    assert Preference.objects.filter(judgment=judgment).count() == 1
    with pytest.raises(Conflict) as caught:
        dismiss_kept_answer(manager=manager, kept_answer_id=KeptAnswer.objects.get().pk)
    assert caught.value.code == "already_decided"


def test_an_accepted_answer_fills_a_free_slot(campaign: Project, alice: User, bob: User) -> None:
    task = make_task(campaign)
    kept = KeptAnswer.objects.create(task=task, annotator=bob, answer=ranking("a", "b"), reason="late")
    judgment = accept_kept_answer(manager=alice, kept_answer_id=kept.pk)
    assert judgment.slot is not None
    assert list(task.slots.values_list("state", flat=True).order_by("number")) == ["submitted", "free"]


def test_only_managers_decide_on_kept_answers(campaign: Project, bob: User, rita: User, oscar: User) -> None:
    kept = KeptAnswer.objects.create(task=make_task(campaign), annotator=bob, answer=ranking("a", "b"), reason="late")
    for decide in (accept_kept_answer, dismiss_kept_answer):
        with pytest.raises(NotPermitted):
            decide(manager=rita, kept_answer_id=kept.pk)
        with pytest.raises(NotFound):
            decide(manager=oscar, kept_answer_id=kept.pk)
    kept.refresh_from_db()
    assert kept.state == "kept"


def test_a_dismissed_answer_stays_readable(campaign: Project, alice: User, bob: User) -> None:
    kept = KeptAnswer.objects.create(task=make_task(campaign), annotator=bob, answer=ranking("a", "b"), reason="late")
    assert dismiss_kept_answer(manager=alice, kept_answer_id=kept.pk).state == "dismissed"
    assert Judgment.objects.count() == 0


def test_faults_name_letters_not_models(campaign: Project, bob: User) -> None:
    make_task(campaign, keys=["gpt-9", "secret-model"])
    lease = acquire(campaign, bob)
    with pytest.raises(InvalidAnswer) as caught:
        submit(lease, bob, ranking(["gpt-9"]))
    faults = caught.value.extra["faults"]
    assert [fault["field"] for fault in faults] == ["tiers"]
    said = caught.value.message + str(faults)
    assert "gpt-9" not in said
    assert "secret-model" not in said
    assert repr("AB"[lease.shown_order.index("secret-model")]) in said
    assert Slot.objects.get(pk=lease.slot.pk).state == "leased"


def test_scores_are_held_against_the_projects_scale(bob: User) -> None:
    project = make_project(kind="scalar")
    Criterion.objects.create(project=project, name="helpful", label="Helpful")
    dora = make_member(project)
    make_task(project, keys="a")
    lease = acquire(project, dora)
    for scores in ({"helpful": {"a": 6}}, {"helpful": {"a": 2.5}}, {"helpful": {"a": None}}, {"other": {"a": 3}}, {}):
        with pytest.raises(InvalidAnswer):
            submit(lease, dora, {"scores": scores})
    assert submit(lease, dora, {"scores": {"helpful": {"a": 4}}}).score_rows.get().value == 4.0


def test_outsiders_find_no_task(campaign: Project, bob: User, oscar: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    with pytest.raises(NotFound):
        submit(lease, oscar)
    with pytest.raises(NotFound):
        submit_judgment(
            annotator=bob, task_id=0, lease_token=lease.token, answer=ranking("a", "b"), idempotency_key="k"
        )


@pytest.mark.parametrize("key", ["", "k" * 101])
def test_a_submit_needs_a_key(campaign: Project, bob: User, key: str) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    with pytest.raises(ApplicationError) as caught:
        submit_judgment(
            annotator=bob, task_id=lease.task.pk, lease_token=lease.token, answer=ranking("a", "b"), idempotency_key=key
        )
    assert caught.value.extra == {"field": "idempotency_key"}


def test_the_token_of_somebody_else_fills_no_slot(campaign: Project, bob: User, carol: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    with pytest.raises(Conflict) as caught:
        submit(lease, carol)
    assert caught.value.code == "lease_lost"
    assert Slot.objects.get(pk=lease.slot.pk).annotator == bob


def test_an_amendment_is_a_new_revision(campaign: Project, bob: User) -> None:
    make_task(campaign)
    first = submit(acquire(campaign, bob), bob)
    second = amend_judgment(annotator=bob, judgment_id=first.pk, answer=ranking("a", "b"), reason="misread b")
    first.refresh_from_db()
    assert (first.is_current, first.tiers, first.revision) == (False, [["b"], ["a"]], 1)
    assert (second.is_current, second.tiers, second.revision) == (True, [["a"], ["b"]], 2)
    assert (second.supersedes, second.reason, second.slot_id) == (first, "misread b", first.slot_id)
    assert second.shown_order == first.shown_order
    assert Preference.objects.filter(judgment=first).count() == 1  # old rows stay


def test_an_old_revision_cannot_be_amended(campaign: Project, bob: User) -> None:
    make_task(campaign)
    first = submit(acquire(campaign, bob), bob)
    amend_judgment(annotator=bob, judgment_id=first.pk, answer=ranking("a", "b"))
    with pytest.raises(Conflict) as caught:
        amend_judgment(annotator=bob, judgment_id=first.pk, answer=ranking("ab"))
    assert caught.value.code == "not_current"


def test_the_same_amendment_gives_the_same_row(campaign: Project, bob: User) -> None:
    make_task(campaign)
    first = submit(acquire(campaign, bob), bob)
    amended = [
        amend_judgment(annotator=bob, judgment_id=first.pk, answer=ranking("a", "b"), idempotency_key="again")
        for _ in range(2)
    ]
    assert amended[0].pk == amended[1].pk
    assert Judgment.objects.count() == 2


def test_nobody_amends_for_others(campaign: Project, alice: User, bob: User, carol: User, oscar: User) -> None:
    make_task(campaign)
    first = submit(acquire(campaign, bob), bob)
    for other in (alice, carol, oscar):
        with pytest.raises(NotFound):
            amend_judgment(annotator=other, judgment_id=first.pk, answer=ranking("a", "b"))


def draft(lease: Lease, user: User, version: int, tiers: list[list[str]]) -> Draft:
    return save_draft(
        annotator=user, task_id=lease.task.pk, lease_token=lease.token, answer={"tiers": tiers}, version=version
    )


def test_drafts_count_their_versions_and_end_with_the_submit(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    assert draft(lease, bob, 0, [["a"]]).version == 1
    assert draft(lease, bob, 1, [["a"], ["b"]]).version == 2
    assert draft(lease, bob, 1, [["a"], ["b"]]).version == 2  # the same save, sent again
    submit(lease, bob)
    assert not Draft.objects.exists()


def test_an_old_tab_cannot_overwrite_a_newer_draft(campaign: Project, bob: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    draft(lease, bob, 0, [["a"]])
    draft(lease, bob, 1, [["b"]])
    with pytest.raises(Conflict) as caught:
        draft(lease, bob, 0, [["a", "b"]])
    assert caught.value.code == "draft_is_newer"
    assert caught.value.extra == {"version": 2, "answer": {"tiers": [["b"]]}}


def test_drafts_need_the_lease_and_a_sensible_size(campaign: Project, bob: User, carol: User, oscar: User) -> None:
    make_task(campaign)
    lease = acquire(campaign, bob)
    with pytest.raises(Conflict):
        draft(lease, carol, 0, [["a"]])
    with pytest.raises(NotFound):
        draft(lease, oscar, 0, [["a"]])
    with pytest.raises(ApplicationError):
        draft(lease, bob, 0, [["a" * 70_000]])
    assert not Draft.objects.exists()


def test_a_submit_needs_few_queries(campaign: Project, bob: User, django_assert_max_num_queries: Any) -> None:
    make_task(campaign, keys="abcd")
    lease = acquire(campaign, bob)
    with django_assert_max_num_queries(20):
        submit(lease, bob, ranking("a", "b", "cd"))
