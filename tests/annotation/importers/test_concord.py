"""A file is taken whole or refused with its lines and fields."""

import json
from io import BytesIO
from typing import Any

import pytest

from annotation.importers.concord import read_prompts
from annotation.importers.line_errors import ImportFileError, LineError
from annotation.importers.lines import split_lines


def line_of(**changes: Any) -> dict[str, Any]:
    line = {
        "external_id": "q1", "kind": "ranking", "prompt": "How long do eggs boil?",
        "responses": [{"id": "a", "text": "7 minutes", "source": "m1"}, {"id": "b", "text": "", "source": None}],
        "judgments": [{"annotator": "ann", "tiers": [["a"], ["b"]], "scores": {"helpful": {"a": 4, "b": 1}}}],
    }  # fmt: skip
    return {**line, **changes}


def encode(*lines: dict[str, Any]) -> list[bytes]:
    return [json.dumps(line).encode() + b"\n" for line in lines]


def errors_of(lines: list[bytes]) -> list[LineError]:
    with pytest.raises(ImportFileError) as caught:
        list(read_prompts(lines))
    return caught.value.errors


def only_error(**changes: Any) -> LineError:
    (error,) = errors_of(encode(line_of(**changes)))
    return error


def test_a_line_is_read() -> None:
    (prompt,) = read_prompts(encode(line_of()))
    assert (prompt.external_id, prompt.kind, prompt.line) == ("q1", "ranking", 1)
    assert prompt.prompt[0].role == "user"
    assert prompt.response_keys == ["a", "b"]
    assert prompt.judgments[0].answer.scores == {"helpful": {"a": 4, "b": 1}}


def test_empty_lines_and_a_byte_order_mark_are_passed_over() -> None:
    lines = [b"\xef\xbb\xbf" + encode(line_of())[0], b"\r\n", *encode(line_of(external_id="q2"))]
    assert [prompt.line for prompt in read_prompts(lines)] == [1, 3]


def test_a_broken_line_7_is_named_and_nothing_after_it_is_given() -> None:
    lines = encode(*[line_of(external_id=f"q{number}") for number in range(1, 11)])
    lines[6] = encode(line_of(external_id="q7", judgments=[{"annotator": "ann", "tiers": [["a"], ["x"]]}]))[0]
    given = []
    with pytest.raises(ImportFileError, match=r"line 7, judgments\[0\].tiers\[1\]: no response 'x'") as caught:
        given.extend(read_prompts(lines))
    assert len(caught.value.errors) == 1
    assert [prompt.line for prompt in given] == [1, 2, 3, 4, 5, 6]


def test_reading_is_lazy_up_to_the_first_error() -> None:
    reader = read_prompts(encode(line_of(), line_of(external_id="q2", kind="poem")))
    assert next(reader).external_id == "q1"
    with pytest.raises(ImportFileError):
        next(reader)


