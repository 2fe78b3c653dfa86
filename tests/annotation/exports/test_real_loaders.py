"""What is exported loads in the libraries that it is exported for, and holds the same pairs there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from annotation.exports.formats import FORMATS, export_rows
from annotation.exports.pair_formats import dataset_info
from tests.annotation.exports.test_pair_formats import PROMPT, Pair, group_of, pairs_of

GROUPS = [
    group_of(["Ünïcödé \u2028 line", "tab\there", "=1+1", ""], [0, 1, 1, 2]),
    group_of(['"quoted", with comma', "مرحبا"], [1, 0]),
]
PAIRS = [pair for group in GROUPS for pair in pairs_of(group)]


def load(name: str, folder: Path) -> Any:
    """The export as `datasets` reads it from disk."""
    from datasets import load_dataset

    form = FORMATS[name]
    folder.mkdir(exist_ok=True)
    path = folder / f"pairs.{form.extension}"
    path.write_bytes(b"".join(form.encode(export_rows(GROUPS, format_name=name, kind="ranking"))))
    reader = "csv" if form.extension == "csv" else "json"
    return load_dataset(reader, data_files=str(path), split="train", cache_dir=str(folder / "cache"))


def last(messages: list[Mapping[str, str]]) -> str:
    return messages[-1]["content"]


@pytest.mark.parametrize(
    ("name", "chosen", "rejected"),
    [
        ("trl", "chosen", "rejected"),
        ("trl-implicit", "chosen", "rejected"),
        ("openrlhf", "chosen", "rejected"),
        ("torchtune", "chosen_conversations", "rejected_conversations"),
    ],
)
def test_pairs_of_messages_load(name: str, chosen: str, rejected: str, tmp_path: Path) -> None:
    rows = load(name, tmp_path)
    assert [(last(row[chosen]), last(row[rejected])) for row in rows] == PAIRS
    assert all(isinstance(row["margin"], float) for row in rows)


def test_llama_factory_finds_its_columns(tmp_path: Path) -> None:
    rows = load("llama-factory", tmp_path)
    columns = dataset_info("pairs", "pairs.jsonl")["pairs"]["columns"]
    assert set(columns.values()) - {"system"} <= set(rows.column_names)
    assert [(row["chosen"]["value"], row["rejected"]["value"]) for row in rows] == PAIRS
    assert [turn["from"] for turn in rows[0]["conversations"]] == ["human", "gpt", "human"]


def test_hh_dialogues_load(tmp_path: Path) -> None:
    ends = [
        (row["chosen"].rsplit("Assistant: ")[-1], row["rejected"].rsplit("Assistant: ")[-1])
        for row in load("hh", tmp_path)
    ]
    assert ends == PAIRS


def test_canonical_answers_load(tmp_path: Path) -> None:
    rows = load("canonical", tmp_path)
    assert [row["tiers"] for row in rows] == [[["r0"], ["r1", "r2"], ["r3"]], [["r1"], ["r0"]]]


def test_trl_takes_every_one_of_its_forms(tmp_path: Path) -> None:
    from trl.data_utils import extract_prompt, is_conversational, unpair_preference_dataset

    explicit, implicit, unpaired = (load(f"trl{end}", tmp_path / end) for end in ("", "-implicit", "-unpaired"))
    assert all(is_conversational(each[0]) for each in (explicit, implicit, unpaired))
    for row, known in zip(implicit, explicit, strict=True):
        found = extract_prompt(row)
        assert [found[name] for name in ("prompt", "chosen", "rejected")] == [
            PROMPT,
            known["chosen"],
            known["rejected"],
        ]
    theirs = unpair_preference_dataset(explicit.select_columns(["prompt", "chosen", "rejected"]))
    ours = [(last(row["completion"]), row["label"]) for row in unpaired]
    assert sorted(ours) == sorted((last(row["completion"]), row["label"]) for row in theirs)


def test_the_loaded_pairs_come_back_through_our_own_import(tmp_path: Path) -> None:
    from tests.annotation.importers.reading import read

    found = read(*json.loads(json.dumps(list(load("trl", tmp_path).select_columns(["prompt", "chosen", "rejected"])))))
    back: list[Pair] = []
    for prompt in found:
        texts = {response.key: response.text for response in prompt.responses}  # type: ignore[union-attr]
        tiers = prompt.judgments[0].answer.tiers  # type: ignore[union-attr]
        back.append((texts[tiers[0][0]], texts[tiers[1][0]]))
    assert back == PAIRS
