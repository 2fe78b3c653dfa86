"""The same trainer under torchrun and `accelerate launch`, by their real commands: the run that it starts by itself."""

import importlib.util
import os
import signal
import subprocess
import sys

import pytest

from tests.rltrainer.distributed.test_two_ranks import OPTIMIZER, _assert_same
from tests.rltrainer.run_folder import ROOT, grpo_config, make_run, read_json, read_rows

# Trainers give way to everybody else: a busy machine may let them wait for minutes.
SECONDS = 240
STEPS = 2
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
ACCELERATE = ("-m", "accelerate.commands.launch", "--num_machines", "1", "--mixed_precision", "no")
# On a machine without GPUs, too, this is what starts several processes; they get a port that is free.
ACCELERATE_TWO = (
    *ACCELERATE, "--dynamo_backend", "no", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0",
)  # fmt: skip
ACCELERATE_CPU = (*ACCELERATE, "--dynamo_backend", "no", "--cpu", "--num_processes", "2")
pytestmark = pytest.mark.slow
with_accelerate = pytest.mark.skipif(
    importlib.util.find_spec("accelerate") is None, reason="accelerate, of the extra `training`, is not installed"
)


def _launch(launcher, folder):
    """Exit code and output of the real command; it leaves no process behind."""
    process = subprocess.Popen(
        [sys.executable, *launcher, "-m", "rltrainer", "train", str(folder)],
        cwd=ROOT,
        # Settings of whoever runs the tests are not to count.
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode, output


def _config(base, **model):
    return grpo_config(base, optimizer=OPTIMIZER, stop={"steps": STEPS}, model=model)


@pytest.fixture(scope="module")
def expected(base, tmp_path_factory):
    """The run of two processes that the trainer has started itself."""
    folder = make_run(tmp_path_factory.mktemp("own") / "run", _config(base, processes=2))
    code, output = _launch((), folder)
    assert code == 0, output
    return folder


@pytest.mark.parametrize(
    ("launcher", "model"),
    [
        pytest.param(TORCHRUN, {}, id="torchrun"),
        pytest.param(TORCHRUN, {"sharding": "full"}, id="torchrun sharded"),
        pytest.param(ACCELERATE_TWO, {}, id="accelerate", marks=with_accelerate),
        # `--cpu` starts one process, whatever number it is given; that starts its own, as the config says.
        pytest.param(ACCELERATE_CPU, {"processes": 2}, id="accelerate on a cpu", marks=with_accelerate),
    ],
)
def test_a_launched_run_is_the_one_that_the_trainer_starts_itself(base, tmp_path, expected, launcher, model):
    folder = make_run(tmp_path / "run", _config(base, **model))
    code, output = _launch(launcher, folder)
    assert code == 0, output
    status = read_json(folder / "status.json")
    assert (status["state"], status["step"]) == ("succeeded", STEPS)
    assert [row["step"] for row in read_rows(folder / "metrics.jsonl")] == list(range(1, STEPS + 1))
    # Two processes, and not one or twice one: the first of them says what it does.
    assert output.count(f"step {STEPS} of {STEPS}") == 1
    assert "2 of them" in status["device_peak"]["note"]
    _assert_same(expected, folder)
    found, wanted = (read_json(run / "result.json") for run in (folder, expected))
    assert found.keys() == wanted.keys()
    assert found["steps"] == STEPS
    assert not list(folder.glob("ranks/*"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raise_in_second", "raised ValueError: no reward for this"),
        ("leave_in_second", "process 1 of 2: internal error: Gone: enough of this"),
        ("die_in_second", "RankLost: another process of this run is gone or does not answer"),
    ],
)
def test_a_fault_of_one_process_ends_the_launch_and_is_named(base, tmp_path, fault, reason):
    config = _config(base)
    config["reward"] = {"function": f"tests.rltrainer.distributed.faulty_rewards:{fault}"}
    folder = make_run(tmp_path / "run", config)
    code, output = _launch(TORCHRUN, folder)
    assert code != 0
    status = read_json(folder / "status.json")
    assert status["state"] == "failed", output
    assert reason in status["reason"]
    assert not (folder / "result.json").exists()
    assert not (folder / "metrics.jsonl").exists()
