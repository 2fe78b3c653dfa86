"""From sampled responses over people's scores to a policy that learned from them, without a reward model."""

import json
import shutil

import pytest
import torch

from rewardmodel.records import read_prompts
from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.judged_records import judged_group
from rltrainer.policy import Policy
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

TEMPERATURE = 0.8
GROUP = 4


@pytest.fixture(scope="module")
def judged(base, tmp_path_factory):
    """A folder with groups of which people like the one with most a's and b's."""
    folder = tmp_path_factory.mktemp("judged") / "sample"
    sampling = {"responses_per_prompt": GROUP, "max_new_tokens": 12, "temperature": TEMPERATURE, "batch_rows": 16}
    config = grpo_config(base)
    config = {
        "kind": "sample", "seed": 5, "model": config["model"], "sampling": {**sampling, "keep_log_probs": True},
    }  # fmt: skip
    assert run("sample", make_run(folder, config)) == (0, "")
    rows = read_rows(folder / "responses.jsonl")
    groups = [
        judged_group(prompt, own := [row for row in rows if row["prompt_id"] == prompt.prompt_id],
                     {row["sample"]: _liking(row) for row in own}, temperature=TEMPERATURE)
        for prompt in read_prompts(folder / "data/prompts.jsonl")
    ]  # fmt: skip
    (folder / "data/groups.jsonl").write_text("".join(json.dumps(group) + "\n" for group in groups))
    return folder / "data"


def _liking(row):
    """People's score: whether the first token is of the lower half of the vocabulary."""
    return 1.0 if row["token_ids"][0] < 128 else -1.0


def _run_folder(folder, base, judged, **sections):
    rollout = {"source": "judged", "prompts_per_step": 3, "group_size": GROUP, "temperature": TEMPERATURE}
    config = grpo_config(base, **{"rollout": rollout, "kl": {"coefficient": 0.0}, "stop": {"steps": 6}, **sections})
    config["reward"] = sections.get("reward", {})
    make_run(folder, config)
    shutil.copy(judged / "groups.jsonl", folder / "data/groups.jsonl")
    return folder


def test_a_policy_learns_what_people_liked(base, judged, tmp_path):
    folder = _run_folder(tmp_path / "run", base, judged)
    assert run("train", folder) == (0, "")
    first, *_, last = (row["values"] for row in read_rows(folder / "metrics.jsonl"))
    assert first["reward"] == first["reward_judged"]
    assert first["data_passes"] < last["data_passes"] == pytest.approx(18 / 10)
    # The groups were sampled from the very model that starts: the ratio begins at 1 and moves away from it.
    assert first["ratio_max"] - first["ratio_min"] < 1e-3 < last["ratio_max"] - last["ratio_min"]
    result = read_json(folder / "result.json")
    assert not {"reward_gain", "reward_policy", "win_rate"} & set(result)
    assert all(row["reward"] is None for row in read_rows(folder / "samples.jsonl"))
    assert _preference(folder / "model", folder) > _preference(base, folder) + 0.1


def _warnings(folder):
    assert run("train", folder) == (0, "")
    return [warning for warning in read_json(folder / "result.json")["warnings"] if warning["brake"] == "mismatch"]


def test_groups_of_another_policy_are_told_before_anything_is_learned(base, judged, tmp_path):
    own = _run_folder(tmp_path / "own", base, judged, stop={"steps": 1})
    assert _warnings(own) == []
    groups = read_rows(judged / "groups.jsonl")
    for group in groups:
        for completion in group["completions"]:
            completion["log_probs"] = [value - 0.2 for value in completion["log_probs"]]
    for name, brakes, told in (("other", {}, 1), ("off", {"mismatch": "off"}, 0)):
        folder = _run_folder(tmp_path / name, base, judged, stop={"steps": 1}, brakes=brakes)
        (folder / "data/groups.jsonl").write_text("".join(json.dumps(group) + "\n" for group in groups))
        assert len(found := _warnings(folder)) == told
        assert [warning["step"] for warning in found] == [0] * told
        # exp(0.2), for every token alike.
        assert all("sampled by another policy" in one["sentence"] for one in found)
        assert all("differ by a factor of 1.22 on average, the limit is 1.08" in one["sentence"] for one in found)