@pytest.mark.parametrize(
    ("changes", "field", "part"),
    [
        ({"external_id": ""}, "external_id", "must not be empty"),
        ({"external_id": 17}, "external_id", "expected text, got a number"),
        ({"external_id": "x" * 201}, "external_id", "too long"),
        ({"kind": "rating"}, "kind", "use ranking or scalar"),
        ({"promt": "x"}, "promt", "did you mean 'prompt'?"),
        ({"prompt": None}, "prompt", "expected text, got null"),
        ({"prompt": []}, "prompt", "1 to 200 messages"),
        ({"prompt": ["hi"]}, "prompt[0]", "an object with role and content"),
        ({"prompt": [{"role": "boss", "content": "x"}]}, "prompt[0].role", "'boss' is no role"),
        ({"prompt": [{"role": "user"}]}, "prompt[0].content", "is missing"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "prompt", "last message must be from user"),
        ({"prompt": [{"role": "user", "content": "x", "name": "y"}]}, "prompt[0].name", "unknown key"),
        ({"tags": "x"}, "tags", "expected a list"),
        ({"tags": ["a", 1]}, "tags[1]", "expected text"),
        ({"metadata": []}, "metadata", "expected an object"),
        ({"metadata": {"a": {"b": "\x00"}}}, "metadata.a.b", "NUL"),
        ({"metadata": {"a": "x" * 65_530}}, "metadata", "too large"),
        ({"judgments": {}}, "judgments", "expected a list"),
        ({"judgments": ["x"]}, "judgments[0]", "expected an object"),
        ({"judgments": [{"tiers": [["a"], ["b"]]}]}, "judgments[0].annotator", "is missing"),
        ({"judgments": [{"annotator": "x", "tiers": [["a"]]}]}, "judgments[0].tiers", "'b' is missing"),
        ({"judgments": [{"annotator": "x", "tiers": [["a", "b"]], "wow": 1}]}, "judgments[0].wow", "unknown key"),
        ({"gold": {"tiers": [["a", "b"], ["b"]]}}, "gold.tiers", "'b' stands 2 times"),
        ({"gold": {"annotator": "x", "tiers": [["a", "b"]]}}, "gold.annotator", "unknown key"),
        ({"responses": [{"id": "a", "text": "x"}], "judgments": []}, "responses", "takes 2 to 9 responses, got 1"),
        ({"kind": "scalar", "responses": [], "judgments": []}, "responses", "takes 1 to 26 responses, got 0"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_path(changes: dict[str, Any], field: str, part: str) -> None:
    error = only_error(**changes)
    assert (error.line, error.field) == (1, field)
    assert part in error.message


@pytest.mark.parametrize("name", ["external_id", "kind", "prompt", "responses"])
def test_a_missing_field_is_named(name: str) -> None:
    line = line_of(judgments=[])
    del line[name]
    (error,) = errors_of(encode(line))
    assert (error.field, error.message[:10]) == (name, "is missing")


def test_two_responses_cannot_share_an_id() -> None:
    error = only_error(responses=[{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], judgments=[])
    assert error.field == "responses[1].id"


def test_ten_responses_are_too_many_to_rank_but_not_to_score() -> None:
    responses = [{"id": f"r{number}", "text": "x"} for number in range(10)]
    assert "2 to 9" in only_error(responses=responses, judgments=[]).message
    assert list(read_prompts(encode(line_of(kind="scalar", responses=responses, judgments=[]))))


def test_an_annotator_judges_a_prompt_once() -> None:
    error = only_error(judgments=[{"annotator": "ann", "tiers": [["a", "b"]]}] * 2)
    assert error == LineError(1, "judgments[1].annotator", "'ann' already judged this prompt in judgments[0]")


def test_an_external_id_stands_once_in_a_file() -> None:
    (error,) = errors_of(encode(line_of(), line_of(external_id="q2"), line_of()))
    assert (error.line, error.field) == (3, "external_id")
    assert "line 1" in error.message


@pytest.mark.parametrize(
    ("time", "part"),
    [("yesterday", "ISO 8601"), ("2026-02-01T10:00:00", "no time zone"), (5, "got a number"),
     ("0001-01-01T00:00:00+12:00", "between the years")],
)  # fmt: skip
def test_a_time_needs_a_zone(time: Any, part: str) -> None:
    error = only_error(judgments=[{"annotator": "ann", "tiers": [["a", "b"]], "created_at": time}])
    assert error.field == "judgments[0].created_at"
    assert part in error.message


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b'{"external_id": "q\n', "not valid JSON"),
        (b"[1, 2]", "expected a JSON object, got a list"),
        (b'"text"', "expected a JSON object, got text"),
        (b"\xff\xfe", "not UTF-8: byte 1 is 0xff"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "32 levels"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_a_line_that_is_no_object_is_refused(line: bytes, part: str) -> None:
    (error,) = errors_of([line])
    assert (error.line, error.field) == (1, "")
    assert part in error.message


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"a": 4', b'"a": NaN', "judgments[0].scores.helpful.a"),
        (b'"a": 4', b'"a": -Infinity', "judgments[0].scores.helpful.a"),
        (b"7 minutes", b"\\udc00", "responses[0].text"),
        (b'"q1"', b'"q1", "metadata": {"x": [NaN]}', "metadata.x[0]"),
    ],
)
def test_what_json_does_not_know_is_named_by_its_field(old: bytes, new: bytes, field: str) -> None:
    line = encode(line_of())[0]
    assert old in line
    assert errors_of([line.replace(old, new)])[0].field == field


def test_reading_stops_after_twenty_errors() -> None:
    with pytest.raises(ImportFileError, match="more lines were not looked at") as caught:
        list(read_prompts([b"[]"] * 50))
    assert [error.line for error in caught.value.errors] == list(range(1, 21))


def test_a_line_without_end_is_not_held_in_memory() -> None:
    stream = BytesIO(b'{"x"' + b" " * 1000 + b"}\nshort\n" + b"y" * 101)
    lines = list(split_lines(stream, longest=100))
    assert [len(line) for line in lines] == [101, 6, 101]


def test_a_line_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.importers.json_line.LONGEST_LINE_BYTES", 50)
    (error,) = errors_of(encode(line_of()))
    assert error.message.startswith("longer than")
