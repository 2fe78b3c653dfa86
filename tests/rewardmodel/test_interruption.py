"""A stop may come at any moment; what was begun is done again, and nothing shows in the end."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.__main__ import main
from rewardmodel.runtime.cancellation import Cancellation
from tests.rewardmodel.preferences import make_run

SECTIONS: dict[str, Any] = {
    "training": {"pairs_per_step": 8, "epochs": 2, "micro_batch_tokens": 64},
    "evaluation": {"every_steps": 2, "bootstrap_samples": 100, "batch_tokens": 200},
    "checkpoint": {"every_steps": 4},
}
CLOCK = ("seconds", "pairs_per_second", "tokens_per_second")


def stop_at_look(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the run find the wish to stop when it looks for the `number`-th time."""
    looks = iter(range(1, 10**9))
    monkeypatch.setattr(Cancellation, "requested", property(lambda self: next(looks) >= number))


def learned(run: Path) -> list[tuple[int, dict[str, float]]]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(row["step"], {k: v for k, v in row["values"].items() if k not in CLOCK}) for row in rows]


def test_a_run_stopped_again_and_again_ends_as_if_it_never_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = make_run(tmp_path / "straight", **SECTIONS)
    assert main(["train", str(straight)]) == 0
    stopped = make_run(tmp_path / "stopped", base=tmp_path / "straight/base", **SECTIONS)
    phases = set()
    for number in (2, 9, 12, 19, 26, 33, 12, 14, 16, 18):
        with monkeypatch.context() as patch:
            stop_at_look(patch, number)
            assert main(["train", str(stopped)]) == 130
        status = json.loads((stopped / "status.json").read_text())
        assert status["checkpoint_step"] == status["step"]
        state = json.loads((stopped / f"checkpoints/step-{status['step']:06d}/state.json").read_text())
        phases.add(bool(state["unlogged"]))
    assert phases == {True, False}  # Inside steps as well as inside looks at held-out pairs.
    assert main(["train", str(stopped)]) == 0
    assert learned(stopped) == learned(straight)
    for name in ("model.safetensors", "reward_head.safetensors"):
        before, after = load_file(straight / "model" / name), load_file(stopped / "model" / name)
        assert all(torch.equal(before[key], after[key]) for key in before)
    results = [json.loads((run / "result.json").read_text()) for run in (straight, stopped)]
    assert results[0] == results[1]
