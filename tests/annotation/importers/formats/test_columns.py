"""Tables with a mapping of columns."""

from typing import Any

import pytest

from annotation.importers.formats.column_fields import guess_mapping, mapping_faults
from annotation.importers.records import ImportedPrompt
from annotation.kinds.ranking import RankingAnswer
from tests.annotation.importers.reading import errors_of, read, read_one

ROW = {
    "id": "q1", "question": "Why?", "answer_a": "So.", "answer_b": "Thus.", "winner": "b", "rater": "ann",
    "reason": "clear",
}  # fmt: skip


def tiers_of(prompt: ImportedPrompt) -> Any:
    answer = prompt.judgments[0].answer
    assert isinstance(answer, RankingAnswer)
    return answer.tiers


def test_a_row_is_read_by_the_guessed_mapping() -> None:
    prompt = read_one(ROW, form="csv")
    assert (prompt.external_id, prompt.kind, prompt.prompt[0].content) == ("q1", "ranking", "Why?")
    assert [(each.key, each.text) for each in prompt.responses] == [("a", "So."), ("b", "Thus.")]
    assert (tiers_of(prompt), prompt.judgments[0].annotator) == ((("b",), ("a",)), "ann")
    assert prompt.judgments[0].answer.rationale == "clear"


def test_rows_of_one_task_are_put_together_and_stay_apart_otherwise() -> None:
    rows = [ROW, {**ROW, "rater": "bob", "winner": "tie"}, {**ROW, "id": "q2"}]
    first, second = read(*rows, form="csv")
    assert [judgment.annotator for judgment in first.judgments] == ["ann", "bob"]  # type: ignore[union-attr]
    assert second.external_id == "q2"  # type: ignore[union-attr]


def test_rows_of_one_task_that_are_apart_are_refused() -> None:
    assert errors_of(ROW, {**ROW, "id": "q2"}, {**ROW, "rater": "bob"}, form="csv") == [(3, "external_id")]


@pytest.mark.parametrize("said", ["a", "A", "answer_a", "response_a", "model_a"])
def test_the_preferred_response_is_named_in_many_ways(said: str) -> None:
    assert tiers_of(read_one({**ROW, "winner": said}, form="csv")) == (("a",), ("b",))


def test_a_row_without_a_choice_is_a_task_to_be_judged() -> None:
    assert read_one({**ROW, "winner": " "}, form="csv").judgments == ()


def test_ranks_and_scores_are_read_from_text() -> None:
    mapping = {
        "p": "prompt", "x": "response.a", "y": "response.b", "z": "response.c", "rx": "rank.a", "ry": "rank.b",
        "rz": "rank.c", "hx": "score.helpful.a", "hy": "score.helpful.b", "m": "metadata.topic", "t": "tags",
        "s": "system", "c": "confidence",
    }  # fmt: skip
    row = dict.fromkeys(mapping, "") | {"p": "Why?", "x": "1", "y": "2", "z": "3", "rx": "2", "ry": "1.0", "rz": "2"}
    row |= {"hx": "4.5", "hy": "n/a", "m": "sky", "t": "one, two", "s": "Be brief.", "c": "4"}
    prompt = read_one(row, form="csv", mapping=mapping)
    assert (tiers_of(prompt), prompt.judgments[0].answer.scores) == ((("b",), ("a", "c")), {"helpful": {"a": 4.5}})
    assert (prompt.tags, prompt.metadata, prompt.prompt[0].role) == (("one", "two"), {"topic": "sky"}, "system")
    assert prompt.judgments[0].answer.confidence == 4


def test_scores_of_one_response_make_a_scoring_task() -> None:
    prompt = read_one({"prompt": "Why?", "response": "So.", "helpfulness": "3", "model": "m"}, form="csv")
    assert (prompt.kind, prompt.responses[0].source) == ("scalar", "m")
    assert prompt.judgments[0].answer.scores == {"helpfulness": {"a": 3}}


def test_a_list_of_responses_is_read_from_json_lines() -> None:
    prompt = read_one({"prompt": "Why?", "responses": ["So.", {"text": "Thus.", "source": "m"}]}, form="jsonl")
    assert [(each.key, each.text, each.source) for each in prompt.responses] == [
        ("a", "So.", None),
        ("b", "Thus.", "m"),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"winner": "c"}, "winner"),
        ({"question": ""}, "question"),
        ({"answer_a": 5}, "answer_a"),
        ({"id": "x" * 300}, "id"),
        ({"reason": "r" * 30_000}, "reason"),
    ],
)
def test_a_broken_cell_is_named_by_its_column(change: dict[str, Any], field: str) -> None:
    assert errors_of(ROW, {**ROW, "rater": "bob", **change}, form="csv") == [(2, field)]


def test_numbers_that_are_none_are_named() -> None:
    row = {"prompt": "Why?", "response": "So.", "score": "good", "confidence": "2.5"}
    assert errors_of(row, form="csv") == [(1, "score")]
    assert errors_of({**row, "score": "1"}, form="csv") == [(1, "confidence")]


def test_guesses_give_no_field_twice() -> None:
    assert guess_mapping(["prompt", "question", "Answer A", "answer_b", "?"]) == {
        "prompt": "prompt",
        "Answer A": "response.a",
        "answer_b": "response.b",
    }


def test_faults_of_a_mapping_are_sentences() -> None:
    faults = mapping_faults(
        {"promt": "prompt", "b": "poem", "c": "score.a b", "d": "prompt"}, ["prompt", "b", "c", "d"]
    )
    assert "did you mean 'prompt'" in faults[0]
    assert [fault.split()[0] for fault in faults] == ["There", "'poem'", "'score.a", "The"]
