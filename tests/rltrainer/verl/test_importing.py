"""What verl leaves behind becomes a run directory like any other."""

import json
import shutil

import pytest

from rewardmodel.runtime.backbones import load_causal_model
from rltrainer.__main__ import main
from tests.rltrainer.run_folder import make_run, read_json, read_rows
from tests.rltrainer.verl.test_export import job_config

METRICS = {
    "critic/score/mean": 0.25,
    "actor/entropy": 1.5,
    "actor/lr": 1e-6,
    "response_length/clip_ratio": 0.125,
    "timing_s/step": 12.5,
    "perf/mfu/actor": 0.4,
}
OURS = {"reward": 0.25, "entropy": 1.5, "learning_rate": 1e-6, "truncated_fraction": 0.125, "seconds_step": 12.5}


@pytest.fixture
def folder(base, tmp_path):
    """A run whose job has trained two steps and saved after each."""
    folder = make_run(tmp_path / "run", job_config(base, stop={"steps": 2}))
    for step in (1, 2):
        shutil.copytree(base, folder / "verl" / "checkpoints" / f"global_step_{step}" / "actor" / "huggingface")
    rows = [{"step": 0, "data": {"val-core/x": 1.0}}]
    rows += [{"step": step, "data": {**METRICS, "critic/score/mean": 0.25 * step}} for step in (1, 2, 3)]
    (folder / "verl" / "verl_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_policy_metrics_and_result_come_home(folder):
    assert main(["import-verl", str(folder)]) == 0
    load_causal_model(folder / "model")
    rows = read_rows(folder / "metrics.jsonl")
    assert [row["step"] for row in rows] == [0, 1, 2], "what came after the checkpoint is not in the policy"
    assert rows[1]["values"] == OURS
    result = read_json(folder / "result.json")
    assert (result["kind"], result["engine"], result["steps"]) == ("grpo", "verl", 2)
    assert (result["reward_first"], result["reward_last"], result["stopped_by"]) == (0.25, 0.5, "")
    assert read_json(folder / "status.json")["state"] == "succeeded"
    assert main(["import-verl", str(folder)]) == 2, "a complete run is left as it is"


def test_the_console_will_do(folder, tmp_path):
    values = [*METRICS.items(), ("actor/grad_norm", "np.float64(0.75)")]
    line = " - ".join(["step:1", *(f"{name}:{value}" for name, value in values)])
    log = tmp_path / "console.txt"
    log.write_text(f"loading\n(TaskRunner pid=71) {line}\n")
    (folder / "verl" / "verl_metrics.jsonl").unlink()
    assert main(["import-verl", str(folder)]) == 3
    assert main(["import-verl", str(folder), "--log", str(log)]) == 0
    assert read_rows(folder / "metrics.jsonl")[0]["values"] == {**OURS, "grad_norm": 0.75}


def test_a_reward_less_the_kl_is_taken_where_no_score_is_logged(folder, capsys):
    file = folder / "verl" / "verl_metrics.jsonl"
    file.write_text(file.read_text().replace("critic/score/mean", "critic/rewards/mean"))
    assert main(["import-verl", str(folder)]) == 0
    said = capsys.readouterr()
    result = read_json(folder / "result.json")
    assert (result["reward_first"], result["reward_last"]) == (0.25, 0.5) and json.loads(said.out) == result
    assert "critic/rewards/mean: taken as the reward where verl's score is not logged" in said.err
    assert "2 of verl's metrics have no name here and are not translated: perf/mfu/actor, val-core/x\n" in said.err


def test_the_score_goes_before_the_reward_less_the_kl(folder, capsys):
    row = {"step": 1, "data": {**METRICS, "critic/rewards/mean": -9.0, **{f"perf/{name}": 1 for name in "abcdef"}}}
    (folder / "verl" / "verl_metrics.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["import-verl", str(folder)]) == 0
    assert read_json(folder / "result.json")["reward_first"] == 0.25
    said = capsys.readouterr().err
    assert "8 of verl's metrics have no name here" in said and "critic/rewards/mean, perf/a, perf/b" in said
    assert said.endswith(", ...\n") and "taken as the reward" not in said


def test_a_log_without_any_reward_says_so(folder, capsys):
    rows = [{"step": 1, "data": {"actor/lr": 0.1}}, {"step": 3, "data": METRICS}]
    (folder / "verl" / "verl_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["import-verl", str(folder)]) == 0
    assert read_json(folder / "result.json")["reward_first"] is None
    said = capsys.readouterr().err
    assert (
        "no line up to the checkpoint has critic/score/mean or critic/rewards/mean" in said
        and "not translated" not in said
    )


def test_shards_alone_are_told_how_to_be_made_whole(folder, capsys):
    (folder / "verl" / "checkpoints" / "global_step_2" / "actor" / "huggingface" / "model.safetensors").unlink()
    assert main(["import-verl", str(folder)]) == 3
    assert "verl.model_merger merge --backend fsdp" in capsys.readouterr().err
    assert not (folder / "result.json").exists()


def test_a_broken_line_is_named(folder, capsys):
    with (folder / "verl" / "verl_metrics.jsonl").open("a") as file:
        file.write("{\n")
    assert main(["import-verl", str(folder)]) == 3
    assert "verl_metrics.jsonl line 5" in capsys.readouterr().err
