"""How often a 95 % interval of a trainer's result holds the true value, by the number of held-out prompts.

    python -m benchmarks.few_prompts [--repeats 2000] [--prompts 2 3 4 6 8 12 16 50 200] [--samples 1 4]

Each repeat draws new prompts and new answers of two models, and asks whether the product's own interval holds what they
were drawn from; in brackets the percentile bootstrap over prompts that results had before. Repeats without
an interval are left out; their share, where there are any, follows after a slash.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy

from rewardmodel.intervals import Estimate, estimate_ratio, estimate_share

CONFIDENCE = 0.95
RESAMPLES = 400
RIGHT = 0.1
"""How often an answer earns 1, where rewards are 0 or 1."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What an estimate is made of, item by item, as `estimate_ratio` takes it."""

    hits: numpy.ndarray
    """[items]"""
    counts: numpy.ndarray
    """[items]"""
    prompts: numpy.ndarray
    """[items]"""
    span: tuple[float, float] | None = None
    """As `estimate_ratio` takes it; a share has none."""
    share: bool = False
    """Whether hits are a part of their count."""

    def estimate(self) -> Estimate:
        if self.share:
            return estimate_share(self.hits, self.counts, self.prompts.tolist(), CONFIDENCE)
        return estimate_ratio(self.hits, self.counts, self.prompts.tolist(), CONFIDENCE, span=self.span)


Draw = Callable[[numpy.random.Generator, int, int], Drawn]


def gain_of(own: numpy.ndarray, other: numpy.ndarray, *, bounded: bool = False) -> Drawn:
    """Rewards [prompts, samples] of two models, as `Comparison.gain` takes them."""
    many, each = own.shape
    most = float(numpy.ptp([own, other]))
    prompts = numpy.repeat(numpy.arange(many), each)
    hits = (own - other.mean(axis=1, keepdims=True)).ravel()
    return Drawn(hits, numpy.ones(many * each), prompts, (-most, most) if bounded else None)


def normal(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
    """The gain differs from prompt to prompt as much as answers do; it is 0."""
    own = generator.normal(size=(prompts, samples)) + generator.normal(size=(prompts, 1))
    return gain_of(own, generator.normal(size=(prompts, samples)))


def between_lognormal(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
    """Both models' rewards have a long tail (sigma 1); the gain is 0."""
    own, other = (generator.lognormal(size=(prompts, samples)) for _ in range(2))
    return gain_of(own, other)


def lognormal(sigma: float) -> Draw:
    """The gain has a long tail to one side and is 0 on average; answers to a prompt share it but for some noise."""

    def draw(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
        effect = generator.lognormal(sigma=sigma, size=(prompts, 1)) - math.exp(sigma**2 / 2)
        noise = generator.normal(scale=0.3, size=(2, prompts, samples))
        return gain_of(effect + noise[0], noise[1])

    return draw


def discrete(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
    """Rewards are 0 or 1, mostly 0; the gain is 0."""
    own, other = (numpy.float64(generator.random((prompts, samples)) < RIGHT) for _ in range(2))
    return gain_of(own, other, bounded=True)


def reward(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
    """The mean reward of a model that earns 0 or 1, mostly 0; the other model has earned both."""
    own = numpy.float64(generator.random((prompts, samples)) < RIGHT).ravel()
    return Drawn(own, numpy.ones(len(own)), numpy.repeat(numpy.arange(prompts), samples), (0.0, 1.0))


def win_rate(share: float) -> Draw:
    """All pairs of answers, where the better model is better on some prompts than on others."""
    lead = NormalDist().inv_cdf(share) * 3**0.5

    def draw(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
        own = generator.normal(size=(prompts, samples, 1)) + generator.normal(size=(prompts, 1, 1)) + lead
        wins = (own > generator.normal(size=(prompts, 1, samples))).sum(axis=(1, 2))
        counts = numpy.full(prompts, float(samples**2))
        return Drawn(wins.astype(numpy.float64), counts, numpy.arange(prompts), share=True)

    return draw


def accuracy(share: float) -> Draw:
    """A reward model's, on prompts of 1 to 8 pairs (times samples) with an intraclass correlation of 0.2."""

    def draw(generator: numpy.random.Generator, prompts: int, samples: int) -> Drawn:
        counts = generator.integers(1, 9, size=prompts) * samples
        chance = generator.beta(4 * share, 4 * (1 - share), size=prompts)
        right = generator.binomial(counts, chance)
        return Drawn(right.astype(float), counts.astype(float), numpy.arange(prompts), share=True)

    return draw


KINDS: dict[str, tuple[Draw, float]] = {
    "gain, normal": (normal, 0.0),
    "gain, between lognormal rewards": (between_lognormal, 0.0),
    "gain, lognormal (sigma 0.5)": (lognormal(0.5), 0.0),
    "gain, lognormal (sigma 1)": (lognormal(1.0), 0.0),
    "gain, rewards 0 or 1, 10 % are 1": (discrete, 0.0),
    "mean reward, the same": (reward, RIGHT),
    **{f"win rate {share:g}": (win_rate(share), share) for share in (0.5, 0.8, 0.95)},
    **{f"accuracy {share:g}, unequal prompts": (accuracy(share), share) for share in (0.5, 0.8)},
}


def percentiles(drawn: Drawn, generator: numpy.random.Generator) -> tuple[float, float]:
    """The middle 95 % of resamples of whole prompts."""
    sums = [numpy.bincount(drawn.prompts, each) for each in (drawn.hits, drawn.counts)]
    chosen = generator.integers(0, len(sums[0]), size=(RESAMPLES, len(sums[0])))
    ratios = sums[0][chosen].sum(axis=1) / sums[1][chosen].sum(axis=1)
    low, high = numpy.quantile(ratios, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def measure(kind: str, prompts: int, samples: int, repeats: int) -> str:
    """One cell of the table."""
    draw, true = KINDS[kind]
    generator = numpy.random.default_rng([prompts, samples, list(KINDS).index(kind)])
    held = held_before = given = 0
    for _ in range(repeats):
        drawn = draw(generator, prompts, samples)
        found, before = drawn.estimate(), percentiles(drawn, generator)
        held_before += before[0] <= true <= before[1]
        if found.low is not None and found.high is not None:
            given += 1
            held += found.low <= true <= found.high
    was = f"({100 * held_before / repeats:.0f})"
    if not given:
        return f"none {was}"
    left_out = f" / {100 * (1 - given / repeats):.0f}" if given < repeats else ""
    return f"**{100 * held / given:.1f}**{left_out} {was}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the intervals in results, by held-out prompts.")
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--prompts", type=int, nargs="+", default=[2, 3, 4, 6, 8, 12, 16, 50, 200])
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 4])
    given = parser.parse_args()
    error = 100 * NormalDist().inv_cdf(0.975) * (0.05 * 0.95 / given.repeats) ** 0.5
    print(f"{given.repeats} repeats: a coverage of 95 % is measured within {error:.1f} points.\n")
    print(f"| holds it, % | samples | {' | '.join(f'{prompts} prompts' for prompts in given.prompts)} |")
    print(f"|---|---|{'---|' * len(given.prompts)}")
    for kind in KINDS:
        for samples in given.samples:
            cells = (measure(kind, prompts, samples, given.repeats) for prompts in given.prompts)
            print(f"| {kind} | {samples} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
