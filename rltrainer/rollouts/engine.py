"""What every engine promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rltrainer.records import Completion


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """How tokens are drawn and when an answer ends."""

    max_new_tokens: int
    """Longest completion in tokens."""
    stop_ids: frozenset[int]
    """Tokens that end an answer; each stays part of it."""
    temperature: float = 1.0
    """Divides the logits; 0 takes the likeliest token."""
    top_p: float = 1.0
    """Only the likeliest tokens whose probabilities reach this sum are drawn from."""


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """A prompt and one seed for each wanted completion."""

    prompt_ids: tuple[int, ...]
    """The rendered prompt."""
    seeds: tuple[int, ...]
    """One seed a completion: its random numbers depend on nothing else."""


class RolloutEngine(Protocol):
    """Answers prompts."""

    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions, in the order of its seeds."""
        ...
