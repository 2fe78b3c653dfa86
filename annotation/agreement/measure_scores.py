"""PURE. The statistics of scores on one criterion."""

from dataclasses import replace

import numpy as np

from annotation.agreement.icc import Case, one_way_icc, two_way_icc
from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.measure_categories import cohen_measure, fleiss_measure, gwet_measure
from annotation.agreement.measure_choices import ceiling_of_rankings, rank_measures
from annotation.agreement.measures import (
    FEW_TASKS,
    NEGATIVE,
    NO_PAIRS,
    ONE_VALUE,
    Frame,
    Measure,
    Measured,
    count_rankings,
    count_table,
    frame_of,
    undefined,
)
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import RankingObservations, ScoreObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.pairwise import pairwise_agreement, percent_agreement
from annotation.agreement.panels import find_panel
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.ratio import ratio_alpha

NO_PANEL = "Undefined: no two annotators scored the same two units, so ICC(2) and ICC(3) have no block without gaps."
TOO_LARGE = f"Left out: ICC(2) and ICC(3) are for panels; above {FEW_TASKS:,} tasks see ICC(1) and interval alpha."
ONE_RESPONSE = "Undefined: no two annotators scored the same two responses to one prompt."


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
        fleiss_measure(everything, table, frame),
        gwet_measure(everything, frame, "nominal", "gwet_ac1", "identity"),
        gwet_measure(everything, frame, "interval", "gwet_ac2", "quadratic"),
        cohen_measure(table, frame, "nominal", "plain"),
        cohen_measure(table, frame, "interval", "quadratic"),
        *(
            Measure("interval", name, one_way_icc(table, average=average, origin=frame.origin), ONE_VALUE, "f")
            for name, average in (("icc1", False), ("icc1k", True))
        ),
        *_two_way(everything, table, frame),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table), NO_PAIRS),
        Measure("nominal", "percent_agreement", percent_agreement(table), NO_PAIRS),
        *_as_rankings(observations, everything.tasks),
    )
    counts, sizes = count_table(table, of=everything), np.bincount(table.unit_sizes)
    return Measured(observations.criterion, table, everything.task_ids, counts, sizes, frame, measures)


def _two_way(everything: JudgmentTable, table: JudgmentTable, frame: Frame) -> list[Measure]:
    cases: list[tuple[Case, bool]] = [(2, False), (2, True), (3, False), (3, True)]
    names = [f"icc{case}{'k' if average else ''}" for case, average in cases]
    if frame.is_large:
        return [undefined(table, "interval", name, TOO_LARGE) for name in names]
    panel = find_panel(table)
    if not panel.units:
        return [undefined(table, "interval", name, NO_PANEL) for name in names]
    note = f"On the {panel.units:,} units that the same {panel.annotators:,} annotators all scored."
    counts = count_table(panel, of=everything)
    return [
        Measure(
            "interval", name, two_way_icc(panel, case=case, average=average), ONE_VALUE, "f", counts, panel.annotators,
            note_if_dropped=note,
        )
        for name, (case, average) in zip(names, cases, strict=True)
    ]  # fmt: skip


def _as_rankings(observations: ScoreObservations, tasks: int) -> list[Measure]:
    """What the scores say about the order of a prompt's responses; which end of the scale is better is no matter."""
    rank = np.unique(observations.value, return_inverse=True)[1] + 1
    table = build_ranking_table(
        RankingObservations(observations.task_id, observations.annotator_id, observations.unit_id, rank)
    )
    counts = count_rankings(table, tasks)
    measures = [*rank_measures(table, tasks), ceiling_of_rankings(table, tasks)]
    return [replace(each, counts=counts, when_empty=ONE_RESPONSE) for each in measures]
