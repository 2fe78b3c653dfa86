"""What one process says of its end, and of the others', where no starter of ours answers for all of them."""

from dataclasses import replace

import pytest

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.rank_environment import LAUNCH, RankPlace, name_launch, read_launch
from rltrainer.rank_outcome import RankLost, RankOutcome, read_outcome, write_outcome
from rltrainer.rank_process import run_rank
from tests.rltrainer.run_folder import read_json

FIRST_OF_THREE = RankPlace(0, 3, 0)


@pytest.fixture(autouse=True)
def inherited(monkeypatch):
    """A name that is no launch's of these tests, and what it was is put back."""
    monkeypatch.setenv(LAUNCH, "inherited")


def _run(folder, work, place=FIRST_OF_THREE):
    return run_rank(place, "rltrainer", ["train", str(folder)], {"train": work})


def _lose(*outcomes, launch="this one"):
    """The processes meet, unless they have no launch; the others leave these outcomes, and this one loses them."""

    def work(directory):
        if launch is not None:
            name_launch(launch)
        for index, outcome in outcomes:
            write_outcome(directory, index, replace(outcome, launch=read_launch()))
        raise RankLost("connection closed")

    return work


def test_the_first_names_the_process_that_failed_before_it(tmp_path):
    follower = (1, RankOutcome(1, "internal error: RankLost: gone", follows_another=True))
    assert _run(tmp_path, _lose(follower, (2, RankOutcome(1, "internal error: MemoryError: ")))) == 1
    reason = read_json(tmp_path / "status.json")["reason"]
    assert reason == "internal error: RankLost: process 2 of 3: internal error: MemoryError: "
    # For a starter that looks for the one which failed first, this one has still only followed.
    assert read_outcome(RunDirectory(tmp_path), 0) == RankOutcome(
        1, "internal error: RankLost: connection closed", follows_another=True, launch="this one"
    )


def test_without_a_word_of_the_others_the_loss_is_told_as_it_was_met(tmp_path):
    assert _run(tmp_path, _lose()) == 1
    assert read_json(tmp_path / "status.json")["reason"] == "internal error: RankLost: connection closed"


@pytest.mark.parametrize("launch", ["this one", None])
@pytest.mark.parametrize("left_in", ["the one before", "inherited", None])
def test_what_a_killed_process_left_at_an_earlier_start_is_no_cause(tmp_path, launch, left_in):
    """The second rank of this launch was killed before its command began: nobody took the file away."""
    write_outcome(RunDirectory(tmp_path), 1, RankOutcome(3, "bad data: of long ago", launch=left_in))
    assert _run(tmp_path, _lose(launch=launch)) == 1
    assert read_json(tmp_path / "status.json")["reason"] == "internal error: RankLost: connection closed"
    assert read_outcome(RunDirectory(tmp_path), 0).launch == launch


def test_the_cause_of_this_launch_is_told_beside_an_older_one(tmp_path):
    write_outcome(RunDirectory(tmp_path), 1, RankOutcome(3, "bad data: of long ago", launch="the one before"))
    assert _run(tmp_path, _lose((2, RankOutcome(3, "bad data: of now")))) == 1
    assert read_json(tmp_path / "status.json")["reason"].endswith("process 2 of 3: bad data: of now")


def test_what_a_process_left_at_an_earlier_start_is_forgotten(tmp_path):
    directory = RunDirectory(tmp_path)
    for index in (0, 1):
        write_outcome(directory, index, RankOutcome(3, "bad data: of long ago"))
        assert _run(tmp_path, lambda directory: None, RankPlace(index, 2, index)) == 0
        assert read_outcome(directory, index) is None
