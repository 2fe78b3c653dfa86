import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rewardmodel.runtime import priority
from rewardmodel.runtime.priority import LONG_SLICE_NANOSECONDS, NICENESS, read_slice
from tests.running_site import ROOT

ASK = """
import os, pathlib, threading
from rewardmodel.runtime.priority import lower_priority, read_slice
lower_priority()
found = []
thread = threading.Thread(target=lambda: found.append(read_slice()))
thread.start()
thread.join()
group = pathlib.Path("/proc/self/autogroup")
print(os.nice(0), group.read_text().split()[-1] if group.exists() else "none", read_slice(), *found)
"""


def _ask() -> list[str]:
    said = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True, start_new_session=True
    )
    return said.stdout.split()


def test_a_trainer_and_its_session_give_way() -> None:
    niceness, group, *_ = _ask()
    assert int(niceness) == max(NICENESS, os.nice(0))
    assert group == (str(NICENESS) if Path("/proc/self/autogroup").exists() else "none")


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() not in priority.CALLS or not read_slice(),
    reason="this kernel has no slices to ask for",
)
def test_it_and_its_threads_ask_for_long_slices() -> None:
    before = read_slice()
    assert _ask()[2:] == [str(LONG_SLICE_NANOSECONDS)] * 2
    # What a process asks for is its own business.
    assert read_slice() == before < LONG_SLICE_NANOSECONDS


def test_another_system_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_slice()
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    priority.take_long_slices()
    assert read_slice() == 0
    monkeypatch.undo()
    assert read_slice() == before


def test_a_kernel_that_refuses_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("sched_setattr")

    monkeypatch.setattr(priority, "_call", refuse)
    monkeypatch.setattr(priority.os, "setpriority", lambda *_: None)
    priority.lower_priority()
