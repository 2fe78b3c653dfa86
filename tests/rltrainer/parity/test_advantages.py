"""Advantages against TRL 1.16, through its own step from prompts to advantages, completions sampled and all."""

import pytest
import torch

from rewardmodel.records import PromptRecord
from rltrainer.advantages import flat_groups
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.algorithms.group_relative import GroupRelative
from rltrainer.config_learning import AdvantageConfig, LossConfig
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.tally import Tally
from tests.rltrainer.gradients import NO_KL

pytestmark = pytest.mark.xdist_group("trl")

SCALES = {"group_std": "group", "batch": "batch", "none": "none"}
"""Our names of the scales, and TRL's."""
REWARDS = {
    "spread": [0.25, -1.5, 3.0, 0.125, 7.0, 7.5, -2.0, 0.0],
    "right or wrong": [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0],
    "one group flat": [0.5, 0.5, 0.5, 0.5, -1.0, 1.0, 1.0, 1.0],
    "all flat": [0.5] * 8,
}


def our_advantages(rewards, scale):
    prompt = EncodedPrompt(PromptRecord("q", ({"role": "user", "content": "hi"},)), (5, 6))
    completions = tuple(Completion((7, 8), (-1.0, -1.0), "length", seed=seed) for seed in range(4))
    groups = [
        Group(prompt, completions, ("",) * 4, policy_version=0, rewards=tuple(rewards[start : start + 4]))
        for start in (0, 4)
    ]
    rule = GroupRelative(advantage=AdvantageConfig(scale=scale), kl=NO_KL, loss=LossConfig())
    rows = rule.prepare(groups, Evidence(policy_version=0, kl_coefficient=0.0), Tally()).rows
    assert all(row.advantages == (row.advantages[0],) * 2 for row in rows)
    return torch.tensor([row.advantages[0] for row in rows])


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize("scale", SCALES)
def test_advantages(trl_grpo, model, name, scale):
    rewards = REWARDS[name]
    trl_grpo.rewards = rewards
    trainer = trl_grpo.trainer(model, scale_rewards=SCALES[scale])
    theirs = trainer._generate_and_score_completions([{"prompt": "hi"}] * 8)["advantages"]
    torch.testing.assert_close(our_advantages(rewards, scale), theirs, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", REWARDS)
def test_share_of_flat_groups(trl_grpo, model, name):
    trl_grpo.rewards = REWARDS[name]
    trainer = trl_grpo.trainer(model)
    trainer._generate_and_score_completions([{"prompt": "hi"}] * 8)
    flat = flat_groups(torch.tensor(REWARDS[name]).view(2, 4)).float().mean()
    assert trainer._metrics["train"]["frac_reward_zero_std"] == [float(flat)]


def test_meant_difference_float_noise_is_no_signal(trl_grpo, model):
    rewards = [1e-7, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    trl_grpo.rewards = rewards
    theirs = trl_grpo.trainer(model)._generate_and_score_completions([{"prompt": "hi"}] * 8)["advantages"]
    assert float(theirs[:4].abs().max()) > 0
    ours = our_advantages(rewards, "group_std")
    assert ours[:4].tolist() == [0.0] * 4
    torch.testing.assert_close(ours[4:], theirs[4:], atol=1e-6, rtol=1e-6)
