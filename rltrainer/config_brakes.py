"""The section `brakes` of a policy run's config: when a run warns, pauses or stops by itself. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rltrainer.config_checks import above, at_least, within

Action = Literal["off", "warn", "pause", "stop"]
"""`warn`: say so and go on; `pause`: write a checkpoint and end, to be started again by a person; `stop`: end as if
the last step had been done, with the policy as it is."""
WATCH_OWN_COMPLETIONS = ("kl", "truncation", "length", "repetition", "distance", "mismatch")
"""Brakes that look at completions which the policy has sampled itself."""
WATCH_WINDOWS = ("entropy", "truncation", "length", "repetition", "uncertainty", "distance", "mismatch", "flat")
"""Brakes that say nothing before a whole window of steps."""


@dataclass(frozen=True, slots=True)
class BrakesConfig:
    """What is watched after each step. A brake acts once when its mean over `window` steps is past its limit, and again
    only after it was back inside by `release`. What runs away (`kl`, `uncertainty`, `distance`) is past it as well when
    the last two steps are. "At the start" is the first `window` steps."""

    window: int = 5
    """Steps over which a measurement is averaged."""
    release: float = 0.1
    """How far back inside its limit, as a share of it, a measurement must be before its brake can act again."""
    kl: Action = "warn"
    """The policy is far from the reference."""
    kl_limit: float = 20.0
    """Nats a completion (`kl_sequence`)."""
    entropy: Action = "warn"
    """The policy stopped exploring."""
    entropy_limit: float = 0.05
    """Lowest mean entropy of the next token, nats."""
    truncation: Action = "warn"
    """Completions are cut off at the longest allowed."""
    truncation_limit: float = 0.5
    """Highest share of them."""
    length: Action = "warn"
    """Completions become much longer or shorter."""
    length_limit: float = 3.0
    """Highest factor between the mean length now and at the start, either way."""
    repetition: Action = "warn"
    """Completions begin to repeat themselves."""
    repetition_limit: float = 0.2
    """Highest rise of `repetition_fraction` since the start."""
    uncertainty: Action = "warn"
    """The members of the reward model disagree more: the policy has left what it was trained on."""
    uncertainty_limit: float = 1.75
    """Highest factor between the members' deviation now and at the start."""
    distance: Action = "warn"
    """What the policy writes lies farther from what the reward model learned from: its scores become guesses."""
    distance_limit: float = 1.25
    """Highest factor between the mean distance now and at the start (`reward_distance`). SmolLM2's answers begin at 2
    with a reward model of its size; one word over and over lies 1.3 times as far, a phrase over and over 1.7 times."""
    gain: Action = "warn"
    """The reward has risen by less than the deviation among the members of the reward model: it may be no rise."""
    gain_steps: int = 100
    """Steps after which a rise can be expected; looked at once a window from there on."""
    mismatch: Action = "warn"
    """Sampler and trainer no longer compute the same model."""
    mismatch_limit: float = 1.08
    """Highest factor between the probabilities that the two give to a token, either way, in geometric mean. SmolLM2 has
    1.02 to 1.06 in bfloat16, from rounding, and 1.0001 in float32."""
    flat: Action = "warn"
    """Most groups teach nothing, because their completions all earn the same."""
    flat_limit: float = 0.8
    """Highest share of them."""
    people: Action = "warn"
    """People prefer the policy less often while its reward rises."""
    people_limit: float = 0.1
    """Largest fall of the win rate from its best, beyond what chance explains."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "window", 1)
        yield from within(self, "release", 0, 1)
        yield from above(self, "kl_limit", 0)
        yield from at_least(self, "entropy_limit", 0)
        yield from at_least(self, "gain_steps", 1)
        for name in ("truncation_limit", "repetition_limit", "flat_limit", "people_limit"):
            yield from within(self, name, 0, 1)
        for name in ("length_limit", "uncertainty_limit", "distance_limit", "mismatch_limit"):
            yield from above(self, name, 1)
