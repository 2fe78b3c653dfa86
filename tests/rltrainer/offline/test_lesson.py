"""Held-out lessons lie apart from those that are learned from."""

import pytest

from rewardmodel.records import DataError, ExampleRecord
from rltrainer.offline.lesson import Lesson, check_apart


def _lesson(prompt_id, *prompt_ids):
    prompt = ({"role": "user", "content": "?"},)
    record = ExampleRecord(id=prompt_id, prompt_id=prompt_id, prompt=prompt, response="x", origin="chosen")
    return Lesson(record, prompt_ids, ((7,),))


def test_a_prompt_in_both_is_refused():
    with pytest.raises(DataError, match="1 prompts, for instance 'a', are in both"):
        check_apart([_lesson("a", 1), _lesson("b", 2)], [_lesson("a", 3)])


def test_a_text_in_both_under_two_ids_is_told(caplog):
    check_apart([_lesson("a", 1, 2), _lesson("b", 3)], [_lesson("c", 1, 2), _lesson("d", 4)])
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "1 held-out prompts have the text of one that is learned from, for instance 'c' of data.eval that of 'a' of"
    )


def test_nothing_is_told_of_lessons_that_lie_apart(caplog):
    check_apart([_lesson("a", 1, 2)], [_lesson("c", 1), _lesson("d", 2)])
    assert not caplog.records
