"""A stop may come between any two tokens; the step is done again, and nothing shows in the end."""

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.runtime.cancellation import Cancellation
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

TIMES = ("seconds_", "tokens_per_second", "tflops", "peak_", "resident_memory")


def _stop_at_look(monkeypatch, number):
    """Let the run find the wish to stop when it looks for the `number`-th time."""
    looks = iter(range(1, 10**9))
    monkeypatch.setattr(Cancellation, "requested", property(lambda self: next(looks) >= number))


def _learned(folder):
    return [
        (row["step"], {name: value for name, value in row["values"].items() if not name.startswith(TIMES)})
        for row in read_rows(folder / "metrics.jsonl")
    ]


@pytest.mark.parametrize("passes", [1, 2])
def test_a_run_stopped_again_and_again_ends_as_if_it_never_was(base, tmp_path, monkeypatch, passes):
    config = grpo_config(base, optimizer={"passes": passes}, stop={"steps": 3})
    straight = make_run(tmp_path / "straight", config)
    assert run("train", straight)[0] == 0
    stopped = make_run(tmp_path / "stopped", config)
    reached = []
    # In the reference's answers, among the tokens of a rollout, in the passes after it, and in the last evaluation.
    for number in (5, 14, 27, 32, 36, 45, 8):
        with monkeypatch.context() as patch:
            _stop_at_look(patch, number)
            code, reason = run("train", stopped)
        assert code in (0, 130), reason
        reached.append(read_json(stopped / "status.json")["step"])
        if code == 0:
            break
    assert reached == sorted(reached)
    assert len(reached) >= 5
    if not (stopped / "result.json").exists():
        assert run("train", stopped)[0] == 0
    assert _learned(stopped) == _learned(straight)
    before, after = (load_file(folder / "model" / "model.safetensors") for folder in (straight, stopped))
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert read_json(stopped / "result.json") == read_json(straight / "result.json")
    assert read_rows(stopped / "samples.jsonl") == read_rows(straight / "samples.jsonl")
