"""PURE. The statistics of scores on one criterion."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from annotation.agreement.icc import Case, is_balanced, one_way_icc, two_way_icc
from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.measure_categories import cohen_measure, fleiss_measure, gwet_measure
from annotation.agreement.measure_choices import rank_measures
from annotation.agreement.measures import (
    FEW_TASKS,
    NEGATIVE,
    NO_MAJORITY,
    NO_PAIRS,
    ONE_VALUE,
    Basis,
    Frame,
    Measure,
    Measured,
    basis_of,
    frame_of,
    undefined,
)
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import Integers, RankingObservations, ScoreObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.pairwise import leave_one_out_accuracy, pairwise_agreement, percent_agreement
from annotation.agreement.panels import find_panel
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.ratio import ratio_alpha
from annotation.agreement.statistic import Share

NO_PANEL = "Undefined: no two annotators scored the same two units, so ICC(2) and ICC(3) have no block without gaps."
TOO_LARGE = f"Left out: ICC(2) and ICC(3) are for panels; above {FEW_TASKS:,} tasks see ICC(1) and interval alpha."
ONE_RESPONSE = (
    "Undefined: no two annotators scored the same two responses to one prompt differently enough to rank them."
)


def measure_scores(observations: ScoreObservations, frame: Frame | None = None) -> Measured:
    """Alphas of every level, because scales differ in how much their distances mean; coefficients of categories and
    intraclass correlations; and, where a prompt has several responses, how people would rank them."""
    everything = build_table(
        task_id=observations.task_id, unit_id=observations.unit_id, annotator_id=observations.annotator_id,
        value=observations.value, values=None if frame is None else frame.values, fewest=1,
    )  # fmt: skip
    table = everything.keep_shared()
    frame = frame or frame_of(table)
    ratio = NEGATIVE if len(table.values) and table.values[0] < 0 else ONE_VALUE
    measures = (
        Measure("nominal", "krippendorff_alpha", nominal_alpha(table), ONE_VALUE),
        Measure("ordinal", "krippendorff_alpha", ordinal_alpha(table), ONE_VALUE),
        Measure("interval", "krippendorff_alpha", interval_alpha(table, origin=frame.origin), ONE_VALUE),
        Measure("ratio", "krippendorff_alpha", ratio_alpha(table), ratio),
        fleiss_measure(table, frame),
        gwet_measure(everything, "nominal", "gwet_ac1", "identity"),
        gwet_measure(everything, "interval", "gwet_ac2", "quadratic"),
        cohen_measure(table, "nominal", "plain"),
        cohen_measure(table, "interval", "quadratic"),
        *_one_way(table, frame),
        *_two_way(table),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table), NO_PAIRS),
        Measure("nominal", "percent_agreement", percent_agreement(table), NO_PAIRS),
        *_as_rankings(observations, everything),
    )
    return Measured(observations.criterion, table, basis_of(table), measures)


def _one_way(table: JudgmentTable, frame: Frame) -> list[Measure]:
    found = []
    for average in (False, True):
        statistic = one_way_icc(table, average=average, origin=frame.origin)
        independent = table.units == table.judged_tasks and is_balanced(statistic)
        name = "icc1k" if average else "icc1"
        found.append(Measure("interval", name, statistic, ONE_VALUE, "f" if independent else "bootstrap"))
    return found


def _two_way(table: JudgmentTable) -> list[Measure]:
    cases: list[tuple[Case, bool]] = [(2, False), (2, True), (3, False), (3, True)]
    names = [f"icc{case}{'k' if average else ''}" for case, average in cases]
    if table.tasks > FEW_TASKS:
        return [undefined(table, "interval", name, TOO_LARGE) for name in names]
    panel = find_panel(table)
    if not panel.units:
        return [undefined(table, "interval", name, NO_PANEL) for name in names]
    basis = basis_of(panel, of=table)
    formula = "f" if panel.units == panel.judged_tasks else "bootstrap"
    note = f"On the {panel.units:,} units that the same {panel.annotators:,} annotators all scored."
    measure: Callable[..., Measure] = Measure
    return [
        measure(
            "interval", name, two_way_icc(panel, case=case, average=average), ONE_VALUE, formula, basis,
            note if basis.dropped > table.dropped else "",
        )
        for name, (case, average) in zip(names, cases, strict=True)
    ]  # fmt: skip


def _as_rankings(observations: ScoreObservations, everything: JudgmentTable) -> list[Measure]:
    """What the scores say about the order of a prompt's responses; which end of the scale is better is no matter."""
    rank = np.unique(observations.value, return_inverse=True)[1] + 1
    table = build_ranking_table(
        RankingObservations(observations.task_id, observations.annotator_id, observations.unit_id, rank)
    )
    pairs, place = table.pairs, table.pairs.task_ids
    basis = Basis(pairs.units, pairs.annotators, table.rankings, table.dropped, pairs.judged_tasks)
    measures = [
        *rank_measures(table),
        Measure("rank", "leave_one_out_accuracy", leave_one_out_accuracy(pairs), NO_MAJORITY),
    ]
    reason = ONE_RESPONSE if not pairs.units else None
    return [
        replace(
            each, statistic=_place(each.statistic, place, everything.tasks), basis=basis,
            when_undefined=reason or each.when_undefined,
        )
        for each in measures
    ]  # fmt: skip


def _place(statistic: object, place: Integers, tasks: int) -> Share:
    """A share over some tasks as one over all."""
    assert isinstance(statistic, Share)
    numerator, denominator = np.zeros((2, tasks))
    numerator[place], denominator[place] = statistic.numerator, statistic.denominator
    return Share(numerator, denominator, statistic.is_proportion)
