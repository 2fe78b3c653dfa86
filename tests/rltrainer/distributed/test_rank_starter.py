"""The processes of a run are started, asked to stop and ended together, and one exit code speaks for all."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer import rank_starter
from rltrainer.rank_outcome import read_outcome
from rltrainer.rank_starter import run_ranks
from tests.rltrainer.run_folder import ROOT, grpo_config, make_run, read_json, start
from tests.waiting import is_alive, wait_until
from trainingruns import leash

RANK = """
import os, sys, time
from pathlib import Path
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.rank_outcome import RankOutcome, write_outcome
index, directory = int(os.environ["RANK"]), RunDirectory(sys.argv[1])
def leave(code, reason, follows=False):
    write_outcome(directory, index, RankOutcome(code, reason, follows))
    os._exit(code)
"""


def _run(folder: Path, script: str, count: int = 2) -> int:
    return run_ranks(count, [sys.executable, "-c", RANK + script, str(folder)], RunDirectory(folder))


def test_all_end_well(tmp_path):
    assert _run(tmp_path, "assert os.environ['WORLD_SIZE'] == '3'", count=3) == 0
    assert not (tmp_path / "status.json").exists()


@pytest.mark.parametrize("code", [2, 3, 4, 130])
def test_what_all_agree_on_is_the_runs_end(tmp_path, code):
    assert _run(tmp_path, f"leave({code}, 'because')") == code
    assert not (tmp_path / "status.json").exists(), "the first rank itself has said why"


def test_the_rank_that_failed_first_speaks_for_those_that_followed(tmp_path):
    script = "leave(1, 'lost the other', follows=True) if index == 0 else leave(3, 'bad data: line 7')"
    assert _run(tmp_path, script) == 3
    status = read_json(tmp_path / "status.json")
    assert (status["state"], status["reason"]) == ("failed", "process 1 of 2: bad data: line 7")


def test_a_killed_rank_takes_the_others_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_starter, "GRACE_SECONDS", 0.3)
    late = tmp_path / "late"
    script = f"os.kill(os.getpid(), 9) if index == 1 else (time.sleep(900), open({str(late)!r}, 'w'))"
    assert _run(tmp_path, script) == 128 + 9
    assert not late.exists()
    assert read_json(tmp_path / "status.json")["reason"] == "process 1 of 2: was ended by SIGKILL"


def test_a_rank_that_says_nothing_is_told_apart(tmp_path):
    assert _run(tmp_path, "sys.exit(index * 7)") == 7
    assert "ended with code 7 and said nothing" in read_json(tmp_path / "status.json")["reason"]


def test_what_an_earlier_start_left_is_forgotten(tmp_path):
    _run(tmp_path, "leave(3, 'old')")
    assert _run(tmp_path, "pass") == 0
    assert read_outcome(RunDirectory(tmp_path), 0) is None


def _wait_for_a_step(folder: Path, process: subprocess.Popen[str]) -> None:
    wait_until((folder / "metrics.jsonl").exists, process=process)


@pytest.fixture
def begin():
    """Starts the real command; whatever becomes of the test, nothing of it is left behind."""
    started = []

    def start_train(folder: Path) -> subprocess.Popen[str]:
        started.append(start("train", folder))
        return started[-1]

    yield start_train
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_real_command_stops_when_asked_and_survives_no_lost_rank(base, tmp_path, begin):
    config = grpo_config(base, model={"processes": 2}, stop={"steps": 100_000}, checkpoint={"every_steps": 10**6})
    folder = make_run(tmp_path / "run", config)
    process = begin(folder)
    _wait_for_a_step(folder, process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    status = read_json(folder / "status.json")
    assert status["state"] == "cancelled"
    assert status["checkpoint_step"] == status["step"] >= 1
    (folder / "metrics.jsonl").unlink()
    process = begin(folder)
    _wait_for_a_step(folder, process)
    ranks = _children(process.pid)
    assert len(ranks) == 2
    os.kill(ranks[1], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + 9, output
    assert read_json(folder / "status.json")["reason"] == "process 1 of 2: was ended by SIGKILL"
    assert not any(Path(f"/proc/{rank}").exists() for rank in ranks)


SLEEPERS = """
import sys
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.rank_starter import run_ranks
print("up", flush=True)
sys.exit(run_ranks(2, [sys.executable, "-c", "import time; time.sleep(900)"], RunDirectory(sys.argv[1])))
"""


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("victim", ["leash", "starter"])
def test_the_leash_holds_all_ranks(tmp_path, victim):
    command = [sys.executable, "-I", leash.__file__, str(tmp_path), "1", "2", sys.executable, "-c", SLEEPERS]
    process = subprocess.Popen(
        [*command, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True, env={**os.environ}
    )
    try:
        wait_until(lambda: _children(process.pid) and len(_children(_children(process.pid)[0])) == 2)
        (starter,) = _children(process.pid)
        ranks = _children(starter)
        assert {os.getpgid(rank) for rank in ranks} == {process.pid}
        # The lock is in every rank's hands: nobody else starts on the directory while one of them lives.
        locks = [path for rank in ranks for path in _open_files(rank)]
        assert locks.count(str(tmp_path / ".leash")) == 2
        os.kill(process.pid if victim == "leash" else starter, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in (starter, *ranks)))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _open_files(pid):
    """What a process holds open; a file that it closes while we look is not among them."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return found
