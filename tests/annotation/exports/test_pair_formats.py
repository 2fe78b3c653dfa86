"""Every pair format holds the same pairs as `trl`, and texts come out byte for byte."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.exports.canonical import build_record, build_response
from annotation.exports.csv_lines import encode_csv
from annotation.exports.formats import FORMATS, export_rows
from annotation.exports.pair_formats import dataset_info
from annotation.exports.prompt_group import PromptGroup
from annotation.importers.records import ImportedPrompt
from annotation.kinds.ranking import RankingAnswer, parse_answer
from tests.annotation.importers.reading import read

Pair = tuple[str, str]
PROMPT = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Colour?"},
]
# HH is text in which a turn begins after two line breaks and ends without spaces.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).map(
    lambda text: text.replace("\n\n", "\n").strip()
)
placings = st.lists(st.integers(0, 3), min_size=2, max_size=5)


def group_of(written: list[str], places: list[int]) -> PromptGroup:
    keys = [f"r{number}" for number in range(len(places))]
    tiers = [[key for key, at in zip(keys, places, strict=True) if at == place] for place in sorted(set(places))]
    responses = [build_response(key=key, text=text, source=None) for key, text in zip(keys, written, strict=True)]
    record = build_record(
        answer=parse_answer({"tiers": tiers}, response_keys=keys, criteria=None), answer_id="j", task_id="t",
        prompt_id="q", project="p", prompt=PROMPT, responses=responses, annotator="ann", created_at=None,
    )  # fmt: skip
    return PromptGroup(
        external_id="q", prompt_id="q", kind="ranking", prompt=PROMPT, responses=responses, records=[record]
    )


def rows_of(name: str, group: PromptGroup) -> list[dict[str, Any]]:
    return list(export_rows([group], format_name=name, kind="ranking"))


def pairs_of(group: PromptGroup) -> list[Pair]:
    return [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows_of("trl", group)]


def read_back(row: dict[str, Any], form: str) -> Pair:
    """The pair as our importer of that format reads it."""
    kept = {name: row[name] for name in ("prompt", "chosen", "rejected") if name in row}
    (prompt,) = read(kept, form=form)
    assert isinstance(prompt, ImportedPrompt), str(prompt)
    assert [(turn.role, turn.content) for turn in prompt.prompt] == [(m["role"], m["content"]) for m in PROMPT]
    found = {response.key: response.text for response in prompt.responses}
    answer = prompt.judgments[0].answer
    assert isinstance(answer, RankingAnswer)
    return found[answer.tiers[0][0]], found[answer.tiers[1][0]]


def whole(messages: list[dict[str, str]]) -> str:
    assert messages[:-1] == PROMPT
    return messages[-1]["content"]


def sharegpt(row: dict[str, Any]) -> Pair:
    assert [turn["value"] for turn in row["conversations"]] == [message["content"] for message in PROMPT]
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt", "human"]
    return row["chosen"]["value"], row["rejected"]["value"]


READERS: dict[str, Callable[[dict[str, Any]], Pair]] = {
    "trl-implicit": lambda row: read_back(row, "preference"),
    "openrlhf": lambda row: read_back(row, "preference"),
    "hh": lambda row: read_back(row, "hh"),
    "torchtune": lambda row: (whole(row["chosen_conversations"]), whole(row["rejected_conversations"])),
    "llama-factory": sharegpt,
    "csv": lambda row: (row["chosen"], row["rejected"]),
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_format_holds_the_same_pairs(name: str, data: st.DataObject) -> None:
    places = data.draw(placings)
    # HH has no way to tell apart two dialogues that are equal, so texts are made different.
    written = [f"{number}{data.draw(texts)}" for number in range(len(places))]
    group = group_of(written, places)
    assert [READERS[name](row) for row in rows_of(name, group)] == pairs_of(group)


@given(data=st.data())
def test_unpaired_rows_are_the_two_sides_of_each_pair(data: st.DataObject) -> None:
    places = data.draw(placings)
    group = group_of([f"{number}" for number in places], places)
    rows = rows_of("trl-unpaired", group)
    assert [row["label"] for row in rows] == [True, False] * (len(rows) // 2)
    said = [row["completion"][0]["content"] for row in rows]
    assert list(zip(said[::2], said[1::2], strict=True)) == pairs_of(group)


def test_margins_and_weights_ride_along() -> None:
    group = group_of(["x", "y", "z"], [0, 1, 1])
    for name in ("trl-implicit", "trl-unpaired", "openrlhf", "llama-factory", "torchtune"):
        row = rows_of(name, group)[0]
        assert (row["margin"], row["weight"], row["group_id"], row["judgment_ids"]) == (0.0, 0.5, "q", ["j"])


def test_system_messages_have_their_place() -> None:
    group = group_of(["x", "y"], [0, 1])
    with_system = PromptGroup(
        external_id="q", prompt_id="q", kind="ranking", responses=group.responses, records=group.records,
        prompt=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Colour?"}],
    )  # fmt: skip
    (row,) = rows_of("llama-factory", with_system)
    assert (row["system"], row["conversations"]) == ("Be brief.", [{"from": "human", "value": "Colour?"}])
    (dialogue,) = rows_of("hh", with_system)
    assert dialogue["chosen"] == "\n\nHuman: Be brief.\n\nColour?\n\nAssistant: x"


def test_dataset_info_names_the_columns() -> None:
    entry = dataset_info("colours", "pairs.jsonl")["colours"]
    assert (entry["ranking"], entry["formatting"], entry["file_name"]) == (True, "sharegpt", "pairs.jsonl")
    (row,) = rows_of("llama-factory", group_of(["x", "y"], [0, 1]))
    assert {entry["columns"][name] for name in ("messages", "chosen", "rejected")} <= set(row)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@x", "\tx", "\rx", '=HYPERLINK("http://x")'])
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    lines = b"".join(encode_csv(rows_of("csv", group_of([text, 'plain, "quoted"\nü𝄞'], [0, 1]))))
    (row,) = csv.DictReader(io.StringIO(lines.decode(), newline=""))
    assert (row["chosen"], row["rejected"]) == (f"'{text}", 'plain, "quoted"\nü𝄞')
    assert FORMATS["csv"].extension == "csv"
