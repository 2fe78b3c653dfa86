"""A run that is put down and taken up after every step ends with the very bits of one that never stopped."""

import json

import pytest
import torch
from safetensors.torch import load_file

from rltrainer.config import parse_config
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

STEPS = 4
TIMES = ("seconds_", "tokens_per_second", "tflops", "peak_", "resident_memory", "rss", "micro_batch")
KINDS = {
    "grpo": {"optimizer": {"passes": 2, "minibatches": 2}, "kl": {"controller": "adaptive", "horizon": 20}},
    "rloo": {},
    "grpo in bfloat16": {"model": {"precision": "bfloat16"}},
    "dapo": {
        "rollout": {"prompts_per_step": 2, "group_size": 8},
        "dynamic_sampling": {"stale_steps": 2, "max_batches": 3},
        "reward": {"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:share_of_wanted"},
    },
}


def _config(base, kind):
    config = grpo_config(base, stop={"steps": STEPS}, checkpoint={"every_steps": 1}, **KINDS[kind])
    return {**config, "kind": kind.split()[0]}


def _learned(folder):
    """Metrics without what the clock and the machine decide."""
    return [
        (row["step"], {name: value for name, value in row["values"].items() if not name.startswith(TIMES)})
        for row in read_rows(folder / "metrics.jsonl")
    ]


def _checkpoint(folder, step=STEPS):
    return folder / "checkpoints" / f"step-{step:06d}"


def _carried(folder, step):
    return read_json(_checkpoint(folder, step) / "state.json")["plain"]["collector"]["carried"]


def _set_steps(folder, steps):
    config = read_json(folder / "config.json")
    config["stop"]["steps"] = steps
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("kind", KINDS)
def test_taken_up_after_every_step_a_run_ends_the_same(base, tmp_path, kind):
    straight, broken = (make_run(tmp_path / name, _config(base, kind), prompts=24) for name in ("straight", "broken"))
    assert run("train", straight) == (0, "")
    carried, rows = [], []
    for steps in range(1, STEPS + 1):
        _set_steps(broken, steps)
        # A run with a result is done; without it, it goes on from its checkpoint.
        (broken / "result.json").unlink(missing_ok=True)
        assert run("train", broken) == (0, "")
        carried.append(len(_carried(broken, steps)))
        done, rows = rows, read_rows(broken / "metrics.jsonl")
        # The times of the earlier steps are in them too: none was taken again.
        assert rows[:-1] == done
    # Groups of dynamic sampling go through every checkpoint, some through two of them.
    assert all(carried) == any(carried) == (kind == "dapo")
    assert _learned(broken) == _learned(straight)
    for part in ("policy", "random"):
        mine, theirs = (load_file(_checkpoint(folder) / f"{part}.safetensors") for folder in (broken, straight))
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    states = [read_json(_checkpoint(folder) / "state.json") for folder in (broken, straight)]
    assert states[0]["plain"] == states[1]["plain"]


def test_the_kinds_here_are_those_without_a_critic(base):
    assert {parse_config(_config(base, kind)).kind for kind in KINDS} == {"grpo", "rloo", "dapo"}
