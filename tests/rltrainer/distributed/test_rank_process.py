"""What one process says of its end, and of the others', where no starter of ours answers for all of them."""

import os
import signal

import pytest

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.rank_environment import BEGAN, RankPlace
from rltrainer.rank_outcome import RankLost, RankOutcome, read_outcome, write_outcome
from rltrainer.rank_process import run_rank
from tests.rltrainer.run_folder import read_json

FIRST_OF_THREE = RankPlace(0, 3, 0)


@pytest.fixture(autouse=True)
def signals():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _run(folder, work, place=FIRST_OF_THREE):
    return run_rank(place, "rltrainer", ["train", str(folder)], {"train": work})


def _lose(*outcomes):
    """The other processes leave these outcomes, and this one loses them."""

    def work(directory):
        for index, outcome in outcomes:
            write_outcome(directory, index, outcome)
        raise RankLost("connection closed")

    return work


def test_the_first_names_the_process_that_failed_before_it(tmp_path):
    follower = (1, RankOutcome(1, "internal error: RankLost: gone", follows_another=True))
    assert _run(tmp_path, _lose(follower, (2, RankOutcome(1, "internal error: MemoryError: ")))) == 1
    reason = read_json(tmp_path / "status.json")["reason"]
    assert reason == "internal error: RankLost: process 2 of 3: internal error: MemoryError: "
    # For a starter that looks for the one which failed first, this one has still only followed.
    assert read_outcome(RunDirectory(tmp_path), 0) == RankOutcome(
        1, "internal error: RankLost: connection closed", follows_another=True
    )


def test_without_a_word_of_the_others_the_loss_is_told_as_it_was_met(tmp_path):
    assert _run(tmp_path, _lose()) == 1
    assert read_json(tmp_path / "status.json")["reason"] == "internal error: RankLost: connection closed"


def test_what_a_killed_process_left_at_an_earlier_start_is_no_cause(tmp_path):
    stale = RunDirectory(tmp_path).root / "ranks" / "rank-1.json"
    write_outcome(RunDirectory(tmp_path), 1, RankOutcome(3, "bad data: of long ago"))
    os.utime(stale, (BEGAN - 60, BEGAN - 60))
    assert _run(tmp_path, _lose()) == 1
    assert read_json(tmp_path / "status.json")["reason"] == "internal error: RankLost: connection closed"
    os.utime(stale, (BEGAN + 60, BEGAN + 60))
    assert _run(tmp_path, _lose()) == 1
    assert "process 1 of 3: bad data" in read_json(tmp_path / "status.json")["reason"]


def test_what_a_process_left_at_an_earlier_start_is_forgotten(tmp_path):
    directory = RunDirectory(tmp_path)
    for index in (0, 1):
        write_outcome(directory, index, RankOutcome(3, "bad data: of long ago"))
        assert _run(tmp_path, lambda directory: None, RankPlace(index, 2, index)) == 0
        assert read_outcome(directory, index) is None
