"""PURE: a policy beside another model in numbers with intervals over prompts, for `result.json`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy

from rewardmodel.intervals import Estimate, estimate_ratio, estimate_share
from rltrainer.marks import CHECKED_PARTS, Marks, count_right, count_wins, pass_at

NOTEWORTHY_LENGTH = 1.1
"""Answers this many times as long, or as short, as the other model's are worth a word beside a win rate."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of two models to the same prompts."""

    policy: Sequence[Marks]
    """The policy's, a prompt each."""
    rival: Sequence[Marks]
    """The other model's, in the same order."""
    rival_name: str
    """`reference` or `champion`."""
    confidence: float
    """Level of the intervals."""

    @property
    def judge(self) -> str | None:
        """The part that decides who wins: the reward model where there is one, else the whole reward (None)."""
        return "model" if "model" in self.policy[0].parts else None

    def describe(self) -> dict[str, Any]:
        """Rewards, win rates and lengths; keys as docs/metrics.md explains them."""
        name = self.rival_name
        similar = self.win_rate(similar_length=True)
        earned = _span([marks.rewards for marks in self._both])
        long = _span([marks.lengths for marks in self._both])
        described: dict[str, Any] = {
            f"reward_{name}": asdict(self._mean([marks.rewards for marks in self.rival], earned)),
            "reward_policy": asdict(self._mean([marks.rewards for marks in self.policy], earned)),
            f"length_{name}": asdict(self._mean([marks.lengths for marks in self.rival], long)),
            "length_policy": asdict(self._mean([marks.lengths for marks in self.policy], long)),
            f"win_rate_{name}": asdict(self.win_rate()),
            f"win_rate_{name}_similar_length": asdict(similar),
            "win_rate_by": self.judge or "reward",
        }
        note = self._length_note(similar)
        return {**described, f"length_note_{name}": note} if note else described

    def gain(self) -> Estimate:
        """Mean reward above the other model's, prompt by prompt."""
        least, most = _span([marks.rewards for marks in self._both])
        return self._mean(
            [
                [reward - sum(other.rewards) / len(other.rewards) for reward in own.rewards]
                for own, other in zip(self.policy, self.rival, strict=True)
            ],
            (least - most, most - least),
        )

    def win_rate(self, *, similar_length: bool = False) -> Estimate:
        """How often an answer of the policy beats one of the other model to the same prompt, ties half."""
        counts = [
            count_wins(own, other, part=self.judge, similar_length=similar_length)
            for own, other in zip(self.policy, self.rival, strict=True)
        ]
        return self._share([wins for wins, _ in counts], [pairs for _, pairs in counts])

    def accuracy(self, draws: Sequence[int]) -> dict[str, Any]:
        """pass@k of both models by each checking part, and the policy's gain in pass@1; empty where nothing checks."""
        found: dict[str, Any] = {}
        for part in CHECKED_PARTS:
            if part in self.policy[0].parts:
                found[part] = {
                    "policy": _pass_rates(self.policy, part, draws, self._share),
                    self.rival_name: _pass_rates(self.rival, part, draws, self._share),
                    f"gain_over_{self.rival_name}": asdict(
                        self._mean(_differences(self.policy, self.rival, part), (-1.0, 1.0))
                    ),
                }
        return found

    def _length_note(self, similar: Estimate) -> str:
        own, other = (_mean_length(marks) for marks in (self.policy, self.rival))
        if 1 / NOTEWORTHY_LENGTH < own / other < NOTEWORTHY_LENGTH:
            return ""
        direction = "longer" if own > other else "shorter"
        text = (
            f"the policy's answers are {direction} than the {self.rival_name}'s ({own:.0f} tokens, {other:.0f}), and "
            "who judges may be judging length"
        )
        if similar.value is None:
            return f"{text}; no pair of answers is of similar length"
        return f"{text}; among {similar.n} pairs of similar length it wins {100 * similar.value:.0f}%"

    @property
    def _both(self) -> list[Marks]:
        return [*self.policy, *self.rival]

    def _mean(self, values: Sequence[Sequence[float]], span: tuple[float, float]) -> Estimate:
        """The mean of all values, those of a prompt together. span: what it can be at least and at most."""
        flat = numpy.array([value for own in values for value in own], dtype=numpy.float64)
        owners = [prompt for prompt, own in enumerate(values) for _ in own]
        return estimate_ratio(flat, numpy.ones(len(flat)), owners, self.confidence, span=span)

    def _share(self, hits: Sequence[float], counts: Sequence[float]) -> Estimate:
        """The share that the hits are of the counts, a prompt each."""
        above, below = (numpy.array(column, dtype=numpy.float64) for column in (hits, counts))
        return estimate_share(above, below, range(len(hits)), self.confidence)


def _pass_rates(
    marks: Sequence[Marks],
    part: str,
    draws: Sequence[int],
    estimate: Callable[[Sequence[float], Sequence[float]], Estimate],
) -> dict[str, Any]:
    """pass@k by k, for every k that all prompts have answers enough for."""
    fewest = min(len(own.rewards) for own in marks)
    return {
        str(k): asdict(
            estimate([pass_at(len(own.rewards), count_right(own, part), k) for own in marks], [1.0] * len(marks))
        )
        for k in draws
        if k <= fewest
    }


def _differences(policy: Sequence[Marks], rival: Sequence[Marks], part: str) -> list[list[float]]:
    """What the policy has above the other model, a value a prompt."""
    return [
        [count_right(own, part) / len(own.rewards) - count_right(other, part) / len(other.rewards)]
        for own, other in zip(policy, rival, strict=True)
    ]


def _mean_length(marks: Sequence[Marks]) -> float:
    lengths = [length for own in marks for length in own.lengths]
    return sum(lengths) / len(lengths)


def _span(values: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The least and the greatest: all that is known of what values can be."""
    flat = [value for own in values for value in own]
    return min(flat), max(flat)
