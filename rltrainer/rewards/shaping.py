"""PURE: prices on a completion's form, which teach nothing about the task."""

from collections.abc import Sequence

from rltrainer.rewards.answer import Answer, RewardPart
from rltrainer.step_metrics import repeated_share


def soft_overlong(*, max_new_tokens: int, margin_tokens: int) -> RewardPart:
    """0 up to `margin_tokens` before the longest allowed, then evenly down to -1 at the longest allowed.

    Source: Yu et al. 2025 (arXiv:2503.14476) eq. 13.
    """
    if not 1 <= margin_tokens <= max_new_tokens:
        raise ValueError(f"margin_tokens must be between 1 and {max_new_tokens}, got {margin_tokens}")
    free = max_new_tokens - margin_tokens
    return lambda answers: [_overlong(len(answer.completion.token_ids), free, margin_tokens) for answer in answers]


def repetition(*, run_tokens: int) -> RewardPart:
    """Minus the share of a completion's runs of `run_tokens` tokens that occurred in it before.

    Source: Yeo et al. 2025 (arXiv:2502.03373) appendix C.2, as one number for the completion.
    """
    return lambda answers: [0.0 - repeated_share(answer.completion.token_ids, run_tokens) for answer in answers]


def brevity(*, max_new_tokens: int) -> RewardPart:
    """Minus the length in tokens, as a share of the longest allowed: -1 for the longest, near 0 for the shortest."""
    return lambda answers: [-len(answer.completion.token_ids) / max_new_tokens for answer in answers]


def wished_length(*, tokens: int) -> RewardPart:
    """Minus the distance to a length in tokens, as a share of that length: 0 where it is met."""
    return lambda answers: [-abs(len(answer.completion.token_ids) - tokens) / tokens for answer in answers]


def unfinished(answers: Sequence[Answer]) -> list[float]:
    """1 for each answer that was cut off at the longest allowed, else 0."""
    return [float(answer.completion.finish_reason == "length") for answer in answers]


def _overlong(length: int, free: int, margin: int) -> float:
    return 0.0 if length <= free else max((free - length) / margin, -1.0)
