"""PURE. Which statistics each kind of observation gets."""

from dataclasses import dataclass

from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import PairObservations, RankingObservations, ScoreObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.pairwise import leave_one_out_accuracy, pairwise_agreement
from annotation.agreement.rank_distance import rank_distance_alpha
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.statistic import Statistic
from annotation.agreement.tau import mean_tau_b

ONE_VALUE = "Undefined: all judgments say the same, so agreement can't be told from chance."
ALL_TIED = "Undefined: every ranking ties all responses."
NO_MAJORITY = "Undefined: no strict choice has a majority of other annotators to be held against."
NO_PAIRS = "Undefined: no two annotators judged the same."


@dataclass(frozen=True, eq=False, slots=True)
class Measure:
    """A statistic with its name and the reason it has when it has no value."""

    level: str
    name: str
    statistic: Statistic
    when_undefined: str


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What a report says about one criterion."""

    criterion: str
    table: JudgmentTable
    judgments: int
    dropped: int
    measures: tuple[Measure, ...]


def measure_scores(observations: ScoreObservations) -> Measured:
    """Three alphas, because scales differ in how much their distances mean, and the share of equal scores."""
    table = build_table(
        task_id=observations.task_id,
        unit_id=observations.unit_id,
        annotator_id=observations.annotator_id,
        value=observations.value,
    )
    measures = (
        Measure("nominal", "krippendorff_alpha", nominal_alpha(table), ONE_VALUE),
        Measure("ordinal", "krippendorff_alpha", ordinal_alpha(table), ONE_VALUE),
        Measure("interval", "krippendorff_alpha", interval_alpha(table), ONE_VALUE),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table), NO_PAIRS),
    )
    return Measured(observations.criterion, table, table.judgments, table.dropped, measures)


def measure_pairs(observations: PairObservations) -> Measured:
    """Alphas over first < tie < second, the share of equal choices, and the human ceiling."""
    table = build_table(
        task_id=observations.task_id,
        unit_id=observations.task_id,
        annotator_id=observations.annotator_id,
        value=observations.value,
    )
    measures = (
        Measure("nominal", "krippendorff_alpha", nominal_alpha(table), ONE_VALUE),
        Measure("ordinal", "krippendorff_alpha", ordinal_alpha(table), ONE_VALUE),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table), NO_PAIRS),
        Measure("nominal", "leave_one_out_accuracy", leave_one_out_accuracy(table), NO_MAJORITY),
    )
    return Measured("preference", table, table.judgments, table.dropped, measures)


def measure_rankings(observations: RankingObservations) -> Measured:
    """Statistics of whole rankings, and of the choices between two responses that they contain."""
    table = build_ranking_table(observations)
    measures = (
        Measure("rank", "krippendorff_alpha", rank_distance_alpha(table), ALL_TIED),
        Measure("rank", "kendall_tau_b", mean_tau_b(table), ALL_TIED),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table.pairs), NO_PAIRS),
        Measure("nominal", "leave_one_out_accuracy", leave_one_out_accuracy(table.pairs), NO_MAJORITY),
    )
    return Measured("ranking", table.pairs, table.rankings, table.dropped, measures)
