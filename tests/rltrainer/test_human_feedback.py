import json

import pytest

from rltrainer.human_feedback import HumanFeedback


def _write(path, *rows):
    with path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_each_line_is_told_once(tmp_path):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    assert feedback.news() == {}
    _write(feedback.path, {"step": 4, "win_rate": 0.6, "judgments": 30})
    found = {"human_win_rate": 0.6, "human_judgments": 30.0, "human_comparisons": 30.0, "human_step": 4.0}
    assert feedback.news() == found
    assert feedback.news() == {}
    _write(feedback.path, {"step": 5, "win_rate": 0.1, "judgments": 1}, {"step": 8, "win_rate": 0.5, "judgments": 9})
    assert feedback.news()["human_step"] == 8.0


def test_a_line_that_is_still_being_written_waits(tmp_path):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    feedback.path.write_text('{"step": 4, "win_rate": 0.6, ')
    assert feedback.news() == {}
    feedback.path.write_text('{"step": 4, "win_rate": 0.6, "judgments": 3}\n')
    assert feedback.news()["human_judgments"] == 3.0


def test_lines_without_sense_are_left_out_by_number(tmp_path, caplog):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    _write(feedback.path, {"step": 1, "win_rate": 61, "judgments": 3}, {"step": 2}, [])
    assert feedback.news() == {}
    assert "human_feedback.jsonl line 1 is left out: win_rate must be between 0 and 1" in caplog.text
    assert "line 2 is left out" in caplog.text
    assert "line 3 is left out" in caplog.text


def test_a_restored_reader_tells_no_line_again(tmp_path):
    path = tmp_path / "human_feedback.jsonl"
    _write(path, {"step": 4, "win_rate": 0.6, "judgments": 30})
    before, after = HumanFeedback(path), HumanFeedback(path)
    before.news()
    after.restore(before.state())
    assert after.news() == {}


def test_how_often_the_reward_agrees_with_people_may_be_told_or_not(tmp_path, caplog):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    line = {"step": 4, "win_rate": 0.6, "judgments": 30}
    _write(feedback.path, {**line, "reward_accuracy": 0.25})
    assert feedback.news()["human_reward_accuracy"] == 0.25
    _write(feedback.path, {**line, "reward_accuracy": None})
    assert "human_reward_accuracy" not in feedback.news()
    _write(feedback.path, {**line, "reward_accuracy": 1.5})
    assert feedback.news() == {}
    assert "line 3 is left out: reward_accuracy must be between 0 and 1" in caplog.text


def test_pairs_that_several_people_judged_are_counted_once(tmp_path, caplog):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    line = {"step": 4, "win_rate": 0.6, "judgments": 30}
    _write(feedback.path, {**line, "comparisons": 10})
    assert (feedback.news() or {})["human_comparisons"] == 10.0
    _write(feedback.path, {**line, "comparisons": 31})
    assert feedback.news() == {}
    assert "line 2 is left out: comparisons must be between 1 and judgments (30), got 31" in caplog.text


def test_the_interval_of_the_win_rate_may_be_told_or_not(tmp_path, caplog):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    line = {"step": 4, "win_rate": 0.6, "judgments": 30}
    _write(feedback.path, {**line, "low": 0.42, "high": 0.75})
    told = feedback.news()
    assert (told["human_win_rate_low"], told["human_win_rate_high"]) == (0.42, 0.75)
    for ends in ({}, {"low": None, "high": None}):
        _write(feedback.path, {**line, **ends})
        told = feedback.news()
        assert told["human_win_rate"] == 0.6
        assert not {"human_win_rate_low", "human_win_rate_high"} & told.keys()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("ends", "fault"),
    [
        ({"low": 0.61, "high": 0.75}, "low and high must lie around win_rate (0.6)"),
        ({"low": 0.42, "high": 0.59}, "low and high must lie around win_rate (0.6)"),
        ({"low": -0.1, "high": 0.75}, "between 0 and 1, got -0.1 and 0.75"),
        ({"low": 0.42, "high": 1.1}, "between 0 and 1, got 0.42 and 1.1"),
        ({"low": float("nan"), "high": 0.75}, "between 0 and 1, got nan and 0.75"),
        ({"low": 0.42}, "give both or neither"),
        ({"low": None, "high": 0.75}, "give both or neither"),
        ({"low": "a", "high": 0.75}, "could not convert"),
        ({"low": [], "high": 0.75}, "float() argument"),
    ],
)
def test_a_line_whose_interval_makes_no_sense_is_left_out(ends, fault, tmp_path, caplog):
    feedback = HumanFeedback(tmp_path / "human_feedback.jsonl")
    _write(feedback.path, {"step": 4, "win_rate": 0.6, "judgments": 30, **ends})
    assert feedback.news() == {}
    assert "human_feedback.jsonl line 1 is left out" in caplog.text and fault in caplog.text
