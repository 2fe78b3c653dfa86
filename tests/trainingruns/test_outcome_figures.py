"""A result.json in figures and sentences."""

from typing import Any

import pytest

from trainingruns.outcome_figures import (
    accuracy_shares,
    head_figure,
    length_notes,
    outcome_figures,
    pass_rates,
    verdict_on_gain,
    win_shares,
)


def measured(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 8}


def resting_on(prompts: int, estimate: dict[str, Any]) -> dict[str, Any]:
    return {**estimate, "prompts": prompts}


ONLINE = {
    "kind": "dapo",
    "reward_gain": measured(0.5, 0.2, 0.8),
    "reward_policy": measured(1.0, 0.7, 1.3),
    "reward_reference": measured(0.5),
    "kl_sequence": 4.25,
    "win_rate_by": "model",
    "win_rate_reference": measured(0.75, 0.6, 0.9),
    "length_note_reference": "the policy's answers are longer",
    "accuracy": {
        "number": {
            "policy": {"1": measured(0.5, 0.25, 0.75), "4": measured(0.875)},
            "reference": {"1": measured(0.25), "4": measured(0.5)},
            "gain_over_reference": measured(0.25, 0.0, 0.5),
        }
    },
}


def test_the_gain_stands_first_and_carries_its_interval() -> None:
    figures = outcome_figures(ONLINE)
    assert (figures[0].label, figures[0].value, figures[0].range) == ("Gain in reward", "+0.50", "+0.20 to +0.80")
    assert [figure.value for figure in figures[1:]] == ["1.00", "0.50", "4.25 nats"]
    assert figures[-1].range == ""
    sure = outcome_figures({**ONLINE, "kl_sequence_low": 3.5, "kl_sequence_high": 5.0})
    assert (sure[-1].value, sure[-1].range) == ("4.25 nats", "3.50 to 5.00")
    assert outcome_figures({}) == []


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (measured(0.5, 0.2, 0.8), "leaves chance out"),
        (measured(0.1, -0.2, 0.4), "may be chance"),
        (measured(-0.5, -0.8, -0.2), "less reward"),
        (measured(0.5), "The held-out prompts are too few"),
        (resting_on(1, measured(0.5)), "1 held-out prompt is too few to tell a gain from chance."),
        (resting_on(2, measured(0.5)), "2 held-out prompts are too few to tell a gain from chance."),
        (resting_on(16, measured(0.0)), "16 held-out prompts are too much alike to tell a gain from chance."),
        (resting_on(4, measured(0.5, 0.2, 0.8)), "On 4 held-out prompts it earns more reward"),
        (resting_on(4, measured(-0.5, -0.8, -0.2)), "On 4 held-out prompts it earns less reward"),
        (resting_on(4, measured(0.1, -0.2, 0.4)), "The interval of the gain on 4 held-out prompts holds 0"),
        (None, ""),
    ],
)
def test_the_verdict_follows_the_interval(gain: dict[str, Any] | None, words: str) -> None:
    verdict = verdict_on_gain({"reward_gain": gain})
    assert words in verdict and bool(words) == bool(verdict)


def test_right_answers_stand_beside_the_reference() -> None:
    [rates] = pass_rates(ONLINE)
    assert rates.part == "number"
    assert rates.rows == (("1", "50% (25 to 75)", "25%"), ("4", "88%", "50%"))
    assert rates.gain == "+0.25 (+0.00 to +0.50)"


def test_a_reward_models_accuracy_is_no_check_of_answers() -> None:
    result = {"accuracy": measured(0.7, 0.6, 0.8), "longer_wins": measured(0.5)}
    assert pass_rates(result) == []
    assert [label for label, _ in accuracy_shares(result, kind="reward")][:2] == [
        "This reward model",
        "Taking the longer response",
    ]
    assert accuracy_shares(ONLINE, kind="dapo") == []


def test_win_rates_name_their_judge_and_lengths_are_told() -> None:
    assert win_shares(ONLINE)[0][0] == "Beats the reference, by the reward model"
    assert length_notes(ONLINE) == ["The policy's answers are longer."]


@pytest.mark.parametrize(
    ("metrics", "figure"),
    [
        (ONLINE, "+0.50 reward"),
        ({"accuracy": measured(0.7)}, "0.700 accuracy"),
        ({"nll_after": measured(1.5)}, "1.500 nats a token"),
        ({}, "–"),
    ],
)
def test_one_figure_stands_for_a_model(metrics: dict[str, Any], figure: str) -> None:
    assert head_figure(metrics) == figure
