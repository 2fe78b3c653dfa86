"""The job that verl is given, against verl's own published configuration."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rltrainer.__main__ import main
from rltrainer.config import parse_config
from rltrainer.verl.limits import list_faults
from rltrainer.verl.machines import Machines
from rltrainer.verl.settings import describe_job
from tests.rltrainer.run_folder import grpo_config, make_run

VERL = Path(sys.prefix) / "oracles" / "verl"
READ_BY_THE_REWARD_MANAGER = "reward.reward_kwargs"
"""Not in verl's file of defaults; its manager `dapo` asks for it by name."""


def job_config(base, kind="grpo", **sections):
    """A run that verl can take over."""
    settings = {
        "model": {"device": "auto", "precision": "auto"},
        "kl": {"gradient": "k2_st"} if kind in ("grpo", "rloo", "dapo") else {},
        "reward": {"brevity_weight": 0.0, "number_weight": 1.0},
        # With 4 completions each, in up to 3 minibatches, 8 GPUs have equal shares.
        "rollout": {"prompts_per_step": 6},
        "checkpoint": {"keep_when_done": False},
    }
    for name, section in sections.items():
        settings[name] = {**settings.get(name, {}), **section}
    if kind == "ppo":
        settings["optimizer"] = {"minibatches": 3, "target_kl": None, **sections.get("optimizer", {})}
        settings["reward"] = {"unfinished_penalty": 0.0, **settings["reward"]}
        settings["critic"] = {"warmup_steps": 2, **sections.get("critic", {})}
    if kind == "rloo":
        settings["kl"] = {**sections.get("kl", {})}
    config = grpo_config(base, **settings)
    return {**config, "kind": kind}


def _parse(base, kind="grpo", **sections):
    return parse_config(job_config(base, kind, **sections))


def _job(config, machines=None):
    return describe_job(
        config,
        machines or Machines(),
        job="/runs/7/verl",
        model="/models/policy",
        critic="/models/rm",
        train_prompts=90,
    )


def _leaves(sections, path=()):
    for name, value in sections.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield ".".join((*path, name)), value


@pytest.fixture(scope="module")
def schema():
    return yaml.safe_load((VERL / "trainer" / "config" / "_generated_ppo_trainer.yaml").read_text())


VARIANTS = {
    "grpo": ("grpo", {}),
    "rloo": ("rloo", {}),
    "ppo": ("ppo", {}),
    "dapo": ("dapo", {"reward": {"overlong_factor": 1.0, "overlong_tokens": 4}}),
    "cispo": ("grpo", {"loss": {"surrogate": "cispo", "clip_low": 1.0}}),
    "gspo": ("grpo", {"loss": {"ratio": "sequence_token", "aggregation": "grpo"}}),
    "adapters": ("grpo", {"model": {"adapter_rank": 8}, "loss": {"aggregation": "dr_grpo"}}),
}


@pytest.mark.parametrize(("kind", "sections"), VARIANTS.values(), ids=VARIANTS)
def test_every_key_is_one_of_verls(base, schema, kind, sections):
    config = _parse(base, kind, **sections)
    assert list_faults(config) == []
    known = dict(_leaves(schema))
    for key, _ in _leaves(_job(config)):
        place = key
        # A key below one that verl leaves empty is the user's to fill.
        while place not in known and "." in place:
            place = place.rpartition(".")[0]
        assert place in known or key.startswith(READ_BY_THE_REWARD_MANAGER), key
    manager = (VERL / "experimental" / "reward_loop" / "reward_manager" / "dapo.py").read_text()
    for name in ("reward_kwargs", "overlong_buffer_cfg", "max_resp_len", "penalty_factor"):
        assert name in manager


