"""PURE: the learning rate of each step."""

import math


def warmup_cosine(step: int, *, total_steps: int, warmup_fraction: float, final_fraction: float) -> float:
    """Share of the peak rate at `step` (from 0): a straight climb, then a cosine down to `final_fraction`."""
    warmup_steps = math.ceil(total_steps * warmup_fraction)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps - 1)
    return final_fraction + (1 - final_fraction) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
