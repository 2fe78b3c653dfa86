import math
from dataclasses import replace

import pytest

from rltrainer.config_learning import DynamicSamplingConfig
from rltrainer.config_reward import RewardConfig
from rltrainer.records import Completion, Group
from rltrainer.rollouts.keep_rules import RewardRange, explain_idle_rule, is_flat, is_useful
from tests.rltrainer.rollouts.scripted_collector import numbered_prompts

VARIANCE = DynamicSamplingConfig(enabled=True, rule="variance")
NOISE = DynamicSamplingConfig(enabled=True, rule="noise", noise_factor=0.5)
LEARNED = RewardConfig(model="a")
ENSEMBLE = RewardConfig(model="a", ensemble=("b", "c"))
IDLE = "dynamic sampling keeps every group: a learned reward hardly ever gives two answers the same. "


def _group(rewards, task_rewards=(), noise=()):
    completions = (Completion((1,), (0.0,), "stop", 0),) * len(rewards)
    return Group(numbered_prompts(1)[0], completions, ("",) * len(rewards), 0, {}, rewards, task_rewards, noise)


def test_shaping_does_not_make_a_flat_group_useful():
    # All right, of different length: without its own rule for the task such a group would survive.
    group = _group((0.9, 0.5, 1.0), task_rewards=(1.0, 1.0, 1.0))
    assert is_flat(group)
    assert not is_useful(group, VARIANCE)
    assert is_useful(replace(group, task_rewards=()), VARIANCE)


def test_float_noise_is_no_signal():
    assert is_flat(_group((0.1 + 0.2, 0.3, 0.3)))


def test_the_noise_rule_by_hand():
    # Deviation of (0, 2) is sqrt(2); of the ensemble (1, 7): root mean square 5.
    group = _group((0.0, 2.0), noise=(1.0, 7.0))
    assert is_useful(group, DynamicSamplingConfig(enabled=True, rule="noise", noise_factor=math.sqrt(2) / 5 - 1e-6))
    assert not is_useful(group, DynamicSamplingConfig(enabled=True, rule="noise", noise_factor=math.sqrt(2) / 5 + 1e-6))


def test_a_flat_group_stays_useless_beside_an_ensemble_without_noise():
    group = _group((1.0, 1.0), noise=(0.0, 0.0))
    assert not is_useful(group, NOISE)


def test_beside_an_ensemble_a_verifier_is_certain():
    # The ensemble's doubt of 1 asks for a deviation of 0.5 of the sum. Right and wrong answers differ by more; where
    # all are right the ensemble's own small differences are left; what the two say against each other cancels.
    noise = (1.0, 1.0)
    assert is_useful(_group((1.0 + 0.1, 0.0 - 0.1), noise=noise), NOISE)
    assert not is_useful(_group((1.0 + 0.1, 1.0 - 0.1), noise=noise), NOISE)
    assert not is_useful(_group((1.0 - 0.5, 0.0 + 0.4), noise=noise), NOISE)


def test_a_rule_must_be_settled_first():
    with pytest.raises(ValueError, match="rule 'auto' depends on the reward"):
        is_useful(_group((0.0, 2.0)), DynamicSamplingConfig(enabled=True))


@pytest.mark.parametrize(
    ("rule", "reward", "advice"),
    [
        ("variance", LEARNED, "Name further reward models in reward.ensemble, and groups that differ by less than"),
        ("variance", replace(LEARNED, number_weight=1.0), "Name further reward models in reward.ensemble, and groups"),
        ("variance", ENSEMBLE, "Take dynamic_sampling.rule 'auto', and groups that differ by less than"),
        ("noise", ENSEMBLE, None),
        ("variance", replace(LEARNED, model_weight=0.0, number_weight=1.0), None),
        ("variance", RewardConfig(number_weight=1.0), None),
    ],
)
def test_a_rule_that_leaves_nothing_out_is_told_with_what_helps(rule, reward, advice):
    sentence = explain_idle_rule(DynamicSamplingConfig(enabled=True, rule=rule), reward)
    assert sentence.startswith(IDLE + advice) if advice else sentence == ""
    assert explain_idle_rule(DynamicSamplingConfig(enabled=False, rule=rule), reward) == ""


def test_failing_and_passing_are_told_by_what_the_run_has_seen():
    seen = RewardRange()
    seen.widen([_group((0.0, 0.0))])
    assert not seen.is_high(0.0)
    seen.widen([_group((-1.0, -1.0))])
    assert seen.is_high(0.0)


def test_one_reward_alone_passes_when_it_is_above_zero():
    seen = RewardRange()
    seen.widen([_group((1.0, 1.0))])
    assert seen.is_high(1.0)
