"""Snapshots: votes, split, hashes, provenance."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Judgment, Project, User
from rewardmodel.records import read_preferences, read_prompts
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
    [({"view": "best"}, "view"), ({"eval_share": 0.9}, "eval_share"), ({"filters": {"gold": 1}}, "filters.gold")],
)
def test_a_wrong_setting_is_named(project: Project, judge: Judge, wish: dict[str, Any], named: str) -> None:
    judge("q1")
    with pytest.raises(ApplicationError, match=named):
        create_snapshot(project=project, **wish)


def test_outsiders_make_no_snapshot(project: Project, judge: Judge) -> None:
    judge("q1")
    with pytest.raises(NotFound):
        create_snapshot(project=project, created_by=User.objects.create(username="oscar"))
