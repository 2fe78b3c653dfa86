"""Machines that a job of verl can be written for, and those among which it cannot be shared out."""

import pytest

from rltrainer.__main__ import main
from rltrainer.config import parse_config
from rltrainer.verl.machines import Machines
from tests.rltrainer.run_folder import make_run
from tests.rltrainer.verl.test_export import VERL, job_config


def _parse(base, kind, **sections):
    return parse_config(job_config(base, kind, **sections))


@pytest.mark.parametrize(
    ("prompts", "minibatches", "group", "gpus", "fitting"),
    [
        (2, 1, 4, (2, 8), 4),
        (8, 4, 4, (2, 8), 16),
        (6, 1, 4, (2, 8), 4),
        (6, 3, 2, (1, 8), 12),
        (64, 2, 1, (3, 8), 48),
        (4, 1, 4, (2, 8), None),
        (16, 4, 4, (2, 8), None),
        (1, 1, 8, (1, 8), None),
        (3, 1, 5, (1, 1), None),
    ],
)
def test_what_gpus_cannot_share_equally_is_refused(base, prompts, minibatches, group, gpus, fitting):
    rollout = {"prompts_per_step": prompts, "group_size": group}
    kind = "ppo" if group == 1 else "grpo"
    config = _parse(base, kind, rollout=rollout, optimizer={"minibatches": minibatches})
    faults = Machines(*gpus).misfits(config)
    # As verl's worker has it: completions of an optimizer step, over all GPUs.
    assert bool(faults) == bool(prompts // minibatches * group % (gpus[0] * gpus[1]))
    if fitting is None:
        assert faults == []
        return
    (fault,) = faults
    assert fault.startswith("rollout.prompts_per_step: ")
    assert f"take a multiple of {fitting} prompts, or fewer GPUs" in fault
    better = _parse(
        base, kind, rollout={**rollout, "prompts_per_step": fitting}, optimizer={"minibatches": minibatches}
    )
    assert Machines(*gpus).misfits(better) == []


def test_a_job_for_too_many_gpus_is_not_written(base, tmp_path, capsys):
    folder = make_run(tmp_path / "run", job_config(base, rollout={"prompts_per_step": 2}))
    assert main(["export-verl", str(folder), "--nodes", "2"]) == 2
    assert "rollout.prompts_per_step: an optimizer step has 8 completions (2 prompts x 4" in capsys.readouterr().err
    assert not (folder / "verl").exists()


def test_the_worker_of_verl_asks_for_equal_shares():
    worker = (VERL / "workers" / "engine_workers.py").read_text()
    assert "mini_batch_size % self.engine.get_data_parallel_size() == 0" in worker
