"""PURE: what of a run verl 0.9.1 cannot do, by the keys of our config.

Each rule says what verl has instead, as its source shows: `verl/trainer/ppo/core_algos.py` for losses, advantages and
distances, `verl/experimental/reward_loop` for rewards.
"""

from collections.abc import Iterator

from rltrainer.config import OnlineConfig
from rltrainer.gauges import GAUGES

TOKEN_PARTS = ("brevity_weight", "length_weight", "repetition_penalty", "unfinished_penalty")
"""Parts of a reward that look at tokens; verl's reward functions are given text."""


def list_faults(config: OnlineConfig) -> list[str]:
    """Everything that would be lost or changed in verl without being told; empty where the job can be written."""
    return [*_of_model(config), *_of_reward(config), *_of_kl(config), *_of_loss(config), *_of_kind(config)]


def _of_model(config: OnlineConfig) -> Iterator[str]:
    model, optimizer = config.model, config.optimizer
    if model.device == "cpu":
        yield "model.device: verl trains on GPUs; take 'auto' or 'cuda'"
    if model.precision == "float32":
        yield "model.precision: verl computes in bfloat16; take 'auto' or 'bfloat16'"
    if model.reference not in (None, model.path):
        yield "model.reference: verl keeps the policy's own start as its reference; leave it out"
    if optimizer.schedule != "constant":
        yield f"optimizer.schedule: verl has no '{optimizer.schedule}' one; take 'constant'"
    if optimizer.target_kl is not None:
        yield "optimizer.target_kl: verl goes through all passes; set it to null"
    if config.rollout.prompts_per_step % optimizer.minibatches:
        yield f"optimizer.minibatches: verl needs equal ones; {config.rollout.prompts_per_step} prompts do not divide"
    for name in GAUGES:
        if getattr(config.brakes, name) in ("pause", "stop"):
            yield f"brakes.{name}: nothing ends a job of verl by itself; take 'warn' or 'off'"
    if config.evaluation.people_every_steps:
        yield "evaluation.people_every_steps: people see nothing of a policy while verl trains it; set it to 0"
    if config.evaluation.champion is not None:
        yield (
            "evaluation.champion: verl compares the policy with no other; leave it out, and name it as model.reference "
            "of a run of kind 'policy-evaluate' afterwards"
        )
    if config.rollout.engine == "vllm":
        yield "rollout.engine: verl starts servers of vLLM by itself; take 'own'"
    if config.rollout.source != "sampled":
        yield "rollout.source: verl samples by itself; groups that people have judged are learned from here"


def _of_reward(config: OnlineConfig) -> Iterator[str]:
    for name in TOKEN_PARTS:
        if getattr(config.reward, name):
            yield f"reward.{name}: verl's reward functions see text and not tokens; set it to 0"


def _of_kl(config: OnlineConfig) -> Iterator[str]:
    kl = config.kl
    if kl.place == "loss" and kl.coefficient and kl.gradient == "ratio":
        yield "kl.gradient: verl does not weigh the distance by the ratio; take 'k2_st' or 'naive'"
    if kl.place == "loss" and kl.controller == "adaptive":
        yield "kl.controller: verl's adaptive price belongs to kl.place 'reward'; take 'fixed'"


def _of_loss(config: OnlineConfig) -> Iterator[str]:
    loss = config.loss
    if loss.ratio_limit is not None:
        yield "loss.ratio_limit: verl limits the ratio by clip_dual only; leave it out"
    if loss.ratio == "sequence":
        yield "loss.ratio: verl's sequence ratio has the gradient of each token; take 'sequence_token'"
    if loss.ratio == "sequence_token" and loss.clip_dual is not None:
        yield "loss.clip_dual: verl has none with a sequence ratio; leave it out"
    if loss.surrogate == "cispo" and loss.clip_low != 1:
        yield "loss.clip_low: verl's 'cispo' holds ratios from below as well, which ours does not; take 1"
    if loss.mask_truncated:
        yield "loss.mask_truncated: verl learns from completions that were cut off; set it to false"
    if loss.old_log_probs != "trainer":
        yield "loss.old_log_probs: verl is told to use the trainer's own; take 'trainer'"


def _of_kind(config: OnlineConfig) -> Iterator[str]:
    yield from _of_critic(config) if config.kind == "ppo" else _of_groups(config)


def _of_critic(config: OnlineConfig) -> Iterator[str]:
    if config.critic.kind == "shared":
        yield "critic.kind: verl's critic is a network of its own; take 'separate'"
    if not config.gae.whiten:
        yield "gae.whiten: verl always whitens advantages; set it to true"
    if config.gae.bootstrap_truncated:
        yield "gae.bootstrap_truncated: verl takes 0 behind the last token; set it to false"


def _of_groups(config: OnlineConfig) -> Iterator[str]:
    if config.advantage.scale == "batch":
        yield "advantage.scale: verl has no deviation over the batch; take 'group_std', 'none' or 'loo'"
    drawing = config.drawing
    if drawing.enabled and drawing.rule != "variance":
        named = config.dynamic_sampling.rule
        meant = "'auto' means 'noise' with reward.ensemble, and " if named == "auto" else ""
        yield f"dynamic_sampling.rule: {meant}verl keeps groups whose rewards differ at all; take 'variance'"
    if drawing.enabled and drawing.stale_steps:
        yield "dynamic_sampling.stale_steps: verl throws surplus groups away; set it to 0"
