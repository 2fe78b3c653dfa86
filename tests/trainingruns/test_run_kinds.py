"""Every kind of policy run: what it starts from, what it may be told, and what its directory holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotation.exceptions import ApplicationError
from annotation.models import Project
from rltrainer.config import parse_config
from tests.factories import make_member
from tests.tiny_model import make_tiny_model
from trainingruns.configuration import complete_config
from trainingruns.lifecycle import RunState
from trainingruns.models import ONLINE_KINDS, POLICY_KINDS, ModelVersion, Run, Snapshot
from trainingruns.outcome_figures import accuracy_shares
from trainingruns.run_directory import prepare_run_directory
from trainingruns.run_files import read_json
from trainingruns.selectors.curves import CURVES
from trainingruns.selectors.lineage import lineage
from trainingruns.services.loops import set_loop
from trainingruns.services.registry import crown, register_base_version, register_version
from trainingruns.services.runs import start_run
from trainingruns.services.snapshots import create_snapshot
from trainingruns.supervisor import supervise_run

FILES = {"sft": {"sft_train.jsonl", "sft_eval.jsonl"}, "dpo": {"train.jsonl", "eval.jsonl"}}


@pytest.fixture
def snapshot(project: Project, judge: Callable[..., None], artifacts: Path) -> Snapshot:
    for number in range(8):
        judge(f"q{number}")
    return create_snapshot(project=project, eval_share=0.4)


def test_without_any_model_a_run_is_refused_with_the_commands_that_bring_one(
    project: Project, snapshot: Snapshot
) -> None:
    with pytest.raises(ApplicationError, match=r"manage\.py run fetch --project p`.*register_model") as refused:
        start_run(project=project, kind="sft", snapshot=snapshot)
    assert refused.value.code == "no_base_version"


@pytest.fixture
def reward(project: Project, base_model: ModelVersion) -> ModelVersion:
    return register_version(kind="reward", name="p-reward", artifact="base", sha256="", project=project)


@pytest.mark.parametrize("kind", [kind.value for kind in POLICY_KINDS])
def test_a_run_of_each_kind_has_what_its_trainer_reads(
    project: Project, snapshot: Snapshot, reward: ModelVersion, kind: str
) -> None:
    run = start_run(project=project, kind=kind, snapshot=snapshot)
    assert run.reward_version == (reward if kind in ONLINE_KINDS else None)
    directory = prepare_run_directory(run)
    config = parse_config(read_json(directory / "config.json"))
    assert config.kind == kind
    assert {path.name for path in (directory / "data").iterdir()} == FILES.get(kind, {"prompts.jsonl"})
    assert kind in CURVES


def test_what_a_kind_cannot_be_told_is_refused_before_it_starts(
    project: Project, snapshot: Snapshot, reward: ModelVersion
) -> None:
    wrong = {
        "sft": ("optimizer.passes=2", "optimizer.passes: has no effect with kind 'sft'"),
        "dpo": ("loss.beta=0", "loss.beta: must be above 0"),
        "ppo": ("dynamic_sampling.enabled=true", "dynamic_sampling.enabled: kind 'ppo'"),
        "dapo": ("critic.passes=2", "critic: kind 'dapo' has no critic"),
        "grpo": ("critic.path=/etc", "critic.path: is filled in by the site"),
        "rloo": ("reward.function=os:system", "reward.function: names code to run"),
    }
    for kind, (override, fault) in wrong.items():
        with pytest.raises(ApplicationError) as caught:
            start_run(project=project, kind=kind, snapshot=snapshot, overrides=[override])
        assert any(found.startswith(fault) for found in caught.value.extra["faults"]), caught.value.extra
    assert not Run.objects.exists()


def test_an_sft_run_needs_examples_on_both_sides(
    project: Project, snapshot: Snapshot, base_model: ModelVersion
) -> None:
    lone = create_snapshot(project=project, eval_share=0)
    with pytest.raises(ApplicationError, match="8 responses to imitate and 0 held out"):
        start_run(project=project, kind="sft", snapshot=lone)
    with pytest.raises(ApplicationError, match="8 pairs to train on and 0 held out; a dpo run needs both"):
        start_run(project=project, kind="dpo", snapshot=lone)
    old = dict(snapshot.manifest, files={"train.jsonl": {"records": 3}})
    Snapshot.objects.filter(pk=snapshot.pk).update(manifest=old)
    snapshot.refresh_from_db()
    with pytest.raises(ApplicationError, match="make a new snapshot"):
        start_run(project=project, kind="sft", snapshot=snapshot)


def test_a_standing_order_takes_every_online_kind_and_its_own_settings(project: Project) -> None:
    manager = make_member(project, role="manager")
    for kind in ONLINE_KINDS:
        assert set_loop(project=project, actor=manager, policy_kind=kind.value).policy_kind == kind
    set_loop(project=project, actor=manager, policy_kind="ppo", policy_config={"critic": {"passes": 2}})
    with pytest.raises(ApplicationError, match="kind 'grpo' has no critic"):
        set_loop(project=project, actor=manager, policy_kind="grpo")
    with pytest.raises(ApplicationError, match="policy_kind: expected one of ppo, grpo, rloo, dapo"):
        set_loop(project=project, actor=manager, policy_kind="sft")


@pytest.mark.slow
def test_demonstrations_then_preferences_make_two_policies(
    project: Project, snapshot: Snapshot, artifacts: Path, db: Any
) -> None:
    make_tiny_model(artifacts / "tiny")
    base = register_base_version(name="tiny", folder="tiny")
    settings = {
        "training": {"max_steps": 2, "records_per_step": 4},
        "optimizer": {"warmup_steps": 0},
        "evaluation": {"shown_prompts": 1, "max_new_tokens": 4},
        "model": {"threads": 1},
    }
    for number, kind in enumerate(("sft", "dpo"), start=1):
        run = start_run(project=project, kind=kind, snapshot=snapshot, base_version=base, config=settings)
        assert supervise_run(run_id=run.pk) == RunState.SUCCEEDED, Run.objects.get(pk=run.pk).log_tail
        run.refresh_from_db()
        base = ModelVersion.objects.get(run=run)
        assert (base.kind, base.number, base.name) == ("policy", number, "p-policy")
        assert run.metrics.count() == 2 and run.samples.count() == 2
    assert base.metrics["accuracy"]["n"] == snapshot.eval_pairs
    assert accuracy_shares(run.result, kind=run.kind)[0][0] == "This policy"
    tree = lineage(version=base).as_dict()
    assert [each["role"] for each in tree["made_from"][0]["made_from"]] == ["started from", "snapshot"]


def test_a_policy_from_another_start_is_compared_with_the_champion_of_that_moment(
    project: Project, snapshot: Snapshot, base_model: ModelVersion, artifacts: Path
) -> None:
    champion = register_version(
        kind="policy", name="p-policy", artifact="runs/0/model", sha256="", project=project, parent=base_model
    )
    crown(version=champion)
    rewards = ["reward.brevity_weight=1"]
    other = start_run(project=project, kind="dapo", snapshot=snapshot, base_version=base_model, overrides=rewards)
    same = start_run(project=project, kind="dapo", snapshot=snapshot, overrides=rewards)
    assert complete_config(other)["evaluation"]["champion"] == str(artifacts / "runs/0/model")
    assert same.base_version == champion and complete_config(same)["evaluation"]["champion"] is None
