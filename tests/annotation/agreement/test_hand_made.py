"""Thirty hand-made tables: every statistic against an independent implementation, to nine digits."""

from collections.abc import Callable

import krippendorff
import numpy as np
import pandas
import pingouin
import pytest
from crowdkit.metrics.data import alpha_krippendorff
from scipy.stats import friedmanchisquare, kendalltau, spearmanr
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss_oracle

from annotation.agreement.cohen import Weights, cohen_kappa, share_units
from annotation.agreement.concordance import kendall_w, spearman
from annotation.agreement.fleiss import fleiss_kappa
from annotation.agreement.icc import one_way_icc, two_way_icc
from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.panels import find_panel
from annotation.agreement.ratio import ratio_alpha
from annotation.agreement.statistic import Statistic
from tests.annotation.agreement.hand_made import CASES, matrix_of
from tests.annotation.agreement.judgments import table_of, tau_of, value_of

ALPHAS: dict[str, Callable[[JudgmentTable], Statistic]] = {
    "nominal": nominal_alpha, "ordinal": ordinal_alpha, "interval": interval_alpha, "ratio": ratio_alpha,
}  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES)


def close(value: float) -> object:
    return pytest.approx(value, abs=1e-9, nan_ok=True)


def complete(case: str) -> np.ndarray:
    """[annotators, units] the units that everybody judged."""
    matrix = matrix_of(case)
    return matrix[:, ~np.isnan(matrix).any(axis=0)]


def test_there_are_thirty() -> None:
    assert len(CASES) == 30


@every_case
@pytest.mark.parametrize("level", ALPHAS)
def test_alpha(case: str, level: str) -> None:
    expected = krippendorff.alpha(reliability_data=matrix_of(case), level_of_measurement=level)
    table = table_of(matrix_of(case))
    assert value_of(ALPHAS[level](table), table.tasks) == close(expected)


@every_case
@pytest.mark.parametrize("level", ["nominal", "interval"])
def test_alpha_by_a_second_oracle(case: str, level: str) -> None:
    matrix = matrix_of(case)
    worker, task = np.nonzero(~np.isnan(matrix))
    rows = pandas.DataFrame({"task": task, "worker": worker, "label": matrix[worker, task]})
    rows = rows[rows.groupby("task")["worker"].transform("size") > 1]
    distance = (
        (lambda one, other: (one - other) ** 2) if level == "interval" else (lambda one, other: float(one != other))
    )
    table = table_of(matrix)
    assert value_of(ALPHAS[level](table), table.tasks) == close(alpha_krippendorff(rows, distance))


@every_case
@pytest.mark.parametrize("weights", ["plain", "linear", "quadratic"])
def test_cohen(case: str, weights: Weights) -> None:
    table, matrix = table_of(matrix_of(case)), matrix_of(case)
    both = matrix[:2][:, ~np.isnan(matrix[:2]).any(axis=0)]
    labels = np.arange(int(both.min()), int(both.max()) + 1)
    expected = cohen_kappa_score(both[0], both[1], weights=None if weights == "plain" else weights, labels=labels)
    shared = share_units(table, 0, 1)
    assert value_of(cohen_kappa(shared, weights=weights), shared.tasks) == close(expected)


@every_case
def test_fleiss(case: str) -> None:
    matrix = complete(case)
    if matrix.shape[1] < 2:
        matrix = np.array([[1.0, 2, 3], [1, 2, 2]])
    expected = fleiss_oracle(aggregate_raters(matrix.T)[0])
    assert value_of(fleiss_kappa(table_of(matrix)), matrix.shape[1]) == close(expected)


@pytest.mark.parametrize("case", [case for case in CASES if complete(case).shape[1] > 4])
def test_icc(case: str) -> None:
    matrix = complete(case)
    rater, target = np.indices(matrix.shape)
    rows = pandas.DataFrame({"t": target.ravel(), "r": rater.ravel(), "s": matrix.ravel()})
    expected = pingouin.intraclass_corr(rows, "t", "r", "s").set_index("Type")["ICC"]
    panel = find_panel(table_of(matrix))
    found = [
        one_way_icc(panel), one_way_icc(panel, average=True),
        *(two_way_icc(panel, case=number, average=average) for number in (2, 3) for average in (False, True)),
    ]  # fmt: skip
    names = ["ICC(1,1)", "ICC(1,k)", "ICC(A,1)", "ICC(A,k)", "ICC(C,1)", "ICC(C,k)"]
    for name, statistic in zip(names, found, strict=True):
        if np.isfinite(expected[name]):
            assert value_of(statistic, panel.tasks) == close(expected[name]), name


@every_case
def test_rankings(case: str) -> None:
    """The units taken as responses that the annotators rank."""
    matrix = complete(case) if complete(case).shape[1] > 2 else np.array([[1.0, 2, 2], [3, 1, 2]])
    one, other = matrix[:2]
    if np.ptp(one) and np.ptp(other):
        assert spearman(one[None], other[None])[0] == close(spearmanr(one, other).statistic)
        assert tau_of(one, other) == close(kendalltau(one, other).statistic)
    if len(matrix) > 2:
        chi2 = friedmanchisquare(*matrix.T).statistic
        assert kendall_w(matrix[None])[0] == close(chi2 / (len(matrix) * (matrix.shape[1] - 1)))
