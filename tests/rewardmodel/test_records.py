import json
from pathlib import Path
from typing import Any

import pytest

from rewardmodel.records import (
    DataError,
    parse_example,
    parse_preference,
    read_preferences,
    read_prompts,
    read_responses,
    to_json,
)
from tests.rewardmodel.preferences import make_rows, write_rows


def test_a_record_comes_back_unchanged_through_json() -> None:
    row = {**make_rows(1, first_prompt=0, seed=0)[0], "margin": 1, "judgments": [901, 944]}
    record = parse_preference(row)
    assert parse_preference(json.loads(json.dumps(to_json(record)))) == record
    assert (record.votes.chosen, record.margin, record.judgments) == (4, 1.0, (901, 944))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen": None}, "chosen: is missing"),
        ({"chosen": 7}, "chosen: expected text, got int"),
        ({"id": ""}, "id: is empty"),
        ({"prompt": []}, "prompt: needs at least one message"),
        ({"prompt": [{"role": "wizard", "content": ""}]}, "prompt[0].role: expected one of"),
        ({"prompt": [{"role": "user", "content": 1}]}, "prompt[0].content: expected text"),
        ({"votes": {"chosen": -1}}, "votes.chosen: must be 0 or more"),
        ({"votes": {"chosen": 1, "rejected": 2}}, "votes: 'rejected' has more votes"),
        ({"preference": 0.4}, "preference: must be from 0.5 to 1, got 0.4"),
        ({"preference": "high"}, "preference: expected a"),
        ({"votes": {"maybe": 1}}, "votes.maybe: unknown field"),
        ({"margin": float("nan")}, "margin: expected a finite number"),
        ({"weight": -1}, "weight: must be 0 or more"),
        ({"colour": "red"}, "colour: unknown field"),
        ({"rejected": "same", "chosen": "same"}, "rejected: is the same text as 'chosen'"),
        ({"chosen": "a\0b"}, "chosen: has a NUL character at position 2"),
        ({"prompt": [{"role": "user", "content": "\ud800"}]}, "prompt[0].content: has half a surrogate pair"),
        ({"judgments": ["901"]}, "judgments: expected whole numbers, got '901'"),
        ({"weight": 10**400}, "weight: expected a finite number"),
    ],
)
def test_a_broken_field_is_named_with_file_and_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = make_rows(3, first_prompt=0, seed=0)
    rows[1] |= change
    write_rows(tmp_path / "train.jsonl", rows)
    with pytest.raises(DataError) as caught:
        read_preferences(tmp_path / "train.jsonl")
    assert str(caught.value).startswith(f"train.jsonl line 2: {message}")


@pytest.mark.parametrize("start", ["\ufeff", "\ufeff\n", "\ufeff\r\n\r\n"])
def test_a_byte_order_mark_is_read_over(tmp_path: Path, start: str) -> None:
    line = '{"prompt_id": "1", "prompt": [{"role": "user", "content": "x"}]}\n'
    (tmp_path / "prompts.jsonl").write_text(start + line, encoding="utf-8")
    assert [record.prompt_id for record in read_prompts(tmp_path / "prompts.jsonl")] == ["1"]
    (tmp_path / "prompts.jsonl").write_text("\ufeff{oops\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 1: not valid JSON: .* at column 2"):
        read_prompts(tmp_path / "prompts.jsonl")


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"prompt_id": "1", "prompt": [{"role": "user", "content": "x"}]}\n{oops\n')
    with pytest.raises(DataError, match=r"prompts.jsonl line 2: not valid JSON"):
        read_prompts(tmp_path / "prompts.jsonl")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"prompt_id": "\xff"}', "not valid UTF-8 at byte 16"),
        (b"\x00\x00\x00", "not valid JSON"),
        (b'{"sample": ' + b"9" * 5000 + b"}", "JSON that cannot be read"),
        (b"[" * 100_000, "JSON that cannot be read"),
        (b"[1]", "expected a JSON object, got list"),
        (b'{"metadata": {"answer": 1, "answer": 2}}', "JSON that cannot be read: the key 'answer' stands twice"),
        (b'{"prompt_id": "1", "prompt_id": "2"}', "JSON that cannot be read: the key 'prompt_id' stands twice"),
    ],
)
def test_a_line_that_cannot_be_decoded_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    (tmp_path / "prompts.jsonl").write_bytes(b"\n" + line + b"\n")
    with pytest.raises(DataError) as caught:
        read_prompts(tmp_path / "prompts.jsonl")
    assert str(caught.value).startswith(f"prompts.jsonl line 2: {message}")


@pytest.mark.parametrize(("written", "named"), [("1e999", "inf"), ("NaN", "nan"), ("-Infinity", "-inf")])
def test_metadata_with_a_number_that_is_not_finite_is_refused(tmp_path: Path, written: str, named: str) -> None:
    prompt = '"prompt": [{"role": "user", "content": "x"}]'
    (tmp_path / "prompts.jsonl").write_text(f'{{"prompt_id": "1", {prompt}, "metadata": {{"a": [1, {written}]}}}}\n')
    with pytest.raises(DataError, match=f"prompts.jsonl line 1: metadata: expected finite numbers, got {named}"):
        read_prompts(tmp_path / "prompts.jsonl")


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").mkdir()
    with pytest.raises(DataError, match=r"prompts.jsonl: the file is missing"):
        read_prompts(tmp_path / "prompts.jsonl")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"responses.jsonl: the file is missing"):
        read_responses(tmp_path / "responses.jsonl")


def test_an_example_comes_back_unchanged_and_its_faults_are_named() -> None:
    row = {"id": "1/a", "prompt_id": "1", "prompt": [{"role": "user", "content": "?"}], "response": "So."}
    record = parse_example({**row, "origin": "chosen", "judgments": [3, 5]})
    assert parse_example(json.loads(json.dumps(to_json(record)))) == record
    assert parse_example(row).origin == "demonstration"
    for change, message in (({"response": ""}, "response: is empty"), ({"origin": "luck"}, "origin: expected one of")):
        with pytest.raises(DataError, match=message):
            parse_example({**row, **change})
