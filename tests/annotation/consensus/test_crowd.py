"""The annotator-aware consensus on crowds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.agreement.observations import FIRST, SECOND, TIE
from annotation.consensus.comparisons import Comparisons, build_comparisons
from annotation.consensus.crowd import CrowdFit, fit_crowd
from annotation.consensus.habits import POSITION, RELIABILITY
from annotation.consensus.habits import TIE as TIE_TENDENCY
from annotation.consensus.predictions import predict_choices, predict_pairs
from annotation.consensus.simulated_crowd import SimulatedCrowd, simulate_crowd


def crowd(seed: int, *, pairs: int = 300, annotators: int = 40, votes: int = 5) -> SimulatedCrowd:
    generator = np.random.default_rng(seed)
    return simulate_crowd(pairs=pairs, votes=votes, annotators=annotators, generator=generator)


def majority_right(simulated: SimulatedCrowd) -> float:
    data = simulated.comparisons
    lead = np.bincount(data.pair, (data.answer == FIRST) * 1.0 - (data.answer == SECOND), minlength=data.pairs)
    return float(np.where(lead == 0, 0.5, np.sign(lead) == np.sign(simulated.difference)).mean())


def consensus_right(simulated: SimulatedCrowd, fit: CrowdFit) -> float:
    return float((np.sign(fit.difference) == np.sign(simulated.difference)).mean())


def test_a_mixed_crowd_is_read_better_than_by_majority() -> None:
    worlds = [crowd(seed) for seed in range(12)]
    gains = np.array([consensus_right(each, fit_crowd(each.comparisons)) - majority_right(each) for each in worlds])
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    assert gains.mean() - 2.2 * error > 0.05


def test_people_are_known_by_what_they_do() -> None:
    simulated = crowd(1, pairs=800)
    fit = fit_crowd(simulated.comparisons)
    assert np.corrcoef(fit.habits.value[:, RELIABILITY], simulated.reliability)[0, 1] > 0.9
    assert np.corrcoef(fit.habits.value[:, POSITION], simulated.position)[0, 1] > 0.8
    turned = simulated.reliability < -0.5
    assert (fit.habits.value[turned, RELIABILITY] < 0).all()


def test_the_probability_of_being_right_is_what_it_says() -> None:
    simulated = crowd(2, pairs=3000, annotators=150)
    first, _, second = predict_pairs(fit_crowd(simulated.comparisons))
    stated = np.maximum(first, second) / (first + second)
    fit = fit_crowd(simulated.comparisons)
    right = np.sign(fit.difference) == np.sign(simulated.difference)
    # Somebody who judges better than a choice of one person would be right more often than that choice.
    assert right[stated > 0.8].mean() > right[stated < 0.6].mean() + 0.15


def test_intervals_hold_the_truth_nearly_as_often_as_they_say() -> None:
    simulated = crowd(3, pairs=6000, annotators=200)
    fit = fit_crowd(simulated.comparisons)
    truth = simulated.difference * np.sqrt(np.mean(simulated.reliability**2))
    inside = np.abs(fit.difference - truth) < 1.96 * fit.difference_error
    assert 0.88 < inside.mean() < 0.97


def test_who_said_little_counts_as_nearly_average() -> None:
    simulated = crowd(4)
    data = simulated.comparisons
    lonely = build_comparisons(
        first=np.append(data.first[data.pair], 0), second=np.append(data.second[data.pair], 1),
        annotator=np.append(data.annotator, 999), answer=np.append(data.answer, FIRST),
        shown=np.append(data.shown, 1), pair=np.append(data.pair, 0),
    )  # fmt: skip
    fit = fit_crowd(lonely)
    newcomer = fit.habits.value[-1] - fit.habits.centre
    assert abs(newcomer[RELIABILITY]) < fit.widths.reliability
    assert np.abs(newcomer[[POSITION, TIE_TENDENCY]]).max() < 0.2
    assert fit.habits.error[-1, RELIABILITY] > 0.6 * fit.widths.reliability


def columns(data: Comparisons, order: np.ndarray, people: np.ndarray, items: np.ndarray) -> Comparisons:
    return build_comparisons(
        first=items[data.first[data.pair]][order], second=items[data.second[data.pair]][order],
        annotator=people[data.annotator][order], answer=data.answer[order], shown=data.shown[order],
    )  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_names_and_order_do_not_matter(seed: int) -> None:
    generator = np.random.default_rng(seed)
    data = crowd(5, pairs=40, annotators=10, votes=4).comparisons
    people, items = generator.permutation(data.annotators), generator.permutation(data.items)
    plain = fit_crowd(data)
    renamed = fit_crowd(columns(data, generator.permutation(data.choices), people, items))
    np.testing.assert_allclose(renamed.worth[items], plain.worth, atol=1e-6)
    np.testing.assert_allclose(renamed.habits.value[people], plain.habits.value, atol=1e-6)


def test_turning_all_answers_turns_the_consensus() -> None:
    data = crowd(6, pairs=50).comparisons
    fit = fit_crowd(data)
    turned = build_comparisons(
        first=data.first[data.pair], second=data.second[data.pair], annotator=data.annotator,
        answer=SECOND - data.answer, shown=-data.shown, pair=data.pair,
    )  # fmt: skip
    np.testing.assert_allclose(fit_crowd(turned).difference, -fit.difference, atol=1e-6)


@pytest.mark.parametrize("answers", [[FIRST], [TIE], [FIRST, FIRST], [TIE, TIE, TIE], [FIRST, SECOND]])
def test_almost_nothing_gives_finite_and_unsure_numbers(answers: list[int]) -> None:
    count = len(answers)
    data = build_comparisons(
        first=np.zeros(count, int), second=np.ones(count, int), annotator=np.arange(count), answer=np.array(answers)
    )
    fit = fit_crowd(data)
    chances = np.stack(predict_pairs(fit))
    assert np.isfinite(chances).all() and np.isfinite(fit.difference_error).all()
    np.testing.assert_allclose(chances.sum(axis=0), 1)
    assert np.abs(fit.difference[0]) < 2 * fit.difference_error[0]


def test_nothing_at_all_is_refused() -> None:
    nothing = np.zeros(0, int)
    with pytest.raises(ValueError, match="no choice"):
        fit_crowd(build_comparisons(first=nothing, second=nothing, annotator=nothing, answer=nothing))


def test_ties_that_never_happened_are_not_predicted() -> None:
    data = build_comparisons(
        first=np.repeat(np.arange(6), 3) * 2, second=np.repeat(np.arange(6), 3) * 2 + 1,
        annotator=np.tile(np.arange(3), 6), answer=np.tile([FIRST, FIRST, SECOND], 6),
    )  # fmt: skip
    fit = fit_crowd(data)
    assert fit.habits.centre[TIE_TENDENCY] == -np.inf
    np.testing.assert_array_equal(predict_pairs(fit)[1], 0)


def test_strangers_are_predicted_from_the_crowd() -> None:
    fit = fit_crowd(crowd(7, pairs=50).comparisons)
    chances = predict_choices(fit, pair=np.array([-1, 0]), annotator=np.array([-1, 0]), shown=np.array([0, 1]))
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert chances[0, FIRST] == pytest.approx(chances[0, SECOND], abs=1e-9)


def test_what_is_compared_in_many_pairs_is_known_from_all_of_them() -> None:
    generator = np.random.default_rng(8)
    worth = np.linspace(-2, 2, 12)
    first, second = np.array([generator.choice(12, 2, replace=False) for _ in range(800)]).T
    chance = 1 / (1 + np.exp(worth[second] - worth[first]))
    data = build_comparisons(
        first=first, second=second, annotator=generator.integers(20, size=800),
        answer=np.where(generator.random(800) < chance, FIRST, SECOND),
    )  # fmt: skip
    fit = fit_crowd(data)
    assert np.corrcoef(fit.worth, worth)[0, 1] > 0.97
    assert (fit.worth_error < 0.6).all()
