import json
from datetime import UTC, datetime
from typing import Any

import pytest

from annotation.exceptions import ApplicationError, NotFound, NotPermitted
from annotation.importers.concord import read_prompts
from annotation.kinds.ranking import RankingAnswer
from annotation.models import AuditEvent, Criterion, Project, User
from annotation.selectors.canonical import canonical_records, prompt_groups
from annotation.services.exporting import export_project
from annotation.services.importing import import_prompts
from annotation.services.judgments import amend_judgment, submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db


def submit(project: Project, user: User, answer: dict[str, Any]) -> int:
    lease = acquire_task(project=project, annotator=user)
    assert isinstance(lease, Lease)
    return submit_judgment(
        annotator=user,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer=answer,
        idempotency_key=f"{user.pk}-{lease.task.pk}",
    ).pk


def test_a_record_holds_all_that_was_said(campaign: Project, bob: User) -> None:
    Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    known = dict.fromkeys(("strength", "confidence", "active_ms")) | {"bad": [], "unranked": [], "rationale": ""}
    task = make_task(campaign, keys="abc", gold=ranking("a", "b", "c", scores={}, **known))
    answer = ranking(
        "b", "ac", strength=[3], bad=["a", "c"], scores={"clear": {"a": 2}}, rationale="Grüße", confidence=2
    )
    pk = submit(campaign, bob, answer)
    (record,) = canonical_records(project=campaign, filters={"exclude_gold": False})
    assert (record["answer_id"], record["task_id"], record["prompt_id"]) == (str(pk), str(task.pk), task.external_id)
    assert (record["tiers"], record["bad"], record["strength"]) == ([["b"], ["a", "c"]], ["a", "c"], [3])
    assert (record["criteria"], record["rationale"], record["confidence"]) == ({"clear": {"a": 2}}, "Grüße", 2)
    assert sorted(record["shown_order"]) == ["a", "b", "c"]
    assert (record["annotator"], record["gold"], record["simulated"]) == (bob.pseudonym, True, False)
    assert [response["source"]["name"] for response in record["responses"]] == ["model-a", "model-b", "model-c"]
    assert "bob" not in json.dumps(record)


def test_only_current_revisions_are_given(campaign: Project, bob: User) -> None:
    make_task(campaign)
    pk = submit(campaign, bob, ranking("a", "b"))
    amend_judgment(annotator=bob, judgment_id=pk, answer=ranking("b", "a"))
    (record,) = canonical_records(project=campaign)
    assert (record["tiers"], record["revision"]) == ([["b"], ["a"]], 2)


def test_filters_leave_out(campaign: Project, bob: User) -> None:
    make_task(campaign)
    submit(campaign, bob, ranking("a", "b"))
    assert len(list(canonical_records(project=campaign, filters={"since": "2020-01-01T00:00:00Z"}))) == 1
    assert list(canonical_records(project=campaign, filters={"since": datetime(2100, 1, 1, tzinfo=UTC)})) == []
    User.objects.filter(pk=bob.pk).update(origin="simulated", is_active=False)
    assert list(canonical_records(project=campaign, filters={"exclude_simulated": True})) == []
    User.objects.filter(pk=bob.pk).update(origin="member")
    campaign.tasks.update(gold=RankingAnswer(tiers=(("a",), ("b",))).as_mapping(), purpose="gold")
    assert list(canonical_records(project=campaign)) == []
    assert len(list(canonical_records(project=campaign, filters={"exclude_gold": False}))) == 1
    for purpose in ("practice", "qualification"):
        campaign.tasks.update(purpose=purpose)
        assert list(canonical_records(project=campaign, filters={"exclude_gold": False})) == []
    for wrong in ({"sinse": None}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}):
        with pytest.raises(ApplicationError):
            canonical_records(project=campaign, filters=wrong)


def test_other_projects_stay_out(campaign: Project, bob: User) -> None:
    other = make_project()
    make_task(other)
    submit(other, make_member(other), ranking("a", "b"))
    assert list(canonical_records(project=campaign)) == []


def test_a_stream_is_one_statement(campaign: Project, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        make_task(campaign)
    with django_assert_num_queries(2):  # the savepoint around the server-side cursor
        assert len(list(prompt_groups(project=campaign))) == 5


def test_what_is_exported_can_be_imported_again(alice: User) -> None:
    """Interchange file -> rows -> interchange file -> rows -> interchange file: the same but for pseudonyms."""
    lines = [
        {
            "external_id": "q-1",
            "kind": "scalar",
            "prompt": "What?",
            "tags": ["x"],
            "metadata": {"n": 1},
            "responses": [{"id": "a", "text": "A"}, {"id": "b", "text": "", "source": "m"}],
            "judgments": [{"annotator": "r1", "scores": {"help": {"a": 1.25, "b": 7}}, "rationale": "ü"}],
            "gold": {"scores": {"help": {"a": 1}}},
        },
        {
            "external_id": "q-2",
            "kind": "scalar",
            "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
            "responses": [{"id": "a", "text": "A"}],
            "judgments": [],
        },
    ]
    first = make_project(kind="scalar")
    prompts = read_prompts([json.dumps(row).encode() for row in lines])
    import_prompts(project=first, prompts=prompts, actor=None, infer_criteria=True)
    exported = list(export_project(project=first, actor=None, format_name="concord"))
    second = make_project(kind="scalar")
    import_prompts(project=second, prompts=read_prompts(exported), actor=None, infer_criteria=True)
    again = list(export_project(project=second, actor=None, format_name="concord"))

    def unnamed(rows: list[bytes]) -> list[Any]:
        parsed = [json.loads(row) for row in rows]
        for row in parsed:
            for judgment in row["judgments"]:
                judgment.pop("annotator")
        return parsed

    assert unnamed(again) == unnamed(exported)
    assert unnamed(exported)[0]["judgments"][0]["scores"] == {"help": {"a": 1.25, "b": 7}}
    assert unnamed(exported)[0]["gold"]["scores"] == {"help": {"a": 1}}


def test_exports_are_recorded_and_for_managers_only(campaign: Project, alice: User, rita: User, oscar: User) -> None:
    for person, error in ((rita, NotPermitted), (oscar, NotFound)):
        with pytest.raises(error):
            export_project(project=campaign, actor=person, format_name="trl")
    with pytest.raises(ApplicationError, match="no format 'xlsx'"):
        export_project(project=campaign, actor=alice, format_name="xlsx")
    assert not AuditEvent.objects.filter(action="export_project").exists()
    assert list(export_project(project=campaign, actor=alice, format_name="trl", view="majority")) == []
    assert AuditEvent.objects.get(action="export_project").data == {"format": "trl", "view": "majority"}
