from dataclasses import replace

import pytest

from rewardmodel.records import PromptRecord
from rltrainer.algorithms.actor_critic import ActorCritic, value_pairs
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.config_learning import GAEConfig, KLConfig, LossConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.tally import Tally

PROMPT = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), {}), (1, 2))
PRICED = KLConfig(coefficient=0.1, place="reward", estimator="k1")
PLAIN = GAEConfig(whiten=False)
SHORT, LONG = Completion((8,), (-1.0,), "stop", 0), Completion((9, 9, 9), (-1.0,) * 3, "length", 0)
GROUPS = [Group(PROMPT, (SHORT, LONG), ("", ""), 5, {}, (2.0, 6.0))]
VALUES = [(1.0,), (1.0, 2.0, 4.0)]
EVIDENCE = Evidence(
    policy_version=5, kl_coefficient=0.1, reference_log_probs=[(-1.5,), (-2.0, -1.0, -3.0)], values=VALUES
)


def _prepare(gae=PLAIN, *, kl=PRICED, evidence=EVIDENCE, groups=GROUPS, mask_truncated=False):
    tally = Tally()
    rule = ActorCritic(gae=gae, kl=kl, loss=LossConfig(mask_truncated=mask_truncated))
    return rule.prepare(groups, evidence, tally).rows, tally.values()


def test_the_reward_stands_at_the_last_token_and_the_price_at_each():
    # k1 = sampler - reference: 0.5 and 1, 0, 2; with trace 0 an advantage is r + next V - V.
    (short, long), measured = _prepare(replace(PLAIN, trace=0.0))
    assert short.advantages == pytest.approx((2 - 0.05 - 1,))
    assert long.advantages == pytest.approx((-0.1 + 2 - 1, 0 + 4 - 2, 6 - 0.2 - 4))
    assert measured["reward_after_kl"] == pytest.approx((1.95 + 5.7) / 2)


def test_returns_are_raw_advantages_and_values():
    for gae in (PLAIN, GAEConfig(whiten=True)):
        (short, long), measured = _prepare(replace(gae, trace=1.0))
        assert short.returns == pytest.approx((1.95,))
        assert long.returns == pytest.approx((5.7, 5.8, 5.8))
        assert (short.values, long.values) == tuple(VALUES)
        assert measured["value_mean"] == pytest.approx(2.0)
        assert measured["return_mean"] == pytest.approx((1.95 + 5.7 + 5.8 + 5.8) / 4)


def test_advantages_are_whitened_over_all_tokens_of_the_step():
    rows, measured = _prepare(GAEConfig())
    raw, _ = _prepare(PLAIN)
    flat, expected = ([a for row in own for a in row.advantages] for own in (rows, raw))
    mean = sum(expected) / 4
    deviation = (sum((value - mean) ** 2 for value in expected) / 3) ** 0.5
    assert flat == pytest.approx([(value - mean) / deviation for value in expected], abs=1e-6)
    assert measured["advantage_mean"] == pytest.approx(0, abs=1e-9)
    assert measured["advantage_std"] == pytest.approx(1, abs=1e-6)


def test_without_a_price_no_reference_is_needed():
    evidence = Evidence(policy_version=5, kl_coefficient=0.0, values=VALUES)
    (short, _), _ = _prepare(evidence=evidence)
    assert short.advantages == (1.0,)
    # In the loss, too, it is no part of the rewards.
    (short, _), _ = _prepare(evidence=replace(EVIDENCE), kl=KLConfig(place="loss"))
    assert short.advantages == (1.0,)


def test_what_follows_a_cut_off_completion_is_worth_its_value_where_asked():
    gae = replace(PLAIN, bootstrap_truncated=True, trace=0.0)
    asked = value_pairs(GROUPS, bootstrap_truncated=True)
    assert [(prompt, answer[:3], len(answer)) for prompt, answer in asked] == [
        ((1, 2), (8,), 1),
        ((1, 2), (9, 9, 9), 4),
    ]
    assert value_pairs(GROUPS, bootstrap_truncated=False) == [((1, 2), (8,)), ((1, 2), (9, 9, 9))]
    (short, long), _ = _prepare(gae, evidence=replace(EVIDENCE, values=[(1.0,), (1.0, 2.0, 4.0, 7.0)]))
    assert long.advantages[-1] == pytest.approx(6 - 0.2 + 7 - 4)
    assert long.values == VALUES[1]
    assert short.advantages == pytest.approx((0.95,))


def test_what_was_cut_off_can_be_left_out_of_the_whitening_too():
    groups = [
        replace(GROUPS[0], completions=(SHORT, replace(SHORT, seed=1), LONG), texts=("",) * 3, rewards=(2.0, 4.0, 60.0))
    ]
    evidence = replace(
        EVIDENCE, reference_log_probs=[(-1.0,), (-1.0,), (-1.0,) * 3], values=[(1.0,), (1.0,), (0.0,) * 3]
    )
    rows, measured = _prepare(GAEConfig(), groups=groups, evidence=evidence, mask_truncated=True)
    assert [row.counted for row in rows] == [True, True, False]
    assert rows[1].advantages == pytest.approx((0.5**0.5,))
    assert measured["return_mean"] == pytest.approx(3.0)


def test_explained_variance_compares_values_with_returns():
    _, measured = _prepare(replace(PLAIN, trace=1.0))
    returns, values = [1.95, 5.7, 5.8, 5.8], [1.0, 1.0, 2.0, 4.0]

    def variance(numbers):
        mean = sum(numbers) / len(numbers)
        return sum((number - mean) ** 2 for number in numbers)

    errors = [r - v for r, v in zip(returns, values, strict=True)]
    assert measured["explained_variance"] == pytest.approx(1 - variance(errors) / variance(returns))


def test_without_values_it_cannot_compare():
    with pytest.raises(ValueError, match="values of a critic"):
        _prepare(evidence=replace(EVIDENCE, values=None))
