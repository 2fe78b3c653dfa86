"""PPO put down and taken up: after every step, and in the middle of one. Nothing shows in the end."""

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.runtime.cancellation import Cancellation
from tests.rltrainer.run_folder import make_run, ppo_config, read_json, read_rows, run

STEPS = 4
TIMES = ("seconds_", "tokens_per_second", "tflops", "peak_", "resident_memory")


def _config(base, kind):
    # Two steps of warm-up and two of both: each border is crossed by a resume.
    return ppo_config(
        base,
        critic={"kind": kind, "clip": 0.2},
        kl={"controller": "adaptive", "horizon": 20},
        stop={"steps": STEPS},
        checkpoint={"every_steps": 1},
    )


def _learned(folder):
    return [
        (row["step"], {name: value for name, value in row["values"].items() if not name.startswith(TIMES)})
        for row in read_rows(folder / "metrics.jsonl")
    ]


def _assert_same(broken, straight):
    assert _learned(broken) == _learned(straight)
    last = [folder / "checkpoints" / f"step-{STEPS:06d}" for folder in (broken, straight)]
    for part in ("policy", "critic", "random"):
        mine, theirs = (load_file(folder / f"{part}.safetensors") for folder in last)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    mine, theirs = (read_json(folder / "state.json") for folder in last)
    assert mine["plain"] == theirs["plain"]
    assert mine["parts"] == theirs["parts"]


@pytest.fixture(scope="module", params=["separate", "shared"])
def straight(request, base, tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp(request.param) / "run", _config(base, request.param))
    assert run("train", folder) == (0, "")
    return folder


def _stop_at_look(monkeypatch, number):
    """Let the run find the wish to stop when it looks for the `number`-th time."""
    looks = iter(range(1, 10**9))
    monkeypatch.setattr(Cancellation, "requested", property(lambda self: next(looks) >= number))


def _beside(straight, folder):
    """A new run directory with the config of the straight run."""
    return make_run(folder, read_json(straight / "config.json"))


def test_taken_up_after_every_step_it_ends_the_same(straight, tmp_path, monkeypatch):
    broken, rows = _beside(straight, tmp_path / "run"), []
    for step in range(1, STEPS + 1):
        with monkeypatch.context() as patch:
            reached = property(lambda self, step=step: read_json(broken / "status.json")["step"] >= step)
            patch.setattr(Cancellation, "requested", reached)
            assert run("train", broken)[0] == 130
        assert read_json(broken / "status.json")["step"] == step
        done, rows = rows, read_rows(broken / "metrics.jsonl")
        # The times of the earlier steps are in them too: none was taken again.
        assert rows[:-1] == done
    assert run("train", broken) == (0, "")
    _assert_same(broken, straight)


def test_stopped_at_any_moment_it_ends_the_same(straight, tmp_path, monkeypatch):
    broken = _beside(straight, tmp_path / "run")
    reached = []
    for number in (30, 44, 47, 49, 52, 55, 31, 36):
        with monkeypatch.context() as patch:
            _stop_at_look(patch, number)
            code, reason = run("train", broken)
        assert code in (0, 130), reason
        reached.append(read_json(broken / "status.json")["step"])
        if code == 0:
            break
    assert reached == sorted(reached)
    assert len(set(reached)) >= 3
    if not (broken / "result.json").exists():
        assert run("train", broken) == (0, "")
    _assert_same(broken, straight)
    assert read_json(broken / "result.json") == read_json(straight / "result.json")
