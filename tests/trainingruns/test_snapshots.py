"""Snapshots: votes, split, hashes, provenance."""

import hashlib
import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Judgment, Project, Prompt, Response, Task, User
from rewardmodel.records import read_examples, read_preferences, read_prompts
from trainingruns.models import Snapshot
from trainingruns.services.snapshots import create_snapshot

Judge = Callable[..., None]
pytestmark = pytest.mark.usefixtures("artifacts")


def records(snapshot: Snapshot, artifacts: Path, name: str = "train.jsonl") -> list[dict[str, Any]]:
    lines = (artifacts / snapshot.path / name).read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_pair_carries_its_votes_and_judgments(project: Project, judge: Judge, artifacts: Path) -> None:
    judge("q1", good=1, bad=3, tie=1)
    snapshot = create_snapshot(project=project, eval_share=0)
    (record,) = records(snapshot, artifacts)
    assert record["votes"] == {"chosen": 3, "rejected": 1, "tie": 1}
    assert (record["chosen"], record["rejected"]) == ("No.", "A kind answer to q1.")
    assert record["judgments"] == sorted(Judgment.objects.values_list("pk", flat=True))
    assert snapshot.members.count() == snapshot.judgments == 5


def test_what_says_nothing_is_dropped_and_counted(project: Project, judge: Judge) -> None:
    judge("q1"), judge("equal votes", good=2, bad=2), judge("same text", same=True), judge("ties", good=0, tie=3)
    snapshot = create_snapshot(project=project, eval_share=0)
    assert snapshot.train_pairs == 1
    assert snapshot.manifest["dropped"] == {"equal_texts": 1, "no_majority": 2}


def test_the_view_of_judgments_has_one_record_a_judgment(project: Project, judge: Judge, artifacts: Path) -> None:
    judge("q1", good=2, bad=1, tie=1)
    snapshot = create_snapshot(project=project, view="judgments", eval_share=0)
    assert [record["votes"]["chosen"] for record in records(snapshot, artifacts)] == [1, 1, 1]
    assert {record["chosen"] for record in records(snapshot, artifacts)} == {"No.", "A kind answer to q1."}
    assert snapshot.manifest["dropped"] == {"tie": 1}


def test_the_same_judgments_give_the_same_sha256_and_other_settings_another(project: Project, judge: Judge) -> None:
    for number in range(6):
        judge(f"q{number}")
    first = create_snapshot(project=project, eval_share=0.5)
    assert create_snapshot(project=project, eval_share=0.5).pk == first.pk
    other = create_snapshot(project=project, eval_share=0.5, seed=1)
    assert other.sha256 != first.sha256 and other.number == 2
    judge("q7")
    assert create_snapshot(project=project, eval_share=0.5).sha256 not in {first.sha256, other.sha256}


def test_files_are_what_the_manifest_says_and_what_trainers_read(
    project: Project, judge: Judge, artifacts: Path
) -> None:
    for number in range(6):
        judge(f"q{number}")
    snapshot = create_snapshot(project=project, eval_share=0.4)
    folder = artifacts / snapshot.path
    assert hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest() == snapshot.sha256
    for name, facts in snapshot.manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == facts["sha256"]
    assert len(read_preferences(folder / "train.jsonl")) == snapshot.train_pairs
    assert len(read_prompts(folder / "prompts.jsonl")) == 6
    assert snapshot.manifest["guideline_versions"] == {"1": 12}
    assert snapshot.manifest["human_ceiling"]["value"] == 1.0


def test_examples_are_what_people_chose_split_like_the_pairs(project: Project, judge: Judge, artifacts: Path) -> None:
    for number in range(8):
        judge(f"q{number}", good=2, bad=1)
    judge("tied", good=1, bad=1)
    snapshot = create_snapshot(project=project, eval_share=0.5)
    counts = snapshot.manifest["counts"]
    assert counts["train_examples"] + counts["eval_examples"] == 8
    assert snapshot.manifest["examples"] == {"origins": {"chosen": 8}, "dropped": {"no_best_response": 1}}
    for side in ("train", "eval"):
        examples = read_examples(artifacts / snapshot.path / f"sft_{side}.jsonl")
        pairs = records(snapshot, artifacts, f"{side}.jsonl")
        assert {each.prompt_id for each in examples} == {pair["prompt_id"] for pair in pairs}
        assert {each.response for each in examples} == {pair["chosen"] for pair in pairs}
        assert all(len(each.judgments) == 3 for each in examples)


def test_what_a_named_source_wrote_is_a_demonstration(project: Project, judge: Judge, artifacts: Path) -> None:
    judge("q1"), judge("q2")
    asked = Prompt.objects.create(project=project, external_id="alone", messages=[{"role": "user", "content": "Why?"}])
    Response.objects.create(prompt=asked, key="h", text="Because people say so.", source="ada")
    Response.objects.create(prompt=asked, key="m", text="Beep.", source="x")
    snapshot = create_snapshot(project=project, filters={"demonstration_sources": ["ada"]})
    assert snapshot.manifest["examples"]["origins"] == {"chosen": 2, "demonstration": 1}
    examples = [
        each for side in ("train", "eval") for each in read_examples(artifacts / snapshot.path / f"sft_{side}.jsonl")
    ]
    assert [each.response for each in examples if each.origin == "demonstration"] == ["Because people say so."]
    assert create_snapshot(project=project).sha256 != snapshot.sha256


