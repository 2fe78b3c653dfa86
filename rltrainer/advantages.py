"""PURE: how much better each completion is than its siblings."""

from typing import Literal, get_args

from torch import Tensor

AdvantageScale = Literal["group_std", "none", "loo", "batch"]
STD_FLOOR = 1e-4
"""Added to a standard deviation before dividing, in reward units; the value common among implementations."""
FLAT_TOLERANCE = 1e-6
"""A group whose spread is below this share of its mean's size counts as flat: float noise is no signal."""


def flat_groups(rewards: Tensor) -> Tensor:
    """Which groups tell nothing, because all their completions got the same reward.

    rewards: [groups, completions]. Returns: [groups] bool.
    """
    _check_rewards(rewards)
    spread = rewards.amax(dim=1) - rewards.amin(dim=1)
    return spread <= FLAT_TOLERANCE * rewards.mean(dim=1).abs().clamp(min=1.0)


def group_advantages(rewards: Tensor, *, scale: AdvantageScale) -> Tensor:
    """Advantage of each completion over the others to the same prompt.

    rewards: [groups, completions], at least two completions a group; computed in float64.
    Returns: [groups, completions] float64; each row sums to 0, and rows of flat groups are exactly 0.
    `group_std` divides by the group's standard deviation (ddof 1), `batch` by that of all rewards, `none` not at all;
    `loo` compares with the mean of the siblings alone.
    Raises: ValueError for fewer than two completions or an unknown scale.
    Source: Shao et al. 2024 (arXiv:2402.03300) sec. 4.1; without the std: Liu et al. 2025 (arXiv:2503.20783);
    leave-one-out: Ahmadian et al. 2024 (arXiv:2402.14740); batch: Liu et al. 2025 (arXiv:2508.08221).
    """
    _check_rewards(rewards)
    exact = rewards.double()
    centred = exact - exact.mean(dim=1, keepdim=True)
    scaled = _scale(centred, exact, scale)
    return scaled.masked_fill(flat_groups(exact)[:, None], 0.0)


def _scale(centred: Tensor, rewards: Tensor, scale: AdvantageScale) -> Tensor:
    completions = rewards.shape[1]
    if scale == "group_std":
        return centred / (rewards.std(dim=1, keepdim=True) + STD_FLOOR)
    if scale == "batch":
        return centred / (rewards.std() + STD_FLOOR)
    if scale == "loo":
        return centred * (completions / (completions - 1))
    if scale == "none":
        return centred
    raise ValueError(f"scale must be one of {get_args(AdvantageScale)}, not {scale!r}")


def _check_rewards(rewards: Tensor) -> None:
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(f"rewards must be [groups, completions >= 2], not {tuple(rewards.shape)}")
