"""PURE. The statistics of choices between two responses and of longer rankings."""

import numpy as np

from annotation.agreement.concordance import mean_kendall_w, mean_spearman
from annotation.agreement.judgment_table import build_table
from annotation.agreement.measure_categories import cohen_measure, fleiss_measure, gwet_measure
from annotation.agreement.measures import (
    ALL_TIED,
    NO_MAJORITY,
    NO_PAIRS,
    NO_STRICT_PAIRS,
    ONE_VALUE,
    Frame,
    Measure,
    Measured,
    count_rankings,
    count_table,
    frame_of,
)
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import Floats, PairObservations, RankingObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.pairwise import (
    leave_one_out_accuracy,
    pairwise_agreement,
    percent_agreement,
    strict_agreement,
)
from annotation.agreement.rank_distance import RankDistanceAlpha, rank_distance_alpha
from annotation.agreement.rankings import RankingTable, build_ranking_table
from annotation.agreement.statistic import Share
from annotation.agreement.tau import mean_tau_b
from annotation.agreement.top_choice import top_choice_agreement

NO_TOP = "Undefined: no two annotators ranked the same two responses."


def measure_pairs(observations: PairObservations, frame: Frame | None = None) -> Measured:
    """Chance-corrected agreement over first < tie < second, the share of equal choices, and the human ceiling."""
    everything = build_table(
        task_id=observations.task_id, unit_id=observations.task_id, annotator_id=observations.annotator_id,
        value=observations.value, values=None if frame is None else frame.values, fewest=1,
    )  # fmt: skip
    table = everything.keep_shared()
    frame = frame or frame_of(table)
    measures = (
        Measure("nominal", "krippendorff_alpha", nominal_alpha(table), ONE_VALUE),
        Measure("ordinal", "krippendorff_alpha", ordinal_alpha(table), ONE_VALUE),
        fleiss_measure(everything, table, frame),
        gwet_measure(everything, frame, "nominal", "gwet_ac1", "identity"),
        gwet_measure(everything, frame, "ordinal", "gwet_ac2", "linear"),
        cohen_measure(table, frame, "nominal", "plain"),
        cohen_measure(table, frame, "ordinal", "linear"),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table), NO_PAIRS),
        Measure("nominal", "percent_agreement", percent_agreement(table), NO_PAIRS),
        Measure("strict", "pairwise_agreement", strict_agreement(table), NO_STRICT_PAIRS),
        Measure("nominal", "leave_one_out_accuracy", leave_one_out_accuracy(table), NO_MAJORITY),
    )
    counts, sizes = count_table(table, of=everything), np.bincount(table.unit_sizes)
    return Measured("preference", table, everything.task_ids, counts, sizes, frame, measures)


def measure_rankings(observations: RankingObservations, frame: Frame | None = None) -> Measured:
    """Statistics of whole rankings, and of the choices between two responses that they contain."""
    table, task_ids = build_ranking_table(observations), np.unique(observations.task_id)
    pairs, tasks = table.pairs, len(task_ids)
    counts = count_rankings(table, tasks)
    measures = (
        Measure("rank", "krippendorff_alpha", _place_alpha(rank_distance_alpha(table), table, tasks), ALL_TIED),
        *rank_measures(table, tasks),
        Measure("nominal", "pairwise_agreement", _place(pairwise_agreement(pairs), table, tasks), NO_PAIRS),
        Measure("strict", "pairwise_agreement", _place(strict_agreement(pairs), table, tasks), NO_STRICT_PAIRS),
        Measure("nominal", "leave_one_out_accuracy", _place(leave_one_out_accuracy(pairs), table, tasks), NO_MAJORITY),
    )
    frame = frame or Frame(values=pairs.values, usual_size=0, tasks=tasks)
    return Measured("ranking", pairs, task_ids, counts, np.zeros(0, np.int64), frame, measures)


def rank_measures(table: RankingTable, tasks: int) -> tuple[Measure, ...]:
    """The statistics of whole rankings that know no chance level of their own but 0.

    tasks: all that came in; the table has but those with a pair of responses that two people ranked.
    """
    return (
        Measure("rank", "kendall_tau_b", _place(mean_tau_b(table), table, tasks), ALL_TIED),
        Measure("rank", "spearman_rho", _place(mean_spearman(table), table, tasks), ALL_TIED),
        Measure("rank", "kendall_w", _place(mean_kendall_w(table), table, tasks), ALL_TIED),
        Measure("rank", "top_choice_agreement", _place(top_choice_agreement(table), table, tasks), NO_TOP),
    )


def ceiling_of_rankings(table: RankingTable, tasks: int) -> Measure:
    """The leave-one-out accuracy on pairs of responses."""
    return Measure(
        "rank", "leave_one_out_accuracy", _place(leave_one_out_accuracy(table.pairs), table, tasks), NO_MAJORITY
    )


def _place(share: Share, table: RankingTable, tasks: int) -> Share:
    """A share over the tasks of a table as one over all tasks."""
    numerator, denominator = (_spread(each, table, tasks) for each in (share.numerator, share.denominator))
    return Share(numerator, denominator, share.is_proportion)


def _place_alpha(alpha: RankDistanceAlpha, table: RankingTable, tasks: int) -> RankDistanceAlpha:
    return RankDistanceAlpha(*(_spread(each, table, tasks) for each in (alpha.disagreement, alpha.tied, alpha.count)))


def _spread(amounts: Floats, table: RankingTable, tasks: int) -> Floats:
    spread = np.zeros(tasks)
    spread[table.pairs.task_ids] = amounts
    return spread
