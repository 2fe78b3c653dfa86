from typing import Any

import orjson
import pytest

from annotation.importers.formats.table import guess_format
from annotation.importers.sources.container import CSV, JSON_LINES
from annotation.kinds.ranking import RankingAnswer
from tests.annotation.importers.reading import errors_of, read_one

RECORD: dict[str, Any] = {
    "split": "train",
    "prompt": "c#",
    "response_1": "One.",
    "response_2": "Two.",
    "preference_strength": -2,
    "preference_statement": "The first is better.",
    "preference_elaboration": "It is shorter.",
}
PEOPLE = [
    {"strength": -2, "statement": "First.", "elaboration": "Short."},
    {"strength": 0, "statement": "Equal.", "elaboration": None},
    {"strength": 3, "statement": "Second.", "elaboration": "Long."},
]


def answers_of(record: dict[str, Any]) -> list[tuple[str, Any, Any, str]]:
    prompt = read_one(record)
    said = [(judgment.annotator, judgment.answer) for judgment in prompt.judgments]
    assert all(isinstance(answer, RankingAnswer) for _, answer in said)
    return [(name, answer.tiers, answer.strength, answer.rationale) for name, answer in said]  # type: ignore[union-attr]


@pytest.mark.parametrize("container", [JSON_LINES, CSV])
def test_the_file_is_recognised(container: str) -> None:
    assert guess_format(RECORD, container).name == "helpsteer2-preference"


def test_the_preference_of_all_is_one_judgment() -> None:
    rationale = "The first is better.\n\nIt is shorter."
    assert answers_of(RECORD) == [("helpsteer2", (("1",), ("2",)), (2,), rationale)]


@pytest.mark.parametrize("pack", [list, lambda people: orjson.dumps(people).decode()])
def test_people_who_are_told_apart_are_a_judgment_each(pack: Any) -> None:
    assert answers_of({**RECORD, "three_most_similar_preferences": pack(PEOPLE)}) == [
        ("helpsteer2-1", (("1",), ("2",)), (2,), "First.\n\nShort."),
        ("helpsteer2-2", (("1", "2"),), None, "Equal."),
        ("helpsteer2-3", (("2",), ("1",)), (3,), "Second.\n\nLong."),
    ]


@pytest.mark.parametrize("strength", ["-2", -2.0])
def test_a_table_may_write_the_strength_otherwise(strength: Any) -> None:
    assert answers_of({**RECORD, "preference_strength": strength})[0][1:3] == ((("1",), ("2",)), (2,))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"preference_strength": -100}, "preference_strength"),
        ({"preference_strength": None}, "preference_strength"),
        ({"preference_strength": 1.5}, "preference_strength"),
        ({"response_2": None}, "response_2"),
        ({"three_most_similar_preferences": [{"strength": 9}]}, "three_most_similar_preferences[0].strength"),
    ],
)
def test_broken_records_are_named(change: dict[str, Any], field: str) -> None:
    assert errors_of({**RECORD, **change}) == [(1, field)]
