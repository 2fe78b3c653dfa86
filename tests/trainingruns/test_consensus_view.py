"""The view `consensus` of exports and snapshots: a crowd with its people read together."""

import json
from typing import Any

import pytest

from annotation.consensus.crowd import fit_crowd
from annotation.consensus.predictions import predict_pairs
from annotation.consensus.tables import compare_texts
from annotation.models import Project
from annotation.selectors.choices import load_choices
from annotation.selectors.leanings import load_leanings
from annotation.services.exporting import export_project
from rewardmodel.config import LossConfig
from rewardmodel.data import make_objective
from rewardmodel.records import parse_preference
from tests.annotation.services.test_reports import judge
from tests.factories import make_project, make_task, make_user, ranking
from trainingruns.artifacts import artifact_path
from trainingruns.services.snapshots import create_snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts")]


@pytest.fixture
def torn() -> Project:
    """Two careful people, and three who turn everything around where the careful ones can be checked against others.

    On the last task only one careful person and two of the others spoke: the majority is against the consensus.
    """
    project = make_project()
    careful, turners, others = ([make_user() for _ in range(count)] for count in (2, 2, 4))
    for _ in range(12):
        task = make_task(project)
        for user in (*careful, *others):
            judge(task, user, ranking("a", "b"))
        for user in turners:
            judge(task, user, ranking("b", "a"))
    last = make_task(project, external_id="last")
    judge(last, careful[0], ranking("a", "b"))
    for user in turners:
        judge(last, user, ranking("b", "a"))
    return project


def exported(project: Project, view: str) -> list[dict[str, Any]]:
    lines = export_project(project=project, actor=None, format_name="trl", view=view)
    return [json.loads(line) for line in lines]


def test_the_consensus_can_stand_against_the_majority(torn: Project) -> None:
    majority, consensus = exported(torn, "majority"), exported(torn, "consensus")
    assert majority[-1]["chosen"][0]["content"] == "Answer b."
    assert consensus[-1]["group_id"] == "last" and consensus[-1]["chosen"][0]["content"] == "Answer a."
    assert len(consensus[-1]["judgment_ids"]) == 3
    assert all(row["margin"] > 0 and 0.5 < row["preference"] < 1 for row in consensus)


def test_the_exported_numbers_are_those_of_the_model(torn: Project) -> None:
    fit = fit_crowd(compare_texts(load_choices(project=torn))[0])
    first, even, _ = predict_pairs(fit)
    rows = {round(row["preference"], 6) for row in exported(torn, "consensus")}
    assert rows == {round(max(p, 1 - p), 6) for p in (first + even / 2).tolist()}


def test_a_snapshot_states_the_preference_and_its_trainer_learns_it(torn: Project) -> None:
    snapshot = create_snapshot(project=torn, view="consensus", eval_share=0.2)
    assert create_snapshot(project=torn, view="consensus", eval_share=0.2) == snapshot
    lines = [
        line
        for name in ("train.jsonl", "eval.jsonl")
        for line in (artifact_path(snapshot.path) / name).read_text().splitlines()
    ]
    records = [parse_preference(json.loads(line)) for line in lines]
    assert len(records) == 13 and {record.chosen for record in records} == {"Answer a."}
    against = [record for record in records if record.votes.rejected > record.votes.chosen]
    assert len(against) == 1 and against[0].preference is not None
    assert make_objective(against[0], LossConfig()).target == against[0].preference


def test_filters_reach_the_model(torn: Project) -> None:
    everything = load_leanings(project=torn, prompts_by="external_id")
    nothing = load_leanings(project=torn, prompts_by="external_id", exclude_simulated=True, exclude_gold=True)
    assert everything.of("last", "a", "b") == nothing.of("last", "a", "b")
    one, other = everything.of("last", "a", "b"), everything.of("last", "b", "a")
    assert one is not None and other is not None
    assert one.preference + other.preference == pytest.approx(1) and one.log_odds == -other.log_odds


def test_what_was_ranked_elsewhere_speaks_for_equal_texts_that_nobody_ranked() -> None:
    project = make_project()
    ranked, other = (make_task(project, text="What is it?") for _ in range(2))
    for _ in range(5):
        judge(ranked, make_user(), ranking("a", "b"))
    pairs = exported(project, "consensus")
    assert {each["group_id"] for each in pairs} == {ranked.external_id, other.external_id}


def test_nobody_compared_them_so_nothing_is_exported() -> None:
    project = make_project()
    make_task(project)
    assert exported(project, "consensus") == []
