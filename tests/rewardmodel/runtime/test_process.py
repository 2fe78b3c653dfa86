"""How a run's process ends, by the real frame in a process of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENDING = """
import os, signal, sys
from rewardmodel.runtime.process import run_process
from rewardmodel.runtime.status import StatusWriter

write = StatusWriter.update


def be_told_to_end(self, **changes):
    if "state" in changes and changes["state"] != "running":
        os.kill(os.getpid(), signal.SIGTERM)
    write(self, **changes)


def work(directory):
    StatusWriter.update = be_told_to_end
    if sys.argv[2] == "fail":
        raise RuntimeError("no more")


code = run_process("trainer", ["train", sys.argv[1]], {"train": work})
if sys.argv[2] == "stay":
    os.kill(os.getpid(), signal.SIGTERM)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("way", "code", "state"),
    [("fail", 1, "failed"), ("succeed", 0, "succeeded"), ("stay", -signal.SIGTERM, "succeeded")],
)
def test_a_signal_at_the_very_end_does_not_leave_a_run_that_says_it_is_running(
    tmp_path: Path, way: str, code: int, state: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, str(tmp_path), way], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert json.loads((tmp_path / "status.json").read_text())["state"] == state
