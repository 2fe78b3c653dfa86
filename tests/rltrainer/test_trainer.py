"""The real command on real run directories."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from tests.rltrainer.model_families import make_family
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run, start
from tests.tiny_model import make_tiny_model
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
        # Two held-out prompts tell a value, and nothing of how sure it is.
        assert isinstance(result[name]["value"], float)
        assert [result[name][key] for key in ("low", "high", "n", "prompts")] == [None, None, 4, 2]
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


def _set_steps(folder, steps):
    config = read_json(folder / "config.json")
    config["stop"]["steps"] = steps
    (folder / "config.json").write_text(json.dumps(config))


def test_a_cancelled_run_keeps_a_checkpoint_and_goes_on_to_the_same_weights(base, tmp_path):
    # More steps than it can take before it sees the file, however long that is in coming.
    folder = make_run(tmp_path / "run", grpo_config(base, checkpoint={"every_steps": 10**6}, stop={"steps": 10**6}))
    process = start("train", folder)
    wait_until((folder / "metrics.jsonl").exists, pause=0.005, process=process)
    (folder / "cancel").touch()
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 130, output
    status = read_json(folder / "status.json")
    assert status["state"] == "cancelled"
    assert 1 <= status["checkpoint_step"] == status["step"]
    (folder / "cancel").unlink()
    straight = make_run(tmp_path / "straight", read_json(folder / "config.json"))
    for directory in (folder, straight):
        _set_steps(directory, status["step"] + 2)
        code, output = run("train", directory)
        assert code == 0, output
    torch.testing.assert_close(_weights(folder), _weights(straight), rtol=0, atol=0)
    assert _learned(folder) == _learned(straight)


def test_prompts_that_are_too_long_are_counted_where_people_look(base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base, data={"max_prompt_tokens": 30}, stop={"steps": 1}))
    assert run("train", folder) == (0, "")
    # The prompts have from 24 to 36 tokens.
    assert read_json(folder / "result.json")["prompts_left_out"] == 5
    assert read_json(folder / "status.json")["prompts_left_out"] == 5


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


@pytest.mark.parametrize(("window", "code"), [(48, 0), (40, 2)])
def test_a_window_is_held_against_the_prompts_that_there_are(tmp_path, window, code):
    folder = make_family(tmp_path / "base", "Mistral", sliding_window=window)
    # The prompts have up to 36 tokens, not the 512 that they may have, and completions 12.
    run_folder = make_run(tmp_path / "run", grpo_config(folder, stop={"steps": 1}))
    found, reason = run("train", run_folder)
    assert found == code, reason
    if code:
        assert "lower data.max_prompt_tokens and max_new_tokens so that they fit into the window" in reason


def test_a_prompt_that_the_template_refuses_is_bad_data(base, tmp_path):
    shutil.copytree(base, tmp_path / "base")
    template = tmp_path / "base" / "chat_template.jinja"
    refusal = "{% if '!!!' in messages[0]['content'] %}{{ raise_exception('do not shout') }}{% endif %}"
    template.write_text(refusal + template.read_text())
    folder = make_run(tmp_path / "run", grpo_config(tmp_path / "base"))
    code, reason = run("train", folder)
    assert code == 3
    assert reason.startswith(f"bad data: prompt 'q3': the chat template of {tmp_path / 'base'} refuses its messages")
    assert "do not shout" in reason
    template.write_text("{% if %}")
    (folder / "status.json").unlink()
    code, reason = run("train", folder)
    assert code == 2
    assert reason.startswith(f"bad config: model.path: the chat template of {tmp_path / 'base'} fails: ")


def test_weights_that_are_missing_are_a_bad_config(base, tmp_path):
    shutil.copytree(base, tmp_path / "base")
    weights = load_file(base / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, tmp_path / "base" / "model.safetensors", metadata={"format": "pt"})
    code, reason = run("train", make_run(tmp_path / "run", grpo_config(tmp_path / "base")))
    assert code == 2
    assert reason.startswith("bad config: model.path: ")
    assert "weights are missing in its files: model.layers.1.mlp.down_proj.weight;" in reason
    assert not (tmp_path / "run" / "model").exists()


def test_adapters_on_another_kind_of_linear_layer_end_in_a_plain_folder(tmp_path):
    base = make_family(tmp_path / "base", "GPT-2")
    config = grpo_config(base, model={"adapter_rank": 2}, kl={"measure": True}, stop={"steps": 2})
    folder = make_run(tmp_path / "run", config)
    assert run("train", folder) == (0, "")
    before, after = load_file(base / "model.safetensors"), _weights(folder)
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if name.endswith(("attn.weight", "proj.weight", "fc.weight"))}


def test_a_policy_without_a_template_is_saved_with_the_one_it_learned_from(tmp_path):
    base = make_tiny_model(tmp_path / "base", chat_template=False)
    folder = make_run(tmp_path / "run", grpo_config(base, stop={"steps": 1}))
    assert run("train", folder) == (0, "")
    messages = [{"role": "user", "content": "hi"}]
    served = load_tokenizer(folder / "model").apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert served == "user: hi\n\nassistant: "


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
