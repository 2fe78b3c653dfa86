"""PURE. Shares of what hangs together by task: sums from which a share and its interval follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats, Integers
from annotation.agreement.statistic import sum_by
from annotation.agreement.wilson import wilson_interval

COLUMNS = 6
"""Of `share_columns`: hits, trials, hits squared, hits times trials, trials squared, tasks."""
FEWEST_TASKS = 10
"""With fewer, what tasks scatter is too uncertain to count a task as more than one trial."""
ROUNDING = 1e-9
METHOD = "Wilson's interval; what belongs to one task counted as far as it is independent"


@dataclass(frozen=True, slots=True)
class ShareEstimate:
    """A share with its interval and what it stands on."""

    value: float | None
    low: float | None
    high: float | None
    trials: int
    tasks: int


def share_columns(group: Integers, task: Integers, hits: Floats, trials: Floats, groups: int) -> Floats:
    """[groups, COLUMNS] sums over the tasks of each group; they add up over parts that have no task in common.

    group, task, hits, trials: [rows]; a task's rows of one group are taken together.
    """
    width = int(task.max(initial=0)) + 1
    cells, cell = np.unique(group * width + task, return_inverse=True)
    of_cell = cells // width
    hit, tried = (sum_by(cell, each, len(cells)) for each in (hits, trials))
    products = (hit, tried, hit**2, hit * tried, tried**2, (tried > 0).astype(np.float64))
    return np.column_stack([sum_by(of_cell, each, groups) for each in products])


def estimate_share(columns: Floats, *, confidence: float) -> ShareEstimate:
    """The share of hits and its interval.

    columns: [COLUMNS]. The trials of a task count as far as they are independent: as many as would scatter as the
    tasks do (Cochran 1977, Sampling Techniques, section 6); for few tasks, or where all hit or none, one a task.
    With one trial a task this is Wilson's interval of the trials. Undefined (None) without a trial.
    """
    hits, trials, squared, mixed, tried, tasks = columns.tolist()
    count = round(tasks)
    if not count:
        return ShareEstimate(None, None, None, 0, 0)
    share = min(max(hits / trials, 0.0), 1.0)
    scatter = squared - 2 * share * mixed + share**2 * tried
    independent = share * (1 - share) * trials**2 / scatter if scatter > ROUNDING * trials else trials
    whole = min(share, 1 - share) < ROUNDING
    number = float(count) if whole else min(independent, trials if count >= FEWEST_TASKS else count)
    ends = wilson_interval(share * number, number, confidence=confidence)
    assert ends is not None, "there is a trial"
    return ShareEstimate(share, *ends, round(trials), count)


def combine_shares(shares: Sequence[ShareEstimate]) -> ShareEstimate:
    """One share over several that belong to the same tasks, for instance of several criteria.

    Each counts by its trials. What moves one is taken to move all, so the interval is wide enough whatever hangs
    together.
    """
    known = [each for each in shares if each.value is not None and each.low is not None and each.high is not None]
    trials, tasks = sum(each.trials for each in known), sum(each.tasks for each in known)
    if len(known) < 2:
        return known[0] if known else ShareEstimate(None, None, None, 0, 0)
    weights = np.array([each.trials for each in known]) / trials
    ends = np.array([[each.value, each.low, each.high] for each in known], np.float64)
    value, low, high = (weights @ ends).tolist()
    return ShareEstimate(value, low, high, trials, tasks)
