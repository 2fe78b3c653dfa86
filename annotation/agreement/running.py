"""PURE. Totals that follow new judgments: what a report needs of many tasks without looking at all of them again."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from annotation.agreement.bootstrap import Words, draw_weights, number_keys
from annotation.agreement.closeness import Closeness, close
from annotation.agreement.comparisons import Comparisons, compare_people
from annotation.agreement.estimates import Draws, Settings, draw, estimate_totals
from annotation.agreement.measure_categories import layout_of
from annotation.agreement.measures import Frame, Measured, make_basis, usual_size
from annotation.agreement.observations import Floats, Integers, Observations, RankingObservations
from annotation.agreement.pair_sums import PairSums, choose_people, sum_pairs
from annotation.agreement.person_sums import PersonSums, sum_people
from annotation.agreement.report import StatisticRecord, make_record, measure, report_measured
from annotation.agreement.statistic import Additive
from annotation.agreement.trend import TrendRecord, Weeks, WeekSums, sum_weeks, trend_records

Loader = Callable[[list[int]], Observations]
"""All observations of the tasks that these people judged."""


@dataclass(frozen=True, eq=False, slots=True)
class RunningTotals:
    """Sums over all tasks of one criterion, in the data and in each resample. Ids are integers."""

    frame: Frame
    whole: Floats
    """[columns] the contributions of all tasks."""
    drawn: Floats
    """[resamples, columns] the same in each resample."""
    counts: Floats
    """[1 + measures, 4] what the whole and each measure stand on."""
    sizes: Integers
    """[sizes] how many units have 0, 1, 2 ... judgments."""
    used: Integers
    """[values] how often each value of the frame was given."""
    digests: Words
    """[digests] ascending: contributions of which there is at least one."""
    multiples: Integers
    """[digests] how many tasks have each."""
    persons: PersonSums
    pairs: PairSums
    """Of the people whom `choose_people` chooses."""
    trend: WeekSums
    tasks: Integers
    """[tasks] ascending ids of those that two people can be compared on."""
    apart: Floats
    """[tasks] as `Closeness.disagreement`."""


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """All that a report says of one criterion."""

    records: list[StatisticRecord]
    trend: list[TrendRecord]
    closeness: Closeness
    persons: PersonSums
    pairs: PairSums
    totals: RunningTotals | None
    """None where the sums would not be enough: for few tasks, or for very many distinct values."""
    moved: frozenset[int] | None = None
    """People whose sums may differ from those of the picture that this one follows; None where anybody's may."""


def picture_all(observations: Observations, settings: Settings, weeks: Weeks) -> Picture:
    """The picture of all observations of one kind.

    weeks: of every task that the observations name.
    """
    measured = measure(observations)
    draws = draw(measured, settings)
    comparisons = compare_people(observations, extent=measured.frame.extent)
    persons, trend = sum_people(comparisons), sum_weeks(measured, weeks)
    pairs, closeness = sum_pairs(comparisons, choose_people(persons)), close(comparisons)
    additive = all(isinstance(each.statistic, Additive) for each in measured.measures)
    kept = additive and measured.frame.is_large
    totals = _total_up(observations, measured, draws, closeness, persons, pairs, trend) if kept else None
    records = report_measured(measured, settings, draws)
    return Picture(records, trend_records(measured, trend, settings), closeness, persons, pairs, totals)