def test_the_distance_is_told_of_the_policys_own_answers_alone(base, judged, tmp_path):
    # On answers that another policy gave the log-ratio falls while the policy moves away.
    folder = _run_folder(
        tmp_path / "run", base, judged, optimizer={"learning_rate": 3e-2}, reward={"unfinished_penalty": 1}
    )
    assert run("train", folder) == (0, "")
    rows = [row["values"] for row in read_rows(folder / "metrics.jsonl")]
    assert not any({"kl_sequence", "kl_token", "sampler_ratio_mean"} & row.keys() for row in rows)
    result = read_json(folder / "result.json")
    assert result["kl_sequence"] > 0.1
    # What only shaped people's reward says nothing of who wins.
    assert not {"reward_gain", "reward_policy", "win_rate_reference"} & result.keys()


def _preference(model, folder):
    """Mean log-prob of the first tokens that people liked less that of the others."""
    policy = Policy(load_causal_model(model), temperature=TEMPERATURE, micro_batch_tokens=512)
    found = {1.0: [], -1.0: []}
    prompts = {prompt.prompt_id: prompt for prompt in read_prompts(folder / "data/prompts.jsonl")}
    from rewardmodel.runtime.backbones import load_tokenizer
    from rewardmodel.runtime.rendering import Renderer

    renderer = Renderer(load_tokenizer(model))
    for group in read_rows(folder / "data/groups.jsonl"):
        prompt_ids = renderer.render(prompts[group["prompt_id"]].prompt).token_ids
        pairs = [(prompt_ids, tuple(completion["token_ids"])) for completion in group["completions"]]
        for completion, log_probs in zip(group["completions"], policy.log_probs(pairs), strict=True):
            found[completion["score"]].append(log_probs[0])
    liked, others = (torch.tensor(found[score]).mean() for score in (1.0, -1.0))
    return float(liked - others)


def test_a_stopped_run_ends_like_one_that_never_was(base, judged, tmp_path):
    whole = _run_folder(tmp_path / "whole", base, judged)
    assert run("train", whole) == (0, "")
    half = _run_folder(tmp_path / "half", base, judged, stop={"steps": 2})
    assert run("train", half) == (0, "")
    (half / "result.json").unlink()
    shutil.copy(whole / "config.json", half / "config.json")
    assert run("train", half) == (0, "")
    assert _weights(half) == _weights(whole)


def _weights(folder):
    return read_json(folder / "result.json")["policy_version_sha256"]


def test_a_verifier_beside_people_is_evaluated(base, judged, tmp_path):
    reward = {"brevity_weight": 0.5, "judged_weight": 2.0}
    folder = _run_folder(tmp_path / "run", base, judged, reward=reward, stop={"steps": 1})
    assert run("train", folder) == (0, "")
    values = read_rows(folder / "metrics.jsonl")[0]["values"]
    assert values["reward"] == pytest.approx(2 * values["reward_judged"] + 0.5 * values["reward_brevity"])
    assert values["reward_task"] == pytest.approx(2 * values["reward_judged"])
    assert read_json(folder / "result.json")["reward_policy"]["value"] < 0


def test_groups_that_changed_are_noticed_on_resume(base, judged, tmp_path):
    folder = _run_folder(tmp_path / "run", base, judged, stop={"steps": 1})
    assert run("train", folder) == (0, "")
    (folder / "result.json").unlink()
    path = folder / "data/groups.jsonl"
    path.write_text(path.read_text().replace('"score": 1.0', '"score": 0.5'))
    code, reason = run("train", folder)
    assert (code, reason.startswith("bad data: data: differs")) == (3, True)


def test_without_the_file_the_run_says_so(base, judged, tmp_path):
    folder = _run_folder(tmp_path / "run", base, judged)
    (folder / "data/groups.jsonl").unlink()
    code, reason = run("train", folder)
    assert code == 3
    assert "groups.jsonl: the file is missing" in reason
