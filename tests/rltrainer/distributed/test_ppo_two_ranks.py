"""PPO on two processes is PPO on one, with each kind of critic."""

import pytest
import torch
from safetensors.torch import load_file

from tests.rltrainer.distributed.processes import on_ranks
from tests.rltrainer.distributed.test_two_ranks import OPTIMIZER, _assert_same, _train
from tests.rltrainer.run_folder import make_run, ppo_config


@pytest.mark.parametrize(("kind", "sharding"), [("separate", "none"), ("shared", "none"), ("separate", "full")])
def test_two_ranks_train_as_one(base, tmp_path, kind, sharding):
    config = ppo_config(
        base,
        critic={"kind": kind, "clip": 0.2, "warmup_steps": 1},
        kl={"controller": "adaptive", "horizon": 20},
        optimizer=OPTIMIZER,
        model={"sharding": sharding},
        stop={"steps": 3},
    )
    one, two = make_run(tmp_path / "one", config), make_run(tmp_path / "two", config)
    assert on_ranks(1, _train, one) == [""]
    assert on_ranks(2, _train, two) == ["", ""]
    _assert_same(one, two)
    last = [folder / "checkpoints" / "step-000003" / "critic.safetensors" for folder in (one, two)]
    mine, theirs = (load_file(path) for path in last)
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        torch.testing.assert_close(theirs[name], tensor, rtol=1e-4, atol=1e-6)
