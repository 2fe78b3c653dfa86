"""Where a critic begins: from the reward model, on the scale of the rewards, or from the policy's body."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from rewardmodel.config_parsing import ConfigError
from rewardmodel.network import CARD_FILE, RewardNetwork, load_reward_model, require_causal
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import derive_seed
from rltrainer.architecture import require_full_attention
from rltrainer.config import OnlineConfig
from rltrainer.critic import Critic
from rltrainer.llama.body import find_body
from rltrainer.memory import MicroBatchBudget
from rltrainer.optimization import PolicyOptimizer, build_adamw
from rltrainer.ranks import Ranks
from rltrainer.value_head import value_head
from rltrainer.vocabulary import require_same_tokens
from rltrainer.weight_stepper import WeightStepper
from rltrainer.weights import Weights
from rltrainer.workbench import Workbench, keep_exact, longest_sequence


def open_critic(
    directory: RunDirectory, config: OnlineConfig, *, bench: Workbench, optimizer: PolicyOptimizer, ranks: Ranks
) -> Critic | None:
    """The critic of a run; None for kinds that have none. Raises: ConfigError where it does not fit the policy."""
    if config.kind != "ppo":
        return None
    directory.status.update(message="loading the critic")
    if config.critic.kind == "shared":
        return _share(config, optimizer=optimizer, directory=directory, ranks=ranks)
    network, masters = load_critic_network(
        find_origin(directory, config),
        bench.compute,
        tokenizer=bench.renderer.tokenizer,
        longest=longest_sequence(bench, config) + int(config.gae.bootstrap_truncated),
        dither=derive_seed(config.seed, "critic"),
    )
    stepper = WeightStepper(
        masters,
        build_adamw(masters.parameters, config.optimizer),
        config.optimizer,
        budget=MicroBatchBudget(optimizer.policy.budget.tokens),
        ranks=ranks,
    )
    return Critic(
        network.backbone,
        network.head,
        stepper,
        passes=config.critic.passes,
        minibatches=config.optimizer.minibatches,
        clip=config.critic.clip,
        rate_factor=rate_factor(config),
        shared=False,
        check=directory.cancellation.check,
        ranks=ranks,
    )


def rate_factor(config: OnlineConfig) -> float:
    """How much faster the critic learns than the policy."""
    return config.critic.learning_rate / config.optimizer.learning_rate


def _share(config: OnlineConfig, *, optimizer: PolicyOptimizer, directory: RunDirectory, ranks: Ranks) -> Critic:
    """The critic that is a head on the policy; its AdamW is the policy's, which knows the head's own rate."""
    policy = optimizer.policy
    head = value_head(policy.model)
    if head is None:
        raise ValueError("a shared critic needs a value head on the policy")
    stepper = WeightStepper(
        MasterWeights(head),
        optimizer.adamw,
        config.optimizer,
        budget=MicroBatchBudget(policy.budget.tokens),
        ranks=ranks,
    )
    return Critic(
        policy.model,
        head,
        stepper,
        passes=config.optimizer.passes,
        minibatches=config.optimizer.minibatches,
        clip=config.critic.clip,
        rate_factor=1.0,
        shared=True,
        exact=policy.exact,
        check=directory.cancellation.check,
        ranks=ranks,
    )


@dataclass(frozen=True, slots=True)
class CriticOrigin:
    """A folder to start from."""

    folder: Path
    key: str
    """The key of the config that names it, for messages."""
    scale: float
    """What the reward model's normalised score is multiplied by in the reward."""


def find_origin(directory: RunDirectory, config: OnlineConfig) -> CriticOrigin:
    """`critic.path`, else the reward model where one is rewarded, else the policy."""
    reward, critic = config.reward, config.critic
    scale = reward.model_weight if reward.model is not None else 1.0
    if critic.path is not None:
        return CriticOrigin(directory.resolve(critic.path), "critic.path", scale or 1.0)
    if reward.model is not None and scale:
        return CriticOrigin(directory.resolve(reward.model), "reward.model", scale)
    return CriticOrigin(directory.resolve(config.model.path), "model.path", 1.0)


def load_critic_network(
    origin: CriticOrigin,
    compute: ComputeDevice,
    *,
    tokenizer: PreTrainedTokenizerBase,
    longest: int,
    dither: int | None = None,
) -> tuple[RewardNetwork, Weights]:
    """The network in the compute precision, and its exact float32 masters, of which it is a part where our own layers
    run it.

    tokenizer: the policy's, whose tokens the critic will read. longest: tokens of the longest prompt and completion.
    dither: as `keep_exact` takes it.
    Raises: ConfigError where the network reads other tokens or not so many of them, or looks ahead.
    """
    _require_same_tokens(origin, tokenizer)
    network = _load(origin, dtype=compute.compute_dtype).to(compute.device)
    _require_reach(network, origin, longest)
    network.requires_grad_(True)
    if compute.compute_dtype == torch.float32:
        return network, MasterWeights(network)
    exact = {name: weight.detach() for name, weight in _load(origin, dtype=torch.float32).named_parameters()}
    return network, keep_exact(network, exact, runs_itself=find_body(network.backbone) is not None, dither=dither)


def _load(origin: CriticOrigin, *, dtype: torch.dtype) -> RewardNetwork:
    if (origin.folder / CARD_FILE).is_file():
        network, card = load_reward_model(origin.folder, dtype=dtype)
        _fold_scale(network.head, mean=card.score_mean, deviation=card.score_deviation, scale=origin.scale)
        return network
    network = RewardNetwork(load_backbone(origin.folder, dtype=dtype, key=origin.key)).eval()
    # Nothing is known of the rewards' scale: expecting 0 is the least wrong.
    nn.init.zeros_(network.head.weight)
    return network


@torch.no_grad()
def _fold_scale(head: nn.Linear, *, mean: float, deviation: float, scale: float) -> None:
    """Make the head give scale * (raw - mean) / deviation, bias included: what a finished completion is rewarded."""
    head.weight.mul_(scale / deviation)
    head.bias.sub_(mean).mul_(scale / deviation)


def _require_same_tokens(origin: CriticOrigin, tokenizer: PreTrainedTokenizerBase) -> None:
    kind = "name a model of the policy's kind in critic.path (the policy's own folder will do)"
    require_same_tokens(
        origin.folder, tokenizer, key=origin.key, reader="critic", way_out=f"{kind}, or take critic.kind 'shared'"
    )


def _require_reach(network: RewardNetwork, origin: CriticOrigin, longest: int) -> None:
    try:
        require_causal(network)
        require_full_attention(network.backbone, longest)
    except ConfigError as error:
        # Both name the key of another section.
        raise ConfigError([f"{origin.key}: {fault.partition(': ')[2]}" for fault in error.faults]) from error