def _fields(path, class_name):
    """The annotated fields of a class in one of verl's files, its own bases in that file included."""
    classes = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}
    found, waiting = set(), [class_name]
    while waiting:
        node = classes.get(waiting.pop())
        if node is not None:
            found |= {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
            waiting += [base.id for base in node.bases if isinstance(base, ast.Name)]
    return found


@pytest.mark.parametrize(
    ("file", "name", "place"),
    [
        ("workers/config/actor.py", "FSDPActorConfig", "actor_rollout_ref.actor"),
        ("workers/config/actor.py", "PolicyLossConfig", "actor_rollout_ref.actor.policy_loss"),
        ("workers/config/optimizer.py", "FSDPOptimizerConfig", "actor_rollout_ref.actor.optim"),
        ("workers/config/rollout.py", "RolloutConfig", "actor_rollout_ref.rollout"),
        ("workers/config/rollout.py", "SamplingConfig", "actor_rollout_ref.rollout.val_kwargs"),
        ("workers/config/model.py", "HFModelConfig", "actor_rollout_ref.model"),
        ("workers/config/critic.py", "FSDPCriticConfig", "critic"),
        ("trainer/config/algorithm.py", "AlgoConfig", "algorithm"),
        ("trainer/config/algorithm.py", "KLControlConfig", "algorithm.kl_ctrl"),
        ("trainer/config/algorithm.py", "FilterGroupsConfig", "algorithm.filter_groups"),
    ],
)
def test_every_key_is_a_field_of_verls_config_class(base, file, name, place):
    section = _job(_parse(base, "ppo"))
    for part in place.split("."):
        section = section[part]
    assert section.keys() <= _fields(VERL / file, name) | {"policy_loss"}


def test_the_words_are_among_those_that_verl_knows(base):
    source = (VERL / "trainer" / "ppo" / "core_algos.py").read_text()
    for kind, sections in VARIANTS.values():
        job = _job(_parse(base, kind, **sections))
        actor = job["actor_rollout_ref"]["actor"]
        assert f'register_policy_loss("{actor["policy_loss"]["loss_mode"]}")' in source
        assert f'"{actor["loss_agg_mode"]}"' in source
        assert f'"{actor["kl_loss_type"].removesuffix("+")}"' in source
        assert f'= "{job["algorithm"]["adv_estimator"]}"' in source


def test_dapo_arrives_whole(base):
    config = _parse(
        base,
        "dapo",
        reward={"overlong_factor": 1.0, "overlong_tokens": 4},
        optimizer={"minibatches": 3},
        rollout={"prompts_per_step": 3},
    )
    job = _job(config, Machines(2, 8, 4))
    actor = job["actor_rollout_ref"]["actor"]
    assert (actor["clip_ratio_low"], actor["clip_ratio_high"], actor["clip_ratio_c"]) == (0.2, 0.28, 1e6)
    assert (actor["loss_agg_mode"], actor["use_kl_loss"]) == ("token-mean", False)
    assert (job["data"]["train_batch_size"], actor["ppo_mini_batch_size"]) == (3, 1)
    assert job["algorithm"]["filter_groups"] == {"enable": True, "metric": "task_reward"}
    assert job["reward"]["reward_kwargs"]["overlong_buffer_cfg"]["len"] == 4
    assert (job["trainer"]["nnodes"], job["actor_rollout_ref"]["rollout"]["tensor_model_parallel_size"]) == (2, 4)
    assert job["trainer"]["total_epochs"] * (90 // 3) >= job["trainer"]["total_training_steps"] == 6


@pytest.mark.parametrize(
    ("kind", "sections", "fault"),
    [
        ("grpo", {"kl": {"gradient": "ratio"}}, "kl.gradient: "),
        ("grpo", {"reward": {"brevity_weight": 1.0}}, "reward.brevity_weight: "),
        ("grpo", {"advantage": {"scale": "batch"}}, "advantage.scale: "),
        ("grpo", {"loss": {"ratio": "sequence"}}, "loss.ratio: "),
        ("grpo", {"loss": {"mask_truncated": True}}, "loss.mask_truncated: "),
        ("grpo", {"loss": {"surrogate": "cispo"}}, "loss.clip_low: "),
        ("grpo", {"loss": {"ratio_limit": 4.0}}, "loss.ratio_limit: "),
        ("grpo", {"model": {"device": "cpu"}}, "model.device: "),
        ("grpo", {"optimizer": {"schedule": "linear"}}, "optimizer.schedule: "),
        ("grpo", {"optimizer": {"target_kl": 0.1, "passes": 2}}, "optimizer.target_kl: "),
        ("grpo", {"optimizer": {"minibatches": 2}, "rollout": {"prompts_per_step": 3}}, "optimizer.minibatches: "),
        ("grpo", {"brakes": {"kl": "stop"}}, "brakes.kl: "),
        ("dapo", {"brakes": {"length": "pause"}}, "brakes.length: "),
        ("grpo", {"evaluation": {"people_every_steps": 5}}, "evaluation.people_every_steps: "),
        ("grpo", {"evaluation": {"champion": "/models/in-use"}}, "evaluation.champion: "),
        ("grpo", {"model": {"precision": "float32"}}, "model.precision: "),
        (
            "grpo",
            {"rollout": {"engine": "vllm", "vllm_url": "http://127.0.0.1:8000", "vllm_folder": "/models/served"}},
            "rollout.engine: ",
        ),
        (
            "dapo",
            {"dynamic_sampling": {"rule": "noise"}, "reward": {"model": "rm", "ensemble": ["rm2"]}},
            "dynamic_sampling.rule: ",
        ),
        (
            "dapo",
            {"reward": {"model": "rm", "ensemble": ["rm2"]}},
            "dynamic_sampling.rule: 'auto' means 'noise' with reward.ensemble, ",
        ),
        ("dapo", {"dynamic_sampling": {"stale_steps": 1}}, "dynamic_sampling.stale_steps: "),
        ("ppo", {"optimizer": {"target_kl": 0.1}}, "optimizer.target_kl: "),
        ("ppo", {"reward": {"unfinished_penalty": 1.0}}, "reward.unfinished_penalty: "),
        ("ppo", {"gae": {"whiten": False}}, "gae.whiten: "),
        ("ppo", {"critic": {"kind": "shared"}}, "critic.kind: "),
    ],
)
def test_what_verl_cannot_do_is_refused_by_name(base, kind, sections, fault):
    found = list_faults(_parse(base, kind, **sections))
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_a_single_reward_model_leaves_dapo_as_verl_has_it(base):
    assert list_faults(_parse(base, "dapo", reward={"model": "rm"})) == []


@pytest.fixture(scope="module")
def job(base, tmp_path_factory):
    """A written job with its run directory."""
    folder = make_run(tmp_path_factory.mktemp("verl") / "run", job_config(base, optimizer={"learning_rate": 1e-6}))
    assert main(["export-verl", str(folder), "--nodes", "2", "--gpus-per-node", "4"]) == 0
    return folder / "verl"


def test_the_written_config_reads_as_it_was_meant(job, base, schema):
    written = yaml.safe_load((job / "job.yaml").read_text())
    assert written.pop("defaults") == ["ppo_trainer", "_self_"]
    assert written.pop("hydra") == {"searchpath": ["pkg://verl.trainer.config"]}
    config = parse_config(json.loads((job.parent / "config.json").read_text()))
    assert written == describe_job(
        config, Machines(2, 4), job=str(job), model=str(base), critic=str(base), train_prompts=10
    )
    assert isinstance(written["actor_rollout_ref"]["actor"]["optim"]["lr"], float)
    assert subprocess.run(["sh", "-n", str(job / "run.sh")], check=False).returncode == 0


def test_the_data_has_verls_columns_and_our_split(job):
    train, held_out = (
        [json.loads(line) for line in (job / "data" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("train", "held_out")
    )
    assert (len(train), len(held_out)) == (10, 2)
    assert {row["extra_info"]["prompt_id"] for row in (*train, *held_out)} == {f"q{number}" for number in range(12)}
    row = train[0]
    assert set(row) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
    assert row["prompt"][0]["role"] == "user"
    assert json.loads(row["reward_model"]["ground_truth"]) == {"answer": int(row["extra_info"]["prompt_id"][1:])}


def test_the_reward_file_gives_our_reward(job):
    specification = importlib.util.spec_from_file_location("job_reward", job / "reward.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    row = json.loads((job / "data" / "train.jsonl").read_text().splitlines()[3])
    answer = json.loads(row["extra_info"]["metadata"])["answer"]
    for text, reward in ((f"it is {answer}", 1.0), ("it is 99999", 0.0), ("", 0.0)):
        found = module.compute_score("concord", text, row["reward_model"]["ground_truth"], row["extra_info"])
        assert found == {"score": reward, "task_reward": reward, "part_number": reward}


def test_a_started_job_is_not_written_over(job, capsys):
    (job / "checkpoints").mkdir()
    try:
        assert main(["export-verl", str(job.parent)]) == 2
        assert "holds checkpoints" in capsys.readouterr().err
    finally:
        (job / "checkpoints").rmdir()


def test_too_few_prompts_for_a_step_are_told(base, tmp_path, capsys):
    folder = make_run(tmp_path / "run", job_config(base, rollout={"prompts_per_step": 40}))
    assert main(["export-verl", str(folder)]) == 3
    assert "10 prompts to learn from; verl needs 40" in capsys.readouterr().err
    assert not (folder / "verl").exists()
