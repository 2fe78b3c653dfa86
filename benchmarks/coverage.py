"""How often a 95 % interval holds the true value, on simulated annotators whose reliability is known.

    python -m benchmarks.coverage [--repeats 1000] [--tasks 20 50 200]

Each repeat draws new tasks and new judgments, makes the product's own report of them (2,000 resamples), and asks
whether the interval holds the true value: that of the same crowd on 400,000 tasks. For comparison the percentile
interval of the same draws.
"""

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from annotation.agreement.estimates import Settings, draw
from annotation.agreement.intervals import percentile_interval
from annotation.agreement.observations import Observations, PairObservations, RankingObservations, ScoreObservations
from annotation.agreement.report import measure, report_measured
from annotation.agreement.statistic import Additive

TRUE_TASKS = 400_000
SHOWN = {
    "preference": [
        ("nominal", "krippendorff_alpha"),
        ("ordinal", "krippendorff_alpha"),
        ("nominal", "pairwise_agreement"),
        ("nominal", "leave_one_out_accuracy"),
        ("nominal", "gwet_ac1"),
    ],
    "ranking": [
        ("rank", "krippendorff_alpha"),
        ("rank", "kendall_tau_b"),
        ("nominal", "pairwise_agreement"),
        ("nominal", "leave_one_out_accuracy"),
    ],
    "score": [("ordinal", "krippendorff_alpha"), ("interval", "krippendorff_alpha"), ("interval", "icc1")],
}
Crowd = Callable[[np.random.Generator, int], Observations]


@dataclass(frozen=True, slots=True)
class Hits:
    """How often intervals missed, and how wide they were."""

    above: int = 0
    below: int = 0
    width: float = 0.0
    plain_missed: int = 0
    made: int = 0

    def __add__(self, other: "Hits") -> "Hits":
        mine, theirs = ([getattr(each, name) for name in Hits.__slots__] for each in (self, other))
        return Hits(*(one + two for one, two in zip(mine, theirs, strict=True)))


def choices(generator: np.random.Generator, tasks: int, *, people: int, reliability: float) -> PairObservations:
    """Each person says the truth with the chance `reliability`, otherwise anything, as often as it is true."""
    shares = [0.42, 0.16, 0.42]
    truth = generator.choice(3, size=(tasks, 1), p=shares)
    guess = generator.choice(3, size=(tasks, people), p=shares)
    said = np.where(generator.random((tasks, people)) < reliability, truth, guess)
    return PairObservations(np.repeat(np.arange(tasks), people), np.tile(np.arange(people), tasks), said.ravel())


def rankings(generator: np.random.Generator, tasks: int, *, people: int, reliability: float) -> RankingObservations:
    """Four responses ranked by quality plus each person's noise; every fifth ranking ties its last two."""
    quality = generator.normal(size=(tasks, 1, 4)) * reliability**0.5
    seen = quality + generator.normal(size=(tasks, people, 4)) * (1 - reliability) ** 0.5
    rank = (-seen).argsort(axis=2).argsort(axis=2)
    tied = generator.random((tasks, people, 1)) < 0.2
    rank = np.where(tied & (rank == 3), 2, rank) + 1
    task = np.repeat(np.arange(tasks), people * 4)
    person = np.tile(np.repeat(np.arange(people), 4), tasks)
    return RankingObservations(task, person, task * 4 + np.tile(np.arange(4), tasks * people), rank.ravel())


def scores(generator: np.random.Generator, tasks: int, *, people: int, reliability: float) -> ScoreObservations:
    """Points 1 to 5 of quality plus noise; the intraclass correlation before rounding is `reliability`."""
    quality = generator.normal(size=(tasks, 1)) * reliability**0.5
    seen = quality + generator.normal(size=(tasks, people)) * (1 - reliability) ** 0.5
    unit = np.repeat(np.arange(tasks), people)
    said = np.clip(np.round(3 + 1.1 * seen), 1, 5).ravel()
    return ScoreObservations("score", unit, unit, np.tile(np.arange(people), tasks), said)


