"""PURE. The statistics of choices between two responses and of longer rankings."""

from annotation.agreement.concordance import mean_kendall_w, mean_spearman
from annotation.agreement.judgment_table import build_table
from annotation.agreement.measure_categories import cohen_measure, fleiss_measure, gwet_measure
from annotation.agreement.measures import (
    ALL_TIED,
    NO_MAJORITY,
    NO_PAIRS,
    NO_STRICT_PAIRS,
    ONE_VALUE,
    Basis,
    Frame,
    Measure,
    Measured,
    basis_of,
    frame_of,
)
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import PairObservations, RankingObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.pairwise import (
    leave_one_out_accuracy,
    pairwise_agreement,
    percent_agreement,
    strict_agreement,
)
from annotation.agreement.rank_distance import rank_distance_alpha
from annotation.agreement.rankings import RankingTable, build_ranking_table
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
    measures = (
        Measure("nominal", "krippendorff_alpha", nominal_alpha(table), ONE_VALUE),
        Measure("ordinal", "krippendorff_alpha", ordinal_alpha(table), ONE_VALUE),
        fleiss_measure(table, frame or frame_of(table)),
        gwet_measure(everything, "nominal", "gwet_ac1", "identity"),
        gwet_measure(everything, "ordinal", "gwet_ac2", "linear"),
        cohen_measure(table, "nominal", "plain"),
        cohen_measure(table, "ordinal", "linear"),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(table), NO_PAIRS),
        Measure("nominal", "percent_agreement", percent_agreement(table), NO_PAIRS),
        Measure("strict", "pairwise_agreement", strict_agreement(table), NO_STRICT_PAIRS),
        Measure("nominal", "leave_one_out_accuracy", leave_one_out_accuracy(table), NO_MAJORITY),
    )
    return Measured("preference", table, basis_of(table), measures)


def measure_rankings(observations: RankingObservations) -> Measured:
    """Statistics of whole rankings, and of the choices between two responses that they contain."""
    table = build_ranking_table(observations)
    pairs = table.pairs
    measures = (
        Measure("rank", "krippendorff_alpha", rank_distance_alpha(table), ALL_TIED),
        *rank_measures(table),
        Measure("nominal", "pairwise_agreement", pairwise_agreement(pairs), NO_PAIRS),
        Measure("strict", "pairwise_agreement", strict_agreement(pairs), NO_STRICT_PAIRS),
        Measure("nominal", "leave_one_out_accuracy", leave_one_out_accuracy(pairs), NO_MAJORITY),
    )
    basis = Basis(pairs.units, pairs.annotators, table.rankings, table.dropped, pairs.judged_tasks)
    return Measured("ranking", pairs, basis, measures)


def rank_measures(table: RankingTable) -> tuple[Measure, ...]:
    """The statistics of whole rankings that know no chance level of their own but 0."""
    return (
        Measure("rank", "kendall_tau_b", mean_tau_b(table), ALL_TIED),
        Measure("rank", "spearman_rho", mean_spearman(table), ALL_TIED),
        Measure("rank", "kendall_w", mean_kendall_w(table), ALL_TIED),
        Measure("rank", "top_choice_agreement", top_choice_agreement(table), NO_TOP),
    )
