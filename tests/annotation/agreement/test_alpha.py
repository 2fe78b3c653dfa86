"""Krippendorff's alpha against what is published, another implementation, and what must not matter."""

from collections.abc import Callable

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotation.agreement import ordinal
from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.ordinal import ManyValuedOrdinalAlpha, OrdinalAlpha, ordinal_alpha
from annotation.agreement.pooled_counts import count_values
from annotation.agreement.ratio import ManyValuedRatioAlpha, ratio_alpha
from annotation.agreement.statistic import Statistic
from tests.annotation.agreement.judgments import GAP, KRIPPENDORFF_2011, table_of, value_of

ALPHAS: dict[str, Callable[[JudgmentTable], Statistic]] = {
    "nominal": nominal_alpha,
    "ordinal": ordinal_alpha,
    "interval": interval_alpha,
    "ratio": ratio_alpha,
}
matrices = arrays(float, st.tuples(st.integers(2, 5), st.integers(2, 9)), elements=st.sampled_from([1, 2, 3, 5, GAP]))


def alpha_of(level: str, table: JudgmentTable) -> float:
    return value_of(ALPHAS[level](table), table.tasks)


@pytest.mark.parametrize(
    ("level", "matrix", "published"),
    [
        ("nominal", KRIPPENDORFF_2011, 0.743),
        ("ordinal", KRIPPENDORFF_2011, 0.815),
        ("interval", KRIPPENDORFF_2011, 0.849),
        ("ratio", KRIPPENDORFF_2011, 0.797),
        ("nominal", [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]], 0.095),
        ("nominal", [[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [1, 2, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]], 0.692),
    ],
)
def test_published_values_come_out_to_the_printed_digits(level: str, matrix: list, published: float) -> None:
    assert round(alpha_of(level, table_of(matrix)), 3) == published


@pytest.mark.parametrize("level", ALPHAS)
@pytest.mark.parametrize("seed", range(12))
def test_another_implementation_gives_the_same(level: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(4, 25)).round(seed % 3) * 10.0 ** (seed % 5) + 1000 * (seed % 2)
    if level == "ratio":
        matrix = np.exp(generator.normal(size=(4, 25)) * (1 + seed)).round(seed % 3) + 1000 * (seed % 2)
    matrix[generator.random(matrix.shape) < 0.4] = GAP
    expected = krippendorff.alpha(reliability_data=matrix, level_of_measurement=level)
    assert alpha_of(level, table_of(matrix)) == pytest.approx(expected, abs=1e-9)


def test_both_ways_through_the_ordinal_statistic_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(np.random.default_rng(1).integers(0, 6, size=(4, 30)).astype(float), units_a_task=3)
    weights = np.random.default_rng(2).integers(0, 3, size=(9, table.tasks)).astype(float)
    by_pairs = ordinal_alpha(table)
    assert isinstance(by_pairs, OrdinalAlpha)
    monkeypatch.setattr(ordinal, "MOST_VALUES", 2)
    by_judgments = ordinal_alpha(table)
    assert isinstance(by_judgments, ManyValuedOrdinalAlpha)
    np.testing.assert_allclose(by_pairs.evaluate(weights), by_judgments.evaluate(weights), atol=1e-12)


@pytest.mark.parametrize("level", ALPHAS)
def test_a_task_that_counts_twice_is_as_good_as_two_alike(level: str) -> None:
    matrix = np.random.default_rng(5).integers(0, 4, size=(3, 6)).astype(float)
    statistic = ALPHAS[level](table_of(matrix))
    weights = np.array([[2.0, 1, 0, 3, 1, 1]])
    repeated = np.repeat(matrix, weights[0].astype(int), axis=1)
    assert statistic.evaluate(weights)[0] == pytest.approx(alpha_of(level, table_of(repeated)), abs=1e-12)


