"""What a run does when a brake speaks: the real command on a tiny model."""

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

ALWAYS_CUT = {"window": 2, "truncation_limit": 0.1}
"""The tiny model hardly ever ends an answer: this limit is passed as soon as there is a whole window."""
SENTENCE = "% of completions are cut off at the longest allowed, more than 10%"


def _config(base, **brakes):
    return grpo_config(base, brakes={**ALWAYS_CUT, **brakes}, stop={"steps": 4}, checkpoint={"every_steps": 1000})


@pytest.fixture(scope="module")
def warned(base, tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("warned") / "run", _config(base, truncation="warn"))
    assert run("train", folder) == (0, "")
    return folder


def test_a_warning_is_told_once_and_the_run_goes_on(warned):
    status, result = read_json(warned / "status.json"), read_json(warned / "result.json")
    (warning,) = status["warnings"]
    assert (warning["step"], warning["brake"], warning["action"]) == (2, "truncation", "warn")
    assert SENTENCE in warning["sentence"]
    assert result["warnings"] == status["warnings"]
    assert (result["steps"], result["stopped_by"]) == (4, "")


def test_a_pause_ends_the_run_with_a_checkpoint_and_it_goes_on_to_the_same_weights(warned, base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, truncation="pause"))
    code, reason = run("train", folder)
    assert code == 130
    assert reason.startswith("paused after step 2: ")
    assert SENTENCE in reason
    status = read_json(folder / "status.json")
    assert (status["state"], status["checkpoint_step"]) == ("cancelled", 2)
    assert not (folder / "result.json").exists()
    # What the policy answers by then is there to be read before somebody lets it go on.
    shown = {(row["source"], row["step"]): row["prompt_id"] for row in read_rows(folder / "samples.jsonl")}
    assert shown["policy", 2] == shown["reference", 0]
    # Started again, it is not paused by the very same thing, and still tells of it.
    assert run("train", folder) == (0, "")
    assert read_json(folder / "status.json")["warnings"][0]["action"] == "pause"
    mine, theirs = (load_file(one / "model" / "model.safetensors") for one in (folder, warned))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_limits_may_be_changed_while_a_run_is_paused(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, truncation="pause", truncation_limit=0.1))
    assert run("train", folder)[0] == 130
    config = read_json(folder / "config.json")
    config["brakes"] = {"window": 1, "truncation": "off", "kl": "stop", "kl_limit": 1e-9}
    (folder / "config.json").write_text(json.dumps(config))
    assert run("train", folder)[0] == 0
    assert "nats a completion" in read_json(folder / "result.json")["stopped_by"]


def test_a_stop_ends_the_run_with_its_result(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, truncation="stop"))
    assert run("train", folder) == (0, "")
    result = read_json(folder / "result.json")
    assert result["steps"] == 2
    assert SENTENCE in result["stopped_by"]
    assert (folder / "model" / "config.json").exists()


def test_a_stop_outlives_a_kill_before_the_result(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, truncation="stop"))
    assert run("train", folder)[0] == 0
    result = read_json(folder / "result.json")
    (folder / "result.json").unlink()
    assert run("train", folder)[0] == 0
    assert read_json(folder / "result.json") == result


def test_people_can_stop_a_run_that_pleases_its_reward_alone(base, tmp_path):
    config = grpo_config(
        base,
        # Answers become short, and are paid for it.
        rollout={"prompts_per_step": 6, "group_size": 8, "batch_rows": 48},
        optimizer={"learning_rate": 2e-2},
        kl={"coefficient": 0.0},
        brakes={"window": 1, "people": "pause"},
        checkpoint={"every_steps": 1000},
        stop={"steps": 12},
    )
    folder = make_run(tmp_path / "run", config)
    feedback = folder / "human_feedback.jsonl"
    feedback.write_text('{"step": 0, "win_rate": 0.8, "judgments": 200}\n')
    (folder / "config.json").write_text(json.dumps({**config, "stop": {"steps": 8}}))
    assert run("train", folder)[0] == 0
    (folder / "result.json").unlink()
    feedback.write_text(feedback.read_text() + '{"step": 8, "win_rate": 0.5, "judgments": 200}\n')
    (folder / "config.json").write_text(json.dumps(config))
    code, reason = run("train", folder)
    assert code == 130, reason
    assert "people prefer the policy in 50% of 200 comparisons, down from 80%, while its reward rose" in reason
    told = [row["values"].get("human_win_rate") for row in read_rows(folder / "metrics.jsonl")]
    assert [rate for rate in told if rate is not None] == [0.8, 0.5]


def test_a_run_that_finds_nothing_to_learn_from_ends_when_it_is_told_to(base, tmp_path):
    config = {
        **grpo_config(
            base,
            reward={"brevity_weight": 0.0, "pattern_weight": 1.0, "pattern": "no model says this"},
            dynamic_sampling={"max_batches": 2, "on_cap": "stop"},
            rollout={"prompts_per_step": 2, "group_size": 2},
        ),
        "kind": "dapo",
    }
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    result = read_json(folder / "result.json")
    assert result["steps"] == 1
    assert result["stopped_by"].startswith("after 2 batches of prompts only 0 of 2 groups have something to teach")
    assert result["stopped_by"].endswith("100% all fail and 0% all pass; the prompts are too hard")
    assert result["warnings"][0]["brake"] == "dynamic_sampling"
    (row,) = read_rows(folder / "metrics.jsonl")
    assert (row["values"]["keep_rate"], row["values"]["zero_std_fraction"]) == (0.0, 1.0)
    reports = read_rows(folder / "prompts_report.jsonl")
    assert all(report["all_low"] == report["groups"] for report in reports)
    assert result["prompts"]["asked"] == len(reports)


def test_steps_without_anything_to_learn_from_do_not_end_a_run(base, tmp_path):
    config = {
        **grpo_config(
            base,
            reward={"brevity_weight": 0.0, "pattern_weight": 1.0, "pattern": "no model says this"},
            dynamic_sampling={"max_batches": 2},
            rollout={"prompts_per_step": 2, "group_size": 2},
            stop={"steps": 3},
        ),
        "kind": "dapo",
    }
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    assert read_json(folder / "result.json")["steps"] == 3
    mine, theirs = (load_file(one / "model.safetensors") for one in (folder / "model", base))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
