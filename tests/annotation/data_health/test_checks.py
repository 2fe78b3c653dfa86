"""Checks of texts, diversity and balance on small hand-made data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.data_health.balance import check_names, check_outcomes, check_positions, evenness
from annotation.data_health.check import Check
from annotation.data_health.contradictions import check_contradictions
from annotation.data_health.diversity import check_diversity, cluster_rows, lexical_vectors, vendi_score
from annotation.data_health.texts import ResponseText, check_prompts, check_responses, looks_cut_off
from tests.annotation.bias.test_effects import choices_of

QUESTION = "Why does bread dough rise in a warm kitchen?"


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {each["check"]: each for each in checks}


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Short and", False),
        ("word " * 60 + "and then the", True),
        ("word " * 60 + "the end.", False),
        ("word " * 60 + "a list without a full stop", False),
        ("```python\nprint(1)", True),
        ("```python\nprint(1)\n```", False),
        ("", False),
    ],
)
def test_texts_that_end_in_mid_sentence_look_cut_off(text: str, cut: bool) -> None:
    assert looks_cut_off(text) is cut


def test_responses_are_counted_by_what_is_wrong_with_them() -> None:
    found = by_name(
        check_responses(
            [
                ResponseText(1, 10, "Yeast makes gas from sugar, and gluten holds it."),
                ResponseText(2, 10, "yeast makes gas  from sugar, and gluten holds it."),
                ResponseText(3, 10, "Yeast makes gas from sugar, and gluten keeps it."),
                ResponseText(4, 11, "Yeast makes gas from sugar, and gluten holds it."),
                ResponseText(5, 11, " \n", "length"),
                ResponseText(6, 11, f"{QUESTION} That is a good question.", asked=QUESTION),
            ]
        )
    )
    assert [row["id"] for row in found["duplicate_responses"]["rows"]] == [2]
    assert [row["id"] for row in found["near_duplicate_responses"]["rows"]] == []
    assert [row["id"] for row in found["responses_of_several_prompts"]["rows"]] == [4]
    assert [row["id"] for row in found["empty_responses"]["rows"]] == [5]
    assert [row["id"] for row in found["stopped_at_length"]["rows"]] == [5]
    assert [row["id"] for row in found["responses_that_repeat_the_prompt"]["rows"]] == [6]
    assert {each["of"] for each in found.values()} == {6}


def test_prompts_are_counted_once_and_rows_are_bounded() -> None:
    checks, ledger = check_prompts((number, "The very same prompt.") for number in range(1200))
    found = by_name(checks)["duplicate_prompts"]
    assert (found["count"], len(found["rows"]), found["rows"][0]["note"]) == (1199, 50, "same as 0")
    assert not ledger.waiting and len(ledger.pk) == 1200


def test_the_effective_number_is_what_it_should_be_at_both_ends() -> None:
    assert vendi_score(np.eye(7)) == pytest.approx(7)
    assert vendi_score(np.ones((7, 1))) == pytest.approx(1)
    # Friedman and Dieng 2023: two equal groups of equal things count as two.
    assert vendi_score(np.repeat(np.eye(2), 5, axis=0)) == pytest.approx(2)


def test_different_prompts_are_more_diverse_than_one_template() -> None:
    template = [f"Translate the following sentence into German, please: number {n}" for n in range(8)]
    different = [
        "Why is the sky blue?", "Write a poem on rain", "Sort this list", "Translate to French", "Who was Ada Lovelace",
        "Plan a week in Rome", "Fix my Python code", "Explain inflation simply",
    ]  # fmt: skip
    low, high = (check_diversity(texts, total=8)[0]["value"] for texts in (template, different))
    assert low + 0.2 < high


def test_an_embedding_may_take_the_place_of_words() -> None:
    checks = check_diversity(["a", "b", "c"], total=9, embed=lambda texts: np.eye(3)[[0, 0, 1]])
    assert checks[0]["count"] == 2 and "in a sample of 3 (by embeddings)" in checks[0]["note"]
    assert checks[1]["count"] == 2 and checks[1]["value"] == pytest.approx(2 / 3)


def test_the_notes_say_how_prompts_were_compared() -> None:
    by_model = check_diversity(["a", "b"], total=2, embed=lambda texts: np.eye(2), model="tiny v1")
    lexical = check_diversity(["a", "b"], total=2, reason="there is no model")
    for check, other in zip(by_model, lexical, strict=True):
        assert "in all 2 (by embeddings of tiny v1)" in check["note"]
        assert "in all 2 (lexical, because there is no model)" in other["note"]


def test_a_chain_of_alike_rows_is_not_one_cluster() -> None:
    angles = np.radians([0, 40, 80, 5])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # 80 degrees is like 40, which belongs to 0; it is not like 0, so it is a head of its own.
    assert cluster_rows(rows, least=0.7).tolist() == [0, 0, 2, 0]


def test_words_without_letters_and_lone_surrogates_have_vectors() -> None:
    assert np.isfinite(lexical_vectors(["", "\ud800 x", "你好你好你好"])).all()


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8))
def test_evenness_is_a_share(counts: list[int]) -> None:
    found = evenness(counts)
    assert found is None if not sum(counts) else -1e-9 <= found <= 1 + 1e-9


def test_balance_names_the_largest_first_and_says_what_has_no_name() -> None:
    check = check_names("domains", {"b": 3, "a": 1}, missing=2, what="prompt")
    assert check["table"] == [("b", 3), ("a", 1)] and "2 have none" in check["note"]
    assert check["value"] == pytest.approx(0.8113, abs=1e-4)
    assert check_names("domains", {}, missing=2, what="prompt")["count"] is None


def test_outcomes_and_positions_are_counted_in_stored_order() -> None:
    choices = choices_of(
        [(1, [["a"], ["b"]], ["b", "a"], None), (2, [["a", "b"]], ["a", "b"], None)], characters=(1, 2)
    )
    assert dict(check_outcomes(choices)["table"]) == {"first": 1, "tie": 1, "second": 0}
    assert check_positions(choices)["value"] == pytest.approx(1)
    assert check_outcomes(choices_of([]))["count"] is None and check_positions(choices_of([]))["count"] is None


def test_contradictions_of_nothing_are_none() -> None:
    assert {each["count"] for each in check_contradictions(choices_of([]))} == {0}


def test_one_person_who_says_the_opposite_later_contradicts_themself() -> None:
    choices = choices_of([(1, [["a"], ["b"]], [], None), (1, [["b"], ["a"]], [], None)], characters=(1, 2))
    choices.facts.text[2:] = choices.facts.text[:2]
    found = by_name(check_contradictions(choices))["own_contradictions"]
    assert (found["count"], found["of"], [row["id"] for row in found["rows"]]) == (1, 1, [0, 1])
