import re

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, run
from tests.tiny_model import make_tiny_model


def _config(policy, reference):
    return {
        "kind": "policy-evaluate",
        "seed": 5,
        "model": {
            "path": str(policy), "reference": str(reference), "precision": "float32", "threads": 1, "device": "cpu",
        },
        "sampling": {"responses_per_prompt": 3, "max_new_tokens": 10},
        "reward": {"brevity_weight": 1.0},
    }  # fmt: skip


def test_a_policy_is_no_better_than_itself(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, base))
    code, output = run("evaluate", folder)
    assert code == 0, output
    result = read_json(folder / "result.json")
    assert result["reward_policy"] == result["reward_reference"]
    assert result["reward_gain"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert result["kl_sequence"] == result["kl_token"] == 0.0
    assert result["win_rate_reference"]["value"] == 0.5
    assert result["win_rate_by"] == "reward"
    assert result["accuracy"] == {}


def test_another_policy_is_some_way_off(base, tmp_path):
    other = make_tiny_model(tmp_path / "other", seed=9)
    folder = make_run(tmp_path / "run", _config(other, base))
    code, output = run("evaluate", folder)
    assert code == 0, output
    result = read_json(folder / "result.json")
    assert result["kl_token"] > 0
    assert result["reward_policy"]["n"] == 36
    rate = result["win_rate_reference"]
    assert (rate["n"], rate["low"] <= rate["value"] <= rate["high"]) == (12 * 3 * 3, True)


def test_checked_answers_are_told_by_number_of_draws(base, tmp_path):
    config = {**_config(base, base), "reward": {"pattern_weight": 1.0, "pattern": "[a-z]"}}
    folder = make_run(tmp_path / "run", config)
    assert run("evaluate", folder) == (0, "")
    found = read_json(folder / "result.json")["accuracy"]["pattern"]
    assert found["policy"] == found["reference"]
    assert list(found["policy"]) == ["1", "2"]
    assert 0 < found["policy"]["1"]["value"] < found["policy"]["2"]["value"] <= 1
    assert found["gain_over_reference"]["value"] == 0


def test_a_run_is_compared_with_the_champion_as_well(base, tmp_path):
    # Loud embeddings make its answers unlike those of the base: another length, another reward.
    champion = load_causal_model(base)
    with torch.no_grad():
        champion.get_input_embeddings().weight.mul_(30)
    champion.save_pretrained(tmp_path / "champion")
    config = grpo_config(base, evaluation={"champion": str(tmp_path / "champion")}, stop={"steps": 1})
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    result = read_json(folder / "result.json")
    assert result["reward_champion"] != result["reward_reference"]
    assert 0 <= result["win_rate_champion"]["value"] <= 1
    assert result["reward_gain_champion"]["value"] == pytest.approx(
        result["reward_policy"]["value"] - result["reward_champion"]["value"]
    )


@pytest.mark.parametrize(
    ("champion", "fault"),
    [("nowhere", "evaluation.champion: .*nowhere is not a model folder"), ("wide", "has another vocabulary")],
)
def test_a_champion_that_cannot_answer_is_refused_before_the_first_step(base, tmp_path, champion, fault):
    folder = make_run(tmp_path / "run", grpo_config(base, evaluation={"champion": champion}))
    if champion == "wide":
        network = load_causal_model(base)
        network.resize_token_embeddings(300)
        network.save_pretrained(folder / "wide")
    code, reason = run("train", folder)
    assert code == 2
    assert re.search(fault, reason), reason
    assert not (folder / "metrics.jsonl").exists()
