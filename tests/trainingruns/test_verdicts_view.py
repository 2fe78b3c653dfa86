"""The view `verdicts` of exports and snapshots: what a reviewer decided goes before what people said."""

import json
from typing import Any

import pytest

from annotation.models import Membership, Project, User
from annotation.services.exporting import export_project
from annotation.services.verdicts import current_judgment_ids, give_verdict
from rewardmodel.records import parse_preference
from tests.annotation.services.test_reports import judge
from tests.factories import make_project, make_task, make_user, ranking
from trainingruns.artifacts import artifact_path
from trainingruns.models import Snapshot
from trainingruns.services.snapshots import create_snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts")]
DECIDED: dict[str, dict[str, Any] | None] = {
    "overturned": ranking("c", "a", "b"),
    "tied": ranking("abc"),
    "partly": ranking("b", "a", unranked=["c"]),
    "unusable": None,
    "unjudged": ranking("a", "bc"),
}


@pytest.fixture
def reviewer() -> User:
    return make_user()


@pytest.fixture
def adjudicated(reviewer: User) -> Project:
    """Three people rank a, b, c on every task but the last; a reviewer decided some of them."""
    project = make_project()
    Membership.objects.create(project=project, user=reviewer, role=Membership.Role.REVIEWER)
    people = [make_user() for _ in range(3)]
    for name in ("undisputed", *DECIDED):
        task = make_task(project, "abc", external_id=name)
        for person in people if name != "unjudged" else ():
            judge(task, person, ranking("a", "b", "c"))
        if name in DECIDED:
            answer, seen = DECIDED[name], current_judgment_ids(task=task)
            outcome = "unusable" if answer is None else "answer"
            give_verdict(task=task, reviewer=reviewer, outcome=outcome, answer=answer, reason="Why.", based_on=seen)
    return project


def rows_of(snapshot: Snapshot, *names: str) -> list[dict[str, Any]]:
    files = [artifact_path(snapshot.path) / name for name in names]
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def pairs_of_snapshot(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    rows = rows_of(snapshot, "train.jsonl", "eval.jsonl")
    return {(row["prompt"][0]["content"], row["chosen"], row["rejected"]) for row in rows}


def pairs_of_export(project: Project) -> set[tuple[str, str, str]]:
    lines = export_project(project=project, actor=None, format_name="trl", view="verdicts")
    rows = [json.loads(line) for line in lines]
    return {tuple(row[name][0]["content"] for name in ("prompt", "chosen", "rejected")) for row in rows}  # type: ignore[misc]


def test_snapshot_and_export_hold_the_same_pairs(adjudicated: Project) -> None:
    pairs = pairs_of_snapshot(create_snapshot(project=adjudicated, view="verdicts"))
    assert pairs == pairs_of_export(adjudicated)
    assert ("What is overturned?", "Answer c.", "Answer a.") in pairs
    assert len(pairs) == 3 + 3 + 0 + 1 + 0 + 2
    assert len(pairs_of_snapshot(create_snapshot(project=adjudicated, view="majority"))) == 5 * 3


def test_a_ruled_pair_leads_back_to_the_judgments_that_the_reviewer_saw(adjudicated: Project) -> None:
    snapshot = create_snapshot(project=adjudicated, view="verdicts", eval_share=0.0)
    by_prompt = {row["prompt"][0]["content"]: row for row in rows_of(snapshot, "train.jsonl")}
    assert all(parse_preference(row) for row in by_prompt.values())
    assert by_prompt["What is overturned?"]["votes"] == {"chosen": 1, "rejected": 0, "tie": 0}
    assert len(by_prompt["What is overturned?"]["judgments"]) == 3
    assert by_prompt["What is unjudged?"]["judgments"] == []
    assert by_prompt["What is undisputed?"]["votes"] == {"chosen": 3, "rejected": 0, "tie": 0}
    assert len(snapshot.manifest["verdicts"]) == len(DECIDED)


def test_examples_follow_the_verdict_and_the_ceiling_the_people(adjudicated: Project) -> None:
    snapshot = create_snapshot(project=adjudicated, view="verdicts", eval_share=0.5)
    examples = {
        row["prompt"][0]["content"]: row["response"] for row in rows_of(snapshot, "sft_train.jsonl", "sft_eval.jsonl")
    }
    assert examples["What is overturned?"] == "Answer c."
    assert examples["What is partly?"] == "Answer b."
    assert "What is unusable?" not in examples
    assert snapshot.manifest["human_ceiling"]["value"] == 1.0


def test_another_verdict_makes_another_snapshot(adjudicated: Project, reviewer: User) -> None:
    before = create_snapshot(project=adjudicated, view="verdicts")
    assert create_snapshot(project=adjudicated, view="verdicts") == before
    task = adjudicated.tasks.get(external_id="unusable")
    seen = current_judgment_ids(task=task)
    answer = ranking("b", "a", "c")
    give_verdict(task=task, reviewer=reviewer, outcome="answer", answer=answer, reason="It is.", based_on=seen)
    after = create_snapshot(project=adjudicated, view="verdicts")
    assert after.sha256 != before.sha256
    assert pairs_of_snapshot(after) == pairs_of_export(adjudicated)
