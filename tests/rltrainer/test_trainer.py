"""The real command on real run directories."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.runtime.backbones import load_causal_model
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run, start
from tests.waiting import wait_until

TIMES = ("seconds_", "tokens_per_second", "tflops", "peak_", "resident_memory")


def _weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def _learned(folder):
    """Metrics without what the clock and the machine decide."""
    return [
        (row["step"], {name: value for name, value in row["values"].items() if not name.startswith(TIMES)})
        for row in read_rows(folder / "metrics.jsonl")
    ]


@pytest.fixture(scope="module")
def straight(base, tmp_path_factory):
    """A run from start to end."""
    folder = make_run(tmp_path_factory.mktemp("straight") / "run", grpo_config(base))
    code, output = run("train", folder)
    assert code == 0, output
    return folder


def test_a_run_leaves_everything_the_contract_names(straight, base):
    result, status = read_json(straight / "result.json"), read_json(straight / "status.json")
    assert (status["state"], status["step"], status["total_steps"]) == ("succeeded", 6, 6)
    assert (result["kind"], result["steps"]) == ("grpo", 6)
    for name in ("reward_reference", "reward_policy", "reward_gain"):
        assert result[name]["low"] <= result[name]["value"] <= result[name]["high"]
        assert result[name]["n"] == 4
    assert {"reward_first", "reward_last", "kl_sequence", "kl_token", "policy_version_sha256"} <= set(result)
    assert sorted(path.name for path in (straight / "checkpoints").iterdir()) == ["step-000004", "step-000006"]
    assert load_causal_model(straight / "model").dtype == torch.float32
    assert [row["step"] for row in read_rows(straight / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]


def test_the_weights_moved(straight, base):
    before, after = load_file(base / "model.safetensors"), _weights(straight)
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name], after[name]) for name in before)


def test_what_the_steps_computed_is_held_against_the_device(straight):
    status, rows = read_json(straight / "status.json"), [r["values"] for r in read_rows(straight / "metrics.jsonl")]
    peak = status["device_peak"]
    assert (peak["source"], peak["tflops"] > 0) == ("measured", True)
    for values in rows:
        assert values["peak_share_train"] == pytest.approx(values["tflops_train"] / peak["tflops"], rel=1e-6)
        # Our own layers run the tiny model, and they know no padding.
        assert values["padding_fraction"] == 0.0
        assert 0 < values["update_norm"] < 1


def test_metrics_start_at_the_reference(straight):
    first = read_rows(straight / "metrics.jsonl")[0]["values"]
    assert first["kl_sequence"] == first["kl_token"] == 0.0
    assert first["ratio_min"] == first["ratio_max"] == 1.0
    assert first["sampler_gap_max"] <= 1e-4
    last = read_rows(straight / "metrics.jsonl")[-1]["values"]
    assert last["kl_token"] > 0


def test_samples_show_the_same_prompts_before_and_after(straight):
    rows = read_rows(straight / "samples.jsonl")
    assert [(row["step"], row["source"]) for row in rows] == [(0, "reference")] * 2 + [(6, "policy")] * 2
    assert len({row["prompt_id"] for row in rows}) == 1
    assert set(rows[0]) == {"step", "prompt_id", "prompt", "response", "reward", "source"}


def test_a_finished_run_says_so_and_stays_as_it_is(straight):
    before = {path: path.stat().st_mtime_ns for path in straight.rglob("*.json*")}
    assert run("train", straight)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_killed_run_goes_on_to_the_very_same_weights(straight, base, tmp_path):
    config = grpo_config(base)
    folder = make_run(tmp_path / "run", config)
    process = start("train", folder)
    wait_until((folder / "checkpoints" / "step-000002" / "checkpoint.json").exists, pause=0.01, process=process)
    process.kill()
    process.communicate()
    shutil.rmtree(folder / "model", ignore_errors=True)
    (folder / "result.json").unlink(missing_ok=True)
    code, output = run("train", folder)
    assert code == 0, output
    torch.testing.assert_close(_weights(folder), _weights(straight), rtol=0, atol=0)
    assert _learned(folder) == _learned(straight)
    assert read_rows(folder / "samples.jsonl") == read_rows(straight / "samples.jsonl")


def test_a_cancelled_run_keeps_a_checkpoint_and_goes_on_to_the_same_weights(straight, base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base, checkpoint={"every_steps": 1000}))
    process = start("train", folder)
    wait_until((folder / "metrics.jsonl").exists, pause=0.005, process=process)
    (folder / "cancel").touch()
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 130, output
    status = read_json(folder / "status.json")
    assert status["state"] == "cancelled"
    assert 1 <= status["checkpoint_step"] == status["step"] < 6
    (folder / "cancel").unlink()
    code, output = run("train", folder)
    assert code == 0, output
    torch.testing.assert_close(_weights(folder), _weights(straight), rtol=0, atol=0)
    assert _learned(folder) == _learned(straight)


def test_an_unknown_key_stops_the_run_by_name(base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base, rollout={"temprature": 1}))
    code, _ = run("train", folder)
    assert code == 2
    status = read_json(folder / "status.json")
    assert status["state"] == "failed"
    assert "rollout.temprature: unknown key" in status["reason"]


def test_a_broken_line_is_named(base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base))
    with (folder / "data" / "prompts.jsonl").open("a") as file:
        file.write('{"prompt_id": "q99", "prompt": []}\n')
    code, _ = run("train", folder)
    assert code == 3
    assert "prompts.jsonl line 13: prompt" in read_json(folder / "status.json")["reason"]


def test_weights_that_are_no_numbers_end_the_run_as_diverged(base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base, model={"path": "broken"}))
    network = load_causal_model(base)
    with torch.no_grad():
        network.base_model.norm.weight[:] = float("nan")
    network.save_pretrained(folder / "broken")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(base / name, folder / "broken" / name)
    code, output = run("train", folder)
    assert code == 4, output
    assert "diverged" in read_json(folder / "status.json")["reason"]


def test_another_config_does_not_go_on_from_a_checkpoint(straight, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(straight, folder)
    (folder / "result.json").unlink()
    config = read_json(folder / "config.json")
    config["loss"] = {"clip_high": 0.28}
    (folder / "config.json").write_text(json.dumps(config))
    code, _ = run("train", folder)
    assert code == 2
    assert "loss: differs from the checkpoint's" in read_json(folder / "status.json")["reason"]


def test_the_wrong_command_for_a_kind_is_refused(straight, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(straight / "config.json", folder)
    code, _ = run("sample", folder)
    assert code == 2
    assert "kind: 'grpo' is for another command" in read_json(folder / "status.json")["reason"]