def picture_change(
    totals: RunningTotals, before: Observations, after: Observations, settings: Settings, *,
    weeks: tuple[Weeks, Weeks], load: Loader,
) -> Picture | None:  # fmt: skip
    """The picture after some tasks have changed; the same as that of all observations but for rounding.

    before, after: all observations of the tasks that changed, as they were and as they are; weeks: likewise.
    load: asked for people who have come to share so much that their pairs are kept from now on.
    Returns: None where the change reaches further than those tasks: a value used for the first time or no longer, or
    another usual number of judgments; then look at all observations.
    """
    if not _has_values(totals.frame, after):
        return None
    old, new = (_Part.of(each, totals.frame, settings, of) for each, of in zip((before, after), weeks, strict=True))
    changed = _apply(totals, old, new, settings)
    if (changed.used < 1).any() or not _fits(totals.frame, changed):
        return None
    changed = replace(changed, pairs=_follow_pairs(totals, changed.persons, old, new, load))
    trend = trend_records(new.measured, changed.trend, settings)
    records = _report(new.measured, changed, settings)
    moved = frozenset(np.union1d(old.totals.persons.people, new.totals.persons.people).tolist())
    return Picture(records, trend, closeness_of(changed), changed.persons, changed.pairs, changed, moved)


def closeness_of(totals: RunningTotals) -> Closeness:
    """The closeness of people and the disagreement on tasks."""
    persons = totals.persons
    return Closeness(
        near=dict(zip(persons.people.tolist(), persons.near.tolist(), strict=True)),
        compared=dict(zip(persons.people.tolist(), persons.compared.tolist(), strict=True)),
        disagreement=dict(zip(totals.tasks.tolist(), totals.apart.tolist(), strict=True)),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """What some tasks contribute."""

    measured: Measured
    draws: Draws
    comparisons: Comparisons
    totals: RunningTotals

    @classmethod
    def of(cls, observations: Observations, frame: Frame, settings: Settings, weeks: Weeks) -> "_Part":
        measured = measure(observations, frame)
        draws = draw(measured, replace(settings, resamples=0))
        comparisons = compare_people(observations, extent=frame.extent)
        persons, trend = sum_people(comparisons), sum_weeks(measured, weeks)
        pairs = sum_pairs(comparisons, np.zeros(0, np.int64))
        totals = _total_up(observations, measured, draws, close(comparisons), persons, pairs, trend)
        return cls(measured, draws, comparisons, totals)


def _total_up(
    observations: Observations, measured: Measured, draws: Draws, closeness: Closeness, persons: PersonSums,
    pairs: PairSums, trend: WeekSums,
) -> RunningTotals:  # fmt: skip
    counts = [measured.counts, *(measured.counts if each.counts is None else each.counts for each in measured.measures)]
    digests, multiples = np.unique(draws.digests[_contributes(draws)], return_counts=True)
    tasks = np.sort(np.array(list(closeness.disagreement), np.int64))
    return RunningTotals(
        frame=measured.frame, whole=draws.columns.sum(axis=0), drawn=draws.drawn,
        counts=np.array([each.sum(axis=0) for each in counts]), sizes=measured.sizes,
        used=_count_values(observations, measured.frame), digests=digests, multiples=multiples, persons=persons,
        pairs=pairs, trend=trend, tasks=tasks,
        apart=np.array([closeness.disagreement[each] for each in tasks.tolist()]),
    )  # fmt: skip


def _follow_pairs(totals: RunningTotals, persons: PersonSums, old: _Part, new: _Part, load: Loader) -> PairSums:
    before, now = choose_people(totals.persons), choose_people(persons)
    stay, come = np.intersect1d(before, now), np.setdiff1d(now, before)
    pairs = totals.pairs.among(stay).swap(sum_pairs(old.comparisons, stay), sum_pairs(new.comparisons, stay))
    if not len(come):
        return pairs
    theirs = compare_people(load(come.tolist()), extent=totals.frame.extent)
    return pairs.with_pairs_of(come, sum_pairs(theirs, now))


def _contributes(draws: Draws) -> Floats:
    return (draws.columns != 0).any(axis=1)


def _count_values(observations: Observations, frame: Frame) -> Integers:
    if isinstance(observations, RankingObservations):
        return np.ones(0, np.int64)
    return np.bincount(np.searchsorted(frame.values, observations.value), minlength=len(frame.values))


def _fits(frame: Frame, changed: RunningTotals) -> bool:
    """Whether all observations together would still be measured as their parts have been."""
    same_tables = layout_of(frame) == layout_of(changed.frame)
    return same_tables and changed.frame.is_large and usual_size(changed.sizes) == frame.usual_size


def _has_values(frame: Frame, observations: Observations) -> bool:
    return isinstance(observations, RankingObservations) or bool(np.isin(observations.value, frame.values).all())


def _apply(totals: RunningTotals, old: _Part, new: _Part, settings: Settings) -> RunningTotals:
    drawn, digests, multiples = totals.drawn, totals.digests, totals.multiples
    for part, sign in ((old, -1), (new, 1)):
        rows = _contributes(part.draws)
        change, digests, multiples, number = _renumber(digests, multiples, part.draws.digests[rows], sign)
        keys = number_keys(change, number, seed=settings.seed)
        # Rows of one digest contribute the same, so which of them gets which number is no matter.
        order = np.argsort(part.draws.digests[rows], kind="stable")
        weights = draw_weights(keys, resamples=settings.resamples)
        drawn = drawn + sign * (weights.T @ part.draws.columns[rows][order])
    tasks, apart = _swap_tasks(totals, old.totals, new.totals)
    more = len(new.measured.task_ids) - len(old.measured.task_ids)
    return replace(
        totals, frame=replace(totals.frame, tasks=totals.frame.tasks + more), drawn=drawn,
        whole=totals.whole - old.totals.whole + new.totals.whole,
        counts=totals.counts - old.totals.counts + new.totals.counts,
        sizes=_add(_add(totals.sizes, old.totals.sizes, -1), new.totals.sizes, 1),
        used=totals.used - old.totals.used + new.totals.used, digests=digests, multiples=multiples,
        persons=totals.persons.swap(old.totals.persons, new.totals.persons),
        trend=totals.trend.swap(old.totals.trend, new.totals.trend), tasks=tasks, apart=apart,
    )  # fmt: skip


def _renumber(
    digests: Words, multiples: Integers, changed: Words, sign: int
) -> tuple[Words, Words, Integers, Integers]:
    """(changed digests ascending, digests, multiples, the number of each changed one among its like).

    Those that go take the highest numbers, those that come the next ones, so that numbers stay without gaps.
    """
    ordered = np.sort(changed)
    own = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    kinds, amounts = np.unique(ordered, return_counts=True)
    every = np.union1d(digests, kinds)
    had = np.zeros(len(every), np.int64)
    had[np.searchsorted(every, digests)] = multiples
    have = had.copy()
    have[np.searchsorted(every, kinds)] += sign * amounts
    place = np.searchsorted(every, ordered)
    number = had[place] + own if sign > 0 else have[place] + own
    return ordered, every[have > 0], have[have > 0], number


def _swap_tasks(totals: RunningTotals, old: RunningTotals, new: RunningTotals) -> tuple[Integers, Floats]:
    stay = ~np.isin(totals.tasks, old.tasks)
    tasks = np.concatenate([totals.tasks[stay], new.tasks])
    order = np.argsort(tasks)
    return tasks[order], np.concatenate([totals.apart[stay], new.apart])[order]


def _add(one: Integers, other: Integers, sign: int) -> Integers:
    total = np.zeros(max(len(one), len(other)), np.int64)
    total[: len(one)] += one
    total[: len(other)] += sign * other
    return total


def _report(measured: Measured, totals: RunningTotals, settings: Settings) -> list[StatisticRecord]:
    people = len(totals.persons.people)
    whole, at, records = make_basis(totals.counts[0], people), 0, []
    for number, each in enumerate(measured.measures, start=1):
        assert isinstance(each.statistic, Additive)
        columns = slice(at, at := at + each.statistic.columns.shape[1])
        basis = make_basis(totals.counts[number], people)
        estimate = estimate_totals(each, totals.whole[columns], totals.drawn[:, columns], basis, settings)
        records.append(make_record(measured.criterion, each, basis, whole, estimate, settings))
    return records
