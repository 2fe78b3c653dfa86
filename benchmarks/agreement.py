"""How long agreement takes on a million judgments by 5,000 people, and how much memory.

    python -m benchmarks.agreement [report|package|distinct|database ...]

`report`: the pure report with all intervals. `package`: one alpha beside the PyPI package krippendorff, on the same
data in the form each asks for. `distinct`: interval alpha on 100,000 distinct values. `database`: the whole report of
stored rows, and again after 100 new judgments, on a site of its own. Every part runs in a process of its own, so that
its peak memory is its own. One JSON line each.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import krippendorff
import numpy as np

from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import build_table
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import Observations, PairObservations, ScoreObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.report import agreement_report
from benchmarks.measure import manage, own_site

TASKS, EACH, PEOPLE = 200_000, 5, 5000
ALPHAS = {"nominal": nominal_alpha, "ordinal": ordinal_alpha, "interval": interval_alpha}


def crowd(kind: str) -> Observations:
    """Five of 5,000 people on each of 200,000 tasks."""
    generator = np.random.default_rng(0)
    task = np.repeat(np.arange(TASKS), EACH)
    person = ((generator.integers(0, PEOPLE, size=(TASKS, 1)) + np.arange(EACH) * 7) % PEOPLE).ravel()
    if kind == "choices":
        truth, guess = generator.integers(0, 3, size=(TASKS, 1)), generator.integers(0, 3, size=(TASKS, EACH))
        said = np.where(generator.random((TASKS, EACH)) < 0.6, truth, guess)
        return PairObservations(task, person, said.ravel())
    seen = 3 + generator.normal(size=(TASKS, 1)) + 0.7 * generator.normal(size=(TASKS, EACH))
    said = np.clip(np.round(seen), 1, 5) if kind == "points" else seen
    return ScoreObservations("score", task // 4, task, person, said.ravel())


def seconds_of(work: Callable[[], object], repeats: int) -> float:
    """The median time."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def tell(**figures: object) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**figures, "peak_mib": round(peak)}), flush=True)


def measure_report(kind: str) -> None:
    observations = crowd(kind)
    start = time.perf_counter()
    records = agreement_report([observations], seed=0)
    made = time.perf_counter() - start
    with_interval = sum(record["low"] is not None for record in records)
    tell(measurement=f"report of {kind}", judgments=TASKS * EACH, seconds=round(made, 2), records=len(records),
         with_interval=with_interval)  # fmt: skip


def measure_package(level: str) -> None:
    """A million ratings on five points by five raters a unit."""
    observations = crowd("points")
    assert isinstance(observations, ScoreObservations)
    task, value = observations.unit_id, observations.value
    counts = np.zeros((TASKS, 5), int)
    np.add.at(counts, (task, value.astype(int) - 1), 1)
    matrix = value.reshape(TASKS, EACH).T
    rater = np.tile(np.arange(EACH), TASKS)

    def ours() -> float:
        table = build_table(task_id=task, unit_id=task, annotator_id=rater, value=value)
        return float(ALPHAS[level](table).evaluate(np.ones((1, table.tasks)))[0])

    table = build_table(task_id=task, unit_id=task, annotator_id=rater, value=value)

    def statistic() -> float:
        return float(ALPHAS[level](table).evaluate(np.ones((1, table.tasks)))[0])

    def by_counts() -> float:
        return float(krippendorff.alpha(value_counts=counts, value_domain=[1, 2, 3, 4, 5], level_of_measurement=level))

    def by_matrix() -> float:
        return float(krippendorff.alpha(reliability_data=matrix, level_of_measurement=level))

    whole, alone, counted, dense = (seconds_of(each, 5) for each in (ours, statistic, by_counts, by_matrix))
    tell(
        measurement=f"{level} alpha of 1,000,000 ratings", difference=abs(ours() - by_matrix()),
        ours_from_rows=round(whole, 4), ours_from_table=round(alone, 4), package_from_counts=round(counted, 4),
        package_from_matrix=round(dense, 4), package_matrix_over_ours_rows=round(dense / whole, 2),
        package_counts_over_ours_table=round(counted / alone, 2),
    )  # fmt: skip


def measure_distinct() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=50_000)
    value = (truth[:, None] + generator.normal(size=(50_000, 2))).ravel()
    unit, rater = np.repeat(np.arange(50_000), 2), np.tile([0, 1], 50_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    table = build_table(task_id=unit, unit_id=unit, annotator_id=rater, value=value)
    alpha = float(interval_alpha(table).evaluate(np.ones((1, table.tasks)))[0])
    took = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    tell(measurement="interval alpha", distinct_values=len(table.values), alpha=round(alpha, 4), seconds=round(took, 3),
         grown_mib=round(grown))  # fmt: skip


def measure_database() -> None:
    with own_site() as (environment, _):
        work = "from benchmarks.agreement_rows import measure; measure()"
        print(manage(environment, "shell", "--verbosity", "0", "-c", work))


PARTS: dict[str, list[tuple[str, Callable[[], None]]]] = {
    "report": [(kind, lambda kind=kind: measure_report(kind)) for kind in ("choices", "points", "continuous")],
    "package": [(level, lambda level=level: measure_package(level)) for level in ALPHAS],
    "distinct": [("", measure_distinct)],
    "database": [("", measure_database)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Agreement on a million judgments.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for part in arguments.parts:
        for name, work in PARTS[part]:
            if arguments.only is None:
                command = [sys.executable, "-m", "benchmarks.agreement", part, "--only", name or "all"]
                subprocess.run(command, check=True)
            elif arguments.only in (name, "all"):
                work()


if __name__ == "__main__":
    main()
