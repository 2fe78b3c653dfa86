from typing import Any

import orjson
import pytest
from django.db import IntegrityError, transaction

from annotation.exceptions import ApplicationError, Conflict, InvalidAnswer, NotFound, NotPermitted
from annotation.models import AuditEvent, Flag, Judgment, Project, Skip, Task, TaskSplit, User, Verdict
from annotation.selectors.adjudication import adjudication_queue, count_queues, next_in_queue
from annotation.services.exporting import export_project
from annotation.services.verdicts import current_judgment_ids, give_verdict, resolve_flag
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_project, make_task, ranking

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(campaign: Project, bob: User, carol: User) -> Task:
    """Bob and Carol prefer a."""
    task = make_task(campaign, external_id="q-1")
    judge_next(campaign, bob)
    judge_next(campaign, carol)
    return task


def decide(task: Task, reviewer: User, **changes: Any) -> Verdict:
    said: dict[str, Any] = {
        "outcome": "answer", "answer": ranking("b", "a"), "reason": "b is right.",
        "based_on": current_judgment_ids(task=task),
    }  # fmt: skip
    return give_verdict(task=task, reviewer=reviewer, **{**said, **changes})


def test_a_verdict_stands_beside_the_judgments(judged: Task, rita: User) -> None:
    before = list(Judgment.objects.order_by("pk").values())
    verdict = decide(judged, rita)
    assert verdict.answer is not None
    assert verdict.answer["tiers"] == [["b"], ["a"]]
    assert list(Judgment.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.get(action="give_verdict").data["task"] == judged.pk


def test_the_same_again_is_the_same_and_another_takes_its_place(judged: Task, rita: User, alice: User) -> None:
    first = decide(judged, rita)
    assert decide(judged, rita) == first
    second = decide(judged, alice, reason="On second thoughts.")
    first.refresh_from_db()
    assert (second.supersedes, first.is_current, second.is_current) == (first, False, True)


def test_nobody_rewrites_a_verdict(judged: Task, rita: User) -> None:
    verdict = decide(judged, rita)
    with pytest.raises(IntegrityError), transaction.atomic():
        Verdict.objects.filter(pk=verdict.pk).update(reason="changed")
    with pytest.raises(IntegrityError), transaction.atomic():
        Verdict.objects.create(project=judged.project, task=judged, reviewer=rita, outcome="unusable", reason="x")


def test_a_verdict_on_what_changed_meanwhile_is_refused(judged: Task, rita: User) -> None:
    with pytest.raises(Conflict, match="judged the task since"):
        decide(judged, rita, based_on=current_judgment_ids(task=judged)[:1])
    assert not Verdict.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "  "}, {"reason": "x" * 2001}, {"outcome": "maybe"}, {"outcome": "unusable"},
        {"answer": ranking("b")}, {"answer": ranking("a", "b", "c")}, {"answer": None}, {"answer": {"tiers": "ab"}},
    ],
)  # fmt: skip
def test_bad_verdicts_are_refused(changes: dict[str, Any], judged: Task, rita: User) -> None:
    with pytest.raises(ApplicationError if "answer" not in changes else InvalidAnswer):
        decide(judged, rita, **changes)
    assert not Verdict.objects.exists()


def test_reviewers_of_the_project_decide(judged: Task, bob: User, oscar: User) -> None:
    for person, error in ((bob, NotPermitted), (oscar, NotFound)):
        with pytest.raises(error):
            decide(judged, person)


def test_a_verdict_settles_flags_and_held_tasks(judged: Task, bob: User, rita: User) -> None:
    Flag.objects.create(task=judged, annotator=bob, reason="odd")
    Task.objects.filter(pk=judged.pk).update(state="held")
    decide(judged, rita, outcome="unusable", answer=None)
    judged.refresh_from_db()
    assert (judged.state, Flag.objects.get().resolved_at is None) == ("archived", False)


def test_queues_hold_what_nobody_decided(judged: Task, campaign: Project, bob: User, carol: User, rita: User) -> None:
    assert next_in_queue(project=campaign, why="disagreement") is None
    TaskSplit.objects.create(task=judged, project=campaign, disagreement=0.3)
    worse = make_task(campaign)
    TaskSplit.objects.create(task=worse, project=campaign, disagreement=0.8)
    Flag.objects.create(task=judged, annotator=bob)
    for person in (bob, carol):
        Skip.objects.create(task=worse, annotator=person)
    Skip.objects.create(task=judged, annotator=carol)
    assert [row.pk for row in adjudication_queue(project=campaign).rows] == [worse.pk, judged.pk]
    assert count_queues(project=campaign) == {"disagreement": 2, "flagged": 1, "skipped": 1}
    decide(worse, rita, based_on=[])
    assert next_in_queue(project=campaign, why="disagreement") == judged
    assert count_queues(project=campaign) == {"disagreement": 1, "flagged": 1, "skipped": 0}
    with pytest.raises(ApplicationError, match="No such queue"):
        adjudication_queue(project=campaign, why="boredom")


def test_a_flag_is_resolved_once(campaign: Project, judged: Task, bob: User, rita: User, alice: User) -> None:
    flag = Flag.objects.create(task=judged, annotator=bob)
    first = resolve_flag(project=campaign, flag_id=flag.pk, actor=rita)
    assert resolve_flag(project=campaign, flag_id=flag.pk, actor=alice).resolved_at == first.resolved_at
    assert AuditEvent.objects.filter(action="resolve_flag").count() == 1
    with pytest.raises(NotPermitted):
        resolve_flag(project=campaign, flag_id=flag.pk, actor=bob)
    other = make_project()
    other.memberships.create(user=alice, role="manager")
    with pytest.raises(NotFound):
        resolve_flag(project=other, flag_id=flag.pk, actor=alice)


def test_exports_take_the_verdict_where_they_are_asked_to(
    judged: Task, campaign: Project, bob: User, alice: User, rita: User
) -> None:
    make_task(campaign, external_id="q-2")
    judge_next(campaign, bob)
    decide(judged, rita)
    rows = {view: pairs(campaign, alice, view) for view in ("majority", "verdicts")}
    assert rows["majority"] == ["Answer a.", "Answer a."]
    assert rows["verdicts"] == ["Answer b.", "Answer a."]
    decide(judged, rita, outcome="unusable", answer=None)
    assert pairs(campaign, alice, "verdicts") == ["Answer a."]
    assert pairs(campaign, alice, "majority") == rows["majority"]


def pairs(project: Project, actor: User, view: str) -> list[str]:
    lines = export_project(project=project, actor=actor, format_name="trl", view=view)
    return [orjson.loads(line)["chosen"][0]["content"] for chunk in lines for line in chunk.splitlines()]
