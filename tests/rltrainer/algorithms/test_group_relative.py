from dataclasses import replace

import pytest
import torch

from rewardmodel.records import PromptRecord
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.algorithms.group_relative import GroupRelative
from rltrainer.config_learning import AdvantageConfig, KLConfig, LossConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.tally import Tally

PROMPT = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "?"},), {}), (1, 2))


def _groups():
    completions = tuple(Completion((9,) * n, (-1.0,) * n, "stop", 0) for n in (1, 2, 3, 4))
    return [Group(PROMPT, completions, ("",) * 4, 5, {}, (1.0, 2.0, 3.0, 6.0))]


REFERENCE = [(-1.5,) * n for n in (1, 2, 3, 4)]


def _evidence(*, version=5, price=0.1):
    return Evidence(policy_version=version, kl_coefficient=price, reference_log_probs=REFERENCE)


def test_rows_carry_advantages_and_log_probs():
    algorithm = GroupRelative(kl=KLConfig(), advantage=AdvantageConfig(scale="none"), loss=LossConfig())
    batch = algorithm.prepare(_groups(), _evidence(), Tally())
    assert batch.policy_version == 5
    assert batch.tokens == 10
    assert [row.advantages[0] for row in batch.rows] == [-2.0, -1.0, 0.0, 3.0]
    assert [row.reference_log_probs for row in batch.rows] == REFERENCE
    assert all(row.prompt_ids == (1, 2) and row.old_log_probs is None for row in batch.rows)


def test_the_price_in_the_reward_is_the_summed_distance():
    # k1 sums: 0.5 a token. Rewards 1, 2, 3, 6 become 1 - 0.1 * (0.5, 1, 1.5, 2); their mean is 3 - 0.125.
    kl = KLConfig(coefficient=0.1, place="reward", estimator="k1")
    algorithm = GroupRelative(kl=kl, advantage=AdvantageConfig(scale="none"), loss=LossConfig())
    batch = algorithm.prepare(_groups(), _evidence(), Tally())
    expected = torch.tensor([0.95, 1.9, 2.85, 5.8]) - 2.875
    assert [row.advantages[0] for row in batch.rows] == pytest.approx(expected.tolist(), abs=1e-6)


def test_every_token_has_the_advantage_of_its_completion():
    rule = GroupRelative(kl=KLConfig(), advantage=AdvantageConfig(scale="none"), loss=LossConfig())
    batch = rule.prepare(_groups(), _evidence(), Tally())
    assert [row.advantages for row in batch.rows] == [(-2.0,), (-1.0,) * 2, (0.0,) * 3, (3.0,) * 4]


def test_completions_of_an_older_policy_carry_its_log_probs():
    rule = GroupRelative(kl=KLConfig(), advantage=AdvantageConfig(), loss=LossConfig())
    batch = rule.prepare(_groups(), _evidence(version=7), Tally())
    assert batch.policy_version == 7
    assert [row.old_log_probs for row in batch.rows] == [(-1.0,) * n for n in (1, 2, 3, 4)]


def test_what_was_cut_off_can_be_left_out():
    group = _groups()[0]
    cut = replace(group.completions[3], finish_reason="length")
    groups = [replace(group, completions=(*group.completions[:3], cut))]
    for mask, counted in ((True, [True, True, True, False]), (False, [True] * 4)):
        rule = GroupRelative(kl=KLConfig(), advantage=AdvantageConfig(), loss=LossConfig(mask_truncated=mask))
        assert [row.counted for row in rule.prepare(groups, _evidence(), Tally()).rows] == counted


def test_a_price_without_a_reference_is_a_fault():
    kl = KLConfig(coefficient=0.1, place="reward", estimator="k1")
    rule = GroupRelative(kl=kl, advantage=AdvantageConfig(), loss=LossConfig())
    with pytest.raises(ValueError, match="needs the reference"):
        rule.prepare(_groups(), Evidence(policy_version=5, kl_coefficient=0.1), Tally())
