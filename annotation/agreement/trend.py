"""PURE. Agreement week by week, as sums that follow new judgments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypedDict

import numpy as np

from annotation.agreement.distributions import t_quantile
from annotation.agreement.estimates import LINEARISED, WILSON, Settings
from annotation.agreement.linear import NUDGE
from annotation.agreement.measures import TASKS, UNITS, Measure, Measured, make_basis
from annotation.agreement.merging import merge_rows
from annotation.agreement.observations import Floats, Ids, Integers
from annotation.agreement.statistic import Additive, Share
from annotation.agreement.wilson import wilson_interval

EPOCH = date(1970, 1, 1)
FEWEST_TASKS = 10
"""Tasks that two people judged; a week with fewer says so in place of a number."""
HEAD_LEVELS = {"preference": "ordinal", "ranking": "rank"}
"""Which alpha stands for a criterion; scores take the interval one."""
ALPHA = "krippendorff_alpha"
FOLLOWED = (ALPHA, "kendall_tau_b", "pairwise_agreement", "leave_one_out_accuracy")
TOO_FEW = "Too few: {tasks} of the week's tasks were judged by two people or more, and a week needs {fewest}."
ALL_ALIKE = "No interval: the tasks of the week are all alike."


class TrendRecord(TypedDict):
    """One number of one week."""

    criterion: str
    level: str
    statistic: str
    week: str
    """Its Monday."""
    value: float | None
    """None where it is undefined; `note` says why."""
    low: float | None
    high: float | None
    confidence: float
    method: str
    units: int
    judgments: int
    tasks: int
    """Tasks that two or more people judged (of scores: prompts)."""
    note: str


@dataclass(frozen=True, eq=False, slots=True)
class Weeks:
    """The week that each task belongs to: the one in which its last judgment was given."""

    task_ids: Ids
    """[tasks] ascending."""
    monday: Integers
    """[tasks] days since 1970-01-01."""

    def find(self, task_ids: Ids) -> Integers:
        """[task_ids] the week of each. Raises: ValueError for a task without one."""
        at = np.minimum(np.searchsorted(self.task_ids, task_ids), max(len(self.task_ids) - 1, 0))
        if len(task_ids) and (not len(self.task_ids) or (self.task_ids[at] != task_ids).any()):
            raise ValueError("every task needs a week")
        return self.monday[at]


@dataclass(frozen=True, eq=False, slots=True)
class WeekSums:
    """What the tasks of each week add to the statistics that are followed, side by side in C columns."""

    monday: Integers
    """[weeks] ascending."""
    sums: Floats
    """[weeks, C]"""
    products: Floats
    """[weeks, C, C] sums over tasks of the products of every two columns: how far tasks scatter."""
    counts: Floats
    """[weeks, statistics, 4] what each stands on."""

    def swap(self, old: "WeekSums", new: "WeekSums") -> "WeekSums":
        """These sums after some tasks have changed from the old to the new."""
        merged = [
            merge_rows(self.monday, getattr(self, name), old.monday, getattr(old, name), new.monday, getattr(new, name))
            for name in ("sums", "products", "counts")
        ]
        monday, (sums, products, counts) = merged[0][0], (rows for _, rows in merged)
        kept = counts[:, :, :TASKS].any(axis=(1, 2))
        return WeekSums(monday[kept], sums[kept], products[kept], counts[kept])


def followed_measures(measured: Measured) -> list[Measure]:
    """The statistics that are followed by week: one alpha, tau-b, equal choices and the human ceiling, where there."""
    head = HEAD_LEVELS.get(measured.criterion, "interval")
    return [
        each
        for each in measured.measures
        if each.name in FOLLOWED and each.level != "strict" and (each.name != ALPHA or each.level == head)
    ]


def sum_weeks(measured: Measured, weeks: Weeks) -> WeekSums:
    """The sums of each week in which a task was judged."""
    measures = followed_measures(measured)
    columns = np.concatenate([_columns_of(each) for each in measures], axis=1)
    counts = np.stack([measured.counts if each.counts is None else each.counts for each in measures], axis=1)
    mondays, place = np.unique(weeks.find(measured.task_ids), return_inverse=True)
    order = np.argsort(place, kind="stable")
    tasks = np.split(order, np.cumsum(np.bincount(place, minlength=len(mondays)))[:-1]) if len(mondays) else []
    width, shape = columns.shape[1], counts.shape[1:]
    return WeekSums(
        monday=mondays.astype(np.int64),
        sums=np.array([columns[each].sum(axis=0) for each in tasks]).reshape(-1, width),
        products=np.array([columns[each].T @ columns[each] for each in tasks]).reshape(-1, width, width),
        counts=np.array([counts[each].sum(axis=0) for each in tasks]).reshape(-1, *shape),
    )


def trend_records(measured: Measured, weeks: WeekSums, settings: Settings) -> list[TrendRecord]:
    """Each followed statistic week by week, the oldest first.

    An interval is value +- t * standard error from how far the week's tasks scatter (infinitesimal jackknife), as in
    `Linear`; of shares that are 0 or 1 it is Wilson's, each task one trial.
    measured: the statistics, of which only the formulas are read.
    """
    return list(_records(measured, weeks, settings))


def _records(measured: Measured, weeks: WeekSums, settings: Settings) -> Iterator[TrendRecord]:
    at = 0
    for number, measure in enumerate(followed_measures(measured)):
        columns = slice(at, at := at + _columns_of(measure).shape[1])
        for week, monday in enumerate(weeks.monday.tolist()):
            counts = weeks.counts[week, number]
            value, ends, method, note = _estimate(
                measure, weeks.sums[week, columns], weeks.products[week, columns, columns], counts, settings
            )
            basis = make_basis(counts, 0)
            yield {
                "criterion": measured.criterion, "level": measure.level, "statistic": measure.name,
                "week": (EPOCH + timedelta(days=monday)).isoformat(), "value": value,
                "low": ends[0] if ends else None, "high": ends[1] if ends else None,
                "confidence": settings.confidence, "method": method, "units": basis.units,
                "judgments": basis.judgments, "tasks": basis.tasks, "note": note,
            }  # fmt: skip


def _estimate(
    measure: Measure, sums: Floats, products: Floats, counts: Floats, settings: Settings
) -> tuple[float | None, tuple[float, float] | None, str, str]:
    """(value, ends, method, note) of one statistic in one week."""
    statistic, tasks = measure.statistic, round(float(counts[TASKS]))
    assert isinstance(statistic, Additive)
    if tasks < FEWEST_TASKS:
        return None, None, LINEARISED, TOO_FEW.format(tasks=tasks, fewest=FEWEST_TASKS)
    value = float(statistic.combine(sums[None])[0])
    if np.isnan(value):
        return None, None, LINEARISED, measure.when_undefined if counts[UNITS] else measure.when_empty
    if isinstance(statistic, Share) and statistic.is_proportion and value in (0, 1):
        return value, wilson_interval(value * tasks, tasks, confidence=settings.confidence), WILSON, ""
    error = _standard_error(statistic, sums, products)
    if not error > 0:
        return value, None, LINEARISED, ALL_ALIKE
    half = t_quantile((1 + settings.confidence) / 2, tasks - 1) * error * (tasks / (tasks - 1)) ** 0.5
    return value, (value - half, min(value + half, 1.0)), LINEARISED, ""


def _standard_error(statistic: Additive, sums: Floats, products: Floats) -> float:
    """The root of the sum over tasks of (slope . contribution)^2; the slope is taken from a small step each way."""
    step = NUDGE * np.sqrt(products.diagonal())
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = statistic.combine(sums + np.diag(step)) - statistic.combine(sums - np.diag(step))
        slope = np.where(step > 0, rise / (2 * step), 0.0)
    variance = float(slope @ products @ slope)
    return variance**0.5 if variance > 0 else 0.0


def _columns_of(measure: Measure) -> Floats:
    assert isinstance(measure.statistic, Additive), f"{measure.name} follows from sums"
    return measure.statistic.columns
