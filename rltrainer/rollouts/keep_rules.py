"""PURE: which groups have something to teach, and on which side those that have nothing stand."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from rewardmodel.config_parsing import ConfigError
from rltrainer.advantages import flat_groups
from rltrainer.config_learning import DynamicSamplingConfig
from rltrainer.config_reward import RewardConfig
from rltrainer.records import Group

_LEFT_OUT = "that differ by less than these among themselves are left out"


def task_rewards(group: Group) -> tuple[float, ...]:
    """The rewards that keep rules look at: those without shaping, where a reward tells them apart."""
    return group.task_rewards or group.rewards


def is_flat(group: Group) -> bool:
    """True where all completions earned the same for the task; never for a single completion."""
    rewards = task_rewards(group)
    return len(rewards) > 1 and bool(flat_groups(torch.tensor([rewards], dtype=torch.float64)))


def is_useful(group: Group, config: DynamicSamplingConfig) -> bool:
    """Whether a group has something to teach.

    `variance`: its rewards differ. `noise`: they also differ by at least `noise_factor` times what the reward model
    itself is unsure of (root mean square over the completions of its ensemble's deviation). Rewards and noise are those
    of the weighted sum: beside an ensemble a verifier counts as certain, so that a group which it splits by more than
    the ensemble's doubt is kept, and one in which all pass or all fail is judged by the ensemble alone.
    Raises: ConfigError where rule `noise` meets a reward without an ensemble; ValueError on a rule that is not settled.
    Source: Yu et al. 2025 (arXiv:2503.14476) sec. 3.2; the noise rule is our own.
    """
    if config.rule == "auto":
        raise ValueError("rule 'auto' depends on the reward; take OnlineConfig.drawing, in which it is settled")
    if is_flat(group):
        return False
    if config.rule == "variance":
        return True
    if not group.reward_noise:
        raise ConfigError(
            [
                "dynamic_sampling.rule: 'noise' compares with the deviation among the members of a reward model, and "
                "this reward has none; take a reward model with several members, or rule 'variance'"
            ]
        )
    rewards = torch.tensor(task_rewards(group), dtype=torch.float64)
    noise = math.sqrt(sum(value * value for value in group.reward_noise) / len(group.reward_noise))
    return float(rewards.std()) >= config.noise_factor * noise


def explain_idle_rule(drawing: DynamicSamplingConfig, reward: RewardConfig) -> str:
    """Why dynamic sampling will hardly leave a group out, and what helps; empty where it can. The rule is settled."""
    if not drawing.enabled or drawing.rule != "variance" or not reward.is_learned:
        return ""
    why = "dynamic sampling keeps every group: a learned reward hardly ever gives two answers the same"
    if reward.is_doubted:
        return f"{why}. Take dynamic_sampling.rule 'auto', and groups {_LEFT_OUT}"
    return f"{why}. Name further reward models in reward.ensemble, and groups {_LEFT_OUT}"


@dataclass(slots=True)
class RewardRange:
    """The lowest and the highest reward for the task seen so far: what failing and passing mean in this run."""

    low: float = math.inf
    high: float = -math.inf

    def widen(self, groups: Iterable[Group]) -> None:
        """Take these groups in."""
        for group in groups:
            self.low = min(self.low, *task_rewards(group))
            self.high = max(self.high, *task_rewards(group))

    def is_high(self, value: float) -> bool:
        """Whether a reward lies in the upper half; while only one reward was ever seen, whether it is above 0."""
        return value > (self.low + self.high) / 2 if self.high > self.low else value > 0
