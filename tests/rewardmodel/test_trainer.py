import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.__main__ import main
from rewardmodel.config import LossConfig
from rewardmodel.data import encode_pairs, make_objective
from rewardmodel.gradient_step import GradientStep
from rewardmodel.network import RewardNetwork
from rewardmodel.records import parse_preference
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.checksums import checksum
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.scorer import RewardScorer
from tests.rewardmodel.preferences import make_rows, make_run, write_config, write_rows
from tests.tiny_model import make_tiny_model
from tests.waiting import wait_until

FAST = {"evaluation": {"every_steps": 0, "bootstrap_samples": 100}}


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return {**load_file(run / "model/model.safetensors"), **load_file(run / "model/reward_head.safetensors")}


def start(run: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rewardmodel", "train", str(run)], stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    )


def wait_for_step(run: Path, step: int) -> None:
    wait_until(lambda: (run / "metrics.jsonl").exists() and any(row["step"] >= step for row in metrics(run)))


KILLED = """
import os, signal, sys
from rewardmodel.__main__ import main
from rewardmodel.runtime.run_directory import RunDirectory
log = RunDirectory.append_metrics
def log_and_die(directory, step, values):
    log(directory, step, values)
    if step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
RunDirectory.append_metrics = log_and_die
sys.exit(main(["train", sys.argv[1]]))
"""


def train_until_killed(run: Path, step: int) -> None:
    """A process that is killed once it has logged this step: whoever looks from outside may look too late."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(run), str(step)], cwd=Path.cwd(), check=False)
    assert killed.returncode == -signal.SIGKILL


def test_planted_preference_is_learned_and_reported(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", train_pairs=96)
    assert main(["train", str(run)]) == 0
    result = read(run / "result.json")
    assert result["accuracy"]["value"] >= 0.95
    assert result["longer_wins"]["value"] < 0.8
    assert result["human_ceiling"]["value"] == pytest.approx(0.8)
    assert (result["train_pairs"], result["eval_pairs"], result["steps"], result["truncated_rows"]) == (96, 20, 12, 0)
    assert read(run / "status.json")["state"] == "succeeded"
    rows = metrics(run)
    assert [row["step"] for row in rows] == list(range(13))
    assert {"loss", "accuracy", "grad_norm", "learning_rate", "pairs_per_second", "padding_fraction"} <= set(
        rows[1]["values"]
    )
    assert [row["step"] for row in rows if "eval_accuracy" in row["values"]] == [0, 3, 6, 9, 12]
    scores = RewardScorer(run / "model").score([[{"role": "user", "content": "q"}]] * 2, ["xxxxxxxx", "yyyyyyyy"])
    assert scores[0] > scores[1]


def test_bfloat16_with_float32_masters_learns_too(tmp_path: Path) -> None:
    compute = {"threads": 1, "precision": "bfloat16", "device": "cpu"}
    run = make_run(tmp_path / "run", train_pairs=96, compute=compute, **FAST)
    assert main(["train", str(run)]) == 0
    assert read(run / "result.json")["accuracy"]["value"] >= 0.95
    assert all(tensor.dtype == torch.bfloat16 for tensor in load_file(run / "model/model.safetensors").values())


def test_small_steps_move_a_model_that_was_published_in_bfloat16(tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "base")
    load_backbone(base).bfloat16().save_pretrained(base)
    compute = {"threads": 1, "precision": "bfloat16", "device": "cpu"}
    optimizer = {"learning_rate": 1e-6, "warmup_fraction": 0.0}
    training = {"pairs_per_step": 8, "max_steps": 5}
    run = make_run(tmp_path / "run", base=base, compute=compute, optimizer=optimizer, training=training, **FAST)
    assert main(["train", str(run)]) == 0
    before, after = load_backbone(base).state_dict(), load_file(run / "model/model.safetensors")
    name = "layers.0.mlp.up_proj.weight"
    moved = after[name].float() - before[name]
    # Five steps cover a tenth of the way to the next number that bfloat16 has, where weights are like these.
    far = before[name].abs() > 0.01
    assert 0.005 < float((moved[far] != 0).float().mean()) < 0.2


def test_gradient_does_not_depend_on_how_a_step_is_portioned(tiny: Path, renderer: Renderer) -> None:
    records = [parse_preference(row) for row in make_rows(12, first_prompt=0, seed=9)]
    pairs = encode_pairs(records, renderer, max_length_tokens=512)
    wishes = [make_objective(record, LossConfig()) for record in records]
    gradients = []
    for budget in (64, 500, 100_000):
        network = RewardNetwork(load_backbone(tiny))
        masters = MasterWeights(network)
        step = GradientStep(network, masters, centre=0.01, pad_id=renderer.pad_id, micro_batch_tokens=budget)
        totals = step.accumulate(pairs, wishes)
        assert totals.pairs == 12
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in masters.parameters]))
    torch.testing.assert_close(gradients[0], gradients[2], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradients[1], gradients[2], rtol=1e-4, atol=1e-6)


def test_killed_run_resumes_to_the_very_same_weights(tmp_path: Path) -> None:
    sections = {"checkpoint": {"every_steps": 3}, "training": {"pairs_per_step": 4, "epochs": 2}, **FAST}
    straight = make_run(tmp_path / "straight", **sections)
    assert main(["train", str(straight)]) == 0
    killed = make_run(tmp_path / "killed", base=tmp_path / "straight/base", **sections)
    train_until_killed(killed, 5)
    assert not (killed / "result.json").exists()
    assert main(["train", str(killed)]) == 0
    assert [row["step"] for row in metrics(killed)] == list(range(1, 25))
    losses = [[row["values"]["loss"] for row in metrics(run)] for run in (straight, killed)]
    assert losses[0] == losses[1]
    before, after = weights(straight), weights(killed)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_sigterm_stops_after_a_checkpoint(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", training={"pairs_per_step": 2, "epochs": 40}, **FAST)
    process = start(run)
    wait_for_step(run, 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=240) == 130
    status = read(run / "status.json")
    assert status["state"] == "cancelled"
    assert "SIGTERM" in status["reason"]
    assert status["checkpoint_step"] == status["step"] >= 2


def test_cancel_file_stops_and_removing_it_goes_on(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", **FAST)
    (run / "cancel").touch()
    assert main(["train", str(run)]) == 130
    assert "remove it to go on" in read(run / "status.json")["reason"]
    (run / "cancel").unlink()
    assert main(["train", str(run)]) == 0
    assert main(["train", str(run)]) == 0  # complete: says so and does nothing


def test_unknown_key_stops_the_process_before_it_loads_anything(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    config = read(run / "config.json")
    write_config(run, {**config, "optimizer": {"learning_rat": 1}})
    process = start(run)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 2
    assert "optimizer.learning_rat: unknown key" in errors
    assert "optimizer.learning_rat" in read(run / "status.json")["reason"]


def test_broken_line_ends_with_its_number(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    rows = make_rows(8, first_prompt=0, seed=1)
    del rows[6]["chosen"]
    write_rows(run / "data/train.jsonl", rows)
    assert main(["train", str(run)]) == 3
    assert read(run / "status.json")["reason"] == "bad data: train.jsonl line 7: chosen: is missing"


def test_divergence_ends_the_run_in_plain_words(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", optimizer={"learning_rate": 1e38}, **FAST)
    assert main(["train", str(run)]) == 4
    assert "learning_rate" in read(run / "status.json")["reason"]
    assert not (run / "model").exists()


def test_changed_config_is_not_mixed_into_an_old_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", **FAST)
    (run / "cancel").touch()
    assert main(["train", str(run)]) == 130
    (run / "cancel").unlink()
    config = read(run / "config.json")
    write_config(run, {**config, "seed": 1})
    assert main(["train", str(run)]) == 2
    assert "differs from the one" in read(run / "status.json")["reason"]


def test_a_checkpoint_of_another_version_is_refused_with_its_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", checkpoint={"every_steps": 3}, **FAST)
    train_until_killed(run, 5)
    logged = (run / "metrics.jsonl").read_text()
    folder = max((run / "checkpoints").glob("step-*"))
    state = read(folder / "state.json")
    index = read(folder / "checkpoint.json")
    state["rng"] = state.pop("randomness")
    (folder / "state.json").write_text(json.dumps(state))
    index["sizes"]["state.json"] = (folder / "state.json").stat().st_size
    index["crc32"]["state.json"] = checksum(folder / "state.json")
    (folder / "checkpoint.json").write_text(json.dumps(index))
    assert main(["train", str(run)]) == 2
    reason = read(run / "status.json")["reason"]
    assert reason.startswith(f"bad config: {folder}: ")
    assert "KeyError: 'randomness'" in reason
    assert "new run directory" in reason
    assert (run / "metrics.jsonl").read_text() == logged


def test_second_process_on_a_run_is_turned_away(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", training={"pairs_per_step": 2, "epochs": 40}, **FAST)
    process = start(run)
    wait_for_step(run, 1)
    status = read(run / "status.json")
    assert main(["train", str(run)]) == 75
    assert read(run / "status.json")["pid"] == status["pid"] == process.pid != os.getpid()
    process.kill()
    process.communicate()


def test_evaluate_and_score_use_a_trained_model(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", train_pairs=16, **FAST)
    assert main(["train", str(run)]) == 0
    compute = {"threads": 1, "precision": "float32", "device": "cpu"}
    judged = tmp_path / "judged"
    (judged / "data").mkdir(parents=True)
    (judged / "data/eval.jsonl").write_bytes((run / "data/eval.jsonl").read_bytes())
    model = {"folder": str(run / "model")}
    write_config(judged, {"kind": "reward-evaluate", "model": model, "compute": compute})
    assert main(["evaluate", str(judged)]) == 0
    assert read(judged / "result.json")["nll"] == pytest.approx(read(run / "result.json")["nll"], abs=1e-5)

    scored = tmp_path / "scored"
    (scored / "data").mkdir(parents=True)
    answer = {"prompt_id": "1", "prompt": [{"role": "user", "content": "q"}], "text": "x"}
    write_rows(scored / "data/responses.jsonl", [{**answer, "sample": i} for i in range(3)])
    write_config(scored, {"kind": "score", "model": model, "compute": compute})
    assert main(["score", str(scored)]) == 0
    rows = [json.loads(line) for line in (scored / "scores.jsonl").read_text().splitlines()]
    assert [row["sample"] for row in rows] == [0, 1, 2]
    assert rows[0]["score"] == pytest.approx(rows[2]["score"], abs=1e-5)


def test_wrong_command_line_says_how_it_is_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["trian", str(tmp_path)]) == 2
    assert "usage: python -m rewardmodel train|evaluate|score RUN_DIR" in capsys.readouterr().err
    assert main(["train", str(tmp_path / "absent")]) == 2


def test_a_config_of_another_kind_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert main(["score", str(run)]) == 2
    assert "kind: this command needs a config of kind 'score', got 'reward'" in read(run / "status.json")["reason"]
