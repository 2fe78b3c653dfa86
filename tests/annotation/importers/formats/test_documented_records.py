"""Records as the other tools document them, and broken ones that must be named by line and field."""

from typing import Any

import pytest

from annotation.importers.formats.table import guess_format
from annotation.importers.sources.container import JSON_LINES
from annotation.kinds.ranking import RankingAnswer
from tests.annotation.importers.reading import errors_of, read, read_one

HH = {"chosen": "\n\nHuman: hi\n\nAssistant: hello", "rejected": "\n\nHuman: hi\n\nAssistant: go away"}
HELPSTEER2 = {
    "prompt": "c#", "response": "A language.", "helpfulness": 3, "correctness": 4, "coherence": 4, "complexity": 2,
    "verbosity": 1,
}  # fmt: skip
HELPSTEER3 = {
    "domain": "general", "language": "english", "context": [{"role": "user", "content": "Why?"}], "response1": "So.",
    "response2": "Thus.", "overall_preference": -2,
    "individual_preference": [
        {"score": -2, "reasoning": "clear", "feedback1": "good", "feedback2": "poor"}, {"score": 0}, {"score": 3},
    ],
}  # fmt: skip
ULTRAFEEDBACK = {
    "source": "sharegpt", "instruction": "Why is the sky blue?", "models": ["m1", "m2"],
    "completions": [
        {
            "model": "m1", "response": "Scattering.", "overall_score": 8, "fine-grained_score": 4.25,
            "critique": "fine",
            "annotations": {"helpfulness": {"Rating": "4", "Rationale": "short"}, "honesty": {"Rating": "N/A"}},
        },
        {"model": "m2", "response": "", "overall_score": 2.5, "annotations": {"helpfulness": {"Rating": "1"}}},
    ],
}  # fmt: skip
PAIR = {"prompt": "Sky is", "chosen": " blue.", "rejected": " green."}
CHAT = [{"role": "user", "content": "Colour?"}]


def turn(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (HH, "hh"),
        (HELPSTEER2, "helpsteer2"),
        (HELPSTEER3, "helpsteer3"),
        (ULTRAFEEDBACK, "ultrafeedback"),
        (PAIR, "preference"),
        ({"question": "Why?", "answer_a": "So.", "answer_b": "Thus."}, "jsonl"),
        ({"external_id": "q", "kind": "ranking", "prompt": "p", "responses": []}, "concord"),
    ],
)
def test_each_format_is_recognised(record: dict[str, Any], name: str) -> None:
    assert guess_format(record, JSON_LINES).name == name


def test_hh_dialogues_share_their_prompt() -> None:
    prompt = read_one(HH)
    assert [(message.role, message.content) for message in prompt.prompt] == [("user", "hi")]
    texts = {response.key: response.text for response in prompt.responses}
    (judgment,) = prompt.judgments
    assert isinstance(judgment.answer, RankingAnswer)
    assert [[texts[key] for key in tier] for tier in judgment.answer.tiers] == [["hello"], ["go away"]]


def test_hh_dialogues_that_part_early_keep_the_rest_as_text() -> None:
    longer = HH["chosen"] + "\n\nHuman: and?\n\nAssistant: bye"
    prompt = read_one({"chosen": longer, "rejected": HH["rejected"]})
    assert "hello\n\nHuman: and?\n\nAssistant: bye" in [response.text for response in prompt.responses]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rejected": "no dialogue"}, "rejected"),
        ({"rejected": 5}, "rejected"),
        ({"rejected": "\n\nHuman: other\n\nAssistant: no"}, "rejected"),
        ({"chosen": "\n\nHuman: hi"}, "chosen"),
    ],
)
def test_broken_hh_is_named(change: dict[str, Any], field: str) -> None:
    assert errors_of(HH, {**HH, **change}, form="hh") == [(2, field)]


def test_helpsteer2_records_of_one_prompt_become_one_line() -> None:
    better = {**HELPSTEER2, "response": "Better.", "helpfulness": 4}
    first, second = read(HELPSTEER2, better, {**HELPSTEER2, "prompt": "d#"})
    assert [(each.key, each.text) for each in first.responses] == [("a", "A language."), ("b", "Better.")]  # type: ignore[union-attr]
    assert first.judgments[0].answer.scores["helpfulness"] == {"a": 3, "b": 4}  # type: ignore[union-attr]
    assert second.line == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [({"helpfulness": "three"}, "helpfulness"), ({"response": None}, "response"), ({"prompt": ""}, "prompt")],
)
def test_broken_helpsteer2_is_named(change: dict[str, Any], field: str) -> None:
    assert errors_of(HELPSTEER2, {**HELPSTEER2, **change}, form="helpsteer2") == [(2, field)]


