"""Intraclass correlations: Shrout and Fleiss's table, intervals, and data with gaps."""

import numpy as np
import pytest

from annotation.agreement.icc import icc_interval, one_way_icc, two_way_icc
from annotation.agreement.panels import find_panel
from tests.annotation.agreement.judgments import GAP, table_of, value_of
from tests.annotation.agreement.published import SHROUT_FLEISS_1979


def all_six(matrix: object) -> list:
    table = find_panel(table_of(matrix))
    two_way = [two_way_icc(table, case=case, average=average) for average in (False, True) for case in (2, 3)]
    return [one_way_icc(table), *two_way[:2], one_way_icc(table, average=True), *two_way[2:]]


def test_published_values_come_out_to_the_printed_digits() -> None:
    found = [round(value_of(each, 6), 2) for each in all_six(np.transpose(SHROUT_FLEISS_1979))]
    assert found == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


def test_intervals_are_those_of_another_implementation() -> None:
    """pingouin 0.7.0 on the same table, which rounds to two digits."""
    ends = [
        icc_interval(each, each.columns.sum(axis=0), confidence=0.95)
        for each in all_six(np.transpose(SHROUT_FLEISS_1979))
    ]
    rounded = [tuple(round(end, 2) for end in pair) for pair in ends]
    assert rounded == [(-0.13, 0.72), (0.02, 0.76), (0.34, 0.95), (-0.88, 0.91), (0.07, 0.93), (0.68, 0.99)]


def test_unequal_numbers_of_judgments_by_hand() -> None:
    """Units (1, 3), (5, 5, 8): means 2 and 6, grand 4.4; between 2*2.4^2 + 3*1.6^2 = 19.2, within (2 + 6) / 3;
    k0 = 5 - 13/5 = 2.4."""
    table = table_of([[1, 5], [3, 5], [GAP, 8]])
    within = 8 / 3
    assert value_of(one_way_icc(table), 2) == pytest.approx((19.2 - within) / (19.2 + 1.4 * within))
    assert value_of(one_way_icc(table, average=True), 2) == pytest.approx((19.2 - within) / 19.2)


def test_constant_severity_is_forgiven_by_case_three_alone() -> None:
    one_way, absolute, consistent, *_ = (
        value_of(each, 5) for each in all_six([[1, 2, 3, 4, 5], [3, 4, 5, 6, 7]])
    )  # fmt: skip
    assert consistent == pytest.approx(1)
    assert absolute < 0.6
    assert one_way < absolute


def test_the_panel_that_covers_most_is_taken() -> None:
    table = table_of([[1, 2, 3, 4, 5], [1, 3, 3, 4, 5], [2, 2, 3, 4, 5], [GAP, GAP, GAP, 1, GAP]])
    panel = find_panel(table)
    assert (panel.units, panel.annotators, panel.judgments, panel.dropped) == (5, 3, 15, 1)


def test_without_two_units_in_common_there_is_no_panel() -> None:
    assert find_panel(table_of([[1, 2, GAP], [1, GAP, 3], [GAP, 2, 3]])).units == 0


def test_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="by the same people"):
        two_way_icc(table_of([[1, 2, GAP], [1, 2, 3], [2, 2, 3]]), case=2)


@pytest.mark.parametrize("value", [0.1, 4.0, 1e7 + 0.1])
def test_one_score_throughout_is_undefined(value: float) -> None:
    for each in all_six(np.full((3, 5), value)):
        assert np.isnan(value_of(each, 5))
        assert icc_interval(each, each.columns.sum(axis=0), confidence=0.95) is None


def test_close_scores_far_from_zero_keep_their_digits() -> None:
    matrix = np.random.default_rng(0).normal(size=(3, 30))
    for near, far in zip(all_six(matrix), all_six(matrix + 1e8), strict=True):
        assert value_of(far, 30) == pytest.approx(value_of(near, 30), abs=1e-6)
