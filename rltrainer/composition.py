"""Which advantages and which loss make up a kind of run."""

from rltrainer.algorithms.actor_critic import ActorCritic
from rltrainer.algorithms.algorithm import AdvantageRule
from rltrainer.algorithms.group_relative import GroupRelative
from rltrainer.algorithms.policy_loss import PolicyLoss
from rltrainer.config import OnlineConfig


def compose_rule(config: OnlineConfig) -> AdvantageRule:
    """How rewards become advantages."""
    if config.kind == "ppo":
        return ActorCritic(gae=config.gae, kl=config.kl, loss=config.loss)
    return GroupRelative(advantage=config.advantage, kl=config.kl, loss=config.loss)


def compose_loss(config: OnlineConfig) -> PolicyLoss:
    """What the policy learns by."""
    return PolicyLoss(loss=config.loss, kl=config.kl)
