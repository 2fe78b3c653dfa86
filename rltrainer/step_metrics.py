"""PURE: what a step's groups tell about rewards, lengths and repetition."""

from collections.abc import Sequence

import numpy as np

from rltrainer.records import Group, flatten_completions
from rltrainer.rollouts.keep_rules import is_flat, task_rewards

NGRAM = 3


def describe_groups(groups: Sequence[Group]) -> dict[str, float]:
    """Metrics of one step's completions, by the names that docs/metrics.md explains."""
    completions = [group.completions[index] for group, index in flatten_completions(groups)]
    lengths = np.array([len(completion.token_ids) for completion in completions], dtype=np.float64)
    stopped = np.array([completion.finish_reason == "stop" for completion in completions])
    rewards = np.array([reward for group in groups for reward in group.rewards])
    return {
        **_describe_rewards(groups),
        **_correlate("reward_length_correlation", rewards, lengths),
        "prompt_tokens_mean": float(np.mean([len(group.prompt.token_ids) for group in groups])),
        "length_mean": float(lengths.mean()),
        "length_min": float(lengths.min()),
        "length_max": float(lengths.max()),
        **({"length_stopped_mean": float(lengths[stopped].mean())} if stopped.any() else {}),
        "truncated_fraction": float(1 - stopped.mean()),
        "repetition_fraction": float(np.mean([repeated_share(c.token_ids) for c in completions])),
        "non_ascii_fraction": _non_ascii_share([text for group in groups for text in group.texts]),
        "distinct_fraction": distinct_share([completion.token_ids for completion in completions]),
    }


def _describe_rewards(groups: Sequence[Group]) -> dict[str, float]:
    rewards = np.array([group.rewards for group in groups], dtype=np.float64)
    described = {
        **_mean_and_spread("reward", rewards.ravel()),
        "reward_min": float(rewards.min()),
        "reward_max": float(rewards.max()),
        **_mean_and_spread("reward_task", np.array([value for group in groups for value in task_rewards(group)])),
    }
    if rewards.shape[1] > 1:
        described["reward_group_std"] = float(rewards.std(axis=1, ddof=1).mean())
        described["zero_std_fraction"] = float(np.mean([is_flat(group) for group in groups]))
    if all(group.reward_noise for group in groups):
        described["reward_noise"] = float(np.mean([value for group in groups for value in group.reward_noise]))
    if all(group.reward_distance for group in groups):
        described["reward_distance"] = float(np.mean([value for group in groups for value in group.reward_distance]))
        unfamiliar = [share for group in groups for share in group.reward_unfamiliar]
        described["reward_unfamiliar_fraction"] = float(np.mean(unfamiliar))
    for name in groups[0].reward_parts:
        values = np.array([value for group in groups for value in group.reward_parts[name]])
        described.update(_mean_and_spread(f"reward_{name}", values))
    return described


def _mean_and_spread(name: str, values: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation; no deviation of a single value."""
    spread = {f"{name}_std": float(values.std(ddof=1))} if len(values) > 1 else {}
    return {name: float(values.mean()), **spread}


def _non_ascii_share(texts: Sequence[str]) -> float:
    """Share of characters outside of ASCII; 0 without any character."""
    characters = "".join(texts)
    return sum(ord(character) > 127 for character in characters) / len(characters) if characters else 0.0


def _correlate(name: str, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Pearson's correlation; nothing where either does not vary."""
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return {}
    return {name: float(np.corrcoef(first, second)[0, 1])}


def repeated_share(token_ids: Sequence[int], size: int = NGRAM) -> float:
    """Share of a completion's runs of `size` tokens that occurred in it before; 0 where it has no such run."""
    runs = _runs(token_ids, size)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def distinct_share(completions: Sequence[Sequence[int]]) -> float:
    """Share of different ones among all runs of three tokens of all completions; 1 where there is no such run."""
    runs = [run for token_ids in completions for run in _runs(token_ids)]
    return len(set(runs)) / len(runs) if runs else 1.0


def _runs(token_ids: Sequence[int], size: int = NGRAM) -> list[tuple[int, ...]]:
    return [tuple(token_ids[start : start + size]) for start in range(len(token_ids) - size + 1)]
