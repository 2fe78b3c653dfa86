"""PURE: each brake's look at a run: how far a measurement is towards its limit, and what that means."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from rltrainer.brake_memory import BrakeMemory, Vote
from rltrainer.config_brakes import BrakesConfig

CHANCE = 1.645
"""Standard errors that one-sided chance exceeds once in twenty times."""
NEAR = 0.1
"""Nats below which one decimal tells nothing."""
FARTHEST = 100.0
"""Nats beyond which a factor is told as if it were that: a number that can be written down."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a gauge shows."""

    share: float
    """Of its limit; above 1 the limit is passed."""
    sentence: str
    """The same in plain words, with figures."""


Gauge = Callable[[BrakeMemory, BrakesConfig], Reading | None]
"""Gives None while there is nothing to read yet."""


def _kl(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now = memory.lately("kl_sequence")
    if now is None:
        return None
    far = f"{now:.1f}" if now >= NEAR else f"{now:.2g}"
    text = f"the policy is {far} nats a completion away from the reference; the limit is {config.kl_limit:g}"
    return Reading(now / config.kl_limit, text)


def _entropy(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now = memory.now("entropy")
    if now is None:
        return None
    text = (
        f"the policy hardly explores any more: the entropy of its next token is {now:.3g} nats, "
        f"below {config.entropy_limit:g}"
    )
    return Reading(_over(config.entropy_limit, now), text)


def _truncation(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now = memory.now("truncated_fraction")
    if now is None:
        return None
    text = (
        f"{_percent(now)} of completions are cut off at the longest allowed, more than "
        f"{_percent(config.truncation_limit)}; what they earn is the reward of a torso"
    )
    return Reading(_over(now, config.truncation_limit), text)


def _length(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now, start = memory.now("length_mean"), memory.start("length_mean")
    if now is None or start is None:
        return None
    factor = max(now / start, start / now)
    direction = "longer" if now > start else "shorter"
    text = (
        f"completions have become {factor:.1f} times {direction}: {now:.0f} tokens on average, {start:.0f} at the start"
    )
    return Reading(factor / config.length_limit, text)


def _repetition(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now, start = memory.now("repetition_fraction"), memory.start("repetition_fraction")
    if now is None or start is None:
        return None
    text = f"{_percent(now)} of what completions say they have said before, up from {_percent(start)} at the start"
    return Reading(_over(now - start, config.repetition_limit), text)


def _uncertainty(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now, start = memory.lately("reward_noise"), memory.start("reward_noise")
    if now is None or start is None:
        return None
    text = (
        f"the members of the reward model differ by {now:.3g}, {_over(now, start):.1f} times the {start:.3g} at the "
        "start: the policy has moved to answers that they do not know"
    )
    return Reading(_over(now, start) / config.uncertainty_limit, text)


def _distance(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now, start = memory.lately("reward_distance"), memory.start("reward_distance")
    if now is None or start is None:
        return None
    text = (
        f"what the policy writes lies {_over(now, start):.1f} times as far from what the reward model learned from as "
        f"at the start: {now:.2f} of a held-out response's distance, {start:.2f} at the start; what it earns there is "
        "a guess"
    )
    return Reading(_over(now, start) / config.distance_limit, text)


def _gain(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    noise, now, start = memory.now("reward_noise"), memory.now("reward"), memory.start("reward")
    due = memory.steps >= config.gain_steps and (memory.steps - config.gain_steps) % config.window == 0
    if noise is None or now is None or start is None or not due:
        return None
    gain = now - start
    text = (
        f"after {memory.steps} steps the reward has risen by {gain:.3g}, less than the {noise:.3g} by which the "
        "members of the reward model differ: the rise may not be real"
    )
    return Reading(_over(noise, max(gain, 0.0)), text)


def _mismatch(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    # The mean ratio would not do: over what one model samples, that of any other to it is 1 on average.
    now = memory.now("sampler_gap_mean")
    if now is None:
        return None
    text = (
        "sampler and trainer no longer compute the same model: the probabilities that they give to a token differ by a "
        f"factor of {math.exp(min(now, FARTHEST)):.3f} on average, the limit is {config.mismatch_limit:g}"
    )
    return Reading(_over(now, math.log(config.mismatch_limit)), text)


def _flat(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    now = memory.now("zero_std_fraction")
    if now is None:
        return None
    low, high = memory.now("flat_low_fraction") or 0.0, memory.now("flat_high_fraction") or 0.0
    text = f"{_percent(now)} of groups teach nothing: {_percent(low)} all fail and {_percent(high)} all pass"
    cut = memory.now("truncated_fraction") or 0.0
    if low > 2 * high and cut > config.truncation_limit:
        text = (
            f"{_percent(low)} of groups all fail, and {_percent(cut)} of completions are cut off before they have "
            "answered: allow them more tokens before you call the prompts too hard"
        )
    elif low > 2 * high:
        text = f"{_percent(low)} of groups all fail: the prompts are too hard for this policy"
    elif high > 2 * low:
        text = f"{_percent(high)} of groups all pass: the prompts are too easy for this policy"
    return Reading(_over(now, config.flat_limit), text)


def _people(memory: BrakeMemory, config: BrakesConfig) -> Reading | None:
    if len(memory.votes) < 2:
        return None
    *earlier, last = memory.votes
    best = max(earlier, key=lambda vote: vote.win_rate)
    if last.reward <= best.reward:
        return Reading(0.0, "")
    chance = math.sqrt(sum(_variance(vote) for vote in (best, last)))
    text = (
        f"people prefer the policy in {_percent(last.win_rate)} of {last.comparisons:.0f} comparisons, down from "
        f"{_percent(best.win_rate)}, while its reward rose from {best.reward:.3g} to {last.reward:.3g}: it may be "
        "chasing what the reward gets wrong"
    )
    return Reading(_over(best.win_rate - last.win_rate, max(config.people_limit, CHANCE * chance)), text)


def _variance(vote: Vote) -> float:
    """Of a win rate by chance: with one win and one loss more, for few comparisons may all end alike.

    Source: Agresti & Caffo 2000, The American Statistician 54(4), for differences of two shares.
    """
    count = vote.comparisons + 2
    share = (vote.win_rate * vote.comparisons + 1) / count
    return share * (1 - share) / count


def _over(value: float, limit: float) -> float:
    """value / limit, where a limit of 0 is passed by anything above it."""
    if limit > 0:
        return value / limit
    return math.inf if value > 0 else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


GAUGES: dict[str, Gauge] = {
    "kl": _kl,
    "entropy": _entropy,
    "truncation": _truncation,
    "length": _length,
    "repetition": _repetition,
    "uncertainty": _uncertainty,
    "distance": _distance,
    "gain": _gain,
    "mismatch": _mismatch,
    "flat": _flat,
    "people": _people,
}
"""By the name that the brake has in the config."""
