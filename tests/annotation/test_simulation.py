from statistics import fmean

import pytest

from annotation.kinds.criteria import CriterionSpec
from annotation.kinds.registry import parse_answer
from annotation.simulation import hidden_utility, known_worth, perceive, rank_responses, score_response, simulate_answer

PROMPT = "Why do rivers bend as they cross a plain?"
TEXTS = {"a": "Rivers bend because they cross soft ground.", "b": "Bananas are yellow.", "c": ""}


def test_length_alone_is_worth_nothing() -> None:
    text = "Rivers bend because the plain gives way on the outside."
    assert hidden_utility(PROMPT, text) == pytest.approx(hidden_utility(PROMPT, " ".join([text] * 20)))


def test_worth_lies_between_0_and_1_and_silence_is_worth_nothing() -> None:
    assert hidden_utility(PROMPT, "") == 0.0
    assert all(0 <= hidden_utility(PROMPT, text) <= 1 for text in [*TEXTS.values(), PROMPT, "x" * 500])


def test_without_noise_everybody_sees_the_hidden_order() -> None:
    worth = {key: hidden_utility(PROMPT, text) for key, text in TEXTS.items()}
    seen = {tuple(map(tuple, rank_responses(perceive(worth, noise=0.0, seed=str(seed))))) for seed in range(20)}
    assert seen == {(("a",), ("b",), ("c",))}


def test_noise_has_the_stated_spread() -> None:
    seen = [perceive({"a": 0.5}, noise=0.2, seed=str(seed))["a"] for seed in range(3000)]
    assert fmean(seen) == pytest.approx(0.5, abs=0.02)
    assert fmean((value - 0.5) ** 2 for value in seen) == pytest.approx(0.04, rel=0.1)


def test_what_is_hardly_worse_is_tied() -> None:
    assert rank_responses({"a": 0.50, "b": 0.51, "c": 0.3}) == [["b", "a"], ["c"]]


@pytest.mark.parametrize(("worth", "score"), [(-1.0, 1.0), (0.0, 1.0), (0.49, 3.0), (1.0, 5.0), (2.0, 5.0)])
def test_scores_are_points_of_the_scale(worth: float, score: float) -> None:
    assert score_response(worth, CriterionSpec("helpful", 1, 5, 1)) == score


def test_uneven_steps_stay_inside_the_scale() -> None:
    spec = CriterionSpec("helpful", 0, 1, 0.3)
    assert all(spec.value_fault(score_response(worth / 50, spec)) == "" for worth in range(51))


@pytest.mark.parametrize("kind", ["ranking", "scalar"])
def test_answers_are_valid_and_repeat_with_the_seed(kind: str) -> None:
    specs = [CriterionSpec("helpful", 1, 7, 1), CriterionSpec("clear", 0, 100, None)]
    texts = TEXTS if kind == "ranking" else {"a": TEXTS["a"]}

    def answer(seed: str) -> dict[str, object]:
        return simulate_answer(kind=kind, prompt=PROMPT, texts=texts, criteria=specs, noise=0.3, seed=seed)

    parse_answer(kind, answer("7"), response_keys=list(texts), criteria=specs)
    assert answer("7") == answer("7") != answer("8")


def test_a_known_ranking_is_the_truth_of_its_task() -> None:
    known = {"tiers": [["c"], ["a", "b"]]}
    answer = simulate_answer(kind="ranking", prompt=PROMPT, texts=TEXTS, criteria=[], noise=0.0, seed="1", known=known)
    assert answer["tiers"] == [["c"], ["a", "b"]]
    assert known_worth({"tiers": [["a"], ["b"]]}, keys=["a", "b", "c"], criteria=[]) == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_known_scores_are_the_truth_of_theirs() -> None:
    specs = [CriterionSpec("helpful", 1, 5, 1), CriterionSpec("clear", 0, 10, 1)]
    known = {"scores": {"helpful": {"a": 5}, "clear": {"a": 5}}}
    assert known_worth(known, keys=["a"], criteria=specs) == {"a": 0.75}
    assert known_worth({"scores": {"helpful": {"a": 5}}}, keys=["a", "b"], criteria=specs) is None
    answer = simulate_answer(
        kind="scalar", prompt=PROMPT, texts={"a": ""}, criteria=specs, noise=0.0, seed="1", known=known
    )
    assert answer["scores"] == {"helpful": {"a": 4.0}, "clear": {"a": 8.0}}
