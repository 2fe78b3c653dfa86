"""The real command on real run directories of kinds `sft` and `dpo`."""

import json
import math
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.cancellation import Cancellation
from tests.rewardmodel.preferences import write_rows
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import read_json, read_rows, run

TIMES = ("seconds_", "tokens_per_second", "tflops", "peak_")
KINDS = ("sft", "dpo")


def _weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def _learned(folder):
    """Metrics without what the clock decides."""
    return [
        (row["step"], {name: value for name, value in row["values"].items() if not name.startswith(TIMES)})
        for row in read_rows(folder / "metrics.jsonl")
    ]


@pytest.fixture(scope="module")
def straight(base, tmp_path_factory):
    """A run of each kind from start to end."""
    folders = {}
    for kind in KINDS:
        folders[kind] = make_offline_run(tmp_path_factory.mktemp(kind) / "run", offline_config(kind, base))
        code, reason = run("train", folders[kind])
        assert code == 0, reason
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_leaves_everything_the_contract_names(straight, kind):
    folder = straight[kind]
    result, status = read_json(folder / "result.json"), read_json(folder / "status.json")
    assert (status["state"], status["step"], status["total_steps"]) == ("succeeded", 6, 6)
    assert (result["kind"], result["steps"], result["train_records"], result["eval_records"]) == (kind, 6, 32, 12)
    assert load_causal_model(folder / "model").dtype == torch.float32
    assert [row["step"] for row in read_rows(folder / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
    looks = [row["step"] for row in read_rows(folder / "metrics.jsonl") if "eval_loss" in row["values"]]
    assert looks == [1, 3, 5]
    rows = read_rows(folder / "samples.jsonl")
    assert [(row["step"], row["source"], row["reward"]) for row in rows] == [
        *[(0, "reference", None)] * 2,
        *[(6, "policy", None)] * 2,
    ]
    assert result["samples"] == 4


def test_imitation_makes_held_out_responses_likelier(straight):
    result = read_json(straight["sft"] / "result.json")
    assert result["nll_gain"]["low"] > 0.5
    assert result["nll_before"]["value"] - result["nll_after"]["value"] == pytest.approx(result["nll_gain"]["value"])
    assert result["perplexity_after"]["value"] == pytest.approx(math.exp(result["nll_after"]["value"]))
    assert result["perplexity_after"]["low"] < result["perplexity_after"]["value"] < result["perplexity_after"]["high"]
    metrics = read_rows(straight["sft"] / "metrics.jsonl")
    assert metrics[-1]["values"]["loss"] < metrics[0]["values"]["loss"] - 0.5


def test_preferences_are_learned(straight):
    result = read_json(straight["dpo"] / "result.json")
    assert result["accuracy"]["low"] > 0.5
    assert result["reward_margin"]["low"] > 0
    assert {"longer_wins", "human_ceiling", "nll", "log_prob_chosen_change", "log_prob_rejected_change"} <= set(result)


def test_dpo_raises_held_out_accuracy_though_a_fifth_of_the_choices_is_wrong(base, tmp_path):
    training = {"max_steps": 18, "epochs": 3}
    config = offline_config("dpo", base, training=training, loss={"target": "hard"}, optimizer={"learning_rate": 2e-2})
    folder = make_offline_run(tmp_path / "run", config, train=48, held_out=40)
    rows = read_rows(folder / "data/train.jsonl")
    for row in rows[::5]:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    write_rows(folder / "data/train.jsonl", rows)
    assert run("train", folder) == (0, "")
    result = read_json(folder / "result.json")
    # Held-out prompts are others than those learned from, and no choice about them is wrong.
    assert result["likelier_before"]["value"] < 0.6 < result["likelier_after"]["value"]
    assert result["likelier_gain"]["low"] > 0.1
    assert result["accuracy"]["low"] > 0.8
    gain = result["likelier_after"]["value"] - result["likelier_before"]["value"]
    assert result["likelier_gain"]["value"] == pytest.approx(gain)


def test_dpo_starts_at_its_reference(straight):
    first = read_rows(straight["dpo"] / "metrics.jsonl")[0]["values"]
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert (first["accuracy"], first["reward_margin"]) == (0.5, 0.0)
    assert first["reward_chosen"] == first["reward_rejected"] == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_stopped_at_every_step_ends_as_if_it_never_was(straight, base, tmp_path, monkeypatch, kind):
    folder = make_offline_run(tmp_path / "run", offline_config(kind, base))
    reached = []
    for _ in range(40):
        with monkeypatch.context() as patch:
            # Each start gets a little further: past its looks while loading and to the middle of its first new step.
            _stop_after_step(patch, folder)
            code, reason = run("train", folder)
        assert code in (0, 130), reason
        reached.append(read_json(folder / "status.json")["step"])
        if code == 0:
            break
    assert sorted(set(reached)) == [1, 2, 3, 4, 5, 6]
    torch.testing.assert_close(_weights(folder), _weights(straight[kind]), rtol=0, atol=0)
    assert _learned(folder) == _learned(straight[kind])
    assert read_rows(folder / "samples.jsonl") == read_rows(straight[kind] / "samples.jsonl")
    assert read_json(folder / "result.json") == read_json(straight[kind] / "result.json")


def _stop_after_step(patch, folder):
    """Let the run find the wish to stop as soon as it has taken one more step than it started with, in mid-step."""
    lines = len(read_rows(folder / "metrics.jsonl")) if (folder / "metrics.jsonl").exists() else 0

    def requested(self):
        found = folder / "metrics.jsonl"
        return found.exists() and lines < 5 and len(read_rows(found)) > lines

    patch.setattr(Cancellation, "requested", property(requested))


def test_a_stop_while_the_reference_is_asked_keeps_what_it_said(straight, base, tmp_path, monkeypatch):
    folder = make_offline_run(tmp_path / "run", offline_config("dpo", base))
    looks = iter(range(10**6))
    with monkeypatch.context() as patch:
        patch.setattr(Cancellation, "requested", property(lambda self: next(looks) >= 4))
        code, reason = run("train", folder)
    assert code == 130 and "while the reference was asked" in reason
    kept = read_rows(folder / "reference.jsonl")
    assert 1 < len(kept) < 33
    assert run("train", folder)[0] == 0
    assert read_rows(folder / "reference.jsonl")[: len(kept)] == kept
    assert read_rows(folder / "reference.jsonl") == read_rows(straight["dpo"] / "reference.jsonl")
    torch.testing.assert_close(_weights(folder), _weights(straight["dpo"]), rtol=0, atol=0)


def test_adapters_learn_and_their_absence_is_the_reference(base, tmp_path):
    config = offline_config("dpo", base, model={"adapter_rank": 4}, optimizer={"learning_rate": 3e-2})
    folder = make_offline_run(tmp_path / "run", config)
    code, reason = run("train", folder)
    assert code == 0, reason
    first = read_rows(folder / "metrics.jsonl")[0]["values"]
    assert first["reward_chosen"] == first["reward_rejected"] == 0.0
    assert read_json(folder / "result.json")["reward_margin"]["low"] > 0
    before, after = load_file(base / "model.safetensors"), _weights(folder)
    assert before.keys() == after.keys()
    assert torch.equal(before["model.embed_tokens.weight"], after["model.embed_tokens.weight"])


def test_another_reference_is_what_rewards_are_measured_from(straight, base, tmp_path):
    config = offline_config("dpo", base, model={"reference": str(straight["dpo"] / "model")})
    folder = make_offline_run(tmp_path / "run", config)
    code, reason = run("train", folder)
    assert code == 0, reason
    # The policy starts where the reference's training began, so that it leans less to the chosen ones.
    assert read_rows(folder / "metrics.jsonl")[0]["values"]["reward_margin"] < 0


def test_another_config_begins_the_reference_anew(straight, base, tmp_path):
    folder = make_offline_run(tmp_path / "run", offline_config("dpo", base, optimizer={"micro_batch_tokens": 64}))
    shutil.copy(straight["dpo"] / "reference.jsonl", folder)
    assert run("train", folder)[0] == 0
    old, new = read_rows(straight["dpo"] / "reference.jsonl"), read_rows(folder / "reference.jsonl")
    assert old[0] != new[0] and len(old) == len(new)


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_a_prompt_that_the_template_refuses_is_named(base, tmp_path, kind):
    shutil.copytree(base, tmp_path / "base")
    template = tmp_path / "base" / "chat_template.jinja"
    refusal = "{% if messages[0]['content'] == 'question 7' %}{{ raise_exception('not that') }}{% endif %}"
    template.write_text(refusal + template.read_text())
    code, reason = run("train", make_offline_run(tmp_path / "run", offline_config(kind, tmp_path / "base")))
    assert code == 3
    assert re.match(r"bad data: prompt '\w*7': the chat template of .*base refuses .*: not that;", reason), reason


@pytest.mark.parametrize(("kind", "other"), [("sft", "eval"), ("dpo", "train")])
def test_a_prompt_on_both_sides_is_refused(base, tmp_path, kind, other):
    folder = make_offline_run(tmp_path / "run", offline_config(kind, base))
    prefix = "sft_" if kind == "sft" else ""
    files = [folder / "data" / f"{prefix}{side}.jsonl" for side in ("train", "eval")]
    moved = json.loads(files[0].read_text().splitlines()[0]) | {"id": "moved"}
    with files[1].open("a") as file:
        file.write(json.dumps(moved) + "\n")
    code, reason = run("train", folder)
    assert code == 3
    assert "are in both data.train and data.eval" in reason


def test_what_is_too_long_is_left_out_and_counted(base, tmp_path):
    folder = make_offline_run(tmp_path / "run", offline_config("sft", base, training={"max_steps": 1}))
    rows = read_rows(folder / "data/sft_train.jsonl")
    rows[0]["response"] = "x" * 2000
    (folder / "data/sft_train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = read_json(folder / "config.json")
    config["data"] = {"max_length_tokens": 200}
    (folder / "config.json").write_text(json.dumps(config))
    assert run("train", folder)[0] == 0
    result = read_json(folder / "result.json")
    assert (result["records_left_out"], result["train_records"]) == (1, 31)


def test_a_broken_line_is_named(base, tmp_path):
    folder = make_offline_run(tmp_path / "run", offline_config("sft", base))
    with (folder / "data/sft_train.jsonl").open("a") as file:
        file.write('{"id": "z", "prompt_id": "z", "prompt": [{"role": "user", "content": "?"}], "response": ""}\n')
    code, reason = run("train", folder)
    assert code == 3
    assert "sft_train.jsonl line 33: response: is empty" in reason
