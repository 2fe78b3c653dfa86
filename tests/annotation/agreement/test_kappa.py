"""Cohen, Fleiss and Gwet against what is printed, and where they end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t
from statsmodels.stats.inter_rater import cohens_kappa

from annotation.agreement.cohen import cohen_kappa, share_units
from annotation.agreement.cohen_pairs import find_pairs, mean_cohen_kappa
from annotation.agreement.fleiss import fleiss_kappa
from annotation.agreement.gwet import GwetCoefficient, Weights, agreement_weights, gwet_coefficient
from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.linear import linearise
from tests.annotation.agreement.judgments import GAP, KRIPPENDORFF_2011, table_of, value_of
from tests.annotation.agreement.published import COHEN_1960, FLEISS_1971, spell_out, spell_out_pairs

grids = arrays(float, st.tuples(st.integers(2, 4), st.integers(2, 8)), elements=st.sampled_from([1, 2, 3, GAP]))


def everything_of(matrix: object) -> JudgmentTable:
    """With the units that one annotator alone judged."""
    values = np.asarray(matrix, float)
    annotator, unit = np.nonzero(~np.isnan(values))
    return build_table(
        task_id=unit, unit_id=unit, annotator_id=annotator, value=values[annotator, unit], fewest=1
    )  # fmt: skip


def gwet_value(matrix: object, weights: str = "identity") -> float:
    table = everything_of(matrix)
    return value_of(gwet_coefficient(table, weights=weights), table.tasks)


def test_psychiatrists_of_fleiss() -> None:
    assert round(value_of(fleiss_kappa(table_of(spell_out(FLEISS_1971))), 30), 3) == 0.430


def test_two_judges_of_cohen() -> None:
    shared = share_units(table_of(spell_out_pairs(COHEN_1960)), 0, 1)
    kappa = cohen_kappa(shared)
    assert round(value_of(kappa, shared.tasks), 3) == 0.492
    assert linearise(kappa).standard_error == pytest.approx(cohens_kappa(COHEN_1960).std_kappa, rel=1e-8)


def test_four_raters_of_gwet() -> None:
    """Gwet's example is Krippendorff's table: AC1 0.77544. The unit judged once tells how often values are used."""
    assert round(gwet_value(KRIPPENDORFF_2011), 5) == 0.77544


def published_gwet(matrix: object, weights: Weights) -> tuple[float, float, np.ndarray, np.ndarray]:
    """(coefficient, standard error, [units] its summands, [units] n/n2 where two or more judged, else 0).

    Gwet 2014, Handbook of Inter-Rater Reliability, 4th ed., ch. 5 with missing ratings, as the R package irrCAC has it:
    pairs are averaged over the n2 units that two or more judged, chance and the variance over all n.
    """
    values = np.asarray(matrix, float)
    used = np.unique(values[~np.isnan(values)])
    counts = np.stack([(values == value).sum(axis=0) for value in used], axis=1).astype(float)
    near, size = agreement_weights(used, weights), counts.sum(axis=1)
    several, factor = size > 1, near.sum() / (len(used) * (len(used) - 1))
    pairs = (counts * (counts @ near - 1)).sum(axis=1) / np.where(several, size * (size - 1), -1)
    share = (counts / size[:, None]).mean(axis=0)
    chance = factor * (share * (1 - share)).sum()
    coefficient = (pairs[several].mean() - chance) / (1 - chance)
    scale = len(size) / several.sum()
    summands = scale * (np.where(several, pairs, 0) - chance * several) / (1 - chance)
    by_unit = factor * (counts @ (1 - share)) / size
    summands = summands - 2 * (1 - coefficient) * (by_unit - chance) / (1 - chance)
    error = np.sqrt(((summands - coefficient) ** 2).sum() / (len(size) * (len(size) - 1)))
    return coefficient, error, summands, scale * several


def test_four_raters_of_gwet_have_the_published_error() -> None:
    """irrCAC prints for its cac.raw4raters: AC1 0.77544, standard error 0.14295, interval from 0.461 to 1."""
    coefficient, error, _, _ = published_gwet(KRIPPENDORFF_2011, "identity")
    assert (round(coefficient, 5), round(error, 5)) == (0.77544, 0.14295)
    assert round(coefficient - t.ppf(0.975, 11) * error, 3) == 0.461


@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
def test_gwet_error_with_units_judged_once(weights: Weights) -> None:
    """The published variance takes n / n2 for a constant. Ours knows that it varies with the units drawn, which
    takes coefficient * (its n/n2 - 1) from each summand; where every unit has two judgments both are the same."""
    complete = np.asarray(KRIPPENDORFF_2011, float)[:, :11]
    for matrix in (KRIPPENDORFF_2011, complete):
        coefficient, error, summands, scale = published_gwet(matrix, weights)
        table = everything_of(matrix)
        ours = linearise(gwet_coefficient(table, weights=weights))
        n = len(summands)
        rest = summands - coefficient - coefficient * (scale - 1)
        assert ours.value == pytest.approx(coefficient, abs=1e-12)
        assert ours.influence * n == pytest.approx(rest, abs=1e-6)
        if matrix is complete:
            assert ours.standard_error * np.sqrt(n / (n - 1)) == pytest.approx(error, rel=1e-6)


def test_gwet_variance_over_complete_units() -> None:
    """Gwet 2008, equation 35 on: the variance of kappa_i - 2 (1 - kappa) (pe_i - pe) / (1 - pe) over units."""
    matrix = np.random.default_rng(3).choice([1, 2, 3], p=[0.7, 0.2, 0.1], size=(4, 40))
    shares = np.stack([(matrix == value).mean(axis=0) for value in (1, 2, 3)])
    agreement = ((4 * shares) * (4 * shares - 1)).sum(axis=0) / 12
    mean = shares.mean(axis=1, keepdims=True)
    expected = (mean * (1 - mean)).sum() / 2
    kappa = (agreement.mean() - expected) / (1 - expected)
    by_unit = (shares * (1 - mean)).sum(axis=0) / 2
    linear = (agreement - expected) / (1 - expected) - 2 * (1 - kappa) * (by_unit - expected) / (1 - expected)
    statistic = gwet_coefficient(everything_of(matrix))
    assert value_of(statistic, 40) == pytest.approx(kappa)
    assert linearise(statistic).standard_error * np.sqrt(40 / 39) == pytest.approx(linear.std(ddof=1) / np.sqrt(40))


def test_gwet_stays_high_where_nearly_all_say_the_same() -> None:
    matrix = np.ones((2, 100))
    matrix[0, 0] = matrix[1, 1] = 2
    assert value_of(fleiss_kappa(table_of(matrix)), 100) < 0
    assert gwet_value(matrix) > 0.95


def test_near_values_count_in_part_for_ac2() -> None:
    near, far = [[1, 2, 3, 4, 5], [2, 2, 3, 4, 5]], [[1, 2, 3, 4, 5], [5, 2, 3, 4, 5]]
    assert gwet_value(near) == pytest.approx(gwet_value(far), abs=0.01)
    assert gwet_value(near, "quadratic") > gwet_value(far, "quadratic") + 0.1


def test_fleiss_refuses_units_of_different_size() -> None:
    with pytest.raises(ValueError, match="one number of judgments a unit, got 2 to 3"):
        fleiss_kappa(table_of([[1, 2], [1, 2], [GAP, 1]]))


@pytest.mark.parametrize("weights", ["plain", "linear", "quadratic"])
def test_one_value_throughout_is_undefined(weights: str) -> None:
    table = table_of(np.full((2, 9), 4.0))
    shared = share_units(table, 0, 1)
    assert np.isnan(value_of(cohen_kappa(shared, weights=weights), shared.tasks))
    assert np.isnan(value_of(fleiss_kappa(table), 9))
    assert np.isnan(gwet_value(np.full((2, 9), 4.0)))


def test_what_only_one_of_two_judged_is_dropped_and_counted() -> None:
    shared = share_units(table_of([[1, 2, 3, GAP], [1, 2, GAP, 3], [1, 1, 3, 3]]), 0, 1)
    assert (shared.tasks, shared.dropped) == (2, 2)


def test_an_annotator_without_overlap_is_named() -> None:
    with pytest.raises(ValueError, match="annotator 7 judged nothing"):
        share_units(table_of([[1, 2], [1, 2]]), 0, 7)


def test_mean_kappa_takes_pairs_who_share_enough() -> None:
    generator = np.random.default_rng(0)
    matrix = np.full((4, 40), GAP)
    matrix[0, :30], matrix[1, :30], matrix[2, 25:] = (generator.integers(0, 3, size=n) for n in (30, 30, 15))
    matrix[3, 20:] = generator.integers(0, 3, size=20)
    table = table_of(matrix)
    assert find_pairs(table) == [(0, 1), (0, 3), (1, 3), (2, 3)]
    each = []
    for one, other in find_pairs(table):
        shared = share_units(table, one, other)
        each.append(value_of(cohen_kappa(shared), shared.tasks))
    assert value_of(mean_cohen_kappa(table), table.tasks) == pytest.approx(np.mean(each))


@given(grids)
def test_perfect_agreement_is_one(matrix: np.ndarray) -> None:
    answers = np.nan_to_num(matrix[0], nan=2.0)
    if np.ptp(answers):
        alike = np.stack([answers] * 3)
        assert value_of(fleiss_kappa(table_of(alike)), len(answers)) == pytest.approx(1)
        assert gwet_value(alike) == gwet_value(alike, "quadratic") == pytest.approx(1)


@given(grids, st.permutations(range(4)))
def test_swapping_people_changes_nothing(matrix: np.ndarray, order: list[int]) -> None:
    moved = matrix[[place for place in order if place < len(matrix)]]
    for weights in ("identity", "linear"):
        np.testing.assert_allclose(gwet_value(moved, weights), gwet_value(matrix, weights), atol=1e-12)
    tables = [table_of(each) for each in (matrix, moved)]
    means = [value_of(mean_cohen_kappa(table), table.tasks) for table in tables]
    np.testing.assert_allclose(*means, atol=1e-12)


def test_a_resample_that_lacks_a_value_keeps_the_chance_of_the_data() -> None:
    statistic = gwet_coefficient(everything_of([[1, 2, 3], [1, 2, 3]]))
    assert isinstance(statistic, GwetCoefficient)
    assert statistic.evaluate(np.array([[1.0, 1, 0]]))[0] == 1
