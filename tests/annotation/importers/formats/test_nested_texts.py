"""Tables hold nested values as JSON in a text; a text that only looks like JSON stays what it is."""

import pytest

from annotation.importers.formats.parsed import unpack_json, unpack_messages
from tests.annotation.importers.reading import errors_of, read_one

TURNS = '[{"role": "user", "content": "Why?"}]'


def test_messages_and_responses_of_a_table_are_unpacked() -> None:
    prompt = read_one({"messages": TURNS, "responses": '["So.", {"text": "Thus.", "source": "m"}]'})
    assert [(turn.role, turn.content) for turn in prompt.prompt] == [("user", "Why?")]
    assert [(each.text, each.source) for each in prompt.responses] == [("So.", None), ("Thus.", "m")]


def test_helpsteer3_and_ultrafeedback_of_a_table_are_unpacked() -> None:
    record = {"context": TURNS, "response1": "a", "response2": "b", "overall_preference": 1.0}
    assert read_one(record).prompt[0].content == "Why?"
    ultra = read_one({"instruction": "Why?", "completions": '[{"model": "m", "response": "So."}]'})
    assert [(each.text, each.source) for each in ultra.responses] == [("So.", "m")]


@pytest.mark.parametrize("text", ["[1, 2] is a list", "[not json", "{}", "[]", "[1]", '["a"]', "plain"])
def test_a_prompt_that_looks_like_json_stays_text(text: str) -> None:
    assert unpack_messages(text) == text


def test_only_texts_are_unpacked() -> None:
    assert [unpack_json(value) for value in (None, 3, ["a"], ' {"a": 1}', "[")] == [None, 3, ["a"], {"a": 1}, "["]


def test_one_fault_is_told_once() -> None:
    assert errors_of({"prompt": "Why?", "responses": "So."}) == [(1, "responses")]


def test_a_record_of_argilla_that_nobody_answered_is_recognised() -> None:
    record = {"id": "1", "fields": {"prompt": "p", "r1": "a", "r2": "b"}, "responses": None}
    assert [response.text for response in read_one(record).responses] == ["a", "b"]