def test_helpsteer3_preferences_become_tiers_with_strength() -> None:
    prompt = read_one(HELPSTEER3)
    answers = [judgment.answer for judgment in prompt.judgments]
    assert all(isinstance(answer, RankingAnswer) for answer in answers)
    assert [(answer.tiers, answer.strength) for answer in answers] == [  # type: ignore[union-attr]
        ((("1",), ("2",)), (2,)),
        ((("1", "2"),), None),
        ((("2",), ("1",)), (3,)),
    ]
    assert (answers[0].rationale, prompt.tags) == ("clear\n\ngood\n\npoor", ("general", "english"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"individual_preference": [{"score": 5}]}, "individual_preference[0].score"),
        ({"individual_preference": None, "overall_preference": "left"}, "overall_preference"),
        ({"response2": None}, "response2"),
        ({"context": [{"role": "boss", "content": "x"}]}, "context[0].role"),
    ],
)
def test_broken_helpsteer3_is_named(change: dict[str, Any], field: str) -> None:
    assert errors_of(HELPSTEER3, {**HELPSTEER3, **change}, form="helpsteer3") == [(2, field)]


def test_ultrafeedback_ratings_become_scores() -> None:
    prompt = read_one(ULTRAFEEDBACK)
    assert [(each.text, each.source) for each in prompt.responses] == [("Scattering.", "m1"), ("", "m2")]
    scores = prompt.judgments[0].answer.scores
    assert scores == {"helpfulness": {"a": 4, "b": 1}, "honesty": {"a": None}, "overall": {"a": 8, "b": 2.5}}
    assert prompt.metadata == {"reasons": {"a": {"helpfulness": "short", "critique": "fine"}}}


def test_ultrafeedback_in_a_ranking_project_is_responses_to_rank() -> None:
    prompt = read_one(ULTRAFEEDBACK, kind="ranking")
    assert (prompt.kind, len(prompt.responses), prompt.judgments) == ("ranking", 2, ())


def test_broken_ultrafeedback_is_named() -> None:
    broken = {**ULTRAFEEDBACK, "completions": [{"model": 7, "response": "x"}]}
    rated = {**ULTRAFEEDBACK, "completions": [{"response": "x", "annotations": {"honesty": {"Rating": "good"}}}]}
    assert errors_of(broken, rated, form="ultrafeedback") == [
        (1, "completions[0].model"),
        (2, "completions[0].annotations.honesty.Rating"),
    ]


@pytest.mark.parametrize(
    "record",
    [
        PAIR,
        {"prompt": CHAT, "chosen": [turn(" blue.")], "rejected": [turn(" green.")]},
        {"chosen": [*CHAT, turn(" blue.")], "rejected": [*CHAT, turn(" green.")]},
    ],
)
def test_all_forms_of_a_preference_say_the_same(record: dict[str, Any]) -> None:
    prompt = read_one(record)
    texts = {response.key: response.text for response in prompt.responses}
    answer = prompt.judgments[0].answer
    assert isinstance(answer, RankingAnswer)
    assert [texts[tier[0]] for tier in answer.tiers] == [" blue.", " green."]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"prompt": "p", "chosen": "a"}, "rejected"),
        ({"chosen": "a", "rejected": "b"}, "prompt"),
        ({"chosen": [*CHAT, turn("a")], "rejected": [turn("b")]}, "rejected"),
        ({"prompt": "p", "chosen": [{"role": "assistant"}], "rejected": "b"}, "chosen"),
        ({"prompt": "p", "chosen": "a", "rejected": "b\0"}, "rejected"),
    ],
)
def test_broken_preference_is_named(record: dict[str, Any], field: str) -> None:
    assert errors_of(record, form="preference") == [(1, field)]


def test_ids_made_of_content_are_the_same_again_and_differ_between_copies() -> None:
    first, copy, other = read(PAIR, PAIR, {**PAIR, "prompt": "Sea is"})
    again = read_one(PAIR)
    assert first.external_id == again.external_id  # type: ignore[union-attr]
    assert copy.external_id == f"{again.external_id}-2"  # type: ignore[union-attr]
    assert other.external_id != again.external_id  # type: ignore[union-attr]
