"""PURE: what a step's groups tell about rewards, lengths and repetition."""

from collections.abc import Sequence

import numpy as np
import torch

from rltrainer.advantages import flat_groups
from rltrainer.records import Group, flatten_completions

NGRAM = 3


def describe_groups(groups: Sequence[Group]) -> dict[str, float]:
    """Metrics of one step's completions, by the names that docs/metrics.md explains."""
    completions = [group.completions[index] for group, index in flatten_completions(groups)]
    lengths = np.array([len(completion.token_ids) for completion in completions], dtype=np.float64)
    stopped = np.array([completion.finish_reason == "stop" for completion in completions])
    return {
        **_describe_rewards(groups),
        "length_mean": float(lengths.mean()),
        "length_min": float(lengths.min()),
        "length_max": float(lengths.max()),
        **({"length_stopped_mean": float(lengths[stopped].mean())} if stopped.any() else {}),
        "truncated_fraction": float(1 - stopped.mean()),
        "repetition_fraction": float(np.mean([repeated_share(c.token_ids) for c in completions])),
        "distinct_fraction": distinct_share([completion.token_ids for completion in completions]),
    }


def _describe_rewards(groups: Sequence[Group]) -> dict[str, float]:
    rewards = torch.tensor([group.rewards for group in groups], dtype=torch.float64)
    flat = flat_groups(rewards)
    lowest, highest = (bound.item() for bound in rewards.aminmax())
    described = {
        "reward": float(rewards.mean()),
        "reward_std": float(rewards.std()),
        "reward_group_std": float(rewards.std(dim=1).mean()),
        "reward_min": lowest,
        "reward_max": highest,
        "zero_std_fraction": float(flat.double().mean()),
    }
    for name in groups[0].reward_parts:
        values = np.array([value for group in groups for value in group.reward_parts[name]])
        described[f"reward_{name}"] = float(values.mean())
        described[f"reward_{name}_std"] = float(values.std(ddof=1))
    return described


def repeated_share(token_ids: Sequence[int]) -> float:
    """Share of a completion's runs of three tokens that occurred in it before; 0 for fewer than three tokens."""
    runs = _runs(token_ids)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def distinct_share(completions: Sequence[Sequence[int]]) -> float:
    """Share of different ones among all runs of three tokens of all completions; 1 where there is no such run."""
    runs = [run for token_ids in completions for run in _runs(token_ids)]
    return len(set(runs)) / len(runs) if runs else 1.0


def _runs(token_ids: Sequence[int]) -> list[tuple[int, ...]]:
    return [tuple(token_ids[start : start + NGRAM]) for start in range(len(token_ids) - NGRAM + 1)]
