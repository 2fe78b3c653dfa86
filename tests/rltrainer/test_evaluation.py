import re

import pytest
import torch

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.champion import examine_champion
from rltrainer.evaluation import Examination
from rltrainer.records import EncodedPrompt
from rltrainer.rewards.weighted import WeightedReward
from rltrainer.rollouts.engine import SamplingRules
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
    assert result["kl_sequence"] == result["kl_sequence_low"] == result["kl_sequence_high"] == result["kl_token"] == 0.0
    assert result["win_rate_reference"]["value"] == 0.5
    assert result["win_rate_by"] == "reward"
    assert result["accuracy"] == {}


def test_another_policy_is_some_way_off(base, tmp_path):
    other = make_tiny_model(tmp_path / "other", seed=9)
    config = _config(other, base)
    # So many tokens that twelve prompts leave no doubt that the sum over them is above 0.
    config["sampling"]["max_new_tokens"] = 30
    folder = make_run(tmp_path / "run", config)
    code, output = run("evaluate", folder)
    assert code == 0, output
    result = read_json(folder / "result.json")
    assert result["kl_token"] > 0
    assert 0 < result["kl_sequence_low"] < result["kl_sequence"] < result["kl_sequence_high"]
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


@pytest.fixture
def champion(base, tmp_path):
    """A model with another vocabulary, whose loud embeddings make its answers unlike those of the base."""
    folder = tmp_path / "champion"
    network, tokenizer = load_causal_model(base), load_tokenizer(base)
    tokenizer.add_tokens(["say", "!!!"])
    network.resize_token_embeddings(len(tokenizer))
    with torch.no_grad():
        network.get_input_embeddings().weight.mul_(30)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_run_is_compared_with_the_champion_as_well(base, champion, tmp_path):
    config = grpo_config(base, evaluation={"champion": str(champion)}, stop={"steps": 1})
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    result = read_json(folder / "result.json")
    assert result["reward_champion"] != result["reward_reference"]
    assert 0 <= result["win_rate_champion"]["value"] <= 1
    assert result["reward_gain_champion"]["value"] == pytest.approx(
        result["reward_policy"]["value"] - result["reward_champion"]["value"]
    )


def test_a_champion_reads_its_own_tokens(base, champion, tmp_path):
    directory = RunDirectory(make_run(tmp_path / "run", grpo_config(base)))
    bench_renderer, own_renderer = (Renderer(load_tokenizer(folder), None) for folder in (base, champion))
    record = PromptRecord("q", ({"role": "user", "content": "say it!!!"},), {})
    examination = Examination(
        prompts=[EncodedPrompt(record, bench_renderer.render(record.prompt).token_ids)],
        samples_per_prompt=2,
        rules=SamplingRules(4, bench_renderer.stop_ids),
        reward=WeightedReward({}),
        renderer=bench_renderer,
        batch_rows=2,
        seed=0,
        confidence=0.95,
    )
    (group,) = examine_champion(directory, str(champion), examination, load_causal_model(base))
    assert group.prompt.token_ids == own_renderer.render(record.prompt).token_ids
    assert len(group.prompt.token_ids) < len(examination.prompts[0].token_ids)


def test_a_champion_that_cannot_answer_is_refused_before_the_first_step(base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base, evaluation={"champion": "nowhere"}))
    code, reason = run("train", folder)
    assert code == 2
    assert re.search("evaluation.champion: .*nowhere is not a model folder", reason), reason
    assert not (folder / "metrics.jsonl").exists()
