"""Settings of a policy run that would be believed in and do nothing. Standard library only."""

from collections.abc import Iterator
from dataclasses import replace

from rltrainer.config_brakes import WATCH_OWN_COMPLETIONS, WATCH_WINDOWS, BrakesConfig
from rltrainer.config_learning import DynamicSamplingConfig, KLConfig, OptimizerConfig
from rltrainer.config_reward import RewardConfig
from rltrainer.config_sections import RolloutConfig, StopConfig


def brake_faults(
    brakes: BrakesConfig, *, reward: RewardConfig, rollout: RolloutConfig, stop: StopConfig
) -> Iterator[str]:
    """Brakes that are to end a run and will never have anything to look at."""
    blind: dict[str, str] = {}
    if not reward.is_learned:
        blind["distance"] = "needs a reward model; name one in reward.model, with a reward.model_weight"
    if rollout.source == "judged":
        why = "looks at completions of the policy's own, of which rollout.source 'judged' has none"
        blind |= dict.fromkeys(WATCH_OWN_COMPLETIONS, why)
    if not reward.is_doubted:
        why = f"needs several reward models; {reward.lack_of_doubt}"
        blind |= {"uncertainty": why, "gain": why}
    if rollout.group_size == 1:
        blind["flat"] = "compares completions of a prompt, and rollout.group_size is 1"
    for name, why in (_too_late(brakes, stop.steps) | blind).items():
        if (action := getattr(brakes, name)) in ("pause", "stop"):
            yield f"brakes.{name}: '{action}' would never come, for it {why}; take 'warn' or 'off'"


def _too_late(brakes: BrakesConfig, steps: int) -> dict[str, str]:
    """Brakes whose first look comes after the last step. `kl` needs no whole window."""
    late: dict[str, str] = {}
    if brakes.window > steps:
        why = f"looks at the mean of {brakes.window} steps (brakes.window), and stop.steps is {steps}"
        late = dict.fromkeys(WATCH_WINDOWS, why)
    if brakes.gain_steps > steps:
        late["gain"] = f"looks after {brakes.gain_steps} steps (brakes.gain_steps), and stop.steps is {steps}"
    return late


def idle_faults(
    kind: str,
    *,
    drawing: DynamicSamplingConfig,
    settled: DynamicSamplingConfig,
    kl: KLConfig,
    optimizer: OptimizerConfig,
    rollout: RolloutConfig,
) -> Iterator[str]:
    """Settings without effect, which somebody believes in. settled: `drawing` as the run does it."""
    # Complete configs of before 'auto' name the rule that was the default; it said nothing then, and does not now.
    idle = replace(drawing, rule="auto") if drawing.rule == "variance" else drawing
    # Switched off in 'dapo', it may still say how it would be done.
    if kind != "dapo" and not drawing.enabled and idle != DynamicSamplingConfig():
        yield "dynamic_sampling: has no effect unless enabled; set enabled to true, or leave the section out"
    if settled.rule != "noise" and drawing.noise_factor != DynamicSamplingConfig().noise_factor:
        yield "dynamic_sampling.noise_factor: has no effect unless rule is 'noise', or 'auto' is"
    if kl.controller == "fixed":
        for name in ("target", "horizon"):
            if getattr(kl, name) != getattr(KLConfig(), name):
                yield f"kl.{name}: has no effect with kl.controller 'fixed'; take 'adaptive'"
    if optimizer.target_kl is not None and optimizer.passes * optimizer.minibatches == 1:
        yield "optimizer.target_kl: has no effect with one optimizer step a batch; see passes and minibatches"
    if optimizer.minibatches > rollout.prompts_per_step:
        yield (
            f"optimizer.minibatches: a minibatch holds whole prompts, and rollout.prompts_per_step is "
            f"{rollout.prompts_per_step}; take at most as many"
        )
    if drawing.on_cap == "fill_with_zero_advantage" and kl.place == "reward" and kl.coefficient:
        yield (
            "dynamic_sampling.on_cap: 'fill_with_zero_advantage' would not, for with kl.place 'reward' the distance "
            "makes the rewards of a group differ; take kl.place 'loss', or another on_cap"
        )
