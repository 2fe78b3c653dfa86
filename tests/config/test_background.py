import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import celery
from tests.running_site import ROOT

ASK = """
import os, pathlib
from config.background import step_back
step_back()
step_back()
group = pathlib.Path("/proc/self/autogroup")
print(os.nice(0), group.read_text().split()[-1] if group.exists() else "none")
"""


@pytest.mark.parametrize(("wanted", "found"), [("7", 7), ("0", 0), ("40", 19)])
def test_a_worker_and_its_session_step_back(wanted: str, found: int) -> None:
    environment = {**os.environ, "WORKER_NICENESS": wanted}
    command = [sys.executable, "-c", ASK]
    said = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, start_new_session=True
    )
    niceness, group = said.stdout.split()
    assert int(niceness) == max(found, os.nice(0))
    assert group == (str(found) if Path("/proc/self/autogroup").exists() else "none")


def test_nonsense_is_refused_by_name() -> None:
    environment = {**os.environ, "WORKER_NICENESS": "very"}
    said = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert said.returncode != 0
    assert "WORKER_NICENESS must be a whole number" in said.stderr


@pytest.mark.parametrize(("worker", "steps_back"), [("worker@here", True), ("gpu@here", False)])
def test_the_worker_of_runs_leaves_it_to_trainers(
    worker: str, steps_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(celery, "step_back", lambda: asked.append(True))
    celery.give_way(sender=worker)
    assert asked == [True] * steps_back
