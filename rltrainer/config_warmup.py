"""Warm-ups that fit the run: a default gives way to few steps, what was asked for is checked. Standard library only."""

from collections.abc import Iterator, Mapping
from typing import Any

from rltrainer.config_learning import CriticConfig, OptimizerConfig
from rltrainer.config_sections import StopConfig

Defaults = dict[str, dict[str, Any]]


def fit_critic_warmup(mapping: Mapping[str, Any]) -> Defaults:
    """The default of `critic.warmup_steps` in a run of these steps: at most half; empty where it fits as it is.

    A policy that the critic's warm-up leaves no step would learn nothing.
    """
    steps = _read(mapping, "stop", "steps", StopConfig().steps)
    if type(steps) is not int or steps < 1 or steps // 2 >= CriticConfig().warmup_steps:
        return {}  # What is no number of steps is left for the parser to name.
    return {"critic": {"warmup_steps": steps // 2}}


def explain_fitted_warmup(mapping: Mapping[str, Any]) -> str:
    """What has become of the default in a config as it was written; empty where it is as ever, or somebody's own."""
    fitted = fit_critic_warmup(mapping)
    if mapping.get("kind") != "ppo" or not fitted or _read(mapping, "critic", "warmup_steps", None) is not None:
        return ""
    return (
        f"critic.warmup_steps: {fitted['critic']['warmup_steps']} in place of the default of "
        f"{CriticConfig().warmup_steps}, for stop.steps is {_read(mapping, 'stop', 'steps', None)}"
    )


def warmup_fault(section: OptimizerConfig | CriticConfig, name: str, *, steps: int, limit: str) -> Iterator[str]:
    """The fault of a warm-up that is longer than the run. name: the section's; limit: the key of its steps."""
    if section.warmup_steps > steps:
        yield f"{name}.warmup_steps: must not exceed {limit} ({steps})"


def explain_long_warmup(config: OptimizerConfig, *, steps: int) -> str:
    """What a warm-up does that is longer than the run really is; empty where the full rate is reached."""
    if config.warmup_steps <= steps:
        return ""
    reached = config.learning_rate * steps / config.warmup_steps
    return (
        f"optimizer.warmup_steps is {config.warmup_steps} and the data give {steps} steps: the learning rate only "
        f"reaches {reached:.3g} of {config.learning_rate:g}; lower it to {steps // 2}, or take more epochs or records"
    )


def _read(mapping: Mapping[str, Any], section: str, name: str, default: Any) -> Any:
    values = mapping.get(section, {})
    return values.get(name, default) if isinstance(values, Mapping) else default
