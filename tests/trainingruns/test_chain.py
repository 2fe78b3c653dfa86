"""The whole chain on a tiny model: judgments -> snapshot -> reward model -> policy -> new blind tasks -> lineage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from annotation.models import Judgment, Project, Response, Task
from tests.tiny_model import make_tiny_model
from trainingruns.lifecycle import RunState
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.lineage import LineageNode, lineage
from trainingruns.services.registry import crown, register_base_version
from trainingruns.services.runs import start_run
from trainingruns.services.snapshots import create_snapshot
from trainingruns.supervisor import supervise_run

REWARD = {"training": {"pairs_per_step": 4}, "data": {"max_length_tokens": 64}, "compute": {"threads": 1}}
GRPO = {
    "rollout": {"prompts_per_step": 1, "group_size": 2, "max_new_tokens": 4},
    "stop": {"steps": 2},
    "evaluation": {"prompts": 2, "samples_per_prompt": 1, "shown_prompts": 1},
    "model": {"threads": 1},
}


@pytest.fixture
def tiny(artifacts: Path, db: None) -> ModelVersion:
    make_tiny_model(artifacts / "tiny")
    return register_base_version(name="tiny", folder="tiny")


def work_off(project: Project) -> None:
    while (run := Run.objects.filter(project=project, state="queued").order_by("id").first()) is not None:
        state = supervise_run(run_id=run.pk)
        run.refresh_from_db()
        assert state == RunState.SUCCEEDED, f"{run} ({run.kind}): {run.reason}\n{run.log_tail}"


@pytest.mark.slow
def test_judgments_become_a_policy_whose_responses_people_judge(
    project: Project, tiny: ModelVersion, judge: Callable[..., None]
) -> None:
    for number in range(8):
        judge(f"q{number}")
    snapshot = create_snapshot(project=project, eval_share=0.3)
    start_run(project=project, kind="reward", snapshot=snapshot, config=REWARD)
    work_off(project)
    reward = ModelVersion.objects.get(project=project, kind="reward")
    assert reward.metrics["accuracy"]["n"] == snapshot.eval_pairs
    assert "held-out pairs" in reward.metrics["gate"]

    crown(version=reward)
    run = start_run(
        project=project,
        kind="grpo",
        snapshot=snapshot,
        config=GRPO,
        purpose={"then": "serve_blind_tasks", "responses": 8, "sampling": {"max_new_tokens": 4}},
    )
    work_off(project)
    policy = ModelVersion.objects.get(project=project, kind="policy")
    run.refresh_from_db()
    assert run.metrics.count() == 2 and run.samples.exists()
    assert policy.stage == "candidate" and policy.parent == tiny

    tasks = Task.objects.filter(project=project, origin__startswith="run:")
    assert tasks.count() >= 4
    sources = set(Response.objects.filter(task_responses__task__in=tasks).values_list("source", flat=True))
    assert sources == {"p-policy/1", "tiny/1"}

    found = leaves(lineage(version=policy))
    assert {node.role for node in found} >= {"snapshot", "reward model", "run"}
    facts = next(node.facts for node in found if node.role == "snapshot")
    assert set(facts["judgment_ids"]) == set(Judgment.objects.values_list("pk", flat=True))
    assert facts["sha256"] == snapshot.sha256 and facts["guideline_versions"] == [1]


def leaves(node: LineageNode) -> list[LineageNode]:
    return [node, *(each for child in node.made_from for each in leaves(child))]
