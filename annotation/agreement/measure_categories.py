"""PURE. Chance-corrected agreement on categories and points of a scale."""

from annotation.agreement.cohen import Weights as CohenWeights
from annotation.agreement.cohen_pairs import FEWEST_SHARED, mean_cohen_kappa
from annotation.agreement.fleiss import fleiss_kappa
from annotation.agreement.gwet import Weights as GwetWeights
from annotation.agreement.gwet import gwet_coefficient
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.measures import FEW_TASKS, ONE_VALUE, Frame, Measure, count_table, undefined
from annotation.agreement.nominal import MOST_VALUES
from annotation.agreement.ordinal import is_tabulated
from annotation.agreement.pooled_counts import LARGEST_TABLE

CONTINUOUS = (
    f"Undefined: a coefficient of categories says nothing about more than {MOST_VALUES} distinct values; "
    "see Krippendorff's alpha and the intraclass correlations."
)
NO_COUPLE = f"Undefined: no two annotators share {FEWEST_SHARED} units, or those who do use one value throughout."
TOO_MANY_COUPLES = (
    f"Left out: Cohen's kappa is for small groups; above {FEW_TASKS:,} tasks, or with very many pairs of annotators, "
    "see the alphas, which need no pairs of people."
)


def is_categorical(frame: Frame) -> bool:
    """Whether tables by value stay small and coefficients of categories make sense."""
    return len(frame.values) <= MOST_VALUES and frame.tasks * len(frame.values) <= LARGEST_TABLE


def layout_of(frame: Frame) -> tuple[bool, bool]:
    """Which statistics are kept as tables by value; equal layouts have equal columns."""
    return is_categorical(frame), is_tabulated(len(frame.values), frame.tasks)


def fleiss_measure(everything: JudgmentTable, table: JudgmentTable, frame: Frame) -> Measure:
    """Fleiss' kappa on the units of the usual size."""
    if not is_categorical(frame):
        return undefined(table, "nominal", "fleiss_kappa", CONTINUOUS)
    usual = table.keep_units(table.unit_sizes == frame.usual_size)
    return Measure(
        "nominal", "fleiss_kappa", fleiss_kappa(usual), ONE_VALUE, "linearised",
        counts=count_table(usual, of=everything),
        note_if_dropped=f"On units with exactly {frame.usual_size} judgments.",
    )  # fmt: skip


def gwet_measure(everything: JudgmentTable, frame: Frame, level: str, name: str, weights: GwetWeights) -> Measure:
    """AC1 or AC2; units judged once tell how often values are used."""
    if not is_categorical(frame):
        return undefined(everything, level, name, CONTINUOUS)
    return Measure(level, name, gwet_coefficient(everything, weights=weights), ONE_VALUE, "linearised")


def cohen_measure(table: JudgmentTable, frame: Frame, level: str, weights: CohenWeights) -> Measure:
    """The mean of Cohen's kappa over pairs of annotators."""
    if not is_categorical(frame):
        return undefined(table, level, "cohen_kappa", CONTINUOUS)
    statistic = mean_cohen_kappa(table, weights=weights) if not frame.is_large else None
    if statistic is None:
        return undefined(table, level, "cohen_kappa", TOO_MANY_COUPLES)
    couples = len(statistic.kappas)
    note = f"Mean of {couples} pairs of annotators who share {FEWEST_SHARED} units or more." if couples > 1 else ""
    return Measure(level, "cohen_kappa", statistic, NO_COUPLE, "linearised", note=note)
