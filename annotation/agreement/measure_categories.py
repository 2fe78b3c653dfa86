"""PURE. Chance-corrected agreement on categories and points of a scale."""

from annotation.agreement.cohen import Weights as CohenWeights
from annotation.agreement.cohen_pairs import FEWEST_SHARED, mean_cohen_kappa
from annotation.agreement.fleiss import fleiss_kappa
from annotation.agreement.gwet import Weights as GwetWeights
from annotation.agreement.gwet import gwet_coefficient
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.measures import FEW_TASKS, ONE_VALUE, Frame, Measure, basis_of, undefined
from annotation.agreement.nominal import MOST_VALUES
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


def is_categorical(table: JudgmentTable) -> bool:
    """Whether tables by value stay small and coefficients of categories make sense."""
    return len(table.values) <= MOST_VALUES and table.tasks * len(table.values) <= LARGEST_TABLE


def fleiss_measure(table: JudgmentTable, frame: Frame) -> Measure:
    """Fleiss' kappa on the units of the usual size."""
    if not is_categorical(table):
        return undefined(table, "nominal", "fleiss_kappa", CONTINUOUS)
    usual = table.keep_units(table.unit_sizes == frame.usual_size)
    basis = basis_of(usual, of=table)
    note = f"On units with exactly {frame.usual_size} judgments." if usual.units < table.units else ""
    return Measure("nominal", "fleiss_kappa", fleiss_kappa(usual), ONE_VALUE, "linearised", basis, note)


def gwet_measure(everything: JudgmentTable, level: str, name: str, weights: GwetWeights) -> Measure:
    """AC1 or AC2; units judged once tell how often values are used."""
    if not is_categorical(everything):
        return undefined(everything, level, name, CONTINUOUS)
    return Measure(level, name, gwet_coefficient(everything, weights=weights), ONE_VALUE, "linearised")


def cohen_measure(table: JudgmentTable, level: str, weights: CohenWeights) -> Measure:
    """The mean of Cohen's kappa over pairs of annotators."""
    if not is_categorical(table):
        return undefined(table, level, "cohen_kappa", CONTINUOUS)
    statistic = mean_cohen_kappa(table, weights=weights) if table.tasks <= FEW_TASKS else None
    if statistic is None:
        return undefined(table, level, "cohen_kappa", TOO_MANY_COUPLES)
    couples = len(statistic.kappas)
    note = f"Mean of {couples} pairs of annotators who share {FEWEST_SHARED} units or more." if couples > 1 else ""
    return Measure(level, "cohen_kappa", statistic, NO_COUPLE, "linearised", None, note)
