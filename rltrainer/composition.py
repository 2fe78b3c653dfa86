"""Which advantages and which loss make up a kind of run."""

from rltrainer.algorithms.algorithm import AdvantageRule
from rltrainer.algorithms.group_relative import GroupRelative
from rltrainer.algorithms.policy_loss import PolicyLoss
from rltrainer.config import OnlineConfig


def compose_rule(config: OnlineConfig) -> AdvantageRule:
    """How rewards become advantages."""
    return GroupRelative(advantage=config.advantage, kl=config.kl, loss=config.loss)


def compose_loss(config: OnlineConfig) -> PolicyLoss:
    """What the policy learns by."""
    return PolicyLoss(loss=config.loss, kl=config.kl)