@pytest.mark.parametrize("level", ALPHAS)
@given(matrices, st.randoms(use_true_random=False))
def test_names_and_order_of_rows_do_not_matter(level: str, matrix: np.ndarray, random: object) -> None:
    annotator, unit = np.nonzero(~np.isnan(matrix))
    order = np.arange(len(unit))
    random.shuffle(order)
    names = np.array([f"u{(7 * number) % 11}" for number in range(matrix.shape[1])])
    people = np.array([f"p{-number}" for number in range(matrix.shape[0])])
    renamed = build_table(
        task_id=names[unit][order],
        unit_id=names[unit][order],
        annotator_id=people[annotator][order],
        value=matrix[annotator, unit][order],
    )
    table = table_of(matrix)
    np.testing.assert_allclose(alpha_of(level, renamed), alpha_of(level, table), atol=1e-12)
    assert renamed.dropped == table.dropped


@pytest.mark.parametrize("level", ALPHAS)
@given(arrays(float, 6, elements=st.integers(0, 18)))
def test_perfect_agreement_is_one(level: str, answers: np.ndarray) -> None:
    assume(len(np.unique(answers)) > 1)
    assert alpha_of(level, table_of([answers, answers, answers])) == 1


@pytest.mark.parametrize("level", ALPHAS)
@given(matrices)
def test_alpha_is_never_above_one(level: str, matrix: np.ndarray) -> None:
    value = alpha_of(level, table_of(matrix))
    assert np.isnan(value) or value <= 1


@pytest.mark.parametrize("level", ALPHAS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1, -7.3])
def test_one_value_throughout_is_undefined_not_zero(level: str, value: float) -> None:
    assert np.isnan(alpha_of(level, table_of(np.full((3, 40), value))))


def test_a_ratio_scale_has_no_negative_values() -> None:
    assert np.isnan(alpha_of("ratio", table_of([[-1, 2, 3], [-1, 2, 4]])))


def test_amounts_of_very_different_size_keep_their_digits() -> None:
    matrix = np.exp(8 * np.random.default_rng(2).normal(size=(3, 150)))
    expected = krippendorff.alpha(reliability_data=matrix, level_of_measurement="ratio")
    table = table_of(matrix)
    assert isinstance(ratio_alpha(table), ManyValuedRatioAlpha)
    assert alpha_of("ratio", table) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("level", ALPHAS)
def test_a_resample_with_one_value_only_is_undefined(level: str) -> None:
    statistic = ALPHAS[level](table_of([[0.1, 0.1, 0.7, 9.3], [0.1, 0.1, 0.7, 2.2]]))
    drawn = statistic.evaluate(np.array([[2.0, 2, 0, 0], [0, 0, 4, 0], [1, 1, 1, 1]]))
    assert np.isnan(drawn).tolist() == [True, True, False]


def test_units_judged_once_are_dropped_and_counted() -> None:
    table = table_of(KRIPPENDORFF_2011)
    assert (table.units, table.judgments, table.dropped) == (11, 40, 1)


def test_many_distinct_values_need_memory_in_proportion_to_the_data() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=30_000)
    matrix = np.stack([truth + generator.normal(size=truth.size) for _ in range(2)])
    table = table_of(matrix)
    statistic = ordinal_alpha(table)
    assert len(table.values) == 60_000
    assert isinstance(statistic, ManyValuedOrdinalAlpha)
    assert len(count_values(table).column) == 60_000
    # Two judgments of equal reliability correlate at 1/2, and so do their ranks, nearly (6/pi asin(r/2) = 0.483).
    assert alpha_of("interval", table) == pytest.approx(0.5, abs=0.02)
    assert alpha_of("ordinal", table) == pytest.approx(0.483, abs=0.02)


def test_a_second_judgment_of_one_unit_by_the_same_person_is_refused() -> None:
    with pytest.raises(ValueError, match="annotator ann judged unit u more than once"):
        build_table(
            task_id=np.array(["t"] * 3),
            unit_id=np.array(["u"] * 3),
            annotator_id=np.array(["ann", "bob", "ann"]),
            value=np.array([1.0, 2.0, 1.0]),
        )


def test_a_unit_of_two_tasks_is_refused() -> None:
    with pytest.raises(ValueError, match="unit u belongs to more than one task"):
        build_table(
            task_id=np.array(["t", "s"]),
            unit_id=np.array(["u", "u"]),
            annotator_id=np.array(["ann", "bob"]),
            value=np.array([1.0, 2.0]),
        )