KINDS = {"preference": choices, "ranking": rankings, "score": scores}


def true_values(kind: str, people: int, reliability: float) -> dict[tuple[str, str], float]:
    """The statistics of a crowd on very many tasks."""
    observations = KINDS[kind](np.random.default_rng(99), TRUE_TASKS, people=people, reliability=reliability)
    found = {}
    for each in measure(observations).measures:
        if (each.level, each.name) in SHOWN[kind]:
            columns = each.statistic.columns
            found[each.level, each.name] = float(each.statistic.combine(columns.sum(axis=0)[None])[0])
    return found


def count_hits(job: tuple[str, int, float, int, int, int, dict[tuple[str, str], float]]) -> dict[tuple[str, str], Hits]:
    """A share of the repeats of one design."""
    kind, people, reliability, tasks, seed, repeats, true = job
    generator = np.random.default_rng([seed, tasks, people])
    found = dict.fromkeys(true, Hits())
    for number in range(repeats):
        settings = Settings(seed=number, resamples=2000, confidence=0.95)
        measured = measure(KINDS[kind](generator, tasks, people=people, reliability=reliability))
        measured = replace(
            measured, measures=tuple(each for each in measured.measures if (each.level, each.name) in true)
        )
        draws = draw(measured, settings)
        at = 0
        for each, record in zip(measured.measures, report_measured(measured, settings, draws), strict=True):
            assert isinstance(each.statistic, Additive)
            columns = slice(at, at := at + each.statistic.columns.shape[1])
            if record["low"] is None or record["high"] is None:
                continue
            value, key = true[each.level, each.name], (each.level, each.name)
            plain = percentile_interval(each.statistic.combine(draws.drawn[:, columns]), confidence=0.95)
            found[key] += Hits(
                above=record["low"] > value, below=record["high"] < value, width=record["high"] - record["low"],
                plain_missed=plain is None or not plain[0] <= value <= plain[1], made=1,
            )  # fmt: skip
    return found


def measure_design(kind: str, people: int, reliability: float, tasks: int, repeats: int) -> None:
    """All repeats of one design, on all cores."""
    true = true_values(kind, people, reliability)
    cores = os.cpu_count() or 1
    shares = [(kind, people, reliability, tasks, seed, repeats // cores, true) for seed in range(cores)]
    total = dict.fromkeys(true, Hits())
    with ProcessPoolExecutor(cores) as pool:
        for part in pool.map(count_hits, shares):
            total = {key: total[key] + part[key] for key in total}
    for (level, name), hits in total.items():
        print_row(kind, people, tasks, f"{name} ({level})", true[level, name], hits)


def print_row(kind: str, people: int, tasks: int, name: str, value: float, hits: Hits) -> None:
    covered = 100 * (1 - (hits.above + hits.below) / hits.made)
    plain = 100 * (1 - hits.plain_missed / hits.made)
    above, below, width = (each / hits.made for each in (hits.above, hits.below, hits.width))
    shares = (f"**{covered:.1f}**", f"{100 * above:.1f}", f"{100 * below:.1f}", f"{width:.3f}", f"{plain:.1f}")
    cells = (kind, people, tasks, name, f"{value:.3f}", *shares)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the agreement intervals.")
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--tasks", type=int, nargs="+", default=[20, 50, 200])
    parser.add_argument("--people", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--reliability", type=float, default=0.6)
    arguments = parser.parse_args()
    error = 100 * NormalDist().inv_cdf(0.975) * (0.05 * 0.95 / arguments.repeats) ** 0.5
    print(f"{arguments.repeats} repeats: a coverage of 95 % is measured within {error:.1f} points.\n")
    print("| feedback | people | tasks | statistic | true | holds it, % | above | below | width | percentile, % |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in KINDS:
        for people in arguments.people:
            for tasks in arguments.tasks:
                measure_design(kind, people, arguments.reliability, tasks, arguments.repeats)


if __name__ == "__main__":
    main()