def test_demonstrations_alone_make_a_snapshot_of_scores(project: Project, artifacts: Path) -> None:
    Project.objects.filter(pk=project.pk).update(kind="scalar")
    project.refresh_from_db()
    for name in ("one", "two"):
        asked = Prompt.objects.create(project=project, external_id=name, messages=[{"role": "user", "content": name}])
        Response.objects.create(prompt=asked, key="h", text=f"On {name}.", source="ada")
    with pytest.raises(ApplicationError, match="named as a person's"):
        create_snapshot(project=project)
    snapshot = create_snapshot(project=project, filters={"demonstration_sources": ["ada"]})
    assert (snapshot.train_pairs, snapshot.judgments, snapshot.newest_judgment_id) == (0, 0, 0)
    assert (snapshot.manifest["counts"]["train_examples"], snapshot.manifest["counts"]["eval_examples"]) == (1, 1)


def test_a_known_answer_is_an_example_where_gold_is_wanted(project: Project, judge: Judge, artifacts: Path) -> None:
    judge("q1"), judge("q2")
    Task.objects.filter(prompt__external_id="q1").update(gold={"tiers": [["bad"], ["good"]]}, purpose="gold")
    without = create_snapshot(project=project, eval_share=0)
    assert without.manifest["examples"]["origins"] == {"chosen": 1}
    snapshot = create_snapshot(project=project, eval_share=0, filters={"exclude_gold": False})
    assert [(each["response"], each["origin"]) for each in records(snapshot, artifacts, "sft_train.jsonl")] == [
        ("No.", "adjudicated"),
        ("A kind answer to q2.", "chosen"),
    ]


def test_the_command_takes_sources_and_gold_and_tells_what_came_of_it(project: Project, judge: Judge) -> None:
    judge("q1"), judge("q2")
    out = StringIO()
    call_command("snapshot", "p", "--eval-share", "0.5", "--demonstrations", "y", "--with-gold", stdout=out)
    assert "2 responses to imitate, 2 held out" in out.getvalue()
    assert Snapshot.objects.get().filters == {
        "exclude_gold": False,
        "exclude_simulated": False,
        "since": None,
        "demonstration_sources": ["y"],
    }


def test_a_source_that_wrote_nothing_is_refused_with_those_that_did(
    project: Project, judge: Judge, api: APIClient, artifacts: Path
) -> None:
    judge("q1"), judge("q2")
    fault = "filters.demonstration_sources: no response is by 'nosuch' (sources here: x, y)"
    with pytest.raises(CommandError, match=re.escape(fault)):
        call_command("snapshot", "p", "--demonstrations", "y", "--demonstrations", "nosuch")
    body = {"filters": {"demonstration_sources": ["nosuch"]}}
    refused = api.post("/api/v1/projects/p/snapshots", body, format="json")
    assert (refused.status_code, refused.json()["extra"]["faults"]) == (400, [fault])
    assert not Snapshot.objects.exists()
    # What another project's people wrote is nothing here.
    other = Project.objects.create(slug="other", name="O", kind="ranking")
    prompt = Prompt.objects.create(project=other, external_id="o", messages=[{"role": "user", "content": "?"}])
    Response.objects.create(prompt=prompt, key="a", text="Theirs.", source="nosuch")
    with pytest.raises(ApplicationError, match="no response is by 'nosuch'"):
        create_snapshot(project=project, filters=body["filters"])


def test_prompts_keep_what_verifiers_need(project: Project, judge: Judge, artifacts: Path) -> None:
    judge("q1")
    Prompt.objects.update(metadata={"answer": 42})
    snapshot = create_snapshot(project=project, eval_share=0)
    assert read_prompts(artifacts / snapshot.path / "prompts.jsonl")[0].metadata == {"answer": 42}


def test_no_prompt_text_is_on_both_sides(project: Project, judge: Judge, artifacts: Path) -> None:
    for number in range(12):
        judge(f"q{number}", question=f"Question {number % 3}?")
    snapshot = create_snapshot(project=project, eval_share=0.5)
    sides = [
        {r["prompt"][0]["content"] for r in records(snapshot, artifacts, f"{side}.jsonl")} for side in ("train", "eval")
    ]
    assert sides[0] and sides[1] and not sides[0] & sides[1]


def test_few_prompts_still_leave_one_to_measure_on(project: Project, judge: Judge) -> None:
    judge("q1"), judge("q2")
    snapshot = create_snapshot(project=project, eval_share=0.01)
    assert (snapshot.train_pairs, snapshot.eval_pairs) == (1, 1)


def test_an_empty_project_is_refused_in_plain_words(project: Project) -> None:
    with pytest.raises(ApplicationError, match="nothing to freeze"):
        create_snapshot(project=project)
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"view": "best"}, "view"),
        ({"eval_share": 0.9}, "eval_share"),
        ({"filters": {"gold": 1}}, "filters.gold"),
        ({"filters": {"demonstration_sources": "ada"}}, "filters.demonstration_sources"),
    ],
)
def test_a_wrong_setting_is_named(project: Project, judge: Judge, wish: dict[str, Any], named: str) -> None:
    judge("q1")
    with pytest.raises(ApplicationError, match=named):
        create_snapshot(project=project, **wish)


def test_outsiders_make_no_snapshot(project: Project, judge: Judge) -> None:
    judge("q1")
    with pytest.raises(NotFound):
        create_snapshot(project=project, created_by=User.objects.create(username="oscar"))
